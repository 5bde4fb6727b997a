"""Sheets of odd shapes: where the header stands, what stands around the data, how far a sheet reaches."""

from __future__ import annotations

from tests.corpus.binary import xls
from tests.corpus.case import HEAD, Case, cells, line, page, says, uscc
from tests.corpus.pages import Page
from tests.corpus.xlsx import parts, sheet, xlsx, zipped

TWO = {2: says(1), 3: says(2)}
_STYLED = "".join(f'<row r="{number}" s="2" customFormat="1"><c r="A{number}" s="2"/><c r="H{number}" s="2"/></row>' for number in range(4, 100_004))
_FAR = {1: "".join(f'<c r="{column}1" s="2"/>' for column in ("IW", "AAA", "XFD")), 3: '<c r="XFD3" s="1"></c>'}
_EXPERTS: list[list[object]] = [["姓名", "性别", "工作单位", "职务"], ["王伟", "男", "县医院", "主任"], ["李丽", "女", "县一中", "教师"]]
_STORES: list[list[object]] = [["物资名称", "规格型号", "数量", "存放地点"], ["灭火器", "干粉4公斤", "20", "一号库"], ["铁锹", "尖头", "35", "二号库"]]

CASES = [
    Case("a dimension that says A1 (WPS)", lambda: xlsx(page(line(1), line(2), facts={"dimension": "A1"})), rows=TWO),
    Case("a dimension that says too much", lambda: xlsx(page(line(1), line(2), facts={"dimension": "A1:XFD1048576"})), rows=TWO),
    Case("100,000 rows that are only formatted", lambda: xlsx(page(line(1), line(2), facts={"rows": _STYLED})), rows=TWO),
    Case("16,384 columns, the far ones only formatted", lambda: xlsx(page(line(1), line(2), facts={"inside": _FAR})), rows=TWO),
    Case(
        "a last row that is only formatted", lambda: xlsx(page(line(1), line(2), facts={"rows": '<row r="1048576"><c r="XFD1048576" s="2"/></row>'})), rows=TWO
    ),
    Case("a filled cell in the last column", lambda: xlsx(page(line(1), facts={"inside": {2: '<c r="XFD2"><v>1</v></c>'}})), refused="too_big"),
    Case(
        "a filled cell in the last row", lambda: xlsx(page(line(1), facts={"rows": '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'})), refused="too_big"
    ),
    Case("a cell of 40,000 characters", lambda: xlsx(page(cells(1, remark="长" * 40_000))), rows={2: {}}, wrong=((2, "remark", "too_long"),)),
    Case(
        "rows and cells without numbers",
        lambda: _unnumbered(page(line(1), line(2), line(3), hidden_rows=(3,))),
        rows={2: says(1), 4: says(3)},
        left={3: "hidden"},
    ),
    Case("every element with a prefix", lambda: _prefixed(page(line(1), line(2), hidden_rows=(3,))), rows={2: says(1)}, left={3: "hidden"}),
    Case(
        "title, note and blank rows over the header",
        lambda: xlsx(Page([[], ["附件1："], ["围场县中介机构名录\n（2026年）"], ["填报单位（盖章）：县应急局    填报时间：2026年3月"], [], HEAD, line(1)])),
        rows={7: says(1)},
        left={2: "title", 3: "title", 4: "note"},
    ),
    Case(
        "section rows, a blank row, a subtotal, a total, notes",
        lambda: xlsx(
            page(
                ["一、评价机构（2家）"],
                line(1),
                line(2),
                [None, None],
                ["小计", None, None, None, 203],
                ["二、检测机构（1家）"],
                line(3),
                ["合  计", "3家"],
                ["注：以上数据截至3月"],
                ["审核人：", None, "制表人："],
            )
        ),
        rows={3: says(1), 4: says(2), 8: says(3)},
        left={2: "section", 5: "blank", 6: "total", 7: "section", 9: "total", 10: "note", 11: "note"},
    ),
    Case(
        "the header again on each page",
        lambda: xlsx(page(line(1), HEAD, line(2), [], HEAD, line(3))),
        rows={2: says(1), 4: says(2), 7: says(3)},
        left={3: "header", 5: "blank", 6: "header"},
    ),
    Case(
        "a list of experts under the list",
        lambda: xlsx(page(line(1), line(2), [], ["专家名单"], *_EXPERTS)),
        rows=TWO,
        left={4: "blank", 5: "other_table", 6: "other_table", 7: "other_table", 8: "other_table"},
    ),
    Case(
        "a list of stores that no register knows, then our list again",
        lambda: xlsx(page(line(1), [], *_STORES, [], HEAD, line(2))),
        rows={2: says(1), 9: says(2)},
        left={3: "blank", 4: "other_table", 5: "other_table", 6: "other_table", 7: "blank", 8: "header"},
    ),
    Case("an example row", lambda: xlsx(page(["示例：围场某公司", uscc(9), "张三"], line(1))), rows={3: says(1)}, left={2: "example"}),
    Case("序号 as the first column", lambda: xlsx(Page([["序号", *HEAD], [1.0, *line(1)], [2.0, *line(2)]])), rows=TWO, unread=("序号",)),
    Case("an unknown column", lambda: xlsx(Page([[*HEAD, "内部批注"], [*line(1), "勿外传"]])), rows={2: says(1)}, unread=("内部批注",)),
    Case(
        "several sheets, the list in the second",
        lambda: xlsx(Page([["说明"], ["请按模板填写"]], name="填表说明"), page(line(1)), Page([[]], name="Sheet3")),
        rows={2: says(1)},
        sheets=("填表说明", "Sheet3"),
    ),
    Case("a sheet for each town", lambda: xlsx(page(line(1), line(2), name="围场镇"), page(line(3), name="四合永镇")), rows=TWO, sheets=("四合永镇",)),
    Case(
        "hidden rows, columns and sheets",
        lambda: xlsx(page(line(1), line(2), hidden_rows=(3,), hidden_columns=(4, 8)), page(line(3), name="旧", hidden=True)),
        rows={2: says(1, office_phone=None, remark=None)},
        left={3: "hidden"},
        sheets=("旧",),
        unread=("联系电话", "备注"),
    ),
    Case(
        "merged cells downwards, and blanks that are not merged",
        lambda: xlsx(page(line(1), cells(2, contact=None), cells(3, contact=None), merges=((2, 3, 3, 3),))),
        rows={2: says(1), 3: says(2), 4: says(3, contact=None)},
    ),
    Case(
        "one agency, three certificates, merged cells",
        lambda: xls(
            Page(
                [
                    ["机构名称", "统一社会信用代码", "证书编号", "有效期至"],
                    ["围场安评公司", uscc(1), "APJ-(冀)-001", "2027.1.1"],
                    [None, None, "APJ-(冀)-002", "2028.1.1"],
                    [None, None, "APJ-(冀)-003", "长期"],
                ],
                merges=((2, 1, 4, 1), (2, 2, 4, 2)),
            )
        ),
        rows={
            number: {"name": "围场安评公司", "uscc": uscc(1), "qualifications.cert_no": f"APJ-(冀)-00{number - 1}", "qualifications.valid_to": until}
            for number, until in zip((2, 3, 4), ("2027-01-01", "2028-01-01", "9999-12-31"), strict=True)
        },
    ),
    Case(
        "a header of two rows, merged across and down",
        lambda: xlsx(
            Page(
                [
                    ["机构名称", "统一社会信用代码", "资质情况", None, "联系方式", None],
                    [None, None, "证书编号", "有效期至", "联系人", "电话"],
                    ["围场安评公司", uscc(1), "APJ-(冀)-001", "2027.1.1", "吴海燕", "0314-7500001"],
                ],
                merges=((1, 1, 2, 1), (1, 2, 2, 2), (1, 3, 1, 4), (1, 5, 1, 6)),
            )
        ),
        rows={
            3: {
                "name": "围场安评公司",
                "uscc": uscc(1),
                "qualifications.cert_no": "APJ-(冀)-001",
                "qualifications.valid_to": "2027-01-01",
                "contact": "吴海燕",
                "office_phone": "0314-7500001",
            }
        },
    ),
    Case(
        "a header of three rows without merges",
        lambda: xlsx(
            Page(
                [
                    ["机构名称", "统一社会信用代码", "联系情况", None],
                    [None, None, "本县", None],
                    [None, None, "联系人", "电话"],
                    ["围场安评公司", uscc(1), "吴海燕", "0314-7500001"],
                ]
            )
        ),
        rows={4: {"name": "围场安评公司", "uscc": uscc(1), "contact": "吴海燕", "office_phone": "0314-7500001"}},
    ),
    Case(
        "a form instead of a list",
        lambda: xlsx(
            Page(
                [
                    ["中介机构登记表"],
                    ["机构名称", "围场安评公司", "统一社会信用代码", uscc(1)],
                    ["法定代表人", "王伟", "联系电话", "0314-7500001"],
                    ["注册地址", "围场镇木兰中路1号", None, None],
                    ["固定资产", 100, "场所面积", 300],
                    ["备注", None, None, None],
                ],
                merges=((1, 1, 1, 4),),
            )
        ),
        refused="form",
    ),
    Case(
        "a form with one label in a row",
        lambda: xls(
            Page([["机构名称", "围场安评公司"], ["统一社会信用代码", uscc(1)], ["法定代表人", "王伟"], ["联系电话", "0314-7500001"], ["注册地址", "围场镇"]])
        ),
        refused="form",
    ),
    Case("another register's list", lambda: xlsx(Page(_STORES)), refused="no_header"),
]


def _unnumbered(page: Page) -> bytes:
    made = parts(page)
    xml = sheet(page)
    for number in range(1, len(page.grid) + 1):
        xml = xml.replace(f'<row r="{number}"', "<row")
        for column in "ABCDEFGH":
            xml = xml.replace(f'<c r="{column}{number}"', "<c")
    made["xl/worksheets/sheet1.xml"] = xml
    return zipped(made)


def _prefixed(page: Page) -> bytes:
    made = parts(page)
    xml = sheet(page).replace("<worksheet xmlns=", "<worksheet xmlns:x=")
    for name in ("worksheet", "sheetData", "row", "c", "v", "is", "t"):
        xml = xml.replace(f"<{name} ", f"<x:{name} ").replace(f"<{name}>", f"<x:{name}>").replace(f"</{name}>", f"</x:{name}>")
    made["xl/worksheets/sheet1.xml"] = xml
    return zipped(made)
