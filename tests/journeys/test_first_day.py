"""The first thing that stands and is used, as the people do it, in a real browser."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from tests.people import CLERK, OTHER_CLERK, PASSWORD, Persona

SAMPLES = Path(__file__).parent.parent / "workbooks"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
pytestmark = pytest.mark.browser

#: asyncio's transports are closed by the driver's process ending, not by us
QUIET = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application on a free port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"])
        yield browser
        browser.close()


class Visit:
    """A page that notes what it asked of other hosts and what went wrong in it."""

    def __init__(self, browser: Browser, site: str, width: int = 1366) -> None:
        self.site = site
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.page: Page = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN", accept_downloads=True).new_page()
        self.page.on("request", self._asked)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.outside.append(request.url)

    def sign_in(self, person: Persona) -> None:
        self.page.goto(f"{self.site}/login/")
        self.page.fill("input[name=username]", person.username)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("input[type=submit], button[type=submit]")
        expect(self.page.get_by_text("登录失败")).to_have_count(0)

    def clean(self) -> None:
        assert self.outside == []
        assert self.errors == []


@QUIET
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
@pytest.mark.parametrize("width", [1366, 390])
def test_a_clerk_fills_in_an_agency(site: str, chromium: Browser, width: int) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    page.goto(f"{site}/agency/add")
    page.fill("input[name=name]", "承德市木兰安全技术有限公司")
    page.fill("input[name=uscc]", "91130828MA07ABCD18")
    page.fill("textarea[name=remark]", "这段话不能丢")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("校验不符")).to_be_visible()
    assert page.input_value("textarea[name=remark]") == "这段话不能丢"
    page.fill("input[name=uscc]", "91130828MA07ABCD19")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("heading", name="承德市木兰安全技术有限公司")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
    visit.errors = [error for error in visit.errors if "422" not in error]  # the browser notes the refusal itself
    visit.clean()
