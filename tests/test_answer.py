"""The answer workbook: the sender's own file with its wrong rows marked, everything else as it was."""

from __future__ import annotations

import io
import re
import zipfile
from functools import cache

import openpyxl
import pytest
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

import models  # noqa: F401 - announces the registers
from app import registry
from imports import answer, answering, headings, reading, table, workbook
from imports.answer import EXPLANATION, Fault, batch_of, mark_of, package, signed
from imports.answer.faults import RED, Request
from imports.answer.sheet import _ORDER
from imports.rows import Issue
from imports.workbook import Sheet
from tests.answer_workbooks import WORKBOOKS, repacked

SHEET, SECRET = "名录", b"a secret of the tests, long enough"
SENTENCE = "“统一社会信用代码”少了一位，请对照营业执照 <改正> & 再上传"
#: what openpyxl cannot keep it says; we do not write with it
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
ALL = pytest.mark.parametrize("name", WORKBOOKS)


@cache
def file(name: str) -> bytes:
    return WORKBOOKS[name][0]()


@cache
def sheets(data: bytes) -> list[Sheet]:
    return workbook.read(data).sheets


def sheet_of(data: bytes) -> Sheet:
    return next(sheet for sheet in sheets(data) if sheet.name == SHEET)


def numbers(name: str) -> list[int]:
    _made, header_row, depth = WORKBOOKS[name]
    return [row for row, cells in enumerate(sheet_of(file(name)).rows, 1) if row >= header_row + depth and any(cells)]


def request(name: str, *errors: Fault, only_wrong: bool = False) -> Request:
    _made, header_row, depth = WORKBOOKS[name]
    return Request(SHEET, header_row, depth, errors, only_wrong, signed(7, SECRET), frozenset(numbers(name)))


def edited(name: str, *errors: Fault, only_wrong: bool = False) -> bytes:
    return package.edited(file(name), request(name, *errors, only_wrong=only_wrong))


def squared(sheet: Sheet, width: int) -> list[list[object]]:
    rows = [[*row, *[None] * (width - len(row))][:width] for row in sheet.rows]
    while rows and not any(cell is not None for cell in rows[-1]):
        rows.pop()
    return rows


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def sheet_part(data: bytes) -> bytes:
    return parts(data)["xl/worksheets/sheet1.xml"]


def some_faults(name: str) -> st.SearchStrategy[list[Fault]]:
    places = st.one_of(st.none(), st.integers(0, max(0, sheet_of(file(name)).width - 1)))
    return st.lists(st.builds(Fault, st.sampled_from(numbers(name)), places, st.sampled_from([SENTENCE, "必须填写", "第 3 行与第 5 行重复"])), max_size=12)


@ALL
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_else_changes(name: str, data: st.DataObject) -> None:
    """Read back, every cell of every sheet is what it was, but for the new column."""
    faults = data.draw(some_faults(name))
    made, before = edited(name, *faults), sheet_of(file(name))
    again = workbook.read(made).sheets
    assert [sheet.name for sheet in again] == [sheet.name for sheet in sheets(file(name))]
    for old, new in zip(sheets(file(name)), again, strict=True):
        assert squared(new, old.width) == squared(old, old.width)
        assert (new.hidden, new.hidden_rows, new.hidden_columns) == (old.hidden, old.hidden_rows, old.hidden_columns)
    after = next(sheet for sheet in again if sheet.name == SHEET)
    explained = {row: cells[before.width] for row, cells in enumerate(squared(after, before.width + 1), 1) if cells[before.width] is not None}
    header_row = WORKBOOKS[name][1]
    assert explained == {header_row: EXPLANATION, **request(name, *faults).sentences}
    assert set(before.merges) <= set(after.merges)


@ALL
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_only_the_wrong_rows_stay(name: str, data: st.DataObject) -> None:
    """The others are empty and hidden; what stays keeps its number and, where merged cells tie rows together, its neighbours."""
    faults = data.draw(some_faults(name))
    asked = request(name, *faults, only_wrong=True)
    made, before = edited(name, *faults, only_wrong=True), sheet_of(file(name))
    after = sheet_of(made)
    dropped = asked.dropped([(merge.top, merge.bottom) for merge in before.merges if merge.tall])
    assert not dropped & {fault.row for fault in faults}
    expected = [[None] * before.width if row in dropped else cells for row, cells in enumerate(squared(before, before.width), 1)]
    while expected and not any(cell is not None for cell in expected[-1]):
        expected.pop()
    assert squared(after, before.width) == expected
    assert after.hidden_rows == before.hidden_rows | dropped
    for merge in before.merges:
        rows = set(range(merge.top, merge.bottom + 1))
        assert not rows & {fault.row for fault in faults} or not rows & dropped


@ALL
def test_other_parts_stay_byte_for_byte(name: str) -> None:
    old, new = parts(file(name)), parts(edited(name, Fault(numbers(name)[0], 1, SENTENCE)))
    changing = r"xl/worksheets/(_rels/)?sheet1.*|xl/styles\.xml|docProps/custom\.xml|(xl/)?_rels/(workbook.*)?\.rels|\[Content.*|xl/comments.*|.*vml.*"
    allowed = re.compile(changing)
    assert set(old) <= set(new)
    assert {part for part in old if old[part] != new[part] and not allowed.fullmatch(part)} == set()


def test_what_openpyxl_would_lose_stands() -> None:
    """Lists kept in extensions, sparklines, data bars, boxes, pictures, WPS's pictures in cells, print set-up."""
    old, new = parts(file("rich")), parts(edited("rich", Fault(4, 2, SENTENCE)))
    for part in ("xl/cellimages.xml", "xl/drawings/drawing1.xml", "xl/media/image1.png", "xl/charts/chart1.xml"):
        assert new[part] == old[part]
    sheet = new["xl/worksheets/sheet1.xml"].decode()
    for kept in (
        "x14:dataValidations",
        "x14:sparklineGroups",
        "x14:dataBar",
        "字典!$A$1:$A$3",
        "legacyDrawingHF",
        "autoFilter",
        "frozen",
        "landscape",
        'width="30.',
    ):
        assert kept in sheet
    assert "内部" in new["docProps/custom.xml"].decode()


@ALL
def test_children_stand_in_the_order_of_the_schema(name: str) -> None:
    """Excel calls a file damaged whose elements stand in another order."""
    names = [etree.QName(element).localname for element in etree.fromstring(sheet_part(edited(name, Fault(numbers(name)[0], 1, SENTENCE))))]
    assert names == sorted(names, key=_ORDER.index)


@ALL
def test_wrong_cells_are_red_with_a_comment(name: str) -> None:
    row = numbers(name)[1]
    made = openpyxl.load_workbook(io.BytesIO(edited(name, Fault(row, 1, SENTENCE), Fault(row, None, "整行不能导入"))))[SHEET]
    red = {cell.coordinate: cell.comment.text for cells in made.iter_rows() for cell in cells if cell.fill.fgColor.rgb == RED and cell.comment}
    assert list(red.values()) == [SENTENCE]
    (place,) = red
    old = openpyxl.load_workbook(io.BytesIO(file(name)))[SHEET][place]
    assert (made[place].number_format, made[place].font.b, made[place].border.left.style) == (old.number_format, old.font.b, old.border.left.style)
    sentences = {cell.value for cells in made.iter_rows() for cell in cells if isinstance(cell.value, str) and SENTENCE in cell.value}
    assert sentences == {f"{SENTENCE}；整行不能导入"}


def test_the_heading_looks_like_its_neighbour() -> None:
    made = openpyxl.load_workbook(io.BytesIO(edited("rich", Fault(4, 2, SENTENCE))))[SHEET]
    heading, beside = made["H2"], made["E2"]
    assert (heading.value, heading.font.b, heading.fill.fgColor.rgb) == (EXPLANATION, True, beside.fill.fgColor.rgb)


def test_over_two_header_rows_the_heading_is_merged() -> None:
    made = openpyxl.load_workbook(io.BytesIO(edited("openpyxl", Fault(4, 2, SENTENCE))))[SHEET]
    assert "F1:F2" in {str(each) for each in made.merged_cells.ranges}


def test_in_a_merged_range_the_cell_that_is_seen_is_red() -> None:
    made = openpyxl.load_workbook(io.BytesIO(edited("openpyxl", Fault(6, 1, SENTENCE))))[SHEET]
    assert (made["B4"].fill.fgColor.rgb, made["B4"].comment.text, made["F6"].value) == (RED, SENTENCE, SENTENCE)


def test_comments_of_others_stay() -> None:
    made = openpyxl.load_workbook(io.BytesIO(edited("openpyxl", Fault(3, 2, SENTENCE))))
    assert made[SHEET]["C3"].comment.text == f"核对过\n{SENTENCE}"
    assert made["说明"]["A1"].comment.text == "见文件"
    assert openpyxl.load_workbook(io.BytesIO(edited("rich", Fault(4, 2, SENTENCE))))[SHEET]["B3"].comment.text == "科里的批注"


@ALL
def test_a_second_answer_takes_the_first_one_away(name: str) -> None:
    first, second = numbers(name)[:2]
    once = edited(name, Fault(first, 1, SENTENCE), Fault(first, 2, SENTENCE))
    twice = package.edited(once, request(name, Fault(second, 1, "另一处错误")))
    made = openpyxl.load_workbook(io.BytesIO(twice))[SHEET]
    cells = [cell for row in made.iter_rows() for cell in row]
    assert sum(cell.value == EXPLANATION for cell in cells) == 1
    assert not any(isinstance(cell.value, str) and SENTENCE in cell.value for cell in cells)
    assert [cell.comment.text for cell in cells if cell.comment and cell.comment.author == "营商台账"] == ["另一处错误"]
    assert {cell.row for cell in cells if cell.fill.fgColor.rgb == RED} <= {second, second - 1}
    assert squared(sheet_of(twice), sheet_of(file(name)).width) == squared(sheet_of(file(name)), sheet_of(file(name)).width)


def test_what_was_taken_away_is_nowhere_in_the_file() -> None:
    """The file may go to the office that filled in the wrong rows, which has no business with the others."""
    made = edited("rich", Fault(4, 2, SENTENCE), only_wrong=True)
    inside = b"".join(parts(made).values()).decode(errors="ignore")
    assert "91130828MA00000003" in inside
    assert "91130828MA00000007" not in inside
    assert "calcChain" not in inside
    assert "科里的批注" not in inside


def test_formulas_that_shared_with_a_row_that_goes_keep_their_value() -> None:
    def share(name: str, part: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return part
        part = part.replace(b"<f>LEN(B3)</f>", b'<f t="shared" ref="F3:F4" si="0">LEN(B3)</f>')
        return re.sub(rb'(<row r="4".*?)</row>', rb'\1<c r="F4"><f t="shared" si="0"/><v>9</v></c></row>', part, count=1, flags=re.DOTALL)

    data = repacked(file("rich"), share)
    asked = Request(SHEET, 2, 1, (Fault(4, 1, SENTENCE),), True, "7.x", frozenset(range(3, 13)))
    made = package.edited(data, asked)
    assert b"<f>" not in sheet_part(made)
    assert b"<f " not in sheet_part(made)
    assert sheet_of(made).rows[3][5] == 9


# the mark ---------------------------------------------------------------------------------------


@ALL
def test_the_mark_comes_back(name: str) -> None:
    made = edited(name, Fault(numbers(name)[0], 1, SENTENCE))
    assert batch_of(mark_of(made), SECRET) == 7
    assert mark_of(file(name)) is None


@pytest.mark.parametrize(
    "mark", [None, "", "7", "7.", "7.0000", signed(7, b"another secret"), signed(8, SECRET).replace("8.", "7.", 1), "７.x", "9" * 40 + ".x"]
)
def test_a_foreign_mark_proves_nothing(mark: str | None) -> None:
    assert batch_of(mark, SECRET) is None


@pytest.mark.parametrize("part", [b"<!DOCTYPE x [<!ENTITY a 'b'>]><Properties/>", b"not xml", b"<Properties><property name='x'/></Properties>"])
def test_properties_that_are_none(part: bytes) -> None:
    assert mark_of(repacked(file("raw"), lambda _name, content: content, docProps__custom=part)) is None


@pytest.mark.parametrize("data", [b"", b"PK", b"a,b", b"PK\x03\x04" + b"0" * 50])
def test_files_without_properties(data: bytes) -> None:
    assert mark_of(data) is None


# whole ------------------------------------------------------------------------------------------


def issues_of(data: bytes) -> tuple[table.Table, workbook.Workbook]:
    cls = registry.find("agency")
    assert cls
    book = reading.read(data)
    return table.find(book, cls), book


@pytest.mark.parametrize("only_wrong", [False, True])
def test_the_table_is_read_alike(only_wrong: bool) -> None:
    """In a process of its own, from the plan's issues; and the answer is the same table with one column more that means nothing."""
    data = file("office")
    found, book = issues_of(data)
    column = found.columns[2]
    issues = [issue(found, row, column.heading) for row in found.numbers[3:5]]
    made = answer.write(
        data, book.kind, found.sheet, found.header_row, 2, answering.faults(found, issues), only_wrong=only_wrong, mark=signed(9, SECRET), numbers=found.numbers
    )
    again, _book = issues_of(made)
    assert again.mapped() == found.mapped() | {EXPLANATION: None}
    kept = [place for place, number in enumerate(found.numbers) if number in again.numbers]
    assert [row[: len(found.columns)] for row in again.rows] == [found.rows[place] for place in kept]
    assert set(found.numbers[3:5]) <= set(again.numbers)
    assert (len(again.numbers) < len(found.numbers)) is only_wrong
    told = {each.reason for each in found.left_out}
    assert {each.reason for each in again.left_out} == told | ({"blank"} if only_wrong else set())


def issue(found: table.Table, row: int, heading: str) -> Issue:
    return Issue(found.sheet, row, heading, "uscc", "bad_code", SENTENCE)


@pytest.mark.parametrize("cls", [entry.register for entry in registry.entries()], ids=lambda cls: cls.__key__)
def test_no_field_takes_the_new_column(cls: type) -> None:
    assert headings.assign(headings.names_of(cls), [(EXPLANATION,)]) == [None]


def xls() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet(SHEET)
    for row, cells in enumerate([["名称", "编号"], ["甲", "=1+1"], ["乙", "00123"], ["丙", "x"]]):
        for place, cell in enumerate(cells):
            sheet.write(row, place, cell)
    sheet.write_merge(4, 5, 0, 0, "丁")
    sheet.write(4, 1, 12.5)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


CSV = "名称,编号\n甲,=1+1\n乙,00123\n丙,x\n".encode("gb18030")


@pytest.mark.parametrize(("data", "only_wrong"), [(data, only) for data in (xls(), CSV) for only in (False, True)])
def test_other_files_are_made_anew(data: bytes, only_wrong: bool) -> None:
    book = workbook.read(data)
    before = book.sheets[0]
    rows = range(2, len(before.rows) + 1)
    made = answer.write(data, book.kind, before.name, 1, 1, [Fault(3, 1, SENTENCE)], only_wrong=only_wrong, mark=signed(3, SECRET), numbers=rows)
    after = workbook.read(made).sheets[0]
    expected = [cells if number in (1, 3) or not only_wrong else [None, None] for number, cells in enumerate(squared(before, 2), 1)]
    while not any(expected[-1]):
        expected.pop()
    assert squared(after, 2) == expected
    assert (after.rows[0][2], after.rows[2][2]) == (EXPLANATION, SENTENCE)
    cell = openpyxl.load_workbook(io.BytesIO(made))[before.name]["B3"]
    assert (cell.fill.fgColor.rgb, cell.comment.text) == (RED, SENTENCE)
    assert batch_of(mark_of(made), SECRET) == 3


@pytest.mark.parametrize("broken", ["xl/styles.xml", "xl/comments1.xml", "xl/workbook.xml"])
def test_a_package_too_odd_to_be_edited_is_made_anew(broken: str) -> None:
    data = repacked(file("rich"), lambda name, part: b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>" if name == broken else part)
    asked = request("rich", Fault(4, 2, SENTENCE))
    with pytest.raises(package.TOO_ODD):
        package.edited(data, asked)
    if broken == "xl/comments1.xml":
        made = answer.anew.made(workbook.read(file("rich")), asked)
        assert squared(sheet_of(made), 7) == squared(sheet_of(file("rich")), 7)
        assert batch_of(mark_of(made), SECRET) == 7


def test_a_child_that_ends_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where editing takes more memory than it may, the answer is made anew."""
    monkeypatch.setattr(answer, "MEGABYTES", 1)
    made = answer.write(file("office"), "xlsx", SHEET, 3, 2, [Fault(6, 1, SENTENCE)], only_wrong=False, mark="1.x", numbers=[6])
    assert squared(sheet_of(made), 12) == squared(sheet_of(file("office")), 12)
    assert b"91130828" in b"".join(parts(made).values())
