"""No input ends in a 5xx: thousands of cases out of our own OpenAPI, and hostile values through every list and form.

The same cases each time, so that what fails here fails again.
"""

from __future__ import annotations

import os
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask, render_template_string
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from app import registry
from app.language import _l
from app.register import fields
from models.agency import Agency
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import OWN, PRIVACY_CLERK, VISITOR, Persona
from tests.test_api import Caller
from tests.test_matrix import office_id
from tests.test_pages import send_file
from tests.test_uploads import bring

SignIn = Callable[[Persona], Browser]
#: of each database; they get different ones, 5,000 in all
CASES = 2_500
#: side by side, where there are workers for it
PARTS = 4
#: cases of one operation and one way of making them up; operations without arguments have fewer
EACH = {PRIVACY_CLERK: 14, VISITOR: 4}
SEED = 1 if os.environ.get("DATABASE_URL", "").startswith("postgresql") else 2
#: the first is whole HTML, in every place where text is shown
EVIL = "\"'><ys-evil onload=x>"
NAME = EVIL.removeprefix('"')
HOSTILE = (
    EVIL, "'", "\"", "' OR 1=1 --", "1;DROP TABLE agency", "%' UNION SELECT 1 --", "\\", "\x00", "\n\r\t", "9" * 40, "-1", "0", "1e309", "NaN", "null", "[]", "{}", "(((",
    "!n", "𠮷" * 60, "\u202e\u200b", "%", "_", "*", "a" * 5000, "2026-02-30", "0000-00-00", "99999-12-31", "{{7*7}}", "../../etc/passwd", "true", "()", "(q:", "'\\''",
)  # fmt: skip
INTERNALS = ("Traceback", "sqlite3.", "psycopg", "sqlalchemy", "syntax error")


def _operations(app: Flask) -> list[Any]:
    spec = Caller(app, PRIVACY_CLERK).get("/api/v1/_openapi").json
    schema = schemathesis.openapi.from_dict(spec)
    schema.app = app
    return [result.ok() for result in schema.get_all_operations()]


def _send(caller: Caller, case: Any) -> Any:
    sent = case.as_transport_kwargs()
    headers = {name: value for name, value in dict(sent.pop("headers", {})).items() if name.lower() != "authorization"} | caller.headers
    return caller.client.open(**sent, headers=headers)


class Fuzz:
    """Sends cases and notes how they end."""

    def __init__(self, app: Flask) -> None:
        self.callers = {person: Caller(app, person) for person in EACH}
        self.told = Counter[int]()
        self.faults: list[tuple[str, ...]] = []

    def run(self, operation: Any, person: Persona, mode: GenerationMode, **given_values: Any) -> None:
        """Make up cases of an operation and send them as a person."""

        @seed(SEED)
        @settings(max_examples=EACH[person], database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode, **given_values))
        def ask(case: Any) -> None:
            self.send(person, operation.label, case)

        with suppress(Unsatisfiable):  # nothing can be wrong where nothing is asked for
            ask()

    def send(self, person: Persona, label: str, case: Any) -> None:
        try:
            status, why = _send(self.callers[person], case).status_code, ""
        except Exception as error:  # noqa: BLE001 - every kind of fault counts
            status, why = 500, repr(error)[:300]
        self.told[status] += 1
        if status >= 500:
            self.faults.append((label, person.username, why or str(status), case.as_curl_command()[:600]))


@pytest.mark.parametrize("part", range(PARTS))
def test_thousands_of_requests_out_of_our_description_end_in_no_fault(app: Flask, session_of: SessionOf, part: int) -> None:
    session = session_of()
    for entry in registry.entries():
        if not session.scalar(sa.select(entry.register.id).limit(1)):
            samples.make(session, entry.register, 3, office_id(session, OWN))
    session.commit()
    fuzz = Fuzz(app)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for operation in _operations(app)[part::PARTS]:
            names = {each.name for each in operation.path_parameters}
            # a record that is there; voided, it would refuse everything that follows
            known = {"path_parameters": dict.fromkeys(names, 1)} if "pk" in names and operation.method != "delete" else {}
            for mode in GenerationMode:
                fuzz.run(operation, PRIVACY_CLERK, mode, **known)
                fuzz.run(operation, VISITOR, mode)
    assert fuzz.faults == []
    assert fuzz.told.total() >= CASES / PARTS, fuzz.told
    assert fuzz.told[200] + fuzz.told[201] > 10, "some of them get through"


# lists --------------------------------------------------------------------------------------------


def _arguments(key: str) -> Iterator[str]:
    yield from ("q", "sort", "page", "size", "after", "before", "ids", "voided", "view", "columns", "back", "all", "last", EVIL)
    for name in fields(registry.need(key)):
        yield from (f"f.{name.key}", f"f.{name.key}.from", f"f.{name.key}.to", f"f.{name.key}.{EVIL}")


def sound(answer: Any, where: object) -> None:
    """No fault, nothing of the inside, and no tag of theirs in a page of ours."""
    text = answer.get_data(as_text=True)
    assert answer.status_code < 500, (where, answer.status_code)
    assert "<ys-evil" not in text or answer.mimetype not in {"text/html", "image/svg+xml"}, where
    assert answer.status_code < 400 or not any(word in text for word in INTERNALS), where


@pytest.mark.parametrize("key", [entry.register.__key__ for entry in registry.entries()])
def test_hostile_arguments_of_a_list_end_in_words(app: Flask, session_of: SessionOf, sign_in: SignIn, key: str) -> None:
    """Each argument meets the tag and one more value, each time another one; the other pages meet all values."""
    session = session_of()
    samples.make(session, Agency, 3, office_id(session, OWN))
    session.commit()
    browser, place = sign_in(PRIVACY_CLERK), zlib.crc32(key.encode())
    for name in _arguments(key):
        for step in range(2):
            place += 1
            value = HOSTILE[0] if step == 0 else HOSTILE[place % len(HOSTILE)]
            sound(browser.get(f"/{key}/list/", query_string={name: value}), (key, name, value))
    for number, value in enumerate(HOSTILE):
        for path in (f"/{key}/lookup", f"/{key}/filters", f"/{key}/export.csv", f"/{key}/words/name", "/search", "/search.json", "/due", "/changes"):
            sound(browser.get(path, query_string={("q", "sort", "f.name", "page")[number % 4]: value}), (path, value))
        if number % 4 == 0:
            sound(browser.post(f"/{key}/views", {"name": value, "query": f"q={value}", "back": value, "shared": value}, token_from="/"), ("view", value))
            sound(browser.post(f"/{key}/columns", {"columns": value, "back": value}, token_from="/"), ("columns", value))
            sound(browser.post(f"/{key}/bulk", {"ids": value, "all": value, "back": value, "mode": value}, token_from="/"), ("bulk", value))
    sound(browser.get(f"/{key}/list/"), key)


def test_a_sentence_with_what_somebody_typed_is_text(app: Flask) -> None:
    with app.test_request_context():
        assert "<ys-evil" not in render_template_string("{{ said }}", said=_l("没有“%(name)s”这个筛选条件", name=EVIL))


# stored text --------------------------------------------------------------------------------------


def test_hostile_text_that_is_stored_is_shown_as_text(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    row = samples.make(session, Agency, 3, office_id(session, OWN))
    for declared in fields(Agency):
        if declared.format.name in {"text", "long_text", "person_name"}:
            setattr(row, declared.key, EVIL)
    session.commit()
    browser = sign_in(PRIVACY_CLERK)
    send_file(browser, row, f"{NAME}.txt", "内容".encode())
    send_file(browser, row, f"{NAME}.html", b"<script>")
    browser.post("/agency/views", {"name": EVIL, "query": "q=x"}, token_from="/")
    shown = 0
    for path in (f"/agency/show/{row.id}", f"/agency/edit/{row.id}", "/agency/list/", "/", "/search?q=ys-evil", "/due", "/changes", "/agency/ledger", "/plots"):
        answer = browser.get(path)
        sound(answer, path)
        shown += answer.get_data(as_text=True).count("&lt;ys-evil")
    assert shown > 5, "it is shown, as text"


def test_hostile_workbooks_are_shown_as_text(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(PRIVACY_CLERK)
    quoted = EVIL.replace('"', '""')
    sheets = (
        f'机构名称,"{quoted}",统一社会信用代码\n"{quoted}",x,"{quoted}"\n',
        f'"{quoted}","{quoted}"\n1,2\n',
        f'机构名称,统一社会信用代码,机构类别\n甲,{samples.credit_code(5)},"{quoted}"\n',
    )
    seen = 0
    for sheet in sheets:
        answer = bring(browser, f"{NAME}.csv", sheet.encode("utf-8-sig"))
        sound(answer, "upload")
        if answer.status_code == 302:
            page = browser.get(answer.headers["Location"])
            sound(page, "preview")
            seen += page.get_data(as_text=True).count("&lt;ys-evil")
            digest = BeautifulSoup(page.data, "html.parser").find("input", {"name": "digest"})
            sound(browser.post(answer.headers["Location"], {"digest": digest["value"] if digest else "", "bad_rows": "skip"}, token_from="/"), "confirm")
            sound(browser.get(answer.headers["Location"]), "result")
            sound(browser.get("/agency/import"), "recent")
        else:
            seen += answer.get_data(as_text=True).count("&lt;ys-evil")
    assert seen >= 2
