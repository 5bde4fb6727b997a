"""Sensitive values leave masked, on every road; a mask that comes back means "unchanged"."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any

from app.encryption.envelope import DESTROYED
from app.fields import Field
from app.formats import Choice, Count, Day, Format, Lookup, StateOf, YesNo
from app.language import _
from app.register import Record, Register, children
from app.scopes import Scope


def shower(scope: Scope, declared: Field, lookup: Lookup) -> Callable[[Any], str]:
    """What turns the field's values into this person's text: decided once, for many rows."""
    fmt = declared.format
    if not declared.sensitive:
        return lambda value: fmt.show(value, lookup)
    clear = scope.clear(declared)

    def show(value: Any) -> str:
        if value is DESTROYED:
            return str(_("（保存期满，已销毁）"))
        text: str = fmt.show(value, lookup) if clear else fmt.mask(value)
        return text

    return show


def shown(scope: Scope, declared: Field, value: Any, lookup: Lookup) -> str:
    """The value as this person reads it."""
    return shower(scope, declared, lookup)(value)


def dumper(scope: Scope, declared: Field) -> Callable[[Any], Any] | None:
    """What turns the field's values into this person's JSON, decided once for many rows; None: they go as they are."""
    fmt = declared.format
    if not scope.clear(declared):
        return lambda value: fmt.mask(value) or None
    return None if type(fmt).dump is Format.dump else fmt.dump


def dumped(scope: Scope, declared: Field, value: Any) -> Any:
    """The value as this person's JSON carries it."""
    dump = dumper(scope, declared)
    return value if dump is None else dump(value)


def to_cell(scope: Scope, declared: Field, lookup: Lookup) -> Callable[[Any], object] | None:
    """What turns the field's values into cells of this person's workbook, decided once for many rows; None: they go as they are."""
    fmt = declared.format
    kind = type(fmt)
    if not scope.clear(declared):
        return lambda value: fmt.mask(value) or None
    if kind.cell is Count.cell or kind.cell is Day.cell or (kind.cell is Format.cell and kind.write is Format.write and kind.show is Format.show):
        return None
    if isinstance(fmt, (StateOf, YesNo)) or kind is Choice:  # few values, many rows
        return cache(lambda value: fmt.cell(value, lookup))
    return lambda value: fmt.cell(value, lookup)


def cell(scope: Scope, declared: Field, value: Any, lookup: Lookup) -> object:
    """The value as this person's workbook carries it."""
    turn = to_cell(scope, declared, lookup)
    return value if turn is None else turn(value)


def unchanged(scope: Scope, declared: Field, raw: object, value: Any) -> bool:
    """Whether what came back is only the mask of what is kept."""
    return not scope.clear(declared) and value is not None and isinstance(raw, str) and raw.strip() == declared.format.mask(value)


def seen(scope: Scope, cls: type[Record], values: Mapping[str, Any], written: Collection[str] = ()) -> dict[str, Any]:
    """The values as a rule may speak of them to this person: what he does not read, and has not just written, is empty.

    A rule that knew more would answer whoever tries one value after the other.
    """
    hidden = scope.hidden(cls).difference(written)
    return {key: None if key in hidden else value for key, value in values.items()}


def hides(scope: Scope, cls: type[Register]) -> bool:
    """Whether the register or its children have fields that this person reads only masked."""
    return any(not scope.clear(declared) for kind in (cls, *children(cls)) for declared in scope.readable(kind))
