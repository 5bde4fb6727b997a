"""Another site cannot act for a person (promise T07), nor lead one away (T09); keys whose scopes nobody checks are off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_appbuilder import Model
from sqlalchemy import event

from app.database import db
from tests.conftest import Browser
from tests.people import CLERK, PASSWORD, SECURITY_ADMIN, SYSADMIN, VISITOR, Persona

pytestmark = pytest.mark.one_database
SignIn = Callable[[Persona], Browser]
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
#: what is noted about the reader, or follows from the rows: who was last seen when (and the trace: what was refused)
NOT_DATA = {"account_session"}


def addresses(app: Flask, methods: set[str]) -> list[tuple[str, str]]:
    """Every method and address of the application, with something in each variable part."""
    found = []
    for rule in app.url_map.iter_rules():
        parts: dict[str, Any] = {
            name: {"kind": "xlsx", "name": "x", "version": "v1", "locale": "en", "filename": "icon.svg", "register": "agency"}.get(name, 1)
            for name in rule.arguments
        }
        with app.test_request_context():
            address = rule.build(parts)
        assert address is not None, rule
        found += [(method, address[1]) for method in sorted(rule.methods & methods)]
    return sorted(set(found))


@pytest.fixture
def writes(app: Flask) -> Iterator[list[str]]:
    """Every statement that writes a table of data."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found = re.match(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", statement, re.IGNORECASE)
        if found and found[1] not in NOT_DATA and not found[1].startswith("trace"):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


# T07 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [CLERK, SYSADMIN, SECURITY_ADMIN], ids=lambda person: person.username)
def test_with_the_cookie_alone_nothing_changes(app: Flask, bare_errors: None, sign_in: SignIn, writes: list[str], person: Persona) -> None:
    """Each changing address, as a form and as JSON from another site: refused before anything is written."""
    browser = sign_in(person)
    foreign = {"Origin": "https://evil.example", "Referer": "https://evil.example/page"}
    walked = addresses(app, CHANGING)
    assert len(walked) > 60
    assert {("POST", "/api/v1/agency/"), ("PUT", "/api/v1/agency/1"), ("POST", "/users/add"), ("POST", "/signins/end-others")} <= set(walked)
    writes.clear()
    done = []
    for method, address in walked:
        for body in (
            {"data": {"username": CLERK.username, "password": PASSWORD}},
            {"json": {"username": CLERK.username}},
            {"data": '{"name": "x"}', "content_type": "text/plain"},
        ):
            answer = browser.client.open(address, method=method, headers=foreign, **body)
            if answer.status_code < 400:
                done.append((method, address, answer.status_code))
    assert done == []
    assert writes == []


def test_the_programs_sign_in_gives_no_cookie_and_takes_no_form(app: Flask) -> None:
    """It needs no token, since it acts for nobody: who asks must bring a password, in a body that no form can send."""
    login = {"username": CLERK.username, "password": PASSWORD, "provider": "db"}
    client = app.test_client()
    assert client.post("/api/v1/security/login", data=login).status_code == 400
    answer = client.post("/api/v1/security/login", json=login)
    assert answer.status_code == 200
    with client.session_transaction() as cookie:
        assert "_user_id" not in cookie
    assert client.get("/users/userinfo/").status_code == 302


@pytest.mark.parametrize("person", [CLERK, SYSADMIN, SECURITY_ADMIN, VISITOR], ids=lambda person: person.username)
def test_opening_an_address_changes_nothing(app: Flask, bare_errors: None, sign_in: SignIn, writes: list[str], person: Persona) -> None:
    browser = sign_in(person)
    walked = addresses(app, {"GET"})
    assert len(walked) > 100
    for _method, address in walked:
        writes.clear()
        answer = browser.get(address)
        assert answer.status_code < 500, address
        assert writes == [], address
    assert browser.get("/").status_code == 200


def test_every_api_with_a_cookie_asks_for_the_token(app: Flask) -> None:
    """Flask-AppBuilder exempts its REST views; ours that take a cookie are not among them."""
    from flask_appbuilder.api import BaseApi

    apis = [view for view in app.appbuilder.baseviews if isinstance(view, BaseApi)]  # type: ignore[attr-defined]
    cookie = [view for view in apis if view.allow_browser_login]
    assert cookie
    exempt = app.extensions["csrf"]._exempt_blueprints
    assert not [view for view in cookie if view.blueprint.name in exempt and _changes(app, view)]


def _changes(app: Flask, view: Any) -> bool:
    return any(rule.methods & CHANGING for rule in app.url_map.iter_rules() if rule.endpoint.startswith(f"{view.blueprint.name}."))


# T09 ----------------------------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example/", "http://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https:/evil.example",
    "https:evil.example", "/%09/evil.example", "/\t/evil.example", "\thttps://evil.example", "https://localhost@evil.example/", "https://localhost.evil.example/",
    "javascript:alert(1)", "data:text/html,x", "/lang/en", "http://[::1", "%2F%2Fevil.example", "/..//evil.example",
]  # fmt: skip


def stays(location: str) -> bool:
    """Whether a browser that follows this stays on the site."""
    return bool(re.match(r"/(?![/\\\t])", location)) and "evil" not in location.partition("?")[0].split("/")[0] and not location.startswith("/\\")


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_leads_nowhere_else(sign_in: SignIn, target: str) -> None:
    browser = sign_in(VISITOR)
    data = {"username": CLERK.username, "password": PASSWORD, "csrf_token": browser.token("/login/")}
    answer = browser.client.post("/login/", query_string={"next": target}, data=data)
    assert answer.status_code == 302
    assert stays(answer.headers["Location"]), answer.headers["Location"]
    again = browser.client.get("/login/", query_string={"next": target})
    assert stays(again.headers["Location"]), again.headers["Location"]


@pytest.mark.parametrize("target", ["/agency/list/", "/agency/list/?q=a&f.kind=b", "http://localhost/agency/list/"])
def test_but_to_the_page_that_was_asked_for(sign_in: SignIn, target: str) -> None:
    browser = sign_in(VISITOR)
    data = {"username": CLERK.username, "password": PASSWORD, "csrf_token": browser.token("/login/")}
    assert browser.client.post("/login/", query_string={"next": target}, data=data).headers["Location"] == target.removeprefix("http://localhost")


def test_the_host_header_is_not_believed(app: Flask, sign_in: SignIn) -> None:
    """Whoever can set it could lead somebody who signs in to a page of his own."""
    browser = sign_in(VISITOR)
    data = {"username": CLERK.username, "password": PASSWORD, "csrf_token": browser.token("/login/")}
    evil = {"Host": "evil.example"}
    for target in ("http://evil.example/x", "https://evil.example/x", "//evil.example/x"):
        location = browser.client.get("/login/", query_string={"next": target}, headers=evil)
        assert "evil" not in location.headers.get("Location", "")
    signed_in = app.test_client()
    page = signed_in.get("/login/", headers=evil)
    data["csrf_token"] = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]  # type: ignore[index]
    answer = signed_in.post("/login/", query_string={"next": "http://evil.example/x"}, data=data, headers={**evil, "Referer": "http://evil.example/"})
    assert "evil" not in answer.headers.get("Location", "")
    for path in ("/users/list/", "/agency/add", "/back", "/logout/"):
        answer = browser.client.get(path, headers=evil)
        assert not re.match(r"(https?:)?//", answer.headers.get("Location", "")), path


def test_every_redirect_stays_here(app: Flask, bare_errors: None, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    for _method, address in addresses(app, {"GET"}):
        answer = browser.client.get(address, query_string={"next": "//evil.example"}, headers={"Referer": "https://evil.example/"})
        if 300 <= answer.status_code < 400:
            assert stays(answer.headers["Location"]), (address, answer.headers["Location"])


# keys ---------------------------------------------------------------------------------------------


def test_keys_of_flask_appbuilder_are_off(app: Flask, sign_in: SignIn) -> None:
    """It keeps a scope with each and never asks for it: a key would be its owner's password for everything."""
    assert app.config["FAB_API_KEY_ENABLED"] is False
    assert not [rule.rule for rule in app.url_map.iter_rules() if re.search(r"api.?key", rule.rule, re.IGNORECASE)]
    with app.app_context():
        manager = app.appbuilder.sm  # type: ignore[attr-defined]
        made = manager.create_api_key(manager.find_user(CLERK.username), "a key", scopes="")
    key = made["key"]
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}, {"Authorization": f"ApiKey {key}"}):
        assert app.test_client().get("/api/v1/menu/", headers=headers).status_code in {401, 422}, headers
        assert app.test_client().post("/api/v1/agency/", json={"name": "x"}, headers=headers).status_code in {400, 401, 422}, headers
        assert app.test_client().get("/users/userinfo/", headers=headers).status_code == 302


def test_the_limiter_of_flask_appbuilder_stays_off(app: Flask) -> None:
    """Ours counts in the database, for the form and for programs."""
    assert app.config["AUTH_RATE_LIMITED"] is False


def test_the_walk_looks_at_tables_that_there_are(app: Flask) -> None:
    assert set(Model.metadata.tables) >= NOT_DATA
    with app.app_context():
        assert sa.inspect(db.engine).has_table("account_session")


@pytest.mark.parametrize("path", ["/agency/add", "/lang/en", "/users/userinfo/"])
def test_an_odd_referer_breaks_nothing(sign_in: SignIn, path: str) -> None:
    assert sign_in(CLERK).client.get(path, headers={"Referer": "http://[::1"}).status_code in {200, 302}
