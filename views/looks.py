"""Who looked at a record's sensitive values: a page for staff, and the sheet for the person concerned."""

from __future__ import annotations

from collections.abc import Sequence

from flask import current_app
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session

from app.clock import today
from app.history import looks
from app.language import _
from app.register import Register
from views.editing import Answer
from views.pages import current_session, find, render
from views.record import RecordPage


class LookedAt:
    """The page of a register's records; mixed into its view."""

    cls: type[Register]

    @expose("/history/<int:pk>/looks", methods=("GET",))
    @has_access
    @permission_name("export")
    def looks(self, pk: int) -> Answer:
        """Who looked at a record."""
        session = current_session()
        row = find(session, self.cls, pk)
        page = RecordPage(session, self.cls, row)
        crumbs = ((str(self.cls.__title__), page.address("list")), (page.title, page.address("show")), (_("历史"), page.address("history")))
        return sheet(session, self.cls, row.id, page.title, crumbs)


def sheet(session: Session, cls: type[Register], row: int, label: str, crumbs: Sequence[tuple[str, str]]) -> Answer:
    """The page, which prints as the sheet 个人信息查询记录告知单: whose record it is, and no value of it."""
    found = looks.of_record(session, cls, row)
    facts = {"since": looks.since(session, cls, row), "most": looks.MOST, "bureau": current_app.config["BUREAU_NAME"], "day": today()}
    return render("register/looks.html", cls=cls, label=label, looks=found, crumbs=crumbs, **facts)
