"""Accounts, roles and groups: Flask-AppBuilder's pages with our columns and words."""
# ruff: noqa: RUF012 - Flask-AppBuilder reads lists and dictionaries off the class

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort, g, request
from flask_appbuilder.security.views import ResetPasswordView, RoleModelView, UserDBModelView, UserGroupModelView
from flask_appbuilder.widgets import ListWidget, ShowWidget

from app.accounts import Account
from app.language import _, _l
from app.registry import find as find_register
from app.roles import ROLE_LABELS, Role

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


def role_label(name: str) -> str:
    """What people call a role."""
    return str(ROLE_LABELS[Role(name)]) if name in set(Role) else name


def _role_labels(roles: Any) -> str:
    return "、".join(role_label(role.name) for role in roles or ()) or "—"


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
    label_columns = {"name": _l("角色"), "permissions": _l("在各登记表里可以"), "user": _l("账号"), "groups": _l("用户组")}
    list_columns = ["name", "permissions"]
    list_widget, show_widget = ListWidget, ShowWidget
    formatters_columns = {"name": role_label, "permissions": _rights}

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.actions: dict[str, Any] = {}
        self.base_permissions = ["can_list", "can_show"]


class GroupView(UserGroupModelView):  # type: ignore[misc]
    """Groups of accounts; who is in a group is said on the account."""

    class_permission_name = "UserGroupModelView"
    list_title, show_title, add_title, edit_title = _l("用户组"), _l("用户组"), _l("新增用户组"), _l("修改用户组")
    exclude_route_methods = {"download"}
    label_columns = {"name": _l("名称"), "label": _l("显示名"), "description": _l("说明"), "users": _l("账号"), "roles": _l("角色")}
    add_columns = edit_columns = ["name", "label", "description", "roles"]
    formatters_columns = FORMATTERS


class ResetAnyPassword(ResetPasswordView):  # type: ignore[misc]
    """The security administrator gives an account a new password."""

    class_permission_name = "ResetPasswordView"
    form_title = _l("重设密码")
    message = _l("密码已重设")
    redirect_url = "/users/list/"

    def form_get(self, form: Any) -> None:
        """The form of an account that there is."""
        self._account()

    def form_post(self, form: Any) -> None:
        """Set the password of an account that there is."""
        self._account()
        super().form_post(form)

    def _account(self) -> Account:
        number = request.args.get("pk", "")
        account = self.appbuilder.sm.get_user_by_id(int(number)) if number.isascii() and number.isdecimal() and len(number) < 10 else None
        return account or abort(404)
