"""The same ledger in every format, with a failed cell, a merge, a hidden row, a hidden column and a hidden sheet where the format has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from tests.corpus.binary import xls, xlsb
from tests.corpus.case import HEAD, Case, cells, line, page, says
from tests.corpus.ods import ods
from tests.corpus.pages import NO_RESULT, Failed, Page
from tests.corpus.text import html, mht, separated, xml
from tests.corpus.xlsx import shared, xlsx

#: title, header, two agencies whose contact is one merged cell, a hidden row, a row with a failed cell, a total
RICH = Page(
    [
        ["围场县中介机构名录", *[None] * 7],
        HEAD,
        line(1),
        cells(2, contact=None),
        line(3),
        cells(4, verified_on=Failed("#N/A")),
        ["合计", "4家", *[None] * 6],
    ],
    merges=((1, 1, 1, 8), (3, 3, 4, 3)),
    hidden_rows=(5,),
    hidden_columns=(8,),
)
OTHER = Page([["机构名称", "统一社会信用代码"], ["旧", "旧"]], name="底稿", hidden=True)


def _rich(name: str, build: Callable[..., bytes], *, sheets: tuple[str, ...] = ("底稿",)) -> Case:
    return Case(
        f"everything in {name}",
        lambda: build(RICH, OTHER) if sheets else build(RICH),
        rows={3: says(1, remark=None), 4: says(2, remark=None), 6: {}},
        left={1: "title", 5: "hidden", 7: "total"},
        wrong=((6, "verified_on", "cell_error"),),
        sheets=sheets,
        unread=("备注",),
    )


def _plain(name: str, build: Callable[[Page], bytes]) -> Case:
    return Case(f"plain {name}", lambda: build(page(line(1), line(2))), rows={2: says(1), 3: says(2)})


def _errors(name: str, build: Callable[..., bytes], texts: tuple[str, ...]) -> Case:
    lines = [cells(number, remark=Failed(text)) for number, text in enumerate(texts, 1)]
    return Case(
        f"each failed cell in {name}",
        lambda: build(page(*lines)),
        rows={number: {} for number in range(2, len(texts) + 2)},
        wrong=tuple((number, "remark", "cell_error") for number in range(2, len(texts) + 2)),
    )


_OLD = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!")
_NO_RESULT = replace(RICH, grid=[HEAD, cells(1, fixed_assets=NO_RESULT), line(2)], merges=(), hidden_rows=(), hidden_columns=())


def _calculated(name: str, build: Callable[..., bytes]) -> Case:
    return Case(f"a formula without a result in {name}", lambda: build(_NO_RESULT), rows={2: {}, 3: says(2)}, wrong=((2, "fixed_assets", "cell_error"),))


_DATES = page(cells(1, verified_on=date(2026, 3, 1)), cells(2, verified_on=date(2026, 3, 2)))

CASES = [
    _rich(".xlsx", xlsx),
    _rich(".xlsb", xlsb),
    _rich(".xls", xls),
    _rich(".ods", ods),
    _rich("XML of Excel 2003", xml),
    _rich("a web page", html, sheets=()),
    _plain(".xlsx with shared rich texts in single quotes", shared),
    _plain("web archive", mht),
    _plain("web archive in an encoding that is not ours beside", lambda page: mht(page).replace(b"\n\n--", b"\n\n\xa0\xff\n--", 1)),
    _plain("XML of Excel 2003 in UTF-16", lambda page: xml(page, encoding="utf-16")),
    _plain("web page that says gb2312 and is UTF-8", lambda page: html(page, encoding="utf-8")),
    _plain("CSV in GB18030", separated),
    _plain("CSV in UTF-8 with BOM and semicolons", lambda page: separated(page, "utf-8-sig", ";")),
    _plain("tabs in UTF-16", lambda page: separated(page, "utf-16", "\t")),
    _errors(".xlsx", xlsx, (*_OLD, "#SPILL!", "#CALC!", "#GETTING_DATA", "#FIELD!")),
    _errors(".xlsb", xlsb, _OLD),
    _errors(".xls", xls, _OLD),
    _errors(".ods", ods, (*_OLD, "Err:508")),
    _errors("XML of Excel 2003", xml, _OLD),
    _errors("a web page", html, _OLD),
    _errors("CSV", separated, _OLD),
    _calculated(".xlsx", xlsx),
    _calculated(".ods", ods),
    _calculated("XML of Excel 2003", xml),
    Case("days since 1904 in .xlsx", lambda: xlsx(_DATES, date1904=True), rows={2: says(1), 3: says(2)}),
    Case("days since 1904 in .xls", lambda: xls(_DATES, date1904=True), rows={2: says(1), 3: says(2)}),
    Case("an old .xls in code page 936", lambda: xls(page(line(1)), encoding="cp936"), rows={2: says(1)}),
]
