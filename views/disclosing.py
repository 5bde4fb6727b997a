"""A record's sensitive values in clear, for a purpose; a register's file in clear, with consent. Mixed into a register's view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import flash, make_response, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import disclosure, masking, revealing
from app.audit import export_number
from app.clock import local, now, today
from app.disclosure import PURPOSES, Unsaid
from app.language import Text, _, _l, chinese
from app.lookup import DatabaseLookup
from app.queries import read_ids, read_listing
from app.register import Child, Register, field_map
from app.revealing import Part, Seen, TooMany
from app.scopes import NotPermitted, scope_of
from imports import export
from views.downloads import facts_of, sent, written
from views.editing import Answer
from views.pages import current_session, find, link_to, render
from views.record import Action, RecordPage


@dataclass(frozen=True)
class Shown:
    """The record or one of its children, with what it holds."""

    title: str
    lines: Sequence[tuple[str, str]]


class Disclosing:
    """The addresses at which something is shown in clear."""

    cls: type[Register]

    @expose("/reveal/<int:pk>", methods=("GET", "POST"))
    @has_access
    @permission_name("read")
    def reveal(self, pk: int) -> Answer:
        """What for; then the sensitive values of a record and its children, noted before they are shown."""
        session = current_session()
        row = find(session, self.cls, pk)
        if not revealing.may_reveal(scope_of(session), self.cls):
            raise NotPermitted(_l("您没有“敏感信息查看”的角色，不能查看完整信息"))
        if request.method == "GET":
            return _asking(session, self.cls, row)
        if not revealing.secrets_of(session, row):
            flash(_("这条记录没有被遮盖的内容"), "info")
            return redirect(link_to(self.cls, "show", pk=pk))
        try:
            seen = revealing.reveal(session, row, request.form.get("purpose", ""), request.form.get("note", ""))
        except Unsaid as error:
            return _asking(session, self.cls, row, error.message, 422, error.field)
        except TooMany as error:
            return _asking(session, self.cls, row, error.message, 429)
        return _showing(session, self.cls, row, seen)

    @expose("/export-clear", methods=("POST",))
    @has_access
    @permission_name("export")
    def export_clear(self) -> Response:
        """The list with the filters in force as one workbook in clear; it uses up a consent."""
        session = current_session()
        found = disclosure.usable(session, self.cls)
        if not found:
            raise NotPermitted(_l("没有可用的授权。请先在“脱敏授权”里申请导出完整信息。"))
        grant, number, tests = found[0], export_number(), chosen_rows(session, self.cls, request.args.to_dict(flat=False))
        stamp = export.Stamp(number, words_across(scope_of(session).actor.full_name, number))
        out, count = written(lambda file: export.write(session, self.cls, file, "xlsx", tests, stamp))
        name = f"{file_name(self.cls)}_完整信息"
        try:
            disclosure.hand_out(session, grant, number, facts_of(name, "xlsx", out, count, self.cls.__key__))
        except BaseException:
            out.close()
            raise
        return sent(out, name, "xlsx", number)


def words_across(name: str, number: str) -> str:
    """What stands across a file in clear: whose it is, since when, that it stays in the house."""
    return f"内部资料 严禁外传 · {name} · {local(now()):%Y-%m-%d %H:%M} · 导出编号 {number}"


def chosen_rows(session: Session, cls: type[Register], args: Mapping[str, Sequence[str]]) -> list[sa.ColumnElement[bool]]:
    """The tests of what an export asks for: the filters in force, or the ticked records."""
    tests = read_listing(session, cls, args, DatabaseLookup(session)).conditions()
    if "ids" in args:
        tests.append(cls.id.in_(read_ids(args["ids"])))
    return tests


def file_name(cls: type[Register]) -> str:
    """What an export of the register is called."""
    return f"{chinese(cls.__title__)}{today():%Y%m%d}"


def _asking(session: Session, cls: type[Register], row: Any, wrong: Text = "", status: int = 200, field: str = "") -> Answer:
    record = RecordPage(session, cls, row)
    username = record.scope.actor.username
    most, done = revealing.allowed_today(session, username), revealing.looked_today(session.connection(), username)
    typed = {name: request.form.get(name, "") for name in ("purpose", "note")}
    facts = {"purposes": PURPOSES, "most": most, "left": max(0, most - done), "wrong": wrong, "field": field, "typed": typed, "longest": disclosure.LONGEST}
    return render("register/reveal.html", record=record, cls=cls, shown=None, **facts), status


def _showing(session: Session, cls: type[Register], row: Any, seen: Seen) -> Answer:
    lookup = DatabaseLookup(session)
    parts = [_part(session, part, lookup) for part in seen.parts]
    scope = scope_of(session)
    said = _(
        "本次查看已记录：%(who)s，%(when)s，用途：%(why)s",
        who=scope.actor.full_name, when=f"{local(seen.at):%Y-%m-%d %H:%M:%S}", why=PURPOSES[request.form["purpose"]],
    )  # fmt: skip
    answer = make_response(render("register/reveal.html", record=RecordPage(session, cls, row), cls=cls, shown=parts, said=said, left=seen.left))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _part(session: Session, part: Part, lookup: DatabaseLookup) -> Shown:
    scope, kind = scope_of(session), type(part.record)
    title = ""
    if isinstance(part.record, Child):
        label = field_map(kind)[kind.__label__]
        name = masking.shown(scope, label, getattr(part.record, label.attr), lookup)
        title = f"{kind.__title__} · {name}" if name else str(kind.__title__)
    clear = scope.in_clear()
    return Shown(title, [(str(declared.label), masking.shown(clear, declared, value, lookup)) for declared, value in part.values])


def reveal_button(page: RecordPage) -> Iterable[Action]:
    """The button that leads to the values in clear, for who may see them, where there are any."""
    if revealing.may_reveal(page.scope, page.cls) and revealing.secrets_of(page.session, page.row):
        yield Action(_l("查看完整信息"), page.address("reveal"), "ti-eye")
