"""Passwords (promise T41): twelve things that hold, and the profile that adds to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from app.accounts import Account
from app.clock import now
from app.database import db
from app.install import add_account
from app.roles import Role
from app.scopes import SYSTEM, act_as
from app.signin import passwords
from tests.conftest import Browser
from tests.people import CLERK, OTHER_CLERK, PASSWORD, SECURITY_ADMIN, VISITOR, Persona
from tests.test_guessing import by_program

SignIn = Callable[[Persona], Browser]
FIRST = "Huangyan-7431"
GOOD = "Liushui-4172x"
FORM = "/resetmypassword/form"


@pytest.fixture(params=["mlps", "asvs"])
def profile(app: Flask, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(app.config, "SECURITY_PROFILE", request.param)
    return str(request.param)


@pytest.fixture
def asvs(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SECURITY_PROFILE", "asvs")


@pytest.fixture
def newcomer(app: Flask) -> Persona:
    """Somebody to whom an administrator has just given an account."""
    with app.app_context():
        act_as(db.session(), SYSTEM)
        add_account("xin", [Role.CLERK], "基础股", name="新同事", password=FIRST)
    return Persona("xin", (Role.CLERK,), "基础股", name="新同事")


def enter(app: Flask, name: str, password: str) -> Browser:
    browser = Browser(app.test_client())
    assert browser.post("/login/", {"username": name, "password": password}).status_code == 302, "not let in"
    return browser


def may_enter(app: Flask, name: str, password: str) -> bool:
    return bool(Browser(app.test_client()).post("/login/", {"username": name, "password": password}).status_code == 302)


def change(browser: Browser, old: str, new: str, again: str | None = None) -> list[str]:
    """Change one's own password; what the page says against it."""
    answer = browser.post(FORM, {"old": old, "password": new, "conf_password": new if again is None else again})
    if answer.status_code == 302:
        return []
    assert answer.status_code == 200
    page = BeautifulSoup(answer.data, "html.parser")
    return [each.get_text(strip=True) for each in page.select(".ys-why, .invalid-feedback, .ys-error-text")] or [page.get_text(" ", strip=True)]


def faults(app: Flask, password: str, username: str = "wang") -> str:
    with app.test_request_context():
        return " ".join(str(each) for each in passwords.faults(password, username))


# 1-3: length, no truncation, any character --------------------------------------------------------


def test_the_shortest(app: Flask, profile: str) -> None:
    shortest = {"mlps": 8, "asvs": 12}[profile]
    assert "太短" in faults(app, "Qz7-vkpwmrtx"[: shortest - 1])
    assert not faults(app, "Qz7-vkpwmrtx"[:shortest])


def test_every_character_counts(app: Flask, profile: str, sign_in: SignIn) -> None:
    """Nothing is cut off, stripped or changed: of two hundred characters the last one matters, and blanks at the ends."""
    long = " Qz7-" + "长城" * 97 + "y "
    assert len(long) == 201
    assert "太长" in faults(app, long)
    long = long[:5] + long[6:]
    assert change(sign_in(CLERK), PASSWORD, long) == []
    assert not may_enter(app, CLERK.username, long[:-1])
    assert not may_enter(app, CLERK.username, long[:72])
    assert not may_enter(app, CLERK.username, long.strip())
    assert not may_enter(app, CLERK.username, long.swapcase())
    assert may_enter(app, CLERK.username, long)
    assert by_program(app.test_client(), CLERK.username, long).status_code == 200


def test_sixty_four_characters_of_any_kind_will_do(app: Flask, asvs: None) -> None:
    assert not faults(app, "三十六计走为上策今天天气不错我们去爬山吧明天")
    assert not faults(app, "correct horse battery staple " * 3)


# 4-6: common ones, our own words, the name --------------------------------------------------------


def test_the_list_of_common_ones_is_long_and_says_where_it_is_from() -> None:
    assert len(passwords.common()) >= 3000
    assert len([each for each in passwords.common() if len(each) >= 8]) >= 3000
    licence = (passwords.COMMON.parent / "LICENSE.django").read_text(encoding="utf-8")
    assert "Django Software Foundation" in licence
    assert "Redistribution and use" in licence


@pytest.mark.parametrize(
    "password",
    ["password", "Password1!", "PASSWORD123", "1qaz2wsx", "Qwerty-123", "Admin@2026", "iloveyou", "woaini1314", "Aa123456", "aaaaaaaaB1", "121212121212"],
)
def test_common_ones_are_refused_in_any_case_and_with_a_tail(app: Flask, profile: str, password: str) -> None:
    assert "太常见" in faults(app, password)


@pytest.mark.parametrize("password", ["Weichang-2026", "Yingshang@1", "Weichang-Yingji-1", "Wang-2026", "wang-wang-wang"])
def test_neither_the_name_nor_our_own_words(app: Flask, profile: str, password: str) -> None:
    assert "单位名" in faults(app, password)


def test_a_word_of_ours_in_a_long_sentence_will_do(app: Flask, profile: str) -> None:
    assert not faults(app, "Weichang-Songlin-7421")


# 7-8: the old one asked, the first one changed ----------------------------------------------------


def test_the_old_one_is_asked(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    assert "现在的密码不对。" in change(browser, "not it", GOOD)
    assert any("请填写现在的密码" in each for each in change(browser, "", GOOD))
    assert any("两次写的密码不一样" in each for each in change(browser, PASSWORD, GOOD, "other"))
    assert not may_enter(app, CLERK.username, GOOD)
    assert change(browser, PASSWORD, GOOD) == []
    assert may_enter(app, CLERK.username, GOOD)
    assert not may_enter(app, CLERK.username, PASSWORD)


def test_guessing_the_old_one_is_guessing(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    for _turn in range(5):
        change(browser, "not it", GOOD)
    assert any("以前不能登录" in each for each in change(browser, PASSWORD, GOOD))
    assert not may_enter(app, CLERK.username, GOOD)


def test_the_first_password_is_changed_before_anything_else(app: Flask, newcomer: Persona) -> None:
    browser = enter(app, newcomer.username, FIRST)
    for path in ("/", "/agency/list/", "/users/userinfo/", "/signins/", "/help/", "/search", "/search.json?q=x", "/agency/export.xlsx"):
        assert browser.get(path).headers["Location"] == FORM, path
    assert browser.post("/agency/add", {"name": "x"}, token_from=FORM).headers["Location"] == FORM
    assert browser.get("/api/v1/agency/").status_code == 403
    assert browser.get("/api/v1/menu/").status_code == 403
    assert browser.get("/lang/zh_Hans").status_code == 302
    page = BeautifulSoup(browser.get(FORM).data, "html.parser")
    assert "不是您自己定的" in page.get_text()
    assert not page.select_one("#sidebar, aside")
    assert "用过了" in " ".join(change(browser, FIRST, FIRST))
    assert change(browser, FIRST, GOOD) == []
    assert browser.get("/agency/list/").status_code == 200


def test_a_program_does_nothing_before_that_either(app: Flask, newcomer: Persona) -> None:
    refused = by_program(app.test_client(), newcomer.username, FIRST)
    assert refused.status_code == 403
    assert "先修改" in refused.json["message"]
    token = by_program(app.test_client(), CLERK.username, PASSWORD).json["access_token"]
    with app.app_context():  # its password grows too old while the token is used
        db.session.execute(sa.text("UPDATE ab_user SET password_changed_at = NULL WHERE username = :name"), {"name": CLERK.username})
        db.session.commit()
    answer = app.test_client().get("/api/v1/agency/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert "先修改" in answer.json["message"]


def test_a_password_from_the_administrator_is_a_first_password(app: Flask, sign_in: SignIn) -> None:
    number = _number(app, CLERK)
    admin = sign_in(SECURITY_ADMIN)
    path = f"/resetpassword/form?pk={number}"
    assert "太常见" in BeautifulSoup(admin.post(path, {"password": "Password1!", "conf_password": "Password1!"}).data, "html.parser").get_text()
    assert "单位名" in BeautifulSoup(admin.post(path, {"password": "Wang-2026", "conf_password": "Wang-2026"}).data, "html.parser").get_text()
    assert admin.post(path, {"password": GOOD, "conf_password": GOOD}).status_code == 302
    assert enter(app, CLERK.username, GOOD).get("/").headers["Location"] == FORM


def test_nobody_gives_himself_a_password_that_way(app: Flask, sign_in: SignIn) -> None:
    admin = sign_in(SECURITY_ADMIN)
    path = f"/resetpassword/form?pk={_number(app, SECURITY_ADMIN)}"
    assert admin.get(path).status_code == 403
    assert admin.post(path, {"password": GOOD, "conf_password": GOOD}, token_from="/").status_code == 403
    assert may_enter(app, SECURITY_ADMIN.username, PASSWORD)


def test_accounts_of_the_commands_begin_that_way(app: Flask) -> None:
    runner = app.test_cli_runner()
    said = runner.invoke(args=["account", "add", "neu", "--role", "clerk", "--org-unit", "基础股"]).output.split()
    assert len(said[1]) >= 12
    assert enter(app, "neu", said[1]).get("/").headers["Location"] == FORM
    again = runner.invoke(args=["account", "password", CLERK.username]).output.split()
    assert not may_enter(app, CLERK.username, PASSWORD)
    assert enter(app, CLERK.username, again[1]).get("/").headers["Location"] == FORM


# 9-12: what MLPS adds, ASVS forbids ---------------------------------------------------------------


def test_three_kinds_of_characters_or_any(app: Flask, profile: str) -> None:
    simple = "hongyi wuqiang"
    assert ("太简单" in faults(app, simple)) is (profile == "mlps")
    assert not faults(app, simple.title())


def test_after_ninety_days_a_new_one(app: Flask, profile: str) -> None:
    with app.app_context():
        for days, person in ((89, CLERK), (91, OTHER_CLERK)):
            account = db.session.scalar(sa.select(Account).where(Account.username == person.username))
            account.password_changed_at = now() - timedelta(days=days)
        db.session.commit()
    assert enter(app, CLERK.username, PASSWORD).get("/agency/list/").status_code == 200
    browser = enter(app, OTHER_CLERK.username, PASSWORD)
    old = browser.get("/agency/list/")
    assert (old.headers.get("Location") == FORM) is (profile == "mlps")
    if profile == "mlps":
        assert "用了 90 天" in browser.get(FORM).text
        assert change(browser, PASSWORD, GOOD) == []
        assert browser.get("/agency/list/").status_code == 200


def test_the_last_five_do_not_come_back(app: Flask, profile: str, sign_in: SignIn) -> None:
    had = [PASSWORD, *(f"Liushui-4172{letter}" for letter in "abcdef")]
    browser = sign_in(CLERK)
    for before, after in pairwise(had):
        assert change(browser, before, after) == []
    present = had[-1]
    refused = [word for word in had if any("用过了" in each for each in _tried(browser, present, word))]
    assert refused == (had[-5:] if profile == "mlps" else [present])
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(passwords.TABLE)) == 5


def _tried(browser: Browser, old: str, new: str) -> list[str]:
    """What is said against it, tried with a slip in the second field so that nothing changes."""
    return change(browser, old, new, "slip")


def test_the_pages_say_the_rules_in_chinese(app: Flask, profile: str, sign_in: SignIn) -> None:
    admin = sign_in(SECURITY_ADMIN)
    for browser, path in ((sign_in(CLERK), FORM), (admin, f"/resetpassword/form?pk={_number(app, CLERK)}"), (admin, "/users/add")):
        text = BeautifulSoup(browser.get(path).data, "html.parser").get_text()
        assert "password" not in text.lower(), path
    text = sign_in(CLERK).get(FORM).text
    assert f"至少 {8 if profile == 'mlps' else 12} 个字符" in text
    fields = BeautifulSoup(text, "html.parser").select("input[type=password]")
    assert [each["autocomplete"] for each in fields] == ["current-password", "new-password", "new-password"]
    assert not any(each.has_attr("maxlength") or each.has_attr("onpaste") for each in fields)
    assert not BeautifulSoup(sign_in(VISITOR).get("/login/").text, "html.parser").select_one("#password").has_attr("maxlength")  # type: ignore[union-attr]


def test_hashes_are_slow_and_salted(app: Flask, slow_hashes: None) -> None:
    with app.app_context():
        for name in ("one", "two"):
            add_account(name, [Role.CLERK], password=PASSWORD)
        kept = db.session.scalars(sa.text("SELECT password FROM ab_user WHERE username IN ('one', 'two')")).all()
    assert all(each.startswith("scrypt:32768:8:1$") for each in kept), "what OWASP asks for: 32 MB for each guess"
    assert len(set(kept)) == 2, "the same password, another salt"


def _number(app: Flask, person: Persona) -> int:
    with app.app_context():
        return int(db.session.scalar(sa.select(Account.id).where(Account.username == person.username)))


def test_the_setting_names_its_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    import config

    def read(value: str) -> Any:
        return config.read({"SECURITY_PROFILE": value, "SECRET_KEY": "x"})["SECURITY_PROFILE"]

    assert (read(""), read("asvs")) == ("mlps", "asvs")
    with pytest.raises(config.SettingError, match="mlps or asvs"):
        read("none")
