"""What is to be said in an answer workbook, and where."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from imports.cells import Merge

Cell = tuple[int, int]

#: the heading of the column of sentences; no field has this name
EXPLANATION = "错误说明"
#: how wide that column is, in characters
WIDTH = 50
#: the fill of a wrong cell
RED = "FFFF7C80"
#: the author of our comments
AUTHOR = "营商台账"
#: cells with a comment; the rest are red, and the sentence stands in the column: Excel is slow with more
COMMENTS = 2000
#: what a cell holds
_LONGEST = 32_000
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a row (from 1), at a column (`place` from 0), or with the row as a whole."""

    row: int
    place: int | None
    message: str


@dataclass(frozen=True)
class Request:
    """An answer to be made: see imports.answer.write."""

    sheet: str
    header_row: int
    depth: int
    errors: tuple[Fault, ...]
    only_wrong: bool
    mark: str
    numbers: frozenset[int]

    @cached_property
    def sentences(self) -> dict[int, str]:
        """For each wrong row what stands in 错误说明."""
        found: dict[int, list[str]] = defaultdict(list)
        for fault in self.errors:
            found[fault.row].append(fault.message)
        return {row: plain("；".join(dict.fromkeys(messages))) for row, messages in sorted(found.items())}

    def cells(self, merges: Iterable[Merge]) -> dict[Cell, str]:
        """For each wrong cell (row from 1, place from 0) its comment; of a merged range the first cell, which alone is seen."""
        first = self._first(merges)
        found: dict[Cell, list[str]] = defaultdict(list)
        for fault in self.errors:
            if fault.place is not None:
                cell = fault.row, fault.place
                found[first.get(cell, cell)].append(fault.message)
        return {cell: plain("；".join(dict.fromkeys(messages))) for cell, messages in sorted(found.items())}

    def _first(self, merges: Iterable[Merge]) -> dict[Cell, Cell]:
        """The first cell of the merged range that a wrong cell lies in."""
        places: dict[int, set[int]] = defaultdict(set)
        for fault in self.errors:
            if fault.place is not None:
                places[fault.row].add(fault.place)
        rows = sorted(places)
        found: dict[Cell, Cell] = {}
        for merge in merges:
            for row in rows[bisect_left(rows, merge.top) : bisect_right(rows, merge.bottom)]:
                found |= {(row, place): (merge.top, merge.left - 1) for place in places[row] if merge.left <= place + 1 <= merge.right}
        return found

    @property
    def first(self) -> int:
        """The first row under the header."""
        return self.header_row + self.depth

    def kept(self, tall: list[tuple[int, int]]) -> set[int]:
        """The data rows that stay: the wrong ones, with those that a merged range (first row, last row) ties to them."""
        kept, before = set(self.sentences), 0
        while len(kept) > before:
            before = len(kept)
            for top, bottom in tall:
                rows = range(top, bottom + 1)
                if not kept.isdisjoint(rows):
                    kept.update(rows)
        return kept

    def dropped(self, tall: list[tuple[int, int]]) -> frozenset[int]:
        """The data rows that are emptied."""
        return self.numbers - self.kept(tall) if self.only_wrong else frozenset()


def plain(text: str) -> str:
    """A text that XML may hold and a cell has room for."""
    return _UNPRINTABLE.sub("", text)[:_LONGEST]
