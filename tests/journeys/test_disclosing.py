"""Seeing what is masked: the clerk says what for, asks for a file, the head grants it. In pictures, and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, expect

from app import registry
from models import Agency
from tests import samples
from tests.conftest import SessionOf
from tests.journeys.visit import QUIET, Visit, both_widths
from tests.people import OWN, PRIVACY_CLERK, SECTION_HEAD

pytestmark = QUIET
MOBILE = "13812345678"


@pytest.fixture
def agency(session_of: SessionOf) -> Any:
    session = session_of()
    unit: Any = registry.need("org_unit")
    row = samples.make(session, Agency, 7, session.scalar(sa.select(unit.id).where(unit.name == OWN)))
    row.name, row.mobile = "承德安评技术有限公司", MOBILE
    session.commit()
    return row


@both_widths
def test_a_look_and_a_file(app: Flask, agency: Any, site: str, chromium: Browser, width: int) -> None:
    clerk, head = Visit(chromium, site, width), Visit(chromium, site, width)
    clerk.sign_in(PRIVACY_CLERK)
    clerk.goto(f"/agency/show/{agency.id}")
    expect(clerk.page.get_by_text("138****5678")).to_be_visible()
    clerk.picture("reveal-button")
    clerk.page.get_by_role("link", name="查看完整信息").click()
    clerk.picture("reveal-asking")
    clerk.page.get_by_label("其他", exact=True).check()
    clerk.page.get_by_role("button", name="记录并显示").click()
    expect(clerk.page.get_by_role("alert")).to_contain_text("请写明具体用途")
    clerk.page.get_by_label("联系本人").check()
    clerk.page.get_by_role("button", name="记录并显示").click()
    expect(clerk.page.get_by_text(MOBILE)).to_be_visible()
    assert MOBILE not in clerk.page.url
    clerk.picture("reveal-shown")

    clerk.goto("/disclosures/")
    clerk.page.get_by_label("导出完整信息，一次").check()
    clerk.page.select_option("#register", "agency")
    clerk.page.select_option("#purpose", "handle")
    clerk.page.fill("#note", "核对全县中介机构的联系人")
    clerk.picture("disclosures-asking")
    clerk.page.get_by_role("button", name="提交申请").click()
    expect(clerk.page.get_by_role("heading", name="我的申请，等待处理")).to_be_visible()

    head.sign_in(SECTION_HEAD)
    head.page.get_by_text("脱敏授权：1 个申请等您处理").click()
    head.picture("disclosures-deciding")
    head.page.get_by_placeholder("给申请人的话").fill("同意，用完请删除")
    head.page.get_by_role("button", name="同意", exact=True).click()
    expect(head.page.get_by_text("已同意").first).to_be_visible()
    head.picture("disclosures-decided")

    clerk.goto("/agency/list/")
    clerk.page.get_by_role("button", name="导出").click()
    clerk.picture("export-granted")
    with clerk.page.expect_download() as taken:
        clerk.page.get_by_role("button", name="导出完整信息").click()
    assert taken.value.suggested_filename.startswith("中介机构")
    assert "_完整信息_DC" in taken.value.suggested_filename
    clerk.goto("/disclosures/")
    expect(clerk.page.get_by_text("已导出，编号")).to_be_visible()
    clerk.picture("disclosures-used")
    assert not clerk.outside + head.outside
    assert not [said for said in clerk.errors + head.errors if "422" not in said]


@pytest.mark.one_database
def test_it_works_without_scripts(app: Flask, agency: Any, site: str, chromium: Browser) -> None:
    plain = Visit(chromium, site)
    plain.page = chromium.new_context(java_script_enabled=False, locale="zh-CN").new_page()
    plain.sign_in(PRIVACY_CLERK)
    plain.goto(f"/agency/show/{agency.id}")
    plain.page.get_by_role("link", name="查看完整信息").click()
    plain.page.get_by_label("核对身份").check()
    plain.page.get_by_role("button", name="记录并显示").click()
    expect(plain.page.get_by_text(MOBILE)).to_be_visible()
    expect(plain.page.get_by_text("本次查看已记录")).to_be_visible()
