"""A workbook of one sheet, written as its rows come: however many there are, none is kept.

Text stands in its cells (`inlineStr`) and not in a shared table, which nobody could write before
the last row is known. Why by hand: docs/decisions/0019-exports-stream.md.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import IO, BinaryIO
from xml.sax.saxutils import escape

from app.language import _l
from imports import spreadsheet_parts as parts
from imports.cells import letters
from imports.refusal import Refused

#: how hard the archive is pressed: the next level takes twice the time and saves a tenth
_LEVEL = 1
#: rows that a sheet holds, its heading among them; bytes of a part, beyond which Excel speaks of a damaged file
MOST, _MOST_BYTES = 1_048_576, 2**31 - 2**20
#: how far apart the words across a sheet stand, and how many of them at most
EVERY, TIMES = 25, 400
#: spreadsheets count days from here, and count one too many before the other: earlier days leave as text
_DAY_ZERO, _FIRST_DAY = date(1899, 12, 30).toordinal(), date(1900, 3, 1)
#: what stands for something else in XML, or cannot stand in it at all; and text that would be read as an escape
_SPECIAL = re.compile("[&<>\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
_AS_TEXT, _AS_DAY = f'" s="{parts.TEXT}" t="inlineStr"><is><t', f'" s="{parts.DAY}"><v>'
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Column:
    """A column: the text over it, its breadth in characters, whether its cells are text even where they are empty."""

    heading: str
    width: float
    as_text: bool = False


@dataclass(frozen=True)
class Marks:
    """What a workbook says of itself: properties by name, words over and under each page and across the sheet."""

    properties: dict[str, str]
    description: str = ""
    words: str = ""


def write(out: BinaryIO, title: str, columns: Sequence[Column], grids: Iterable[Sequence[Sequence[object]]], marks: Marks) -> int:
    """Write the workbook out of its columns, some rows of all at a time; the number of rows. Raises Refused when a sheet cannot hold them.

    `out` need not be seekable. When rows fail to come the sheet ends in mid-air: nobody opens that as a whole file.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as package:
        for name, text in parts.before(title, marks.properties, marks.description, drawn=bool(marks.words)):
            package.writestr(name, text)
        with package.open("xl/worksheets/sheet1.xml", "w") as sheet:
            head = parts.sheet_head([(column.width, column.as_text) for column in columns], marked=bool(marks.words))
            sheet.write((head + _heading(columns)).encode())
            count = _body(sheet, grids, len(columns))
            sheet.write(parts.sheet_foot(marks.words).encode())
        if marks.words:
            for name, text in parts.drawing(marks.words, range(2, 2 + min(max(count, 1), EVERY * TIMES), EVERY)):
                package.writestr(name, text)
    return count


def _body(sheet: IO[bytes], grids: Iterable[Sequence[Sequence[object]]], width: int) -> int:
    """The rows; how many."""
    count = size = 0
    starts = [f'<c r="{letters(place)}' for place in range(1, width + 1)]
    for grid in grids:
        numbers = [str(number) for number in range(count + 2, count + 2 + len(grid[0]))]
        cells = [_cells(start, numbers, values) for start, values in zip(starts, grid, strict=True)]
        data = "".join([f'<row r="{number}">{"".join(row)}</row>' for number, row in zip(numbers, zip(*cells, strict=True), strict=True)]).encode()
        count, size = count + len(numbers), size + len(data)
        if count >= MOST or size > _MOST_BYTES:
            raise Refused("too_big", _l("一张工作表放不下这么多行，请先筛选，再分几次导出"))
        sheet.write(data)
    return count


def _cells(start: str, numbers: Sequence[str], values: Sequence[object]) -> list[str]:
    """The cells of a column. Most columns hold one kind of values: it is asked once, and once whether any text needs care."""
    kinds = {*map(type, values)}
    if kinds == {type(None)}:
        return [""] * len(values)
    if kinds <= {str, type(None)}:
        if _SPECIAL.search("\n".join(filter(None, values))):  # type: ignore[arg-type]
            values = [value and _escaped(value) for value in values]  # type: ignore[arg-type]
        spaced = any(value and (value[0] <= " " or value[-1] <= " ") for value in values)  # type: ignore[index]
        opening = _AS_TEXT + (' xml:space="preserve">' if spaced else ">")
        return [f"{start}{number}{opening}{value}</t></is></c>" if value else "" for number, value in zip(numbers, values, strict=True)]
    if kinds <= {date, type(None)} and min(filter(None, values)) >= _FIRST_DAY:  # type: ignore[type-var, operator]
        return [f"{start}{number}{_AS_DAY}{value.toordinal() - _DAY_ZERO}</v></c>" if value else "" for number, value in zip(numbers, values, strict=True)]  # type: ignore[attr-defined]
    if kinds <= {int, float, type(None)}:
        return ["" if value is None else f'{start}{number}"><v>{value!r}</v></c>' for number, value in zip(numbers, values, strict=True)]
    if len(values) > 1:
        return [_cells(start, [number], [value])[0] for number, value in zip(numbers, values, strict=True)]
    return _cells(start, numbers, [str(value) for value in values])


def _heading(columns: Sequence[Column]) -> str:
    cells = (
        f'<c r="{letters(place)}1" s="{parts.HEAD}" t="inlineStr"><is><t>{_escaped(column.heading)}</t></is></c>' for place, column in enumerate(columns, 1)
    )
    return f'<row r="1">{"".join(cells)}</row>'


def _escaped(text: str) -> str:
    """Text as a cell carries it; what no cell can carry is left out."""
    text = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", _UNWRITABLE.sub("", text))
    return escape(text).replace("\r", "_x000D_")


__all__ = ["Column", "Marks", "write"]
