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
_STATE = Markup('<span class="ys-state">{}</span>')
#: what a cell of the list holds at most; the record's page shows the whole
_MOST = 160


class Painter:
    """The cells of one column for one reader; a value that comes again is not worked out again."""

    def __init__(self, scope: Scope, declared: Field, lookup: DatabaseLookup) -> None:
        self.scope = scope
        self.field = declared
        self.lookup = lookup
        self._state = isinstance(declared.format, StateOf)
        self._known: dict[Any, Markup] = {None: NOTHING}

    def __call__(self, value: Any) -> Markup:
        key = tuple(value) if isinstance(value, list) else value
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._paint(value)
        return found

    def text(self, value: Any) -> str:
        """The value as this reader reads it."""
        return masking.shown(self.scope, self.field, value, self.lookup)

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


def opening(declared: Field, *, first: bool = False, editable: bool = False) -> Markup:
    """The tag before a cell of a column; `editable`: the reader may change it where it stands."""
    style = " ".join(name for name in ("ys-first" if first else "", style_of(declared.format)) if name)
    facts = (Markup(' class="{}"').format(style) if style else "") + (Markup(" data-edit") if editable else "")
    return Markup('<td data-field="{}" data-label="{}"{}>').format(declared.key, heading(declared), facts)


def style_of(fmt: Format) -> str:
    """The class of a column: numbers to the right, days and numbers of documents on one line."""
    if isinstance(fmt, Number):
        return "ys-number"
    if isinstance(fmt, (Day, Moment, StateOf, YesNo, Code, Link)) or fmt.name in {"credit_code", "resident_id", "bank_card", "phone", "mobile"}:
        return "ys-line"
    return "" if isinstance(fmt, Choice) or fmt.name in {"person_name", "words"} else "ys-text"
