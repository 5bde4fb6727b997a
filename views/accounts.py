"""Accounts, roles and groups: Flask-AppBuilder's pages with our columns and words."""
# ruff: noqa: RUF012 - Flask-AppBuilder reads lists and dictionaries off the class

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import abort, g, redirect, request, url_for
from flask_appbuilder.actions import action
from flask_appbuilder.baseviews import expose
from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.security.decorators import has_access
from flask_appbuilder.security.views import RoleModelView, UserDBModelView, UserGroupModelView
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired

from app.accounts import Account
from app.language import _, _l
from app.roles import ROLE_LABELS, Role
from app.signin import duties, guessing
from views import role_matrix
from views.fab_pages import of_server
from views.pages import current_session, render
from views.passwords import Good

_OFFICE = {
    "org_unit": _l("股室"),
    "regions": _l("监督地区"),
    "groups": _l("用户组"),
    "full_name": _l("姓名"),
    "active": _l("启用"),
    "username": _l("账号"),
    "email": _l("邮箱"),
}
_HELP = {
    "org_unit": _l("经办人和股室负责人只能修改本股室的记录"),
    "regions": _l("只给监督人员填写：行政区划代码，几个代码用“、”分开；不填表示全部地区"),
    "first_name": "",
    "last_name": "",
    "username": _l("登录时使用"),
    "email": _l("每个账号的邮箱不能相同"),
    "active": _l("人员离开后停用账号，不要删除：登记的历史要对得上人"),
    "groups": _l("所属用户组的角色同时生效"),
}


def role_label(name: str) -> str:
    """What people call a role."""
    return str(ROLE_LABELS[Role(name)]) if name in set(Role) else name


def _with_office(columns: list[str]) -> list[str]:
    place = columns.index("email") + 1
    return [*columns[:place], "org_unit", "regions", *columns[place:]]


def _as_family_first(columns: list[str]) -> list[str]:
    swap = {"first_name": "last_name", "last_name": "first_name"}
    return [swap.get(column, column) for column in columns]


def _fieldsets(*more: tuple[Any, list[str]]) -> list[tuple[Any, dict[str, Any]]]:
    """The form of an account in parts that follow each other as one thinks of them."""
    parts = [
        (_l("个人信息"), ["last_name", "first_name", "username", "email"]),
        (_l("股室和角色"), ["org_unit", "regions", "roles", "groups", "active"]),
    ]
    return [(title, {"fields": names, "expanded": True}) for title, names in (*parts, *more)]


class NameHolds(BaseFilter):  # type: ignore[misc]
    """Accounts whose account name, name or address holds the text."""

    def apply(self, query: Any, value: str) -> Any:
        columns = (Account.username, Account.email, Account.last_name + Account.first_name)
        return query.filter(sa.or_(*(column.icontains(value, autoescape=True) for column in columns)))


class AccountView(UserDBModelView):  # type: ignore[misc]
    """Accounts: FAB's users with their office and regions."""

    class_permission_name = "UserDBModelView"
    list_template = "accounts/list.html"
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
    search_columns = ["org_unit", "roles", "active", "username", "email"]
    add_fieldsets = _fieldsets((_l("密码"), ["password", "conf_password"]))
    add_form_extra_fields = {
        "password": PasswordField(
            _l("初始密码"),
            description=_l("只告诉本人；本人第一次登录时必须换成自己的密码"),
            validators=[InputRequired(_l("请填写密码")), Good()],
            widget=BS3PasswordFieldWidget(),
        ),
        "conf_password": PasswordField(_l("再写一遍"), validators=[EqualTo("password", message=_l("两次写的密码不一样"))], widget=BS3PasswordFieldWidget()),
    }
    edit_fieldsets = _fieldsets()
    show_fieldsets = [
        (_l("账号"), {"fields": ["username", "active", "org_unit", "regions", "roles", "groups", "login_count"]}),
        (_l("个人信息"), {"fields": ["last_name", "first_name", "email"], "expanded": True}),
        (_l("登录记录"), {"fields": ["last_login", "fail_login_count", "created_on", "created_by", "changed_on", "changed_by"], "expanded": True}),
    ]
    formatters_columns = dict.fromkeys(("last_login", "created_on", "changed_on"), of_server)
    exclude_route_methods = {"download"}

    def _get_list_widget(self, filters: Any, **named: Any) -> Any:
        wanted = request.args.get("q", "").replace("\x00", "").strip()[:100]
        if wanted:
            filters = filters.copy().add_filter("username", NameHolds, wanted)
        return super()._get_list_widget(filters=filters, **named)

    def _get_search_widget(self, **named: Any) -> Any:
        widgets = super()._get_search_widget(**named)
        widgets["search"].template_args["quick"] = _("账号、姓名或邮箱")
        return widgets

    @expose("/userinfo/")
    @has_access
    def userinfo(self) -> str:
        """My own account: who I am here, what I may do, my password and my language."""
        session = current_session()
        account = session.get(Account, g.user.id) or abort(404)
        roles = [role_label(role.name) for role in account.roles]
        return render("accounts/me.html", account=account, last_login=of_server(account.last_login), roles=roles, may=role_matrix.own(session))

    @action("signins", _l("登录情况"), "", "fa-list", multiple=False)
    def signins(self, item: Account) -> Any:
        """Where the account is signed in."""
        return redirect(url_for("AccountSecurityView.account", pk=item.id))

    def _get_show_widget(self, pk: Any, item: Any, **named: Any) -> Any:
        return super()._get_show_widget(pk, item, **named | {"actions": {name: self.actions[name] for name in ("signins", "resetpasswords")}})

    def render_template(self, template: str, **facts: Any) -> Any:
        """The list says first what needs looking after."""
        if template == self.list_template:
            session = current_session()
            facts |= {
                "idle": len(duties.idle(session)),
                "locked": len(guessing.locks(session)),
                "overlaps": len(duties.overlaps(session)),
                "days": duties.IDLE.days,
            }
        return super().render_template(template, **facts)

    def pre_update(self, item: Account) -> None:
        """Nobody gives rights to the account under which they are working, or takes it out of use."""
        changed = any(sa.inspect(item).attrs[name].history.has_changes() for name in ("roles", "groups", "active"))
        if item.id == g.user.id and changed:
            raise ValueError(_("不能修改自己的角色、用户组和启用状态，请另一位安全管理员来改"))
        super().pre_update(item)

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

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.actions: dict[str, Any] = {}
        self.base_permissions = ["can_list", "can_show"]

    @expose("/list/")
    @has_access
    def list(self) -> str:
        """All roles beside each other, or one with everything it may do and who has it."""
        name = request.args.get("role", "")
        if name and name not in set(Role):
            abort(404)
        session = current_session()
        facts = {"roles": ROLE_LABELS, "holders": role_matrix.holders(session), "verbs": role_matrix.VERBS}
        if not name:
            return render("accounts/roles.html", areas=role_matrix.areas(), **facts)
        role = Role(name)
        return render("accounts/role.html", role=role, areas=role_matrix.areas(role), outside=role_matrix.outside(session, role), **facts)

    @expose("/show/<pk>", methods=("GET",))
    @has_access
    def show(self, pk: str) -> Any:
        """One role, by its number."""
        return redirect(url_for(".list", role=(self.datamodel.get(pk) or abort(404)).name))


class GroupView(UserGroupModelView):  # type: ignore[misc]
    """Groups of accounts; who is in a group is said on the account."""

    class_permission_name = "UserGroupModelView"
    list_title, show_title, add_title, edit_title = _l("用户组"), _l("用户组"), _l("新增用户组"), _l("修改用户组")
    exclude_route_methods = {"download"}
    label_columns = {"name": _l("名称"), "label": _l("显示名"), "description": _l("说明"), "users": _l("账号"), "roles": _l("角色")}
    add_columns = edit_columns = ["name", "label", "description", "roles"]
