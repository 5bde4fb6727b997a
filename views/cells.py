"""What stands in the cells of a list: each value said once, escaped, masked where it must be."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from app import masking
from app.fields import Field
from app.formats import Choice, Code, Day, Format, Link, Moment, Number, StateOf, YesNo
from app.language import _
from app.lookup import DatabaseLookup
from app.scopes import Scope

NOTHING = Markup('<span class="ys-faint">—</span>')
_LONG = Markup('<span class="ys-cell" title="{0}">{0}</span>')
_OPENING = Markup('<td data-field="%(key)s" data-label="%(label)s"%(style)s>')
_EDITABLE = Markup('<td data-field="%(key)s" data-label="%(label)s"%(style)s data-edit>')
_CLASS = Markup(' class="%s"')
_STATE = Markup('<span class="ys-state">{}</span>')
#: what a cell of the list holds at most; the record's page shows the whole
_MOST = 160


class Painter:
    """The cells of one column for one reader; a value that comes again is not worked out again."""

    def __init__(self, scope: Scope, declared: Field, lookup: DatabaseLookup) -> None:
        #: the value as this reader reads it
        self.text = masking.shower(scope, declared, lookup)
        self._state = isinstance(declared.format, StateOf)
        self._known: dict[Any, Markup] = {None: NOTHING}

    def __call__(self, value: Any) -> Markup:
        key = tuple(value) if isinstance(value, list) else value
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._paint(value)
        return found

    def _paint(self, value: Any) -> Markup:
        text = self.text(value)
        if not text:
            return NOTHING
        if self._state:
            return _STATE.format(text)
        if len(text) <= 24:
            return escape(text)
        return _LONG.format(text if len(text) <= _MOST else text[:_MOST] + "…")


def heading(declared: Field) -> str:
    """What stands over a column: the label, with the unit of a number."""
    unit = declared.format.spoken_unit if isinstance(declared.format, Number) else ""
    return _("%(label)s（%(unit)s）", label=declared.label, unit=unit) if unit else str(declared.label)


def openings(declared: Field, *, first: bool = False) -> tuple[Markup, Markup]:
    """The tag before a cell of a column, and the one before a cell that the reader may change where it stands."""
    style = f"ys-first {style_of(declared.format)}".strip() if first else style_of(declared.format)
    facts = {"key": declared.key, "label": heading(declared), "style": _CLASS % style if style else ""}
    return _OPENING % facts, _EDITABLE % facts


def style_of(fmt: Format) -> str:
    """The class of a column: numbers to the right, days and numbers of documents on one line."""
    if isinstance(fmt, Number):
        return "ys-number"
    if isinstance(fmt, (Day, Moment, StateOf, YesNo, Code, Link)) or fmt.name in {"credit_code", "resident_id", "bank_card", "phone", "mobile"}:
        return "ys-line"
    return "" if isinstance(fmt, Choice) or fmt.name in {"person_name", "words"} else "ys-text"
