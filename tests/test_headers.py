"""What every answer tells the browser, over all our addresses: pages, JSON, files, errors, static files."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.attachments import Attachment
from tests.conftest import Browser
from tests.people import CLERK, SECURITY_ADMIN, VISITOR, Persona
from tests.test_pages import agency as agency  # noqa: PLC0414 - a fixture
from tests.test_pages import kept, send_file

pytestmark = pytest.mark.one_database
SignIn = Callable[[Persona], Browser]
ALWAYS = ("Permissions-Policy", "Referrer-Policy", "X-Request-ID", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy")


def holds(answer: Any, where: object, *, framed: bool = False) -> None:
    headers = answer.headers
    policy = headers["Content-Security-Policy"]
    for rule in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'self'" if framed else "frame-ancestors 'none'"):
        assert rule in policy, (where, policy)
    scripts = re.search(r"script-src ([^;]*)", policy)
    assert scripts is None or re.fullmatch(r"'nonce-[\w-]{20,}'", scripts[1]), (where, policy)
    assert scripts is not None or "default-src 'none'" in policy, (where, policy)
    assert headers["X-Content-Type-Options"] == "nosniff", where
    for name in ALWAYS:
        assert headers.get(name), (where, name)
    if "/static/" not in str(where):
        assert "no-store" in headers["Cache-Control"], where


def addresses(app: Flask) -> list[str]:
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and "static" not in rule.endpoint:
            path = re.sub(r"<[^>]*kind>", "qualifications", rule.rule)
            found.append(re.sub(r"<[^>]+>", "1", path))
    return sorted(set(found))


@pytest.mark.parametrize("person", [CLERK, SECURITY_ADMIN, VISITOR], ids=lambda person: person.username or "visitor")
def test_every_address_answers_with_all_headers(app: Flask, agency: Any, sign_in: SignIn, person: Persona) -> None:
    browser, kinds = sign_in(person), set()
    paths = addresses(app)
    assert len(paths) > 150
    for path in paths:
        answer = browser.get(path)
        holds(answer, path)
        kinds.add(answer.mimetype)
    assert {"text/html", "application/json"} <= kinds


def test_files_and_errors_and_static_files_too(app: Flask, agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    send_file(browser, agency, "证书.pdf", b"%PDF-1.7 test")
    number = kept(app, sa.select(Attachment.id))
    file = browser.get(f"/agency/{agency.id}/files/{number}")
    holds(file, "file", framed=True)
    assert file.headers["Content-Disposition"].startswith("attachment")
    holds(browser.get(f"/agency/{agency.id}/files/{number}?inline=1"), "inline", framed=True)
    for path in ("/nothing", "/api/v1/nothing", "/agency/list/?page=x", "/agency/void/1", "/agency/export.xlsx", "/agency/export.csv", "/agency/template.xlsx"):
        holds(browser.get(path), path)
    holds(browser.client.post("/agency/add"), "a post without its token")
    holds(browser.client.put("/agency/add"), "405")
    holds(browser.client.open("/", method="OPTIONS"), "options")
    for path in ("/static/css/frame.css", "/static/nothing.css", "/static/icon.svg"):
        holds(browser.get(path), path)


def test_only_our_static_files_may_be_kept(sign_in: SignIn) -> None:
    page = sign_in(CLERK).get("/").get_data(as_text=True)
    address = re.search(r'href="(/static/css/[^"]+\?v=[0-9a-f]+)"', page)
    assert address is not None
    assert "immutable" in sign_in(CLERK).get(address[1]).headers["Cache-Control"]


def test_under_tls_browsers_are_told_to_stay_there(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Strict-Transport-Security" not in app.test_client().get("/login/").headers
    monkeypatch.setitem(app.config, "HTTPS_ONLY", True)
    for path in ("/login/", "/static/css/bare.css", "/nothing", "/healthz", "/api/v1/agency/"):
        answer = app.test_client().get(path)
        assert int(re.search(r"max-age=(\d+)", answer.headers["Strict-Transport-Security"])[1]) >= 31_536_000  # type: ignore[index]


def test_every_page_has_a_nonce_of_its_own(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/login/").headers["Content-Security-Policy"] != client.get("/login/").headers["Content-Security-Policy"]
