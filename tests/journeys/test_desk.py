"""The desk in a real browser: plots are drawn, lead to lists, and come out as files; in the dark and on a phone too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from app.clock import today
from models.agency import Agency, Qualification
from tests import samples
from tests.conftest import SessionOf
from tests.journeys.visit import QUIET, Visit, both_widths
from tests.people import CLERK, LEADER, OTHER, OWN
from tests.test_matrix import office_id

pytestmark = pytest.mark.browser

PAINTED = """canvas => { const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set(); for (let i = 0; i < all.length; i += 4) { if (all[i + 3] > 200) { seen.add(all[i] + ',' + all[i + 1] + ',' + all[i + 2]); } } return seen.size; }"""


@pytest.fixture
def ledger(session_of: SessionOf) -> dict[str, Any]:
    """Two agencies of the clerk's office, one elsewhere; a certificate that ends in five days."""
    session = session_of()
    rows = {
        name: samples.make(session, Agency, number, office_id(session, office))
        for number, (name, office) in enumerate((("甲", OWN), ("乙", OWN), ("丙", OTHER)))
    }
    session.add(Qualification(parent_id=rows["甲"].id, cert_type="安全评价机构资质证书", cert_no="APJ-(冀)-777", valid_to=today() + timedelta(days=5)))
    session.commit()
    return rows


def canvas(visit: Visit, name: str) -> Locator:
    """A plot's canvas, once it is painted."""
    found = visit.page.locator(f"#{name} canvas")
    expect(found).to_be_visible()
    assert found.evaluate(PAINTED) > 5, f"{name} is an empty canvas"
    return found


@QUIET
@both_widths
def test_a_clerk_starts_the_day(site: str, chromium: Browser, ledger: dict[str, Any], tmp_path: Path, width: int) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(CLERK)
    visit.goto("/")
    expect(page.get_by_role("heading", name="等我处理")).to_be_visible()
    expect(page.locator("#due")).to_contain_text("还有 5 天")
    for name in ("records", "added", "expiring"):
        canvas(visit, name)
    visit.picture("desk")
    visit.clean()

    with page.expect_download() as waiting:
        page.locator("#records .dropdown .btn").click()
        page.locator("#records .js-plot-picture").click()
    assert waiting.value.suggested_filename == "各登记表有多少条记录.png"
    waiting.value.save_as(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as waiting:
        page.locator("#records .dropdown .btn").click()
        page.locator("#records").get_by_role("link", name=".csv").click()
    waiting.value.save_as(tmp_path / "plot.csv")
    assert "中介机构,2" in (tmp_path / "plot.csv").read_text(encoding="utf-8-sig")

    box = canvas(visit, "records").bounding_box()
    assert box
    names = page.evaluate("echarts.getInstanceByDom(document.querySelector('#records .ys-canvas')).convertToPixel({ seriesIndex: 0 }, [1, '中介机构'])")
    page.mouse.click(box["x"] + names[0], box["y"] + names[1])
    page.wait_for_url("**/agency/list/**")
    expect(page.get_by_text("共 2 条")).to_be_visible()
    visit.clean()


@QUIET
@both_widths
def test_a_leader_looks_over_all_in_the_dark(site: str, chromium: Browser, ledger: dict[str, Any], width: int) -> None:
    visit = Visit(chromium, site, width)
    page = visit.page
    visit.sign_in(LEADER)
    visit.goto("/overview/")
    before = canvas(visit, "offices").evaluate("canvas => canvas.toDataURL()")
    page.locator(".js-theme >> visible=true").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert canvas(visit, "offices").evaluate("canvas => canvas.toDataURL()") != before, "the plots follow the look"
    page.locator("#offices td a").first.click()
    page.wait_for_url("**/agency/list/**")
    visit.goto("/overview/")
    visit.picture("overview-dark")
    visit.clean()


@QUIET
@pytest.mark.one_database
def test_a_plot_is_read_without_seeing_it(site: str, chromium: Browser, ledger: dict[str, Any]) -> None:
    visit = Visit(chromium, site)
    page = visit.page
    visit.sign_in(CLERK)
    visit.goto("/")
    canvas(visit, "records")
    page.locator("#records summary").press("Enter")
    link = page.locator("#records td a").first
    expect(link).to_be_visible()
    link.press("Enter")
    page.wait_for_url("**/agency/list/**")
    visit.clean()
