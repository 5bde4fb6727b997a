"""The trace as the audit administrator searches it: who did what to which record, when, from where."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import abort, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import masking, registry
from app.clock import local
from app.disclosure import PURPOSES
from app.history import search
from app.history.relations import relations
from app.history.search import Entry, Wanted
from app.language import Text, _, _l, listed
from app.lookup import DatabaseLookup
from app.queries import QueryError
from app.register import Record, children, fields
from app.roles import ROLE_LABELS, Role
from app.scopes import Scope, scope_of
from views.editing import Answer
from views.history import ACTS, ROADS, actor_in_words
from views.lines import SIZE, day_of, here
from views.pages import current_session, people, render

#: what tables outside the registers hold
FRAME: dict[str, Text] = {
    "ab_user": _l("账号"),
    "ab_user_role": _l("账号的角色"),
    "ab_user_group": _l("账号所在的用户组"),
    "ab_group_role": _l("用户组的角色"),
    "ab_permission_view_role": _l("角色的权限"),
    "disclosure": _l("脱敏授权"),
}
#: what happens beside changes of rows
EVENTS: dict[str, Text] = {
    "export": _l("导出"),
    "reveal": _l("查看完整信息"),
    "truncate": _l("清空整表"),
    "sign_in": _l("登录"),
    "sign_in_failed": _l("登录失败"),
    "sign_out": _l("退出登录"),
    "session_ended": _l("登录被结束"),
    "locked": _l("锁定"),
    "unlocked": _l("解锁"),
    "refused": _l("无权操作，被拒绝"),
    "account_added": _l("新增账号"),
    "account_switched": _l("启用或停用账号"),
    "password_changed": _l("改密码"),
    "roles_changed": _l("改角色"),
    "two_step_on": _l("打开两步验证"),
    "two_step_off": _l("关闭两步验证"),
}
#: what an event says of itself
DETAILS: dict[str, Text] = {
    "subject": _l("对象"),
    "register": _l("登记"),
    "count": _l("数量"),
    "bytes": _l("字节"),
    "path": _l("地址"),
    "filters": _l("筛选"),
    "before": _l("原来"),
    "after": _l("改为"),
    "why": _l("原因"),
    "roles": _l("角色"),
    "number": _l("导出编号"),
    "purpose": _l("用途"),
    "note": _l("说明"),
    "fields": _l("查看的栏目"),
    "grant": _l("授权编号"),
    "clear": _l("完整信息"),
}


def may_audit(scope: Scope) -> bool:
    """Whether somebody may search the trace."""
    return Role.AUDIT_ADMIN in scope.actor.roles


def titles() -> dict[str, Text]:
    """What people call each traced table."""
    found: dict[str, Text] = {cls.__tablename__: cls.__title__ for cls in registry.tables()}
    return {relation.name: found.get(relation.name) or FRAME.get(relation.name, relation.name) for relation in relations()}


def kind_label(kind: str) -> str:
    """What people call a kind of entry."""
    return str(ACTS.get(kind) or EVENTS.get(kind) or kind)


@dataclass(frozen=True)
class Shown:
    """An entry as a line of the page."""

    entry: Entry
    when: str
    who: str
    act: str
    subject: str
    fields: str
    road: str
    link: str


class AuditView(BaseView):  # type: ignore[misc]
    """Search the trace."""

    route_base = "/audit"
    class_permission_name = "audit"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("read")
    def index(self) -> Answer:
        """The newest entries that answer."""
        session = current_session()
        connection = session.connection()
        found = search.find(connection, _wanted(), SIZE + 1, _number("before"))
        older = here(before=found[SIZE - 1].id) if len(found) > SIZE else ""
        names = people(session, {entry.actor for entry in found})
        lines = [_shown(entry, names) for entry in found[:SIZE]]
        kinds = [(kind, kind_label(kind)) for kind in search.kinds(connection)]
        roads = [(key, str(label)) for key, label in ROADS.items()]
        return render("accounts/audit.html", lines=lines, older=older, titles=titles(), kinds=kinds, roads=roads, args=request.args)

    @expose("/<int:number>", methods=("GET",))
    @has_access
    @permission_name("read")
    def entry(self, number: int) -> Answer:
        """One entry: the act, what it changed, its place in the chain."""
        session = current_session()
        entry = search.one(session.connection(), number) if number < 2**63 else None
        if entry is None:
            abort(404)
        shown = _shown(entry, people(session, {entry.actor}))
        roles = listed(str(ROLE_LABELS[Role(name)]) for name in entry.roles.split() if name in set(Role))
        return render("accounts/audit_entry.html", shown=shown, entry=entry, roles=roles, changes=_changes(entry), details=_details(entry))


def _wanted() -> Wanted:
    args = request.args
    texts = {name: args.get(name, "").strip() for name in ("actor", "relation", "kind", "road", "number")}
    return Wanted(**texts, row=_number("row"), batch=_number("batch"), first=day_of(args, "first"), last=day_of(args, "last"))


def _number(name: str) -> int | None:
    """A number among the arguments; QueryError when it is none."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 18):
        raise QueryError(_l("“%(name)s”应为 1 到 %(most)s 的整数", name=name, most=10**17))
    return int(text)


def _class_of(relation: str) -> type[Record] | None:
    return next((cls for cls in registry.tables() if cls.__tablename__ == relation), None)


def _shown(entry: Entry, names: dict[str, str]) -> Shown:
    who = actor_in_words(names, entry.actor)
    title = str(titles().get(entry.relation, entry.relation))
    subject = f"{title} #{entry.row}" if entry.row is not None else title or dict(_details(entry)).get(str(DETAILS["subject"]), "")
    when = f"{local(entry.at):%Y-%m-%d %H:%M:%S}" if entry.at else "—"
    labels = [label for label, _old, _new in _changes(entry)] if entry.kind == "update" else []
    road = str(ROADS.get(entry.road, entry.road))
    return Shown(entry, when, who, kind_label(entry.kind), subject, listed(labels[:6]), road, url_for("AuditView.entry", number=entry.id))


def _changes(entry: Entry) -> list[tuple[str, str, str]]:
    """The fields that an entry changed: label, old and new text; sensitive values masked."""
    cls, old = _class_of(entry.relation), entry.before or {}
    if cls is None:
        keys = [key for key in entry.values if entry.values[key] != old.get(key)]
        return [(key, _plain(old.get(key)), _plain(entry.values[key])) for key in keys]
    session = current_session()
    scope, lookup = scope_of(session), DatabaseLookup(session)
    found = []
    for declared in fields(cls):
        before, after = old.get(declared.attr), entry.values.get(declared.attr)
        if before != after:
            show = masking.shower(scope, declared, lookup)
            found.append((str(declared.label), show(before), show(after)))
    voided = entry.values.get("void_reason")
    return found + ([(_("作废原因"), "", str(voided))] if voided and not old.get("void_reason") else [])


def _plain(value: Any) -> str:
    return "" if value is None else listed(map(str, value)) if isinstance(value, list) else str(value)


def _worded(entry: Entry, key: str, value: Any) -> str:
    """A detail in words: purposes, and the fields that somebody has looked at."""
    cls = _class_of(entry.relation)
    if key == "purpose":
        return str(PURPOSES.get(value, value))
    if key == "fields" and cls is not None and isinstance(value, list):
        known = {f"{kind.__key__}.{each.key}": f"{kind.__title__} {each.label}" for kind in children(cls) for each in fields(kind)}
        known |= {each.key: str(each.label) for each in fields(cls)}
        return listed(known.get(name, name) for name in value)
    return _("是") if value is True else _plain(value)


def _details(entry: Entry) -> list[tuple[str, str]]:
    """What an entry that is not about a row's values says."""
    if entry.values or not entry.image:
        return []
    try:
        return [(str(DETAILS.get(key, key)), _worded(entry, key, value)) for key, value in json.loads(entry.image).items() if value not in ("", [], None)]
    except (ValueError, AttributeError):
        return [("", entry.image)]
