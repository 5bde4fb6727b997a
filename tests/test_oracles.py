"""What is masked cannot be found out by trying: no list, picker, message or preview answers the right guess otherwise than a wrong one."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.fields import Field
from app.formats import resident_id_check
from app.lookup import DatabaseLookup
from app.records import draft
from app.register import children, field_map, fields
from app.scopes import scope_of
from imports import export, plan
from imports.display import Display
from imports.run import run
from models import Agency, Expert
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import EVERYBODY, EXPERT_ADMIN, OTHER, OWN, PRIVACY_CLERK, SECTION_HEAD, Persona

SignIn = Callable[[Persona], Browser]
SECRETS = {entry.register.__key__: entry.register for entry in registry.entries() if any(each.sensitive for each in fields(entry.register))}
BELOW = [(kind, each) for entry in registry.entries() for kind in children(entry.register) for each in fields(kind) if each.sensitive]
MONTHS = [(year, month) for year in range(1930, 2030) for month in range(1, 13)]


def office(session: Session, name: str = OWN) -> int:
    cls: Any = registry.need("org_unit")
    found = session.scalar(sa.select(cls.id).where(cls.name == name))
    assert found
    return int(found)


# lists and pickers ------------------------------------------------------------------------------


def guesses(declared: Field, kept: Any) -> tuple[str, str]:
    """What is kept, as one would type it, and something else of the same kind."""
    if isinstance(kept, date):
        return kept.isoformat(), date(1951, 7, 9).isoformat()
    others = {"resident_id": samples.resident_id(4), "mobile": "13999998888", "bank_card": "6222020200112299990", "email": "q@example.org"}
    return str(kept), others.get(declared.format.name, "别的内容")


def questions(key: str, name: str, value: str, *, every: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """The ways in which a list can be asked about a field: every one, or the plainest of each road."""
    asked = [{f"f.{name}": value}, {"q": value}]
    more = [{f"f.{name}.like": value[:-1]}, {f"f.{name}.from": value, f"f.{name}.to": value}, {f"f.{name}.over": value}, {f"f.{name}.empty": "0"}]
    for arguments in asked + (more if every else []):
        yield f"/{key}/list/", arguments
    for arguments in asked if every else []:
        for tail in ("export.csv", "ledger", "filters", "bulk", "columns"):
            yield f"/{key}/{tail}", arguments | ({"all": "1"} if tail == "bulk" else {})
    for path in (f"/{key}/lookup", "/search", "/search.json"):
        yield path, {"q": value}
    for operator in ("eq", "ct", "in", "ge", "le", "gt", "lt", "empty") if every else ("eq",):
        condition = {"col": name, "opr": operator, "value": [value] if operator == "in" else value}
        yield f"/api/v1/{key}/", {"q": json.dumps({"filters": [condition]}, ensure_ascii=False)}
    yield f"/api/v1/{key}/", {"search": value}


def orders(key: str, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every way in which a list can be put in the order of a field."""
    for sign in ("", "-"):
        for tail in ("list/", "export.csv", "ledger"):
            yield f"/{key}/{tail}", {"sort": sign + name}
    for direction in ("asc", "desc"):
        yield f"/api/v1/{key}/", {"q": json.dumps({"order_column": name, "order_direction": direction})}


def told(answer: Any, value: str) -> tuple[int, str]:
    """What an answer says, without the question that it repeats."""
    text = answer.get_data(as_text=True) if not answer.is_json else json.dumps(answer.json, ensure_ascii=False)
    text = text if answer.mimetype != "text/html" else re.sub(r"<(script|style).*?</\1>|<[^>]*>", "", text, flags=re.DOTALL)
    for said in (value, value[:-1], quote(value), quote_plus(value)):
        text = text.replace(said, "¤")
    return answer.status_code, re.sub(r"\d{4}-\d{4}-\d{4}", "", " ".join(text.split()))


def asked_afresh(client: Any, path: str, arguments: dict[str, str]) -> Any:
    """The answer, without what earlier answers left to be said on the next page."""
    with client.session_transaction() as kept_in_cookie:
        kept_in_cookie.pop("_flashes", None)
    return client.get(path, query_string=arguments, buffered=True)


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: person.username or "visitor")
def test_no_list_answers_by_what_is_hidden(session_of: SessionOf, sign_in: SignIn, person: Persona, key: str) -> None:
    session, cls = session_of(), SECRETS[key]
    rows = [samples.make(session, cls, number, office(session), published=True) for number in (31, 32)]
    client = sign_in(person).client
    if client.get(f"/{key}/list/").status_code != 200:
        assert client.get(f"/api/v1/{key}/").status_code in {401, 403}
        return
    for declared in (each for each in fields(cls) if each.sensitive):
        held = getattr(rows[0], declared.attr)
        if held is None:
            continue
        right, wrong = guesses(declared, held)
        every = person is PRIVACY_CLERK
        pairs = zip(questions(key, declared.key, right, every=every), questions(key, declared.key, wrong, every=every), strict=True)
        for one, other in pairs:
            answers = [told(asked_afresh(client, path, arguments), value) for (path, arguments), value in ((one, right), (other, wrong))]
            assert answers[0] == answers[1], (declared.key, one)
        for path, arguments in orders(key, declared.key):
            assert client.get(path, query_string=arguments, buffered=True).status_code in {302, 400, 403}, (declared.key, path, arguments)


def test_no_childs_secret_can_be_asked_for(session_of: SessionOf, sign_in: SignIn) -> None:
    assert BELOW, "there is one at least"
    client = sign_in(PRIVACY_CLERK).client
    for kind, declared in BELOW:
        key = kind.__parent__.__key__
        for name in (declared.key, f"{kind.__key__}.{declared.key}"):
            assert client.get(f"/{key}/list/", query_string={f"f.{name}": "x"}).status_code == 400
            assert client.get(f"/{key}/words/{name}").status_code in {400, 404}


# rules ------------------------------------------------------------------------------------------


@pytest.fixture
def expert(session_of: SessionOf) -> Expert:
    """Born on 15 March 1971, as the number says."""
    session = session_of()
    row = samples.make(session, Expert, 1, office(session))
    assert row.birth_date == date(1971, 3, 15)
    row.appointed_on, row.term_end, row.expert_no = None, None, "ZJ9001"
    session.commit()
    return row  # type: ignore[no-any-return]


def kept(session_of: SessionOf, expert: Expert) -> Any:
    """The expert as the database has him."""
    session = session_of()
    row = session.get(Expert, expert.id)
    session.close()
    return row


def test_every_month_of_a_century_gets_the_same_answer(session_of: SessionOf, expert: Expert) -> None:
    session = session_of(EXPERT_ADMIN)
    row = session.get(Expert, expert.id)
    lookup = DatabaseLookup(session)
    answers = set()
    for year, month in MONTHS:
        for written in (f"{year}-{month:02d}-01", f"{year}年{month}月"):
            result = draft(session, Expert, {"birth_date": written}, lookup, row=row)
            alone = field_map(Expert)["birth_date"].format.read(written, lookup)
            doubts = [str(each) for found in result.doubts.values() for each in found] == [str(each.message) for each in alone.doubts]
            answers.add((bool(result.errors), doubts, result.values["birth_date"]))
    assert answers == {(False, True, date(1971, 3, 15))}


def test_every_day_of_appointment_gets_the_same_answer(session_of: SessionOf, expert: Expert) -> None:
    session = session_of(EXPERT_ADMIN)
    row = session.get(Expert, expert.id)
    lookup = DatabaseLookup(session)
    for year, month in MONTHS:
        assert draft(session, Expert, {"appointed_on": f"{year}-{month:02d}-01"}, lookup, row=row).errors == {}, (year, month)
        # nor does a birth date that gave way speak of the day beside it
        both = draft(session, Expert, {"birth_date": f"{year}-{month:02d}-01", "appointed_on": "1950-01-01"}, lookup, row=row)
        assert both.errors == {}, (year, month)


def test_what_one_writes_oneself_is_still_checked(session_of: SessionOf, expert: Expert) -> None:
    session = session_of(EXPERT_ADMIN)
    row, lookup = session.get(Expert, expert.id), DatabaseLookup(session_of(EXPERT_ADMIN))
    number = samples.resident_id(5)  # born in 1975
    assert "birth_date" in draft(session, Expert, {"name": "新人", "id_no": number, "birth_date": "1976-03-15"}, lookup).errors
    assert "birth_date" in draft(session, Expert, {"id_no": number, "birth_date": "1976-03-15"}, lookup, row=row).errors
    assert "appointed_on" in draft(session, Expert, {"id_no": number, "birth_date": "1975-03-15", "appointed_on": "1970-01-01"}, lookup, row=row).errors
    moved = draft(session, Expert, {"id_no": number}, lookup, row=row)
    assert (moved.errors, moved.values["birth_date"]) == ({}, date(1975, 3, 15)), "what follows moves along, seen or not"
    system = session_of()
    assert "birth_date" in draft(system, Expert, {"birth_date": "1976-03-15"}, DatabaseLookup(system), row=system.get(Expert, expert.id)).errors


YEARS = (1950, 1970, 1971, 1972, 1990)


def test_the_form_and_its_check_say_nothing(session_of: SessionOf, sign_in: SignIn, expert: Expert) -> None:
    browser = sign_in(EXPERT_ADMIN)
    token = browser.token("/")
    checked, saved = set(), set()
    for year in YEARS:
        for month in (2, 3, 4):
            data = {"csrf_token": token, "birth_date": f"{year}-{month:02d}-15", "row_version": "1"}
            checked.add(browser.client.post(f"/expert/{expert.id}/check", data=data).get_data(as_text=True))
            version = kept(session_of, expert).row_version
            answer = browser.client.post(f"/expert/edit/{expert.id}", data=data | {"row_version": str(version)})
            saved.add((answer.status_code, kept(session_of, expert).row_version - version))
    assert len(checked) == 1
    assert saved == {(302, 0)}
    assert kept(session_of, expert).birth_date == date(1971, 3, 15)


def test_rest_says_nothing(sign_in: SignIn, expert: Expert) -> None:
    browser = sign_in(EXPERT_ADMIN)
    headers = {"X-CSRFToken": browser.token("/")}
    path = f"/api/v1/expert/{expert.id}"
    answers = set()
    for year in YEARS:
        for month in (2, 3, 4):
            answer = browser.client.put(path, json={"birth_date": f"{year}-{month:02d}-15"}, headers=headers)
            answers.add((answer.status_code, answer.get_data(as_text=True)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 200


def test_a_cell_and_a_change_of_many_say_nothing(session_of: SessionOf, sign_in: SignIn, expert: Expert) -> None:
    browser = sign_in(EXPERT_ADMIN)
    token = browser.token("/")
    cells, previews = set(), set()
    for year in YEARS:
        day = f"{year}-03-20"
        version = kept(session_of, expert).row_version
        cell = browser.client.post(f"/expert/{expert.id}/cell/appointed_on", data={"csrf_token": token, "appointed_on": day, "row_version": str(version)})
        cells.add(cell.status_code)
        form = {"csrf_token": token, "fields": "appointed_on", "appointed_on": f"{year}-04-20"}
        preview = browser.client.get(browser.client.post(f"/expert/bulk?ids={expert.id}", data=form).headers["Location"]).get_data(as_text=True)
        previews.add(("不能修改" in preview, "早于" in preview, re.findall(r'aria-current="page"[^>]*>([^<]*)', preview)[-1:] == []))
    assert cells == {200}
    assert len(previews) == 1
    assert browser.client.get(f"/expert/{expert.id}/cell/birth_date").status_code == 403, "what is masked is not changed in its cell"


def sheet(*rows: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def test_an_import_says_nothing(session_of: SessionOf, expert: Expert) -> None:
    session = session_of(EXPERT_ADMIN)
    answers = set()
    for year in YEARS:
        for month in range(1, 13):
            for written in (f"{year}-{month:02d}-15", f"{year}年{month}月"):
                data = sheet(["姓名", "专家编号", "出生年月"], [expert.name, "ZJ9001", written])
                found = plan.make(session, Expert, data, "猜.csv")
                report = found.to_json()
                shown = json.dumps([report["counts"], report["wrong"], report["doubtful"], _shown(session, found)], ensure_ascii=False, default=str)
                answers.add(shown)
    assert len(answers) == 1
    assert '"same": 1' in answers.pop()
    for year in YEARS:
        found = plan.make(session, Expert, sheet(["姓名", "专家编号", "聘任日期"], [expert.name, "ZJ9001", f"{year}-03-20"]), "猜.csv")
        assert found.wrong == [], year


def _shown(session: Session, found: plan.Plan) -> list[dict[str, Any]]:
    """The records of a plan as the page shows them."""
    show = Display(scope_of(session), DatabaseLookup(session))
    return [show.record(record) for record in found.records]


def test_guesses_by_preview_come_to_an_end(sign_in: SignIn, expert: Expert, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview says whether a whole number is the one that stands there; so there are not many of them in a day."""
    monkeypatch.setattr("views.import_checks.MOST_PREVIEWS", 3)
    keeper = sign_in(EXPERT_ADMIN)
    statuses = []
    for guess in range(5):
        data = sheet(["姓名", "专家编号", "联系电话"], [expert.name, "ZJ9001", f"1380000{guess:04d}"])
        answer = keeper.post("/expert/import", {"file": (io.BytesIO(data), "猜.csv"), "mode": "upsert"}, token_from="/expert/import")
        statuses.append(answer.status_code)
    assert statuses == [302, 302, 302, 429, 429]
    assert "预览没有导入" in answer.get_data(as_text=True)


def test_a_masked_file_comes_back_unchanged_whatever_the_rules(session_of: SessionOf, expert: Expert) -> None:
    session = session_of(EXPERT_ADMIN)
    out = io.BytesIO()
    export.to_xlsx(session, Expert, out)
    assert b"1971-03-15" not in out.getvalue()
    _result, report = run(session, Expert, out.getvalue(), "回.xlsx")
    assert (report["counts"]["same"], report["counts"]["written"], report["wrong"], report["doubtful"]) == (1, 0, [], [])
    assert kept(session_of, expert).birth_date == date(1971, 3, 15)


# messages ---------------------------------------------------------------------------------------


def test_two_rows_for_one_record_name_no_hidden_field(session_of: SessionOf, expert: Expert) -> None:
    """The message names a field in which the file and the record differ: never one that is hidden, or it would tell which guess is wrong."""
    session = session_of(EXPERT_ADMIN)
    said = set()
    for phone in (expert.phone or "", "13999998888"):
        rows = sheet(["姓名", "身份证号", "专家编号", "联系电话"], [expert.name, expert.id_no or "", "", ""], [expert.name, "", "ZJ9001", phone])
        found = plan.make(session, Expert, rows, "猜.csv")
        said.add(tuple(str(issue.message) for issue in found.wrong))
    assert len(said) == 1


def test_who_may_not_write_a_field_is_refused_even_when_he_guesses_right(session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    row = samples.make(session, Agency, 41, office(session))
    browser = sign_in(SECTION_HEAD)
    headers = {"X-CSRFToken": browser.token("/")}
    said = {
        browser.client.put(f"/api/v1/agency/{row.id}", json={"mobile": guess}, headers=headers).get_data(as_text=True) for guess in (row.mobile, "13999998888")
    }
    assert len(said) == 1
    masked = browser.client.put(f"/api/v1/agency/{row.id}", json={"mobile": field_map(Agency)["mobile"].format.mask(row.mobile)}, headers=headers)
    assert masked.status_code == 200, "what was shown may be sent back"


def test_a_form_that_is_out_of_date_does_not_compare_for_the_sender(session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    row = samples.make(session, Agency, 42, office(session))
    browser = sign_in(PRIVACY_CLERK)
    token = browser.token("/")
    said = set()
    for guess in (row.mobile, "13999998888"):
        answer = browser.client.post(f"/agency/edit/{row.id}", data={"csrf_token": token, "row_version": "0", "mobile": guess, "mobile.was": "x"})
        assert answer.status_code == 409
        said.add(told(answer, guess))
    assert len(said) == 1


def test_an_id_number_out_of_reach_tells_no_more_than_that_it_is_there(session_of: SessionOf) -> None:
    """Who types the whole number has it; of the record he learns neither whose it is nor where."""
    session = session_of()
    number = samples.resident_id(6)
    row = Expert(name="不可见", id_no=number, org_unit_id=office(session, OTHER))
    session.add(row)
    session.commit()
    keeper = session_of(EXPERT_ADMIN)
    result = draft(keeper, Expert, {"name": "甲", "id_no": number}, DatabaseLookup(keeper))
    assert ["身份证号" in str(each) and "不可见" not in str(each) for each in result.errors["id_no"]] == [True]
    body = number[:17]
    wrong = body[:6] + "19500101" + body[14:]
    assert "id_no" not in draft(keeper, Expert, {"name": "甲", "id_no": wrong + resident_id_check(wrong)}, DatabaseLookup(keeper)).errors
