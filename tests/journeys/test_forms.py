"""Forms as clerks use them: by keyboard, with mistakes, two at once, with files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.database import db
from app.scopes import SYSTEM, act_as
from models.agency import Agency, Qualification
from tests import samples
from tests.conftest import SessionOf
from tests.journeys.visit import QUIET, Visit, both_widths
from tests.people import CLERK, EXPERT_ADMIN, OWN, PRIVACY_CLERK
from tests.test_matrix import office_id

pytestmark = pytest.mark.browser
CODE = samples.credit_code(4711)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


def kept(app: Flask, statement: Any) -> Any:
    with app.app_context():
        act_as(db.session(), SYSTEM)
        return db.session.scalar(statement)


@pytest.fixture
def agency(session_of: SessionOf) -> Any:
    """An agency of the clerk's own office."""
    session = session_of()
    row = samples.make(session, Agency, 11, office_id(session, OWN))
    row.name, row.kind, row.is_branch = "承德市甲检测有限公司", ["检测检验"], False
    session.commit()
    return row


class Keyboard:
    """Types as a person does, and counts: characters, and keys that only steer."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.steering = 0
        self.typed = 0

    def keys(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)
            self.steering += 1

    def text(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.typed += len(text)

    @property
    def at(self) -> str:
        """The name of the control that has the focus, or what it says."""
        found = self.page.evaluate(
            "(() => { const e = document.activeElement; const w = e.closest('.ts-wrapper'); return (w ? w.previousElementSibling.name : e.name) || e.textContent.trim(); })()"
        )
        return str(found)

    def to(self, name: str, key: str = "Tab", most: int = 20) -> None:
        """Press a key until a control has the focus."""
        for _press in range(most):
            if self.at == name:
                return
            self.keys(key)
        raise AssertionError(f"{name} is not reached by {most} times {key}: now at {self.at}")


@QUIET
@both_widths
def test_an_agency_with_two_certificates_by_keyboard_alone(app: Flask, site: str, chromium: Browser, width: int) -> None:
    visit = Visit(chromium, site, width)
    page, keyboard = visit.page, Keyboard(visit.page)
    visit.sign_in(CLERK)
    visit.goto("/agency/add")
    started = time.monotonic()
    assert keyboard.at == "name", "the first field has the focus"
    keyboard.text("承德市木兰安全技术有限公司")
    keyboard.keys("Enter")
    keyboard.text(CODE)
    keyboard.keys("Enter", "Space")
    keyboard.to("legal_rep", "Enter")
    keyboard.text("王海")
    keyboard.keys("Enter")
    keyboard.keys("ArrowLeft")
    keyboard.to("添加资质", "Control+ArrowDown")
    for number, until in (("APJ-(冀)-611", "2028-04-15"), ("APJ-(国)-612", "长期")):
        keyboard.keys("Enter")
        place = 0 if number.endswith("611") else 1
        keyboard.to(f"qualifications-{place}.cert_no")
        keyboard.text(number)
        keyboard.to(f"qualifications-{place}.scopes")
        keyboard.text("石油")
        page.locator(".ts-dropdown:visible .option").first.wait_for()
        keyboard.keys("Enter")
        keyboard.to(f"qualifications-{place}.valid_to", most=30)
        keyboard.text(until)
        keyboard.to("添加资质", most=30)
    visit.picture("form-agency-filled")
    keyboard.keys("Control+s")
    expect(page.get_by_role("heading", name="承德市木兰安全技术有限公司")).to_be_visible()
    took = time.monotonic() - started
    print(f"\nwidth {width}: {keyboard.typed} characters, {keyboard.steering} steering keys, {took:.1f} s of the machine's time")  # noqa: T201 - a figure for the report
    expect(page.locator("#qualifications tbody tr")).to_have_count(2)
    expect(page.locator("#qualifications")).to_contain_text("安全评价机构资质证书")
    visit.clean()
    assert kept(app, sa.select(sa.func.count(Qualification.id))) == 2
    assert kept(app, sa.select(Agency.is_branch)) is False
    assert keyboard.steering < 100


@QUIET
@both_widths
def test_what_is_wrong_is_said_at_once_and_nothing_is_lost(app: Flask, site: str, chromium: Browser, width: int, agency: Any) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    visit.goto("/agency/add")
    page.fill("input[name=uscc]", "91130828MA07ABCD18")
    page.press("input[name=uscc]", "Tab")
    expect(page.locator("#h-uscc .ys-why")).to_contain_text("校验")
    page.fill("input[name=uscc]", agency.uscc)
    page.press("input[name=uscc]", "Tab")
    expect(page.locator("#h-uscc .ys-why")).to_contain_text("不能重复登记")
    expect(page.locator("#h-uscc a")).to_have_attribute("href", f"/agency/show/{agency.id}")
    page.locator("textarea[name=remark]").fill("这段话不能丢")
    page.get_by_role("button", name="添加资质").click()
    page.fill("[name='qualifications-0.valid_to']", "2026年13月1日")
    page.press("[name='qualifications-0.valid_to']", "Tab")
    expect(page.locator("[id='h-qualifications-0.valid_to'] .ys-why")).to_contain_text("不是日期")
    page.keyboard.press("Control+s")
    summary = page.locator("#problems")
    expect(summary).to_be_focused()
    expect(summary.locator("li")).to_have_count(5)
    visit.picture("form-agency-wrong")
    assert page.input_value("textarea[name=remark]") == "这段话不能丢"
    assert page.input_value("[name='qualifications-0.valid_to']") == "2026年13月1日"
    summary.get_by_role("link", name="机构名称").click()
    expect(page.locator("input[name=name]")).to_be_focused()
    page.keyboard.type("承德市乙公司")
    page.keyboard.press("Tab")
    expect(summary.locator("li.ys-done")).to_have_count(1)
    visit.refused(422)
    visit.clean()


@QUIET
@pytest.mark.one_database
def test_what_follows_from_a_field_is_filled_in(site: str, chromium: Browser) -> None:
    visit = Visit(chromium, site)
    page = visit.page
    visit.sign_in(EXPERT_ADMIN)
    visit.goto("/expert/add")
    page.fill("input[name=name]", "张三")
    page.fill("input[name=id_no]", samples.resident_id(12))
    page.press("input[name=id_no]", "Tab")
    expect(page.locator("input[name=birth_date]")).to_have_value("1982-03-15")
    expect(page.locator("#h-birth_date")).to_contain_text("已自动填写")
    page.fill("input[name=id_no]", samples.resident_id(13))
    page.press("input[name=id_no]", "Tab")
    expect(page.locator("input[name=birth_date]")).to_have_value("1983-03-15")
    visit.clean()


@QUIET
@both_widths
def test_unsaved_input_is_guarded_and_given_back_after_an_accident(site: str, chromium: Browser, width: int) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    visit.goto("/agency/add")
    page.fill("input[name=name]", "还没有保存的公司")
    page.fill("input[name=mobile]", "13812345678")
    page.get_by_role("link", name="取消").click()
    expect(page.locator("#confirm-text")).to_contain_text("还没有保存")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="添加资质").click()
    page.fill("[name='qualifications-0.cert_no']", "APJ-(冀)-700")
    page.press("[name='qualifications-0.cert_no']", "Tab")
    page.wait_for_timeout(500)
    held = page.evaluate("JSON.stringify(sessionStorage)")
    assert "还没有保存的公司" in held
    assert "13812345678" not in held, "sensitive values stay out of the browser's store"
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_load_state("networkidle")
    expect(page.locator("input[name=name]")).to_have_value("")
    visit.picture("form-restore")
    page.get_by_role("button", name="恢复未保存的内容").click()
    expect(page.locator("input[name=name]")).to_have_value("还没有保存的公司")
    expect(page.locator("[name='qualifications-0.cert_no']")).to_have_value("APJ-(冀)-700")
    page.fill("input[name=uscc]", CODE)
    page.keyboard.press("Control+s")
    expect(page.get_by_role("heading", name="还没有保存的公司")).to_be_visible()
    visit.goto("/agency/add")
    expect(page.locator(".ys-restore")).to_have_count(0)
    visit.clean()


@QUIET
@pytest.mark.one_database
def test_a_form_outlives_the_session(app: Flask, site: str, chromium: Browser) -> None:
    visit = Visit(chromium, site)
    page = visit.page
    visit.sign_in(CLERK)
    visit.goto("/agency/add")
    page.fill("input[name=name]", "登录过期的公司")
    page.fill("input[name=uscc]", CODE)
    page.context.clear_cookies()
    page.keyboard.press("Control+s")
    expect(page.locator("#say-text")).to_contain_text("登录已过期")
    with page.expect_popup() as opening:
        page.locator("#say-text a").click()
    window = opening.value
    window.fill("input[name=username]", CLERK.username)
    window.fill("input[name=password]", "Weichang-2026")
    window.press("input[name=password]", "Enter")
    expect(window.locator("input[name=password]")).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("heading", name="登录过期的公司")).to_be_visible()
    assert kept(app, sa.select(Agency.name)) == "登录过期的公司"
    visit.refused(400, 403)
    visit.clean()


@QUIET
@both_widths
def test_children_are_edited_in_the_rows_of_the_page(app: Flask, site: str, chromium: Browser, width: int, agency: Any, session_of: SessionOf) -> None:
    session = session_of()
    samples.make(session, Qualification, 13, parent=session.get(Agency, agency.id))
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    visit.goto(f"/agency/show/{agency.id}")
    table = page.locator("#qualifications")
    table.get_by_role("link", name="修改").click()
    number = table.locator("input[name=cert_no]")
    expect(number).to_be_visible()
    number.fill("冀安检2026-001")
    visit.picture("record-child-in-place")
    page.keyboard.press("Control+s")
    expect(table.locator("tr[data-child]")).to_contain_text("冀安检2026-001")
    expect(table.locator("form.ys-form")).to_have_count(0)
    table.get_by_role("link", name="添加资质").click()
    table.get_by_role("button", name="保存").click()
    expect(table.locator(".ys-problems li")).to_have_count(1)
    table.locator("input[name=cert_no]").fill("冀安检2026-002")
    table.get_by_role("button", name="保存").click()
    expect(table.locator("tr[data-child]")).to_have_count(2)
    expect(table.locator(".js-rows")).to_have_text("2")
    table.get_by_role("link", name="修改").first.click()
    expect(table.locator(".ys-editing :focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(table.locator("form.ys-form")).to_have_count(0)
    expect(table.locator("tr[data-child]:visible")).to_have_count(2)
    last = table.locator("tr[data-child]").last
    last.get_by_text("作废…").click()
    last.locator("input[name=reason]").fill("登记错了")
    last.get_by_role("button", name="确认作废").click()
    expect(table.locator("tr[data-child]")).to_have_count(1)
    expect(page.locator("#said")).to_contain_text("已作废")
    visit.refused(422)
    visit.clean()
    assert kept(app, sa.select(sa.func.count(Qualification.id)).where(Qualification.voided_at.is_(None))) == 1


@QUIET
@both_widths
def test_files_come_by_button_and_by_drop_and_are_shown(app: Flask, site: str, chromium: Browser, width: int, agency: Any, tmp_path: Path) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    visit.goto(f"/agency/show/{agency.id}")
    for name, data in (("许可证.pdf", PDF), ("程序.exe", b"MZ"), ("空.txt", b"")):
        (tmp_path / name).write_bytes(data)
    page.set_input_files("#file", [tmp_path / "许可证.pdf", tmp_path / "程序.exe", tmp_path / "空.txt"])
    expect(page.locator(".ys-files li")).to_have_count(1)
    expect(page.locator("#progress")).to_contain_text("不能上传这种文件")
    expect(page.locator("#progress")).to_contain_text("“空.txt”是空文件")
    page.evaluate(
        """() => {
          const canvas = document.createElement('canvas'); canvas.width = canvas.height = 20;
          const bytes = Uint8Array.from(atob(canvas.toDataURL('image/png').split(',')[1]), c => c.charCodeAt(0));
          const data = new DataTransfer(); data.items.add(new File([bytes], '照片.png', { type: 'image/png' }));
          const zone = document.querySelector('.ys-drop');
          ['dragenter', 'dragover', 'drop'].forEach(n => zone.dispatchEvent(new DragEvent(n, { dataTransfer: data, bubbles: true, cancelable: true })));
        }"""
    )
    expect(page.locator(".ys-files li")).to_have_count(2)
    page.get_by_role("link", name="照片.png").click()
    picture = page.locator("dialog.ys-preview img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 20
    visit.picture("record-preview")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="许可证.pdf").click()
    expect(page.locator("dialog.ys-preview iframe")).to_be_visible()
    page.get_by_role("button", name="关闭").click()
    page.locator(".ys-files li", has_text="照片.png").get_by_role("button", name="作废").click()
    page.locator("#confirm button[value=yes]").click()
    expect(page.locator(".ys-files li")).to_have_count(1)
    visit.clean()


@QUIET
@both_widths
def test_two_people_at_once_choose_field_by_field(app: Flask, site: str, chromium: Browser, width: int, agency: Any) -> None:
    mine, theirs = Visit(chromium, site, width), Visit(chromium, site, width)
    mine.sign_in(CLERK)
    theirs.sign_in(PRIVACY_CLERK)
    for visit in (mine, theirs):
        visit.goto(f"/agency/edit/{agency.id}")
    for name, text in (("contact", "陈填的"), ("office_address", "陈的地址"), ("verify_source", "只有陈改")):
        theirs.page.fill(f"input[name={name}]", text)
    theirs.page.keyboard.press("Control+s")
    expect(theirs.page.get_by_role("heading", name=agency.name)).to_be_visible()
    page = mine.page
    for name, text in (("contact", "王填的"), ("office_address", "王的地址"), ("verified_by", "只有王改")):
        page.fill(f"input[name={name}]", text)
    page.keyboard.press("Control+s")
    table = page.locator("#differ")
    expect(table.locator("tbody tr")).to_have_count(2)
    expect(page.locator(".alert-danger")).to_contain_text("陈经办")
    mine.picture("form-conflict")
    table.locator("[name='office_address.use'][value=theirs]").check()
    page.keyboard.press("Control+s")
    expect(page.get_by_role("heading", name=agency.name)).to_be_visible()
    row = kept(app, sa.select(Agency).where(Agency.id == agency.id))
    assert (row.contact, row.office_address, row.verify_source, row.verified_by) == ("王填的", "陈的地址", "只有陈改", "只有王改")
    mine.refused(409)
    mine.clean()


@QUIET
def test_the_way_through_the_list_leads_on(site: str, chromium: Browser, session_of: SessionOf) -> None:
    session = session_of()
    for number in (11, 12, 13):
        samples.make(session, Agency, number, office_id(session, OWN), published=True)
    visit = Visit(chromium, site)
    visit.goto("/agency/list/")
    ids = [str(link.get_attribute("href")) for link in visit.page.locator("td.ys-first a").all()]
    visit.goto(ids[0])
    expect(visit.page.locator(".js-before")).to_have_class("btn btn-icon js-before disabled")
    visit.page.locator(".js-after").click()
    expect(visit.page).to_have_url(site + ids[1])
    expect(visit.page.locator(".js-before")).to_have_attribute("href", ids[0])
    expect(visit.page.locator(".js-after")).to_have_attribute("href", ids[2])
    visit.clean()
