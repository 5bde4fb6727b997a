"""What people see. The only folder that uses Flask-AppBuilder's view classes."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import AppBuilder

from app import registry
from app.language import _l, chinese
from models import BASICS_AREA
from views import fab
from views.api import add_register_api
from views.documents import PrintedForms
from views.errors import register_errors
from views.frame import look, sidebar
from views.pages import language_tag
from views.policy_contrast import PolicyContrast
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
    area = chinese(BASICS_AREA)
    appbuilder.add_view(PrintedForms, "printed_forms", label=_l("打印模板"), icon="ti-file-text", category=area, category_label=BASICS_AREA)
    appbuilder.add_view_no_menu(PolicyContrast)
    for entry in registry.entries():
        add_register_api(appbuilder, entry)
