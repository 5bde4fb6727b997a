"""Where the header is, what the columns mean, which rows are data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import models  # noqa: F401 - announces the registers
from app import registry
from app.scopes import SYSTEM, Scope
from imports import export, headings, table, workbook
from imports.cells import Merge
from imports.table import Table
from imports.workbook import Refused, Sheet, Workbook

SAMPLES = Path(__file__).parent / "workbooks"


def agency() -> type:
    found = registry.find("agency")
    assert found
    return found


def found(*rows: list[object], merges: tuple[Merge, ...] = (), **facts: object) -> Table:
    sheet = Sheet("表", [list(row) for row in rows], list(merges), **facts)  # type: ignore[arg-type]
    return table.find(Workbook("xlsx", [sheet]), agency())


def reasons(made: Table) -> list[tuple[int | None, str]]:
    return [(each.row, each.reason) for each in made.left_out]


def test_the_office_sample() -> None:
    made = table.find(workbook.read((SAMPLES / "中介机构名录.xlsx").read_bytes()), agency())
    assert (made.sheet, made.header_row, len(made.rows)) == ("名录", 3, 16)
    assert reasons(made) == [(1, "title"), (2, "note"), (5, "section"), (14, "section"), (19, "section"), (24, "total"), (25, "note"), (None, "other_sheet")]
    assert made.left_out[-1].sheet == "Sheet2"
    mapped = made.mapped()
    assert mapped["序号"] is None
    assert mapped["统一社会信用代码*"] == "uscc"
    assert mapped["资质情况/有效期至"] == "qualifications.valid_to"
    assert mapped["联系方式/电话"] == "office_phone"


def test_merges_fill_down_only_inside_their_range() -> None:
    made = found(
        ["机构名称", "统一社会信用代码", "证书编号"], ["甲", "A", "1"], [None, None, "2"], [None, None, "3"],
        merges=(Merge(2, 1, 3, 1), Merge(2, 2, 3, 2)),
    )  # fmt: skip
    assert made.rows == [["甲", "A", "1"], ["甲", "A", "2"], [None, None, "3"]]


def test_rows_that_are_no_data() -> None:
    made = found(
        ["机构名称", "统一社会信用代码", "联系人"], ["示例", "x", "y"], ["甲", "A", "王"], [None, None, None], ["机构名称", "统一社会信用代码", "联系人"],
        ["乙", "B", "李"], ["合 计", "2家", None], ["注：以上为准", None, None],
    )  # fmt: skip
    assert reasons(made) == [(2, "example"), (4, "blank"), (5, "header"), (7, "total"), (8, "note")]
    assert made.numbers == [3, 6]


def test_a_lone_cell_of_a_field_is_data() -> None:
    made = found(["机构名称", "统一社会信用代码", "联系人"], ["甲公司", None, None], ["一、评价机构（6家）", None, None], ["乙公司", "B", None])
    assert made.numbers == [2, 4]
    assert reasons(made) == [(3, "section")]


def test_another_table_below_is_left_out_until_ours_goes_on() -> None:
    made = found(
        ["机构名称", "统一社会信用代码", "联系人"], ["甲", "A", "王"], [None, None, None], ["专家名单", None, None], ["姓名", "性别", "工作单位"], ["李", "男", "县医院"],
        ["机构名称", "统一社会信用代码", "联系人"], ["乙", "B", "李"],
    )  # fmt: skip
    assert made.numbers == [2, 8]
    assert reasons(made) == [(3, "blank"), (4, "other_table"), (5, "other_table"), (6, "other_table"), (7, "header")]


def test_texts_under_a_blank_row_are_data_when_they_name_no_columns() -> None:
    made = found(
        ["机构名称", "统一社会信用代码", "联系人"],
        ["甲", "A", "王"],
        [None, None, None],
        ["乙公司", "B", "李"],
        [None, None, None],
        ["丙公司", None, None],
        ["丁公司", "D", "赵"],
    )
    assert made.numbers == [2, 4, 6, 7]


def test_a_form_is_told_from_a_list() -> None:
    with pytest.raises(Refused) as caught:
        found(["机构名称", "甲公司", "统一社会信用代码", "A"], ["法定代表人", "王", "联系电话", "1"], ["注册地址", "围场镇", "固定资产", 3])
    assert caught.value.code == "form"
    assert "“表”" in str(caught.value)


def test_a_list_whose_cells_say_names_of_columns_is_no_form() -> None:
    rows = [
        ["机构名称", "统一社会信用代码", "备注"],
        *([f"第{number}公司", str(number), word] for number, word in enumerate(["一级", "二级", "三级", "负责人", "地址"])),
    ]
    assert len(found(*rows).rows) == 5


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_sheet_that_comes_in_pieces_is_the_same_table(size: int) -> None:
    sheet = workbook.read((SAMPLES / "中介机构名录.xlsx").read_bytes()).sheets[0]
    whole = table.find(Workbook("xlsx", [sheet]), agency())
    head = replace(sheet, rows=sheet.rows[:20], source=lambda: (sheet.rows[start : start + size] for start in range(0, len(sheet.rows), size)))
    assert table.find(Workbook("xlsx", [head]), agency()) == whole


def test_hidden_rows_and_columns_stay_out() -> None:
    made = found(["机构名称", "统一社会信用代码", "联系人"], ["甲", "A", "王"], ["乙", "B", "李"], hidden_rows=frozenset({2}), hidden_columns=frozenset({3}))
    assert reasons(made) == [(2, "hidden")]
    assert made.mapped()["联系人"] is None


def test_two_row_header_without_merges() -> None:
    made = found(["机构名称", "统一社会信用代码", "资质情况", None], [None, None, "证书编号", "有效期至"], ["甲", "A", "1", "2027.1.1"])
    assert made.mapped()["资质情况/有效期至"] == "qualifications.valid_to"
    assert made.numbers == [3]


def test_units_stars_breaks_and_blanks_in_headings() -> None:
    made = found(["机 构\n名 称*", "统一社会信用代码", "固定资产（万元）"], ["甲", "A", 1])
    assert [column.target.name if column.target else None for column in made.columns] == ["name", "uscc", "fixed_assets"]


def test_headings_alike_stay_apart() -> None:
    made = found(["机构名称", "统一社会信用代码", "联系人", "联系人"], ["甲", "A", "王", "李"])
    assert len(made.mapped()) == 4


def test_the_sheet_may_be_named() -> None:
    book = Workbook("xlsx", [Sheet("一", [["机构名称", "统一社会信用代码"], ["甲", "A"]]), Sheet("二", [["机构名称", "统一社会信用代码"], ["乙", "B"]])])
    assert table.find(book, agency(), "二").rows == [["乙", "B"]]
    with pytest.raises(Refused) as caught:
        table.find(book, agency(), "三")
    assert caught.value.code == "no_sheet"


def test_no_header_is_refused_with_the_columns_wanted() -> None:
    with pytest.raises(Refused) as caught:
        found(["甲", "乙"], ["1", "2"])
    assert caught.value.code == "no_header"
    assert "机构名称" in str(caught.value)


@pytest.mark.parametrize("key", [entry.register.__key__ for entry in registry.entries()])
def test_our_own_headings_lead_back_to_their_fields(key: str) -> None:
    cls = registry.find(key)
    assert cls
    columns = export.headings(Scope(SYSTEM), cls)
    found = headings.assign(headings.names_of(cls), [(column.text,) for column in columns])
    wanted = [f"{column.child.__key__}.{column.field.key}" if column.child else column.field.key for column in columns]
    assert [target.name if target else None for target in found] == wanted
