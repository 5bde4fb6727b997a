"""The filters of Flask-AppBuilder's lists as a plain form: every search column with its operator and its value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_appbuilder.models.sqla import filters as fab_filters
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.widgets import SearchWidget

from app.language import _
from views.fab_widgets import choices_of

#: asked with several values at once: for programs, a form has one
_FOR_PROGRAMS = {"in", "not_in"}
_ONLY_EQUAL = {"eq", "neq"}


@dataclass
class Line:
    """One column of the form: the operators by the name that the value is sent under."""

    label: str
    kind: str
    operators: list[tuple[str, str]]
    name: str
    value: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)

    @property
    def said(self) -> str:
        """The value in words."""
        return next((label for value, label in self.options if value == self.value), self.value)

    @property
    def operator(self) -> str:
        """The operator in force, in words."""
        return next((label for name, label in self.operators if name == self.name), "")


class Search(SearchWidget):  # type: ignore[misc]
    """FAB's search form without its script: works with `_flt_<n>_<column>` as before."""

    def __call__(self, **given: Any) -> str:
        lines = [line for column in self.template_args["include_cols"] for line in self._lines(column)]
        active = [(line, without(line.name, line.value)) for line in lines if line.value]
        kept = [(name, value) for name, value in request.args.items(multi=True) if not name.startswith(("_flt_", "page_")) and name != "q"]
        return super(SearchWidget, self).__call__(lines=lines, active=active, kept=kept, searched=request.args.get("q", ""), **given)  # type: ignore[no-any-return]

    def _lines(self, column: str) -> Iterator[Line]:
        """A line for each condition in force, and an empty one where another may be added."""
        model, control = self.filters.datamodel, self.template_args["form"][column]
        operators = self._operators(column)
        if not operators:
            return
        kind, options = _kind(model, column, control)
        usual = next((name for name, _label, arg in operators if arg == "ct"), operators[0][0])
        words = [(name, label) for name, label, _arg in operators]
        made = [
            Line(str(control.label.text), kind, words, name, value, options) for name, _label in words for value in request.args.getlist(name) if value != ""
        ]
        yield from made
        if not made or kind in {"day", "moment", "number"}:
            yield Line(str(control.label.text), kind, words, usual, options=options)

    def _operators(self, column: str) -> list[tuple[str, str, str | None]]:
        found = enumerate(self.filters.get_search_filters().get(column, []))
        return [(f"_flt_{place}_{column}", str(each.name), each.arg_name) for place, each in found if allowed(self.filters.datamodel, column, each)]


def allowed(model: Any, column: str, operator: Any) -> bool:
    """Whether a form offers the operator: an enumeration is or is not a word, it does not begin with one."""
    if operator.arg_name in _FOR_PROGRAMS:
        return False
    return not model.is_enum(column) or operator.arg_name in _ONLY_EQUAL


def _kind(model: Any, column: str, control: Any) -> tuple[str, list[tuple[str, str]]]:
    if model.is_boolean(column):
        return "select", [("y", _("是")), ("n", _("否"))]
    if hasattr(control, "iter_choices"):
        return "select", [(value, str(label)) for value, label, _chosen in choices_of(control)]
    if model.is_datetime(column):
        return "moment", []
    if model.is_date(column):
        return "day", []
    number = model.is_integer(column) or model.is_float(column) or model.is_numeric(column)
    return ("number" if number else "text"), []


def without(name: str, value: str) -> str:
    """This page without one condition."""
    return _address([(key, each) for key, each in request.args.items(multi=True) if (key, each) != (name, value) and not key.startswith("page_")])


def without_blanks() -> str:
    """This page without the conditions that nobody filled in; empty when there are none such."""
    kept = [(key, each) for key, each in request.args.items(multi=True) if each != "" or not key.startswith(("_flt_", "q"))]
    return "" if len(kept) == len(list(request.args.items(multi=True))) else _address(kept)


def _address(arguments: list[tuple[str, str]]) -> str:
    text = urlencode(arguments)
    return request.path + (f"?{text}" if text else "")


def _typed(model: Any, column: str, value: Any) -> Any:
    """FAB knows no way to ask for “no”."""
    return value in {"y", "True", "true", "1", True} if model.is_boolean(column) else _FAB_TYPED(model, column, value)


def _related(self: Any, column: str, value: Any) -> Any:
    """The record that a filter names; FAB asks in a way that SQLAlchemy will drop."""
    return self.session.get(self.get_related_model(column), value)


_FAB_TYPED = fab_filters.set_value_to_type


def mend() -> None:
    """Make the filters understand both answers of a yes-or-no column, and find related records."""
    fab_filters.set_value_to_type = _typed
    SQLAInterface.get_related_obj = _related
