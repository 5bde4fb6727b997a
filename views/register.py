"""The pages of a register: one view class for all of them, `add_register` makes a subclass for each.

Flask-AppBuilder gives the frame, the menu, sign-in and permissions. Nothing about a request is
ever kept on the view object, which serves many threads at once.
"""

from __future__ import annotations

from typing import Any

from flask import abort, request
from flask_appbuilder import AppBuilder
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.clock import local, today
from app.language import _, chinese
from app.lookup import DatabaseLookup
from app.queries import read_listing
from app.register import Child, Register, children, values_of
from app.registry import Entry
from app.roles import Verb
from app.scopes import NotPermitted, scope_of
from imports import export
from views.attachments import Attachments
from views.bulk import Bulk, ids_of
from views.cells import Cells
from views.downloads import made
from views.editing import Answer, Editor, may_void, void_one
from views.listing import ListPage
from views.pages import current_session, endpoint_of, find, find_child, link_to, render
from views.pickers import Pickers
from views.record import RecordPage
from views.uploads import Uploads

WRITERS = {"xlsx": export.to_xlsx, "csv": export.to_csv}


class RegisterView(Pickers, Attachments, Uploads, Bulk, Cells, BaseView):  # type: ignore[misc]
    """List, page, form, children, export of one register."""

    entry: Entry
    cls: type[Register]
    default_view = "list"

    # reading --------------------------------------------------------------------------------

    @expose("/list/", methods=("GET",))
    @has_access
    @permission_name("read")
    def list(self) -> Answer:
        """The records that match, one page of them."""
        session = current_session()
        page = ListPage(session, self.cls, request.args.to_dict(flat=False))
        scope = scope_of(session)
        allowed = {verb.value: scope.may(self.cls, verb) for verb in Verb}
        return render("register/list.html", page=page, cls=self.cls, may=allowed, staff=bool(scope.actor.username))

    @expose("/show/<int:pk>", methods=("GET",))
    @has_access
    @permission_name("read")
    def show(self, pk: int) -> Answer:
        """One record with its children and files."""
        session = current_session()
        row = find(session, self.cls, pk)
        return render("register/show.html", page=RecordPage(session, self.cls, row), row=row, cls=self.cls, local=local)

    # writing --------------------------------------------------------------------------------

    @expose("/add", methods=("GET", "POST"))
    @has_access
    @permission_name("add")
    def add(self) -> Answer:
        """A new record."""
        editor = Editor(current_session(), self.cls, self._page_of("__id__"))
        return editor.receive(request.form, _("已登记")) if request.method == "POST" else editor.open()

    @expose("/edit/<int:pk>", methods=("GET", "POST"))
    @has_access
    @permission_name("edit")
    def edit(self, pk: int) -> Answer:
        """Change a record."""
        session = current_session()
        editor = Editor(session, self.cls, self._page_of(pk), find(session, self.cls, pk))
        return editor.receive(request.form, _("已保存")) if request.method == "POST" else editor.open()

    @expose("/void/<int:pk>", methods=("POST",))
    @has_access
    @permission_name("void")
    def void(self, pk: int) -> Answer:
        """Void a record; the reason is required."""
        session = current_session()
        row = find(session, self.cls, pk)
        may_void(session, self.cls, row)
        return void_one(session, row, self._page_of(pk))

    def _page_of(self, pk: object) -> str:
        return link_to(self.cls, "list").removesuffix("list/") + f"show/{pk}"

    # children -------------------------------------------------------------------------------

    @expose("/<int:pk>/<kind>/add", methods=("GET", "POST"))
    @has_access
    @permission_name("edit")
    def child_add(self, pk: int, kind: str) -> Answer:
        """A new child of a record."""
        session, child = current_session(), self._kind(kind)
        editor = Editor(session, child, f"{self._page_of(pk)}#{kind}", parent=find(session, self.cls, pk))
        return editor.receive(request.form, _("已登记")) if request.method == "POST" else editor.open()

    @expose("/<int:pk>/<kind>/<int:child_id>/edit", methods=("GET", "POST"))
    @has_access
    @permission_name("edit")
    def child_edit(self, pk: int, kind: str, child_id: int) -> Answer:
        """Change a child of a record."""
        session, child = current_session(), self._kind(kind)
        parent, row = find_child(session, self.cls, pk, child, child_id)
        editor = Editor(session, child, f"{self._page_of(pk)}#{kind}", row, parent)
        return editor.receive(request.form, _("已保存")) if request.method == "POST" else editor.open()

    @expose("/<int:pk>/<kind>/<int:child_id>/void", methods=("POST",))
    @has_access
    @permission_name("edit")
    def child_void(self, pk: int, kind: str, child_id: int) -> Answer:
        """Void a child of a record; the reason is required."""
        session, child = current_session(), self._kind(kind)
        parent, row = find_child(session, self.cls, pk, child, child_id)
        reason = scope_of(session).refuses_child(child, values_of(parent))
        if reason is not None:
            raise NotPermitted(reason)
        return void_one(session, row, f"{self._page_of(pk)}#{kind}")

    def _kind(self, key: str) -> type[Child]:
        found = next((child for child in children(self.cls) if child.__key__ == key), None)
        return found or abort(404)

    # files ----------------------------------------------------------------------------------

    @expose("/export.<kind>", methods=("GET",))
    @has_access
    @permission_name("export")
    def export(self, kind: str) -> Answer:
        """The list with the filters in force, or the ticked records, as a file."""
        if kind not in WRITERS:
            abort(404)
        session = current_session()
        listing = read_listing(session, self.cls, request.args.to_dict(flat=False), DatabaseLookup(session))
        tests = listing.conditions()
        if "ids" in request.args:
            tests.append(self.cls.id.in_(ids_of(request.args.getlist("ids"))))
        write = WRITERS[kind]
        return made(lambda out: write(session, self.cls, out, tests), f"{chinese(self.cls.__title__)}{today():%Y%m%d}", kind)


def add_register(appbuilder: AppBuilder, entry: Entry) -> Any:
    """Give a register its pages, and its place in the menu under its area."""
    key = entry.register.__key__
    facts = {
        "entry": entry,
        "cls": entry.register,
        "route_base": f"/{key}",
        "class_permission_name": key,
        "__doc__": f"Pages of {key}.",
    }
    view = type(endpoint_of(entry.register), (RegisterView,), facts)
    area = chinese(entry.area)
    return appbuilder.add_view(view, key, label=entry.register.__title__, icon=entry.icon, category=area, category_label=entry.area)
