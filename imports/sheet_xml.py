"""The XML of one sheet: which rows and columns are hidden, which cells failed, how far it reaches.

A large sheet is hundreds of megabytes of XML. It is read in pieces of whole rows, and a piece is only
looked at closely when a quick search says that something is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from app.language import _l
from imports.cells import NO_RESULT, PICTURE, CellError, Layout, number
from imports.refusal import Refused

_PIECE = 1 << 20
#: the end of a longer row is not waited for
_LONGEST = 16 << 20

_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_ROW_NUMBER = re.compile(rb'\br="(\d+)"')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_COLUMNS = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
_FAR = re.compile(rb'r="(?:[A-Z]{3}|I[W-Z]|[J-Z][A-Z])\d')
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)(?<!/)>(.*?)</(?:\w+:)?c>", re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]+)(\d+)"')
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*>([^<]+)</")
_ENDED_VALUE = re.compile(rb"<(?:\w+:)?v\s*(?:/>|>)")
_SAYS = re.compile(rb"<(?:\w+:)?(?:v\b[^>]*>[^<]|is\b)")
_KIND = re.compile(rb'\bt="(\w+)"')
_FORMULA = re.compile(rb"<(?:\w+:)?f\b")
#: what calamine knows; another one makes it refuse the whole workbook
_KNOWN = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})


def layout(stream: IO[bytes], name: str, rows: int, columns: int) -> tuple[Layout, bool]:
    """The layout of the sheet, and whether calamine would stumble over a failed cell in it; raises Refused where it reaches too far."""
    found = _Sheet(name, rows, columns)
    for piece in _pieces(stream):
        found.look(piece)
    return found.layout, found.unknown


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """The XML in pieces of whole rows; attributes stand in double quotes."""
    rest = b""
    while read := stream.read(_PIECE):
        piece = rest + read
        end = piece.rfind(b"<row")
        end = end if end > 0 else piece.rfind(b"row>") + 4
        if end < 4 and len(piece) < _LONGEST:
            rest = piece
            continue
        rest, piece = (piece[end:], piece[:end]) if end >= 4 else (b"", piece)
        yield _quoted(piece)
    yield _quoted(rest)


def _quoted(piece: bytes) -> bytes:
    return piece.replace(b"'", b'"') if b"='" in piece else piece


class _Sheet:
    """What is known of a sheet so far."""

    def __init__(self, name: str, rows: int, columns: int) -> None:
        self.name, self.rows, self.columns = name, rows, columns
        self.layout = Layout(pictures=False)
        self.unknown = False
        self.row = 0  # the last row begun
        self.prefixed = False
        self.widths = True  # whether <cols> may still come

    def look(self, piece: bytes) -> None:
        """Take in a piece."""
        hidden = b'hidden="' in piece
        if self.widths:
            self._columns(piece)
            self.prefixed |= b":worksheet" in piece
            self.widths = b"<sheetData" not in piece and b":sheetData" not in piece
        if hidden or self._implicit(piece):
            self._hidden_rows(piece)
        else:
            self._last_row(piece)
        if _FAR.search(piece) or self.row > self.rows:
            self._refuse_far(piece)
        if b't="e"' in piece or b"<f" in piece or (self.prefixed and b":f" in piece):
            self._failed(piece)
        self.layout.pictures |= b"DISPIMG(" in piece

    def _columns(self, piece: bytes) -> None:
        for attributes in _COLUMNS.findall(piece):
            ends = re.search(rb'\bmin="(\d+)"', attributes), re.search(rb'\bmax="(\d+)"', attributes)
            if ends[0] and ends[1] and _HIDDEN.search(attributes):
                self.layout.hidden_columns.update(range(int(ends[0].group(1)), min(int(ends[1].group(1)), self.columns) + 1))

    @staticmethod
    def _implicit(piece: bytes) -> bool:
        """Whether rows do not say their numbers: they have to be counted."""
        first = _ROW.search(piece)
        return bool(first) and not _ROW_NUMBER.search(first.group(1))  # type: ignore[union-attr]

    def _hidden_rows(self, piece: bytes) -> None:
        for attributes in _ROW.findall(piece):
            said = _ROW_NUMBER.search(attributes)
            self.row = int(said.group(1)) if said else self.row + 1
            if _HIDDEN.search(attributes):
                self.layout.hidden_rows.add(self.row)

    def _last_row(self, piece: bytes) -> None:
        start = piece.rfind(b"<row ")
        last = _ROW.search(piece, start) if start >= 0 else None
        for found in [last] if last else _ROW.finditer(piece) if b":row" in piece else ():
            said = _ROW_NUMBER.search(found.group(1))
            self.row = int(said.group(1)) if said else self.row + 1

    def _refuse_far(self, piece: bytes) -> None:
        """Far cells that only have a colour or a border are none."""
        for attributes, inside in _CELL.findall(piece):
            place = _PLACE.search(attributes)
            if not place or not _SAYS.search(inside):
                continue
            if int(place.group(2)) > self.rows:
                raise Refused("too_big", _l("“%(name)s”超过 %(most)s 行，请拆分后分次导入", name=self.name, most=self.rows))
            if number(place.group(1).decode()) > self.columns:
                raise Refused("too_big", _l("“%(name)s”超过 %(most)s 列，请删去多余的列", name=self.name, most=self.columns))

    def _failed(self, piece: bytes) -> None:
        for attributes, inside in _CELL.findall(piece):
            said = _KIND.search(attributes)
            kind = said.group(1) if said else b"n"
            if b"DISPIMG(" in inside:
                self._mark(attributes, PICTURE)
            elif kind == b"e":
                value = _VALUE.search(inside)
                text = value.group(1).decode("utf-8", "replace") if value else "=?"
                self.unknown |= text not in _KNOWN
                self._mark(attributes, CellError(text))
            elif _FORMULA.search(inside) and not _VALUE.search(inside) and not (kind == b"str" and _ENDED_VALUE.search(inside)):
                self._mark(attributes, NO_RESULT)

    def _mark(self, attributes: bytes, error: CellError) -> None:
        if place := _PLACE.search(attributes):
            self.layout.errors[int(place.group(2)), number(place.group(1).decode())] = error


def without_unknown_errors(xml: bytes) -> bytes:
    """The XML with the failed cells blank that calamine does not know (`#SPILL!`); the layout has kept them."""

    def blank(match: re.Match[bytes]) -> bytes:
        value = _VALUE.search(match.group(2))
        known = value and value.group(1).decode("utf-8", "replace") in _KNOWN
        return match.group() if known or b't="e"' not in match.group(1) else b""

    return _CELL.sub(blank, xml)
