"""Many rows at once and one cell in place, as people do it, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from models.agency import Agency
from tests import samples
from tests.conftest import SessionOf
from tests.journeys.visit import PHONE, QUIET, Visit, both_widths
from tests.people import CLERK, OWN
from tests.test_matrix import office_id

pytestmark = pytest.mark.browser


@pytest.fixture
def agencies(session_of: SessionOf) -> list[str]:
    """Twelve agencies of the clerk's office, newest first as the list shows them."""
    session = session_of()
    own = office_id(session, OWN)
    made = []
    for number in range(1, 13):
        row = samples.make(session, Agency, number, own)
        row.contact, row.office_phone, row.name = "旧联系人", None, f"承德市第{number}安全技术有限公司"
        session.commit()
        made.append(row.name)
    return made[::-1]


def narrow(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"


@QUIET
@both_widths
def test_a_clerk_changes_many_rows_through_a_preview(site: str, chromium: Browser, agencies: list[str], width: int) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    page.goto(f"{site}/agency/list/?size=10")
    bar = page.locator("#bulk")
    expect(bar).to_be_hidden()
    page.locator(".js-tick").nth(1).check()
    page.locator(".js-tick").nth(2).check()
    expect(bar.locator(".js-count")).to_have_text("已选 2 条")
    expect(bar).to_be_in_viewport()
    visit.picture("bulk-bar")
    narrow(page)
    bar.get_by_role("link", name="修改…").click()
    expect(page.get_by_role("heading", name="批量修改 2 条记录")).to_be_visible()
    page.select_option("#field", label="联系人")
    page.get_by_role("button", name="添加").click()
    page.get_by_role("button", name="下一步：预览").last.click()
    expect(page.get_by_text("请填写新的值")).to_be_visible()
    page.fill("input[name=contact]", "新联系人")
    narrow(page)
    page.keyboard.press("Control+s")
    expect(page.locator(".ys-count.active b")).to_have_text("2")
    expect(page.locator("tbody ins").first).to_have_text("新联系人")
    visit.picture("bulk-preview")
    narrow(page)
    page.get_by_role("button", name="确认修改 2 条").click()
    expect(page.get_by_text("已修改 2 条记录")).to_be_visible()
    expect(page).to_have_url(re.compile("size=10"))
    page.get_by_role("link", name=agencies[1]).click()
    expect(page.get_by_text("新联系人")).to_be_visible()
    visit.refused(422)
    visit.clean()


@QUIET
@pytest.mark.one_database
def test_all_that_match_are_voided_and_none_other(site: str, chromium: Browser, agencies: list[str]) -> None:
    visit = Visit(chromium, site)
    page = visit.page
    visit.sign_in(CLERK)
    page.goto(f"{site}/agency/list/?size=10&q=第1")
    expect(page.locator(".js-every")).to_be_hidden()
    page.goto(f"{site}/agency/list/?size=10")
    page.locator(".js-all").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="选择全部符合条件的 12 条").press("Enter")
    expect(page.locator(".js-count")).to_have_text("已选全部符合条件的 12 条")
    page.locator(".js-tick").first.uncheck()
    expect(page.locator(".js-count")).to_have_text("已选 9 条")
    page.get_by_role("button", name="取消选择").click()
    expect(page.locator("#bulk")).to_be_hidden()
    page.locator(".js-all").check()
    page.get_by_role("button", name="选择全部符合条件的").click()
    page.get_by_role("button", name="作废…").click()
    page.keyboard.type("重复登记")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="确认作废 12 条").click()
    expect(page.get_by_text("已作废 12 条记录")).to_be_visible()
    expect(page.locator(".js-tick")).to_have_count(0)
    visit.clean()


@QUIET
@pytest.mark.one_database
def test_cells_are_changed_by_keyboard_alone(site: str, chromium: Browser, agencies: list[str]) -> None:
    visit = Visit(chromium, site)
    page = visit.page
    visit.sign_in(CLERK)
    page.goto(f"{site}/agency/list/?size=10")
    cells = page.locator("td[data-edit]")
    expect(cells).to_have_count(10)
    expect(page.locator(".js-pencil[tabindex='0']")).to_have_count(1)
    page.locator(".js-pencil[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="修改办公电话").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("input[name=office_phone]")).to_be_focused()
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(page.get_by_text("不是电话号码")).to_be_visible()
    expect(page.locator("input[name=office_phone]")).to_have_value("12")
    page.keyboard.type("7511111")
    page.keyboard.press("Tab")
    expect(cells.nth(1)).to_contain_text("0314-7511111")
    expect(cells.nth(2).locator("input[name=office_phone]")).to_be_focused()
    page.keyboard.type("7522222")
    page.keyboard.press("Escape")
    expect(cells.nth(2).locator("input")).to_have_count(0)
    expect(cells.nth(2)).not_to_contain_text("7522222")
    expect(cells.nth(2).locator(".js-pencil")).to_be_focused()
    page.keyboard.press("F2")
    expect(cells.nth(2).locator("input[name=office_phone]")).to_be_focused()
    page.keyboard.type("7533333")
    page.keyboard.press("Enter")
    expect(cells.nth(2)).to_contain_text("0314-7533333")
    expect(cells.nth(2).locator(".js-pencil")).to_be_focused()
    page.reload()
    expect(cells.nth(2)).to_contain_text("0314-7533333")
    visit.refused(422)
    visit.clean()


@QUIET
@both_widths
def test_a_cell_is_changed_with_mouse_or_finger(site: str, chromium: Browser, agencies: list[str], width: int) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    page.goto(f"{site}/agency/list/?size=10")
    cells = page.locator("td[data-edit]")
    if width == PHONE:
        cells.first.locator(".js-pencil").click()
    else:
        cells.first.dblclick()
    expect(page.locator("input[name=office_phone]")).to_be_focused()
    page.locator("input[name=office_phone]").fill("7544444")
    narrow(page)
    page.get_by_role("heading", name="中介机构").click()
    expect(cells.first).to_contain_text("0314-7544444")
    expect(cells.first.locator("input")).to_have_count(0)
    visit.clean()


@QUIET
@pytest.mark.one_database
def test_a_cell_says_that_one_is_signed_out_and_keeps_what_was_typed(site: str, chromium: Browser, agencies: list[str]) -> None:
    visit = Visit(chromium, site)
    page = visit.page
    visit.sign_in(CLERK)
    page.goto(f"{site}/agency/list/?size=10")
    page.locator("td[data-edit]").first.dblclick()
    page.locator("input[name=office_phone]").fill("7555555")
    page.context.clear_cookies()
    page.keyboard.press("Enter")
    expect(page.locator("#say")).to_be_visible()
    expect(page.locator("input[name=office_phone]")).to_have_value("7555555")
