"""What a cell can be besides a value, and where merged cells lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell whose formula failed (`#N/A`), has no result, or is a picture: reported, never blank."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Merge:
    """A merged range, both ends inclusive, counted from 1."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def tall(self) -> bool:
        """Whether it spans several rows."""
        return self.bottom > self.top

    @property
    def wide(self) -> int:
        """How many columns it spans."""
        return self.right - self.left + 1


@dataclass
class Layout:
    """What a file says of a sheet beside its values; rows and columns count from 1."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    errors: dict[tuple[int, int], CellError] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)
    hidden: bool = False
    pictures: bool = True  # whether texts may stand for pictures

    def marked(self, rows: Iterable[list[object]]) -> Iterator[list[object]]:
        """The rows with the cells put in that failed: readers of values give those as blank, or not at all."""
        if not self.errors:
            yield from rows
            return
        failed: dict[int, list[tuple[int, CellError]]] = {}
        for (row, column), error in self.errors.items():
            failed.setdefault(row, []).append((column, error))
        number = 0
        for number, cells in enumerate(rows, 1):
            yield _put(cells, failed.pop(number)) if number in failed else cells
        for later in range(number + 1, max(failed, default=0) + 1):
            yield _put([], failed.get(later, []))


def _put(cells: list[object], errors: Iterable[tuple[int, CellError]]) -> list[object]:
    for column, error in errors:
        cells.extend([None] * (column - len(cells)))
        cells[column - 1] = error
    return cells


#: what a failed formula shows; as a text typed into a cell it means the same
ERRORS = frozenset(
    {
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#GETTING_DATA",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BLOCKED!",
        "#CONNECT!",
        "#UNKNOWN!",
        "#BUSY!",
    }
)
PICTURE = CellError("DISPIMG")
NO_RESULT = CellError("=?")
#: texts that mean something else
_MEANT: dict[str, Any] = {"": None, **{text: CellError(text) for text in ERRORS}}


def plain(rows: Iterable[Iterable[object]], left: int = 0, *, pictures: bool = True) -> Iterator[list[object]]:
    """Rows as formats take them: blanks None, errors and pictures marked; `left` blank columns stand before each."""
    meant, before = _MEANT.get, [None] * left
    days: dict[date, date] = {}
    same = days.setdefault  # one object for each day: a few hundred are handed on much quicker than a hundred thousand
    for row in rows:
        cells = [
            meant(cell, cell) if (kind := type(cell)) is str else cell if kind is float else same(cell, cell) if kind is date else _other(cell)  # type: ignore[arg-type, call-overload]
            for cell in row
        ]
        if pictures:
            cells = [PICTURE if isinstance(cell, str) and cell[0] == "=" and "DISPIMG(" in cell else cell for cell in cells]
        yield before + cells if left else cells


def _other(cell: object) -> object:
    """A moment at midnight is a day; times of day and durations are told as texts."""
    if isinstance(cell, datetime):
        return cell.date() if cell.time() == time() else cell
    return str(cell) if isinstance(cell, (time, timedelta)) else cell


def letters(column: int) -> str:
    """The column as Excel names it: 1 is A, 28 is AB."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def number(name: str) -> int:
    """The column's number: A is 1, AB is 28."""
    total = 0
    for char in name:
        total = total * 26 + ord(char) - 64
    return total


def is_empty(raw: object) -> bool:
    """Whether nothing, or only blanks, stands in the cell."""
    return raw is None or (isinstance(raw, str) and not raw.strip(" \t\r\n\u3000\xa0\u200b\ufeff"))
