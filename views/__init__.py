"""What people see. The only folder that uses Flask-AppBuilder's view classes."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import AppBuilder

from app import registry
from app.language import _l
from views import fab
from views.api import add_register_api
from views.errors import register_errors
from views.frame import Page, add_page, look, sidebar
from views.help import HelpView
from views.keeper import KeeperView, may_keep
from views.pages import language_tag
from views.register import add_register

fab.mend()


def register_views(appbuilder: AppBuilder) -> None:
    """Add every page and every REST resource."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    register_errors(app)
    fab.guard_arguments(app)
    app.jinja_env.globals |= {"language_tag": language_tag, "sidebar": sidebar, "look": look}
    for entry in registry.entries():
        add_register(appbuilder, entry)
    appbuilder.add_view_no_menu(KeeperView)
    appbuilder.add_view_no_menu(HelpView)
    add_page(app, Page(registry.entry_of(registry.need("code")).area, _l("字典维护"), "KeeperView.index", "ti-list-check", may_keep))
    for entry in registry.entries():
        add_register_api(appbuilder, entry)
