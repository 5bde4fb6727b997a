"""Guessing passwords is stopped (promise T03), and an unknown name looks like a known one (T04)."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.manager import BaseSecurityManager
from werkzeug.middleware.proxy_fix import ProxyFix

from app.clock import now
from app.database import db
from app.signin import guessing, passwords
from app.signin.guessing import FAILURES, LOCKS, MOST, WINDOW
from tests.conftest import Browser
from tests.people import AUDIT_ADMIN, CLERK, OTHER_CLERK, PASSWORD, SECURITY_ADMIN, SYSADMIN, VISITOR, Persona

SignIn = Callable[[Persona], Browser]
Try = Callable[..., Any]


def by_form(client: FlaskClient, name: str, password: str, address: str = "10.0.0.1", **headers: str) -> Any:
    """Sign in as a browser does, from an address."""
    environ = {"REMOTE_ADDR": address}
    page = client.get("/login/", environ_overrides=environ)
    token = BeautifulSoup(page.data, "html.parser").select_one("input[name=csrf_token]")["value"]  # type: ignore[index]
    return client.post("/login/", data={"username": name, "password": password, "csrf_token": token}, environ_overrides=environ, headers=headers)


def by_program(client: FlaskClient, name: str, password: str, address: str = "10.0.0.1", **headers: str) -> Any:
    """Sign in as a program does."""
    return client.post(
        "/api/v1/security/login", json={"username": name, "password": password, "provider": "db"}, environ_overrides={"REMOTE_ADDR": address}, headers=headers
    )


BOTH = pytest.mark.parametrize("enter", [by_form, by_program])


def is_in(answer: Any) -> bool:
    return answer.status_code == 302 or (answer.status_code == 200 and answer.is_json)


@BOTH
def test_five_failures_lock_the_account_for_a_quarter_of_an_hour(app: Flask, enter: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    assert [enter(client, CLERK.username, f"wrong {turn}").status_code for turn in range(5)] == [200 if enter is by_form else 401] * 5
    locked = enter(client, CLERK.username, PASSWORD)
    assert locked.status_code == 429, "the right password does not help"
    assert 14 * 60 < int(locked.headers["Retry-After"]) <= 15 * 60 + 1
    said = locked.json["message"] if locked.is_json else locked.text
    assert "以前不能登录" in said
    assert is_in(enter(app.test_client(), OTHER_CLERK.username, PASSWORD)), "other users are unharmed"
    for minutes, opens in ((14, False), (16, True)):
        later = now() + timedelta(minutes=minutes)
        monkeypatch.setattr("app.signin.guessing.now", lambda later=later: later)
        assert is_in(enter(app.test_client(), CLERK.username, PASSWORD)) is opens


@pytest.mark.parametrize(("first", "then"), [(by_form, by_program), (by_program, by_form)])
def test_form_and_program_count_together(app: Flask, first: Try, then: Try) -> None:
    for turn in range(5):
        (first, then)[turn % 2](app.test_client(), CLERK.username, "wrong")
    assert first(app.test_client(), CLERK.username, PASSWORD).status_code == 429
    assert then(app.test_client(), CLERK.username, PASSWORD).status_code == 429


@BOTH
def test_whoever_gets_in_starts_anew(app: Flask, enter: Try) -> None:
    for _round in range(3):
        for _turn in range(4):
            enter(app.test_client(), CLERK.username, "wrong")
        assert is_in(enter(app.test_client(), CLERK.username, PASSWORD))


def test_the_name_counts_however_it_is_written(app: Flask) -> None:
    """Flask-AppBuilder takes the name in any case, and the mail address."""
    for name in (CLERK.username, CLERK.username.upper(), f"{CLERK.username}@yingshang.invalid", CLERK.username.title(), CLERK.username):
        by_program(app.test_client(), name, "wrong", address="10.0.0.2")
    assert by_program(app.test_client(), CLERK.username, PASSWORD).status_code == 429


@BOTH
def test_no_address_that_one_makes_up_helps(app: Flask, enter: Try) -> None:
    for turn in range(50):
        enter(
            app.test_client(),
            f"somebody {turn}",
            "wrong",
            **{"X-Forwarded-For": f"192.0.2.{turn}", "X-Real-IP": f"192.0.2.{turn}", "Forwarded": f"for=192.0.2.{turn}"},
        )
    locked = enter(app.test_client(), CLERK.username, PASSWORD, **{"X-Forwarded-For": "192.0.2.99"})
    assert locked.status_code == 429
    assert "地址" in (locked.json["message"] if locked.is_json else locked.text)
    assert is_in(enter(app.test_client(), CLERK.username, PASSWORD, address="10.0.0.9")), "elsewhere they get in"


def test_behind_a_proxy_its_word_counts_and_no_other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.factory import create_app

    assert not isinstance(app.wsgi_app, ProxyFix)
    settings = {name: app.config[name] for name in ("DATABASE_URL", "SECRET_KEY", "JOBS_PATH", "FILES_PATH")}
    behind = create_app(settings | {"TRUSTED_PROXIES": 1})
    by_program(behind.test_client(), "nobody", "wrong", address="127.0.0.1", **{"X-Forwarded-For": "192.0.2.66, 10.1.1.1"})
    with app.app_context():
        assert db.session.scalars(sa.select(FAILURES.c.address)).all() == ["10.1.1.1"]
    with behind.app_context():
        db.session.remove()
        db.engine.dispose()


def test_of_an_ipv6_address_the_network_counts() -> None:
    assert guessing.subject_of("A", "2001:db8:1:2:aaaa::1") == guessing.subject_of("a", "2001:db8:1:2:bbbb::2")
    assert guessing.subject_of("a", "10.0.0.1") != guessing.subject_of("a", "10.0.0.2")


def test_many_at_once_get_no_further(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty guesses at the same moment: five passwords are looked at."""
    looked: list[str] = []
    before = BaseSecurityManager.auth_user_db

    def look(self: Any, username: str, password: str) -> Any:
        looked.append(password)
        return before(self, username, password)

    monkeypatch.setattr(BaseSecurityManager, "auth_user_db", look)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda turn: by_program(app.test_client(), CLERK.username, f"wrong {turn}").status_code, range(30)))
    assert len(looked) <= MOST["account"]
    assert sorted(set(answers)) in ([401, 429], [429])
    assert by_program(app.test_client(), CLERK.username, PASSWORD).status_code == 429


def test_old_attempts_are_forgotten(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    by_program(app.test_client(), "one", "wrong")
    later = now() + WINDOW * 2 + timedelta(seconds=1)
    monkeypatch.setattr("app.signin.guessing.now", lambda: later)
    by_program(app.test_client(), "two", "wrong")
    with app.app_context():
        assert db.session.scalars(sa.select(FAILURES.c.account)).all() == ["two"]


# unlocking ----------------------------------------------------------------------------------------


def lock(app: Flask, person: Persona = CLERK) -> int:
    for _turn in range(5):
        by_program(app.test_client(), person.username, "wrong")
    with app.app_context():
        return int(db.session.scalar(sa.select(LOCKS.c.id).where(LOCKS.c.subject == person.username)) or 0)


def test_the_security_administrator_unlocks_and_it_is_noted(app: Flask, sign_in: SignIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="audit")
    number, admin = lock(app), sign_in(SECURITY_ADMIN)
    page = BeautifulSoup(admin.get("/account-security/").data, "html.parser")
    assert CLERK.username in page.select_one("tbody").get_text()  # type: ignore[union-attr]
    assert "1 个账号或地址因密码错误被锁定" in admin.get("/users/list/").text
    assert admin.post(f"/account-security/locks/{number}/lift", token_from="/").status_code == 302
    assert is_in(by_form(app.test_client(), CLERK.username, PASSWORD))
    assert admin.post(f"/account-security/locks/{number}/lift", token_from="/").status_code == 404
    entries = [json.loads(record.getMessage()) for record in caplog.records if record.name == "audit"]
    assert [each["subject"] for each in entries if each["kind"] == "sign_in_failed"] == [CLERK.username] * 5
    assert [(each["subject"], each["details"]) for each in entries if each["kind"] == "locked"] == [(CLERK.username, {"of": "account"})]
    assert [(each["subject"], each["actor"]) for each in entries if each["kind"] == "unlocked"] == [(CLERK.username, SECURITY_ADMIN.username)]
    assert "wrong" not in caplog.text


@pytest.mark.parametrize("person", [CLERK, SYSADMIN, AUDIT_ADMIN, VISITOR], ids=lambda person: person.username)
def test_nobody_else_unlocks(app: Flask, sign_in: SignIn, person: Persona) -> None:
    number, browser = lock(app, OTHER_CLERK), sign_in(person)
    assert browser.post(f"/account-security/locks/{number}/lift", token_from="/").status_code in {302, 403}
    assert by_program(app.test_client(), OTHER_CLERK.username, PASSWORD).status_code == 429


def test_the_command_unlocks_when_the_administrator_is_locked_out(app: Flask) -> None:
    lock(app, SECURITY_ADMIN)
    runner = app.test_cli_runner()
    assert "已解锁" in runner.invoke(args=["account", "unlock", SECURITY_ADMIN.username]).output
    assert "没有锁定" in runner.invoke(args=["account", "unlock", SECURITY_ADMIN.username]).output
    assert runner.invoke(args=["account", "unlock", "nobody"]).exit_code == 1
    assert is_in(by_program(app.test_client(), SECURITY_ADMIN.username, PASSWORD))


# T04: unknown and known names ---------------------------------------------------------------------


def disable(app: Flask, person: Persona) -> None:
    with app.app_context():
        db.session.execute(sa.text("UPDATE ab_user SET active = :no WHERE username = :name"), {"no": False, "name": person.username})
        db.session.commit()


@BOTH
def test_an_unknown_name_gets_the_same_answers(app: Flask, enter: Try) -> None:
    """Known, unknown, disabled: the same words and status at each of eight tries, the lock among them."""
    disable(app, OTHER_CLERK)
    names = (CLERK.username, "nemo", OTHER_CLERK.username)

    def answers(name: str) -> list[tuple[int, str]]:
        found = []
        for _turn in range(8):
            answer = enter(app.test_client(), name, "wrong")
            text = answer.json["message"] if answer.is_json else BeautifulSoup(answer.data, "html.parser").get_text()
            found.append((answer.status_code, text))
        return found

    known, unknown, disabled = (answers(name) for name in names)
    assert [status for status, _text in known] == [200 if enter is by_form else 401] * 5 + [429] * 3
    shorter = lambda each: [(status, text.replace("\n", "")) for status, text in each]  # noqa: E731
    assert shorter(unknown)[:5] == shorter(known)[:5] == shorter(disabled)[:5]
    assert [status for status, _text in unknown] == [status for status, _text in disabled] == [status for status, _text in known]
    for mine, other in zip(known[5:], unknown[5:], strict=True):
        assert abs(len(mine[1]) - len(other[1])) <= 20
        assert "连续多次登录失败" in mine[1]
        assert "连续多次登录失败" in other[1]


def test_a_hash_is_worked_out_whoever_is_named(app: Flask, slow_hashes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the time is done once for each, whatever the name: counted, since a stopwatch lies on a busy machine."""
    worked: list[str] = []
    from flask_appbuilder.security import manager

    before = manager.check_password_hash
    monkeypatch.setattr(manager, "check_password_hash", lambda kept, password: worked.append(kept) or before(kept, password))
    disable(app, OTHER_CLERK)
    for name in (CLERK.username, "nemo", OTHER_CLERK.username):
        worked.clear()
        by_program(app.test_client(), name, "wrong")
        assert len(worked) == 1, name
    methods = {kept.partition("$")[0] for kept in (app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"], passwords.hash_of(PASSWORD))}
    assert len(methods) == 1, f"another method takes another time: {methods}"
    assert "check_password_hash" in inspect.getsource(BaseSecurityManager.auth_user_db)
