"""What people see. The only folder that uses Flask-AppBuilder's view classes."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import AppBuilder

from app import registry
from app.language import _l
from models.policy import Policy
from views import fab, passwords
from views.account_security import AccountSecurityView, looks_after_accounts
from views.api import add_register_api
from views.audit import AuditView, may_audit
from views.desk_pages import DeskView
from views.disclosing import reveal_button
from views.disclosures import DisclosuresView, has_part
from views.documents import PrintedForms, keeps_forms
from views.errors import register_errors
from views.exports import ExportsView
from views.frame import Page, add_page, look, sidebar
from views.help import HelpView
from views.history import remembering
from views.imports_page import ImportsView, imports_something
from views.keeper import KeeperView, keeping, may_keep
from views.overview import OverviewView
from views.pages import has_page, language_tag
from views.policy_contrast import TITLE, PolicyContrast, may_contrast
from views.printing import printing
from views.record import ACTIONS
from views.register import add_register
from views.search import SearchView
from views.signins import SignInsView

fab.mend()
ACTIONS[:] = [reveal_button, printing, keeping, remembering]


def register_views(appbuilder: AppBuilder) -> None:
    """Add every page and every REST resource."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    register_errors(app)
    fab.install(app)
    passwords.install(app)
    app.jinja_env.globals |= {"language_tag": language_tag, "sidebar": sidebar, "look": look, "has_page": has_page}
    app.jinja_env.globals["imports_something"] = imports_something
    appbuilder.add_view_no_menu(DeskView)
    appbuilder.add_view_no_menu(OverviewView)
    for entry in registry.entries():
        add_register(appbuilder, entry)
    appbuilder.add_view_no_menu(PrintedForms)
    appbuilder.add_view_no_menu(PolicyContrast)
    appbuilder.add_view_no_menu(KeeperView)
    appbuilder.add_view_no_menu(HelpView)
    appbuilder.add_view_no_menu(AuditView)
    appbuilder.add_view_no_menu(DisclosuresView)
    add_page(app, Page(registry.entry_of(registry.need("code")).area, _l("历史记录"), "AuditView.index", "ti-history", may_audit))
    add_page(app, Page(registry.entry_of(registry.need("code")).area, _l("脱敏授权"), "DisclosuresView.index", "ti-eye-check", has_part))
    add_page(app, Page(registry.entry_of(registry.need("code")).area, _l("字典维护"), "KeeperView.index", "ti-list-check", may_keep))
    add_page(app, Page(registry.entry_of(registry.need("code")).area, _l("打印模板"), "PrintedForms.index", "ti-printer", keeps_forms))
    add_page(app, Page(registry.entry_of(Policy).area, TITLE, "PolicyContrast.contrast", "ti-table", may_contrast))
    for entry in registry.entries():
        add_register_api(appbuilder, entry)
    appbuilder.add_view_no_menu(SearchView)
    appbuilder.add_view_no_menu(SignInsView)
    appbuilder.add_view_no_menu(ImportsView)
    appbuilder.add_view_no_menu(ExportsView)
    appbuilder.add_view_no_menu(AccountSecurityView)
    add_page(app, Page("Security", _l("登录安全"), "AccountSecurityView.index", "ti-shield-lock", looks_after_accounts))
