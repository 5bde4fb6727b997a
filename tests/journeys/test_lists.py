"""Working in a list: order, filter, choose columns and keep a view without losing one's place, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from app import registry
from models.agency import Agency
from tests import samples
from tests.conftest import SessionOf
from tests.journeys.visit import QUIET, Visit, both_widths
from tests.people import CLERK, OWN
from tests.test_paging import office

pytestmark = pytest.mark.browser


@pytest.fixture
def agencies(session_of: SessionOf) -> None:
    session = session_of()
    for number in range(1, 13):
        samples.make(session, Agency, number, office(session, OWN))
    assert registry.find("agency") is Agency


@QUIET
@both_widths
def test_a_clerk_narrows_a_list_and_keeps_it(site: str, chromium: Browser, agencies: None, width: int) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    visit.goto("/agency/list/?size=10")
    page.evaluate("window.same = true")
    if width > 700:
        page.focus("#sort-name")
        page.keyboard.press("Enter")
        expect(page.locator("th[aria-sort=ascending]")).to_have_text("机构名称")
        expect(page.locator("#sort-name")).to_be_focused()
    page.click("#page-next")
    expect(page.locator(".page-item.active")).to_have_text("2")
    page.click(".js-more")
    page.fill("input[name='f.name.like']", "样例1")
    page.click(".ys-more-end .btn-primary")
    expect(page.locator(".ys-chip")).to_have_text(["机构名称含“样例1” ×"])
    expect(page.locator(".ys-tally")).to_have_text("共 4 条")
    assert "f.name.like" in page.url
    visit.picture("list-filtered")
    page.fill("#q", "样例12")
    page.press("#q", "Enter")
    expect(page.locator(".ys-tally")).to_have_text("共 1 条")
    page.locator(".ys-chip").first.click()
    expect(page.locator(".ys-tally")).to_have_text("共 4 条")
    expect(page.locator("#q")).to_have_value("")
    assert page.evaluate("window.same"), "the page was never left"
    page.go_back()
    expect(page.locator(".ys-tally")).to_have_text("共 1 条")
    page.go_forward()
    expect(page.locator(".ys-tally")).to_have_text("共 4 条")

    page.get_by_text("选择列").click()
    row = page.locator("#list-dialog li", has_text="法定代表人")
    row.locator("input").check()
    row.locator(".js-move").first.focus()
    for _step in range(6):
        page.keyboard.press("Enter")
    visit.picture("list-columns")
    page.locator("#list-dialog .btn-primary").click()
    expect(page.locator("tbody tr").first.locator("td[data-field]").first).to_have_attribute("data-field", "legal_rep")

    page.locator(".ys-bar-tools .dropdown-toggle").click()
    page.get_by_text("管理视图").click()
    page.fill("#view-name", "一月登记的")
    page.check("#list-dialog input[name=opens]")
    page.locator(".ys-view-new .btn-primary").click()
    expect(page.locator(".ys-bar-tools")).to_contain_text("一月登记的")
    visit.goto("/agency/list/")
    expect(page.locator(".ys-tally")).to_have_text("共 4 条")
    page.get_by_text("清除全部条件").click()
    expect(page.locator(".ys-tally")).to_have_text("共 12 条")
    visit.clean()


@QUIET
@pytest.mark.one_database
def test_a_condition_that_makes_no_sense_is_said_in_the_list(site: str, chromium: Browser, agencies: None) -> None:
    visit = Visit(chromium, site)
    visit.sign_in(CLERK)
    visit.goto("/agency/list/")
    visit.page.click(".js-more")
    visit.page.fill("input[name='f.fixed_assets.from']", "很多")
    visit.page.click(".ys-more-end .btn-primary")
    expect(visit.page.locator("#results [role=alert]")).to_contain_text("固定资产")
    visit.page.click("#results a")
    expect(visit.page.locator(".ys-tally")).to_have_text("共 12 条")
    visit.clean()
