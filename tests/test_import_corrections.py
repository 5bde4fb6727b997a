"""What a second look at the import pages found: cells that clear too much, old pages, guesses without end, states that overtake each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from app.database import db, open_session
from app.formats import resident_id_check
from app.scopes import SYSTEM, act_as
from imports import stored, undo
from imports.batch import BatchState, ImportBatch
from models.agency import Agency
from models.expert import Expert
from tests import samples
from tests.conftest import SessionOf
from tests.people import CLERK, EXPERT_ADMIN
from tests.samples import credit_code
from tests.test_import_desk import HEAD, Desk, SignIn, book, of, sheet
from tests.test_matrix import office_id
from views import import_checks, import_steps, undoing

KIND = ["机构名称", "统一社会信用代码", "机构类别"]
OWNER = ["机构名称", "统一社会信用代码", "所属机构"]


def stored_of(session_of: SessionOf, name: str) -> Agency:
    return session_of().scalars(sa.select(Agency).where(Agency.name == name, Agency.voided_at.is_(None))).one()


def test_a_cell_that_is_typed_clears_no_other_row(session_of: SessionOf, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    full = [["机构名称", "统一社会信用代码", "联系人", "核验人"], ["甲公司", credit_code(1), "王", "张"], ["乙公司", credit_code(2), "李", "赵"]]
    Desk(browser, sheet(*full), "一.csv").confirm()
    desk = Desk(browser, sheet(["机构名称", "统一社会信用代码", "联系人"], ["甲公司", credit_code(1), "新"], ["乙公司", credit_code(2), "李"]), "二.csv")
    browser.post(desk.path("/columns"), desk.form("/columns", empty="clear"))
    desk.type(2, "verified_by", "钱")
    desk.confirm()
    assert (stored_of(session_of, "甲公司").verified_by, stored_of(session_of, "乙公司").verified_by) == ("钱", "赵")


def test_a_word_that_is_left_out_clears_nothing(session_of: SessionOf, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    Desk(browser, sheet(KIND, ["甲公司", credit_code(1), "安全评价"]), "零.csv").confirm()
    desk = Desk(browser, sheet(KIND, ["甲公司", credit_code(1), "胡写的词"]), "一.csv")
    browser.post(desk.path("/columns"), desk.form("/columns", **{"empty": "clear", "word.0": "=leave"}))
    desk.confirm()
    assert stored_of(session_of, "甲公司").kind == ["安全评价"]


def test_a_page_of_another_sheet_corrects_nothing(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    data = book(
        二三年=[HEAD, ["甲公司", credit_code(1), "王"], ["乙公司", "坏", "李"]],
        二四年=[HEAD, ["丙公司", credit_code(3), "王"], ["丁公司", credit_code(4), "李"]],
    )
    desk = Desk(browser, data, "表.xlsx")
    old = {str(each["name"]): each.get("value", "") for each in desk.page().select("form:has(input[value=mend]) input[name]")}
    browser.post(desk.path("/reading"), {"sheet": "二四年", "header_row": "1"})
    answer = browser.post(desk.path(), old)
    assert answer.status_code == 409
    assert not stored.notes_of(of(app, desk))[0].cells
    assert "坏" not in [each.get("value") for each in BeautifulSoup(answer.data, "html.parser").select("input")]


def test_an_import_that_writes_nothing_does_not_count_guesses_anew(session_of: SessionOf, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_checks, "MOST_PREVIEWS", 4)
    session = session_of()
    expert = samples.make(session, Expert, 7, office_id(session, "综合股"))
    session.commit()
    data = sheet(["姓名", "专家编号", "联系电话"], [expert.name, expert.expert_no, ""])
    desk = Desk(sign_in(EXPERT_ADMIN), data, key="expert")
    for number in range(2):
        assert desk.type(2, "联系电话", f"1380000100{number}").status_code == 302
    assert desk.mend(undo="2|联系电话").status_code == 302
    desk.confirm()
    assert Desk(desk.browser, data, "再来.csv", key="expert").type(2, "联系电话", "13800001009").status_code == 422


@pytest.mark.parametrize("said", ["#" + "9" * 25, "#" + "1" * 5000, "#²"])
def test_a_number_that_no_record_has_is_no_fault(sign_in: SignIn, said: str) -> None:
    desk = Desk(sign_in(CLERK), sheet(OWNER, ["甲公司", credit_code(1), "谁知道"]), "一.csv")
    assert desk.browser.post(desk.path("/columns"), desk.form("/columns", **{"other.0": said})).status_code == 422


def test_a_word_whose_record_was_voided_is_asked_again(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    Desk(browser, sheet(["机构名称", "统一社会信用代码"], ["总公司", credit_code(9)]), "零.csv").confirm()
    desk = Desk(browser, sheet(OWNER, ["甲公司", credit_code(1), "谁知道"]), "一.csv")
    assert browser.post(desk.path("/columns"), desk.form("/columns", **{"other.0": "总公司"})).status_code == 302
    session = session_of()
    session.execute(sa.update(Agency.__table__).values(voided_at=sa.func.now()))  # type: ignore[arg-type]
    session.commit()
    browser.post(desk.path(), {"wish": "again"})
    assert of(app, desk).state == BatchState.REFUSED
    assert browser.post(desk.path("/reading"), {"sheet": "CSV", "header_row": "1"}).status_code == 302


def before(work: Callable[..., Any], first: Callable[[], object]) -> Callable[..., Any]:
    """The same, with something that another process does a moment before."""

    def late(*arguments: Any) -> Any:
        thread = threading.Thread(target=first)
        thread.start()
        thread.join()
        return work(*arguments)

    return late


def test_an_undo_that_is_done_stays_done(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)
    desk = Desk(browser, sheet(HEAD, ["甲公司", credit_code(1), "王"]), "零.csv")
    desk.confirm()
    found = BeautifulSoup(browser.get(desk.path("/undo")).data, "html.parser").find("input", {"name": "digest"})
    assert found is not None

    def other() -> None:
        with app.app_context(), open_session() as session:
            act_as(session, SYSTEM)
            undo.undo(session, desk.batch)

    monkeypatch.setattr(undoing.Undoing, "_ask", before(undoing.Undoing._ask, other))
    browser.post(desk.path("/undo"), {"digest": found["value"]})  # type: ignore[index]
    assert (of(app, desk).state, of(app, desk).undone_by) == (BatchState.UNDONE, "system")


def test_a_check_does_not_take_back_what_is_done(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)
    desk = Desk(browser, sheet(HEAD, ["甲公司", credit_code(1), "王"]), "零.csv")

    def other() -> None:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(sa.update(ImportBatch.__table__).values(state=BatchState.DONE.value))  # type: ignore[arg-type]

    monkeypatch.setattr(import_steps.ImportSteps, "_again", before(import_steps.ImportSteps._again, other))
    browser.post(desk.path(), {"wish": "again"})
    assert of(app, desk).state == BatchState.DONE


def id_number(number: int) -> str:
    body = f"13082819700101{number:03d}"
    return body + resident_id_check(body)


def test_a_row_of_data_is_taken_for_no_header(sign_in: SignIn) -> None:
    """Headings are remembered for the office, in clear."""
    rows = [["张三", id_number(1), "13800001234"], ["李四", id_number(2), "13800001235"], ["王五", id_number(3), "13800001236"]]
    desk = Desk(sign_in(EXPERT_ADMIN), sheet(*rows), key="expert")
    answer = desk.browser.post(desk.path("/reading"), {"header_row": "1", "sheet": "CSV"})
    assert answer.status_code == 422
    assert "不是列名" in answer.data.decode()


def test_a_word_that_is_asked_about_lies_sealed(app: Flask, sign_in: SignIn) -> None:
    """Cells that slipped by one column put ID numbers among the unknown words."""
    desk = Desk(sign_in(EXPERT_ADMIN), sheet(["姓名", "性别", "身份证号"], ["张三", id_number(1), "男"], ["李四", "男", id_number(2)]), key="expert")
    batch = of(app, desk)
    assert id_number(1) not in str((batch.outline, batch.report, batch.counts))
    assert id_number(1) in desk.page("/columns").get_text()
