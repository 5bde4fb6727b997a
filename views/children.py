"""The children of a record: their forms as pages of their own, or in place in the record's page."""

from __future__ import annotations

from typing import Any

from flask import abort, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session

from app.language import _
from app.register import Child, Record, Register, children, values_of
from app.scopes import NotPermitted, scope_of
from views.editing import Answer, Editor
from views.in_place import asked_in_place
from views.pages import current_session, find, find_child, link_to, render
from views.record import RecordPage
from views.voiding import void_one


class Children:
    """The pages of a register's children; mixed into its view."""

    cls: type[Register]

    @expose("/<int:pk>/<kind>/add", methods=("GET", "POST"))
    @has_access
    @permission_name("edit")
    def child_add(self, pk: int, kind: str) -> Answer:
        """A new child of a record."""
        editor = self.child_editor(pk, kind)
        return editor.receive(request.form, _("已登记")) if request.method == "POST" else editor.open()

    @expose("/<int:pk>/<kind>/<int:child_id>/edit", methods=("GET", "POST"))
    @has_access
    @permission_name("edit")
    def child_edit(self, pk: int, kind: str, child_id: int) -> Answer:
        """Change a child of a record."""
        editor = self.child_editor(pk, kind, child_id)
        return editor.receive(request.form, _("已保存")) if request.method == "POST" else editor.open()

    @expose("/<int:pk>/<kind>/<int:child_id>/void", methods=("POST",))
    @has_access
    @permission_name("edit")
    def child_void(self, pk: int, kind: str, child_id: int) -> Answer:
        """Void a child of a record; the reason is required."""
        session, child = current_session(), self.kind_of(kind)
        parent, row = find_child(session, self.cls, pk, child, child_id)
        reason = scope_of(session).refuses_child(child, values_of(parent))
        if reason is not None:
            raise NotPermitted(reason)
        return void_one(session, row, self._home(pk, kind))

    def child_editor(self, pk: int, kind: str, child_id: int | None = None) -> Editor:
        """The form of a new child (no number) or an existing one."""
        session, child = current_session(), self.kind_of(kind)
        row: Any = None
        if child_id is None:
            parent = find(session, self.cls, pk)
        else:
            parent, row = find_child(session, self.cls, pk, child, child_id)
        editor = Editor(session, child, self._home(pk, kind), row, parent)
        if asked_in_place():
            editor.in_place = lambda record: self._row(session, parent, record)
        return editor

    def _row(self, session: Session, parent: Register, record: Record) -> str:
        """The row of a child in the table of the record's page."""
        page = RecordPage(session, self.cls, parent)
        return render("register/child_row.html", page=page, line=page.line(record))

    def _home(self, pk: int, kind: str) -> str:
        return f"{link_to(self.cls, 'show', pk=pk)}#{kind}"

    def kind_of(self, key: str) -> type[Child]:
        """The children of that name; 404 when the register has none."""
        found = next((child for child in children(self.cls) if child.__key__ == key), None)
        return found or abort(404)
