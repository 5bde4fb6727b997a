"""The second step: a code of the telephone, taken once; recovery codes; the security administrator's way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from app.accounts import Account
from app.database import db
from app.signin import sealed, two_step
from tests.conftest import Browser
from tests.people import CLERK, OTHER_CLERK, PASSWORD, SECURITY_ADMIN, VISITOR, Persona
from tests.test_sessions import inside

SignIn = Callable[[Persona], Browser]
START = datetime(2026, 3, 15, 8, 0, tzinfo=UTC)


class Telephone:
    """A telephone that knows the secret, and a clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = START
        self.secret = ""
        monkeypatch.setattr("app.signin.two_step.now", lambda: self.at)

    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(int(self.at.timestamp()))

    def wait(self, seconds: int = 30) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def telephone(monkeypatch: pytest.MonkeyPatch) -> Telephone:
    return Telephone(monkeypatch)


def turn_on(browser: Browser, telephone: Telephone, password: str = PASSWORD, code: str = "") -> BeautifulSoup:
    page = BeautifulSoup(browser.get("/signins/two-step").data, "html.parser")
    telephone.secret = page.select_one("code").get_text()  # type: ignore[union-attr]
    data = {"secret": page.select_one("input[name=secret]")["value"], "code": code or telephone.code(), "password": password}  # type: ignore[index]
    return BeautifulSoup(browser.post("/signins/two-step", data).data, "html.parser")


def first_step(app: Flask, person: Persona = CLERK) -> Browser:
    browser = Browser(app.test_client())
    answer = browser.post("/login/?next=/agency/list/", {"username": person.username, "password": PASSWORD}, token_from="/login/")
    assert answer.headers["Location"] == "/login/code?next=/agency/list/", answer.headers.get("Location")
    return browser


def second_step(browser: Browser, code: str) -> Any:
    return browser.post("/login/code?next=/agency/list/", {"code": code})


def login(app: Flask, **more: Any) -> Any:
    return app.test_client().post("/api/v1/security/login", json={"username": CLERK.username, "password": PASSWORD, "provider": "db", **more})


def test_it_is_asked_on_the_form(app: Flask, sign_in: SignIn, telephone: Telephone) -> None:
    turn_on(sign_in(CLERK), telephone)
    telephone.wait()
    browser = first_step(app)
    assert not inside(browser.client), "the password alone opens nothing"
    wrong = second_step(browser, "000000" if telephone.code() != "000000" else "111111")
    assert "验证码不对" in wrong.text
    done = second_step(browser, telephone.code())
    assert done.headers["Location"] == "/agency/list/"
    assert inside(browser.client)
    assert sign_in(OTHER_CLERK).get("/").status_code == 200, "only who wants it"


def test_a_code_is_taken_once(app: Flask, sign_in: SignIn, telephone: Telephone) -> None:
    turn_on(sign_in(CLERK), telephone)
    assert "验证码不对" in second_step(first_step(app), telephone.code()).text, "the one that switched it on"
    telephone.wait()
    code = telephone.code()
    assert second_step(first_step(app), code).status_code == 302
    assert second_step(first_step(app), code).status_code == 200
    telephone.wait(90)
    assert second_step(first_step(app), code).status_code == 200, "it is over"


def test_guessing_codes_is_guessing(app: Flask, sign_in: SignIn, telephone: Telephone) -> None:
    turn_on(sign_in(CLERK), telephone)
    telephone.wait()
    browser = first_step(app)
    answers = [second_step(browser, f"{turn:06}").status_code for turn in range(6)]
    assert 429 in answers[:5]
    assert second_step(browser, telephone.code()).status_code == 429
    again = Browser(app.test_client())
    assert again.post("/login/", {"username": CLERK.username, "password": PASSWORD}).status_code == 429


def test_the_right_password_does_not_buy_more_guesses(app: Flask, sign_in: SignIn, telephone: Telephone) -> None:
    turn_on(sign_in(CLERK), telephone)
    tried = 0
    for turn in range(10):
        browser = Browser(app.test_client())
        if browser.post("/login/", {"username": CLERK.username, "password": PASSWORD}).status_code == 429:
            break
        tried += second_step(browser, f"{turn:06}").status_code == 200
    assert tried < 5


def test_recovery_codes_are_shown_once_kept_as_hashes_and_taken_once(app: Flask, sign_in: SignIn, telephone: Telephone) -> None:
    browser = sign_in(CLERK)
    codes = [each.get_text() for each in turn_on(browser, telephone).select(".ys-codes code")]
    assert len(codes) == len(set(codes)) == 10
    assert all(re.fullmatch(r"[a-z2-9]{5}(-[a-z2-9]{5}){2}", each) for each in codes)
    with app.app_context():
        row = db.session.execute(sa.select(two_step.TABLE)).one()
        assert not any(each in row.codes or each.replace("-", "") in row.codes for each in codes)
        assert telephone.secret not in row.secret
    assert not any(each in browser.get("/signins/").text for each in codes)
    assert second_step(first_step(app), codes[3].replace("-", " ").upper()).status_code == 302
    assert second_step(first_step(app), codes[3]).status_code == 200
    assert "还剩 9 个恢复码" in browser.get("/signins/").text


@pytest.mark.parametrize(("password", "code", "said"), [("wrong", "", "现在的密码不对"), (PASSWORD, "000001", "验证码不对")])
def test_it_needs_the_password_and_a_code(app: Flask, sign_in: SignIn, telephone: Telephone, password: str, code: str, said: str) -> None:
    browser = sign_in(CLERK)
    assert said in turn_on(browser, telephone, password, code).get_text()
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(two_step.TABLE)) == 0
    assert sign_in(CLERK).get("/").status_code == 200


def test_the_secret_of_the_page_is_nobody_elses(app: Flask, sign_in: SignIn, telephone: Telephone) -> None:
    page = BeautifulSoup(sign_in(OTHER_CLERK).get("/signins/two-step").data, "html.parser")
    telephone.secret = page.select_one("code").get_text()  # type: ignore[union-attr]
    data = {"secret": page.select_one("input[name=secret]")["value"], "code": telephone.code(), "password": PASSWORD}  # type: ignore[index]
    answer = sign_in(CLERK).post("/signins/two-step", data)
    assert answer.status_code == 400
    assert "放得太久" in answer.text


def test_programs_bring_the_code(app: Flask, sign_in: SignIn, telephone: Telephone) -> None:
    turn_on(sign_in(CLERK), telephone)
    telephone.wait()
    refused = login(app)
    assert refused.status_code == 401
    assert "两步验证" in refused.json["message"]
    assert login(app, code="000001").status_code == 401
    assert login(app, code=telephone.code()).status_code == 200


def test_it_is_switched_off_with_the_password(app: Flask, sign_in: SignIn, telephone: Telephone) -> None:
    browser = sign_in(CLERK)
    turn_on(browser, telephone)
    browser.post("/signins/two-step/off", {"password": "wrong"}, token_from="/signins/")
    assert "已开启" in browser.get("/signins/").text
    browser.post("/signins/two-step/off", {"password": PASSWORD}, token_from="/signins/")
    assert "没有开启" in browser.get("/signins/").text
    assert sign_in(CLERK).get("/").status_code == 200


def test_the_security_administrator_switches_it_off(app: Flask, sign_in: SignIn, telephone: Telephone) -> None:
    turn_on(sign_in(CLERK), telephone)
    with app.app_context():
        number = db.session.scalar(sa.select(Account.id).where(Account.username == CLERK.username))
    assert sign_in(OTHER_CLERK).post(f"/account-security/{number}/two-step/off", token_from="/").status_code == 403
    admin = sign_in(SECURITY_ADMIN)
    assert "已开启" in admin.get(f"/account-security/{number}").text
    assert admin.post(f"/account-security/{number}/two-step/off", token_from="/").status_code == 302
    assert sign_in(CLERK).get("/").status_code == 200


def test_the_second_step_belongs_to_the_password(app: Flask, sign_in: SignIn, telephone: Telephone) -> None:
    """Half a sign-in is worth nothing once the password is another."""
    turn_on(sign_in(CLERK), telephone)
    telephone.wait()
    browser = first_step(app)
    with app.app_context():
        db.session.execute(sa.text("UPDATE ab_user SET password = 'x' WHERE username = :name"), {"name": CLERK.username})
        db.session.commit()
    token = {"csrf_token": browser.token("/login/"), "code": telephone.code()}
    assert browser.client.post("/login/code", data=token).headers["Location"].startswith("/login/?next=")
    assert not inside(browser.client)
    assert sign_in(VISITOR).get("/login/code").status_code == 302


def test_another_key_reads_nothing(app: Flask, sign_in: SignIn, telephone: Telephone, monkeypatch: pytest.MonkeyPatch) -> None:
    turn_on(sign_in(CLERK), telephone)
    telephone.wait()
    with app.app_context():
        number = db.session.scalar(sa.select(Account.id).where(Account.username == CLERK.username))
        kept = db.session.scalar(sa.select(two_step.TABLE.c.secret))
        assert sealed.unseal(kept, two_step.PURPOSE) == telephone.secret
        with pytest.raises(sealed.Unreadable):
            sealed.unseal(kept, "another purpose")
        monkeypatch.setitem(app.config, "SECRET_KEY", "another key, which is as long as it must be")
        assert not two_step.accepts(db.session(), number, telephone.code())
