"""A clerk's day from the first page to the last, at the desk and on the phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.visit import DESK, QUIET, SAMPLES, Visit, both_widths
from tests.people import CLERK

pytestmark = pytest.mark.browser


def bring_in(visit: Visit) -> None:
    """The office's own workbook, checked, confirmed, written."""
    page = visit.page
    visit.goto("/agency/import")
    page.set_input_files("input[type=file]", SAMPLES / "中介机构名录.xlsx")
    expect(page.locator(".js-chosen")).to_have_text("中介机构名录.xlsx")
    page.get_by_role("button", name="检查文件").click()
    expect(page.get_by_text("还没有写入任何内容")).to_be_visible()
    visit.picture("day-preview")
    narrowest = page.evaluate("Math.min(...[...document.querySelectorAll('.ys-plan .ys-pair')].map((pair) => pair.offsetWidth))")
    assert narrowest > 50  # words side by side, not letters below each other
    page.get_by_role("button", name="确认导入").click()
    expect(page.get_by_text("写入 26 条")).to_be_visible()


def keep_a_view(visit: Visit) -> str:
    """Filter and keep the filter under a name; the address that opens it again."""
    page = visit.page
    visit.goto("/agency/list/")
    expect(page.locator(".ys-tally")).to_have_text("共 14 条")
    page.click(".js-more")
    page.fill("input[name='f.name.like']", "安全培训")
    page.locator(".ys-more-end .btn-primary").click()
    expect(page.locator(".ys-tally")).to_have_text("共 4 条")
    page.locator(".ys-bar-tools .dropdown-toggle").click()
    page.get_by_text("管理视图").click()
    page.fill("#view-name", "培训机构")
    page.locator(".ys-view-new .btn-primary").click()
    expect(page.locator(".ys-bar-tools")).to_contain_text("培训机构")
    visit.picture("day-view")
    return page.url


def look_for(page: Page, text: str, name: str) -> None:
    """The palette by its key, a few letters, Enter."""
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-text")).to_be_focused()
    page.keyboard.type(text)
    option = page.locator("#palette-list [role=option]", has_text=name).first
    expect(option).to_be_visible()
    for _step in range(20):
        if option.get_attribute("aria-selected") == "true":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def change_many(visit: Visit, view: str) -> None:
    """The four of the view get one contact, through the preview."""
    page = visit.page
    page.goto(view)
    page.locator(".js-tick").first.wait_for()
    for place in range(4):
        page.locator(".js-tick").nth(place).check()
    page.locator("#bulk").get_by_role("link", name="修改…").click()
    page.select_option("#field", label="联系人")
    page.get_by_role("button", name="添加").click()
    page.locator("[name='contact']").fill("赵联络")
    page.get_by_role("button", name="下一步：预览").last.click()
    expect(page.locator("main")).to_contain_text("赵联络")
    visit.picture("day-bulk-preview")
    page.get_by_role("button", name="确认修改 4 条").first.click()
    page.wait_for_load_state("networkidle")


@QUIET
@both_widths
def test_a_working_day(site: str, chromium: Browser, tmp_path: Path, width: int) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    bring_in(visit)
    view = keep_a_view(visit)
    look_for(page, "cdsml", "承德市木兰")
    visit.clean()
    change_many(visit, view)
    page.goto(view)
    page.locator("tbody .ys-first a").first.click()
    expect(page.locator("main")).to_contain_text("赵联络")
    visit.picture("day-record")

    visit.goto("/agency/ledger")
    expect(page.get_by_role("heading", name="中介机构台账").first).to_be_visible()
    paper = tmp_path / "台账.pdf"
    page.pdf(path=paper, prefer_css_page_size=True)
    assert paper.read_bytes().startswith(b"%PDF-")
    assert paper.stat().st_size > 10_000
    page.emulate_media(media="print")
    expect(page.locator("#sidebar")).to_be_hidden()
    visit.picture("day-ledger-on-paper")
    page.emulate_media(media="screen")

    visit.goto("/agency/list/")
    page.locator("a[lang=en]:visible").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator(".ys-tally")).to_have_text("14 in all")
    visit.picture("day-english")
    visit.clean()
    if width == DESK:
        page.locator("a[lang=zh-CN]:visible").click()
        page.locator(".js-theme:visible").click()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        visit.picture("day-dark")
        visit.clean()
