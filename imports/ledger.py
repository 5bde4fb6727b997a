"""A register as a ledger (台账) for paper: title, who files it, numbered records with what belongs to each.

A ledger is only text in order; `ledger_sheet` writes it as a workbook, a page as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.fields import Field
from app.formats import Lookup
from app.language import chinese
from app.lookup import DatabaseLookup
from app.register import Child, Register
from app.scopes import Scope
from imports import export
from imports.leaving import Found, Heading

#: how a value stands in a cell: `masking.cell` for workbooks, `masking.shown` for pages
Cell = Callable[[Scope, Field, Any, Lookup], object]
#: columns of a register that lists none of its fields to the reader
FEW = 4


@dataclass(frozen=True)
class Head:
    """A column: its heading, whether it tells of what belongs to the record, whether its texts stay in one line."""

    text: str
    nested: bool = False
    whole: bool = False


@dataclass
class Entry:
    """A record: its own cells, and the lines beside them (certificates, interpretations)."""

    cells: list[object]
    lines: list[list[object]] = field(default_factory=list)

    @property
    def height(self) -> int:
        """How many lines the record takes."""
        return max(1, len(self.lines))


@dataclass
class Ledger:
    """A whole ledger; `total` counts what it would hold without its cap."""

    title: str
    heads: list[Head]
    entries: list[Entry] = field(default_factory=list)
    office: str = ""
    person: str = ""
    day: date | None = None
    notes: list[str] = field(default_factory=list)
    total: int = 0
    #: of the file that it becomes
    number: str = ""

    @property
    def own(self) -> int:
        """How many columns are the records' own; those of what belongs to them follow."""
        return sum(not head.nested for head in self.heads)


def columns_of(scope: Scope, cls: type[Register], wide: bool) -> list[Heading]:
    """The fields that lists show, with the keys that tell rows apart; all that the sheet carries when `wide`."""
    columns = export.headings(scope, cls)
    if wide:
        return columns
    chosen = [column for column in columns if column.field.listed or _is_key(scope, cls, column)]
    kinds = {column.child for column in chosen if column.child and column.field.listed}
    chosen = [column for column in chosen if column.child is None or column.child in kinds]
    return chosen if any(column.child is None for column in chosen) else columns[:FEW]


def _is_key(scope: Scope, cls: type[Register], column: Heading) -> bool:
    owner = column.child or cls
    return bool(owner.__keys__) and column.field.key in owner.__keys__[0] and scope.clear(column.field)


def of_register(
    session: Session,
    cls: type[Register],
    where: Sequence[sa.ColumnElement[bool]] = (),
    *,
    order: Sequence[Any] = (),
    wide: bool = False,
    most: int,
    cell: Cell = masking.cell,
    label: Callable[[Any], str] = chinese,
) -> Ledger:
    """The live records in scope that pass the tests, `most` of them at most; raises NotPermitted."""
    scope, lookup = export.permitted(session, cls), DatabaseLookup(session)
    columns = columns_of(scope, cls, wide)
    kinds = list(dict.fromkeys(column.child for column in columns if column.child))
    found = list(export.records(session, cls, where, kinds, order, most))
    if found and not wide:  # what nobody has takes no room on paper
        used = {None, *(kind for kind in kinds if any(each.children[kind] for each in found))}
        columns = [column for column in columns if column.child in used]
    lookup.prepare(column.field for column in columns)
    export.prepare(lookup, cls, columns, found)
    heads = [Head(heading(column, label), column.child is not None, column.field.format.ordered) for column in columns]
    return Ledger(label(cls.__title__), heads, [_entry(scope, lookup, columns, each, cell) for each in found], total=len(found))


def heading(column: Heading, label: Callable[[Any], str] = chinese) -> str:
    """The text over a column, the unit in brackets behind it; an importer reads it without."""
    text = label(column.field.label)
    if column.child and column.text != chinese(column.field.label):
        text = f"{label(column.child.__title__)}/{text}"
    return with_unit(text, column.field, label)


def with_unit(text: str, declared: Field, label: Callable[[Any], str] = str) -> str:
    """A label with the field's unit in brackets."""
    unit = getattr(declared.format, "spoken_unit", "")
    return f"{text}（{label(unit)}）" if unit else text


def _entry(scope: Scope, lookup: Lookup, columns: Sequence[Heading], found: Found, cell: Cell) -> Entry:
    own = [cell(scope, column.field, found.values.get(column.field.key), lookup) for column in columns if column.child is None]
    nested = [column for column in columns if column.child is not None]
    kinds = list(found.children)
    lines = []
    for group in zip_longest(*(found.children[kind] for kind in kinds)):
        beside = dict(zip(kinds, group, strict=True))
        lines.append([_nested(scope, lookup, column, beside, cell) for column in nested])
    return Entry(own, lines)


def _nested(scope: Scope, lookup: Lookup, column: Heading, beside: dict[type[Child], Any], cell: Cell) -> object:
    values = beside.get(column.child) if column.child else None
    return cell(scope, column.field, values.get(column.field.key), lookup) if values else None


def wider(scope: Scope, cls: type[Register]) -> bool:
    """Whether the wide ledger holds more than the usual one."""
    return len(columns_of(scope, cls, wide=True)) > len(columns_of(scope, cls, wide=False))


__all__ = ["Cell", "Entry", "Head", "Ledger", "columns_of", "heading", "of_register", "wider", "with_unit"]
