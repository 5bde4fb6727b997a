"""A plot: rows of numbers, each with the list that it counts; drawn by the browser out of the table behind it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from app.language import _
from app.workbooks import workbook
from imports.export import guarded


@dataclass(frozen=True)
class Cell:
    """A number and the address of what it counts; `text` says it where the number alone does not."""

    value: float
    link: str = ""
    text: str = ""

    @property
    def shown(self) -> str:
        """The number as people read it."""
        return self.text or f"{self.value:,.0f}"


@dataclass(frozen=True)
class Bar:
    """A row of the table: what is counted, its numbers, one per series."""

    label: str
    cells: list[Cell]
    #: what the reader chooses one of, where the plot shows one group at a time
    group: str = ""


@dataclass
class Plot:
    """A plot with its table."""

    name: str
    title: str
    kind: str  # bars (lying), columns (standing), table (not drawn)
    head: str
    series: list[str]
    bars: list[Bar] = field(default_factory=list)
    group_head: str = ""
    #: one sentence: what counts and what does not
    quiet: str = ""
    unit: str = ""
    #: the last row of the table: all together
    foot: list[Cell] = field(default_factory=list)
    #: how many of the series are drawn, from the first; 0: all
    drawn: int = 0
    #: the colours of the series (1 to 8), where they mean something; else in their order
    colours: list[int] = field(default_factory=list)
    #: whether the table stands open beside the plot
    open: bool = False

    @property
    def groups(self) -> list[str]:
        """The groups to choose from, in order."""
        return list(dict.fromkeys(bar.group for bar in self.bars if bar.group))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not any(cell.value for bar in self.bars for cell in bar.cells)

    def without_empty_series(self) -> Plot:
        """The same without the series that count nothing anywhere."""
        kept = [place for place in range(len(self.series)) if any(bar.cells[place].value for bar in self.bars)]
        self.bars = [Bar(bar.label, [bar.cells[place] for place in kept], bar.group) for bar in self.bars]
        self.series = [self.series[place] for place in kept]
        self.colours = [self.colours[place] for place in kept if place < len(self.colours)]
        return self

    def lines(self) -> Iterable[list[Any]]:
        """The table with its head."""
        first = [self.group_head] if self.group_head else []
        yield [*first, self.head, *self.series]
        for bar in self.bars:
            yield [*([bar.group] if self.group_head else []), bar.label, *(cell.text or cell.value for cell in bar.cells)]
        if self.foot:
            yield [_("合计"), *(cell.text or cell.value for cell in self.foot)]


def to_xlsx(title: str, lines: Iterable[list[Any]], out: BinaryIO) -> None:
    """Write a small table as a workbook, its head bold."""
    with workbook(out, default_date_format="yyyy-mm-dd") as book:
        sheet = book.add_worksheet(_sheet_name(title))
        head = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True})
        text = book.add_format({"num_format": "@"})
        for place, line in enumerate(lines):
            if place == 0:
                sheet.set_column(0, len(line) - 1, 18)
                sheet.write_row(0, 0, line, head)
                continue
            for column, value in enumerate(line):
                if isinstance(value, str):
                    sheet.write_string(place, column, value, text)
                elif value is not None:
                    sheet.write(place, column, value)
        sheet.freeze_panes(1, 0)


def _sheet_name(title: str) -> str:
    return "".join(" " if sign in "[]:*?/\\" else sign for sign in title)[:31].strip("'") or "1"


def to_csv(_title: str, lines: Iterable[list[Any]], out: BinaryIO) -> None:
    """Write a small table as UTF-8 CSV with the mark that Excel wants."""
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    csv.writer(text).writerows([guarded(value) for value in line] for line in lines)
    text.flush()
    text.detach()


WRITERS = {"xlsx": to_xlsx, "csv": to_csv}
