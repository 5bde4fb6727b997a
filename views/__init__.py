"""What people see. The only folder that uses Flask-AppBuilder's view classes."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import AppBuilder

from app import registry
from views import fab
from views.api import add_register_api
from views.errors import register_errors
from views.frame import look, sidebar
from views.pages import has_page, language_tag
from views.register import add_register

fab.mend()


def register_views(appbuilder: AppBuilder) -> None:
    """Add every page and every REST resource."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    register_errors(app)
    fab.guard_arguments(app)
    app.jinja_env.globals |= {"language_tag": language_tag, "sidebar": sidebar, "look": look, "has_page": has_page}
    for entry in registry.entries():
        add_register(appbuilder, entry)
    for entry in registry.entries():
        add_register_api(appbuilder, entry)
