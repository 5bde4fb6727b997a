"""Writers of binary workbooks: .xlsb record by record, .xls by xlwt."""

from __future__ import annotations

import io
import struct
from datetime import date

import xlwt

from tests.corpus.pages import NO_RESULT, Failed, Page
from tests.corpus.xlsx import PACKAGE, RELATIONS, serial, zipped

CODES = {"#NULL!": 0x00, "#DIV/0!": 0x07, "#VALUE!": 0x0F, "#REF!": 0x17, "#NAME?": 0x1D, "#NUM!": 0x24, "#N/A": 0x2A}


def _record(kind: int, data: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = len(data), b""
    while True:
        length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
        if not size:
            return head + length + data


def _text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode("utf-16-le")


def _cell(column: int, value: object) -> bytes:
    at = struct.pack("<II", column, 1 if isinstance(value, date) else 0)
    if isinstance(value, Failed):
        return _record(3, at + bytes([CODES[value.text]]))
    if isinstance(value, bool):
        return _record(4, at + bytes([value]))
    if isinstance(value, date):
        return _record(5, at + struct.pack("<d", serial(value, date(1899, 12, 30))))
    if isinstance(value, (int, float)):
        return _record(5, at + struct.pack("<d", value))
    return _record(6, at + _text(str(value)))


def xlsb(*pages: Page) -> bytes:
    bundle = b"".join(
        _record(156, struct.pack("<II", int(page.hidden), place) + _text(f"rId{place}") + _text(page.name)) for place, page in enumerate(pages, 1)
    )
    made: dict[str, bytes | str] = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
        "xl/workbook.bin": _record(131) + _record(153, struct.pack("<III", 0, 0, 0)) + _record(143) + bundle + _record(144) + _record(132),
        "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + "".join(f'<Relationship Id="rId{place}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{place}.bin"/>' for place in range(1, len(pages) + 1))
        + f'<Relationship Id="rId99" Type="{RELATIONS}/styles" Target="styles.bin"/></Relationships>',
        "xl/styles.bin": _record(278)
        + _record(617, struct.pack("<I", 2))
        + _record(47, struct.pack("<HHHHHBBHBB", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        + _record(47, struct.pack("<HHHHHBBHBB", 0, 14, 0, 0, 0, 0, 0, 0, 0, 0))
        + _record(618)
        + _record(279),
    }
    for place, page in enumerate(pages, 1):
        wide = max(len(line) for line in page.grid)
        body = b""
        for number, line in enumerate(page.grid):
            flags = 0x10 if number + 1 in page.hidden_rows else 0
            body += _record(0, struct.pack("<IIHBBBI", number, 0, 300, 0, flags, 0, 0))
            body += b"".join(_cell(column, value) for column, value in enumerate(line) if value is not None)
        columns = b"".join(_record(60, struct.pack("<IIIIH", column - 1, column - 1, 2304, 0, 1)) for column in page.hidden_columns)
        merges = b"".join(_record(176, struct.pack("<IIII", top - 1, bottom - 1, left - 1, right - 1)) for top, left, bottom, right in page.merges)
        made[f"xl/worksheets/sheet{place}.bin"] = (
            _record(129)
            + _record(148, struct.pack("<IIII", 0, len(page.grid) - 1, 0, wide - 1))
            + (_record(390) + columns + _record(391) if columns else b"")
            + _record(145)
            + body
            + _record(146)
            + (_record(177, struct.pack("<I", len(page.merges))) + merges + _record(178) if merges else b"")
            + _record(130)
        )
    return zipped(made)


def xls(*pages: Page, date1904: bool = False, encoding: str = "utf-8") -> bytes:
    book = xlwt.Workbook(encoding=encoding)
    book.dates_1904 = date1904
    day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for page in pages:
        sheet = book.add_sheet(page.name)
        sheet.visibility = int(page.hidden)
        merged = {(top, left): (top - 1, bottom - 1, left - 1, right - 1) for top, left, bottom, right in page.merges}
        for number, line in enumerate(page.grid):
            for column, value in enumerate(line):
                place = merged.get((number + 1, column + 1))
                if isinstance(value, Failed):
                    assert value is not NO_RESULT
                    sheet.row(number).set_cell_error(column, CODES[value.text])
                elif place:
                    sheet.write_merge(*place, value)
                elif value is not None:
                    sheet.write(number, column, value, day) if isinstance(value, date) else sheet.write(number, column, value)
            if number + 1 in page.hidden_rows:
                sheet.row(number).hidden = True
        for column in page.hidden_columns:
            sheet.col(column - 1).hidden = True
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
