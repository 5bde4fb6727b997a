"""What leaves for paper: ledgers, the table of policies and interpretations, comparisons; files opened as their readers would."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

import models  # noqa: F401 - announces the registers
from app import registry
from app.register import PublishState, children, field_of
from imports import export
from imports.run import run
from models.agency import Agency, Qualification, ServiceRecord
from models.policy import Policy, PolicyInterpretation, PolicyQuestion
from tests import samples
from tests.conftest import Browser, SessionOf, Statements
from tests.people import CLERK, LEADER, LEGAL, OTHER_CLERK, PRIVACY_CLERK, SUPERVISOR, SYSADMIN, VISITOR, Persona
from tests.test_disclosure import entries
from tests.test_generic import fill, keeper
from tests.test_matrix import office_id

SignIn = Callable[[Persona], Browser]
ENTRIES = {entry.register.__key__: entry for entry in registry.entries()}
KEYS = pytest.mark.parametrize("key", ENTRIES)


def book(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]


def texts(sheet: Any) -> str:
    return "\n".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None)


def agencies(session: Any, count: int) -> list[Any]:
    office = office_id(session, "基础股")
    rows = [samples.make(session, Agency, 300 + number, office, published=True) for number in range(count)]
    for number, row in enumerate(rows):
        for each in range(number % 3):
            samples.make(session, Qualification, 400 + 10 * number + each, parent=row)
    return rows


# ledgers ------------------------------------------------------------------------------------------


def test_a_ledger_is_laid_out_for_the_printer(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    rows = agencies(session, 3)
    answer = sign_in(CLERK).get("/agency/ledger.xlsx")
    assert answer.status_code == 200
    sheet = book(answer.data)
    assert sheet["A1"].value == "中介机构台账"
    assert re.fullmatch(r"填报单位：基础股\s+打印日期：\d+年\d+月\d+日\s+打印人：王经办", sheet["A2"].value)
    heads = [cell.value for cell in sheet[3]]
    assert heads[:3] == ["序号", "机构名称", "统一社会信用代码"]
    assert {"证书编号", "业务范围", "有效期至"} <= set(heads)
    assert sheet.page_setup.orientation == "landscape"
    assert int(sheet.page_setup.paperSize) == 9
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0), "one page wide (1 is not written), as many long as it takes"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == "$3:$3"
    assert sheet.oddFooter.center.text == "第 &P 页 共 &N 页"
    number = re.search(r"DC\d{6}-\w{6}", answer.headers["Content-Disposition"])[0]  # type: ignore[index]
    assert sheet.oddFooter.right.text == f"导出编号 {number}", "paper leads back to who printed it"
    [entry] = entries(session_of(), "export", number=number)
    assert '"count": 3' in entry.image
    assert '"register": "agency"' in entry.image
    assert {cell.border.left.style for cell in sheet[4]} == {"thin"}
    assert all(cell.alignment.wrap_text for cell in sheet[4])
    assert [sheet.cell(row, 1).value for row in range(4, 8)] == [1, 2, 3, None]
    assert sheet.cell(6, 2).value == rows[2].name
    assert {"A6:A7", "B6:B7"} <= {str(merge) for merge in sheet.merged_cells.ranges}, "a record of two certificates stands over both"
    assert (sheet.cell(6, heads.index("证书编号") + 1).value, sheet.cell(7, heads.index("证书编号") + 1).value) != (None, None)


@KEYS
@pytest.mark.parametrize("wide", ["", "?all=1"])
def test_a_ledger_comes_in_again_as_no_change(app: Flask, session_of: SessionOf, sign_in: SignIn, key: str, wide: str) -> None:
    """Its title and facts are no data to the importer, its merged cells are filled down."""
    session, cls = session_of(), ENTRIES[key].register
    office = office_id(session, "基础股")
    rows = fill(session, cls, 4, office)
    for child in children(cls):
        if child.__sheet__:
            samples.make(session, child, 611, parent=rows[1])
    count = session.connection().scalar(sa.select(sa.func.count()).select_from(cls.__table__).where(cls.__table__.c.org_unit_id == office))
    query = "&" if wide else "?"
    answer = sign_in(keeper(key)).get(f"/{key}/ledger.xlsx{wide}{query}f.org_unit=基础股")
    assert answer.status_code == 200, answer.text
    _result, report = run(session_of(keeper(key)), cls, answer.data, "台账.xlsx")
    assert report["wrong"] == []
    assert (report["counts"]["same"], report["counts"]["new"], report["counts"]["changed"]) == (count, 0, 0), report["counts"]
    assert all(numbers["new"] == numbers["changed"] == 0 for numbers in report["counts"]["children"].values()), report["counts"]
    assert [each for each in report["left_out"] if each["reason"] not in {"title", "note"}] == []


def test_a_ledger_keeps_the_filter_the_order_and_the_ticks(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    rows = agencies(session_of(), 4)
    browser = sign_in(CLERK)
    said = texts(book(browser.get(f"/agency/ledger.xlsx?f.name.like={rows[2].name}").data))
    assert rows[2].name in said
    assert rows[1].name not in said
    assert f"筛选条件：机构名称含“{rows[2].name}”" in said
    down = book(browser.get("/agency/ledger.xlsx?sort=-name").data)
    assert [cell.value for cell in down["B"] if cell.value][1:] == sorted((row.name for row in rows), reverse=True)
    ticked = texts(book(browser.get(f"/agency/ledger.xlsx?ids={rows[0].id}&ids={rows[3].id}").data))
    assert [row.name in ticked for row in rows] == [True, False, False, True]
    assert browser.get("/agency/ledger.xlsx?ids=1x").status_code == 400
    assert browser.get("/agency/ledger?f.mobile=13800000301").status_code == 400, "a sensitive field filters nothing"


@KEYS
def test_the_page_runs_the_same_statements_however_long(app: Flask, session_of: SessionOf, sign_in: SignIn, statements: Statements, key: str) -> None:
    session, cls = session_of(), ENTRIES[key].register
    office = office_id(session, "基础股")
    browser = sign_in(keeper(key))
    fill(session, cls, 2, office)
    counts = []
    for more in (0, 20):
        for number in range(540, 540 + more):
            row = samples.make(session, cls, number, office)
            for child in children(cls):
                if child.__sheet__:
                    samples.make(session, child, number, parent=row)
        browser.get(f"/{key}/ledger")
        statements.texts.clear()
        assert browser.get(f"/{key}/ledger?f.org_unit=基础股").status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_the_page_shows_what_the_workbook_shows(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    rows = agencies(session_of(), 3)
    page = BeautifulSoup(sign_in(CLERK).get("/agency/ledger").data, "html.parser")
    sheet = page.select_one(".ys-printed")
    assert sheet is not None
    assert "填报单位：基础股" in sheet.text
    assert [body.select_one("td").text for body in sheet.select("tbody")] == ["1", "2", "3"]  # type: ignore[union-attr]
    assert sheet.select("tbody")[2].select_one("td")["rowspan"] == "2"  # type: ignore[index]
    assert all(row.name in sheet.text for row in rows)
    assert page.select_one("button.js-print")


def test_a_long_ledger_says_where_it_ends(app: Flask, session_of: SessionOf, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from views import reports

    agencies(session_of(), 3)
    monkeypatch.setattr(reports, "ON_PAGE", 2)
    monkeypatch.setattr(reports, "IN_BOOK", 2)
    browser = sign_in(CLERK)
    assert "共 3 条，这里只列前 2 条" in browser.get("/agency/ledger").text
    assert "共 3 条，这里只列前 2 条" in texts(book(browser.get("/agency/ledger.xlsx").data))


def test_sensitive_fields_are_masked_on_paper_and_formulas_stay_text(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    row = agencies(session, 1)[0]
    row.mobile, row.remark = "13800009999", "=1+1"
    session.commit()
    for person in (CLERK, PRIVACY_CLERK):
        said = texts(book(sign_in(person).get("/agency/ledger.xlsx?all=1").data))
        assert "13800009999" not in said, person.username
        assert "=1+1" in said
    assert all(cell.data_type != "f" for line in book(sign_in(CLERK).get("/agency/ledger.xlsx?all=1").data) for cell in line)


def test_the_bureau_files_for_those_of_no_office(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    agencies(session_of(), 1)
    assert app.config["BUREAU_NAME"] in sign_in(SUPERVISOR).get("/agency/ledger").text


def test_unreleased_children_of_others_stay_at_home(app: Flask, session_of: SessionOf) -> None:
    """A clerk reads another office's policy as the public does: of its questions only those let out."""
    session = session_of()
    policy = samples.make(session, Policy, 310, office_id(session, "危化股"), published=True)
    for number, out in ((1, True), (2, False)):
        question = samples.make(session, PolicyQuestion, number, parent=policy)
        question.published = out
    session.commit()
    [found] = [each for each in export.objects(session_of(CLERK), Policy) if each["title"] == policy.title]
    assert [each["published"] for each in found["questions"]] == [True]


# policies and interpretations ---------------------------------------------------------------------


OUT = date(2026, 3, 2)
#: a policy, when it came out, when its interpretations did
SPOKEN: tuple[tuple[str, date | None, list[date | None]], ...] = (
    ("同日", OUT, [OUT]), ("晚", OUT, [date(2026, 3, 6), date(2026, 3, 9)]), ("未解读", OUT, []), ("未发布", OUT, [None]), ("草稿", None, []),
)  # fmt: skip


@pytest.fixture
def policies(session_of: SessionOf) -> dict[str, Any]:
    session = session_of()
    office = office_id(session, "基础股")
    made = {}
    for number, (name, out, told) in enumerate(SPOKEN):
        policy = samples.make(session, Policy, 320 + number, office)
        policy.title, policy.formed_on, policy.published_on = f"政策{name}", date(2026, 3, 1), out
        for place, day in enumerate(told):
            below = samples.make(session, PolicyInterpretation, 330 + 10 * number + place, parent=policy)
            below.drafted_on = below.signed_on = None
            below.published_on = day
        made[name] = policy
    session.commit()
    return made


def test_policies_stand_beside_their_interpretations(app: Flask, policies: dict[str, Any], sign_in: SignIn) -> None:
    page = BeautifulSoup(sign_in(CLERK).get("/policy-contrast/").data, "html.parser")
    heads = [head.text for head in page.select(".ys-printed-table thead th")]
    assert heads[1:] == [
        str(field_of(each).label)
        for each in (
            Policy.title,
            Policy.doc_no,
            Policy.issuer,
            Policy.formed_on,
            Policy.published_on,
            PolicyInterpretation.form,
            PolicyInterpretation.interpreter,
            PolicyInterpretation.drafted_on,
            PolicyInterpretation.signed_on,
            PolicyInterpretation.published_on,
        )
    ] + ["间隔（天）", "情况"]
    said = {
        body.select("td")[1].text: [(line.select("td")[-2].text, line.select("td")[-1].text.strip()) for line in body.select("tr")]
        for body in page.select(".ys-printed-table tbody")
    }
    assert said == {
        "政策同日": [("0", "同日发布")],
        "政策晚": [("4", "晚 4 天"), ("7", "晚 7 天")],
        "政策未解读": [("", "未解读")],
        "政策未发布": [("", "解读未发布")],
        "政策草稿": [("", "未解读")],
    }
    assert "已发布 4 件，其中已发布解读 2 件（50%）" in page.text


def test_only_what_is_not_interpreted(app: Flask, policies: dict[str, Any], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    said = browser.get("/policy-contrast/?missing=1").text
    assert [f"政策{name}" in said for name in policies] == [False, False, True, True, True]
    sheet = book(browser.get("/policy-contrast/contrast.xlsx?missing=1").data)
    assert sheet["A1"].value == "政策及解读对照台账"
    assert "政策未解读" in texts(sheet)
    assert "政策同日" not in texts(sheet)


def test_who_sees_the_table_of_policies(app: Flask, policies: dict[str, Any], sign_in: SignIn) -> None:
    assert sign_in(LEADER).get("/policy-contrast/").status_code == 200
    assert sign_in(SYSADMIN).get("/policy-contrast/").status_code in {302, 403}
    assert sign_in(VISITOR).get("/policy-contrast/").status_code in {302, 403}
    assert "政策晚" not in sign_in(OTHER_CLERK).get("/policy-contrast/").text


# side by side -------------------------------------------------------------------------------------


def compare(browser: Browser, rows: list[Any], more: str = "", page: str = "compare") -> Any:
    return browser.get(f"/agency/{page}?" + "&".join(f"ids={row.id}" for row in rows) + more)


def lines_of(answer: Any) -> dict[str, tuple[list[str], bool]]:
    page = BeautifulSoup(answer.data, "html.parser")
    return {
        str(line.select_one("th").contents[0]).strip(): ([cell.text for cell in line.select("td")], "不同" in line.select_one("th").text)  # type: ignore[union-attr]
        for line in page.select(".ys-compare tbody tr:not(.ys-compare-block)")
    }


def test_agencies_side_by_side(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    one, two = agencies(session, 2)
    two.legal_rep = one.legal_rep
    session.commit()
    browser = sign_in(CLERK)
    said = lines_of(compare(browser, [two, one]))
    assert said["机构名称"] == ([two.name, one.name], True), "in the order asked for, what differs marked in words"
    assert said["法定代表人"] == ([one.legal_rep, one.legal_rep], False)
    assert said["证书编号"][0][1] == "—", "the second agency has no certificate"
    assert "固定资产（万元）" in said
    assert "名录仅供查询比较，不构成推荐或指定" in compare(browser, [one, two]).text
    only = lines_of(compare(browser, [two, one], "&differ=1"))
    assert set(only) == {label for label, (_texts, differs) in said.items() if differs}
    sheet = book(compare(browser, [one, two], page="compare.xlsx").data)
    assert "名录仅供查询比较，不构成推荐或指定" in texts(sheet)
    line = next(row for row in sheet.iter_rows(values_only=True) if row[1] == "机构名称")
    assert line[2:5] == (one.name, two.name, "不同")


def test_a_visitor_compares_published_rows_and_public_fields(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    rows = agencies(session, 3)
    samples.make(session, ServiceRecord, 5, parent=rows[1])
    visitor = sign_in(VISITOR)
    said = lines_of(compare(visitor, rows))
    assert "机构名称" in said
    assert "证书编号" in said
    assert not {"联系人手机", "统一社会信用代码", "固定资产（万元）", "项目名称", "公开状态"} & set(said)
    assert compare(visitor, rows, page="compare.xlsx").status_code == 200
    rows[1].publish_state = PublishState.PRIVATE.value
    session.commit()
    assert compare(visitor, rows).status_code == 404


def test_masks_are_compared_as_they_look(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    one, two = agencies(session, 2)
    one.mobile, two.mobile = "13800011234", "13811111234"
    session.commit()
    label = str(field_of(Agency.mobile).label)
    for person in (CLERK, PRIVACY_CLERK):
        assert lines_of(compare(sign_in(person), [one, two]))[label] == (["138****1234", "138****1234"], False)


@pytest.mark.parametrize(("count", "said"), [(0, "您选了 0 条"), (1, "您选了 1 条"), (6, "您选了 6 条")])
def test_two_to_five(app: Flask, session_of: SessionOf, sign_in: SignIn, count: int, said: str) -> None:
    rows = agencies(session_of(), 6)[:count]
    for page in ("compare", "compare.xlsx"):
        answer = compare(sign_in(CLERK), rows, page=page)
        assert answer.status_code == 400
        assert said in answer.text
    assert sign_in(CLERK).get("/agency/compare?ids=a&ids=b").status_code == 400


def test_comparing_costs_the_same_for_two_as_for_five(app: Flask, session_of: SessionOf, sign_in: SignIn, statements: Statements) -> None:
    rows = agencies(session_of(), 5)
    browser = sign_in(LEGAL)
    counts = []
    for some in (rows[:2], rows):
        compare(browser, some)
        statements.texts.clear()
        compare(browser, some)
        counts.append(len(statements))
    assert counts[0] == counts[1]
