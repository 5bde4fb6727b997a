"""Workbooks whose headings, words and names do not say it straight: what is taken, what is asked, what an answer does."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import Workbook
from sqlalchemy.orm import Session

import models  # noqa: F401 - announces the registers
from app import registry
from app.formats import LONG_TERM
from app.register import Register
from app.scopes import scope_of
from imports import batch, remembered
from imports import plan as planning
from imports import stored as stored_plan
from imports.commit import commit
from imports.decisions import LEAVE, NEW, Decisions
from imports.outcome import Outcome
from imports.refusal import Refused
from tests.people import CLERK, OTHER_CLERK, Persona
from tests.samples import credit_code

SessionOf = Callable[..., Session]
HEAD: list[object] = ["机构名称", "统一社会信用代码", "机构类别"]


@pytest.fixture
def session(session_of: SessionOf) -> Session:
    return session_of()


def register(key: str) -> type[Register]:
    found = registry.find(key)
    assert found
    return found


def book(*rows: list[object], merges: tuple[str, ...] = ()) -> bytes:
    made = Workbook()
    sheet = made.worksheets[0]
    for row in rows:
        sheet.append(row)
    for merge in merges:
        sheet.merge_cells(merge)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def plan(session: Session, data: bytes, key: str = "agency", **decided: Any) -> planning.Plan:
    return planning.make(session, register(key), data, "表.xlsx", decisions=Decisions(**decided))


def bring(session: Session, data: bytes, key: str = "agency", **decided: Any) -> planning.Plan:
    made = plan(session, data, key, **decided)
    assert not made.wrong, made.wrong
    commit(session, made, data)
    return made


def told(made: planning.Plan) -> list[tuple[int, str, str]]:
    return [(issue.row, issue.field, issue.code) for issue in made.wrong]


def doubted(made: planning.Plan) -> list[tuple[int, str, str]]:
    return [(issue.row, issue.field, issue.code) for issue in made.doubtful]


def refused(session: Session, data: bytes, key: str = "agency", **decided: Any) -> str:
    with pytest.raises(Refused) as caught:
        plan(session, data, key, **decided)
    assert caught.value.code in {"bad_decisions", "no_sheet"}
    return str(caught.value)


def stored(session: Session, key: str = "agency") -> list[Any]:
    session.expire_all()
    cls = register(key)
    return list(session.scalars(sa.select(cls).where(cls.voided_at.is_(None)).order_by(cls.id)))


# headings -----------------------------------------------------------------------------------------


def test_slips_in_headings_are_tried_and_told(session: Session) -> None:
    made = plan(session, book(["名录"], ["机构名称", "统一社会信用代玛", "法定代表仁", "颁布日期"], ["甲评价公司", credit_code(1), "王", "2026.1.1"]))
    assert made.table.mapped() == {"机构名称": "name", "统一社会信用代玛": "uscc", "法定代表仁": "legal_rep", "颁布日期": None}
    assert doubted(made) == [(2, "uscc", "near_heading"), (2, "legal_rep", "near_heading"), (2, "qualifications.issued_on", "near_heading")]
    assert "没有导入" in str(made.doubtful[2].message)
    states = {each["heading"]: (each["state"], each["proposal"]) for each in made.table.meanings()}
    assert states["机构名称"] == ("matched", None)
    assert states["颁布日期"] == ("doubtful", "qualifications.issued_on")


def test_a_slip_never_takes_a_field_from_its_own_heading(session: Session) -> None:
    made = plan(session, book(["机购名称", "机构名称", "统一社会信用代码", "证书编号"], ["错", "对评价公司", credit_code(1), "1"]))
    assert made.table.mapped()["机购名称"] is None
    assert made.records[0].after["name"] == "对评价公司"


def test_headings_in_pinyin(session: Session) -> None:
    made = plan(session, book(["jgmc", "tyshxydm", "fading daibiaoren", "lianxiren"], ["甲评价公司", credit_code(1), "王", "李"]))
    assert list(made.table.mapped().values()) == ["name", "uscc", "legal_rep", "contact"]
    assert made.records[0].outcome is Outcome.NEW


def test_no_heading_means_a_field_because_it_is_near_two(session: Session) -> None:
    made = plan(session, book([*HEAD, "四级安全评价师"], ["甲评价公司", credit_code(1), "安全评价", 3]))
    assert made.table.mapped()["四级安全评价师"] is None


def test_three_levels_of_headings(session: Session) -> None:
    made = plan(
        session,
        book(
            ["序号", "机构名称", "统一社会信用代码", "人员", None, None, "资质情况", None],
            [None, None, None, "安全评价师", None, None, "证书", None],
            [None, None, None, "一级", "二级", "三级", "证书编号", "有效期"],
            [1, "甲评价公司", credit_code(1), 3, 4, 5, "APJ-(冀)-001", "2021.3.1-2024.2.29"],
            merges=("A1:A3", "B1:B3", "C1:C3", "D1:F1", "D2:F2", "G1:H1", "G2:H2"),
        ),
    )
    assert list(made.table.mapped().values()) == [None, "name", "uscc", "level1", "level2", "level3", "qualifications.cert_no", "qualifications.valid_to"]
    child = made.records[0].children[0].after
    assert (child["issued_on"].isoformat(), child["valid_to"].isoformat()) == ("2021-03-01", "2024-02-29")


@pytest.mark.parametrize("heading", ["有效期", "有效期限", "有效期起止", "有效期起止日期", "资质有效期"])
def test_one_column_of_both_ends_feeds_two_fields(session: Session, heading: str) -> None:
    made = plan(session, book([*HEAD, "证书编号", heading], ["甲评价公司", credit_code(1), "安全评价", "APJ-(冀)-001", "2021年3月1日至长期"]))
    child = made.records[0].children[0].after
    assert (child["issued_on"].isoformat(), child["valid_to"]) == ("2021-03-01", LONG_TERM)


@pytest.mark.parametrize(
    "cell",
    [
        "1．煤炭开采业 2．陆地石油和天然气开采业 3．金属、非金属矿及其他矿采选业",
        "1、煤炭开采业；2、陆地石油和天然气开采业；3、金属、非金属矿及其他矿采选业。",
        "煤炭开采业\n陆地石油和天然气开采业\n金属、非金属矿及其他矿采选业",
        "（1）煤炭开采业（2）陆地石油和天然气开采业（3）金属、非金属矿及其他矿采选业",
        "①煤炭开采业②陆地石油和天然气开采业③金属、非金属矿及其他矿采选业",
        "一、煤炭开采业\n二、陆地石油和天然气开采业\n三、金属、非金属矿及其他矿采选业",
        "煤炭开采业、陆地石油和天然气开采业、金属非金属矿采选业",
        "煤炭开采业，陆地石油和天然气开采业；非煤矿山",
    ],
)
def test_several_words_in_a_cell(session: Session, cell: str) -> None:
    made = plan(session, book([*HEAD, "证书编号", "业务范围"], ["甲评价公司", credit_code(1), "安全评价", "APJ-(冀)-001", cell]))
    assert not made.wrong, [str(issue.message) for issue in made.wrong]
    assert made.records[0].children[0].after["scopes"] == ["煤炭开采业", "陆地石油和天然气开采业", "金属、非金属矿及其他矿采选业"]


# ticks --------------------------------------------------------------------------------------------


def ticks(*rows: list[object]) -> bytes:
    return book(
        ["机构名称", "统一社会信用代码", "机构类别", None, None, "联系人"],
        [None, None, "安全评价", "检测检验", "安全培训", None],
        *rows,
        merges=("A1:A2", "B1:B2", "C1:E1", "F1:F2"),
    )


def test_ticked_columns_make_one_list(session: Session) -> None:
    made = plan(
        session,
        ticks(
            ["甲评价公司", credit_code(1), "√", "×", "■", "1"],
            ["乙评价公司", credit_code(2), None, 1, None, "2"],
            ["丙评价公司", credit_code(3), "否", "", 0, "3"],
        ),
    )
    assert not made.wrong
    assert [record.after["kind"] for record in made.records] == [["安全评价", "安全培训"], ["检测检验"], None]
    assert made.table.mapped()["机构类别/安全评价"] == "kind"


def test_what_is_no_tick_is_an_error_of_its_cell(session: Session) -> None:
    made = plan(
        session,
        ticks(
            ["甲评价公司", credit_code(1), "√", "部分", None, "1"],
            ["乙评价公司", credit_code(2), "√", None, None, "2"],
            ["丙评价公司", credit_code(3), "√", "√", "√", "3"],
        ),
    )
    assert told(made) == [(3, "kind", "bad_tick")]
    assert made.wrong[0].column == "机构类别/检测检验"


def test_words_under_one_heading_are_no_ticks(session: Session) -> None:
    made = plan(
        session,
        book(
            ["机构名称", "统一社会信用代码", "机构类别", None],
            [None, None, "主", "次"],
            ["甲评价公司", credit_code(1), "安全评价", "检测检验"],
            merges=("C1:D1",),
        ),
    )
    assert made.records[0].after["kind"] == ["安全评价"]
    assert made.table.mapped()["机构类别/次"] is None


def test_a_ticked_word_that_no_list_knows_is_asked_once(session: Session) -> None:
    rows = [
        ["机构名称", "统一社会信用代码", "机构类别", None],
        [None, None, "安全评价", "安全陪训"],
        ["甲评价公司", credit_code(1), "√", "√"],
        ["乙评价公司", credit_code(2), None, "√"],
    ]
    data = book(*rows, merges=("C1:D1",))
    made = plan(session, data)
    assert told(made) == [(3, "kind", "unknown_word"), (4, "kind", "unknown_word")]
    assert [(each["word"], each["count"], each["rows"]) for each in made.questions] == [("安全陪训", 2, [3, 4])]
    again = plan(session, data, words={"kind": {"安全陪训": "安全培训"}})
    assert [record.after["kind"] for record in again.records] == [["安全评价", "安全培训"], ["安全培训"]]


# decisions ----------------------------------------------------------------------------------------


def test_decisions_survive_json() -> None:
    decided = Decisions("表", 3, {"甲": "name", "乙": None}, "insert", True, {"kind": {"评测类": "安全评价"}}, {5: 12, 6: None})
    assert Decisions.from_json(decided.to_json()) == decided
    assert Decisions.from_json({}) == Decisions()
    assert Decisions().to_json() == {}


@pytest.mark.parametrize(
    "raw",
    [
        None, [], "x", {"sheets": "表"}, {"header_row": "3"}, {"header_row": True}, {"columns": ["name"]}, {"columns": {"甲": 3}}, {"mode": "delete"},
        {"words": {"kind": "评测类"}}, {"words": {"kind": {"评测类": None}}}, {"matches": {"x": 1}}, {"matches": {"3": "y"}}, {"empty": "drop"},
    ],
)  # fmt: skip
def test_what_is_no_decision_is_refused(raw: object) -> None:
    with pytest.raises(Refused):
        Decisions.from_json(raw)


def test_a_decision_wins_over_every_guess(session: Session) -> None:
    data = book(["说明一行", "两格"], ["名称甲", "代码乙", "机构名称"], ["真评价公司", credit_code(1), "别名"])
    made = plan(session, data, header_row=2, columns={"名称甲": "name", "代码乙": "uscc", "机构名称": None})
    assert made.table.mapped() == {"名称甲": "name", "代码乙": "uscc", "机构名称": None}
    assert made.records[0].after["name"] == "真评价公司"
    assert made.table.header_row == 2


def test_decisions_that_cannot_hold_are_refused_in_words(session: Session) -> None:
    data = book(HEAD, ["甲评价公司", credit_code(1), "评测类"])
    assert "没有这个字段" in refused(session, data, columns={"机构名称": "nonsense"})
    assert "请只留一列" in refused(session, data, columns={"机构名称": "name", "机构类别": "name"})
    assert "没有“备用”这一列" in refused(session, data, columns={"备用": "remark"})
    assert "没有第 99 行" in refused(session, data, header_row=99)
    assert "没有名为" in refused(session, data, sheet="别的")
    assert "字典里没有" in refused(session, data, words={"kind": {"评测类": "没有的词"}})
    assert "不接受新词" in refused(session, data, words={"kind": {"评测类": NEW}})
    assert "不能逐词指定" in refused(session, data, words={"name": {"甲": "乙"}})
    assert "指定的记录不存在" in refused(session, data, matches={2: 987654})


def test_an_empty_cell_clears_only_where_that_was_decided(session: Session) -> None:
    bring(session, book([*HEAD, "联系人", "注册地址"], ["甲评价公司", credit_code(1), "安全评价", "王", "镇上"]))
    data = book([*HEAD, "联系人"], ["", credit_code(1), None, None])
    assert plan(session, data).records[0].outcome is Outcome.SAME
    made = bring(session, data, clears=True)
    assert set(made.records[0].changes) == {"kind", "contact"}
    kept = stored(session)[0]
    assert (kept.name, kept.kind, kept.contact, kept.registered_address) == ("甲评价公司", None, None, "镇上")


# words --------------------------------------------------------------------------------------------


def test_an_unknown_word_is_asked_once_and_answered_for_all_rows(session: Session) -> None:
    data = book(HEAD, *([f"{n}号评价公司", credit_code(n), "安全平价；检测检验" if n % 2 else "安全平价"] for n in range(30)))
    made = plan(session, data)
    assert {code for _row, _field, code in told(made)} == {"unknown_word"}
    question = made.questions[0]
    assert (question["field"], question["column"], question["word"], question["count"], question["new"]) == ("kind", "机构类别", "安全平价", 30, False)
    assert len(made.questions) == 1
    assert question["rows"] == list(range(2, 22))
    assert question["proposals"][0] == {"answer": "安全评价", "label": "安全评价"}  # type: ignore[index]
    again = plan(session, data, words={"kind": {"安全平价": "安全评价"}})
    assert not again.wrong
    assert again.records[1].after["kind"] == ["安全评价", "检测检验"]
    left = plan(session, data, words={"kind": {"安全平价": LEAVE}})
    assert [record.after["kind"] for record in left.records[:2]] == [None, ["检测检验"]]


def test_a_row_that_holds_nothing_but_a_word_that_is_left_out_stays_with_its_record(session: Session) -> None:
    data = book([*HEAD, "培训项目"], ["甲评价公司", credit_code(1), None, "危化"], [None, None, None, "瑜伽"])
    left = plan(session, data, words={"training_capacities.training_kinds": {"瑜伽": LEAVE}})
    assert not left.wrong
    assert [(record.numbers, len(record.children)) for record in left.records] == [([2, 3], 1)]


def test_all_unknown_words_of_a_cell_are_asked(session: Session) -> None:
    made = plan(session, book(HEAD, ["甲评价公司", credit_code(1), "餐饮\n住宿\n安全评价"]))
    assert [each["word"] for each in made.questions] == ["餐饮", "住宿"]


def test_a_new_word_of_an_open_list_is_asked_too(session: Session) -> None:
    head = ["姓名", "身份证号", "所学专业"]
    made = plan(session, book(head, ["王评审", "11010119900307001X", "量子安全"]), "expert")
    asked = [each for each in made.questions if each["word"] == "量子安全"]
    assert [(each["code"], each["new"]) for each in asked] == [("new_word", True)]


def test_an_unknown_office_is_asked_once(session: Session) -> None:
    data = book([*HEAD, "承办股室"], ["甲评价公司", credit_code(1), None, "基础古"], ["乙评价公司", credit_code(2), None, "基础古"])
    made = plan(session, data)
    assert told(made) == [(2, "org_unit", "unknown_record"), (3, "org_unit", "unknown_record")]
    question = made.questions[0]
    assert question["count"] == 2
    answer = question["proposals"][0]["answer"]  # type: ignore[index]
    assert question["proposals"][0]["label"] == "基础股"  # type: ignore[index]
    for said in (answer, "基础股"):
        again = plan(session, data, words={"org_unit": {"基础古": said}})
        assert [record.after["org_unit"] for record in again.records] == [answer, answer]
    left = plan(session, data, words={"org_unit": {"基础古": LEAVE}})
    assert [record.after["org_unit"] for record in left.records] == [None, None]


# names --------------------------------------------------------------------------------------------

FIRM = ["企业名称", "统一社会信用代码", "从业人数"]


def test_a_firm_without_its_code_is_never_a_silent_second(session: Session) -> None:
    bring(session, book(FIRM, ["围场满族蒙古族自治县安泰矿业有限公司", credit_code(1), 10]), "enterprise")
    data = book(FIRM[:1] + FIRM[2:] + ["所在地"], ["安泰矿业（围场）有限责任公司", 12, "围场镇"], ["围场县安泰矿业有限责任公司", 12, "围场镇"])
    made = plan(session, data, "enterprise")
    assert told(made) == [(3, "name", "confirm_match")]
    assert "围场满族蒙古族自治县安泰矿业有限公司" in str(made.wrong[0].message)
    known = stored(session, "enterprise")[0].id
    same = plan(session, data, "enterprise", matches={3: known})
    assert [(record.outcome, record.id) for record in same.records] == [(Outcome.NEW, None), (Outcome.CHANGED, known)]
    commit(session, same, data)
    firms = stored(session, "enterprise")
    assert len(firms) == 2
    assert (firms[0].uscc, firms[0].employees) == (credit_code(1), 12)


def test_a_firm_may_be_said_to_be_another(session: Session) -> None:
    bring(session, book(FIRM, ["安泰矿业有限公司", credit_code(1), 10]), "enterprise")
    data = book(["企业名称", "所在地"], ["围场县安泰矿业有限公司", "围场镇"])
    assert told(plan(session, data, "enterprise")) == [(2, "name", "confirm_match")]
    bring(session, data, "enterprise", matches={2: None})
    assert len(stored(session, "enterprise")) == 2


def test_two_rows_of_a_file_called_alike(session: Session) -> None:
    data = book(["企业名称", "所在地"], ["安泰矿业有限公司", "围场镇"], ["安泰矿业有限责任公司", "四合永镇"])
    made = plan(session, data, "enterprise")
    assert told(made) == [(3, "name", "confirm_match")]
    assert "第 2 行" in str(made.wrong[0].message)
    assert made.records[0].outcome is Outcome.NEW


def test_an_equal_key_always_wins_and_another_code_is_another_firm(session: Session) -> None:
    bring(session, book(FIRM, ["安泰矿业有限公司", credit_code(1), 10]), "enterprise")
    made = plan(session, book(FIRM, ["安泰矿业有限责任公司", credit_code(1), 10], ["安泰矿业有限公司", credit_code(2), 10]), "enterprise")
    assert [record.outcome for record in made.records] == [Outcome.CHANGED, Outcome.NEW]
    assert doubted(made) == [(3, "name", "same_name")]


def test_a_link_by_nearly_the_name_is_asked(session: Session) -> None:
    bring(session, book(HEAD, ["河北安泰评价有限公司", credit_code(1), None]))
    data = book([*HEAD, "是否分支机构", "所属机构"], ["河北安泰评价有限公司围场分公司", credit_code(2), None, "是", "安泰评价有限责任公司"])
    made = plan(session, data)
    assert told(made) == [(2, "parent", "confirm_match")]
    known = stored(session)[0].id
    assert made.questions[0]["proposals"][0]["answer"] == known  # type: ignore[index]
    assert plan(session, data, words={"parent": {"安泰评价有限责任公司": known}}).records[0].after["parent"] == known


def test_a_name_out_of_reach_is_not_told(session_of: SessionOf) -> None:
    theirs = session_of(OTHER_CLERK)
    bring(theirs, book(FIRM, ["围场县保密矿业有限公司", credit_code(1), 10]), "enterprise")
    mine = session_of(CLERK)
    data = book(["企业名称", "所在地"], ["保密矿业有限责任公司", "围场镇"])
    made = plan(mine, data, "enterprise")
    assert told(made) == [(2, "name", "confirm_match")]
    visible = scope_of(mine).rows(register("enterprise")) is None
    assert visible or "围场县保密" not in str(made.wrong[0].message)


def test_a_long_file_is_asked_about_as_one(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "ROWS", 4)
    firms = [[f"{n}号矿业有限公司", "围场镇", "安平"] for n in range(9)]
    data = book(["企业名称", "所在地", "企业规魔"], *firms, ["0号矿业有限责任公司", "四合永镇", "大型"])
    made = plan(session, data, "enterprise")
    assert len(made.parts) == 3
    assert doubted(made) == [(1, "scale", "near_heading")]
    assert [(each["word"], each["count"]) for each in made.questions] == [("安平", 9)]
    assert told(made)[-1] == (11, "name", "confirm_match")


# remembered ---------------------------------------------------------------------------------------


def keep(session_of: SessionOf, person: Persona, data: bytes, **decided: Any) -> None:
    session = session_of(person)
    made = plan(session, data, **decided)
    remembered.remember(session, scope_of(session), register("agency"), made.table, Decisions(**decided))
    session.commit()


ODD = [["甲列", "乙列", "丙列", "丁列"], ["甲评价公司", credit_code(1), "评测类", "王"]]
SAID: dict[str, Any] = {
    "header_row": 1,
    "columns": {"甲列": "name", "乙列": "uscc", "丙列": "kind", "丁列": None},
    "words": {"kind": {"安评机构类": "检测检验", "评测类": "安全评价"}},
}


def test_a_kept_plan_knows_its_columns_and_decisions(session_of: SessionOf) -> None:
    session = session_of(CLERK)
    made = plan(session, book(*ODD), **SAID)
    kept = batch.ImportBatch(register="agency", file_name="表.xlsx", mode="upsert", bad_rows="stop", state="planned", operator=CLERK.username, sha256="")
    session.add(kept)
    stored_plan.keep(session, kept, made)
    session.commit()
    again = stored_plan.load(session, kept, register("agency"))
    assert again.table.meanings() == made.table.meanings()
    assert again.table.answers.decisions == Decisions(**SAID)
    remembered.remember(session, scope_of(session), register("agency"), again.table, again.table.answers.decisions)
    session.commit()
    assert plan(session_of(CLERK), book(*ODD)).table.mapped() == SAID["columns"]


def test_an_office_is_asked_once(session_of: SessionOf) -> None:
    keep(session_of, CLERK, book(*ODD), **SAID)
    made = plan(session_of(CLERK), book(*ODD))
    assert made.table.mapped() == SAID["columns"]
    assert made.records[0].after["kind"] == ["安全评价"]
    assert not made.wrong
    with pytest.raises(Refused):
        plan(session_of(OTHER_CLERK), book(*ODD))
    with pytest.raises(Refused):
        plan(session_of(), book(*ODD))


def test_similar_headings_take_over_what_they_share(session_of: SessionOf) -> None:
    keep(session_of, CLERK, book(*ODD), **SAID)
    made = plan(session_of(CLERK), book(["丙列", "乙列", "甲列", "联系人"], ["评测类", credit_code(2), "乙评价公司", "李"]))
    assert made.table.mapped() == {"丙列": "kind", "乙列": "uscc", "甲列": "name", "联系人": "contact"}


def test_a_later_answer_replaces_an_earlier_one(session_of: SessionOf) -> None:
    keep(session_of, CLERK, book(*ODD), **SAID)
    keep(session_of, CLERK, book(*ODD), **{**SAID, "columns": {**SAID["columns"], "丁列": "contact"}, "words": {"kind": {"评测类": "检测检验"}}})
    made = plan(session_of(CLERK), book(*ODD))
    assert made.table.mapped()["丁列"] == "contact"
    assert made.records[0].after["kind"] == ["检测检验"]
    kept = session_of().scalars(sa.select(remembered.ImportMapping)).one()
    assert kept.words["agency_kind"] == {"评测类": "检测检验", "安评机构类": "检测检验"}


def test_whoever_has_no_office_leaves_nothing_behind(session_of: SessionOf) -> None:
    session = session_of()
    made = plan(session, book(*ODD), **SAID)
    remembered.remember(session, scope_of(session), register("agency"), made.table, Decisions(**SAID))
    assert session.scalar(sa.select(sa.func.count()).select_from(remembered.ImportMapping)) == 0
