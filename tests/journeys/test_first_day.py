"""The first thing that stands and is used, as the people do it, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.visit import QUIET, SAMPLES, Visit, both_widths
from tests.people import CLERK, OTHER_CLERK

pytestmark = pytest.mark.browser


@QUIET
@pytest.mark.one_database
def test_a_clerk_brings_the_offices_workbook_in_and_takes_it_out(site: str, chromium: Browser, tmp_path: Path) -> None:
    visit = Visit(chromium, site)
    page = visit.page
    visit.sign_in(CLERK)
    page.goto(f"{site}/agency/import")
    page.set_input_files("input[type=file]", SAMPLES / "中介机构名录.xlsx")
    page.get_by_role("button", name="检查文件").click()
    expect(page.get_by_text("还没有写入任何内容")).to_be_visible()
    page.goto(f"{site}/agency/list/")
    expect(page.get_by_text("承德市中正安全评价有限公司")).to_have_count(0)
    page.go_back()
    page.locator("form[method=post] .btn-primary").last.click()
    expect(page.get_by_text("写入 26 条")).to_be_visible()
    page.goto(f"{site}/agency/list/")
    page.get_by_role("link", name="承德市安泰安全评价有限公司").click()
    expect(page.get_by_text("APJ-(冀)-605")).to_be_visible()

    with page.expect_download() as waiting:
        page.evaluate("window.location = '/agency/export.xlsx'")
    exported = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(exported)
    page.goto(f"{site}/agency/import")
    page.set_input_files("input[type=file]", exported)
    page.get_by_role("button", name="检查文件").click()
    expect(page.locator(".ys-count.ys-same b")).to_have_text("14")
    visit.clean()

    stranger = Visit(chromium, site)
    stranger.sign_in(OTHER_CLERK)
    stranger.page.goto(f"{site}/agency/list/")
    expect(stranger.page.get_by_text("承德市安泰安全评价有限公司")).to_have_count(0)
    stranger.clean()


@QUIET
@both_widths
def test_a_clerk_fills_in_an_agency(site: str, chromium: Browser, width: int) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    page.goto(f"{site}/agency/add")
    page.fill("input[name=name]", "承德市木兰安全技术有限公司")
    page.fill("input[name=uscc]", "91130828MA07ABCD18")
    page.fill("textarea[name=remark]", "这段话不能丢")
    with page.expect_navigation():  # what is said while one types says the same: only the page that comes back is an answer
        page.get_by_role("button", name="保存").click()
    expect(page.locator("#h-uscc .ys-why")).to_contain_text("校验不符")
    assert page.input_value("textarea[name=remark]") == "这段话不能丢"
    page.fill("input[name=uscc]", "91130828MA07ABCD19")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("heading", name="承德市木兰安全技术有限公司")).to_be_visible()
    visit.refused(422)
    visit.clean()
