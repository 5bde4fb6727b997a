"""Flask-AppBuilder's generic views in the product's look, used in a real browser: add, edit, filter, page, act, delete."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect
from werkzeug.serving import make_server

from app.database import db
from app.scopes import SYSTEM, act_as
from tests import generic_views
from tests.databases import Databases
from tests.generic_views import Kind, Visit
from tests.journeys.visit import QUIET, both_widths
from tests.journeys.visit import Visit as Tab
from tests.people import SECURITY_ADMIN

pytestmark = [pytest.mark.browser, QUIET]


@pytest.fixture(scope="module")
def generic(application: Flask, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application of its own, with the generic views, over a copy of the prepared database."""
    from app.factory import create_app

    with application.app_context():
        db.engine.dispose()
    databases.copy()
    files = tmp_path_factory.mktemp("generic")
    app = create_app({
        "DATABASE_URL": databases.work, "SECRET_KEY": "a key of the tests, long enough for tokens", "JOBS_PATH": ":immediate:",
        "FILES_PATH": str(files), "UPLOAD_FOLDER": f"{files}/", "TESTING": True,
    })  # fmt: skip
    with app.app_context():
        act_as(db.session(), SYSTEM)
        generic_views.add_to(app)
        generic_views.fill()
        db.session.remove()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def site(generic: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, generic, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def signed_in(site: str, chromium: Browser) -> Tab:
    tab = Tab(chromium, site)
    tab.page.set_default_timeout(8000)
    tab.sign_in(SECURITY_ADMIN)
    return tab


@pytest.fixture
def tab(signed_in: Tab) -> Iterator[Tab]:
    """A signed-in page; whatever a test did, nothing went wrong in it and nothing was asked of other hosts."""
    signed_in.errors.clear()
    yield signed_in
    signed_in.clean()


def kept(app: Flask, title: str) -> Any:
    with app.app_context():
        act_as(db.session(), SYSTEM)
        row = db.session.scalar(sa.select(Visit).where(Visit.title == title))
        return row and {
            "kind": row.kind,
            "day": row.day,
            "at": row.at,
            "done": row.done,
            "place": str(row.place),
            "tags": [str(tag) for tag in row.tags],
            "file": row.file,
        }


def choose(page: Page, name: str, text: str) -> None:
    """Choose in a select that Tom Select dresses."""
    page.locator(f"select[name={name}] + .ts-wrapper .ts-control").click()
    page.locator(f"select[name={name}] + .ts-wrapper .option", has_text=text).first.click()


PAGES = [
    "/visits/list/", "/visits/add", "/visits/show/1", "/visits/edit/1", "/places/list/", "/places/show/1", "/places/edit/1", "/cascades/show/1",
    "/cascades/edit/1", "/masters/list/", "/masters/list/1", "/both/list/", "/tags/list/", "/remotes/add", "/remotes/edit/1", "/grouped/chart/",
    "/grouped/chart/1", "/direct/chart/", "/oldchart/chart/", "/oldtimes/chart/", "/ask/form", "/aslinks/list/", "/astiles/list/", "/aslines/list/",
    "/asthumbs/list/", "/aspictures/list/", "/asblocks/list/", "/asblocks/show/1", "/asblocks/add", "/asblocks/edit/1", "/upright/show/1", "/upright/add",
]  # fmt: skip


@both_widths
def test_every_generic_page_is_clean(tab: Tab, site: str, width: int) -> None:
    page = tab.page
    page.set_viewport_size({"width": width, "height": 900})
    for path in PAGES:
        answer = page.goto(site + path)
        assert answer is not None
        assert answer.status == 200, path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{path} scrolls sideways at {width}"
        assert page.locator("select.js-pick:not(.tomselected)").count() == 0, f"{path} has a bare select"
        tab.clean()
    page.set_viewport_size({"width": 1366, "height": 900})


def test_a_record_is_added_with_every_kind_of_field(tab: Tab, site: str, generic: Flask, tmp_path: Path) -> None:
    page = tab.page
    page.goto(f"{site}/visits/list/")
    page.get_by_role("link", name="新增").click()
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#h-title .ys-why")).to_be_visible()
    expect(page.locator("#h-place .ys-why")).to_be_visible()
    page.fill("input[name=title]", "春季走访")
    page.fill("input[name=day]", "不是日期")
    page.fill("textarea[name=note]", "这段话不能丢")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#h-day .ys-why")).to_be_visible()
    expect(page.locator("input[name=day]")).to_have_value("不是日期")
    expect(page.locator("textarea[name=note]")).to_have_value("这段话不能丢")
    choose(page, "place", "棋盘山镇")
    choose(page, "kind", "车间")
    choose(page, "tags", "急")
    page.keyboard.press("Escape")
    page.fill("input[name=day]", "2026年3月5日")
    page.fill("input[name=hours]", "2")
    page.locator("input[name=at]").click()
    page.locator(".flatpickr-calendar.open .flatpickr-day.today").click()
    page.locator(".flatpickr-calendar.open .flatpickr-hour").fill("14")
    page.locator(".flatpickr-calendar.open .flatpickr-minute").fill("05")
    page.keyboard.press("Enter")
    page.check("input[name=done]")
    scan = tmp_path / "说明.txt"
    scan.write_text("说明", encoding="utf-8")
    page.set_input_files("input[name=file]", scan)
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".alert-success")).to_be_visible()
    assert page.url == f"{site}/visits/list/", "back to where one came from"
    row = kept(generic, "春季走访")
    assert (row["kind"], str(row["day"]), row["done"], row["place"], row["tags"]) == (Kind.WORKSHOP, "2026-03-05", True, "棋盘山镇", ["急"])
    assert (row["at"].hour, row["at"].minute) == (14, 5)
    assert row["file"]


def test_a_record_is_changed_and_a_box_unticked(tab: Tab, site: str, generic: Flask) -> None:
    page = tab.page
    page.goto(f"{site}/visits/show/3")
    expect(page.get_by_role("heading", name="走访03")).to_be_visible()
    page.get_by_role("link", name="修改").click()
    expect(page.locator("input[name=at]")).to_have_value("2026-03-15 09:30")
    page.fill("input[name=at]", "2026-04-01 16:45")
    page.locator("h1").click()
    page.uncheck("input[name=done]")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("2026-04-01 16:45")).to_be_visible()
    assert page.url == f"{site}/visits/show/3"
    assert kept(generic, "走访03")["done"] is False


@pytest.mark.one_database
def test_what_a_rule_refuses_stays_in_the_form(tab: Tab, site: str, generic: Flask) -> None:
    page = tab.page
    page.goto(f"{site}/visits/add")
    page.fill("input[name=title]", "不行")
    choose(page, "place", "围场镇")
    choose(page, "kind", "商店")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("这个事项不能登记")).to_be_visible()
    expect(page.locator("input[name=title]")).to_have_value("不行")
    assert kept(generic, "不行") is None


def test_filters_are_a_plain_form_whose_conditions_can_be_taken_away(tab: Tab, site: str) -> None:
    page = tab.page
    page.goto(f"{site}/visits/list/")
    page.fill("input[name=_flt_2_title]", "走访")
    choose(page, "_flt_0_place", "围场镇")
    page.locator(".js-filter", has_text="日期").locator(".js-operator").select_option(label="大于")
    page.locator("input[name=_flt_1_day]").fill("2026-03-01")
    page.keyboard.press("Escape")
    choose(page, "_flt_0_done", "否")
    page.get_by_role("button", name="筛选").click()
    assert "_flt_0_hours" not in page.url, "what nobody filled in is not sent"
    chips = page.locator(".ys-chips a.ys-chip")
    expect(chips).to_have_count(4)
    before = page.locator("tbody tr").count()
    assert 0 < before < 12
    chips.filter(has_text="地点").click()
    expect(chips).to_have_count(3)
    expect(page.locator("tbody tr")).not_to_have_count(before)
    page.get_by_role("link", name="清除全部条件").click()
    expect(chips).to_have_count(0)
    page.goto(f"{site}/visits/list/?_flt_0_kind=SHOP&_flt_0_hours=")
    assert page.url == f"{site}/visits/list/?_flt_0_kind=SHOP"
    expect(page.locator("tbody td[data-label=类别]").first).to_have_text("商店")


def test_pages_follow_each_other_and_columns_sort(tab: Tab, site: str) -> None:
    page = tab.page
    page.goto(f"{site}/visits/list/")
    page.get_by_role("link", name="下一页").click()
    expect(page.locator(".page-item.active")).to_have_text("2")
    page.locator("thead").get_by_role("link", name="小时数").click()
    page.locator("thead").get_by_role("link", name="小时数").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("小时数")


@pytest.mark.one_database
def test_an_action_takes_the_ticked_rows_and_asks_first(tab: Tab, site: str, generic: Flask) -> None:
    page = tab.page
    page.goto(f"{site}/visits/list/?_flt_3_title=走访05")
    page.get_by_role("button", name="标为完成").click()
    expect(page.locator("#say")).to_contain_text("请先勾选记录")
    page.locator("#say button").click()
    page.locator("tbody .js-ticked").check()
    expect(page.get_by_text("已选 1 条")).to_be_visible()
    page.get_by_role("button", name="标为完成").click()
    expect(page.locator("#confirm")).to_contain_text("确定把勾选的走访标为完成吗")
    page.locator("#confirm").get_by_role("button", name="取消").click()
    assert kept(generic, "走访05")["done"] is False
    page.get_by_role("button", name="标为完成").click()
    page.locator("#confirm").get_by_role("button", name="确定").click()
    expect(page.locator("tbody td[data-label=已完成]")).to_have_text("是")
    assert kept(generic, "走访05")["done"] is True


def test_deleting_asks_and_what_is_named_elsewhere_stays(tab: Tab, site: str, generic: Flask) -> None:
    page = tab.page
    page.goto(f"{site}/visits/list/?_flt_3_title=走访07")
    page.locator("tbody").get_by_role("button", name="删除").click()
    expect(page.locator("#confirm")).to_contain_text("走访07")
    page.locator("#confirm").get_by_role("button", name="确定").click()
    expect(page.locator(".ys-empty")).to_be_visible()
    assert kept(generic, "走访07") is None
    page.goto(f"{site}/places/list/")
    page.locator("tr", has_text="围场镇").get_by_role("button", name="删除").click()
    page.locator("#confirm").get_by_role("button", name="确定").click()
    expect(page.locator(".alert-danger")).to_contain_text("还有别的记录引用它")
    expect(page.locator("tr", has_text="围场镇")).to_be_visible()


def test_a_related_record_is_added_from_its_parent(tab: Tab, site: str, generic: Flask) -> None:
    page = tab.page
    page.goto(f"{site}/places/show/2")
    page.get_by_role("tab", name="走访").click()
    page.locator("#VisitView").get_by_role("link", name="新增").click()
    expect(page.locator("select[name=place]")).to_have_count(0)
    page.fill("input[name=title]", "从地点新增")
    choose(page, "kind", "商店")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".alert-success")).to_be_visible()
    assert kept(generic, "从地点新增")["place"] == "四合永镇"


@pytest.mark.one_database
def test_a_list_with_its_form_on_one_page(tab: Tab, site: str) -> None:
    page = tab.page
    page.goto(f"{site}/tags/list/")
    page.get_by_role("link", name="新增").click()
    page.fill("input[name=name]", "新标签")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("tbody")).to_contain_text("新标签")


@pytest.mark.one_database
def test_fetched_options_follow_their_master(tab: Tab, site: str, generic: Flask) -> None:
    page = tab.page
    page.goto(f"{site}/remotes/add")
    page.fill("input[name=title]", "远程选择")
    choose(page, "kind", "商店")
    choose(page, "place", "四合永镇")
    page.locator("select[name=other] + .ts-wrapper .ts-control").click()
    expect(page.locator("select[name=other] + .ts-wrapper .option", has_text="走访01")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".alert-success")).to_be_visible()
    assert kept(generic, "远程选择")["place"] == "四合永镇"


@pytest.mark.one_database
def test_options_that_come_late_are_listed_where_somebody_waits_for_them(tab: Tab, site: str, generic: Flask) -> None:
    page = tab.page
    page.goto(f"{site}/remotes/add")
    late: list[Route] = []

    def hold(route: Route) -> None:  # Playwright takes no built-in method
        late.append(route)

    page.route("**/options/visits/*", hold)
    with page.expect_request("**/options/visits/*"):
        choose(page, "place", "四合永镇")
    page.locator("select[name=other] + .ts-wrapper .ts-control").click()
    expect(page.locator("select[name=other] + .ts-wrapper.focus")).to_be_visible()
    for route in late:
        route.continue_()
    expect(page.locator("select[name=other] + .ts-wrapper .option", has_text="走访01")).to_be_visible()


def test_a_chart_is_a_table_with_bars(tab: Tab, site: str) -> None:
    page = tab.page
    page.goto(f"{site}/grouped/chart/")
    expect(page.locator(".ys-chart thead")).to_contain_text("小时数")
    expect(page.locator(".ys-chart tbody tr", has_text="围场镇").locator("progress")).to_have_count(2)
    page.get_by_role("link", name="月份").click()
    expect(page.locator(".ys-chart tbody")).to_contain_text("2026-01")


@pytest.mark.parametrize("query", ["_flt_0_done=maybe", "_flt_0_kind=NOTHING", "_flt_1_day=soon", "_flt_0_place=x"])
def test_odd_values_of_filters_are_refused_in_words(generic: Flask, tab: Tab, site: str, query: str) -> None:
    answer = tab.page.request.get(f"{site}/visits/list/?{query}")
    assert answer.status == 400
    assert "筛选条件" in answer.text()
