"""Flask-AppBuilder 5.3's slips put right. Each mend has a test in tests/test_fab.py that fails once FAB mends it.

Our registers do not use FAB's ModelView; its own pages of accounts, roles and groups do.
"""

from __future__ import annotations

import copy
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, has_request_context, redirect, request, session, url_for
from flask_appbuilder.api import ModelRestApi
from flask_appbuilder.babel.views import LocaleView
from flask_appbuilder.baseviews import BaseModelView, expose
from flask_appbuilder.security.decorators import has_access, no_cache, permission_name
from flask_appbuilder.security.sqla.models import Role as RoleRow
from flask_appbuilder.security.views import AuthDBView, RoleModelView, UserDBModelView, UserGroupModelView
from flask_appbuilder.views import ModelView
from flask_appbuilder.widgets import ListWidget, ShowWidget
from flask_babel import refresh
from flask_login import logout_user
from werkzeug.wrappers import Response

from app.accounts import Account
from app.language import _, _l
from app.queries import QueryError
from app.registry import find as find_register
from app.roles import ROLE_LABELS, Role
from app.security import SecurityManager
from views.pages import render

MOST_ROWS = 100


# shared filters -----------------------------------------------------------------------------------


class PerRequest:
    """An attribute of a view that each request has a copy of.

    FAB keeps the filters of a request on the view object, which all threads share: lists show
    another person's filter, forms save under another's parent.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = f"_shared{name}"

    def __get__(self, view: Any, owner: type | None = None) -> Any:
        if view is None:
            return None
        shared = view.__dict__.get(self.slot)
        if shared is None or not has_request_context():
            return shared
        copies = g.setdefault("filters_of_views", {})
        if id(view) not in copies:
            copies[id(view)] = copy.copy(shared)
            copies[id(view)].clear_filters()
        return copies[id(view)]

    def __set__(self, view: Any, value: Any) -> None:
        view.__dict__[self.slot] = value


def _attach(cls: type) -> None:
    descriptor = PerRequest()
    descriptor.__set_name__(cls, "_filters")
    cls._filters = descriptor  # type: ignore[attr-defined]


# odd arguments ------------------------------------------------------------------------------------


def refuse_odd_arguments() -> None:
    """Answer 400 to arguments of FAB's lists that would end in a 500, or order by what is not shown."""
    view = _model_view()
    if view is None:
        return
    for name, value in request.args.items():
        if re.match(r"page_|psize_", name):
            _check_number(name, value)
        elif match := re.match(r"_oc_(.*)", name):
            _check_order(view, match.group(1), value)
        elif match := re.match(r"_flt_(\d)_(.*)", name):
            _check_filter(view, int(match.group(1)), match.group(2), request.args.getlist(name))
    number = (request.view_args or {}).get("pk") if request.endpoint else None
    number = request.args.get("pk") if number is None and "pk" in request.args else number
    if number is not None and not re.fullmatch(r"[0-9]{1,9}", str(number)):
        abort(404)


def _model_view() -> Any:
    return next((view for view in current_app.appbuilder.baseviews if isinstance(view, BaseModelView) and view.endpoint == request.blueprint), None)  # type: ignore[attr-defined]


def _check_number(name: str, value: str) -> None:
    most = MOST_ROWS if name.startswith("psize_") else 1_000_000
    if not re.fullmatch(r"[0-9]{1,7}", value) or int(value) > most or (name.startswith("psize_") and int(value) == 0):
        raise QueryError(_l("“%(name)s”应为 1 到 %(most)s 的整数", name=name, most=most))


def _check_order(view: Any, name: str, column: str) -> None:
    if name == type(view).__name__ and column not in view.order_columns:
        raise QueryError(_l("不能按“%(name)s”排序", name=column[:40]))


def _check_filter(view: Any, index: int, column: str, values: list[str]) -> None:
    filters = view._filters.get_search_filters().get(column)
    datamodel = view.datamodel
    wanted = filters is not None and index < len(filters)
    relation = wanted and (datamodel.is_relation(column) or datamodel.is_integer(column))
    if not wanted or (relation and not all(re.fullmatch(r"-?[0-9]{1,9}", value) for value in values)):
        raise QueryError(_l("没有“%(name)s”这个筛选条件", name=column[:60]))
    dated = datamodel.is_datetime(column) or datamodel.is_date(column)
    if dated and not all(re.fullmatch(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?", value) for value in values):
        raise QueryError(_l("筛选条件“%(label)s”：%(why)s", label=column, why=_l("日期应写成 2026-03-15")))


# actions ------------------------------------------------------------------------------------------


def _action(self: Any, name: str, pk: str) -> Any:
    """One record's action, on a record that the view's list would show."""
    if request.method == "GET":
        abort(405)
    return self.actions[_allowed(self, name)].func(_items(self, [pk])[0])


def _action_post(self: Any) -> Any:
    """An action on the ticked records, all of which the view's list would show."""
    name = _allowed(self, request.form.get("action", ""))
    return self.actions[name].func(_items(self, request.form.getlist("rowid")))


def _allowed(view: Any, name: str) -> str:
    if name not in view.actions:
        abort(404)
    if not view.appbuilder.sm.has_access(view.get_action_permission_name(name), view.class_permission_name):
        abort(403)
    return name


def _items(view: Any, numbers: list[str]) -> list[Any]:
    if not all(re.fullmatch(r"[0-9]{1,9}", number) for number in numbers):
        abort(404)
    found = [view.datamodel.get(number, view._base_filters) for number in numbers]
    if not found or any(item is None for item in found):
        abort(404)
    return found


@has_access
@permission_name("delete")
def _delete(self: Any, pk: str) -> Any:
    """Delete by POST; opening the address deletes nothing and says so."""
    if request.method == "GET":
        abort(405)
    self._delete(pk)
    return self.post_delete_redirect()


def _not_here(*_arguments: Any, **_named: Any) -> Any:
    """FAB's download gives any file to whoever knows its name."""
    abort(404)


# language, sign-out -------------------------------------------------------------------------------


def _switch_language(self: Any, locale: str) -> Response:
    """Switch the language and go back to where the person was, on this site only."""
    if locale not in self.appbuilder.bm.languages:
        abort(404)
    session["locale"] = locale
    refresh()
    return redirect(_came_from() or url_for("HomeView.index"))


def _came_from() -> str:
    """The page of ours that the request came from; empty for any other site."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host or not parts.path.startswith("/") or parts.path.startswith(("//", "/\\", "/lang/")):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")


class SignIn(AuthDBView):  # type: ignore[misc]
    """Signing out takes a POST: a picture on another site must not sign anybody out."""

    @expose("/logout/", methods=("GET", "POST"))
    @no_cache
    def logout(self) -> Any:
        """Ask on GET, sign out on POST."""
        if request.method == "GET":
            return render("sign_out.html")
        user = self._get_authenticated_user()
        logout_user()
        session.clear()
        if user is not None:
            self.appbuilder.sm.on_user_logout(user)
        return redirect(self.appbuilder.get_url_for_index)


# accounts -----------------------------------------------------------------------------------------

_OFFICE = {"org_unit": _l("股室"), "regions": _l("监督地区"), "groups": _l("用户组"), "full_name": _l("姓名"), "active": _l("启用")}
_HELP = {
    "org_unit": _l("经办人和股室负责人只能修改本股室的记录"),
    "regions": _l("只给监督人员填写：行政区划代码，几个代码用“、”分开；不填表示全部地区"),
    "first_name": _l("名"),
    "last_name": _l("姓"),
    "username": _l("登录时使用"),
    "email": _l("每个账号的邮箱不能相同"),
    "active": _l("人员离开后停用账号，不要删除：登记的历史要对得上人"),
    "groups": _l("所属用户组的角色同时生效"),
}


def _or_dash(value: Any) -> str:
    return "—" if value in (None, "", []) else str(value)


def _moment(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else "—"


def _yes_no(value: Any) -> str:
    return _("是") if value else _("否")


def _role_label(name: str) -> str:
    return str(ROLE_LABELS[Role(name)]) if name in set(Role) else name


def _role_labels(roles: Any) -> str:
    return "、".join(_role_label(role.name) for role in roles or ()) or "—"


def _rights(permissions: Any) -> str:
    """The permissions of a role by register: 中介机构：查看、新增."""
    verbs = {"read": _("查看"), "add": _("新增"), "edit": _("修改"), "void": _("作废"), "import": _("导入"), "export": _("导出")}
    found: dict[str, list[str]] = {}
    for each in permissions or ():
        verb = each.permission.name.removeprefix("can_")
        register = find_register(each.view_menu.name)
        if register is not None and verb in verbs:
            found.setdefault(str(register.__title__), []).append(verbs[verb])
    return "；".join(f"{title}：{'、'.join(sorted(words))}" for title, words in sorted(found.items())) or "—"


FORMATTERS = {
    "org_unit": _or_dash,
    "regions": _or_dash,
    "roles": _role_labels,
    "groups": lambda groups: "、".join(group.name for group in groups or ()) or "—",
    "active": _yes_no,
    "last_login": _moment,
    "created_on": _moment,
    "changed_on": _moment,
    "created_by": _or_dash,
    "changed_by": _or_dash,
    "login_count": lambda count: str(count or 0),
    "fail_login_count": lambda count: str(count or 0),
    "label": _or_dash,
    "description": _or_dash,
    "users": lambda users: "、".join(user.full_name for user in users or ()) or "—",
}


def _with_office(columns: list[str]) -> list[str]:
    place = columns.index("email") + 1
    return [*columns[:place], "org_unit", "regions", *columns[place:]]


def _as_family_first(columns: list[str]) -> list[str]:
    swap = {"first_name": "last_name", "last_name": "first_name"}
    return [swap.get(column, column) for column in columns]


class AccountView(UserDBModelView):  # type: ignore[misc]
    """Accounts: FAB's users with their office and regions."""

    class_permission_name = "UserDBModelView"
    list_title = _l("账号")
    add_title = _l("新增账号")
    show_title = _l("账号")
    edit_title = _l("修改账号")
    label_columns = {**UserDBModelView.label_columns, **_OFFICE}
    description_columns = {**UserDBModelView.description_columns, **_HELP}
    list_columns = ["username", "full_name", "org_unit", "regions", "roles", "active"]
    order_columns = ["username", "active"]
    add_columns = _as_family_first(_with_office(UserDBModelView.add_columns))
    edit_columns = _as_family_first(_with_office(UserDBModelView.edit_columns))
    search_columns = ["username", "first_name", "last_name", "email", "active", "roles"]
    show_fieldsets = [
        (_l("账号"), {"fields": ["username", "active", "org_unit", "regions", "roles", "groups", "login_count"]}),
        (_l("个人信息"), {"fields": ["last_name", "first_name", "email"], "expanded": True}),
        (_l("登录记录"), {"fields": ["last_login", "fail_login_count", "created_on", "created_by", "changed_on", "changed_by"], "expanded": True}),
    ]
    user_show_fieldsets = [
        (_l("账号"), {"fields": ["username", "org_unit", "regions", "roles", "login_count"]}),
        (_l("个人信息"), {"fields": ["last_name", "first_name", "email"], "expanded": True}),
    ]
    formatters_columns = FORMATTERS
    exclude_route_methods = {"download"}

    def pre_delete(self, item: Account) -> None:
        """Nobody deletes the account under which they are working."""
        if item.id == g.user.id:
            raise ValueError(_("不能删除自己的账号"))


class RoleView(RoleModelView):  # type: ignore[misc]
    """Roles, to look at: what they may do stands in one table in code, which `flask install` seeds."""

    class_permission_name = "RoleModelView"
    list_title, show_title = _l("角色"), _l("角色")
    base_permissions = ["can_list", "can_show"]
    exclude_route_methods = {"add", "edit", "delete", "download", "action", "action_post"}
    label_columns = {"name": _l("角色"), "permissions": _l("在各登记表里可以")}
    list_columns = ["name", "permissions"]
    list_widget, show_widget = ListWidget, ShowWidget
    formatters_columns = {"name": _role_label, "permissions": _rights}

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.actions = {}
        self.base_permissions = ["can_list", "can_show"]


class GroupView(UserGroupModelView):  # type: ignore[misc]
    """Groups of accounts; who is in a group is said on the account."""

    class_permission_name = "UserGroupModelView"
    list_title, show_title, add_title, edit_title = _l("用户组"), _l("用户组"), _l("新增用户组"), _l("修改用户组")
    exclude_route_methods = {"download"}
    label_columns = {"name": _l("名称"), "label": _l("显示名"), "description": _l("说明"), "users": _l("账号"), "roles": _l("角色")}
    add_columns = edit_columns = ["name", "label", "description", "roles"]
    formatters_columns = FORMATTERS


def mend() -> None:
    """Put the mends in place; before the application makes FAB's views."""
    _attach(BaseModelView)
    _attach(ModelRestApi)
    for name, function in (("action", _action), ("action_post", _action_post), ("delete", _delete), ("download", _not_here)):
        _replace(ModelView, name, function)
    _replace(LocaleView, "index", _switch_language)
    RoleRow.__str__ = lambda role: _role_label(role.name)  # what the pickers of roles show
    SecurityManager.authdbview = SignIn
    SecurityManager.userdbmodelview = AccountView
    SecurityManager.rolemodelview = RoleView
    SecurityManager.groupmodelview = GroupView
    SecurityManager.userstatschartview = None  # its chart comes from Google


def _replace(cls: type, name: str, function: Any) -> None:
    """Put our function in the place of FAB's, with its addresses and its permission."""
    before = getattr(cls, name)
    for mark in ("_urls", "_permission_name"):
        if hasattr(before, mark):
            setattr(function, mark, getattr(before, mark))
    function.__name__ = name
    setattr(cls, name, function)


def guard_arguments(app: Flask) -> None:
    """Check the arguments of FAB's pages before they are read."""
    app.before_request(refuse_odd_arguments)

