"""A ledger as a workbook ready for the printer: A4 across, headings on each page, page numbers, borders.

A record's own cells are merged over the lines that belong to it, which the importer fills down
again; the title and the lines under it are no data to the importer.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO

from app.workbooks import workbook
from imports.export import NUMBER as NUMBER_OF_FILE
from imports.ledger import Entry, Ledger

NUMBER = "序号"
A4 = 9
#: widths in characters: of a column, and of what a page across takes without becoming too small to read
NARROW, TIGHT, BROAD, PAGE = 6, 10, 34, 200
LINE = 15  # points
MOST_POINTS = 400
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")


class _Formats:
    """The looks of cells; a workbook keeps each once."""

    def __init__(self, book: Any) -> None:
        cell = {"border": 1, "text_wrap": True, "valign": "vcenter", "font_size": 10}
        self.title = book.add_format({"bold": True, "font_size": 18, "align": "center", "valign": "vcenter"})
        self.under = book.add_format({"font_size": 11, "valign": "vcenter"})
        self.head = book.add_format({**cell, "bold": True, "align": "center", "bg_color": "#EDEDED"})
        self.text = book.add_format({**cell, "num_format": "@"})
        self.day = book.add_format({**cell, "num_format": "yyyy-mm-dd", "align": "center"})
        self.plain = book.add_format({**cell, "align": "center"})

    def of(self, value: object) -> Any:
        """The look of a value's cell."""
        if isinstance(value, str):
            return self.text
        return self.day if isinstance(value, date) else self.plain


def write(ledger: Ledger, out: BinaryIO) -> int:
    """Write the ledger; the number of its records."""
    with workbook(out, strings_to_numbers=False, remove_timezone=True) as book:
        sheet = book.add_worksheet(_FORBIDDEN.sub(" ", ledger.title)[:31])
        looks = _Formats(book)
        widths = _widths(ledger)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        row = _above(sheet, ledger, looks, len(widths))
        sheet.set_row(row, _points([_lines(text, width) for text, width in zip(_headings(ledger), widths, strict=True)]))
        sheet.write_row(row, 0, _headings(ledger), looks.head)
        _page(sheet, row, sum(widths), ledger.number)
        if ledger.number:
            book.set_custom_property(NUMBER_OF_FILE, ledger.number)
        row += 1
        for number, entry in enumerate(ledger.entries, start=1):
            row = _entry(sheet, looks, row, [number, *entry.cells], entry, widths)
    return len(ledger.entries)


def _headings(ledger: Ledger) -> list[str]:
    return [NUMBER, *(head.text for head in ledger.heads)]


def _above(sheet: Any, ledger: Ledger, looks: _Formats, columns: int) -> int:
    """The title and the lines under it; the row that comes next."""
    day = f"{ledger.day.year}年{ledger.day.month}月{ledger.day.day}日" if ledger.day else ""
    facts = f"填报单位：{ledger.office}　　　　打印日期：{day}　　　　打印人：{ledger.person}"
    texts = [(ledger.title, looks.title, 32), (facts, looks.under, 20), *((note, looks.under, 20) for note in ledger.notes)]
    for row, (text, look, points) in enumerate(texts):
        sheet.set_row(row, points)
        if columns > 1:
            sheet.merge_range(row, 0, row, columns - 1, "", look)
        sheet.write_string(row, 0, text, look)
    return len(texts)


def _page(sheet: Any, head: int, width: int, number: str) -> None:
    """Page set-up; a very wide ledger takes several pages side by side, with number and name on each. Paper too says which file it was."""
    across = max(1, math.ceil(width / PAGE))
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.center_horizontally()
    sheet.fit_to_pages(across, 0)
    sheet.repeat_rows(head)
    if across > 1:
        sheet.repeat_columns(0, 1)
    sheet.set_footer("&C第 &P 页 共 &N 页" + (f"&R{NUMBER_OF_FILE} {number}" if number else ""))
    sheet.freeze_panes(head + 1, 2)


def _entry(sheet: Any, looks: _Formats, row: int, own: Sequence[object], entry: Entry, widths: Sequence[int]) -> int:
    """A record over its lines; the row that comes next."""
    lines = entry.lines or [[]]
    share = math.ceil(max(_lines(value, width) for value, width in zip(own, widths, strict=False)) / len(lines))
    for place, value in enumerate(own):
        look = looks.of(value)
        if len(lines) > 1:
            sheet.merge_range(row, place, row + len(lines) - 1, place, "", look)
        _put(sheet, row, place, value, look)
    for step, line in enumerate(lines):
        beside = [*line, *([None] * (len(widths) - len(own) - len(line)))]
        needed = [_lines(value, width) for value, width in zip(beside, widths[len(own) :], strict=True)]
        sheet.set_row(row + step, _points([share, *needed]))
        for place, value in enumerate(beside, start=len(own)):
            _put(sheet, row + step, place, value, looks.of(value))
    return row + len(lines)


def _put(sheet: Any, row: int, place: int, value: object, look: Any) -> None:
    if value is None:
        sheet.write_blank(row, place, None, look)
    elif isinstance(value, str):
        sheet.write_string(row, place, value, look)
    else:
        sheet.write(row, place, value, look)


# how much room a text takes ---------------------------------------------------------------------


def _width(text: str) -> int:
    """Characters across: a Chinese one is two wide."""
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)


def _said(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)


def _lines(value: object, width: int) -> int:
    """How many lines a value takes in a column so wide; one character stays free, as fonts differ."""
    return sum(max(1, math.ceil(_width(part) / max(1, width - 1))) for part in _said(value).split("\n"))


def _points(lines: Sequence[int]) -> int:
    return min(MOST_POINTS, LINE * max(1, *lines, 1) + 5)


def _cells(ledger: Ledger) -> Iterator[list[object]]:
    for number, entry in enumerate(ledger.entries, start=1):
        yield [number, *entry.cells, *(entry.lines[0] if entry.lines else [])]
        for line in entry.lines[1:]:
            yield [None] * (ledger.own + 1) + line


def _widths(ledger: Ledger) -> list[int]:
    """A column is as wide as its longest line, within bounds; long headings break once."""
    widths = [max(NARROW, math.ceil(_width(text) / 2) + 2 if _width(text) > 8 else _width(text) + 2) for text in _headings(ledger)]
    for cells in _cells(ledger):
        for place, value in enumerate(cells):
            longest = max(_width(part) for part in _said(value).split("\n")) + 2
            widths[place] = max(widths[place], min(BROAD, longest))
    return _squeezed(widths)


def shares(ledger: Ledger) -> list[int]:
    """How much of a page's breadth each column takes, in percent: the same proportions as in the workbook."""
    widths = _widths(ledger)
    return [round(100 * width / sum(widths)) for width in widths]


def _squeezed(widths: list[int]) -> list[int]:
    """The broad columns narrowed until the page holds all, where that is possible at all."""
    least = [min(width, TIGHT) for width in widths]
    if not sum(least) < PAGE < sum(widths):
        return widths
    share = (PAGE - sum(least)) / (sum(widths) - sum(least))
    return [low + int((width - low) * share) for low, width in zip(least, widths, strict=True)]


__all__ = ["shares", "write"]
