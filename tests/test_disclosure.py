"""Showing what is masked: for a purpose, noted first, counted; more of it and files in clear with consent only."""

from __future__ import annotations

import contextvars
import io
import threading
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy.orm import Session

from app import disclosure, registry, revealing
from app.clock import now
from app.disclosure import Decided, Disclosure, Unsaid
from app.history import events, search
from app.revealing import TooMany
from app.scopes import NotPermitted
from imports import export
from imports.run import run
from models import Agency, Expert, Review
from models.review import ReviewSupervision
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import AUDIT_ADMIN, CLERK, EXPERT_ADMIN, LEADER, OTHER, OTHER_CLERK, OWN, PRIVACY_CLERK, PRIVACY_ONLY, SECTION_HEAD, Persona

SignIn = Callable[[Persona], Browser]
MOBILE = "13812345678"


def office(session: Session, name: str = OWN) -> int:
    cls: Any = registry.need("org_unit")
    found = session.scalar(sa.select(cls.id).where(cls.name == name))
    assert found
    return int(found)


@pytest.fixture
def agency(session_of: SessionOf) -> Agency:
    session = session_of()
    row = samples.make(session, Agency, 7, office(session))
    row.mobile = MOBILE
    session.commit()
    return row  # type: ignore[no-any-return]


def entries(session: Session, kind: str, **tests: Any) -> list[Any]:
    found = search.find(session.connection(), search.Wanted(kind=kind, **tests), 1000)
    session.rollback()
    return found[::-1]


def look(browser: Browser, row: Any, purpose: str = "contact", note: str = "") -> Any:
    path = f"/agency/reveal/{row.id}"
    return browser.post(path, {"purpose": purpose, "note": note}, token_from="/")


# looking ----------------------------------------------------------------------------------------


def test_nobody_reads_in_clear_without_the_act(sign_in: SignIn, agency: Agency) -> None:
    for person in (CLERK, PRIVACY_CLERK, SECTION_HEAD, LEADER):
        browser = sign_in(person)
        for path in (f"/agency/show/{agency.id}", "/agency/list/", f"/agency/edit/{agency.id}", f"/api/v1/agency/{agency.id}", "/agency/export.csv"):
            assert MOBILE not in browser.get(path).text, (person.username, path)


def test_a_look_shows_the_values_and_leaves_one_entry_without_them(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    browser = sign_in(PRIVACY_CLERK)
    page = browser.get(f"/agency/show/{agency.id}").text
    assert f"/agency/reveal/{agency.id}" in page
    asked = browser.get(f"/agency/reveal/{agency.id}")
    assert (asked.status_code, MOBILE in asked.text) == (200, False)
    assert entries(session_of(), "reveal") == [], "opening the page is no look"
    answer = look(browser, agency, "other", "发放评审费 13812345678")
    assert answer.status_code == 200
    assert MOBILE in answer.text
    assert "本次查看已记录" in answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    [entry] = entries(session_of(), "reveal")
    assert (entry.actor, entry.relation, entry.row, entry.road, entry.address) == ("chen", "agency", agency.id, "page", "127.0.0.1")
    assert '"purpose": "other"' in entry.image
    assert '"fields": ["mobile"]' in entry.image
    assert MOBILE not in entry.image, "nor in what was typed beside the purpose"
    told = BeautifulSoup(sign_in(AUDIT_ADMIN).get(f"/audit/{entry.id}").text, "html.parser").get_text(" ", strip=True)
    assert "查看完整信息" in told
    assert "联系人手机" in told
    assert MOBILE not in told


def test_children_are_shown_with_their_record(sign_in: SignIn, session_of: SessionOf) -> None:
    session = session_of()
    review = samples.make(session, Review, 8, office(session))
    complaint = samples.make(session, ReviewSupervision, 9, parent=review)
    session.commit()
    answer = sign_in(PRIVACY_CLERK).post(f"/review/reveal/{review.id}", {"purpose": "handle"}, token_from="/")
    assert complaint.from_whom in BeautifulSoup(answer.text, "html.parser").get_text()
    [entry] = entries(session_of(), "reveal")
    assert "supervisions.from_whom" in entry.image


@pytest.mark.parametrize(("purpose", "note"), [("", ""), ("nothing", ""), ("other", ""), ("other", "  "), ("contact", "长" * 201)])
def test_without_a_purpose_nothing_is_shown_and_nothing_noted(sign_in: SignIn, session_of: SessionOf, agency: Agency, purpose: str, note: str) -> None:
    browser = sign_in(PRIVACY_CLERK)
    answer = look(browser, agency, purpose, note)
    assert (answer.status_code, MOBILE in answer.text) == (422, False)
    body = {"purpose": purpose, "note": note}
    by_program = browser.client.post(f"/api/v1/agency/{agency.id}/reveal", json=body, headers={"X-CSRFToken": browser.token("/")})
    assert (by_program.status_code, MOBILE in by_program.text) == (422, False)
    assert set(by_program.json["errors"]) <= {"purpose", "note"}
    assert entries(session_of(), "reveal") == []


@pytest.mark.parametrize(("person", "statuses"), [(CLERK, {403}), (SECTION_HEAD, {403}), (LEADER, {403}), (PRIVACY_ONLY, {302, 403})])
def test_without_the_role_nothing_is_shown(sign_in: SignIn, session_of: SessionOf, agency: Agency, person: Persona, statuses: set[int]) -> None:
    browser = sign_in(person)
    assert f"/agency/reveal/{agency.id}" not in browser.get(f"/agency/show/{agency.id}").text
    assert browser.get(f"/agency/reveal/{agency.id}").status_code in statuses
    assert look(browser, agency).status_code in statuses
    answer = browser.client.post(f"/api/v1/agency/{agency.id}/reveal", json={"purpose": "contact"}, headers={"X-CSRFToken": browser.token("/")})
    assert (answer.status_code, MOBILE in answer.text) == (403, False)
    assert entries(session_of(), "reveal") == []


def test_a_row_out_of_reach_is_not_found(sign_in: SignIn, session_of: SessionOf) -> None:
    session = session_of()
    foreign = samples.make(session, Agency, 9, office(session, OTHER))
    session.commit()
    browser = sign_in(PRIVACY_CLERK)
    for number in (foreign.id, 99_999_999, 2**40):
        assert browser.post(f"/agency/reveal/{number}", {"purpose": "contact"}, token_from="/").status_code == 404
        answer = browser.client.post(f"/api/v1/agency/{number}/reveal", json={"purpose": "contact"}, headers={"X-CSRFToken": browser.token("/")})
        assert answer.status_code == 404
    assert entries(session_of(), "reveal") == []


def test_where_nothing_is_masked_there_is_no_button(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    session = session_of()
    row = session.get(Agency, agency.id)
    assert row
    row.mobile = None
    session.commit()
    browser = sign_in(PRIVACY_CLERK)
    assert "/agency/reveal/" not in browser.get(f"/agency/show/{agency.id}").text
    assert look(browser, agency).status_code == 302
    assert entries(session_of(), "reveal") == []


def test_no_values_when_the_entry_cannot_be_written(sign_in: SignIn, agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: Any, **_more: Any) -> int:
        raise sa.exc.OperationalError("", None, Exception("no room"))

    browser = sign_in(PRIVACY_CLERK)
    headers = {"X-CSRFToken": browser.token("/")}
    monkeypatch.setattr(events, "note", fails)
    browser.client.application.testing = False
    try:
        answers = [look(browser, agency), browser.client.post(f"/api/v1/agency/{agency.id}/reveal", json={"purpose": "contact"}, headers=headers)]
    finally:
        browser.client.application.testing = True
    for answer in answers:
        assert answer.status_code >= 500
        assert MOBILE not in answer.text


def test_a_program_looks_by_the_same_rules(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    browser = sign_in(PRIVACY_CLERK)
    answer = browser.client.post(f"/api/v1/agency/{agency.id}/reveal", json={"purpose": "verify"}, headers={"X-CSRFToken": browser.token("/")})
    assert (answer.status_code, answer.json["result"], answer.json["left"]) == (200, {"mobile": MOBILE}, revealing.PER_DAY - 1)
    [entry] = entries(session_of(), "reveal")
    assert entry.road == "rest"
    assert browser.client.get(f"/api/v1/agency/{agency.id}/reveal").status_code == 405, "never by an address alone"


# the limit --------------------------------------------------------------------------------------


def looked(session: Session, times: int, row: Any) -> None:
    """So many looks of this person today, as the trace holds them."""
    for _time in range(times):
        events.note(session.connection(), "reveal", {"purpose": "contact"}, of=type(row), row=row.id)
    session.commit()


def rested(session_of: SessionOf, count: int) -> list[Session]:
    """Sessions of one person that hold no connection yet."""
    found = []
    for _each in range(count):
        found.append(session_of(PRIVACY_CLERK))
        found[-1].rollback()
    return found


def test_fifty_a_day_by_page_and_program_together(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    looked(session_of(PRIVACY_CLERK), revealing.PER_DAY - 2, agency)
    looked(session_of(OTHER_CLERK), 3, agency)  # another person's count for him alone
    browser = sign_in(PRIVACY_CLERK)
    headers = {"X-CSRFToken": browser.token("/")}
    assert look(browser, agency).status_code == 200
    assert browser.client.post(f"/api/v1/agency/{agency.id}/reveal", json={"purpose": "contact"}, headers=headers).json["left"] == 0
    refused = look(browser, agency)
    assert (refused.status_code, MOBILE in refused.text) == (429, False)
    assert "脱敏授权" in refused.text
    by_program = browser.client.post(f"/api/v1/agency/{agency.id}/reveal", json={"purpose": "contact"}, headers=headers)
    assert (by_program.status_code, MOBILE in by_program.text) == (429, False)
    assert "50" in by_program.json["message"]
    assert len(entries(session_of(), "reveal", actor="chen")) == revealing.PER_DAY


def test_yesterday_does_not_count(session_of: SessionOf, agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_of(PRIVACY_CLERK)
    looked(session, revealing.PER_DAY, agency)
    row = session.get(Agency, agency.id)
    with pytest.raises(TooMany):
        revealing.reveal(session, row, "contact", "")
    tomorrow = (now() + timedelta(days=1, hours=8)).date()
    monkeypatch.setattr(revealing, "today", lambda: tomorrow)
    assert revealing.reveal(session, session.get(Agency, agency.id), "contact", "").left == revealing.PER_DAY - 1


def test_thirty_at_once_get_no_further(app: Flask, session_of: SessionOf, agency: Agency) -> None:
    looked(session_of(PRIVACY_CLERK), revealing.PER_DAY - 3, agency)
    sessions = rested(session_of, 30)
    outcomes: list[str] = []
    start = threading.Barrier(10)

    def run_three(mine: list[Session]) -> None:
        start.wait()
        for session in mine:
            with app.app_context():
                try:
                    revealing.reveal(session, session.get(Agency, agency.id), "contact", "")
                    outcomes.append("shown")
                except TooMany:
                    outcomes.append("refused")

    threads = [threading.Thread(target=run_three, args=(sessions[place::10],)) for place in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 27 + ["shown"] * 3
    assert len(entries(session_of(), "reveal", actor="chen")) == revealing.PER_DAY


# asking -----------------------------------------------------------------------------------------


def ask(session: Session, kind: str = "reveal", **facts: Any) -> int:
    made = disclosure.ask(session, kind, "pay", "发放评审费", **({"amount": 20} if kind == "reveal" else {"register": "agency"}) | facts)
    session.commit()
    return made.id


def test_a_head_grants_more_for_the_day_and_the_trace_has_it(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    looked(session_of(PRIVACY_CLERK), revealing.PER_DAY, agency)
    mine, head = sign_in(PRIVACY_CLERK), sign_in(SECTION_HEAD)
    asked = mine.post("/disclosures/", {"kind": "reveal", "amount": "20", "purpose": "pay", "note": "发放评审费"}, token_from="/disclosures/")
    assert asked.status_code == 302
    assert look(mine, agency).status_code == 429, "asking is not having"
    number = session_of().scalar(sa.select(Disclosure.id))
    assert "脱敏授权：1 个申请等您处理" in head.get("/").text
    assert "发放评审费" in head.get("/disclosures/").text
    assert head.post(f"/disclosures/{number}/grant", {"words": "同意"}, token_from="/disclosures/").status_code == 302
    assert look(mine, agency).status_code == 200
    session = session_of()
    kept = session.get(Disclosure, number)
    assert (kept.state, kept.decided_by, kept.words) == ("granted", "qian", "同意")
    assert revealing.allowed_today(session, "chen") == revealing.PER_DAY + 20
    assert [(each.kind, each.actor) for each in entries(session_of(), "", relation="disclosure")] == [("insert", "chen"), ("update", "qian")]
    page = BeautifulSoup(mine.get("/disclosures/").text, "html.parser").get_text()
    assert "已同意" in page
    assert "钱股长" in page


def test_what_is_granted_is_bounded_and_ends_with_the_day(session_of: SessionOf) -> None:
    session, head = session_of(PRIVACY_CLERK), session_of(SECTION_HEAD)
    for amount in (0, 201, "1e2", "x", True, -1, ""):
        with pytest.raises(Unsaid):
            ask(session, amount=amount)
    for _time in range(2):
        disclosure.decide(head, ask(session, amount=200), grant=True)
        head.commit()
    assert revealing.allowed_today(session, "chen") == revealing.PER_DAY + disclosure.MOST_MORE
    until = session.scalars(sa.select(Disclosure.until)).all()
    assert {disclosure.local(each).strftime("%H:%M") for each in until} == {"00:00"}
    session.execute(sa.update(Disclosure).values(until=now() - timedelta(seconds=1)))
    assert revealing.allowed_today(session, "chen") == revealing.PER_DAY


def test_who_decides(session_of: SessionOf, sign_in: SignIn) -> None:
    number = ask(session_of(PRIVACY_CLERK))
    for person, error in ((CLERK, NotPermitted), (PRIVACY_CLERK, NotPermitted), (EXPERT_ADMIN, NotPermitted)):
        with pytest.raises(error):
            disclosure.decide(session_of(person), number, grant=True)
        assert sign_in(person).post(f"/disclosures/{number}/grant", {}, token_from="/").status_code in {302, 403}
    session = session_of()
    session.execute(sa.update(Disclosure).values(org_unit_id=office(session, OTHER)))
    session.commit()
    with pytest.raises(LookupError):
        disclosure.decide(session_of(SECTION_HEAD), number, grant=True)
    assert sign_in(SECTION_HEAD).post(f"/disclosures/{number}/grant", {}, token_from="/").status_code == 404
    leader = session_of(LEADER)
    disclosure.decide(leader, number, grant=False, words="请先说明用途")
    leader.commit()
    with pytest.raises(Decided):
        disclosure.decide(session_of(LEADER), number, grant=True)
    assert session_of().scalar(sa.select(Disclosure.state)) == "refused"


def test_nobody_decides_on_the_own_request(app: Flask, session_of: SessionOf) -> None:
    session = session_of(LEADER)
    session.add(Disclosure(kind="reveal", amount=5, purpose="pay", note="", asker="zhou"))
    session.commit()
    number = session.scalar(sa.select(Disclosure.id))
    assert disclosure.waiting(session) == []
    with pytest.raises(LookupError):
        disclosure.decide(session, number, grant=True)


def test_the_same_is_asked_once(session_of: SessionOf) -> None:
    session = session_of(PRIVACY_CLERK)
    ask(session)
    with pytest.raises(Unsaid):
        ask(session)
    ask(session, "export")
    with pytest.raises(Unsaid):
        ask(session, "export", register="policy")  # nothing is masked there
    with pytest.raises(NotPermitted):
        ask(session_of(CLERK))


# a file in clear --------------------------------------------------------------------------------


def granted(session_of: SessionOf, register: str = "agency") -> int:
    number = ask(session_of(PRIVACY_CLERK), "export", register=register)
    head = session_of(SECTION_HEAD)
    disclosure.decide(head, number, grant=True)
    head.commit()
    return number


def take(browser: Browser, key: str = "agency") -> Any:
    return browser.post(f"/{key}/export-clear", {}, token_from="/")


def test_a_file_in_clear_for_one_consent(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    mine = sign_in(PRIVACY_CLERK)
    assert take(mine).status_code == 403
    assert "export-clear" not in mine.get("/agency/list/").text
    grant = granted(session_of)
    assert "export-clear" in mine.get("/agency/list/").text
    assert "可以导出“中介机构”的完整信息了" in mine.get("/").text
    answer = take(mine)
    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    cells = [cell.value for row in book.worksheets[0] for cell in row]
    assert MOBILE in cells
    [entry] = [each for each in entries(session_of(), "export") if each.actor == "chen"]
    kept = session_of().get(Disclosure, grant)
    assert kept.used_at is not None
    for piece in (f'"number": "{kept.number}"', '"clear": true', f'"grant": {grant}', '"register": "agency"', '"count": 1', '"purpose": "pay"'):
        assert piece in entry.image, piece
    assert MOBILE not in entry.image
    assert kept.number in answer.headers["Content-Disposition"]
    assert take(mine).status_code == 403, "a consent is for one file"
    assert "export-clear" not in mine.get("/agency/list/").text


def test_the_file_says_whose_it_is_and_comes_back_unchanged(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    granted(session_of)
    data = take(sign_in(PRIVACY_CLERK)).data
    number = session_of().scalar(sa.select(Disclosure.number))
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.worksheets[0]
    for said in (sheet.oddHeader.center.text, sheet.oddFooter.left.text, book.properties.description):
        for piece in ("内部资料 严禁外传", "陈经办", number):
            assert piece in said
    assert {each.name: each.value for each in book.custom_doc_props.props}["导出编号"] == number
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        drawing = parts.read("xl/drawings/drawing1.xml").decode()
    assert "内部资料 严禁外传" in drawing, "on the screen too"
    for person in (None, PRIVACY_CLERK):
        _result, report = run(session_of(person), Agency, data, "回.xlsx")
        assert (report["counts"]["same"], report["counts"]["written"], report["wrong"]) == (1, 0, [])


def test_a_consent_runs_out_and_is_for_one_register(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    granted(session_of, "expert")
    mine = sign_in(PRIVACY_CLERK)
    assert take(mine, "agency").status_code == 403
    session = session_of()
    session.execute(sa.update(Disclosure).values(until=now() - timedelta(seconds=1)))
    session.commit()
    assert take(mine, "expert").status_code == 403
    assert sign_in(CLERK).post("/expert/export-clear", {}, token_from="/").status_code == 403


def test_one_consent_at_once_makes_one_file(app: Flask, session_of: SessionOf, agency: Agency) -> None:
    granted(session_of)
    sessions = rested(session_of, 6)
    found = [disclosure.usable(session, Agency)[0] for session in sessions]
    for session in sessions:
        session.rollback()
    outcomes: list[str] = []
    start = threading.Barrier(6)

    def hand(place: int) -> None:
        start.wait()
        with app.app_context():
            try:
                disclosure.hand_out(sessions[place], found[place], f"DC{place}", {"subject": "x"})
                outcomes.append("made")
            except NotPermitted:
                outcomes.append("refused")

    threads = [threading.Thread(target=hand, args=(place,)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", *["refused"] * 5]
    assert len(entries(session_of(), "export")) == 1


def test_no_file_when_the_entry_cannot_be_written(sign_in: SignIn, session_of: SessionOf, agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = granted(session_of)
    browser = sign_in(PRIVACY_CLERK)
    token = browser.token("/")

    def fails(*_arguments: Any, **_more: Any) -> int:
        raise sa.exc.OperationalError("", None, Exception("no room"))

    monkeypatch.setattr(events, "note", fails)
    browser.client.application.testing = False
    try:
        answer = browser.client.post("/agency/export-clear", data={"csrf_token": token})
    finally:
        browser.client.application.testing = True
    assert answer.status_code >= 500
    assert session_of().get(Disclosure, grant).used_at is None, "the consent is still there"


def test_only_a_workbook_carries_values_in_clear(session_of: SessionOf) -> None:
    with pytest.raises(ValueError, match="workbook"):
        export.write(session_of(), Expert, io.BytesIO(), "csv", stamp=export.Stamp("DC1", "内部资料"))


# numbers of files -------------------------------------------------------------------------------


def test_every_file_has_a_number_by_which_it_is_found(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    browser, auditor = sign_in(CLERK), sign_in(AUDIT_ADMIN)
    paths = [
        "/agency/export.xlsx", "/agency/export.csv", "/agency/ledger.xlsx", "/agency/template.xlsx", f"/agency/compare.xlsx?ids={agency.id}&ids={agency.id}",
        "/desk/due.csv?to=9000-01-01",
    ]  # fmt: skip
    seen = set()
    for path in paths:
        answer = browser.get(path)
        if answer.status_code != 200:
            continue
        number = answer.headers["Content-Disposition"].rpartition("_")[2].rpartition(".")[0]
        assert number.startswith("DC"), path
        seen.add(number)
        [entry] = entries(session_of(), "", number=number)
        assert entry.actor == "wang"
        page = auditor.get(f"/audit/?number={number}")
        assert len(BeautifulSoup(page.text, "html.parser").select("tbody tr")) == 1
    assert len(seen) >= 4
    data = browser.get("/agency/export.xlsx").data
    assert {each.name for each in openpyxl.load_workbook(io.BytesIO(data)).custom_doc_props.props} == {"导出编号"}
    assert BeautifulSoup(auditor.get("/audit/?number=DC261128-ZZZZZZ").text, "html.parser").select("tbody tr") == []


def command(app: Flask, *words: str) -> Any:
    """What a command says, run in no context but its own."""
    return contextvars.Context().run(app.test_cli_runner().invoke, args=list(words))


def test_the_commands_number_their_files_too(app: Flask, session_of: SessionOf, agency: Agency, tmp_path: Any) -> None:
    for name in ("a.xlsx", "a.csv", "a.json"):
        result = command(app, "export", "agency", str(tmp_path / name))
        number = result.output.rpartition("DC")[2].rstrip("）\n")
        [entry] = entries(session_of(), "", number=f"DC{number}")
        assert '"clear": true' in entry.image, "the system itself reads in clear"
    assert command(app, "template", "agency", str(tmp_path / "b.xlsx"), "--filled").exit_code == 0
    assert len(entries(session_of(), "export")) == 4
