"""What the pages show of a file, taken while it is planned, so that no page reads it again: the top of each sheet, some values of each column, rows with a problem.

It holds what people sent, personal data too, and is kept sealed (`imports/stored.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.register import Register
from imports import reading
from imports.cells import is_empty
from imports.mending import identity, text_of
from imports.parts import Part
from imports.table import Column, Table
from imports.workbook import Workbook

#: the top of a sheet: enough to see where its header is; and of how many sheets
ROWS, COLUMNS, SHEETS = 20, 30, 30
#: values that stand for a column
SAMPLES = 3
#: rows with a problem whose cells are kept, and how much of a text
PROBLEMS, SHOWN, LONG = 2_000, 60, 4_000


@dataclass
class Head:
    """The top of a sheet."""

    name: str
    hidden: bool
    rows: list[list[str]]


@dataclass
class Excerpt:
    """What the pages show of a file."""

    sha256: str = ""
    heads: list[Head] = field(default_factory=list)
    #: by heading
    samples: dict[str, list[str]] = field(default_factory=dict)
    #: by row and heading: the cells of rows with a problem, as they were read
    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    #: what the file itself says in the rows that something was decided about (`Mending.was`)
    was: dict[int, list[str]] = field(default_factory=dict)
    #: the last rows that were read, since a record at the end of a part stays open
    _before: tuple[Sequence[int], Sequence[Sequence[object]]] = field(default=((), ()), repr=False)

    @property
    def tabular(self) -> bool:
        """Whether some sheet may hold a table: two rows of two cells and more."""
        return any(sum(sum(map(bool, row)) > 1 for row in head.rows) > 1 for head in self.heads)

    def take(self, cls: type[Register], table: Table, numbers: Sequence[int], cells: Sequence[Sequence[object]], part: Part) -> None:
        """What is worth showing of some thousand rows and of what became of them."""
        columns = [column for column in table.columns if column.heading]
        for column in columns if not self._before[0] else ():
            self.samples[column.heading] = _some(column, cells)
        own = [heading for key in identity(cls) if (heading := table.heading(key))]
        wanted: dict[int, set[str]] = {}
        for issue in (*part.wrong, *part.doubtful):
            wanted.setdefault(issue.row, set(own)).add(issue.column)
        self._problems(columns, wanted, *self._before)
        self._problems(columns, wanted, numbers, cells)
        self._before = list(numbers), list(cells)

    def _problems(self, columns: Sequence[Column], wanted: Mapping[int, set[str]], numbers: Sequence[int], cells: Sequence[Sequence[object]]) -> None:
        for number, row in zip(numbers, cells, strict=True) if wanted else ():
            if number in wanted and len(self.rows) < PROBLEMS:
                texts = {column.heading: text_of(row[column.place]) for column in columns if column.heading in wanted[number] and column.place < len(row)}
                self.rows[number] = {heading: text for heading, text in texts.items() if text and len(text) <= LONG}

    def finish(self, was: Mapping[int, list[str]]) -> None:
        """Let go of what was only needed while the file was read."""
        self.was, self._before = dict(was), ((), ())

    def to_json(self) -> dict[str, Any]:
        """As a batch keeps it."""
        return {
            "sha256": self.sha256,
            "heads": [[head.name, head.hidden, head.rows] for head in self.heads],
            "samples": self.samples,
            "rows": self.rows,
            "was": self.was,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Excerpt:
        """What `to_json` gave."""
        heads = [Head(name, hidden, rows) for name, hidden, rows in kept.get("heads", [])]
        rows = {int(row): texts for row, texts in kept.get("rows", {}).items()}
        return cls(kept.get("sha256", ""), heads, kept.get("samples", {}), rows, {int(row): texts for row, texts in kept.get("was", {}).items()})


def _some(column: Column, cells: Sequence[Sequence[object]]) -> list[str]:
    found: dict[str, None] = {}
    for row in cells:
        if len(found) == SAMPLES:
            break
        if column.place < len(row) and not is_empty(row[column.place]):
            found[_short(row[column.place])] = None
    return list(found)


def heads_of(book: Workbook) -> list[Head]:
    """The top of each sheet that says something."""
    said = [sheet for sheet in book.sheets if not sheet.empty][:SHEETS]
    return [Head(sheet.name, sheet.hidden, [[_short(cell) for cell in row[:COLUMNS]] for row in sheet.rows[:ROWS]]) for sheet in said]


def of_file(data: bytes) -> Excerpt:
    """The excerpt of a file in which no table was found; raises Refused when it cannot be read."""
    with reading.opened(data) as book:
        return Excerpt(hashlib.sha256(data).hexdigest(), heads_of(book))


def _short(cell: object) -> str:
    text = " ".join(text_of(cell).split())
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


__all__ = ["COLUMNS", "PROBLEMS", "ROWS", "Excerpt", "Head", "heads_of", "of_file"]
