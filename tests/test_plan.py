"""What an import would do: values only, every problem at its cell, nothing written."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

import models  # noqa: F401 - announces the registers
from app import database, registry
from app.lookup import DatabaseLookup
from app.register import Register
from app.roles import Role
from app.scopes import SYSTEM, Actor, NotPermitted, act_as, scope_of
from imports import batch  # noqa: F401 - its table
from imports import plan as planning
from imports.display import Display
from imports.outcome import Mode, Outcome
from imports.run import run
from tests.samples import credit_code

SAMPLES = Path(__file__).parent / "workbooks"
SessionFor = Callable[..., Session]


@pytest.fixture
def session_for(app: Flask) -> Iterator[SessionFor]:
    """Sessions that act for somebody made up (the system by default), messages in Chinese."""
    opened: list[Session] = []

    def open_session(actor: Actor = SYSTEM) -> Session:
        session = database.open_session()
        act_as(session, actor)
        opened.append(session)
        return session

    with app.app_context():
        yield open_session
        for session in opened:
            session.close()


@pytest.fixture
def session(session_for: SessionFor) -> Session:
    return session_for()


def register(key: str) -> type[Register]:
    found = registry.find(key)
    assert found
    return found


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def sheet(*rows: list[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def plan(session: Session, key: str, data: bytes, **wishes: Any) -> planning.Plan:
    return planning.make(session, register(key), data, "表.csv", **wishes)


def problems(made: planning.Plan) -> list[tuple[int, str, str]]:
    return [(issue.row, issue.field, issue.code) for issue in made.wrong]


def clerk(session: Session, office: str = "基础股") -> Actor:
    unit = session.connection().scalar(sa.select(register("org_unit").__table__.c.id).where(sa.text("name = :name")), {"name": office})
    return Actor("wang", frozenset({Role.CLERK}), unit, full_name="王经办")


def rows_of(session: Session, key: str) -> int:
    return session.connection().scalar(sa.select(sa.func.count()).select_from(register(key).__table__)) or 0


@pytest.mark.parametrize(
    ("key", "name", "records", "children", "doubts"),
    [
        ("agency", "中介机构名录.xlsx", 14, {"qualifications": 12}, ["no_area_code"] * 3),
        ("policy", "涉企政策台账.xlsx", 10, {"interpretations": 7}, ["year_only"]),
        ("expert", "专家库名单.csv", 40, {}, []),
        ("review", "公平竞争审查台账.xlsx", 8, {}, []),
    ],
)
def test_the_office_samples(session: Session, key: str, name: str, records: int, children: dict[str, int], doubts: list[str]) -> None:
    made = plan(session, key, sample(name))
    counts = made.counts()
    assert not made.wrong
    assert counts["new"] == records
    assert {child: numbers["new"] for child, numbers in counts["children"].items()} == children
    assert [doubt.code for doubt in made.doubtful] == doubts
    assert rows_of(session, key) == 0


def test_the_sample_with_errors(session: Session) -> None:
    made = plan(session, "agency", sample("中介机构名录_有错.xlsx"))
    assert problems(made) == [
        (3, "uscc", "bad_check"), (4, "qualifications.valid_to", "bad_date"), (5, "name", "required"), (6, "uscc", "key_conflict"),
        (7, "kind", "unknown_word"), (8, "office_phone", "bad_phone"), (9, "uscc", "damaged_number"),
    ]  # fmt: skip
    assert made.counts()["wrong"] == 7
    assert "第 2 行" in str(made.wrong[3].message)
    assert next(record.outcome for record in made.records) is Outcome.NEW


HEAD: list[object] = ["机构名称", "统一社会信用代码", "联系人", "固定资产", "资质证书编号", "有效期至"]


def test_a_row_tells_all_its_problems(session: Session) -> None:
    made = plan(session, "agency", sheet(HEAD, [None, credit_code(1), "王", "很多", "APJ-(冀)-001", "2027.13.1"]))
    assert {code for _, _, code in problems(made)} == {"required", "bad_number", "bad_date"}
    assert made.counts()["wrong"] == 1


def test_rows_of_one_record_come_together(session: Session) -> None:
    for second in (
        ["甲", credit_code(1), "王", "", "APJ-(冀)-002", ""],
        ["", "", "", "", "APJ-(冀)-002", ""],
        ["甲", "", "", "", "APJ-(冀)-002", ""],
        ["", credit_code(1), "", "", "APJ-(冀)-002", ""],
    ):
        made = plan(session, "agency", sheet(HEAD, ["甲", credit_code(1), "王", "5", "APJ-(冀)-001", "2027.1.1"], second))
        assert not made.wrong, second
        assert made.counts()["new"] == 1
        assert made.counts()["children"]["qualifications"]["new"] == 2


def test_a_bad_later_row_does_not_take_the_record_with_it(session: Session) -> None:
    made = plan(session, "agency", sheet(HEAD, ["甲", credit_code(1), "王", "5", "APJ-(冀)-001", ""], ["", "", "", "", "APJ-(冀)-002", "不知道哪天"]))
    assert problems(made) == [(3, "qualifications.valid_to", "bad_date")]
    assert made.counts()["new"] == 1
    assert made.counts()["children"]["qualifications"]["new"] == 1


def test_a_bad_first_row_takes_the_rows_under_it(session: Session) -> None:
    made = plan(session, "agency", sheet(HEAD, ["甲", credit_code(1), "王", "很多", "APJ-(冀)-001", ""], ["", "", "", "", "APJ-(冀)-002", ""]))
    assert [(row, code) for row, _, code in problems(made)] == [(2, "bad_number"), (3, "record_wrong")]
    assert made.counts()["new"] == 0


def test_an_empty_cell_keeps_the_old_value_and_changes_show_old_and_new(session: Session) -> None:
    run(session, register("agency"), sheet(HEAD, ["甲", credit_code(1), "王", "5", "APJ-(冀)-001", "2027.1.1"]), "一")
    made = plan(session, "agency", sheet(HEAD, ["甲", credit_code(1), "", "6", "APJ-(冀)-001", ""]))
    [record] = made.records
    assert record.outcome is Outcome.CHANGED
    assert {key: (str(old), str(new)) for key, (old, new) in record.changes.items()} == {"fixed_assets": ("5.00", "6")}
    assert record.children[0].outcome is Outcome.SAME
    shown = Display(scope_of(session), DatabaseLookup(session)).record(record)
    assert shown["changes"] == [{"field": "fixed_assets", "label": "固定资产", "old": "5", "new": "6"}]


def test_modes(session: Session) -> None:
    run(session, register("agency"), sheet(HEAD, ["甲", credit_code(1), "", "", "", ""]), "一")
    data = sheet(HEAD, ["甲", credit_code(1), "王", "", "", ""], ["乙", credit_code(2), "", "", "", ""])
    assert problems(plan(session, "agency", data, mode=Mode.INSERT)) == [(2, "uscc", "exists")]
    assert problems(plan(session, "agency", data, mode=Mode.UPDATE)) == [(3, "uscc", "not_found")]


def test_new_words_of_open_lists_are_counted(session: Session) -> None:
    head = ["姓名", "身份证号", "从事专业"]
    made = plan(session, "expert", sheet(head, ["王小明", "110101199003070011", "星际航行"]))
    assert made.wrong == []
    assert [doubt.code for doubt in made.doubtful] == ["new_word"]
    assert [list(words.values()) for words in made.new_words.values()] == [[1]]


def test_a_second_key_finds_what_the_first_cannot(session: Session) -> None:
    head = ["文件名称", "发文机关", "发文字号"]
    run(session, register("policy"), sheet(head, ["办法", "县局", ""]), "一")
    [record] = plan(session, "policy", sheet(head, ["办法", "县局", "围应急〔2026〕1号"])).records
    assert record.outcome is Outcome.CHANGED
    assert list(record.changes) == ["doc_no"]
    run(session, register("policy"), sheet(head, ["办法", "县局", "围应急〔2026〕1号"]), "二")
    [other] = plan(session, "policy", sheet(head, ["办法", "县局", "围应急〔2026〕2号"])).records
    assert other.outcome is Outcome.NEW


def test_error_cells_are_reported(session: Session) -> None:
    made = plan(session, "agency", sheet(HEAD, ["甲", credit_code(1), "#N/A", "", "", ""]))
    assert problems(made) == [(2, "contact", "cell_error")]


def test_rows_out_of_scope_are_refused_without_a_word_of_their_contents(session: Session, session_for: SessionFor) -> None:
    run(session, register("agency"), sheet(HEAD, ["甲的秘密名称", credit_code(1), "", "", "", ""]), "一")
    made = plan(session_for(clerk(session)), "agency", sheet(HEAD, ["乙", credit_code(1), "", "", "", ""], ["丙", credit_code(2), "", "", "", ""]))
    assert problems(made) == [(2, "uscc", "not_permitted")]
    assert "秘密" not in str(made.to_json())
    assert made.records[1].outcome is Outcome.NEW
    assert made.records[1].after["org_unit"] == clerk(session).org_unit_id


def test_who_may_not_import_is_told_before_reading(session: Session, session_for: SessionFor) -> None:
    with pytest.raises(NotPermitted):
        plan(session_for(Actor("wu", frozenset({Role.SUPERVISOR}))), "agency", b"")


def test_a_mask_that_comes_back_is_unchanged(session: Session, session_for: SessionFor) -> None:
    actor = clerk(session)
    head = ["机构名称", "统一社会信用代码", "联系人手机", "联系人"]
    run(session_for(actor), register("agency"), sheet(head, ["甲", credit_code(1), "13900001234", "王"]), "一")
    [record] = plan(session_for(actor), "agency", sheet(head, ["甲", credit_code(1), "139****1234", "王"])).records
    assert record.outcome is Outcome.SAME
    made = plan(session_for(actor), "agency", sheet(head, ["甲", credit_code(1), "139****9999", "王"]))
    assert problems(made) == [(2, "mobile", "bad_phone")]


def test_the_digest_seals_outcomes_and_values(session: Session) -> None:
    data = sheet(HEAD, ["甲", credit_code(1), "王", "", "", ""])
    before = plan(session, "agency", data)
    assert before.digest == plan(session, "agency", data).digest
    run(session, register("agency"), data, "一")
    assert plan(session, "agency", data).digest != before.digest


def test_the_report_has_the_shape_that_others_rely_on(session: Session) -> None:
    report = plan(session, "agency", sample("中介机构名录.xlsx")).to_json()
    assert set(report) == {
        "register", "file", "status", "batch", "message", "sheet", "header_row", "columns", "left_out", "counts", "wrong", "doubtful", "seconds",
    }  # fmt: skip
    assert set(report["counts"]) == {"rows", "new", "changed", "same", "wrong", "doubtful", "written", "children"}


def test_statements_do_not_grow_with_the_rows(session: Session) -> None:
    seen: list[str] = []
    sa.event.listen(session.get_bind(), "before_cursor_execute", lambda _c, _u, statement, *_: seen.append(statement))
    data = sheet(HEAD, *(["机构", credit_code(n), "王", n, f"APJ-(冀)-{n:03}", "2027.1.1"] for n in range(900)))
    assert plan(session, "agency", data).counts()["new"] == 900
    assert len(seen) < 12


def test_a_child_is_found_by_a_key_that_follows_from_other_values(session: Session) -> None:
    run(session, register("agency"), sheet(HEAD, ["甲", credit_code(1), "王", "5", "APJ-(冀)-001", "2027.1.1"]), "一")
    made = plan(session, "agency", sheet(HEAD, ["甲", credit_code(1), "王", "5", "APJ-(冀)-001", "2030.1.1"]))
    assert made.counts()["children"]["qualifications"] == {"new": 0, "changed": 1, "same": 0}


def test_one_child_with_two_values_names_both_rows(session: Session) -> None:
    made = plan(
        session, "agency", sheet(HEAD, ["甲", credit_code(1), "", "", "APJ-(冀)-001", "2027.1.1"], ["甲", credit_code(1), "", "", "APJ-(冀)-001", "2028.1.1"])
    )
    assert problems(made) == [(3, "qualifications.valid_to", "key_conflict")]


def test_two_rows_that_mean_one_stored_record(session: Session) -> None:
    head = ["文件名称", "发文机关", "发文字号"]
    run(session, register("policy"), sheet(head, ["办法", "县局", ""]), "一")
    made = plan(session, "policy", sheet(head, ["办法", "县局", "围应急〔2026〕1号"], ["办法", "县局", "围应急〔2026〕2号"]))
    assert problems(made) == [(3, "doc_no", "key_conflict")]


def test_a_review_finds_the_policy_that_its_measure_is(session: Session) -> None:
    policies = "文件名称,发文字号,发文机关\n危险化学品经营许可办理指南,围应急〔2026〕3号,围场县应急管理局\n".encode()
    run(session, register("policy"), policies, "政策.csv")
    run(session, register("review"), sample("公平竞争审查台账.xlsx"), "公平竞争审查台账.xlsx")
    review = register("review")
    linked = {row.document for row in session.scalars(sa.select(review)) if row.policy_id}  # type: ignore[attr-defined]
    assert linked == {"危险化学品经营许可办理指南"}
