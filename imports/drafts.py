"""Rows that speak of one record come together: merged, blank under the first, or repeated alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.language import Text, _l, chinese
from app.register import Record, Register, field_map
from imports.rows import Issue, Row
from imports.table import Table

Key = tuple[int, tuple[Any, ...]]


@dataclass(eq=False, slots=True)
class Draft:
    """One record as the file has it: the rows that speak of it, and what they say together."""

    rows: list[Row] = field(default_factory=list)
    values: Mapping[str, Any] = field(default_factory=dict)
    key: Key | None = None

    @property
    def good(self) -> list[Row]:
        """The rows without an error."""
        return [row for row in self.rows if not row.errors]

    @property
    def first(self) -> Row:
        """The row that stands for the record."""
        return self.rows[0]

    def take(self, row: Row) -> None:
        """Add a row; a blank cell inherits."""
        self.rows.append(row)
        self.values = {**row.values, **self.values} if self.values else row.values

    def gather(self) -> Mapping[str, Any]:
        """What the good rows say of the record."""
        if len(self.rows) == 1:
            return self.values if not self.rows[0].errors else {}
        values: dict[str, Any] = {}
        for row in self.good:
            for key, value in row.values.items():
                values.setdefault(key, value)
        return values

    def raws(self) -> Mapping[str, object]:
        """The record's cells as written."""
        if len(self.rows) == 1:
            return self.rows[0].raws
        raws: dict[str, object] = {}
        for row in self.rows:
            for key, raw in row.raws.items():
                raws.setdefault(key, raw)
        return raws


def key_of(cls: type[Record], values: Mapping[str, Any]) -> Key | None:
    """The first natural key whose parts are all filled in."""
    for place, parts in enumerate(cls.__keys__):
        found = tuple([values.get(part) for part in parts])
        if None not in found:
            return place, found
    return None


class Scattered(Exception):
    """Rows of one record stand far apart: the sheet must be taken as one part."""


class Grouper:
    """Puts together the rows of each record, part after part of a sheet."""

    def __init__(self, cls: type[Register], table: Table) -> None:
        self.cls = cls
        self.table = table
        self._open: list[Draft] = []
        #: the draft that has a key; None once it was handed on
        self._by_key: dict[Key, Draft | None] = {}

    def take(self, rows: Sequence[Row], last: bool = True) -> list[Draft]:
        """The records that these rows complete, in the file's order; a conflicting row stands alone, marked.

        Until the last part the last record stays open: its rows may go on. Raises Scattered when a key comes back that was
        handed on before.
        """
        previous = self._open[-1] if self._open else None
        for row in rows:
            previous = self._row(row, previous)
        done = self._open if last else self._open[:-1]
        self._open = [] if last else self._open[-1:]
        for draft in done:
            if draft.key:
                self._by_key[draft.key] = None
        return done

    def _row(self, row: Row, previous: Draft | None) -> Draft:
        key = key_of(self.cls, row.values)
        if key:
            draft = self._by_key.get(key)
            if draft is None and key in self._by_key:
                raise Scattered
        else:
            draft = previous if previous and _continues(previous, row) and not self._left_between(previous, row) else None
        clash = _clash(draft, row) if draft else None
        if draft is None or clash:
            earlier, draft = draft, Draft(key=key)
            self._open.append(draft)
            if earlier and clash:
                row.errors.append(conflict(self.cls, self.table, row.number, earlier.first.number, clash))
            elif key:
                self._by_key[key] = draft
        draft.take(row)
        return draft

    def _left_between(self, previous: Draft, row: Row) -> bool:
        """Whether somebody left out a row in between, to which this one may belong."""
        return any(previous.rows[-1].number < number < row.number for number in self.table.answers.decisions.skips)


def _continues(previous: Draft, row: Row) -> bool:
    """Whether a row without a key says more of the record above: only children (or words that somebody left out), nothing that differs."""
    broken = any("." not in issue.field for issue in row.errors)
    more = bool(row.children) or not (row.values or row.errors)
    return more and not broken and all(previous.values.get(key) == value for key, value in row.values.items())


def _clash(draft: Draft, row: Row) -> str | None:
    """The first field of the record in which the row differs from the rows before it."""
    return next((key for key, value in row.values.items() if key in draft.values and draft.values[key] != value), None)


def conflict(cls: type[Register], table: Table, number: int, earlier: int, key: str) -> Issue:
    """A key that stands twice with different records behind it."""
    label = field_map(cls)[key].label
    parts = cls.__keys__[0]
    message: Text = _l(
        "第 %(row)s 行与第 %(earlier)s 行的“%(key)s”相同，但“%(label)s”不同，请核对是不是填错了",
        row=number, earlier=earlier, key="、".join(chinese(field_map(cls)[part].label) for part in parts), label=label,
    )  # fmt: skip
    return Issue(table.sheet, number, table.heading(parts[0]) or str(label), parts[0], "key_conflict", message)
