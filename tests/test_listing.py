"""The list as people work in it: filters, parts for htmx, columns, saved views, totals, long registers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from app import paging, registry, saved_views
from app.clock import today
from app.database import db
from app.queries import filterable
from app.register import PublishState
from app.saved_views import SavedView
from app.scopes import SYSTEM, act_as, scope_of
from models.agency import Agency
from tests import samples
from tests.conftest import Browser, SessionOf, Statements
from tests.people import CLERK, LEADER, OFFICER, OTHER, OTHER_CLERK, OWN, SUPERVISOR, VISITOR
from tests.test_paging import office

SignIn = Callable[..., Browser]
LIST = "/agency/list/"


@pytest.fixture
def agencies(session_of: SessionOf) -> list[Any]:
    """Three agencies of the clerk's office, one of another."""
    session = session_of()
    rows = [samples.make(session, Agency, number, office(session, OWN if number < 4 else OTHER)) for number in range(1, 5)]
    for number, row in enumerate(rows):
        row.fixed_assets = Decimal(10 * (number + 1))
        row.verified_on = today() + timedelta(days=40 * (number - 1))
        row.mobile = f"1381234567{number}"
    session.commit()
    return rows


def page_of(browser: Browser, path: str, status: int = 200, **headers: str) -> BeautifulSoup:
    answer = browser.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == status, answer.text[:500]
    return BeautifulSoup(answer.data, "html.parser")


def names(page: BeautifulSoup) -> list[str]:
    return [row.select_one(".ys-first a").get_text() for row in page.select("tbody tr[data-id]")]


def heads(page: BeautifulSoup) -> list[str]:
    return [head.get_text(strip=True) for head in page.select("thead th:not(.ys-tick)")]


def save(browser: Browser, query: str = "", columns: str = "name,uscc", register: str = "agency", **facts: str) -> Any:
    data = {"name": "我的视图", "query": query, "columns": columns, **facts}
    return browser.post(f"/{register}/views", data, token_from=f"/{register}/views")


def saved(app: Flask) -> list[SavedView]:
    with app.app_context():
        act_as(db.session(), SYSTEM)
        return list(db.session.scalars(sa.select(SavedView).where(SavedView.name != "").order_by(SavedView.id)))


# parts --------------------------------------------------------------------------------------------


def test_htmx_gets_only_the_part_it_asks_for(agencies: list[Any], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    answer = browser.get(f"{LIST}?q=&f.kind=&f.name.like=name&sort=name", headers={"HX-Request": "true", "HX-Target": "results"})
    assert "<html" not in answer.text
    assert answer.text.lstrip().startswith('<div id="results"')
    assert 'id="filters"' not in answer.text
    assert answer.headers["HX-Push-Url"] == f"{LIST}?f.name.like=name&sort=name"
    assert "HX-Request" in answer.headers["Vary"]
    whole = browser.get(LIST, headers={"HX-Request": "true", "HX-Target": "list"}).text
    assert 'id="filters"' in whole
    assert "<html" not in whole
    back = browser.get(LIST, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in back.text
    assert "HX-Request" in back.headers["Vary"]


def test_a_refusal_comes_as_a_part_with_its_sentence(sign_in: SignIn) -> None:
    page = page_of(sign_in(CLERK), f"{LIST}?f.fixed_assets.from=很多", HX_Request="true", HX_Target="results")
    assert "固定资产" in page.select_one("#results [role=alert]").get_text()
    assert page.select_one("#results a")["href"] == LIST


# filters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [entry.register for entry in registry.entries()], ids=lambda cls: cls.__key__)
def test_every_field_that_filters_has_a_control_and_no_other(session_of: SessionOf, sign_in: SignIn, cls: Any) -> None:
    allowed = set(filterable(scope_of(session_of(CLERK)), cls))
    for path in (f"/{cls.__key__}/filters", f"/{cls.__key__}/list/"):
        page = page_of(sign_in(CLERK), path)
        sent = {control["name"].removeprefix("f.").partition(".")[0] for control in page.select("form [name^='f.']")}
        assert sent == allowed if path.endswith("filters") else sent <= allowed and sent
        assert all(len(select.find_all("option")) <= 50 for select in page.find_all("select")), path


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("f.verified_on.within=past", [0]),
        ("f.verified_on.within=next30", [1]),
        ("f.verified_on.within=next90", [1, 2]),
        ("f.fixed_assets.from=15&f.fixed_assets.to=25", [1]),
        ("f.fixed_assets.from=15&f.verified_on.within=next90", [1, 2]),
        ("f.is_branch=否", [0, 1, 2]),
        ("f.website.empty=1", []),
        ("f.website.empty=0&f.org_unit=基础股&f.org_unit=危化股", [0, 1, 2]),
    ],
)
def test_filters_narrow(agencies: list[Any], sign_in: SignIn, query: str, expected: list[int]) -> None:
    page = page_of(sign_in(CLERK), f"{LIST}?{query}")
    assert names(page) == [agencies[place].name for place in reversed(expected)]
    assert len(page.select(".ys-chip")) == len(set(parse_qs(query)))
    filled = page_of(sign_in(CLERK), f"/agency/filters?{query}")
    for name, values in parse_qs(query).items():
        controls = filled.select(f"[name='{name}']")
        kept = [option["value"] for control in controls for option in control.select("option[selected]")] or [control.get("value") for control in controls]
        assert sorted(kept) == sorted(values), name


def test_filters_that_are_out_of_sight_are_carried_along(agencies: list[Any], sign_in: SignIn) -> None:
    page = page_of(sign_in(CLERK), f"{LIST}?f.legal_rep.like=张&f.fixed_assets.over=5&voided=1&sort=-name&size=10")
    carried = {field["name"]: field["value"] for field in page.select("#filters input[type=hidden], input[form=filters]")}
    assert carried == {"f.legal_rep.like": "张", "f.fixed_assets.over": "5", "voided": "1", "sort": "-name", "size": "10"}


@pytest.mark.parametrize("query", ["f.verified_on.within=someday", "f.name.within=past", "after=x", "before=0", "sort=kind"])
def test_odd_places_and_periods_get_a_sentence(sign_in: SignIn, query: str) -> None:
    assert page_of(sign_in(CLERK), f"{LIST}?{query}", 400).h1.get_text(strip=True)


# rows ---------------------------------------------------------------------------------------------


def test_a_row_carries_what_other_parts_need(agencies: list[Any], sign_in: SignIn) -> None:
    page = page_of(sign_in(CLERK), f"{LIST}?sort=name")
    row = page.select_one("tbody tr")
    assert row["data-id"] == str(agencies[0].id)
    assert row["data-version"] == str(agencies[0].row_version)
    assert {cell["data-field"] for cell in row.select("td[data-field]")} >= {"name", "uscc"}
    assert row.select_one("td[data-field=name]")["data-label"] == "机构名称"
    tick = row.select_one("input.js-tick")
    assert (tick["name"], tick["form"], tick["value"]) == ("ids", "bulk", row["data-id"])
    assert page.select_one("th[aria-sort=ascending]").get_text(strip=True) == "机构名称"
    assert page.select_one("#sort-name")["href"].endswith("sort=-name")


def test_a_list_of_a_thousand_cells_asks_few_questions(agencies: list[Any], sign_in: SignIn, statements: Statements) -> None:
    browser = sign_in(CLERK)
    browser.get(LIST)
    statements.texts.clear()
    page_of(browser, f"{LIST}?sort=name")
    ours = [text for text in statements.texts if "FROM agency" in text or "saved_view" in text]
    assert len(ours) == 2, ours  # one page of few rows needs no count
    assert not [text for text in ours if "fee_standard" in text], "only the columns that the list shows"


def test_totals_stand_under_numbers_that_add_up(agencies: list[Any], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    data = {"columns": ["name", "fixed_assets", "full_time_evaluators", "mobile"]}
    assert browser.post("/agency/columns", data, token_from="/agency/columns").status_code == 302
    foot = page_of(browser, LIST).select_one("tfoot")
    assert foot.select_one("[data-field=fixed_assets]").get_text() == "60"
    assert foot.select_one("[data-field=full_time_evaluators]").get_text().isdecimal()
    assert foot.select_one("[data-field=mobile]").get_text() == ""
    assert page_of(browser, f"{LIST}?f.fixed_assets.from=15").select_one("tfoot [data-field=fixed_assets]").get_text() == "50"
    assert page_of(browser, f"{LIST}?q=没有").select_one("tfoot") is None


# long registers -----------------------------------------------------------------------------------


def test_a_long_register_is_paged_from_both_ends(agencies: list[Any], sign_in: SignIn, statements: Statements, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST", 2)
    browser = sign_in(CLERK)
    page = page_of(browser, f"{LIST}?size=1&sort=name&page=2")
    assert "2+" in page.select_one(".ys-tally").get_text()
    assert [step.get_text() for step in page.select(".ys-step")] == ["1", "2"]
    third = page_of(browser, page.select_one("#page-next")["href"])
    assert names(third) == [agencies[2].name]
    assert third.select_one("#page-next") is None
    assert names(page_of(browser, third.select_one("#page-previous")["href"])) == [agencies[1].name]
    assert names(page_of(browser, third.select_one("#page-first")["href"])) == [agencies[0].name]
    assert names(page_of(browser, page.select_one("#page-last")["href"])) == [agencies[2].name]
    statements.texts.clear()
    beyond = page_of(browser, f"{LIST}?size=1&sort=name&page=900")
    assert not [text for text in statements.texts if "FROM agency" in text and "ORDER BY" in text], "no page is found by skipping the whole register"
    links = {link.get_text(): link["href"] for link in beyond.select(".ys-empty a")}
    assert names(page_of(browser, links["最后一页"])) == [agencies[2].name]
    assert names(page_of(browser, links["到第 2 页"])) == [agencies[1].name]


# columns ------------------------------------------------------------------------------------------


def test_columns_are_chosen_and_ordered_by_each_person(app: Flask, agencies: list[Any], sign_in: SignIn) -> None:
    browser, colleague = sign_in(CLERK), sign_in(OFFICER)
    usual = heads(page_of(browser, LIST))
    page = page_of(browser, "/agency/columns?sort=name")
    assert {box["value"] for box in page.select("input[name=columns]")} == {field.key for field in scope_fields(app)}
    data = {"columns": ["legal_rep", "name", "mobile", "no_such"], "query": "sort=name"}
    answer = browser.post("/agency/columns", data, token_from="/agency/columns")
    assert answer.headers["Location"].endswith(f"{LIST}?sort=name")
    page = page_of(browser, LIST)
    assert heads(page) == ["法定代表人", "机构名称", "联系人手机"]
    assert "1381234567" not in page.get_text(), "a chosen column is masked like any other"
    assert heads(page_of(colleague, LIST)) == usual
    assert browser.post("/agency/columns", {"reset": "1"}, token_from="/agency/columns").status_code == 302
    assert heads(page_of(browser, LIST)) == usual
    assert sign_in(VISITOR).get("/agency/columns").status_code == 403


def scope_fields(app: Flask) -> list[Any]:
    with app.app_context():
        return act_as(db.session(), SYSTEM).readable(Agency)


# saved views --------------------------------------------------------------------------------------


def test_a_view_keeps_filters_search_order_columns_and_size(app: Flask, agencies: list[Any], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    query = "f.fixed_assets.from=15&q=name&sort=-name&size=10&page=7&of=3&evil=1"
    answer = save(browser, query, "fixed_assets,name")
    (view,) = saved(app)
    assert view.query == "f.fixed_assets.from=15&q=name&size=10&sort=-name"
    assert answer.headers["Location"].endswith(f"{LIST}?view={view.id}")
    page = page_of(browser, f"{LIST}?view={view.id}")
    assert heads(page) == ["固定资产（万元）", "机构名称"]
    assert len(names(page)) == 2
    assert "我的视图" in page.select_one(".ys-bar-tools").get_text()
    without = page.select_one(".ys-chip")["href"]
    assert "view=" not in without
    assert "of=" in without
    less = page_of(browser, without)
    assert "已改动" in less.select_one(".ys-bar-tools").get_text()
    form = less.select_one(f"form[action$='/views/{view.id}']")
    data = {field["name"]: field["value"] for field in form.select("input")}
    assert browser.client.post(f"/agency/views/{view.id}", data=data).status_code == 302
    assert saved(app)[0].query == urlsplit(without).query.replace(f"&of={view.id}", "")


def test_a_view_is_opened_first_where_its_owner_wants_it(app: Flask, agencies: list[Any], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    save(browser, "f.fixed_assets.from=25", opens="1")
    view = saved(app)[0]
    page = page_of(browser, LIST)
    assert names(page) == [agencies[2].name]
    assert len(names(page_of(browser, page.select_one(".ys-chip")["href"]))) == 3
    assert len(names(page_of(browser, page.select_one(".ys-clear")["href"]))) == 3
    assert len(names(page_of(browser, f"{LIST}?of=0&q="))) == 3, "the filter form, emptied"
    assert len(names(page_of(sign_in(OFFICER), LIST))) == 3
    assert browser.post("/agency/views/0/opens", token_from=LIST).status_code == 302
    assert len(names(page_of(browser, LIST))) == 3
    browser.post(f"/agency/views/{view.id}/opens", token_from=LIST)
    assert len(names(page_of(browser, LIST))) == 1
    browser.post(f"/agency/views/{view.id}/delete", token_from=LIST)
    assert len(names(page_of(browser, LIST))) == 3


def test_a_shared_view_is_only_arguments(app: Flask, agencies: list[Any], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    owner = sign_in(CLERK)
    save(owner, "f.fixed_assets.from=15&f.legal_rep.like=张&sort=uscc", "name,uscc,mobile", shared="1")
    save(owner, "q=x", name="私人")
    shared, private = saved(app)
    colleague = sign_in(OFFICER)
    page = page_of(colleague, f"{LIST}?view={shared.id}")
    assert len(names(page)) == 2
    assert "1381234567" not in page.get_text()
    assert "私人" not in page.get_text()
    for person, number in ((OFFICER, private.id), (OTHER_CLERK, shared.id), (LEADER, shared.id), (VISITOR, shared.id)):
        refused = page_of(sign_in(person), f"{LIST}?view={number}", 404)
        assert "没有共享给您的股室" in refused.get_text()
    for tail in ("", "/delete"):
        assert colleague.post(f"/agency/views/{shared.id}{tail}", {"name": "抢走"}, token_from=LIST).status_code == 404
    assert [view.name for view in saved(app)] == ["我的视图", "私人"]
    with app.app_context():
        assert not session.scalar(sa.select(Agency.id).where(Agency.publish_state == PublishState.PUBLISHED.value))


def test_a_view_leaves_out_what_its_reader_may_not_see(app: Flask, agencies: list[Any], sign_in: SignIn) -> None:
    save(sign_in(CLERK), "f.fixed_assets.from=15", "name,uscc", shared="1")
    with app.app_context():
        act_as(db.session(), SYSTEM)
        view = db.session.get(SavedView, saved(app)[0].id)
        view.query = "f.fixed_assets.from=15&f.mobile.like=138&f.kind=没有这种&f.no_such=1&sort=mobile"
        view.columns = "name,no_such"
        db.session.commit()
        number = view.id
    page = page_of(sign_in(OFFICER), f"{LIST}?view={number}")
    notes = " ".join(note.get_text(" ", strip=True) for note in page.select("#results .alert-warning"))
    assert "联系人手机" in notes
    assert "机构类别" in notes
    assert "您无权查看的字段" in notes
    assert "列" in notes
    assert len(names(page)) == 2
    assert [chip.get_text(" ", strip=True) for chip in page.select(".ys-chip")] == ["固定资产：≥ 15 ×"]


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"name": " "}, "起个名字"),
        ({"name": "长" * 41}, "最多 40 个字"),
        ({"name": "重名"}, "已有名为"),
        ({"query": "f.mobile=138"}, "筛选条件"),
    ],
)
def test_a_view_that_cannot_be_kept_says_why(app: Flask, sign_in: SignIn, facts: dict[str, str], sentence: str) -> None:
    browser = sign_in(CLERK)
    save(browser, name="重名")
    answer = save(browser, **facts)
    text = answer.text if answer.status_code == 400 else page_of(browser, answer.headers["Location"]).get_text()
    assert sentence in text
    assert len(saved(app)) == 1


def test_nobody_keeps_more_views_than_the_limit(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST_VIEWS", 2)
    browser = sign_in(CLERK)
    for number in range(4):
        save(browser, name=f"视图{number}", register="agency" if number % 2 else "policy")
    assert len(saved(app)) == 2


def test_who_belongs_to_no_office_shares_with_nobody(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(SUPERVISOR)
    assert page_of(browser, "/agency/views").select_one("input[name=shared]") is None
    answer = save(browser, shared="1")
    assert "不属于任何股室" in page_of(browser, answer.headers["Location"]).get_text()
    assert saved(app) == []
