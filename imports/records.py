"""Workbooks of binary records (.xls, .xlsb): which cells failed, which rows and columns are hidden, what is merged.

calamine reads their values, but gives a failed cell as blank. Only the records that say one of those
things are understood here; all others are stepped over by their length.
"""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Iterator, Mapping

from imports.cells import CellError, Layout, Merge

#: what reading a record that is cut off ends in
CUT_OFF = (struct.error, IndexError, UnicodeDecodeError)
_CODES = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A", 0x2B: "#GETTING_DATA"}


def _error(code: int) -> CellError:
    return CellError(_CODES.get(code, "#ERROR"))


def _hide_columns(layout: Layout, first: int, last: int) -> None:
    layout.hidden_columns.update(range(first + 1, min(last, 16_383) + 2))


# .xlsb: MS-XLSB, numbers of variable length in front of each record


def _long_records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, start and length of each record of a part."""
    place, end = 0, len(data)
    while place < end:
        kind = data[place]
        place += 1
        if kind & 0x80:
            kind = (kind & 0x7F) | (data[place] & 0x7F) << 7
            place += 1
        size = shift = 0
        while True:
            byte = data[place]
            place += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift > 21:
                break
        yield kind, place, size
        place += size


def parts(workbook: bytes, targets: Mapping[str, str]) -> list[str]:
    """The parts of the sheets of an .xlsb in their order; raises IndexError or struct.error when it is cut off."""
    found = []
    for kind, start, _size in _long_records(workbook):
        if kind == 156:  # BrtBundleSh: state, number, then the relation's name
            length = struct.unpack_from("<I", workbook, start + 8)[0]
            relation = workbook[start + 12 : start + 12 + 2 * length].decode("utf-16-le") if length < 1000 else ""
            found.append(targets.get(relation, posixpath.sep))
    return found


def package_layout(data: bytes) -> Layout:
    """The layout of one sheet's part of an .xlsb."""
    layout, row = Layout(), 0
    for kind, start, _size in _long_records(data):
        if kind == 0:  # BrtRowHdr
            row = struct.unpack_from("<I", data, start)[0] + 1
            if data[start + 11] & 0x10:
                layout.hidden_rows.add(row)
        elif kind in {3, 11}:  # BrtCellError, BrtFmlaError
            column = struct.unpack_from("<I", data, start)[0] + 1
            layout.errors[row, column] = _error(data[start + 8])
        elif kind == 60:  # BrtColInfo
            first, last = struct.unpack_from("<II", data, start)
            if data[start + 16] & 1:
                _hide_columns(layout, first, last)
        elif kind == 176:  # BrtMergeCell
            top, bottom, left, right = struct.unpack_from("<IIII", data, start)
            layout.merges.append(Merge(top + 1, left + 1, bottom + 1, right + 1))
    return layout


# .xls: MS-XLS, in a stream of an OLE file


def _records(stream: bytes, place: int = 0) -> Iterator[tuple[int, int]]:
    """Kind and start of each record from a place on, to the end of its part of the stream."""
    while place + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, place)
        yield kind, place + 4
        if kind == 0x0A:  # EOF
            return
        place += 4 + size


def locked(stream: bytes) -> bool:
    """Whether the workbook asks for a password before it is opened."""
    return any(kind == 0x2F for kind, _start in _records(stream))  # FILEPASS


def layouts(stream: bytes) -> list[Layout]:
    """The layout of each sheet of an .xls in the file's order."""
    found = []
    for kind, start in _records(stream):
        if kind == 0x85:  # BOUNDSHEET
            found.append(_layout(stream, struct.unpack_from("<I", stream, start)[0]))
    return found


def _layout(stream: bytes, place: int) -> Layout:
    layout = Layout()
    for kind, start in _records(stream, place):
        if kind == 0x208:  # ROW
            row, flags = struct.unpack_from("<H10xH", stream, start)
            if flags & 0x20:
                layout.hidden_rows.add(row + 1)
        elif kind == 0x7D:  # COLINFO
            first, last, flags = struct.unpack_from("<HH4xH", stream, start)
            if flags & 1:
                _hide_columns(layout, first, last)
        elif kind == 0x205:  # BOOLERR
            row, column, code, failed = struct.unpack_from("<HH2xBB", stream, start)
            if failed:
                layout.errors[row + 1, column + 1] = _error(code)
        elif kind == 0x06:  # FORMULA
            row, column, result, code, marker = struct.unpack_from("<HH2xBxB3xH", stream, start)
            if marker == 0xFFFF and result == 2:
                layout.errors[row + 1, column + 1] = _error(code)
    return layout
