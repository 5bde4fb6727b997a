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

from app.audit import export_number
from app.clock import local
from app.language import _, chinese
from app.register import Register
from app.registry import Entry
from imports import export
from imports.leaving import count
from views import exports
from views.attachments import Attachments
from views.bulk import Bulk
from views.cell_edit import CellEdit
from views.checking import Checks
from views.children import Children
from views.disclosing import Disclosing, chosen_rows, file_name
from views.downloads import made
from views.editing import Answer, Editor
from views.history import History
from views.import_steps import ImportSteps
from views.lists import Lists
from views.looks import LookedAt
from views.pages import current_session, endpoint_of, find, link_to, render
from views.pickers import Pickers
from views.record import RecordPage
from views.reports import Reports
from views.saved_views import SavedViews
from views.undoing import Undoing
from views.uploads import Uploads
from views.voiding import may_void, void_one

#: the kinds of files that a list becomes
KINDS = ("xlsx", "csv")


class RegisterView(
    Lists,
    SavedViews,
    Bulk,
    CellEdit,
    Pickers,
    Attachments,
    Children,
    Checks,
    Uploads,
    ImportSteps,
    Undoing,
    Reports,
    History,
    LookedAt,
    Disclosing,
    BaseView,  # type: ignore[misc]
):
    """List, page, form, children, export of one register."""

    entry: Entry
    cls: type[Register]
    default_view = "list"

    # reading --------------------------------------------------------------------------------

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

    # files ----------------------------------------------------------------------------------

    @expose("/export.<kind>", methods=("GET",))
    @has_access
    @permission_name("export")
    def export(self, kind: str) -> Answer:
        """The list with the filters in force, or the ticked records, as a file; a large one is made behind the page."""
        if kind not in KINDS:
            abort(404)
        session, number, args = current_session(), export_number(), request.args.to_dict(flat=False)
        export.permitted(session, self.cls)
        tests = chosen_rows(session, self.cls, args)
        if count(session, self.cls, tests, exports.LARGE + 1) > exports.LARGE:
            return exports.begin(session, self.cls, kind, args, count(session, self.cls, tests))
        return made(
            lambda out: export.write(session, self.cls, out, kind, tests, export.Stamp(number)),
            file_name(self.cls),
            kind,
            number=number,
            register=self.cls.__key__,
        )


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
