"""What stands under a header, taken in one pass: data, and what is left out with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imports.blocks import is_header
from imports.cells import Merge, is_empty
from imports.leftovers import Heads, Leftovers, above
from imports.mending import Mending
from imports.workbook import Sheet


@dataclass
class LeftOut:
    """A row (or a whole sheet) that is no data, and why."""

    reason: str
    row: int | None = None
    sheet: str = ""

    def to_json(self) -> dict[str, object]:
        """As the command line reports it."""
        where: dict[str, object] = {"sheet": self.sheet} if self.reason == "other_sheet" else {}
        return {"row": self.row, "reason": self.reason, **where}


class Body:
    """What stands under a header, taken in one pass."""

    def __init__(self, sheet: Sheet, top: int, depth: int, columns: Sequence[Heads], mending: Mending | None = None) -> None:
        self.sheet, self.columns = sheet, columns
        self.mending = mending or Mending()
        self.top = top
        self.first = top + depth + 1
        self.leftovers = Leftovers(sheet, columns)
        self.left_out: list[LeftOut] = []
        self.number = 0  # the row at hand
        self.last = 0  # the last row of data
        self.near = True  # whether the row above is none of ours
        self.alone = False  # whether the row at hand is a text under such a row
        self.held: list[object] | None = None  # the row above, when it was alone
        self.began = 0  # where another table began
        self.elsewhere = False  # whether the rows belong to another table
        self.blanks: list[int] = []
        self.tall: dict[int, list[Merge]] = {}
        for merge in sheet.merges:
            if merge.tall and merge.left <= len(columns) and columns[merge.left - 1].target:
                self.tall.setdefault(merge.top, []).append(merge)
        self.hanging: list[tuple[Merge, object]] = []

    def pieces(self) -> Iterator[tuple[list[int], list[list[object]]]]:
        """The rows of data, chunk by chunk."""
        wide = len(self.columns)
        mends = bool(self.mending)
        for chunk in self.sheet.chunks():
            numbers: list[int] = []
            rows: list[list[object]] = []
            for as_sent in chunk:
                self.number += 1
                cells = self.mending.mended(self.number, as_sent) if mends else as_sent
                data = self._is_data(cells)
                if self.held:
                    self._settle_held(numbers, rows)
                if data:
                    whole = self._filled_down(cells + [None] * (wide - len(cells)))
                    if mends and self._left_by_hand(whole, as_sent):
                        continue
                    if self.alone:
                        self.held = whole
                        continue
                    numbers.append(self.number)
                    rows.append(whole)
            if rows:
                yield numbers, rows
        if self.held:
            yield [self.number], [self.held]
        for left in self.left_out:
            if left.reason == "section" and (left.row or 0) > self.last:
                left.reason = "note"

    def _left_by_hand(self, whole: list[object], as_sent: Sequence[object]) -> bool:
        """Whether somebody leaves the row out; what somebody typed stands in it also where a merged cell would fill it."""
        self.mending.note(self.number, as_sent)
        self.mending.put(self.number, whole)
        if self.number in self.mending.skips:
            self.left_out.append(LeftOut("skipped", self.number))
            return True
        return False

    def _settle_held(self, numbers: list[int], rows: list[list[object]]) -> None:
        """A text that stands alone under a blank row is the title of another table, if that table's header follows."""
        if self.began == self.number:
            self.left_out.append(LeftOut("other_table", self.number - 1))
        else:
            numbers.append(self.number - 1)
            rows.append(self.held or [])
        self.held = None

    def _is_data(self, cells: Sequence[object]) -> bool:
        if not self.near and not self.elsewhere and self.number >= self.first and self.leftovers.plainly_data(self.number, cells):
            self.last, self.alone = self.number, False
            return True
        filled = [place for place, cell in enumerate(cells) if cell is not None and not is_empty(cell)]
        if self.number < self.first:
            if filled and self.number <= self.top:
                self.left_out.append(LeftOut(above(cells), self.number))
            return False
        reason = self.leftovers.reason(self.number, cells, filled)
        if reason == "blank":
            self.blanks.append(self.number)
            self.near = True
            return False
        self.left_out += [LeftOut("blank", number) for number in self.blanks]
        self.blanks.clear()
        reason = self._of_which_table(reason, cells, filled)
        if reason:
            self.left_out.append(LeftOut(reason, self.number))
            self.near = True
            return False
        self.alone = self.near and len(filled) == 1
        self.last, self.near = self.number, self.alone
        return True

    def _of_which_table(self, reason: str | None, cells: Sequence[object], filled: Sequence[int]) -> str | None:
        """Another header begins another table, which ends where our header comes again."""
        if reason == "header":
            self.elsewhere = False
        elif reason in {None, "header"} and (self.near or self.elsewhere) and self.number > self.first and is_header(cells, filled):
            self.elsewhere, self.began = True, self.number
        return "other_table" if self.elsewhere and reason in {None, "total", "example"} else reason

    def _filled_down(self, cells: list[object]) -> list[object]:
        """What a tall merged cell holds, in each of its rows."""
        if self.hanging:
            self.hanging = [(merge, value) for merge, value in self.hanging if merge.bottom >= self.number]
            for merge, value in self.hanging:
                cells[merge.left - 1] = value
        self.hanging += [(merge, cells[merge.left - 1]) for merge in self.tall.get(self.number, ())]
        return cells
