"""Taking an import back: what it did goes back, what people did since stays and is named (promises T20 and T34)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy.orm import Session

import config
from app.attachments import keep
from app.database import db
from app.encryption import data_keys
from app.fields import Gate
from app.history import read, search, upkeep
from app.history.chain import Fault
from app.register import fields
from app.roles import Role
from app.scopes import SYSTEM, Actor, NotPermitted, act_as
from app.search.record import searched
from imports.batch import BatchState, ImportBatch
from imports.refusal import Refused
from imports.run import run
from imports.undo import Undone, undo
from models.agency import Agency, Qualification, ServiceRecord
from models.enterprise import Enterprise
from models.expert import Expert
from models.policy import Policy
from models.reference import CodeEntry
from models.review import Review
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.databases import Databases
from tests.people import CLERK, EXPERT_ADMIN, LEADER, OTHER_CLERK, OWN, PRIVACY_CLERK, SECTION_HEAD, Persona
from tests.samples import credit_code
from tests.test_cli import call, report
from tests.test_matrix import office_id
from tests.test_plan import HEAD, register, sheet

SignIn = Callable[[Persona], Browser]
FACTS = [each.attr for each in fields(Agency)]


@pytest.fixture(autouse=True)
def own_anchors(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anchors of this test's trace alone: those of another one would find it cut off."""
    monkeypatch.setitem(app.config, "TRACE_ANCHORS", str(tmp_path / "anchors"))


@pytest.fixture
def session(session_of: SessionOf) -> Session:
    return session_of()


def brought(session: Session, *rows: list[object], key: str = "agency", head: list[object] = HEAD) -> int:
    """Import some rows; the number of the batch."""
    result, done = run(session, register(key), sheet(head, *rows), "表.csv")
    assert done["status"] == "done", done["wrong"]
    return result.batch


def agency(number: int, contact: str = "", certificate: str = "", valid_to: str = "") -> list[object]:
    return [f"机构{number}", credit_code(number), contact, "", certificate, valid_to]


def live(session: Session, cls: type[Any]) -> list[Any]:
    """The rows that are in force, as the database has them."""
    session.expire_all()
    return list(session.scalars(sa.select(cls).where(cls.voided_at.is_(None)).order_by(cls.id)))


def change(session: Session, cls: type[Any], test: Any, **values: Any) -> None:
    """What a person does on a page."""
    row = session.scalars(sa.select(cls).where(test)).one()
    for name, value in values.items():
        setattr(row, name, value)
    session.commit()


def values(row: Any) -> dict[str, Any]:
    return {each.attr: getattr(row, each.attr) for each in fields(type(row))}


def counts(made: Undone) -> tuple[int, ...]:
    return tuple(made.report["counts"][name] for name in ("voided", "put_back", "kept"))


def why(made: Undone) -> list[tuple[str, str]]:
    return [(each["name"], each["code"]) for each in made.report["kept"]]


def faults() -> set[Fault]:
    """What is wrong with the trace, but that no worker seals it here."""
    return {found.fault for found in upkeep.verdict().findings} - {Fault.UNSEALED}


# the case itself ----------------------------------------------------------------------------------


def test_create_40_update_60_edit_3(session: Session, session_of: SessionOf) -> None:
    brought(session, *(agency(number, "旧") for number in range(60)))
    batch = brought(session, *(agency(number, "新") for number in range(100)))
    for number in (7, 21, 59):
        change(session, Agency, Agency.uscc == credit_code(number), org_unit_id=office_id(session, OWN))
        change(session_of(CLERK), Agency, Agency.uscc == credit_code(number), remark="有人改过")
    made = undo(session, batch)
    assert counts(made) == (40, 57, 3)
    assert made.report["counts"]["written"] == 97
    assert [(each["name"], each["code"], each["who"], each["who_name"]) for each in made.report["kept"]] == [
        (f"机构{number}", "edited", "wang", "王经办") for number in (7, 21, 59)
    ]
    assert all("王经办于 20" in each["message"] for each in made.report["kept"])
    found = [(row.uscc, row.contact) for row in live(session, Agency)]
    assert found == [(credit_code(number), "新" if number in {7, 21, 59} else "旧") for number in range(60)]
    voided = session.scalars(sa.select(Agency).where(Agency.voided_at.is_not(None))).all()
    assert {(row.void_reason, row.row_version, row.changed_by) for row in voided} == {(f"撤销导入批次 {batch}", 2, "system")}
    stored = session.get(ImportBatch, batch)
    assert stored is not None
    assert (stored.state, stored.undone_by, stored.undo) == ("undone", "system", made.report)
    assert faults() == set()


def test_twice_changes_nothing_and_says_so(session: Session) -> None:
    batch = brought(session, agency(1))
    undo(session, batch)
    before = search.count(session.connection(), search.Wanted(batch=batch), 100)
    again = undo(session, batch)
    assert counts(again) == (0, 0, 0)
    assert "撤销过，这次没有改动任何内容" in again.report["message"]
    assert search.count(session.connection(), search.Wanted(batch=batch), 100) == before
    stored = session.get(ImportBatch, batch)
    assert stored is not None
    assert stored.undo["counts"]["voided"] == 1


def test_two_at_once_undo_once(app: Flask, session: Session) -> None:
    brought(session, *(agency(number, "旧") for number in range(150)))
    batch = brought(session, *(agency(number, "新") for number in range(300)))
    session.close()

    def one(_turn: int) -> tuple[int, ...]:
        with app.app_context():
            act_as(db.session(), SYSTEM)
            found = counts(undo(db.session(), batch))
            db.session.remove()
            return found

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, range(2))) == [(0, 0, 0), (150, 150, 0)]
    assert {row.row_version for row in live(session, Agency)} == {3}


def test_the_history_shows_both(session: Session) -> None:
    brought(session, agency(1, "旧"))
    batch = brought(session, agency(1, "新"), agency(2))
    undo(session, batch)
    one, two = session.scalars(sa.select(Agency).order_by(Agency.id))
    steps = read.steps(read.of_rows(session, Agency, [one.id]))
    assert [(step.act, step.version.road, step.version.batch == batch) for step in steps] == [
        ("insert", "import", False), ("update", "import", True), ("update", "undo", True),
    ]  # fmt: skip
    last = read.steps(read.of_rows(session, Agency, [two.id]))[-1]
    assert (last.act, last.version.road, last.version.reason) == ("void", "undo", f"撤销导入批次 {batch}")


def test_the_same_file_again_is_new(session: Session) -> None:
    rows = [agency(number, "人", f"APJ-(冀)-{number:03d}", "2027-01-01") for number in range(5)]
    batch = brought(session, *rows)
    assert undo(session, batch).whole
    _result, again = run(session, Agency, sheet(HEAD, *rows), "表.csv")
    assert (again["status"], again["counts"]["new"], again["counts"]["children"]["qualifications"]["new"]) == ("done", 5, 5)


# exactly what was ---------------------------------------------------------------------------------


def test_only_what_the_batch_changed_goes_back_exactly(session: Session) -> None:
    """Values of every kind; and batch after batch, the last one first."""
    row = samples.make(session, Agency, 41, office_id(session, OWN))
    start = values(row), row.import_batch
    head: list[object] = ["统一社会信用代码", "固定资产", "核验日期", "机构类别", "联系人", "联系人手机", "备注"]
    first = brought(session, [row.uscc, "123456.78", "2001-02-03", "安全评价", '引号"反斜线\\', "13811112222", "两\n行，(括号)"], head=head)
    session.expire_all()
    middle = values(row), row.import_batch
    assert (row.contact, row.import_batch) == ('引号"反斜线\\', first)
    second = brought(session, [row.uscc, "1", "2002-02-03", "检测检验", "丁", "13811113333", "三"], head=head)
    session.expire_all()
    assert values(row) != middle[0] != start[0]
    assert counts(undo(session, second)) == (0, 1, 0)
    session.expire_all()
    assert (values(row), row.import_batch) == middle
    assert counts(undo(session, first)) == (0, 1, 0), "what came after it has gone back already"
    session.expire_all()
    assert (values(row), row.import_batch) == start
    assert faults() == set()


@pytest.mark.parametrize("cls", [Agency, Enterprise, Expert, Policy, Review])
def test_a_record_is_what_it_was(session: Session, cls: type[Any]) -> None:
    """Encrypted values, days that follow from them, empty fields."""
    row = samples.make(session, cls, 41, office_id(session, OWN))
    before, known = values(row), {each.key: each for each in fields(cls)}
    other = samples.values(session, cls, 42)
    kinds, keys = {"text", "long_text", "date", "mobile", "count", "email", "person_name"}, cls.__keys__[0]
    told = [
        each
        for each in fields(cls)
        if each.sheet and each.gate is Gate.ORDINARY and not each.derived and each.format.name in kinds and other[each.key] != before[each.attr]
    ]
    line = [before[known[key].attr] for key in keys] + [each.format.dump(other[each.key]) for each in told]
    head = [str(known[key].label) for key in keys] + [str(each.label) for each in told]
    result, done = run(session, cls, sheet(head, line), "表.csv")
    assert (done["status"], done["counts"]["changed"]) == ("done", 1), done["wrong"]
    session.expire_all()
    assert len([name for name, value in values(row).items() if value != before[name]]) > 2
    assert counts(undo(session, result.batch)) == (0, 1, 0)
    session.expire_all()
    assert values(row) == before
    assert faults() == set()


def test_encrypted_values_come_back_readable_and_are_found(session: Session) -> None:
    head: list[object] = ["姓名", "身份证号", "联系电话"]
    brought(session, ["甲", samples.resident_id(1), "13800000001"], key="expert", head=head)
    batch = brought(session, ["甲", samples.resident_id(1), "13900000002"], ["乙", samples.resident_id(2), "13900000003"], key="expert", head=head)
    assert counts(undo(session, batch)) == (1, 1, 0)
    [row] = live(session, Expert)
    assert (row.phone, row.id_no) == ("13800000001", samples.resident_id(1))
    _result, again = run(session, Expert, sheet(head, ["甲", samples.resident_id(1), "13800000001"], ["乙", samples.resident_id(2), ""]), "表.csv")
    assert (again["counts"]["same"], again["counts"]["new"]) == (1, 1), "the voided one has freed its ID number"


def test_what_is_destroyed_does_not_come_back(session: Session) -> None:
    """The key of one former value is gone, as the retention destroys it: the other record goes back all the same."""
    head: list[object] = ["姓名", "身份证号", "银行账号"]
    people = [("甲", samples.resident_id(1)), ("乙", samples.resident_id(2))]
    brought(session, *([*person, "6222020200112233445"] for person in people), key="expert", head=head)
    first = live(session, Expert)[0].id
    names, _batches = read.sealed(session, Expert, first, ["bank_account"])
    batch = brought(session, *([*person, "6222020200112233452"] for person in people), key="expert", head=head)
    data_keys.destroy(session.connection(), sorted(names))
    session.commit()
    made = undo(session, batch)
    assert (counts(made), why(made)) == ((0, 1, 1), [("甲", "destroyed")])
    assert [row.bank_account for row in live(session, Expert)] == ["6222020200112233452", "6222020200112233445"]


def test_the_search_knows_what_went_back(session: Session) -> None:
    from app.search.kept import table_of

    assert searched(Agency)
    brought(session, ["旧名称公司", credit_code(1)], head=HEAD[:2])
    batch = brought(session, ["新名称公司", credit_code(1)], head=HEAD[:2])
    undo(session, batch)
    kept = table_of(Agency)
    [row] = session.connection().execute(sa.select(kept.c.open, kept.c.closed)).all()
    assert "旧名称" in f"{row.open}{row.closed}"
    assert "新名称" not in f"{row.open}{row.closed}"


def test_new_words_stay_for_their_keeper(session: Session) -> None:
    head = ["机构名称", "统一社会信用代码", "证书编号", "业务范围"]
    batch = brought(session, ["甲", credit_code(1), "APJ-(冀)-001", "深空采矿业"], head=head)
    made = undo(session, batch)
    assert (made.whole, made.report["words_kept"]) == (True, ["深空采矿业"])
    [word] = session.scalars(sa.select(CodeEntry).where(CodeEntry.word_state == "pending"))
    assert (word.label, word.voided_at) == ("深空采矿业", None)


# children, links, keys ----------------------------------------------------------------------------


def test_children_go_with_the_batch(session: Session) -> None:
    brought(session, agency(1, "旧", "APJ-(冀)-001", "2026-01-01"), agency(2, "旧", "APJ-(冀)-002", "2026-01-01"))
    batch = brought(
        session,
        agency(1, "新", "APJ-(冀)-001", "2027-01-01"), ["", "", "", "", "APJ-(冀)-011", "2027-01-01"],
        agency(2, "旧", "APJ-(冀)-002", "2027-01-01"),
        agency(3, "新", "APJ-(冀)-003", "2027-01-01"),
    )  # fmt: skip
    change(session, Agency, Agency.uscc == credit_code(2), remark="有人改过记录，没有改证书")
    made = undo(session, batch)
    assert counts(made) == (1, 1, 0)
    assert made.report["counts"]["children"] == {"qualifications": {"voided": 2, "put_back": 2, "kept": 0}}
    assert [(row.cert_no, str(row.valid_to)) for row in live(session, Qualification)] == [("APJ-(冀)-001", "2026-01-01"), ("APJ-(冀)-002", "2026-01-01")]


def test_a_new_record_with_a_childs_edit_stays_whole(session: Session) -> None:
    batch = brought(
        session, agency(1, "", "APJ-(冀)-001", "2027-01-01"), ["", "", "", "", "APJ-(冀)-002", "2027-01-01"], agency(2, "", "APJ-(冀)-003", "2027-01-01")
    )
    change(session, Qualification, Qualification.cert_no == "APJ-(冀)-001", issuer="省厅")
    made = undo(session, batch)
    assert why(made) == [("机构1", "referred"), ("APJ-(冀)-001", "edited"), ("APJ-(冀)-002", "record_stays")]
    assert [row.name for row in live(session, Agency)] == ["机构1"]
    assert len(live(session, Qualification)) == 2


def test_what_others_hang_on_a_new_record_holds_it(session: Session) -> None:
    batch = brought(session, *(agency(number) for number in range(1, 5)))
    one, two, three, _four = live(session, Agency)
    samples.make(session, ServiceRecord, 1, parent=one)
    keep(session, two, "合同.pdf", b"%PDF-1.4 test")
    other = samples.make(session, Agency, 41)
    other.parent_id = three.id
    session.commit()
    made = undo(session, batch)
    assert (counts(made), why(made)) == ((1, 0, 3), [("机构1", "referred"), ("机构2", "referred"), ("机构3", "referred")])
    assert ["服务" in each["message"] or "附件" in each["message"] or "name样例41" in each["message"] for each in made.report["kept"]] == [True] * 3


def test_a_policy_that_a_review_names_stays(session: Session) -> None:
    batch = brought(session, ["办法一", "围政发〔2026〕1号"], ["办法二", "围政发〔2026〕2号"], key="policy", head=["文件名称", "文号"])
    row = samples.make(session, Review, 41, office_id(session, OWN))
    row.policy_id = live(session, Policy)[0].id
    session.commit()
    made = undo(session, batch)
    assert (counts(made), why(made)) == ((1, 0, 1), [("办法一", "referred")])
    assert "公平竞争审查" in made.report["kept"][0]["message"]


def test_what_a_later_import_built_upon_goes_first(session: Session) -> None:
    """Where everything stays the batch is not taken back, and says why; once the later one has gone it may go too."""
    head: list[object] = ["机构名称", "统一社会信用代码", "是否分支机构", "所属机构"]
    batch = brought(session, ["总公司", credit_code(1), "否", ""], head=head)
    later = brought(session, ["分公司", credit_code(2), "是", "总公司"], ["分二", credit_code(3), "是", "总公司"], head=head)
    with pytest.raises(Refused, match="分公司还在使用它"):
        undo(session, batch)
    stored = session.get(ImportBatch, batch, populate_existing=True)
    assert stored is not None
    assert (stored.state, stored.undone_by) == ("done", None)
    assert undo(session, later).whole
    assert undo(session, batch).whole
    assert live(session, Agency) == []


def test_an_unchanged_file_has_nothing_to_take_back(session: Session) -> None:
    brought(session, agency(1))
    with pytest.raises(Refused, match="没有写入过内容"):
        undo(session, brought(session, agency(1)))


def test_a_key_that_somebody_took_since_is_not_given_twice(session: Session) -> None:
    """A record without its first key is known by another one, which an import frees when it brings the first."""
    head = ["文件名称", "发文机关", "文号"]
    brought(session, ["办法一", "县政府", ""], ["办法二", "县政府", ""], key="policy", head=head)
    batch = brought(session, ["办法一", "县政府", "围政发〔2026〕1号"], ["办法二", "县政府", "围政发〔2026〕2号"], key="policy", head=head)
    assert len(live(session, Policy)) == 2
    taken = samples.make(session, Policy, 41)
    taken.title, taken.issuer, taken.doc_no = "办法一", "县政府", None
    session.commit()
    made = undo(session, batch)
    assert (counts(made), why(made)) == ((0, 1, 1), [("办法一", "key_taken")])
    assert "已被" in made.report["kept"][0]["message"]


# who may ------------------------------------------------------------------------------------------


def test_who_may_take_what_back(session: Session, session_of: SessionOf) -> None:
    mine = session_of(CLERK)
    batch = brought(mine, agency(1), agency(2), agency(3))
    for person in (OTHER_CLERK, PRIVACY_CLERK, SECTION_HEAD, LEADER, EXPERT_ADMIN):
        with pytest.raises(NotPermitted):
            undo(session_of(person), batch)
    change(session, Agency, Agency.uscc == credit_code(1), publish_state="published")
    change(session, Agency, Agency.uscc == credit_code(2), org_unit_id=office_id(session, "危化股"))
    made = undo(mine, batch)
    assert (counts(made), why(made)) == ((1, 0, 2), [("机构1", "edited"), (f"#{live(session, Agency)[1].id}", "not_permitted")])


def test_what_the_person_may_not_change_stays(session: Session, session_of: SessionOf) -> None:
    """The office's batch, brought by the system: its head may take it back as far as the head may write."""
    unit = office_id(session, OWN)
    for number in (1, 2):
        row = samples.make(session, Agency, 40 + number, unit)
        row.uscc = credit_code(number)
    session.commit()
    mine = session_of(CLERK)
    batch = brought(mine, agency(1, "新"), agency(2, "新"), agency(3, "新"))
    session.execute(sa.update(Agency.__table__).where(Agency.uscc == credit_code(2)).values(publish_state="published"))  # type: ignore[arg-type]
    session.commit()
    head = session_of(CLERK)
    act_as(head, Actor("qian", frozenset({Role.SECTION_HEAD, Role.CLERK}), unit, full_name="钱股长"))
    assert counts(undo(head, batch)) == (1, 1, 1)
    stored = session.get(ImportBatch, batch, populate_existing=True)
    assert stored is not None
    assert stored.undone_by == "qian"


def test_who_drafted_may_take_the_draft_back(session: Session, session_of: SessionOf) -> None:
    """A keeper fills in an empty conclusion with an import, and takes it back with the import; a conclusion that stood stays what it is."""
    row = samples.make(session, Review, 41, office_id(session, OWN))
    row.reviewer = None
    session.commit()
    mine = session_of(CLERK)
    batch = brought(mine, [row.review_no, "张三"], key="review", head=["审查编号", "审查人"])
    session.expire_all()
    assert row.reviewer == "张三"
    assert counts(undo(mine, batch)) == (0, 1, 0)
    session.expire_all()
    assert row.reviewer is None


def test_what_wrote_nothing_is_refused(session: Session) -> None:
    result, stopped = run(session, Agency, sheet(HEAD, ["甲", "坏的代码"]), "表.csv")
    assert stopped["status"] == "stopped"
    for number in (result.batch, 10**6, 0, 2**40):
        with pytest.raises(Refused):
            undo(session, number)


# the command --------------------------------------------------------------------------------------


def test_the_command(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "表.csv"
    file.write_bytes(sheet(HEAD, agency(1), agency(2)))
    batch = report(app, "import", "run", "agency", file)[1]["batch"]
    assert report(app, "import", "undo", batch, "--as", CLERK.username)[0] == 3
    status, done = report(app, "import", "undo", batch)
    assert (status, done["status"], done["batch"], done["register"], done["file"]) == (0, "undone", batch, "agency", "表.csv")
    assert (done["counts"]["voided"], done["counts"]["written"], done["kept"]) == (2, 2, [])
    status, again = report(app, "import", "undo", batch)
    assert (status, again["status"], again["counts"]["voided"]) == (0, "undone", 0)
    status, refused = report(app, "import", "undo", 999)
    assert (status, refused["status"], refused["batch"]) == (2, "refused", 999)
    assert set(refused) == set(done)
    batch = report(app, "import", "run", "agency", file)[1]["batch"]
    with app.app_context():
        act_as(db.session(), SYSTEM)
        change(db.session(), Agency, sa.and_(Agency.uscc == credit_code(1), Agency.voided_at.is_(None)), remark="改")
        db.session.remove()
    spoken = call(app, "import", "undo", batch)
    assert spoken.exit_code == 1
    assert "作废 1 条，恢复 0 条；1 条保留不动" in spoken.stdout
    assert "“机构1”：导入之后，系统于" in spoken.stdout


# the pages ----------------------------------------------------------------------------------------


def _uploaded(browser: Browser, data: bytes) -> str:
    from tests.test_uploads import bring

    path = str(bring(browser, "表.csv", data).headers["Location"])
    page = BeautifulSoup(browser.get(path).data, "html.parser")
    assert browser.post(path, {"digest": page.find("input", {"name": "digest"})["value"], "bad_rows": "stop"}).status_code == 302  # type: ignore[index]
    return path


def test_the_page_promises_and_keeps(app: Flask, session: Session, sign_in: SignIn) -> None:
    unit = office_id(session, OWN)
    for number in range(3):
        row = samples.make(session, Agency, 40 + number, unit)
        row.uscc, row.mobile = credit_code(number), "13800000000"
    session.commit()
    browser = sign_in(CLERK)
    head = [*HEAD[:3], "联系人手机"]
    path = _uploaded(browser, sheet(head, *([f"机构{number}", credit_code(number), "新", "13912345678"] for number in range(5))))
    assert f"{path}/undo" in browser.get(path).text
    change(session, Agency, Agency.uscc == credit_code(0), remark="改过")
    page = BeautifulSoup(browser.get(f"{path}/undo").data, "html.parser")
    assert [each.b.get_text() for each in page.select(".ys-count")] == ["2", "2", "1"]
    assert page.select_one(".btn-danger").get_text() == "确认撤销：作废 2 条，恢复 2 条，保留 1 条"  # type: ignore[union-attr]
    back = browser.get(f"{path}/undo?outcome=put_back").text
    assert "139****5678" in back
    assert "13912345678" not in back
    assert "系统于" in browser.get(f"{path}/undo?outcome=kept").text
    digest = page.find("input", {"name": "digest"})["value"]  # type: ignore[index]
    change(session, Agency, Agency.uscc == credit_code(1), remark="改过")
    answer = browser.post(f"{path}/undo", {"digest": digest})
    assert (answer.status_code, "预览之后数据有变化" in answer.text) == (409, True)
    digest = BeautifulSoup(answer.data, "html.parser").find("input", {"name": "digest"})["value"]  # type: ignore[index]
    assert browser.post(f"{path}/undo", {"digest": digest}).status_code == 302
    assert "作废 2 条，恢复 1 条；2 条保留不动" in browser.get(f"{path}/undo").text
    assert browser.post(f"{path}/undo", {"digest": digest}, token_from="/").status_code == 409
    assert "已撤销" in browser.get(path).text
    assert len(live(session, Agency)) == 3
    for person in (OTHER_CLERK, PRIVACY_CLERK):
        assert sign_in(person).get(f"{path}/undo").status_code == 404


def test_what_a_dead_worker_left_is_undone_once(session: Session, session_of: SessionOf) -> None:
    from views import import_jobs, undoing

    batch = brought(session_of(CLERK), agency(1))
    stored = session.get(ImportBatch, batch)
    assert stored is not None
    for person, state, message in ((OTHER_CLERK, "done", "才能撤销"), (CLERK, "undone", "作废 1 条")):
        stored.state, stored.undone_by = BatchState.UNDOING.value, person.username
        session.commit()
        assert import_jobs.unfinished(import_jobs.UNDO) == [(batch,)]
        for _again in range(2):
            undoing.undo_batch(batch)
        session.refresh(stored)
        assert stored.state == state
        assert message in (stored.message or "")
    assert import_jobs.unfinished(import_jobs.UNDO) == []


def test_an_undo_that_was_overtaken_changes_nothing(session: Session, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that hung comes back after another has taken the batch in hand."""
    from views import import_jobs, undoing

    batch = brought(session_of(CLERK), agency(1))
    stored = session.get(ImportBatch, batch)
    assert stored is not None
    stored.state, stored.undone_by = BatchState.UNDOING.value, CLERK.username
    session.commit()
    real = undoing.actor_named

    def overtaken(name: str) -> Actor:
        with db.engine.begin() as connection:
            connection.execute(sa.update(ImportBatch.__table__).values(attempt=ImportBatch.__table__.c.attempt + 1))
        return real(name)

    monkeypatch.setattr(undoing, "actor_named", overtaken)
    undoing.undo_batch(batch)
    session.expire_all()
    assert (stored.state, stored.message, len(live(session, Agency))) == ("undoing", "写入 1 条，全部正确", 1)
    session.commit()
    monkeypatch.setattr(undoing, "actor_named", real)
    db.session.remove()
    assert import_jobs.unfinished(import_jobs.UNDO) == [(batch,)]
    undoing.undo_batch(batch)
    session.expire_all()
    assert (stored.state, len(live(session, Agency))) == ("undone", 0)


# killed -------------------------------------------------------------------------------------------

KILLS = 8
#: one process that undoes the batch that a line names, in a child of its own, which can be killed without starting Python anew
UNDOER = """
import os, sys
from app.database import db
from app.factory import create_app
from app.scopes import SYSTEM, act_as
from imports.undo import undo
app = create_app({"DATABASE_URL": sys.argv[1], "TRACE_ANCHORS": sys.argv[2], "SECRET_KEY": "of a test", "JOBS_PATH": ":immediate:"})
with app.app_context():
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            print(os.getpid(), flush=True)
            act_as(db.session(), SYSTEM)
            undo(db.session(), int(line))
            db.session.remove()
            os._exit(0)
        print("killed" if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9 else "done", flush=True)
"""


@pytest.fixture
def undoer(app: Flask, databases: Databases, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environ |= {"INSTANCE_DIR": str(tmp_path), "PYTHONPATH": str(config.ROOT)}
    command = [sys.executable, "-c", UNDOER, databases.work, str(tmp_path)]
    with subprocess.Popen(command, env=environ, cwd=config.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert said(process) == "ready"
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def undone(process: subprocess.Popen[str], batch: int, seconds: float | None = None) -> str:
    """Let it undo the batch, and kill it after so many seconds; how it ended."""
    assert process.stdin is not None
    process.stdin.write(f"{batch}\n")
    process.stdin.flush()
    number = int(said(process))
    if seconds is not None:
        time.sleep(seconds)
        with suppress(ProcessLookupError):  # it was faster
            os.kill(number, signal.SIGKILL)
    return said(process)


def test_a_killed_undo_leaves_all_or_nothing(app: Flask, session: Session, undoer: subprocess.Popen[str]) -> None:
    chance = random.Random(20)
    old = [agency(number, "旧") for number in range(300)]
    new = [agency(number, "新", f"APJ-(冀)-{number:03d}", "2027-01-01") for number in range(600)]
    brought(session, *old)
    batch = brought(session, *new)
    session.commit()
    started, ended = time.monotonic(), []
    assert undone(undoer, batch) == "done"
    whole = time.monotonic() - started
    for turn in range(KILLS):
        batch = brought(session, *new)
        session.commit()
        for _again in range(2):
            ended.append(undone(undoer, batch, chance.uniform(0, whole)))
            found = [(row.contact, row.row_version % 2) for row in live(session, Agency)]
            stored = session.get(ImportBatch, batch, populate_existing=True)
            assert stored is not None
            names = {contact for contact, _version in found}
            assert (stored.state, len(found), names, len(live(session, Qualification))) in [("done", 600, {"新"}, 600), ("undone", 300, {"旧"}, 0)], turn
            session.rollback()
        if stored.state == "done":
            assert undone(undoer, batch) == "done"
            assert len(live(session, Agency)) == 300
            session.rollback()
    assert ended.count("killed") > KILLS / 3, ended
    assert faults() == set()
