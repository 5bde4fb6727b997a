"""The roles as people read them: who may do what in which register, out of the one role table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_appbuilder.security.sqla.models import Permission, PermissionView, ViewMenu, assoc_permissionview_role
from flask_appbuilder.security.sqla.models import Role as RoleRow
from sqlalchemy.orm import Session, selectinload

from app import registry
from app.accounts import Account
from app.fields import Gate
from app.language import Text, _l
from app.registry import Entry
from app.roles import Grant, Role, Rows, Verb
from app.scopes import scope_of

#: each verb in full, and as one character for the table
VERBS: Mapping[Verb, tuple[Text, Text]] = {
    Verb.READ: (_l("查看"), _l("看")),
    Verb.ADD: (_l("新增"), _l("增")),
    Verb.EDIT: (_l("修改"), _l("改")),
    Verb.VOID: (_l("作废"), _l("废")),
    Verb.IMPORT: (_l("导入"), _l("入")),
    Verb.EXPORT: (_l("导出"), _l("出")),
}
ROWS: Mapping[Rows, Text] = {
    Rows.NONE: _l("无"),
    Rows.PUBLISHED: _l("已公开"),
    Rows.OWN: _l("本股室"),
    Rows.OWN_OR_PUBLISHED: _l("本股室和已公开"),
    Rows.REGIONS: _l("本地区"),
    Rows.ALL: _l("全部"),
}
GATES: Mapping[Gate, Text] = {
    Gate.ORDINARY: _l("登记内容"),
    Gate.ASSIGN: _l("分派股室和经办人"),
    Gate.APPROVAL: _l("审批状态"),
    Gate.LEGAL: _l("法制审核意见"),
    Gate.SUPERVISION: _l("监督意见"),
}
#: views of the frame that have no title of their own
_FRAME_WORDS: Mapping[str, Text] = {
    "UserDBModelView": _l("账号"),
    "ResetMyPasswordView": _l("修改自己的密码"),
    "ResetPasswordView": _l("重设别人的密码"),
    "UserInfoEditView": _l("修改自己的姓名"),
    "signins": _l("我的登录"),
    "imports": _l("我的导入"),
    "exports": _l("我的导出"),
    "account_security": _l("登录安全"),
    "help": _l("帮助"),
    "desk": _l("工作台"),
    "overview": _l("总览"),
    "SearchView": _l("查找"),
    "MenuApi": _l("菜单（接口）"),
    "OpenApi": _l("接口说明"),
    "SwaggerView": _l("接口文档"),
}
_ACTIONS: Mapping[str, Text] = {"list": _l("查看"), "show": _l("查看"), "get": _l("查看"), "add": _l("新增"), "edit": _l("修改"), "delete": _l("删除")}


@dataclass(frozen=True)
class Line:
    """What one role may do in one register."""

    entry: Entry
    grant: Grant

    @property
    def verbs(self) -> frozenset[Verb]:
        return self.grant.verbs

    @property
    def reads(self) -> Text:
        """Which rows it reads."""
        return ROWS[self.grant.read]

    @property
    def reads_short(self) -> Text:
        """The same in a word or two, for the table of all roles."""
        return ROWS[Rows.OWN] if self.grant.read is Rows.OWN_OR_PUBLISHED else self.reads

    @property
    def writes(self) -> Text:
        """Which rows it writes."""
        return ROWS[self.grant.write]

    @property
    def gates(self) -> list[Text]:
        """Which parts of a record it writes."""
        return [GATES[gate] for gate in Gate if gate in self.grant.gates and gate in GATES]

    @property
    def until_approved(self) -> bool:
        """Whether it writes only while the record is not published."""
        return self.grant.until_approved


NOTHING = Grant()


def areas(role: Role | None = None) -> list[tuple[Text, list[tuple[Entry, list[Line]]]]]:
    """The registers by area, each with a line per role (or for one)."""
    grouped: dict[str, tuple[Text, list[tuple[Entry, list[Line]]]]] = {}
    for entry in registry.entries():
        lines = [Line(entry, entry.rights.get(each, NOTHING)) for each in ([role] if role else Role)]
        grouped.setdefault(str(entry.area), (entry.area, []))[1].append((entry, lines))
    return list(grouped.values())


def outside(session: Session, role: Role) -> list[tuple[str, list[str]]]:
    """What a role may do outside the registers: the page, and what with it."""
    found: dict[str, list[str]] = {}
    registers = {entry.register.__key__ for entry in registry.entries()} | {str(entry.area) for entry in registry.entries()}
    for permission, view in sorted(_granted(session, role)):
        if permission != "menu_access" and view not in registers:
            words = found.setdefault(_title(view), [])
            word = str(_ACTIONS.get(permission.removeprefix("can_"), _l("使用")))
            if word not in words:
                words.append(word)
    return sorted(found.items())


def _granted(session: Session, role: Role) -> set[tuple[str, str]]:
    link = assoc_permissionview_role
    statement = (
        sa.select(Permission.name, ViewMenu.name)
        .join(PermissionView, PermissionView.permission_id == Permission.id)
        .join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
        .join(link, link.c.permission_view_id == PermissionView.id)
        .join(RoleRow, RoleRow.id == link.c.role_id)
        .where(RoleRow.name == role.value)
    )
    return {(permission, view) for permission, view in session.execute(statement)}


def _title(view: str) -> str:
    """What a view's pages are called; its name in the code when nobody gave it a title."""
    if view in _FRAME_WORDS:
        return str(_FRAME_WORDS[view])
    found = next((each for each in current_app.appbuilder.baseviews if each.class_permission_name == view), None)  # type: ignore[attr-defined]
    lines = current_app.extensions.get("pages", ())
    label = next((line.label for line in lines if found is not None and line.endpoint.startswith(f"{found.endpoint}.")), "")
    return str(label or getattr(found, "list_title", "") or getattr(found, "form_title", "") or getattr(found, "title", "") or view)


def holders(session: Session) -> dict[Role, list[Account]]:
    """The accounts that have each role, by themselves or through a group."""
    found: dict[Role, list[Account]] = {role: [] for role in Role}
    people: Any = session.scalars(sa.select(Account).options(selectinload(Account.roles), selectinload(Account.org_unit)).order_by(Account.username))
    for account in people:
        names = {role.name for role in (*account.roles, *(role for group in account.groups for role in group.roles))}
        for role in Role:
            if role.value in names:
                found[role].append(account)
    return found


def own(session: Session) -> list[tuple[Text, list[tuple[Text, list[Text]]]]]:
    """What the reader may do, by area: the register and the verbs."""
    scope = scope_of(session)
    grouped: dict[str, tuple[Text, list[tuple[Text, list[Text]]]]] = {}
    for entry in registry.entries():
        verbs = [word for verb, (word, _mark) in VERBS.items() if scope.may(entry.register, verb)]
        if verbs:
            grouped.setdefault(str(entry.area), (entry.area, []))[1].append((entry.register.__title__, verbs))
    return list(grouped.values())
