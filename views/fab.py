"""Flask-AppBuilder 5.3's slips put right. Each mend has a test in tests/test_fab.py that fails once FAB mends it.

Our registers do not use FAB's ModelView; its own pages of accounts, roles and groups do.
"""

from __future__ import annotations

import copy
import re
from functools import cache
from typing import Any

from flask import Flask, abort, current_app, g, has_request_context, redirect, request, session, url_for
from flask_appbuilder.api import ModelRestApi
from flask_appbuilder.babel.views import LocaleView
from flask_appbuilder.baseviews import BaseModelView
from flask_appbuilder.charts.views import BaseChartView
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.security.sqla.models import Role as RoleRow
from flask_appbuilder.views import ModelView
from flask_babel import refresh
from werkzeug.wrappers import Response

from app.language import Text, _l
from app.queries import QueryError
from app.security import SecurityManager
from views import fab_pages, fab_search, fab_widgets
from views.accounts import AccountView, GroupView, RoleView, role_label
from views.fab_pages import local_path, own_list
from views.fab_search import allowed, without_blanks
from views.passwords import AnyPassword, OwnPassword
from views.sign_in import SignIn, TokenApi

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


def refuse_odd_arguments() -> Response | None:
    """Answer 400 to arguments of FAB's lists that would end in a 500, or order by what is not shown."""
    view = _model_view()
    if view is None:
        return None
    if request.method == "GET" and (address := without_blanks()):
        return redirect(address)
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
    return None


def _model_view() -> Any:
    return _model_views(current_app.appbuilder).get(request.blueprint)  # type: ignore[attr-defined]


@cache
def _model_views(appbuilder: Any) -> dict[str | None, Any]:
    return {view.endpoint: view for view in appbuilder.baseviews if isinstance(view, BaseModelView)}


def _check_number(name: str, value: str) -> None:
    most = MOST_ROWS if name.startswith("psize_") else 1_000_000
    if not re.fullmatch(r"[0-9]{1,7}", value) or int(value) > most or (name.startswith("psize_") and int(value) == 0):
        raise QueryError(_l("“%(name)s”应为 1 到 %(most)s 的整数", name=name, most=most))


def _check_order(view: Any, name: str, column: str) -> None:
    if name == type(view).__name__ and column not in view.order_columns:
        raise QueryError(_l("不能按“%(name)s”排序", name=column[:40]))


def _check_filter(view: Any, index: int, column: str, values: list[str]) -> None:
    filters = view._filters.get_search_filters().get(column)  # noqa: SLF001
    datamodel = view.datamodel
    wanted = filters is not None and index < len(filters)
    relation = wanted and (datamodel.is_relation(column) or datamodel.is_integer(column))
    if not wanted or not _fits(datamodel, column, filters[index], values) or (relation and not all(re.fullmatch(r"-?[0-9]{1,9}", value) for value in values)):
        raise QueryError(_l("没有“%(name)s”这个筛选条件", name=column[:60]))
    dated = datamodel.is_datetime(column) or datamodel.is_date(column)
    if dated and not all(re.fullmatch(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?", value) for value in values):
        raise QueryError(_l("筛选条件“%(label)s”：%(why)s", label=column, why=_l("日期应写成 2026-03-15")))


def _fits(datamodel: Any, column: str, operator: Any, values: list[str]) -> bool:
    """Whether the values belong to a column that has but a few."""
    if datamodel.is_boolean(column):
        return set(values) <= {"y", "n"}
    return not datamodel.is_enum(column) or (allowed(datamodel, column, operator) and set(values) <= set(datamodel.list_columns[column].type.enums))


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
    found = [view.datamodel.get(number, view._base_filters) for number in numbers]  # noqa: SLF001
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
    gone = local_path(request.referrer or "", request.host).partition("?")[0].endswith(f"/{pk}")  # its own page is no more
    return redirect(own_list(self) or self.appbuilder.get_url_for_index) if gone else self.post_delete_redirect()


def _not_here(*_arguments: Any, **_named: Any) -> Any:
    """FAB's download gives any file to whoever knows its name."""
    abort(404)


# language -------------------------------------------------------------------------------


def _switch_language(self: Any, locale: str) -> Response:
    """Switch the language and go back to where the person was, on this site only."""
    if locale not in self.appbuilder.bm.languages:
        abort(404)
    session["locale"] = locale
    refresh()
    return redirect(local_path(request.referrer or "", request.host) or url_for("HomeView.index"))


# all together -------------------------------------------------------------------------------------


def mend() -> None:
    """Put the mends in place; before the application makes FAB's views."""
    for part in (fab_widgets, fab_search, fab_pages):
        part.mend()
    BaseModelView.search_widget = BaseChartView.search_widget = fab_search.Search
    _attach(BaseModelView)
    _attach(ModelRestApi)
    for name, function in (("action", _action), ("action_post", _action_post), ("delete", _delete), ("download", _not_here)):
        _replace(ModelView, name, function)
    _replace(LocaleView, "index", _switch_language)
    RoleRow.__str__ = lambda role: role_label(role.name)  # what the pickers of roles show
    SecurityManager.authdbview = SignIn
    SecurityManager.userdbmodelview = AccountView
    SecurityManager.rolemodelview = RoleView
    SecurityManager.groupmodelview = GroupView
    SecurityManager.resetpasswordview = AnyPassword
    SecurityManager.resetmypasswordview = OwnPassword
    SecurityManager.security_api = TokenApi
    SecurityManager.userstatschartview = None  # its chart comes from Google


def _replace(cls: type, name: str, function: Any) -> None:
    """Put our function in the place of FAB's, with its addresses and its permission."""
    before = getattr(cls, name)
    for mark in ("_urls", "_permission_name"):
        if hasattr(before, mark):
            setattr(function, mark, getattr(before, mark))
    function.__name__ = name
    setattr(cls, name, function)


#: what FAB calls its own lines of the menu, in our words
MENU: dict[str, Text] = {"Security": _l("账号和权限"), "List Users": _l("账号"), "List Roles": _l("角色"), "List Groups": _l("用户组")}


def install(app: Flask) -> None:
    """Check the arguments of FAB's pages before they are read; give its templates what they call, its menu our words."""
    for name, label in MENU.items():
        item = app.appbuilder.menu.find(name)  # type: ignore[attr-defined]
        if item is not None:
            item.label = label
    app.before_request(refuse_odd_arguments)
    app.jinja_env.globals |= fab_pages.globals_of_templates()
    app.jinja_env.filters["shown"] = fab_pages.shown
