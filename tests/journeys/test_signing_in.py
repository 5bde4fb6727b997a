"""Signing in as people meet it: the first password, the lock, where one is signed in, the second step, in a real browser."""

from __future__ import annotations

import pyotp
import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from app.database import db
from app.install import add_account
from app.roles import Role
from app.scopes import SYSTEM, act_as
from tests.journeys.test_every_page import barriers
from tests.journeys.visit import QUIET, Visit, both_widths
from tests.people import CLERK, PASSWORD, SECURITY_ADMIN

pytestmark = [pytest.mark.browser, QUIET]
FIRST, OWN = "Huangyan-7431", "Liushui-4172x"


def fill_in(visit: Visit, name: str, password: str) -> None:
    visit.page.fill("#username", name)
    visit.page.fill("#password", password)
    with visit.page.expect_navigation():
        visit.page.press("#password", "Enter")
    visit.page.wait_for_load_state("networkidle")


@both_widths
def test_the_first_sign_in(app: Flask, site: str, chromium: Browser, width: int) -> None:
    """A newcomer with a password on a slip of paper chooses an own one and goes to work."""
    with app.app_context():
        act_as(db.session(), SYSTEM)
        add_account("xin", [Role.CLERK], "基础股", name="新同事", password=FIRST)
        db.session.remove()
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.goto("/login/?next=/agency/list/")
    fill_in(visit, "xin", FIRST)
    expect(page.get_by_role("heading", name="修改密码")).to_be_visible()
    assert barriers(page, "first password") == []
    visit.picture("first-password")
    page.fill("#old", FIRST)
    page.fill("#password", "Password1!")
    page.fill("#conf_password", "Password1!")
    page.get_by_role("button", name="修改密码").click()
    expect(page.get_by_text("这个密码太常见")).to_be_visible()
    assert barriers(page, "refused password") == []
    visit.goto("/agency/list/")
    expect(page.get_by_role("heading", name="修改密码")).to_be_visible()
    for field, text in (("#old", FIRST), ("#password", OWN), ("#conf_password", OWN)):
        page.fill(field, text)
    page.get_by_role("button", name="修改密码").click()
    expect(page.get_by_text("密码已修改")).to_be_visible()
    visit.goto("/agency/list/")
    expect(page.get_by_role("heading", name="中介机构")).to_be_visible()
    visit.clean()


@both_widths
def test_the_lock_and_the_way_out(site: str, chromium: Browser, width: int) -> None:
    visit = Visit(chromium, site, width)
    visit.goto("/login/")
    for _turn in range(5):
        fill_in(visit, CLERK.username, "forgotten")
        expect(visit.page.get_by_text("账号或密码不对")).to_be_visible()
    fill_in(visit, CLERK.username, PASSWORD)
    expect(visit.page.get_by_text("以前不能登录。请到时再试；着急的话，请联系安全管理员解锁。")).to_be_visible()
    assert visit.page.input_value("#username") == CLERK.username
    assert barriers(visit.page, "locked") == []
    visit.picture("locked")
    admin = Visit(chromium, site, width)
    admin.sign_in(SECURITY_ADMIN)
    admin.goto("/users/list/")
    admin.page.get_by_role("status").get_by_role("link", name="查看").click()
    admin.picture("account-security")
    assert barriers(admin.page, "locks") == []
    admin.page.get_by_role("button", name="解锁 wang").click()
    expect(admin.page.get_by_text("“wang”已解锁")).to_be_visible()
    admin.clean()
    fill_in(visit, CLERK.username, PASSWORD)
    expect(visit.page.locator("#password")).to_have_count(0)
    visit.refused(429)
    visit.clean()


@both_widths
def test_where_i_am_signed_in(site: str, chromium: Browser, width: int) -> None:
    """Somebody sees a sign-in that is not the own one, ends it, and the other browser is out and told why."""
    other, visit = Visit(chromium, site), Visit(chromium, site, width)
    other.sign_in(CLERK)
    visit.sign_in(CLERK)
    page = visit.page
    page.get_by_role("button", name="我的账号").click()
    page.get_by_role("link", name="我的登录").click()
    expect(page.get_by_text("2 处正在登录")).to_be_visible()
    expect(page.get_by_text("就是这里")).to_be_visible()
    assert barriers(page, "my sign-ins") == []
    visit.picture("my-sign-ins")
    page.get_by_role("button", name="结束登录").click()
    expect(page.get_by_text("1 处正在登录")).to_be_visible()
    visit.clean()
    other.goto("/users/userinfo/")
    expect(other.page.get_by_text("您在别处结束了这里的登录，请重新登录。")).to_be_visible()
    other.clean()


@both_widths
def test_the_second_step(site: str, chromium: Browser, width: int) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    visit.goto("/signins/")
    page.get_by_role("link", name="开启两步验证").click()
    expect(page.locator(".ys-code svg")).to_be_visible()
    assert barriers(page, "the QR code") == []
    visit.picture("second-step")
    secret = page.locator("form code").inner_text()
    page.fill("#code", pyotp.TOTP(secret).now())
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="开启", exact=True).click()
    expect(page.locator(".ys-codes code")).to_have_count(10)
    codes = page.locator(".ys-codes code").all_inner_texts()
    assert barriers(page, "recovery codes") == []
    visit.picture("recovery-codes")
    page.get_by_role("link", name="已经保存好了").click()
    expect(page.get_by_text("还剩 10 个恢复码")).to_be_visible()
    visit.clean()
    again = Visit(chromium, site, width)
    again.goto("/login/?next=/signins/")
    fill_in(again, CLERK.username, PASSWORD)
    expect(again.page.get_by_role("heading", name="两步验证")).to_be_visible()
    assert barriers(again.page, "the code") == []
    again.page.fill("#code", "000000")
    again.page.press("#code", "Enter")
    expect(again.page.get_by_text("验证码不对或已经用过")).to_be_visible()
    again.page.fill("#code", codes[0])
    again.page.press("#code", "Enter")
    expect(again.page.get_by_text("还剩 9 个恢复码")).to_be_visible()
    again.clean()
