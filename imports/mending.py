"""Cells that somebody typed anew and rows that somebody left out, put into the rows as they are read.

So all that follows (the formats, the guard, the plan and its seal, the commit) takes one road, whether a cell was mended
in the file or on the page. What the file itself says there is kept: a file that comes back mended takes over only what
was decided about rows and cells that it still has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from app.formats.base import FormatError, written
from app.language import _l
from app.register import Register
from imports import leftovers
from imports.cells import CellError
from imports.decisions import Decisions, refused
from imports.targets import Target, targets


def text_of(cell: object) -> str:
    """A cell as its person reads it."""
    if isinstance(cell, CellError):
        return "" if cell.text in {"=?", "DISPIMG"} else cell.text
    try:
        return written(cell)
    except FormatError:
        return str(cell)


class Heads(leftovers.Heads, Protocol):
    """What a column of the table is asked for."""

    @property
    def target(self) -> Target | None: ...
    @property
    def word(self) -> str: ...


@dataclass
class Mending:
    """What is put in where, by row; columns are counted from 0."""

    cells: Mapping[int, Mapping[int, str]] = field(default_factory=dict)
    skips: frozenset[int] = frozenset()
    #: the rows that something was decided about, and the columns by which each is known again
    watched: Mapping[int, Sequence[int]] = field(default_factory=dict)
    #: what the file itself says there
    was: dict[int, list[str]] = field(default_factory=dict)
    #: how wide the sheet is, where fields without a column stand behind it
    width: int | None = None

    def __bool__(self) -> bool:
        return bool(self.watched)

    def note(self, number: int, cells: Sequence[object]) -> None:
        """Remember what a row of data says in the file."""
        if number in self.watched:
            self.was[number] = [text_of(cells[place]) if place < len(cells) else "" for place in self.watched[number]]

    def mended(self, number: int, cells: list[object]) -> list[object]:
        """The row with what somebody typed in it."""
        if self.width is not None:
            cells = cells[: self.width]
        typed = self.cells.get(number)
        if not typed:
            return cells
        whole = cells + [None] * (max(typed) + 1 - len(cells))
        self.put(number, whole)
        return whole

    def put(self, number: int, whole: list[object]) -> None:
        """Put what somebody typed into a row that is as wide as the table."""
        for place, text in self.cells.get(number, {}).items():
            whole[place] = text or None

    def finish(self) -> None:
        """Raise Refused when something was decided about a row that is no data."""
        for number in sorted(self.watched.keys() - self.was.keys()):
            raise refused(_l("第 %(row)s 行不是数据行，不能更正、跳过或指定，请重新选择", row=number))


def mending_of(decisions: Decisions, columns: Sequence[Heads], register: type[Register]) -> tuple[Mending, list[Target]]:
    """The mending of a sheet with these columns, and the fields that need a column of their own behind the last.

    Raises Refused for a cell of no column and no field.
    """
    headings = {column.heading: column.place for column in columns if column.heading}
    fed = {column.target.name: column.place for column in columns if column.target and not column.word}
    known, width = {target.name: target for target in targets(register)}, len(columns)
    added: dict[str, int] = {}
    cells: dict[int, dict[int, str]] = {}
    for row, texts in decisions.cells.items():
        for name, text in texts.items():
            place = headings.get(name, fed.get(name, added.get(name)))
            if place is None and name in known:
                place = added[name] = width + len(added)
            if place is None:
                raise refused(_l("表里没有“%(heading)s”这一列，请重新更正第 %(row)s 行", heading=name, row=row))
            cells.setdefault(row, {})[place] = text
    own = [fed[key] for key in identity(register) if key in fed]
    rows = {*decisions.cells, *decisions.skips, *decisions.matches}
    watched = {row: list(dict.fromkeys([*own, *(place for place in cells.get(row, ()) if place < width)])) for row in rows}
    return Mending(cells, decisions.skips, watched, width=width if added else None), [known[name] for name in added]


def identity(register: type[Register]) -> Iterable[str]:
    """The fields by which people know a record again: its name, its keys."""
    return dict.fromkeys([register.__label__, *(part for key in register.__keys__ for part in key)])


def still(decisions: Decisions, before: Mapping[int, list[str]], now: Mapping[int, list[str]]) -> Decisions:
    """The decisions without those about rows that another file does not have any more as they were."""
    same = {row for row, texts in before.items() if now.get(row) == texts}
    return replace(
        decisions,
        cells={row: texts for row, texts in decisions.cells.items() if row in same},
        skips=decisions.skips & same,
        matches={row: record for row, record in decisions.matches.items() if row in same},
    )


__all__ = ["Mending", "identity", "mending_of", "still", "text_of"]
