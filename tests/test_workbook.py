"""Files as they come: the content decides, damage is named, limits hold before memory is spent."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlwt

from imports import workbook
from imports.workbook import CellError, Limits, Refused

SAMPLES = Path(__file__).parent / "workbooks"


def xlsx(*rows: list[object], **sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(data: bytes, **changes: bytes) -> bytes:
    """The same package with some parts replaced (`a__b` stands for `a/b`)."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.namelist():
            new.writestr(part, changes.get(part, old.read(part)))
        for part in changes.keys() - set(old.namelist()):
            new.writestr(part, changes[part])
    return out.getvalue()


def refusal(data: bytes, limits: Limits = workbook.LIMITS) -> str:
    with pytest.raises(Refused) as caught:
        workbook.read(data, limits)
    assert str(caught.value), "a refusal says why"
    return caught.value.code


def test_xlsx_gives_values_and_layout() -> None:
    book = workbook.read((SAMPLES / "中介机构名录.xlsx").read_bytes())
    assert [(sheet.name, len(sheet.rows)) for sheet in book.sheets] == [("名录", 25), ("Sheet2", 0)]
    assert any(merge.top == 7 and merge.bottom == 8 for merge in book.sheets[0].merges)


def test_xls_is_told_by_content() -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    sheet.write(0, 0, "机构名称")
    sheet.write_merge(1, 2, 0, 0, "甲")
    out = io.BytesIO()
    book.save(out)
    found = workbook.read(out.getvalue())
    assert found.kind == "xls"
    assert found.sheets[0].rows[1][0] == "甲"
    assert found.sheets[0].merges[0].bottom == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_csv_in_every_encoding(encoding: str, mark: str) -> None:
    text = f"机构名称{mark}电话\n甲公司{mark}0314-7512345\n"
    assert workbook.read(text.encode(encoding)).sheets[0].rows == [["机构名称", "电话"], ["甲公司", "0314-7512345"]]


def test_csv_guards_are_taken_off() -> None:
    assert workbook.read("名称,备注\n'=1+1,'普通'\n".encode()).sheets[0].rows[1] == ["=1+1", "'普通'"]


def test_failed_formulas_are_marked() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"], sheet["A2"], sheet["A3"], sheet["A4"] = "名称", "#N/A", "=1+1", "甲"
    sheet["A2"].data_type = "e"
    out = io.BytesIO()
    book.save(out)
    rows = workbook.read(out.getvalue()).sheets[0].rows
    assert rows[1][0] == CellError("#N/A")
    assert isinstance(rows[2][0], CellError)
    assert rows[3][0] == "甲"


def test_hidden_rows_and_columns() -> None:
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append([1, 2])
    book.active.row_dimensions[2].hidden = True
    book.active.column_dimensions["B"].hidden = True
    out = io.BytesIO()
    book.save(out)
    sheet = workbook.read(out.getvalue()).sheets[0]
    assert sheet.hidden_rows == {2}
    assert sheet.hidden_columns == {2}


def test_wrong_dimension_is_no_matter() -> None:
    data = xlsx(["a", "b"], ["1", "2"])
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        xml = package.read("xl/worksheets/sheet1.xml").replace(b'ref="A1:B2"', b'ref="A1"')
    assert workbook.read(repacked(data, **{"xl/worksheets/sheet1.xml": xml})).sheets[0].rows == [["a", "b"], ["1", "2"]]


def test_refusals_are_told_apart() -> None:
    good = xlsx(["机构名称"], ["甲"])
    assert refusal(b"") == refusal(b" \n") == refusal(xlsx()) == "empty"
    assert refusal(good[: len(good) // 2]) == "truncated"
    assert refusal(b"%PDF-1.7\x00\x01\x02 not a table") == "pdf"
    assert refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 600) == "damaged"
    assert refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")) == "encrypted"
    assert refusal(b"<html><p>1</p></html>") == "web_page"


def test_limits_are_kept() -> None:
    data = xlsx(*([n, n] for n in range(20)))
    assert refusal(data, Limits(bytes=100)) == "too_big"
    assert refusal(data, Limits(unpacked=100)) == "too_big"
    assert refusal(data, Limits(rows=10)) == "too_big"
    assert refusal(data, Limits(columns=1)) == "too_big"


def test_a_far_cell_costs_no_memory() -> None:
    data = xlsx(["a", "b"])
    far = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    assert refusal(repacked(data, **{"xl/worksheets/sheet1.xml": far})) == "too_big"


def test_hostile_packages_are_refused() -> None:
    data = xlsx(["a", "b"])
    assert refusal(repacked(data, **{"../../etc/passwd": b"x"})) == "hostile"
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'
    assert refusal(repacked(data, **{"xl/worksheets/sheet1.xml": bomb})) == "hostile"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("word/document.xml", "<a/>")
    assert refusal(out.getvalue()) == "document"


@pytest.mark.parametrize("place", range(4, 40, 3))
def test_a_part_packed_in_another_way_and_bent_is_damaged(place: int) -> None:
    """zipfile knows LZMA too, whose errors are of a kind of their own."""
    out = io.BytesIO()
    data = (SAMPLES / "中介机构名录.xlsx").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        start = new.getinfo("xl/workbook.xml").header_offset + 30 + len("xl/workbook.xml")
    bent = bytearray(out.getvalue())
    bent[start + place] ^= 0x5A
    assert refusal(bytes(bent)) == "damaged"
