"""Sessions that the server ends (promises T05, T06): a copy of the cookie or token is worth nothing afterwards."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Group
from flask_appbuilder.security.sqla.models import Role as RoleRow

from app.accounts import Account
from app.clock import now
from app.database import db
from app.history import search
from app.roles import Role
from app.scopes import SYSTEM, act_as
from app.signin import sessions
from app.signin.sessions import TABLE, Why
from tests.conftest import Browser, Statements
from tests.people import CLERK, OTHER_CLERK, PASSWORD, SECURITY_ADMIN, VISITOR, Persona

SignIn = Callable[[Persona], Browser]
NEW = "Liushui-4172x"


def account_of(app: Flask, person: Persona) -> int:
    with app.app_context():
        return int(db.session.scalar(sa.select(Account.id).where(Account.username == person.username)))


def token_of(app: Flask, person: Persona, *, refresh: bool = False) -> Any:
    login = {"username": person.username, "password": PASSWORD, "provider": "db", "refresh": refresh}
    answer = app.test_client().post("/api/v1/security/login", json=login)
    assert answer.status_code == 200, answer.json
    return answer.json


def with_token(app: Flask, token: str, path: str = "/api/v1/agency/") -> int:
    return int(app.test_client().get(path, headers={"Authorization": f"Bearer {token}"}).status_code)


def inside(client: FlaskClient) -> bool:
    """Whether the browser's cookie opens a page for people with an account."""
    return client.get("/users/userinfo/").status_code == 200


def copy_of(app: Flask, browser: Browser) -> FlaskClient:
    """A thief's browser, with the same cookie."""
    thief = app.test_client()
    thief.set_cookie("session", browser.client.get_cookie("session").value)  # type: ignore[union-attr]
    return thief


# T05: the cookie ----------------------------------------------------------------------------------


def cookies(app: Flask) -> list[str]:
    client = app.test_client()
    browser = Browser(client)
    answer = browser.post("/login/", {"username": CLERK.username, "password": PASSWORD})
    return [value for value in answer.headers.getlist("Set-Cookie") if value.startswith("session=")]


def test_the_cookie_is_for_this_site_and_not_for_scripts(app: Flask) -> None:
    for value in cookies(app):
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(value.split("; "))
        assert "Secure" not in value, "the tests are served without TLS"


def test_under_tls_the_cookie_travels_only_there(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", True)
    assert all("Secure" in value.split("; ") for value in cookies(app))
    from app.factory import _flask_settings

    assert _flask_settings(dict(app.config) | {"HTTPS_ONLY": True})["SESSION_COOKIE_SECURE"] is True


def test_each_sign_in_has_a_new_value_and_nothing_planted_outlives_it(app: Flask) -> None:
    client = app.test_client()
    browser = Browser(client)
    token = browser.token("/login/")
    with client.session_transaction() as planted:
        planted["planted"] = "x"
        before = planted["csrf_token"]
    values = []
    for _turn in range(2):
        browser.client.post("/login/", data={"username": CLERK.username, "password": PASSWORD, "csrf_token": token})
        assert inside(client)
        with client.session_transaction() as kept:
            assert "planted" not in kept
            assert kept.get("csrf_token") != before
            values.append(kept["_user_id"])
        browser.post("/logout/")
        token = browser.token("/login/")
    assert len(set(values)) == 2
    with app.app_context():
        assert not db.session.scalar(sa.select(sa.func.count()).select_from(TABLE).where(TABLE.c.token_hash.in_(values))), "the token itself is not kept"
        assert db.session.scalar(sa.select(sa.func.count()).select_from(TABLE).where(TABLE.c.token_hash.in_([sessions.hashed(each) for each in values]))) == 2


# T06: what ends every session ---------------------------------------------------------------------


def sign_out(app: Flask, browser: Browser, admin: Browser) -> None:
    assert browser.post("/logout/").status_code == 302


def change_own_password(app: Flask, browser: Browser, admin: Browser) -> None:
    answer = browser.post("/resetmypassword/form", {"old": PASSWORD, "password": NEW, "conf_password": NEW})
    assert answer.status_code == 302, BeautifulSoup(answer.data, "html.parser").get_text()


def have_password_reset(app: Flask, browser: Browser, admin: Browser) -> None:
    answer = admin.post(f"/resetpassword/form?pk={account_of(app, CLERK)}", {"password": NEW, "conf_password": NEW})
    assert answer.status_code == 302


def edit_account(app: Flask, admin: Browser, **changes: Any) -> None:
    path = f"/users/edit/{account_of(app, CLERK)}"
    page = BeautifulSoup(admin.get(path).data, "html.parser")
    data: dict[str, Any] = {
        each["name"]: each.get("value", "") for each in page.select("form.ys-form input[name]") if each.get("type") not in {"checkbox", "hidden"}
    }
    data |= {"active": "y", "org_unit": [each["value"] for each in page.select("select[name=org_unit] option[selected]")]}
    data |= {"roles": [each["value"] for each in page.select("select[name=roles] option[selected]")]} | changes
    answer = admin.post(path, {name: value for name, value in data.items() if value is not None})
    assert answer.status_code == 302, BeautifulSoup(answer.data, "html.parser").get_text()


def get_another_role(app: Flask, browser: Browser, admin: Browser) -> None:
    with app.app_context():
        number = db.session.scalar(sa.select(RoleRow.id).where(RoleRow.name == Role.OFFICER.value))
    edit_account(app, admin, roles=[str(number)])


def be_disabled(app: Flask, browser: Browser, admin: Browser) -> None:
    edit_account(app, admin, active=None)


def join_a_group(app: Flask, browser: Browser, admin: Browser) -> None:
    with app.app_context():
        officer = db.session.scalar(sa.select(RoleRow.id).where(RoleRow.name == Role.OFFICER.value))
    assert admin.post("/groups/add", {"name": "watch", "label": "值班", "description": "", "roles": [str(officer)]}).status_code == 302
    with app.app_context():
        number = db.session.scalar(sa.select(Group.id))
    edit_account(app, admin, groups=[str(number)])


def have_the_groups_roles_changed(app: Flask, browser: Browser, admin: Browser) -> None:
    with app.app_context():
        act_as(db.session(), SYSTEM)
        group = db.session.scalar(sa.select(Group))
        group.roles = [db.session.scalar(sa.select(RoleRow).where(RoleRow.name == Role.LEADER.value))]
        db.session.commit()


def be_ended(app: Flask, browser: Browser, admin: Browser) -> None:
    assert admin.post(f"/account-security/{account_of(app, CLERK)}/end", token_from="/").status_code == 302


EVENTS = [sign_out, change_own_password, have_password_reset, get_another_role, be_disabled, join_a_group, be_ended]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_it_ends_every_session_at_once(app: Flask, sign_in: SignIn, event: Any) -> None:
    browser, second, admin, stranger = sign_in(CLERK), sign_in(CLERK), sign_in(SECURITY_ADMIN), sign_in(OTHER_CLERK)
    tokens = token_of(app, CLERK, refresh=True)
    thief = copy_of(app, browser)
    assert inside(thief)
    assert inside(second.client)
    assert with_token(app, tokens["access_token"]) == 200
    event(app, browser, admin)
    assert not inside(thief)
    assert not inside(second.client)
    assert with_token(app, tokens["access_token"]) == 401
    renewed = app.test_client().post("/api/v1/security/refresh", headers={"Authorization": f"Bearer {tokens['refresh_token']}"})
    assert renewed.status_code == 401
    assert inside(stranger.client), "nobody else is touched"
    with app.app_context():
        alive = len(sessions.living(db.session(), account_of(app, CLERK)))
    assert alive == (1 if event is change_own_password else 0)


def test_the_roles_of_a_group_end_the_sessions_of_its_members(app: Flask, sign_in: SignIn) -> None:
    admin = sign_in(SECURITY_ADMIN)
    join_a_group(app, admin, admin)
    browser = sign_in(CLERK)
    assert inside(browser.client)
    have_the_groups_roles_changed(app, browser, admin)
    assert not inside(browser.client)


def test_who_changes_the_own_password_stays_with_a_new_token(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    thief = copy_of(app, browser)
    change_own_password(app, browser, browser)
    assert inside(browser.client)
    assert not inside(thief)
    assert copy_of(app, browser).get("/users/userinfo/").status_code == 200


def test_deleting_an_account_ends_everything(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    token = token_of(app, CLERK)["access_token"]
    with app.app_context():
        act_as(db.session(), SYSTEM)
        db.session.delete(db.session.get(Account, account_of(app, CLERK)))
        db.session.commit()
    assert not inside(browser.client)
    assert with_token(app, token) == 401


# limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "used", "open_"),
    [({"minutes": 29}, False, True), ({"minutes": 31}, False, False), ({"hours": 11}, True, True), ({"hours": 12, "minutes": 1}, True, False)],
)
def test_half_an_hour_without_use_and_twelve_hours_at_most(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, after: dict[str, int], used: bool, open_: bool
) -> None:
    browser, begun = sign_in(CLERK), now()
    token = token_of(app, CLERK)["access_token"]
    with app.app_context():
        sid = db.session.scalar(sa.select(sa.func.max(TABLE.c.id)))
    moment = begun
    end = begun + timedelta(**after)
    monkeypatch.setattr("app.signin.sessions.now", lambda: moment)
    while used and moment + timedelta(minutes=25) < end:
        moment += timedelta(minutes=25)
        assert inside(browser.client)
        with app.app_context():
            db.session.execute(sa.update(TABLE).where(TABLE.c.id == sid).values(seen_at=moment))
            db.session.commit()
    moment = end
    assert inside(browser.client) is open_
    assert (with_token(app, token) == 200) is open_
    if not open_:
        assert "太久没有操作" in BeautifulSoup(browser.get("/login/").data, "html.parser").get_text()


def test_use_is_noted_once_a_minute(app: Flask, sign_in: SignIn, statements: Statements, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)
    writes = lambda: [text for text in statements.texts if text.startswith("UPDATE account_session")]  # noqa: E731
    statements.texts.clear()
    for _turn in range(3):
        browser.get("/users/userinfo/")
    assert not writes()
    later = now() + timedelta(seconds=61)
    monkeypatch.setattr("app.signin.sessions.now", lambda: later)
    for _turn in range(3):
        browser.get("/users/userinfo/")
    assert len(writes()) == 1


@pytest.mark.skipif(os.environ.get("DATABASE_URL", "").startswith("postgresql"), reason="only SQLite has one writer")
def test_a_page_does_not_wait_for_who_writes(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite has one writer: noting the use gives way to an import, and is made up for."""
    browser = sign_in(CLERK)
    later = now() + timedelta(minutes=2)
    monkeypatch.setattr("app.signin.sessions.now", lambda: later)
    with app.app_context():
        with db.engine.connect() as writer:
            writer.exec_driver_sql("BEGIN IMMEDIATE")
            assert inside(browser.client)
            writer.rollback()
        seen = sa.select(TABLE.c.seen_at).order_by(TABLE.c.id.desc()).limit(1)
        before = db.session.scalar(seen)
        db.session.rollback()
        assert inside(browser.client)
        assert db.session.scalar(seen) > before


def test_the_oldest_browser_gives_way(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SESSIONS_PER_ACCOUNT", 2)
    browsers = [sign_in(CLERK) for _turn in range(3)]
    token = token_of(app, CLERK)["access_token"]
    assert [inside(each.client) for each in browsers] == [False, True, True]
    assert with_token(app, token) == 200, "programs are counted for themselves"
    assert "超过了上限" in browsers[0].get("/login/").text
    assert "最多同时在 2 个浏览器登录" in browsers[1].get("/signins/").text


def test_what_is_long_over_is_forgotten(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(CLERK)
    later = now() + timedelta(days=8)
    monkeypatch.setattr("app.signin.sessions.now", lambda: later)
    with app.app_context():
        count = lambda: db.session.scalar(sa.select(sa.func.count()).select_from(TABLE))  # noqa: E731
        assert count() == 1
        app.extensions["jobs"].put("sessions")
        assert count() == 0


def test_a_disabled_account_is_out_whoever_disabled_it(app: Flask, sign_in: SignIn) -> None:
    """Another program may write the shared database."""
    browser = sign_in(CLERK)
    with app.app_context():
        db.session.execute(sa.text("UPDATE ab_user SET active = :no WHERE username = :name"), {"no": False, "name": CLERK.username})
        db.session.commit()
    assert not inside(browser.client)


def test_a_forged_token_opens_nothing(app: Flask, sign_in: SignIn) -> None:
    from flask_jwt_extended import create_access_token

    sign_in(CLERK)
    number = account_of(app, CLERK)
    with app.app_context():
        plain = create_access_token(str(number), fresh=True)
        odd = create_access_token(str(number), additional_claims={"sid": "1 OR 1=1"})
    assert with_token(app, plain) == 401, "a token of before the sessions"
    assert with_token(app, odd) == 401
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = str(number)
    assert not inside(client)


# the page -----------------------------------------------------------------------------------------


def test_i_see_where_i_am_signed_in_and_end_it(app: Flask, sign_in: SignIn) -> None:
    browser, second, third, stranger = sign_in(CLERK), sign_in(CLERK), sign_in(CLERK), sign_in(OTHER_CLERK)
    with app.app_context():
        foreign = sessions.living(db.session(), account_of(app, OTHER_CLERK))[0].id
    page = BeautifulSoup(browser.get("/signins/").data, "html.parser")
    assert len(page.select("tbody tr")) == 3
    assert "就是这里" in page.get_text()
    ends = [form["action"] for form in page.select("tbody form")]
    assert len(ends) == 2
    assert browser.post(f"/signins/{foreign}/end", token_from="/").status_code == 404
    assert inside(stranger.client)
    assert browser.post(str(ends[-1]), token_from="/").status_code == 302
    assert sorted(inside(each.client) for each in (second, third)) == [False, True]
    assert browser.post("/signins/end-others", token_from="/").status_code == 302
    assert [inside(each.client) for each in (browser, second, third)] == [True, False, False]


def test_the_account_menu_leads_there(sign_in: SignIn) -> None:
    assert BeautifulSoup(sign_in(CLERK).get("/").data, "html.parser").select_one(".dropdown-menu a[href='/signins/']")


def test_only_the_security_administrator_sees_those_of_others(app: Flask, sign_in: SignIn) -> None:
    sign_in(CLERK)
    number = account_of(app, CLERK)
    for person in (CLERK, Persona("wei", (Role.SYSADMIN,)), Persona("shen", (Role.AUDIT_ADMIN,))):
        browser = sign_in(person)
        assert browser.get(f"/account-security/{number}").status_code == 403
        assert browser.post(f"/account-security/{number}/end", token_from="/").status_code == 403
    assert "127.0.0.1" in sign_in(SECURITY_ADMIN).get(f"/account-security/{number}").text
    assert sign_in(VISITOR).get(f"/account-security/{number}").status_code == 302


def test_what_ended_a_session_is_said(app: Flask, sign_in: SignIn) -> None:
    browser, admin = sign_in(CLERK), sign_in(SECURITY_ADMIN)
    have_password_reset(app, browser, admin)
    assert "密码已修改" in browser.get("/users/userinfo/", follow_redirects=True).text
    assert "密码已修改" not in browser.get("/login/").text, "once"
    assert set(sessions.WHY) == set(Why) - {Why.SIGNED_OUT}


def test_the_trace_holds_it_and_no_secret(app: Flask, sign_in: SignIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="audit")
    browser, admin = sign_in(CLERK), sign_in(SECURITY_ADMIN)
    browser.get("/users/list/")
    get_another_role(app, browser, admin)
    have_password_reset(app, browser, admin)
    sign_out(app, admin, admin)
    entries = [json.loads(record.getMessage()) for record in caplog.records if record.name == "audit"]
    kinds = [(each["kind"], each["subject"], each["actor"]) for each in entries]
    clerk, security = CLERK.username, SECURITY_ADMIN.username
    assert ("sign_in", clerk, clerk) in kinds
    assert ("refused", "GET /users/list/", clerk) in kinds
    assert ("roles_changed", clerk, security) in kinds
    assert ("password_changed", clerk, security) in kinds
    assert ("session_ended", clerk, security) in kinds
    assert ("sign_out", security, security) in kinds
    assert next(each for each in entries if each["kind"] == "roles_changed") | {"from": ""} == {
        "kind": "roles_changed", "subject": clerk, "actor": security, "from": "", "details": {"before": ["clerk"], "after": ["officer"]},
    }  # fmt: skip
    assert all(secret not in caplog.text for secret in (PASSWORD, NEW, "scrypt"))
    with app.app_context():
        kept = [
            (each.kind, json.loads(each.image)["subject"], each.actor) for each in search.find(db.session.connection(), search.Wanted(), 300) if not each.values
        ]
    assert set(kinds) <= set(kept)


def test_a_sign_in_that_a_new_password_overtakes_opens_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old password was right a moment ago; its session must not begin after the new one has ended them all."""
    from app.security import SecurityManager

    before = SecurityManager.auth_user_db

    def overtaken(self: Any, username: str, password: str) -> Any:
        account = before(self, username, password)
        with db.engine.begin() as other:
            other.execute(sa.text("UPDATE ab_user SET password = 'changed' WHERE username = :name"), {"name": CLERK.username})
        return account

    monkeypatch.setattr(SecurityManager, "auth_user_db", overtaken)
    browser = Browser(app.test_client())
    assert browser.post("/login/", {"username": CLERK.username, "password": PASSWORD}).status_code == 200
    assert not inside(browser.client)
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(TABLE)) == 0


@pytest.mark.parametrize("odd", ["\ud800", "wang\x00", "\x00", "x" * 5000, "wa\udfffng"])
def test_odd_names_and_passwords_are_wrong_ones(app: Flask, odd: str) -> None:
    for name, password in ((odd, PASSWORD + "x"), (CLERK.username, odd), (odd, odd)):
        answer = app.test_client().post("/api/v1/security/login", json={"username": name, "password": password, "provider": "db"})
        assert answer.status_code == 401, (name, password)
        answer = Browser(app.test_client()).post(
            "/login/", {"username": name.encode("utf-8", "surrogatepass"), "password": password.encode("utf-8", "surrogatepass")}
        )
        assert answer.status_code in {200, 429}
