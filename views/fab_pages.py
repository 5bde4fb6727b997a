"""What Flask-AppBuilder's pages show and where they lead: values in words, the way back, forms that keep what was typed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from flask import abort, current_app, flash, request, url_for
from flask_appbuilder.baseviews import BaseCRUDView, BaseView
from flask_appbuilder.charts.views import GroupByChartView
from flask_appbuilder.exceptions import DatabaseException
from flask_appbuilder.urltools import get_filter_args, get_order_args, get_page_args, get_page_size_args
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.clock import SHANGHAI, local
from app.language import _, _l, listed

log = logging.getLogger(__name__)


# values -------------------------------------------------------------------------------------------


def shown(value: Any, formatter: Callable[[Any], Any] | None = None) -> Any:
    """A value as people write it: 是/否, — for nothing, no seconds, lists with 、 between."""
    if formatter is not None:
        return formatter(value)
    if value is None or (isinstance(value, (str, list, tuple, set)) and not value):
        return "—"
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, datetime):
        return f"{local(value) if value.tzinfo else value:%Y-%m-%d %H:%M}"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (list, tuple, set)):
        return listed(str(shown(each)) for each in value)
    return value


def of_server(moment: datetime | None) -> Any:
    """A moment that Flask-AppBuilder noted: without a zone, in ours (see `clock.settle`)."""
    return shown(moment.replace(tzinfo=SHANGHAI) if moment else None)


def bars(rows: Iterable[Iterable[Any]]) -> list[tuple[str, list[tuple[Any, float]]]]:
    """The lines of a chart: the label, and each number with its share of the largest."""
    lines = [list(row) for row in rows]
    numbers = [[float(cell or 0) for cell in row[1:]] for row in lines]
    largest = max((abs(number) for row in numbers for number in row), default=0) or 1
    return [
        (str(shown(row[0])), [(cell or 0, abs(number) / largest) for cell, number in zip(row[1:], found, strict=True)])
        for row, found in zip(lines, numbers, strict=True)
    ]


def google_rows(data: dict[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Heads and rows of what FAB makes for Google's charts."""
    return [str(column["label"]) for column in data["cols"]], [[cell["v"] for cell in row["c"]] for row in data["rows"]]


# the way back -------------------------------------------------------------------------------------


def came_from() -> str:
    """The page of ours from which the reader opened this one; empty for any other site, and for this page itself."""
    found = local_path(request.form.get("came_from", "")) or local_path(request.referrer or "", request.host)
    return "" if urlsplit(found).path in {request.path, url_for("SignIn.login")} else found


def local_path(address: str, host: str = "") -> str:
    """Path and query of an address on this site; empty for any other."""
    try:
        parts = urlsplit(address)
    except ValueError:  # http://[::1
        return ""
    if parts.netloc != host or not parts.path.startswith("/") or parts.path.startswith(("//", "/\\", "/lang/")):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")


def own_list(view: Any) -> str:
    """The list that a view's pages belong to, for readers who may open it."""
    method = getattr(type(view), "list", None)
    if method is None or "list" in view.exclude_route_methods or not hasattr(method, "_urls"):
        return ""
    allowed = current_app.appbuilder.sm.has_access(f"can_{view.get_method_permission('list')}", view.class_permission_name)  # type: ignore[attr-defined]
    return url_for(f"{view.endpoint}.list") if allowed else ""


def home_of_page() -> tuple[str, str]:
    """Title and address of the list that the page in hand belongs to."""
    view = next((each for each in current_app.appbuilder.baseviews if each.endpoint == request.blueprint), None)  # type: ignore[attr-defined]
    address = own_list(view) if view is not None and not str(request.endpoint).endswith(".list") else ""
    return (str(getattr(view, "list_title", None) or getattr(view, "title", "")), address) if address else ("", "")


def way_back() -> str:
    """Where “cancel” leads."""
    return came_from() or home_of_page()[1] or str(current_app.appbuilder.get_url_for_index)  # type: ignore[attr-defined]


def _redirect_target(self: BaseView) -> str:
    """Where a person goes on after saving: the page they came from, else the list. FAB asks a history that all tabs share."""
    return came_from() or own_list(self) or str(self.appbuilder.get_url_for_index)


def _remember_nothing(self: BaseView) -> None:
    """FAB keeps the last five addresses in the cookie; the forms carry where they were opened from."""


# saving -------------------------------------------------------------------------------------------


def _add(self: BaseCRUDView) -> Any:
    """FAB's, except that a refused record leaves the form as it was typed."""
    get_filter_args(self._filters, disallow_if_not_in_search=False)
    excluded = self._filters.get_relation_cols()
    form = self.add_form.refresh()
    if request.method == "POST":
        self._fill_form_exclude_cols(excluded, form)
        if form.validate():
            self.process_form(form, True)
            if _kept(self, form, self.datamodel.obj(), (self.pre_add, self.datamodel.add, self.post_add)):
                flash(str(self.add_row_message), "success")
                return None
    return self._get_add_widget(form=form, exclude_cols=excluded)


def _edit(self: BaseCRUDView, pk: Any) -> Any:
    """FAB's, except that a refused change leaves the form as it was typed."""
    get_filter_args(self._filters, disallow_if_not_in_search=False)
    excluded = self._filters.get_relation_cols()
    item = self.datamodel.get(pk, self._base_filters) or abort(404)
    number = self.datamodel.get_pk_value(item)
    if request.method == "POST":
        form = self.edit_form.refresh(request.form)
        self._fill_form_exclude_cols(excluded, form)
        form._id = number  # noqa: SLF001 - FAB's way to tell the check of uniqueness which row it is
        if form.validate():
            self.process_form(form, False)
            if _kept(self, form, item, (self.pre_update, self.datamodel.edit, self.post_update)):
                flash(str(self.edit_row_message), "success")
                return None
    else:
        form = self.edit_form.refresh(obj=item)
        self.prefill_form(form, number)
    widgets = self._get_edit_widget(form=form, exclude_cols=excluded)
    return self._get_related_views_widgets(item, filters={}, orders=get_order_args(), pages=get_page_args(), page_sizes=get_page_size_args(), widgets=widgets)


def _kept(view: BaseCRUDView, form: Any, item: Any, steps: Iterable[Callable[[Any], Any]]) -> bool:
    """Whether the record was saved; otherwise nothing is, and the reason is said."""
    try:
        form.populate_obj(item)
        for step in steps:
            step(item)
    except (DatabaseException, SQLAlchemyError) as error:
        _refused(view, _reason(error, _l("没有保存：与已有的记录重复，或缺少必填的内容。")))
        return False
    except Exception as error:  # noqa: BLE001 - FAB's contract: what pre_add raises is the sentence for the person
        _refused(view, str(error))
        return False
    return True


def _refused(view: BaseCRUDView, sentence: str) -> None:
    view.datamodel.session.rollback()
    flash(sentence, "danger")


def _reason(error: Exception, broken: Any) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, IntegrityError):
        return str(broken)
    log.error("a record was not saved", exc_info=error)
    return _("没有保存：数据库出错。请稍后再试；如果一直这样，请联系系统管理员。")


def _delete(self: BaseCRUDView, pk: Any) -> None:
    """FAB's, except that a record which others name is refused in words, not in an empty box."""
    item = self.datamodel.get(pk, self._base_filters) or abort(404)
    try:
        for step in (self.pre_delete, self.datamodel.delete, self.post_delete):
            step(item)
    except (DatabaseException, SQLAlchemyError) as error:
        _refused(self, _reason(error, _l("没有删除：还有别的记录引用它，请先处理那些记录。")))
    except Exception as error:  # noqa: BLE001 - what pre_delete raises is the sentence for the person
        _refused(self, str(error))
    else:
        flash(str(self.delete_row_message), "success")


def _show_widget(self: BaseCRUDView, pk: Any, item: Any, **named: Any) -> Any:
    """FAB's, with the name of the record for the head of the page."""
    widgets = _FAB_SHOW_WIDGET(self, pk, item, **named)
    named_by = next((cls for cls in type(item).__mro__ if {"__str__", "__repr__"} & cls.__dict__.keys()), object)
    widgets["show"].template_args["record"] = str(item) if named_by.__module__.partition(".")[0] not in {"builtins", "sqlalchemy"} else ""
    return widgets


_FAB_SHOW_WIDGET = BaseCRUDView._get_show_widget  # noqa: SLF001


def _label_series(self: GroupByChartView, **named: Any) -> None:
    """FAB names the numbers of a chart after the column in the code, whatever label the view gives it."""
    given = dict(self.label_columns or {})
    _FAB_CHART(self, **named)
    for definition in self.definitions:
        for series in definition["series"]:
            how, column = series if isinstance(series, tuple) else (None, series)
            if column in given:
                self.label_columns[how.__name__ + column if how else column] = f"{given[column]}（{how._label}）" if how else given[column]  # noqa: SLF001


_FAB_CHART = GroupByChartView.__init__


def mend() -> None:
    """Put ours in the place of FAB's."""
    GroupByChartView.__init__ = _label_series
    BaseCRUDView._get_show_widget = _show_widget  # noqa: SLF001
    BaseView.get_redirect = _redirect_target
    BaseView.update_redirect = _remember_nothing
    BaseCRUDView._add, BaseCRUDView._edit, BaseCRUDView._delete = _add, _edit, _delete  # noqa: SLF001 - FAB documents them to be overridden


def globals_of_templates() -> dict[str, Any]:
    """What our templates of FAB's pages call."""
    return {"came_from": came_from, "home_of_page": home_of_page, "way_back": way_back, "bars": bars, "google_rows": google_rows}
