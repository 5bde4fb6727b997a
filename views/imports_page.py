"""我的导入: a person's imports across the registers, and the way back to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import abort, request
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session

from app import registry
from app.clock import local
from app.language import Text, _
from app.queries import QueryError
from app.roles import Verb
from app.scopes import Scope, scope_of
from imports.batch import ImportBatch
from views.editing import Answer
from views.import_batches import batch_states
from views.lines import here, page_number
from views.pages import current_session, link_to, reader, render

SIZE = 50


def may_import(scope: Scope) -> bool:
    """Whether somebody may import into any register."""
    return any(scope.may(entry.register, Verb.IMPORT) for entry in registry.entries())


def imports_something() -> bool:
    """Whether the reader of this page may; for the menu of the frame, also where a request was refused before anybody acted."""
    session = current_session()
    return "scope" in session.info and may_import(reader(session))


@dataclass(frozen=True)
class Line:
    """A batch on the page; `link` is empty where its person may not import into the register any more."""

    file: str
    link: str
    register: Text
    at: str
    state: str
    said: str
    result: str


@dataclass(frozen=True)
class Page:
    """A window of batches, and the way to the others."""

    lines: list[Line]
    number: int
    count: int

    @property
    def pages(self) -> int:
        """How many windows there are, one at least."""
        return max(1, -(-self.count // SIZE))

    def step(self, by: int) -> str:
        """The address of the window before or after; empty at the ends."""
        return here(page=self.number + by) if 1 <= self.number + by <= self.pages else ""


class ImportsView(BaseView):  # type: ignore[misc]
    """A person's imports: how far they have come, and what became of them."""

    route_base = "/imports"
    class_permission_name = "imports"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("read")
    def index(self) -> Answer:
        """The reader's imports, the newest first."""
        session = current_session()
        try:
            number = page_number(request.args)
        except QueryError:
            abort(400)
        return render("imports/index.html", page=_page(session, number))


def _page(session: Session, number: int) -> Page:
    mine = ImportBatch.operator == scope_of(session).actor.username
    count = session.scalar(sa.select(sa.func.count(ImportBatch.id)).where(mine)) or 0
    batches = session.scalars(sa.select(ImportBatch).where(mine).order_by(ImportBatch.id.desc()).limit(SIZE).offset((number - 1) * SIZE)).all()
    words, scope = batch_states(), scope_of(session)
    return Page([_line(scope, batch, words) for batch in batches], number, count)


def _line(scope: Scope, batch: Any, words: dict[str, str]) -> Line:
    cls = registry.find(batch.register)
    may = cls is not None and scope.may(cls, Verb.IMPORT)
    link = link_to(cls, "preview", batch_id=batch.id) if may and cls is not None else ""
    counts = batch.counts or {}
    waits = batch.state == "planned" and counts
    result = (
        _("新增 %(new)s，更新 %(changed)s，有问题 %(wrong)s 行", **{name: counts.get(name, 0) for name in ("new", "changed", "wrong")})
        if waits
        else batch.message
    )
    title = cls.__title__ if cls is not None else batch.register
    return Line(batch.file_name, link, title, f"{local(batch.created_at):%Y-%m-%d %H:%M}", batch.state, words.get(batch.state, batch.state), result or "—")


__all__ = ["ImportsView", "imports_something", "may_import"]
