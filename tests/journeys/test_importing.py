"""The import desk in a real browser: a messy workbook through all steps, the answer workbook, two people at once, the phone."""

from __future__ import annotations

import io

import openpyxl
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.formats import credit_code_check
from tests.journeys.test_every_page import barriers
from tests.journeys.visit import QUIET, Visit, both_widths
from tests.people import CLERK, PRIVACY_CLERK

pytestmark = [pytest.mark.browser, QUIET]
CODES = [code + credit_code_check(code) for code in (f"91130828MA000000{number}" for number in range(1, 5))]


def messy() -> bytes:
    """As an office keeps it: a second sheet, titles, odd headings, an unknown word, a wrong number, a row that nobody wants."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "填报"
    for row in (
        ["2026年度中介机构台账"],
        ["填报单位：综合股", "", "", "", "填报人：王"],
        ["单位全称", "社会信用代码", "机构大类", "电话号", "其他说明"],
        ["甲安全技术有限公司", CODES[0], "安全陪训机构", "0314-7512345", "第一家"],
        ["乙安全技术有限公司", CODES[1], "安全陪训机构", "0314-7512346", "第二家"],
        ["丙安全技术有限公司", "91130828MA000000", "安全陪训机构", "0314-7512347", ""],
        ["丁安全技术有限公司", "不知道", "安全陪训机构", "0314-7512348", ""],
    ):
        sheet.append(row)
    book.create_sheet("说明").append(["此表由各股室填报", "谢谢"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(visit: Visit, name: str, data: bytes) -> Page:
    visit.goto("/agency/import")
    visit.page.set_input_files("input[type=file]", {"name": name, "mimeType": "application/octet-stream", "buffer": data})
    visit.page.get_by_role("button", name="检查文件").click()
    visit.page.wait_for_load_state("networkidle")
    return visit.page


def look(visit: Visit, name: str) -> None:
    """Keep a picture; nothing shuts people out, nothing sticks out."""
    visit.picture(name)
    assert barriers(visit.page, name) == []
    visit.clean()


def confirm(page: Page) -> None:
    page.locator("#confirm .btn-primary").click()
    page.wait_for_load_state("networkidle")


@both_widths
def test_a_messy_workbook_through_all_steps(app: Flask, site: str, chromium: Browser, width: int) -> None:
    """Header row, a column by hand, a word, a cell, a row that nobody wants, the confirmation, the history of a record, and back again."""
    visit = Visit(chromium, site, width)
    visit.sign_in(CLERK)
    page = upload(visit, "台账.xlsx", messy())
    expect(page.get_by_role("heading", level=1)).to_have_text("读表")
    look(visit, "import-1-reading")
    page.get_by_role("button", name="第 3 行是表头").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("对列")
    expect(page.get_by_text("必填的“机构名称”还没有对上列")).to_be_visible()
    page.get_by_label("“单位全称”导入到").select_option(label="机构名称*")
    page.get_by_label("“机构大类”导入到").select_option(label="机构类别")
    look(visit, "import-2-columns")
    page.get_by_role("button", name="保存并重新检查").click()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", level=1)).to_have_text("对列")
    page.locator(".ys-steps").get_by_role("link", name="检查").click()
    look(visit, "import-3-open")
    page.get_by_role("link", name="去对列").click()
    page.get_by_label("“安全陪训机构”指的是").select_option(label="安全培训")
    look(visit, "import-2-words")
    page.get_by_role("button", name="保存并重新检查").click()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", level=1)).to_have_text("检查")
    look(visit, "import-3-wrong")
    page.get_by_label("社会信用代码").first.fill(CODES[2])
    page.get_by_role("button", name="保存更正并重新检查").click()
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="跳过第 7 行").click()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("button", name="恢复第 7 行")).to_be_visible()
    look(visit, "import-3-mended")
    visit.clean()
    confirm(page)
    expect(page.get_by_text("写入 3 条，全部正确")).to_be_visible()
    expect(page.locator(".ys-facts")).to_contain_text("王经办")
    look(visit, "import-5-result")
    visit.clean()
    result = page.url
    page.get_by_role("link", name="查看中介机构").click()
    page.get_by_role("link", name="丙安全技术有限公司").first.click()
    page.get_by_role("link", name="历史").first.click()
    expect(page.locator("main")).to_contain_text("导入")
    page.goto(result)
    page.get_by_role("link", name="撤销本次导入").click()
    page.get_by_role("button", name="确认撤销").click()
    expect(page.get_by_text("已撤销")).to_be_visible()
    visit.goto("/imports/")
    expect(page.locator(".ys-table tbody tr").first).to_contain_text("已撤销")
    visit.clean()


def few() -> bytes:
    """Two rows, one of them wrong, in an office's own look."""
    book = openpyxl.Workbook()
    for row in (["机构名称", "统一社会信用代码", "联系人"], ["甲安全技术有限公司", CODES[0], "王"], ["乙安全技术有限公司", "不知道", "李"]):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_answer_workbook_goes_home_and_comes_back_into_the_same_batch(app: Flask, site: str, chromium: Browser) -> None:
    """The good row first; the wrong one comes back mended and goes on where it was."""
    visit = Visit(chromium, site)
    visit.sign_in(CLERK)
    page = upload(visit, "两家.xlsx", few())
    address = page.url
    confirm(page)
    expect(page.get_by_text("写入 1 条，有问题的 1 行没有导入")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="取回原文件（错处标红）").click()
    book = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
    sheet = book.active
    assert sheet.cell(3, 2).comment
    sheet.cell(3, 2).value = CODES[1]
    out = io.BytesIO()
    book.save(out)
    page = upload(visit, "两家 待改.xlsx", out.getvalue())
    assert page.url == address
    expect(page.get_by_text("之前已经写入的行没有变化")).to_be_visible()
    confirm(page)
    expect(page.locator(".alert-success")).to_contain_text("写入 1 条，全部正确")
    expect(page.get_by_text("第 2 次写入")).to_be_visible()
    visit.clean()


def test_given_up_by_the_keyboard(app: Flask, site: str, chromium: Browser) -> None:
    """Without a mouse, and without our scripts: the pages are forms."""
    visit = Visit(chromium, site)
    visit.sign_in(CLERK)
    visit.page.route("**/imports.js*", lambda route: route.abort())
    page = upload(visit, "两家.xlsx", few())
    button = page.get_by_role("button", name="不导入了")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("没有写入任何内容")).to_be_visible()
    visit.goto("/agency/list/")
    expect(page.get_by_text("乙安全技术有限公司")).to_have_count(0)


def test_two_people_on_one_register_at_once(app: Flask, site: str, chromium: Browser) -> None:
    """Both have seen their check; what the first writes, the second does not overwrite, and is told which row."""
    first, second = Visit(chromium, site), Visit(chromium, site)
    first.sign_in(CLERK)
    second.sign_in(PRIVACY_CLERK)
    upload(first, "一.xlsx", few())
    upload(second, "二.xlsx", few())
    confirm(first.page)
    expect(first.page.get_by_text("写入 1 条")).to_be_visible()
    confirm(second.page)
    expect(second.page.get_by_text("检查之后有 1 行的记录被别人改过或登记过，没有覆盖")).to_be_visible()
    expect(second.page.locator(".ys-stale")).to_contain_text("第 2 行")
    second.clean()
