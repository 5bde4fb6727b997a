"""The log: a number for each request, one line an event, and nothing about persons, whatever goes wrong."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from app import logs
from app.access import HEADER
from app.database import db
from app.scopes import SYSTEM, act_as
from imports import bulk
from models.agency import Agency
from models.expert import Expert
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import CLERK, EXPERT_ADMIN, OWN, Persona
from tests.test_matrix import office_id
from tests.test_pages import agency as agency  # noqa: PLC0414 - a fixture
from tests.test_pages import send_file
from tests.test_uploads import bring

SignIn = Callable[[Persona], Browser]
ID_NO, MOBILE, CARD, MAIL = samples.resident_id(777), "13912340077", "6222020200112233445", "zhangsan77@example.com"
SECRETS = (ID_NO, MOBILE, CARD, MAIL)


@pytest.fixture(params=["text", "json"])
def written(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """All that was logged since the last time, through the handler that is used in earnest."""
    logs.configure(request.param)
    capsys.readouterr()
    yield lambda: capsys.readouterr().err
    logs.configure("text")


@pytest.fixture
def faults(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Puts something that fails in the place of the page of help, and lets it fail as in earnest."""
    monkeypatch.setitem(app.config, "TESTING", False)

    def fail_with(act: Callable[[], Any]) -> None:
        monkeypatch.setitem(app.view_functions, "HelpView.index", act)

    return fail_with


def clean(text: str, where: object) -> None:
    for secret in SECRETS:
        assert secret not in text, (where, secret, text[-3000:])


def path_of_help(app: Flask) -> str:
    return next(rule.rule for rule in app.url_map.iter_rules() if rule.endpoint == "HelpView.index")


# numbers of requests --------------------------------------------------------------------------------


def test_every_answer_has_a_number_and_its_line_names_it(app: Flask, agency: Any, sign_in: SignIn, written: Callable[[], str]) -> None:
    browser = sign_in(CLERK)
    for path in ("/", "/nothing", "/api/v1/agency/", "/api/v1/nothing", f"/agency/show/{agency.id}", "/static/css/bare.css", "/agency/list/?page=x"):
        written()
        answer = browser.get(path)
        number = answer.headers[HEADER]
        assert re.fullmatch(r"\d{4}-\d{4}-\d{4}", number)
        assert number in written(), path


def test_an_error_page_tells_the_number(sign_in: SignIn, app: Flask, faults: Any) -> None:
    browser = sign_in(CLERK)
    answer = browser.get("/nothing")
    assert answer.headers[HEADER] in BeautifulSoup(answer.data, "html.parser").select_one(".ys-error").get_text()
    faults(lambda: 1 / 0)
    answer = browser.get(path_of_help(app))
    assert answer.status_code == 500
    assert answer.headers[HEADER] in answer.get_data(as_text=True)


def test_only_a_known_proxy_gives_numbers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {HEADER: "proxy-number-1"}
    assert app.test_client().get("/login/", headers=given).headers[HEADER] != "proxy-number-1"
    monkeypatch.setattr(app.wsgi_app, "_proxies", 1)
    assert app.test_client().get("/login/", headers=given).headers[HEADER] == "proxy-number-1"
    assert app.test_client().get("/login/", headers={HEADER: "a b\tc<script>"}).headers[HEADER] != "a b\tc<script>"


def test_a_line_for_programs_is_one_object_with_a_zoned_time(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    try:
        logging.getLogger("app.x").info("第一行\n第二行", extra={"facts": {"status": 200}})
        try:
            raise ValueError(f"错 {ID_NO}")
        except ValueError:
            logging.getLogger("other").exception("failed")
    finally:
        logs.configure("text")
    first, second = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (first["level"], first["message"], first["status"], first["time"][-6:]) == ("INFO", "第一行\n第二行", 200, "+08:00")
    assert "ValueError" in second["trace"]
    assert ID_NO not in second["trace"]


# nothing about persons ------------------------------------------------------------------------------


def _row() -> dict[str, Any]:
    return {"name": f"某人{MOBILE}\n[SQL: x]\nDETAIL: {ID_NO}", "id_no": ID_NO, "mobile": MOBILE, "bank_card": CARD, "email": MAIL}


def _insert_twice(field: str) -> None:
    """Rows that break one rule of the table: a key twice, or nothing where something must stand."""
    row = {key: value for key, value in _row().items() if key in Expert.__table__.c}
    act_as(db.session(), SYSTEM)
    connection = db.session().connection()
    if field == "null":
        connection.execute(sa.insert(Expert.__table__).values(**{**row, "row_version": None}))
    elif field == "copy":
        bulk.insert(connection, Expert.__table__, [*row, "row_version"], [[*row.values(), None]])
    else:
        connection.execute(sa.text("CREATE TEMPORARY TABLE twice (id_no VARCHAR(30) UNIQUE, mobile VARCHAR(90))"))
        for _again in range(2):
            connection.execute(sa.text("INSERT INTO twice VALUES (:id_no, :mobile)"), {"id_no": ID_NO, "mobile": MOBILE})


def _cast() -> None:
    db.session().execute(sa.text("SELECT CAST(:x AS INTEGER) FROM no_such_table"), {"x": ID_NO})


def _bad_number() -> None:
    db.session().execute(sa.text("SELECT CAST(CAST(:x AS VARCHAR(40)) AS INTEGER) + nothing(:x)"), {"x": MOBILE})


def _chained() -> None:
    try:
        raise KeyError(MOBILE)
    except KeyError as error:
        raise ValueError(f"no {ID_NO} at https://host/search?q={MAIL} and {CARD}, +86{MOBILE}") from error


@pytest.mark.parametrize(
    "act", [lambda: _insert_twice("null"), lambda: _insert_twice("copy"), lambda: _insert_twice("key"), _cast, _bad_number, _chained],
    ids=["null", "copy", "key", "cast", "function", "chained"],
)  # fmt: skip
def test_what_fails_is_logged_without_the_values(app: Flask, sign_in: SignIn, written: Callable[[], str], faults: Any, act: Callable[[], Any]) -> None:
    browser = sign_in(CLERK)
    faults(act)
    written()
    answer = browser.get(f"{path_of_help(app)}?q={ID_NO}&mobile={MOBILE}")
    assert answer.status_code >= 400
    told = written()
    assert answer.headers[HEADER] in told
    assert len(told.splitlines()) >= 2, "the fault and the request"
    clean(told, "log")
    clean(answer.get_data(as_text=True), "page")


def test_searches_filters_and_sign_ins_leave_no_trace(app: Flask, agency: Any, sign_in: SignIn, written: Callable[[], str]) -> None:
    browser = sign_in(CLERK)
    for value in SECRETS:
        for path in (
            f"/search?q={value}", f"/search/?q={value}", f"/agency/list/?q={value}", f"/agency/list/?f.mobile={value}", f"/agency/list/?sort={value}",
            f"/agency/lookup?q={value}", f"/api/v1/agency/?q={value}", f"/api/v1/agency/?mobile={value}", f"/agency/export.csv?q={value}", f"/nothing/{value}",
            f"/agency/show/{value}", f"/users/list/?_flt_0_username={value}", f"/api/v1/agency/{value}",
        ):  # fmt: skip
            browser.get(path)
        Browser(app.test_client()).post("/login/", {"username": value, "password": value})
        browser.post("/agency/add", {"name": value, "uscc": value, "mobile": value, "contact": value})
    told = written()
    assert told.count("/agency/list/") >= 8
    clean(told, "log")


def test_a_file_with_a_number_in_its_name_leaves_none(agency: Any, sign_in: SignIn, written: Callable[[], str]) -> None:
    browser = sign_in(CLERK)
    for name, data in ((f"{ID_NO}.pdf", b"%PDF-1.7"), (f"{MOBILE}.html", b"<script>"), (f"{MOBILE}.xlsx", b"PK\x03\x04broken")):
        send_file(browser, agency, name, data)
    clean(written(), "log")


@pytest.mark.parametrize("why", ["null", "copy", "chained"])
def test_a_failing_import_leaves_none(app: Flask, session_of: SessionOf, sign_in: SignIn, written: Callable[[], str], monkeypatch: Any, why: str) -> None:
    session = session_of()
    samples.make(session, Agency, 5, office_id(session, OWN))
    browser = sign_in(EXPERT_ADMIN)
    sheet = f"姓名,身份证号,手机号,性别\n张三,{ID_NO},{MOBILE},男\n".encode("utf-8-sig")
    path = bring(browser, f"{ID_NO}.csv", sheet, "expert").headers.get("Location")
    assert path, "the preview of the file"
    page = BeautifulSoup(browser.get(path).data, "html.parser")
    act = _chained if why == "chained" else lambda: _insert_twice(why)
    monkeypatch.setattr("imports.commit.Writer.run", lambda _writer: act())
    answer = browser.post(path, {"digest": page.find("input", {"name": "digest"})["value"], "bad_rows": "skip"})
    assert answer.status_code == 302, answer.get_data(as_text=True)[:300]
    shown = BeautifulSoup(browser.get(path).data, "html.parser").main.get_text()
    assert "没有写入任何" in shown
    clean(written(), "log")


def test_what_is_public_stays_readable() -> None:
    code = samples.credit_code(12)
    assert logs.scrub(f"agency {code} 0314-7512345 batch 20261128 {io.DEFAULT_BUFFER_SIZE}") == f"agency {code} 0314-7512345 batch 20261128 8192"
    assert logs.scrub(f"号{ID_NO}，手机{MOBILE}。") == f"号{ID_NO[:3]}****{ID_NO[-1]}，手机{MOBILE[:3]}****{MOBILE[-4:]}。"
