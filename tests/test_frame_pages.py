"""Pages of the frame: signing in and out, one's own account, roles, accounts, what is said when something goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask, abort
from sqlalchemy.exc import OperationalError

from app import registry
from app.accounts import Account
from app.clock import SHANGHAI
from app.database import db
from app.roles import ROLE_LABELS, Role, Verb
from app.scopes import SYSTEM, act_as
from tests.conftest import Browser
from tests.people import CLERK, PASSWORD, PEOPLE, SECURITY_ADMIN, VISITOR, Persona

SignIn = Callable[[Persona], Browser]


def page_of(browser: Browser, path: str, status: int = 200) -> BeautifulSoup:
    answer = browser.get(path)
    assert answer.status_code == status, answer.data.decode()[:500]
    return BeautifulSoup(answer.data, "html.parser")


def number_of(app: Flask, username: str) -> int:
    with app.app_context():
        act_as(db.session(), SYSTEM)
        return int(db.session.scalar(sa.select(Account.id).where(Account.username == username)) or 0)


# signing in ---------------------------------------------------------------------------------------


def test_a_wrong_password_is_said_at_the_form_which_keeps_the_name(sign_in: SignIn) -> None:
    browser = sign_in(VISITOR)
    answer = browser.post("/login/?next=/agency/list/", {"username": CLERK.username, "password": "wrong"}, token_from="/login/")
    page = BeautifulSoup(answer.data, "html.parser")
    assert "账号或密码不对" in page.select_one("[role=alert]").get_text()
    assert page.select_one("#username")["value"] == CLERK.username
    assert page.select_one("#password").has_attr("autofocus")
    assert not page.select_one("aside, #sidebar")
    right = browser.post("/login/?next=/agency/list/", {"username": CLERK.username, "password": PASSWORD}, token_from="/login/")
    assert right.headers["Location"] == "/agency/list/"


def test_nothing_filled_in_is_said_at_each_field(sign_in: SignIn) -> None:
    page = BeautifulSoup(sign_in(VISITOR).post("/login/", {"username": "", "password": ""}).data, "html.parser")
    assert [each.get_text() for each in page.select(".ys-why")] == ["请填写账号", "请填写密码"]


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_signing_in_never_leads_to_another_site(sign_in: SignIn, target: str) -> None:
    browser = sign_in(VISITOR)
    answer = browser.post(f"/login/?next={target}", {"username": CLERK.username, "password": PASSWORD}, token_from="/login/")
    assert answer.status_code == 302
    assert re.match(r"/(?![/\\])", answer.headers["Location"])


@pytest.mark.parametrize("name", ["login_ldap", "login_oauth", "login_saml", "register_oauth", "activation", "register_mail"])
def test_the_other_ways_of_signing_in_are_drawn_too(app: Flask, name: str) -> None:
    """No office uses them yet; who turns one on gets the product's page."""
    from flask_appbuilder.security.forms import LoginForm_db

    with app.test_request_context("/login/?next=/agency/list/"):
        facts: dict[str, Any] = {
            "appbuilder": app.appbuilder,
            "form": LoginForm_db(),
            "providers": [{"name": "office", "icon": "fa-x"}],
            "username": "新人",
            "url": "/x",
        }  # type: ignore[attr-defined]
        text = app.jinja_env.get_template(f"appbuilder/general/security/{name}.html").render(**facts)
    assert re.search("登录|开通", text)
    assert not re.search(r"fa-x|Sign In|Welcome|Hello", text)


# my account, roles --------------------------------------------------------------------------------


def test_my_account_says_who_i_am_and_what_i_may_do(sign_in: SignIn) -> None:
    page = page_of(sign_in(CLERK), "/users/userinfo/")
    facts: dict[str, str] = {}
    for term in page.select("dt"):
        facts.setdefault(term.get_text(strip=True), term.find_next("dd").get_text(strip=True))
    assert (facts["姓名"], facts["账号"], facts["股室"], facts["角色"]) == (CLERK.name, CLERK.username, CLERK.office, "经办人")
    assert facts["中介机构"] == "查看、新增、修改、作废、导入、导出"
    assert page.find("a", href="/resetmypassword/form")
    assert {link.get_text() for link in page.select(".btn-group a")} == {"中文", "English"}


def test_moments_that_flask_appbuilder_notes_are_read_in_shanghai(app: Flask, sign_in: SignIn) -> None:
    browser, noted = sign_in(SECURITY_ADMIN), datetime(2026, 3, 1, 20, 30)
    with app.app_context():
        account = db.session.scalars(sa.select(Account).where(Account.username == SECURITY_ADMIN.username)).one()
        account.last_login, number = noted, account.id
        db.session.commit()
    said = f"{noted.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    assert said in page_of(browser, f"/users/show/{number}").get_text()
    assert said in page_of(browser, "/users/userinfo/").get_text()


def test_the_table_of_roles_says_what_the_role_table_says(sign_in: SignIn) -> None:
    page = page_of(sign_in(SECURITY_ADMIN), "/roles/list/")
    heads = [th.a.get_text() for th in page.select(".ys-matrix thead th") if th.a]
    assert heads == [str(label) for label in ROLE_LABELS.values()]
    rows = {row.th.get_text(strip=True): row.find_all("td") for row in page.select(".ys-matrix tbody tr") if row.td}
    words = {"查看": Verb.READ, "新增": Verb.ADD, "修改": Verb.EDIT, "作废": Verb.VOID, "导入": Verb.IMPORT, "导出": Verb.EXPORT}
    for entry in registry.entries():
        cells = rows[str(entry.register.__title__)]
        for role, cell in zip(Role, cells, strict=True):
            said = {words[word] for word in (cell.select_one(".visually-hidden") or cell).get_text(" ").split() if word in words}
            grant = entry.rights.get(role)
            assert said == (set(grant.verbs) if grant else set()), (entry.register.__key__, role)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_says_all_it_may_do_and_who_has_it(sign_in: SignIn, role: Role) -> None:
    page = page_of(sign_in(SECURITY_ADMIN), f"/roles/list/?role={role.value}")
    assert page.h1.get_text() == str(ROLE_LABELS[role])
    names = {link.get_text() for link in page.select(".ys-people a")}
    assert names == {person.name for person in PEOPLE if role in person.roles}
    outside = (
        next(part for part in page.select("section") if part.h2 and part.h2.get_text() == "登记表以外").get_text().replace("OpenAPI", "").replace("REST", "")
    )
    assert not re.search(r"[A-Za-z]{3}", outside), "a view of the frame has no title that people read"
    if role is Role.SECURITY_ADMIN:
        assert "账号" in page.select(".ys-people")[0].get_text()


def test_an_unknown_role_is_not_found(sign_in: SignIn) -> None:
    assert sign_in(SECURITY_ADMIN).get("/roles/list/?role=emperor").status_code == 404
    answer = sign_in(SECURITY_ADMIN).get("/roles/show/1")
    assert "role=" in answer.headers["Location"]


# accounts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["wang", "王经办", "经办", "wang@yingshang"])
def test_accounts_are_found_by_account_name_or_address(sign_in: SignIn, text: str) -> None:
    page = page_of(sign_in(SECURITY_ADMIN), f"/users/list/?q={text}")
    names = [row.td.get_text(strip=True) for row in page.select("tbody tr")]
    assert CLERK.username in names
    assert SECURITY_ADMIN.username not in names


def test_accounts_are_filtered_by_office_and_state(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(SECURITY_ADMIN)
    page = page_of(browser, "/users/list/")
    office = next(option["value"] for option in page.select("select[name=_flt_0_org_unit] option") if option.get_text() == CLERK.office)
    found = page_of(browser, f"/users/list/?_flt_0_org_unit={office}&_flt_0_active=y")
    names = [row.td.get_text(strip=True) for row in found.select("tbody tr")]
    assert set(names) == {person.username for person in PEOPLE if person.office == CLERK.office}
    chips = {chip.get_text(" ", strip=True).removesuffix(" ×"): chip["href"] for chip in found.select("a.ys-chip")}
    assert any(CLERK.office in chip for chip in chips)
    assert not page_of(browser, f"/users/list/?_flt_0_org_unit={office}&_flt_0_active=n").select("tbody tr")
    blank = browser.get(f"/users/list/?_flt_0_org_unit={office}&_flt_0_active=&q=")
    assert blank.headers["Location"] == f"/users/list/?_flt_0_org_unit={office}"


def test_the_form_of_an_account_stands_in_parts_and_leads_back(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(SECURITY_ADMIN)
    number = number_of(app, CLERK.username)
    page = page_of(browser, f"/users/edit/{number}")
    assert [part.get_text(strip=True) for part in page.select("summary") if part.find_parent(class_="ys-form")] == ["个人信息", "股室和角色"]
    assert page.select_one("select[name=org_unit] option[selected]").get_text() == CLERK.office
    data = {field["name"]: field.get("value", "") for field in page.select(".ys-form input[type=text], .ys-form input[type=email]")}
    chosen = {select["name"]: [option["value"] for option in select.select("option[selected]")] for select in page.select(".ys-form select")}
    answer = browser.post(f"/users/edit/{number}", {**data, **chosen, "active": "y", "came_from": "/users/list/?q=wang"})
    assert answer.headers["Location"] == "/users/list/?q=wang"
    evil = browser.post(f"/users/edit/{number}", {**data, **chosen, "active": "y", "came_from": "//evil.example/"})
    assert evil.headers["Location"] == "/users/list/"


def test_the_page_of_an_account_is_headed_by_its_name(app: Flask, sign_in: SignIn) -> None:
    page = page_of(sign_in(SECURITY_ADMIN), f"/users/show/{number_of(app, CLERK.username)}")
    assert page.h1.get_text() == CLERK.name
    assert page.find("form", action=re.compile("/users/action/resetpasswords/"))


# when something goes wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 415, 422, 429])
@pytest.mark.parametrize("language", ["zh_Hans", "en"])
def test_a_refusal_is_said_in_the_frame(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, status: int, language: str) -> None:
    browser = sign_in(CLERK)
    browser.get(f"/lang/{language}")
    monkeypatch.setitem(app.view_functions, "HelpView.index", lambda **_named: abort(status))
    page = page_of(browser, "/help/", status)
    assert page.select_one(".ys-error h1").get_text(strip=True)
    assert page.select_one("#sidebar")
    assert str(status) in page.select_one(".ys-error .ys-quiet").get_text()


@pytest.mark.parametrize(("fault", "status"), [(RuntimeError("broken"), 500), (OperationalError("select", {}, Exception("gone")), 503)])
def test_a_fault_of_ours_is_said_without_the_database(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int) -> None:
    browser = sign_in(CLERK)

    def fail(*_given: Any, **_named: Any) -> None:
        raise fault

    monkeypatch.setitem(app.view_functions, "HelpView.index", fail)
    monkeypatch.setattr(app, "testing", False)
    monkeypatch.setattr(db.session, "execute", fail)
    monkeypatch.setattr(db.session, "scalars", fail)
    page = page_of(browser, "/help/", status)
    assert page.h1.get_text(strip=True)
    assert not page.select("aside, script")
    assert [link["href"].partition("?")[0] for link in page.find_all("link", rel="stylesheet")] == ["/static/css/bare.css"]


def test_too_much_is_refused_with_the_size_that_fits(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)
    token = browser.token("/agency/import")
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 1000)
    answer = browser.client.post("/agency/import", data={"csrf_token": token, "file": "x" * 5000})
    assert answer.status_code == 413
    assert f"{app.config['UPLOAD_MEGABYTES']} MB" in BeautifulSoup(answer.data, "html.parser").select_one(".ys-error").get_text()


def test_too_often_says_when_to_come_again(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from werkzeug.exceptions import TooManyRequests

    def often(**_named: Any) -> None:
        raise TooManyRequests(retry_after=60)

    browser = sign_in(CLERK)
    monkeypatch.setitem(app.view_functions, "HelpView.index", often)
    answer = browser.get("/help/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert "操作太频繁" in answer.data.decode()
