"""Many records changed at once, and one cell where it stands: preview, confirmation, the guard under both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy.orm.exc import StaleDataError

from app import bulk, registry
from app.bulk import BulkChange, changeable
from app.database import db
from app.register import PublishState, fields
from app.scopes import SYSTEM, act_as, scope_of
from models.agency import Agency
from models.reference import CodeEntry
from tests import samples
from tests.conftest import Browser, SessionOf, Statements
from tests.people import CLERK, LEADER, LEGAL, OTHER, OTHER_CLERK, OWN, PRIVACY_CLERK, SECTION_HEAD, SUPERVISOR, VISITOR, Persona
from tests.test_matrix import office_id

SignIn = Callable[[Persona], Browser]


@pytest.fixture
def agencies(session_of: SessionOf) -> list[int]:
    """Three agencies of the clerk's own office."""
    session = session_of()
    own = office_id(session, OWN)
    rows = [samples.make(session, Agency, number, own) for number in (11, 12, 13)]
    for row in rows:
        row.kind, row.mobile, row.office_phone, row.contact = ["检测检验"], f"1381234567{row.id % 10}", None, "旧联系人"
    session.commit()
    return [row.id for row in rows]


def kept(app: Flask, ids: list[int], attr: str) -> list[Any]:
    with app.app_context():
        act_as(db.session(), SYSTEM)
        rows = {row.id: getattr(row, attr) for row in db.session.scalars(sa.select(Agency).where(Agency.id.in_(ids)))}
        return [rows[each] for each in ids]


def alter(app: Flask, record_id: int, **values: Any) -> None:
    """Somebody else changes a record meanwhile."""
    with app.app_context():
        act_as(db.session(), SYSTEM)
        row = db.session.get(Agency, record_id)
        for attr, value in values.items():
            setattr(row, attr, value)
        db.session.commit()


def query(ids: list[int]) -> str:
    return "&".join(f"ids={each}" for each in ids)


def plan(browser: Browser, chosen: str, **values: Any) -> Any:
    """Send the form of the first step; the answer leads to the preview."""
    keys = list(dict.fromkeys(name.partition(".")[0] for name in values))
    return browser.post(f"/agency/bulk?{chosen}", {"fields": keys, **values})


def preview(browser: Browser, chosen: str, **values: Any) -> tuple[str, BeautifulSoup]:
    answer = plan(browser, chosen, **values)
    assert answer.status_code == 302, BeautifulSoup(answer.data, "html.parser").get_text()[:800]
    return opened(browser, answer.headers["Location"])


def opened(browser: Browser, address: str) -> tuple[str, BeautifulSoup]:
    page = browser.get(address)
    assert page.status_code == 200, page.data.decode()[:500]
    return address, BeautifulSoup(page.data, "html.parser")


def counts(page: BeautifulSoup) -> list[int]:
    return [int(each.get_text()) for each in page.select(".ys-count b")]


def confirm(browser: Browser, address: str) -> Any:
    """Press the button of the preview."""
    page = BeautifulSoup(browser.get(address).data, "html.parser")
    digest = page.find("input", {"name": "digest"})
    return browser.post(address, {"digest": digest["value"] if digest else ""}, token_from="/agency/list/")


def said(browser: Browser) -> str:
    return BeautifulSoup(browser.get("/agency/list/").data, "html.parser").select_one("main").get_text(" ", strip=True)


# choosing ----------------------------------------------------------------------------------------


def test_nothing_is_written_before_the_preview_is_confirmed_and_then_exactly_that(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    address, page = preview(browser, query(agencies[:2]), contact="新联系人")
    assert counts(page) == [2, 0, 0]
    assert [each.get_text() for each in page.select("tbody del")] == ["旧联系人", "旧联系人"]
    assert page.select_one(".ys-confirm button").get_text() == "确认修改 2 条"
    assert kept(app, agencies, "contact") == ["旧联系人"] * 3
    assert confirm(browser, address).status_code == 302
    assert "已修改 2 条记录" in said(browser)
    assert kept(app, agencies, "contact") == ["新联系人", "新联系人", "旧联系人"]
    assert kept(app, agencies, "changed_by")[:2] == [CLERK.username] * 2


def test_a_second_click_changes_nothing(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    address, page = preview(browser, query(agencies), contact="新联系人")
    digest = page.find("input", {"name": "digest"})["value"]
    assert browser.post(address, {"digest": digest}).status_code == 302
    said(browser)
    alter(app, agencies[0], contact="又改回")
    versions = kept(app, agencies, "row_version")
    assert browser.post(address, {"digest": digest}, token_from="/agency/list/").status_code == 302
    assert "没有再次执行" in said(browser)
    assert kept(app, agencies, "row_version") == versions


def test_two_clicks_at_once_are_one(app: Flask, agencies: list[int], session_of: SessionOf, sign_in: SignIn) -> None:
    address, _page = preview(sign_in(CLERK), query(agencies), contact="新联系人")
    with app.app_context():
        session = session_of(CLERK)
        change = session.get(BulkChange, int(address.rpartition("/")[2]))
        work = bulk.Edit(session, Agency, [bulk.Change(key, bulk.Mode(mode), raw) for key, mode, raw in change.changes])
        done = bulk.carry_out(session, work, change)
        session.commit()
        assert done is not None
        assert done.changed == 3
        assert bulk.carry_out(session, work, change) is None


def test_all_that_match_is_read_again_with_the_same_filter_and_scope(app: Flask, agencies: list[int], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    foreign = samples.make(session, Agency, 21, office_id(session, OTHER))
    published = samples.make(session, Agency, 22, office_id(session, OTHER), published=True)
    apart = samples.make(session, Agency, 23, office_id(session, OWN))
    for row in (foreign, published):
        row.kind = ["检测检验"]
    apart.kind = ["安全评价"]
    session.commit()
    browser = sign_in(CLERK)
    address, page = preview(browser, "all=1&f.kind=检测检验&page=7", contact="新联系人")
    assert counts(page) == [3, 0, 1]
    reasons = page.select_one(".ys-reasons").get_text(" ", strip=True)
    assert "不属于您的股室" in reasons
    assert "跳过" in reasons
    confirm(browser, address)
    assert "已修改 3 条记录；另有 1 条不能处理" in said(browser)
    every = [*agencies, foreign.id, published.id, apart.id]
    assert [value == "新联系人" for value in kept(app, every, "contact")] == [True, True, True, False, False, False]


def test_numbers_beyond_ones_scope_are_left_out(app: Flask, agencies: list[int], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    foreign = samples.make(session, Agency, 31, office_id(session, OTHER))
    browser = sign_in(CLERK)
    page = browser.get(f"/agency/bulk?{query([agencies[0], foreign.id])}").data.decode()
    assert "批量修改 1 条记录" in page
    assert "有 1 条不存在，或不在您的查看范围内" in page
    assert foreign.name not in page
    assert browser.get(f"/agency/bulk?ids={foreign.id}").status_code == 302
    assert browser.get("/agency/bulk").status_code == 302
    assert browser.get("/agency/bulk?ids=1;drop").status_code == 400


def test_too_many_are_refused_in_a_sentence(agencies: list[int], sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST", 2)
    browser = sign_in(CLERK)
    assert browser.get("/agency/bulk?all=1").headers["Location"] == "/agency/list/"
    assert "一次最多处理 2 条" in said(browser)


def test_the_way_back_stays_in_the_register(agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    for back, expected in (("/agency/list/?f.kind=检测检验", True), ("https://evil.example/", False), ("/agency/list/\\evil", False), ("//evil", False)):
        page = BeautifulSoup(browser.get("/agency/bulk", query_string={"ids": agencies, "back": back}).data, "html.parser")
        assert (page.select_one("main .breadcrumb a")["href"] == back) == expected, back


# what may be chosen ------------------------------------------------------------------------------


def test_the_fields_on_offer_are_those_one_may_write_and_sees_in_clear(session_of: SessionOf) -> None:
    scopes = {person: scope_of(session_of(person)) for person in (CLERK, PRIVACY_CLERK, LEADER, SECTION_HEAD, SUPERVISOR, LEGAL)}

    def keys(person: Persona, cls: Any = Agency) -> set[str]:
        return {declared.key for declared in changeable(scopes[person], cls)}

    assert {"contact", "kind", "region"} <= keys(CLERK)
    assert not {"name", "uscc", "mobile", "publish_state", "org_unit", "handler"} & keys(CLERK)
    assert keys(PRIVACY_CLERK) == keys(CLERK)
    assert keys(LEADER) == {"publish_state", "directory_state"}
    assert {"org_unit", "handler", "publish_state"} <= keys(SECTION_HEAD)
    assert keys(SUPERVISOR) == set()
    for entry in registry.entries():
        cls = entry.register
        masked = {declared.key for declared in fields(cls) if declared.sensitive}
        apart = {declared.key for declared in fields(cls) if declared.unique or declared.derived or declared.format.name == "file"}
        for person in (CLERK, SECTION_HEAD, LEGAL, LEADER):
            assert not (masked | apart) & keys(person, cls), cls.__key__


@pytest.mark.parametrize("key", ["mobile", "uscc", "name", "publish_state", "nothing"])
def test_a_field_that_is_not_on_offer_is_not_taken(app: Flask, agencies: list[int], sign_in: SignIn, key: str) -> None:
    answer = plan(sign_in(CLERK), query(agencies), **{key: "13912345678"})
    assert answer.status_code == 200, "the page comes again"
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(BulkChange.id))) == 0


def test_fields_are_added_and_dropped_without_losing_what_was_typed(agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)

    def send(**values: Any) -> BeautifulSoup:
        return BeautifulSoup(browser.post(f"/agency/bulk?{query(agencies)}", values).data, "html.parser")

    page = send(fields=["contact"], contact="打到一半", field="kind", add="1")
    assert page.find("input", {"name": "contact"})["value"] == "打到一半"
    assert [each["value"] for each in page.find_all("input", {"name": "fields"})] == ["contact", "kind"]
    assert [each["value"] for each in page.select("select[name='kind.mode'] option")] == ["set", "add", "remove", "clear"]
    page = send(fields=["contact", "kind"], contact="打到一半", drop="kind")
    assert [each["value"] for each in page.find_all("input", {"name": "fields"})] == ["contact"]
    every = ["contact", "kind", "legal_rep", "website", "region"]
    assert send(fields=every, field="remark", add="1").find_all("input", {"name": "fields"})[-1]["value"] == "region"
    assert not send(fields=every).find("select", {"name": "field"}), "five at most"


def test_a_value_that_no_record_can_take_is_refused_at_its_field(agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    answer = plan(browser, query(agencies), office_phone="12", contact="")
    assert answer.status_code == 422
    page = BeautifulSoup(answer.data, "html.parser")
    assert "不是电话号码" in page.select_one("#h-office_phone .ys-why").get_text()
    assert "请选“清空”" in page.select_one("#h-contact .ys-why").get_text()
    assert page.find("input", {"name": "office_phone"})["value"] == "12"


def test_going_back_gives_what_was_chosen(agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    _address, page = preview(browser, query(agencies), **{"kind": ["安全评价"], "kind.shown": "1", "kind.mode": "add", "contact": "新联系人"})
    again = BeautifulSoup(browser.get(page.find("a", string="返回修改")["href"]).data, "html.parser")
    assert again.find("input", {"name": "contact"})["value"] == "新联系人"
    assert again.select_one("select[name='kind.mode'] option[selected]")["value"] == "add"
    assert [each["value"] for each in again.select("input[name=kind][checked]")] == ["安全评价"]
    assert "批量修改 3 条记录" in again.h1.get_text()


@pytest.mark.parametrize(("mode", "expected"), [("set", ["安全评价"]), ("add", ["检测检验", "安全评价"]), ("remove", None), ("clear", None)])
def test_several_words_are_replaced_added_removed_or_cleared(app: Flask, agencies: list[int], sign_in: SignIn, mode: str, expected: Any) -> None:
    browser = sign_in(CLERK)
    word = "检测检验" if mode == "remove" else "安全评价"
    address, _page = preview(browser, query(agencies), **{"kind": [word], "kind.shown": "1", "kind.mode": mode})
    confirm(browser, address)
    assert kept(app, agencies, "kind") == [expected] * 3


def test_a_new_word_of_an_open_list_is_entered_once(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    review = registry.need("review")
    own = office_id(session, OWN)
    ids = [samples.make(session, review, number, own).id for number in (41, 42)]
    browser = sign_in(CLERK)
    page = BeautifulSoup(browser.get("/review/add").data, "html.parser")
    key = next(each["name"] for each in page.select("select.js-open[multiple]"))
    form = {"fields": [key], f"{key}.shown": "1", key: "全新行业", f"{key}.mode": "add"}
    address = browser.post(f"/review/bulk?{query(ids)}", form).headers["Location"]
    digest = BeautifulSoup(browser.get(address).data, "html.parser").find("input", {"name": "digest"})["value"]
    assert browser.post(address, {"digest": digest}).status_code == 302
    found = sa.select(CodeEntry.word_state).where(CodeEntry.label == "全新行业")
    with app.app_context():
        act_as(db.session(), SYSTEM)
        assert db.session.scalars(found).all() == ["pending"]


# refused, changed meanwhile ------------------------------------------------------------------------


def test_records_that_break_a_rule_or_are_closed_are_told_in_groups_and_skipped(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    with app.app_context():
        region = db.session.connection().scalar(sa.select(sa.func.min(Agency.__table__.c.id)))
    alter(app, agencies[0], parent_id=region if region != agencies[0] else agencies[1], is_branch=True)
    alter(app, agencies[1], publish_state=PublishState.PUBLISHED.value)
    browser = sign_in(CLERK)
    address, page = preview(browser, query(agencies), is_branch="否")
    assert counts(page) in ([1, 0, 2], [0, 1, 2])
    reasons = [each.get_text(" ", strip=True) for each in page.select(".ys-reasons li")]
    assert any("应为“是”" in each and "（1 条）" in each for each in reasons), reasons
    assert any("已审定公开" in each and "（1 条）" in each for each in reasons), reasons
    refused = BeautifulSoup(browser.get(f"{address}?outcome=refused").data, "html.parser")
    assert len(refused.select("tbody tr")) == 2
    before = kept(app, agencies, "row_version")
    confirm(browser, address)
    after = kept(app, agencies, "row_version")
    assert [new != old for new, old in zip(after, before, strict=True)][:2] == [False, False]


def test_voided_records_are_refused(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    with app.app_context():
        act_as(db.session(), SYSTEM)
        row = db.session.get(Agency, agencies[0])
        row.voided_at, row.void_reason = row.created_at, "错登"
        db.session.commit()
    _address, page = preview(browser, query(agencies), contact="新联系人")
    assert counts(page) == [2, 0, 1]
    assert "已经作废" in page.select_one(".ys-reasons").get_text()


def test_records_changed_since_the_preview_are_left_alone_and_named(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    address, page = preview(browser, query(agencies), contact="新联系人")
    colleague = sign_in(PRIVACY_CLERK)
    form = {"remark": "别人改的", "row_version": kept(app, agencies[:1], "row_version")[0]}
    assert colleague.post(f"/agency/edit/{agencies[0]}", form).status_code == 302
    assert "确认时会跳过" in browser.get(address).data.decode()
    browser.post(address, {"digest": page.find("input", {"name": "digest"})["value"]})
    text = said(browser)
    assert "已修改 2 条记录" in text
    assert f"{kept(app, agencies, 'name')[0]}（陈经办）" in text
    assert kept(app, agencies, "contact") == ["旧联系人", "新联系人", "新联系人"]


@pytest.mark.parametrize(("times", "status"), [(1, 302), (9, 503)])
def test_a_record_that_moves_on_at_that_very_moment(
    app: Flask, agencies: list[int], sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, times: int, status: int
) -> None:
    browser = sign_in(CLERK)
    address, page = preview(browser, query(agencies), contact="新联系人")
    real, failures = bulk.Edit.write, [StaleDataError("moved")] * times

    def write(self: bulk.Edit, judged: Any) -> None:
        real(self, judged)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(bulk.Edit, "write", write)
    assert browser.post(address, {"digest": page.find("input", {"name": "digest"})["value"]}).status_code == status
    assert kept(app, agencies, "contact") == [("新联系人" if status == 302 else "旧联系人")] * 3


def test_what_is_not_the_preview_seen_is_refused(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    address, _page = preview(browser, query(agencies), contact="新联系人")
    assert browser.post(address, {"digest": "0" * 64}).status_code == 409
    assert kept(app, agencies, "contact") == ["旧联系人"] * 3


def test_a_preview_belongs_to_one_person_and_one_register(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    address, page = preview(browser, query(agencies), contact="新联系人")
    digest = {"digest": page.find("input", {"name": "digest"})["value"]}
    for person in (PRIVACY_CLERK, OTHER_CLERK, SECTION_HEAD, VISITOR):
        other = sign_in(person)
        assert other.get(address).status_code in {302, 404}
        assert other.post(address, digest, token_from="/login/" if person is VISITOR else "/").status_code in {302, 404}
    assert browser.get(address.replace("/agency/", "/enterprise/")).status_code == 404
    assert browser.get("/agency/bulk/999999999").status_code == 404
    assert kept(app, agencies, "contact") == ["旧联系人"] * 3


def test_old_plans_that_nobody_confirmed_are_forgotten(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    preview(browser, query(agencies), contact="一")
    with app.app_context():
        change = db.session.scalar(sa.select(BulkChange))
        change.created_at = change.created_at.replace(year=2020)
        db.session.commit()
    preview(browser, query(agencies), contact="二")
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(BulkChange.id))) == 1


# sensitive fields ----------------------------------------------------------------------------------


def test_the_preview_masks_what_its_reader_sees_masked(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    alter(app, agencies[0], mobile=None)
    browser = sign_in(CLERK)
    _address, page = preview(browser, query(agencies), office_phone="0314-7512345 13812345671")
    text = page.select_one("main").get_text(" ", strip=True)
    rows = {row.get_text(" ", strip=True) for row in page.select("tbody tr")}
    assert sum("联系人手机" in row for row in rows) == 1, "the one that had none gets it"
    assert "138****5671" in text
    for mobile in kept(app, agencies[1:], "mobile"):
        assert mobile not in page.select_one("tbody").get_text()
    assert not any("另一栏" in row for row in rows), "whether the number kept is another would tell it"


def test_nobody_chooses_records_by_what_is_hidden(agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    for chosen in ("all=1&f.mobile=13812345678", "all=1&f.mobile.like=138", "all=1&sort=mobile"):
        assert browser.get(f"/agency/bulk?{chosen}").status_code == 400
    page = browser.get("/agency/bulk?all=1&q=13812345671")
    assert page.status_code == 302, "no record is found by it"


# voiding -------------------------------------------------------------------------------------------


def test_ticked_records_are_voided_for_a_reason_after_a_preview(app: Flask, agencies: list[int], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    published = samples.make(session, Agency, 51, office_id(session, OWN), published=True)
    browser = sign_in(CLERK)

    def send(reason: str, ids: list[Any], tail: str = "") -> Any:
        return browser.post(f"/agency/bulk/void{tail}", {"ids": ids, "reason": reason, "back": "/agency/list/?size=10"}, token_from="/agency/list/")

    assert send("", agencies).headers["Location"] == "/agency/list/?size=10"
    assert "请写明作废原因" in said(browser)
    assert send("错登", ["x"]).status_code == 400
    address, page = opened(browser, send("错登", [*agencies[:2], published.id]).headers["Location"])
    assert counts(page) == [2, 0, 1]
    assert page.select_one(".ys-confirm button").get_text() == "确认作废 2 条"
    assert kept(app, agencies, "voided_at") == [None] * 3
    assert confirm(browser, address).headers["Location"] == "/agency/list/?size=10"
    assert kept(app, [*agencies, published.id], "void_reason") == ["错登", "错登", None, None]
    _address, page = opened(browser, send("再废", [], "?all=1&voided=1").headers["Location"])
    assert counts(page) == [1, 2, 1]


# one cell ------------------------------------------------------------------------------------------


def cell(browser: Browser, record_id: int, key: str, value: str, version: int) -> Any:
    return browser.post(f"/agency/{record_id}/cell/{key}", {key: value, "row_version": version}, token_from="/agency/list/")


def test_a_cell_is_changed_where_it_stands(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    form = BeautifulSoup(browser.get(f"/agency/{agencies[0]}/cell/office_phone").data, "html.parser")
    assert form.find("input", {"name": "office_phone"})["aria-label"] == "办公电话"
    version = int(form.find("input", {"name": "row_version"})["value"])
    wrong = cell(browser, agencies[0], "office_phone", "12", version)
    assert wrong.status_code == 422
    part = BeautifulSoup(wrong.data, "html.parser")
    assert part.find("input", {"name": "office_phone"})["value"] == "12"
    assert "不是电话号码" in part.select_one(".ys-why").get_text()
    done = cell(browser, agencies[0], "office_phone", "7512345", version)
    assert done.status_code == 200
    assert "<html" not in done.data.decode()
    part = BeautifulSoup(done.data, "html.parser")
    assert part.get_text().startswith("0314-7512345")
    assert done.headers["X-Row-Version"] == str(version + 1)
    assert "请核对" in part.select_one(".ys-doubt").get_text()
    assert kept(app, agencies, "office_phone") == ["0314-7512345", None, None]


def test_a_cell_that_somebody_else_changed_says_who_and_what(app: Flask, agencies: list[int], sign_in: SignIn) -> None:
    seen = kept(app, agencies, "row_version")[0]
    assert cell(sign_in(PRIVACY_CLERK), agencies[0], "office_phone", "0314-7500000", seen).status_code == 200
    browser = sign_in(CLERK)
    answer = cell(browser, agencies[0], "office_phone", "0314-7511111", seen)
    assert answer.status_code == 409
    part = BeautifulSoup(answer.data, "html.parser")
    assert "陈经办" in part.select_one(".ys-why").get_text()
    assert "0314-7500000" in part.select_one(".ys-why").get_text()
    assert part.find("input", {"name": "office_phone"})["value"] == "0314-7511111"
    assert cell(browser, agencies[0], "office_phone", "0314-7511111", part.find("input", {"name": "row_version"})["value"]).status_code == 200
    assert kept(app, agencies, "office_phone")[0] == "0314-7511111"


def test_only_simple_cells_of_ones_own_are_on_offer(app: Flask, agencies: list[int], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    published = samples.make(session, Agency, 61, office_id(session, OTHER), published=True)
    alter(app, agencies[1], publish_state=PublishState.PUBLISHED.value)

    def offered(person: Persona) -> dict[int, set[str]]:
        page = BeautifulSoup(sign_in(person).get("/agency/list/").data, "html.parser")
        return {int(row["data-id"]): {each["data-field"] for each in row.select("td[data-edit]")} for row in page.select("tr[data-id]")}

    clerk = offered(CLERK)
    assert clerk[agencies[0]] == {"office_phone"}
    assert clerk[agencies[1]] == clerk[published.id] == set()
    assert offered(LEADER)[published.id] == {"directory_state"}
    assert not any(offered(SUPERVISOR).values())
    browser = sign_in(CLERK)
    for key, status in (("mobile", 403), ("uscc", 403), ("kind", 403), ("remark", 403), ("publish_state", 403), ("nothing", 404)):
        assert browser.get(f"/agency/{agencies[0]}/cell/{key}").status_code == status, key
        assert cell(browser, agencies[0], key, "13912345678", 1).status_code == status, key
    assert browser.get(f"/agency/{published.id}/cell/office_phone").status_code == 403


# cost ----------------------------------------------------------------------------------------------


def test_statements_do_not_grow_with_the_rows(session_of: SessionOf, sign_in: SignIn, statements: Statements) -> None:
    session = session_of()
    own = office_id(session, OWN)
    ids = [samples.make(session, Agency, number, own).id for number in range(101, 131)]
    browser = sign_in(CLERK)

    def cost(act: Callable[[], Any]) -> int:
        statements.texts.clear()
        act()
        return len(statements)

    def planned(chosen: list[int]) -> int:
        token = browser.token("/agency/list/")
        form = {"fields": ["contact"], "contact": "新联系人", "csrf_token": token}
        return cost(lambda: browser.client.post(f"/agency/bulk?{query(chosen)}", data=form))

    few, many = planned(ids[:3]), planned(ids)
    assert few == many
    address, page = preview(browser, query(ids), contact="新联系人")
    form = {"digest": page.find("input", {"name": "digest"})["value"], "csrf_token": browser.token("/agency/list/")}
    assert cost(lambda: browser.client.post(address, data=form)) < 15 + len(ids), "beside one update for each record"


def test_the_list_asks_nothing_more_for_its_cells(session_of: SessionOf, sign_in: SignIn, statements: Statements) -> None:
    session = session_of()
    own = office_id(session, OWN)
    for number in range(201, 221):
        samples.make(session, Agency, number, own)
    reader, writer = sign_in(SUPERVISOR), sign_in(CLERK)
    found = {}
    for name, browser in (("reader", reader), ("writer", writer)):
        browser.get("/agency/list/")
        statements.texts.clear()
        assert ("data-edit" in browser.get("/agency/list/").data.decode().split("cell-words")[0].split("<tbody>")[1]) == (name == "writer")
        found[name] = len(statements)
    assert found["writer"] <= found["reader"]
