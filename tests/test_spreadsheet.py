"""The workbook written by hand: two readers of other people find in it exactly what went in."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pytest

from imports import reading, spreadsheet
from imports.cells import CellError
from imports.refusal import Refused
from imports.spreadsheet import Column, Marks

PLAIN = Marks({})
COLUMNS = [Column("甲<&>", 12, as_text=True), Column("乙", 12)]


def written(*grids: list[list[Any]], marks: Marks = PLAIN, columns: list[Column] = COLUMNS) -> bytes:
    out = io.BytesIO()
    spreadsheet.write(out, "表", columns, grids, marks)
    return out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "a & b < c > d \"e\" 'f'",
        "=1+1",
        "  两头 空 ",
        "一\n二\n",
        "制\t表",
        "_x0041_",
        "_x005F_x0041_",
        "130828198001010018",
        "00012",
        "🀄𠀀",
        "]]>",
        "#N/A",
        "TRUE",
    ],
)
def test_text_is_what_it_was(text: str) -> None:
    data = written([[text, "别的"], [None, text]])
    [read] = reading.read(data).sheets
    rows = [["甲<&>", "乙"], [text, None], ["别的", text]]
    kept = {"#N/A": CellError("#N/A")}.get(text, text)  # the import looks closer: text that says so is an error, wherever it comes from
    assert [list(row) for row in read.rows] == [[kept if cell == text else cell for cell in row] for row in rows]
    if "_x0" not in text:  # openpyxl takes escapes as they are
        sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
        assert [[cell.value for cell in row] for row in sheet] == rows
        assert sheet["A2"].number_format == "@"


@pytest.mark.parametrize("text", ["一\x00二", "一\x0b二", "一\ud800二", "一\uffff二"])
def test_what_no_cell_can_hold_is_left_out(text: str) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(written([[text], [1]]))).worksheets[0]
    assert sheet["A2"].value == "一二"


def test_numbers_and_days_are_numbers_and_days() -> None:
    grid: list[list[Any]] = [[1, 2.5, None, -3], [date(2026, 3, 15), None, date(9999, 12, 31), date(1900, 3, 1)]]
    data = written(grid)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == grid[0]
    assert [row[1].value and row[1].value.date() for row in sheet.iter_rows(min_row=2)] == grid[1]
    [read] = reading.read(data).sheets
    assert [list(row) for row in read.rows[1:]] == [[1, date(2026, 3, 15)], [2.5, None], [None, date(9999, 12, 31)], [-3, date(1900, 3, 1)]]


def test_a_day_that_spreadsheets_count_wrong_leaves_as_text() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(written([[date(1900, 2, 28), date(1850, 1, 2)], [1, 2]]))).worksheets[0]
    assert [sheet["A2"].value, sheet["A3"].value] == ["1900-02-28", "1850-01-02"]


def test_a_column_may_mix_what_it_holds() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(written([["长期", date(2026, 3, 15), 7, None, ""], [None] * 5]))).worksheets[0]
    assert [row[0].value for row in sheet.iter_rows(min_row=2, max_row=4)] == ["长期", sheet["A3"].value, 7]
    assert sheet["A3"].value.date() == date(2026, 3, 15)


def test_whole_columns_are_text_and_the_heading_stays_in_sight() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(written([["1"], [2]]))).worksheets[0]
    assert (sheet.column_dimensions["A"].number_format, sheet.column_dimensions["B"].number_format) == ("@", "General")
    assert sheet.freeze_panes == "A2"


def test_a_sheet_has_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MOST", 3)
    assert written([["1", "2"], [1, 2]])
    with pytest.raises(Refused):
        written([["1", "2"], [1, 2]], [["3"], [3]])


def test_a_file_that_was_cut_off_cannot_be_taken_for_a_whole_one() -> None:
    def grids() -> Any:
        yield [["1"], [1]]
        raise OSError("the database is away")

    out = io.BytesIO()
    with pytest.raises(OSError, match="away"):
        spreadsheet.write(out, "表", COLUMNS, grids(), PLAIN)
    left = out.getvalue()
    with zipfile.ZipFile(io.BytesIO(left)) as package, pytest.raises(ET.ParseError):
        ET.fromstring(package.read("xl/worksheets/sheet1.xml"))


def test_every_part_is_well_formed_and_named() -> None:
    data = written([["1"] * 60, [1] * 60], marks=Marks({"编号": "DC1 <&>"}, "说明", '内部 & "资料"'))
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for name in package.namelist():
            ET.fromstring(package.read(name))
        named = ET.fromstring(package.read("[Content_Types].xml"))
        assert {part.get("PartName", "").lstrip("/") for part in named if part.get("PartName")} == {
            name for name in package.namelist() if not name.endswith((".rels", "[Content_Types].xml"))
        }
        assert package.read("xl/drawings/drawing1.xml").count(b"<xdr:sp ") == 3
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert [(each.name, each.value) for each in book.custom_doc_props.props] == [("编号", "DC1 <&>")]
    assert book.worksheets[0].sheet_properties.tabColor.rgb == "FFC00000"
