"""The desk: what waits, what falls due, what changed, the plots; each person sees what the person looks after, and no more."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from app import changes, due, figures, gaps, registry
from app.accounts import Account
from app.charge import ledgers
from app.clock import now, today
from app.formats import LONG_TERM
from app.register import PublishState
from app.scopes import scope_of
from app.signin import duties, guessing
from imports import history
from imports.batch import BatchState, ImportBatch
from models.agency import Agency, DirectoryState, Qualification, QualificationStatus
from models.expert import Expert
from models.policy import Policy
from models.reference import CodeEntry
from models.review import Review
from tests import samples
from tests.conftest import Browser, SessionOf, Statements
from tests.people import (
    AUDIT_ADMIN,
    CLERK,
    EVERYBODY,
    EXPERT_ADMIN,
    LEADER,
    LEGAL,
    OTHER,
    OTHER_CLERK,
    OWN,
    PRIVACY_ONLY,
    SECTION_HEAD,
    SECURITY_ADMIN,
    SUPERVISOR,
    SYSADMIN,
    TOWN_SUPERVISOR,
    VISITOR,
    Persona,
)
from tests.test_matrix import TOWN, _region, office_id

SignIn = Callable[[Persona], Browser]
TODAY = today()
PLOTS = ("records", "states", "added", "expiring")


def agency(session: Any, number: int, office: str, **values: Any) -> Agency:
    """An agency without a date or gap of its own."""
    row = samples.make(session, Agency, number, office_id(session, office))
    for name, value in values.items():
        setattr(row, name, value)
    session.commit()
    return row


def kept_as(session: Any, test: Any, **values: Any) -> None:
    """Write what the session would stamp itself."""
    session.connection().execute(sa.update(Agency.__table__).where(test).values(**values))
    session.commit()


def certificate(session: Any, row: Any, number: int, day: date | None, **values: Any) -> Qualification:
    made = Qualification(parent_id=row.id, cert_type="安全评价机构资质证书", cert_no=f"APJ-(冀)-{number}", valid_to=day, **values)
    session.add(made)
    session.commit()
    return made


@pytest.fixture
def offices(session_of: SessionOf) -> dict[str, Agency]:
    """Two agencies of one's own office (one public), two of another's."""
    session = session_of()
    published = PublishState.PUBLISHED.value
    return {
        "own": agency(session, 11, OWN, name="本股室机构"),
        "own published": agency(session, 12, OWN, name="本股室公开机构", publish_state=published),
        "other": agency(session, 13, OTHER, name="外股室机构"),
        "other published": agency(session, 14, OTHER, name="外股室公开机构", publish_state=published),
    }


def page_of(browser: Browser, path: str = "/") -> BeautifulSoup:
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return BeautifulSoup(answer.data, "html.parser")


def part(page: BeautifulSoup, name: str) -> str:
    found = page.find(id=name)
    return found.get_text(" ", strip=True) if found else ""


def table(page: BeautifulSoup, name: str) -> dict[str, list[str]]:
    """The numbers behind a plot, by the head of the row."""
    found = page.find(id=name)
    rows = found.select("tbody tr") if found else []
    return {row.select_one(".ys-bar-name").get_text(strip=True): [cell.get_text(strip=True) for cell in row.select(".ys-number")] for row in rows}


# what one looks after -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "expected"),
    [(CLERK, 2), (OTHER_CLERK, 2), (SECTION_HEAD, 2), (LEGAL, 4), (LEADER, 4), (SUPERVISOR, 4), (TOWN_SUPERVISOR, 0)],
    ids=lambda value: getattr(value, "username", value),
)
def test_nobody_counts_rows_of_others(offices: dict[str, Agency], session_of: SessionOf, sign_in: SignIn, person: Persona, expected: int) -> None:
    session = session_of(person)
    cells = figures.census(session, ledgers(scope_of(session)), figures.year_until(TODAY))
    assert sum(cell.count for cell in cells[Agency]) == expected
    page = page_of(sign_in(person), "/desk/plots")
    shown = [int(number) for number in table(page, "records").get("中介机构", [])]
    assert sum(shown) == expected


def test_a_bar_leads_to_a_list_of_as_many(offices: dict[str, Agency], sign_in: SignIn) -> None:
    for person in (CLERK, LEADER, SUPERVISOR):
        browser = sign_in(person)
        links = [cell for name in PLOTS for cell in page_of(browser, "/desk/plots").select(f"#{name} td a")]
        assert links
        for link in links:
            page = page_of(browser, link["href"])
            assert re.search(r"共\s*([\d,]+)", page.get_text()).group(1) == link.get_text(strip=True), (person.username, link["href"])  # type: ignore[union-attr]


def test_a_supervisor_of_a_town_sees_the_town(offices: dict[str, Agency], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    session.merge(offices["other"]).region_id = _region(session, TOWN)
    session.commit()
    page = page_of(sign_in(TOWN_SUPERVISOR))
    assert "外股室机构" in part(page, "latest")
    assert "本股室机构" not in page.get_text()


@pytest.mark.parametrize("person", [PRIVACY_ONLY, AUDIT_ADMIN, SYSADMIN], ids=lambda person: person.username)
def test_who_looks_after_no_ledger_has_no_plots(offices: dict[str, Agency], sign_in: SignIn, person: Persona) -> None:
    page = page_of(sign_in(person))
    assert not page.select(".ys-plots")
    assert not page.find(id="due")
    assert "机构" not in part(page, "latest")


def test_visitors_see_what_is_public_and_nothing_else(offices: dict[str, Agency], app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(VISITOR)
    page = page_of(browser)
    assert "2 条" in page.find("a", href="/agency/list/", class_="ys-register").get_text()
    for word in ("等我处理", "到期提醒", "最近变动", "我的导入"):
        assert word not in page.get_text()
    assert not page.select(".ys-plots, script[src*=echarts]")
    paths = ["/desk/due", "/desk/due.csv", "/desk/incomplete/agency", "/desk/changes", "/desk/plots", "/desk/plots/records.csv"]
    for path in [*paths, "/overview/", "/overview/plots/offices.csv", "/overview/coverage/none"]:
        answer = browser.get(path)
        assert answer.status_code in {302, 403}, path
        assert "机构" not in answer.data.decode()


@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: person.username or "visitor")
def test_every_person_has_a_first_page(offices: dict[str, Agency], sign_in: SignIn, person: Persona) -> None:
    text = page_of(sign_in(person)).get_text()
    assert "本股室机构" not in text or person in {CLERK, SECTION_HEAD, LEGAL, LEADER, SUPERVISOR} or person.office == OWN


# what waits ---------------------------------------------------------------------------------------


def test_what_is_missing_waits_for_the_office(offices: dict[str, Agency], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    for row in offices.values():
        session.merge(row).verified_on = None
    session.commit()
    browser = sign_in(CLERK)
    assert "中介机构：2 条资料不全" in part(page_of(browser), "waiting")
    page = page_of(browser, "/desk/incomplete/agency?step=publish")
    names = [cell.get_text(strip=True) for cell in page.select("td.ys-first")]
    assert sorted(names) == ["本股室公开机构", "本股室机构"]
    assert "核验日期" in page.select_one("td[data-label=还缺]").get_text()
    own, public = (page.find("a", string=name)["href"] for name in ("本股室机构", "本股室公开机构"))
    assert (own, public) == (f"/agency/edit/{offices['own'].id}", f"/agency/show/{offices['own published'].id}"), "the office head changes what is public"
    assert browser.get("/desk/incomplete/agency?step=nothing").status_code == 404
    assert browser.get("/desk/incomplete/region").status_code == 404
    assert "资料不全" not in part(page_of(sign_in(LEADER)), "waiting")


def test_what_is_missing_is_told_like_the_record_tells_it(session_of: SessionOf) -> None:
    session = session_of(EXPERT_ADMIN)
    scope = scope_of(session)
    assert all(not declared.sensitive for cls in ledgers(scope) for declared in gaps.needed(scope, cls)), "an empty sensitive field is nobody's business"
    assert "consent" not in {declared.key for declared in gaps.needed(scope, Expert)}, "a file counts once it hangs on the record"


def test_what_waits_for_approval(offices: dict[str, Agency], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    for name in ("own", "other"):
        session.merge(offices[name]).publish_state = PublishState.PENDING.value
    session.commit()
    for person, count in ((SECTION_HEAD, 1), (LEADER, 2)):
        page = page_of(sign_in(person))
        assert f"中介机构：{count} 条待审公开" in part(page, "waiting")
        link = page.find(id="waiting").find("a", href=re.compile("publish_state=pending"))
        assert f"共 {count} 条" in page_of(sign_in(person), link["href"]).get_text(" ", strip=True)
    assert "待审公开" not in part(page_of(sign_in(CLERK)), "waiting")


def test_new_words_wait_for_the_keeper_alone(session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    session.add(CodeEntry(code_list="expert_speciality", code="新词", label="新词", word_state="pending", source="form"))
    session.commit()
    assert "1 个新词" in part(page_of(sign_in(SYSADMIN)), "waiting")
    assert "新词" not in part(page_of(sign_in(CLERK)), "waiting")


def batch(session: Any, person: Persona, register: str, state: BatchState, name: str, **counts: int) -> ImportBatch:
    made = ImportBatch(
        register=register, file_name=name, sha256="0", mode="upsert", bad_rows="stop", state=state.value, operator=person.username, counts=counts
    )
    session.add(made)
    session.commit()
    return made


def test_locked_and_idle_accounts_wait_for_the_security_administrator_alone(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    long_ago = datetime.now() - duties.IDLE - timedelta(days=1)
    for person in (LEGAL, LEADER):
        session.connection().execute(sa.update(Account.__table__).where(Account.username == person.username).values(created_on=long_ago, last_login=None))
    for kind, subject in (("account", CLERK.username), ("address", "10.0.0.7"), ("address", "10.0.0.8")):
        session.connection().execute(sa.insert(guessing.LOCKS).values(kind=kind, subject=subject, at=now(), until=now() + guessing.WINDOW))
    session.commit()
    administrator = sign_in(SECURITY_ADMIN)
    tasks = {link.span.get_text(): link["href"] for link in page_of(administrator).select("#waiting li a")}
    assert tasks == {
        "1 个账号被锁定": "/account-security/#locked",
        "2 个登录地址被锁定": "/account-security/#locked",
        "2 个账号 90 天未使用": "/account-security/#idle",
    }
    behind = page_of(administrator, "/account-security/")
    assert CLERK.username in behind.select_one("#locked").get_text()
    assert LEGAL.username in behind.select_one("#idle").get_text()
    for person in (SYSADMIN, AUDIT_ADMIN, SECTION_HEAD):
        assert "account-security" not in str(page_of(sign_in(person)).select_one("#waiting"))


def test_ones_own_imports_wait_until_a_later_one_takes_their_place(session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    batch(session, CLERK, "agency", BatchState.STOPPED, "旧的.xlsx", rows=3, wrong=1)
    last = batch(session, CLERK, "agency", BatchState.PLANNED, "待确认.xlsx", rows=3, new=3)
    batch(session, CLERK, "policy", BatchState.PARTLY, "部分.xlsx", rows=9, new=7, wrong=2)
    batch(session, CLERK, "review", BatchState.DONE, "好的.xlsx", rows=2, new=2)
    batch(session, OTHER_CLERK, "agency", BatchState.PLANNED, "别人的.xlsx", rows=1, new=1)
    page = page_of(sign_in(CLERK))
    waiting, mine = part(page, "waiting"), part(page, "imports")
    assert "“待确认.xlsx”已检查" in waiting
    assert page.find("a", href=f"/agency/import/{last.id}")
    assert "“部分.xlsx”有 2 行有问题" in waiting
    assert "旧的" not in waiting
    assert "好的" not in waiting
    assert all(name in mine for name in ("旧的", "待确认", "部分", "好的"))
    assert "别人的" not in page.get_text()
    assert "别人的" not in page_of(sign_in(LEADER)).get_text(), "a batch is its person's own"


# what falls due -----------------------------------------------------------------------------------

BORDERS = {"昨天": -1, "今天": 0, "第七天": 7, "第八天": 8, "第三十天": 30, "第三十一天": 31, "第九十天": 90, "第九十一天": 91}


@pytest.fixture
def dues(offices: dict[str, Agency], session_of: SessionOf) -> dict[str, int]:
    """A certificate at each border of the windows, and those that nobody waits for."""
    session = session_of()
    row = offices["own"]
    for number, days in enumerate(BORDERS.values(), start=1):
        certificate(session, row, number, TODAY + timedelta(days=days))
    certificate(session, row, 51, LONG_TERM)
    certificate(session, row, 52, None)
    certificate(session, row, 53, TODAY, status=QualificationStatus.REVOKED.value)
    certificate(session, row, 54, TODAY, voided_at=now())
    certificate(session, agency(session, 15, OWN, directory_state=DirectoryState.REMOVED.value), 55, TODAY)
    certificate(session, agency(session, 16, OWN, voided_at=now()), 56, TODAY)
    certificate(session, offices["other"], 57, TODAY)
    certificate(session, offices["other published"], 58, TODAY)
    return BORDERS


def _numbers(session: Any, span: due.Span) -> list[str]:
    found = due.items(session, due.kinds(scope_of(session), [Agency]), span, None)
    return [str(item.part).rpartition("-")[2] for item in found]


def test_a_period_ends_on_its_last_day(dues: dict[str, int], session_of: SessionOf) -> None:
    session = session_of(CLERK)
    kinds = due.kinds(scope_of(session), [Agency])
    assert due.outlook(session, kinds, TODAY) == due.Outlook(1, {7: 2, 30: 4, 90: 6})
    assert _numbers(session, due.overdue(TODAY)) == ["1"]
    assert _numbers(session, due.within(TODAY, 7)) == ["2", "3"]
    assert _numbers(session, due.within(TODAY, 90)) == ["2", "3", "4", "5", "6", "7"]
    leader = session_of(LEADER)
    assert due.outlook(leader, due.kinds(scope_of(leader), [Agency]), TODAY) == due.Outlook(1, {7: 4, 30: 6, 90: 8})


def test_the_desk_says_what_falls_due(dues: dict[str, int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    page = page_of(browser)
    counts = {link.select_one("span").get_text(): (link.select_one("b").get_text(), link["href"]) for link in page.select(".ys-due")}
    assert {name: count for name, (count, _link) in counts.items()} == {"已过期": "1", "7 天内": "2", "30 天内": "4", "90 天内": "6"}
    for count, link in counts.values():
        assert f"共 {count} 条" in page_of(browser, link).get_text(" ", strip=True)
    text = part(page, "due")
    assert "本股室机构 资质 APJ-(冀)-2 有效期至 今天到期" in text
    assert "还有 7 天" in text
    assert page.find(id="due").find("a", href=f"/agency/show/{_own(browser)}#qualifications")


def _own(browser: Browser) -> str:
    link = page_of(browser, "/agency/list/?f.name=本股室机构").select_one("td.ys-first a, td a[href*=show]")
    assert link
    return str(link["href"]).rpartition("/")[2]


def test_which_ends_count(session_of: SessionOf) -> None:
    scope = scope_of(session_of(LEADER))
    assert [kind.key for kind in due.kinds(scope, ledgers(scope))] == [
        "agency.qualifications.valid_to",
        "expert.term_end",
        "expert.qualifications.valid_to",
        "policy.expires_on",
        "review.period_end",
        "enterprise.standardisation_valid_to",
    ], "the end of a consultation or of a relation asks nobody to renew it"


def test_months_hold_their_own_days(offices: dict[str, Agency], session_of: SessionOf) -> None:
    session = session_of()
    ahead = figures.months(date(2026, 11, 25), 3)
    assert [month.label for month in ahead] == ["2026-11", "2026-12", "2027-01"]
    for number, day in enumerate((date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 31), date(2027, 1, 31), date(2027, 2, 1)), start=1):
        certificate(session, offices["own"], number, day)
    clerk = session_of(CLERK)
    (kind,) = due.kinds(scope_of(clerk), [Agency])
    assert due.monthly(clerk, [kind], ahead) == {kind: [2, 1, 1]}
    assert [month.label for month in figures.year_until(date(2026, 12, 5))][::11] == ["2026-01", "2026-12"]


def test_the_list_of_ends_as_a_file(dues: dict[str, int], sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    last = (TODAY + timedelta(days=7)).isoformat()
    text = browser.get(f"/desk/due.csv?from={TODAY}&to={last}&of=agency.qualifications.valid_to").data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][0] == "记录"
    assert [row[0] for row in rows[1:]] == ["本股室机构"] * 2
    book = openpyxl.load_workbook(io.BytesIO(browser.get("/desk/due.xlsx").data))
    assert len(list(book.active.iter_rows())) == 7
    assert browser.get("/desk/due.pdf").status_code == 404


def test_odd_arguments_are_refused_in_words(sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    for path in ("/desk/due?from=x", "/desk/due?page=0", "/desk/changes?to=2026-13-01", "/desk/incomplete/agency?page=a"):
        answer = browser.get(path)
        assert answer.status_code == 400, path
    for path in (
        "/desk/due?of=expert.term_end",
        "/desk/due?of=agency.mobile",
        "/desk/changes?register=region",
        "/desk/plots/nothing.csv",
        "/desk/plots/records.pdf",
    ):
        assert browser.get(path).status_code == 404, path
    assert browser.get("/desk/changes?to=9999-12-31").status_code == 200
    assert sign_in(LEADER).get("/overview/coverage/none?office=x").status_code == 404


def test_no_count_tells_what_a_mask_hides(session_of: SessionOf) -> None:
    for person in (CLERK, EXPERT_ADMIN, LEADER, SUPERVISOR):
        scope = scope_of(session_of(person))
        known = [kind.declared for kind in due.kinds(scope, ledgers(scope))]
        known += [declared for cls in ledgers(scope) if (declared := figures.state_field(scope, cls))]
        known += [declared for cls in ledgers(scope) for declared in gaps.needed(scope, cls)]
        assert known
        assert not [declared.key for declared in known if declared.sensitive]


# what changed -------------------------------------------------------------------------------------


def test_the_latest_changes_say_who_and_what(offices: dict[str, Agency], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    for number in (21, 22, 23):
        agency(session, number, OWN, import_batch=7)
    kept_as(session, Agency.import_batch == 7, row_version=1, changed_by=CLERK.username)
    clerk = session_of(CLERK)
    row = clerk.get(Agency, offices["own"].id)
    row.remark = "改过"
    clerk.commit()
    text = part(page_of(sign_in(CLERK)), "latest")
    assert re.search(r"本股室机构 中介机构 · 王经办 · \d\d-\d\d \d\d:\d\d 已修改", text)
    assert re.search(r"等 3 条 中介机构 · 王经办 · \d\d-\d\d \d\d:\d\d 导入", text)
    assert "外股室" not in text
    assert "外股室公开机构" in part(page_of(sign_in(OTHER_CLERK)), "latest")


def test_the_installation_itself_is_no_news(session_of: SessionOf) -> None:
    session = session_of(SYSADMIN)
    assert changes.recent(session, [registry.need("region"), registry.need("code")], 10) == []


def test_a_month_lists_what_came_in(offices: dict[str, Agency], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    first = TODAY.replace(day=1)
    before, at = figures.midnight(first) - timedelta(seconds=1), figures.midnight(first)
    session.merge(offices["own"]).created_at = before
    session.merge(offices["own published"]).created_at = at
    session.commit()
    clerk = session_of(CLERK)
    during = figures.year_until(TODAY)
    found = figures.tally(figures.census(clerk, [Agency], during)[Agency], lambda cell: cell.month)
    assert found == {11: 1, 12: 1}, "a month begins at midnight here, not in Greenwich"
    page = page_of(sign_in(CLERK), f"/desk/changes?register=agency&act=added&from={first}&to={TODAY}")
    assert [cell.get_text(strip=True) for cell in page.select("td.ys-first")] == ["本股室公开机构"]


# plots as files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_had_as_the_rows_behind_it(dues: dict[str, int], sign_in: SignIn, name: str) -> None:
    browser = sign_in(CLERK)
    shown = [[cell.get_text(strip=True) for cell in row.find_all(["th", "td"])] for row in page_of(browser, "/desk/plots").select(f"#{name} tr")]
    text = browser.get(f"/desk/plots/{name}.csv").data.decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == shown
    book = openpyxl.load_workbook(io.BytesIO(browser.get(f"/desk/plots/{name}.xlsx").data))
    assert [[str(cell) for cell in row] for row in book.active.iter_rows(values_only=True)] == shown


def test_a_plot_stands_on_its_table(dues: dict[str, int], sign_in: SignIn) -> None:
    page = page_of(sign_in(CLERK), "/desk/plots")
    for name in PLOTS:
        figure = page.find(id=name)
        assert figure.select_one(".ys-canvas[role=img]")["aria-label"]
        assert figure.select_one("table caption")
        assert figure.select_one("details summary").get_text(strip=True) == "表格"
    assert not page.select("script"), "what htmx puts in brings no script"
    scripts = [script["src"] for script in page_of(sign_in(CLERK)).select("script[src]")]
    assert [src for src in scripts if "echarts" in src]
    assert not [src for script in page_of(sign_in(CLERK), "/agency/list/").select("script[src]") if "echarts" in (src := script["src"])]


# the overview -------------------------------------------------------------------------------------


def test_the_overview_is_for_those_who_look_over_all(offices: dict[str, Agency], sign_in: SignIn) -> None:
    for person in EVERYBODY:
        browser = sign_in(person)
        may = person in {LEADER, SUPERVISOR, TOWN_SUPERVISOR, LEGAL}
        assert (browser.get("/overview/").status_code == 200) == may, person.username
        assert (browser.get("/overview/plots/offices.csv").status_code == 200) == may, person.username
        assert bool(page_of(browser).find("a", href="/overview/")) == may, person.username


def test_the_overview_counts_by_office(offices: dict[str, Agency], session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    agency(session, 17, OWN, org_unit_id=None)
    kept_as(session, Agency.id == offices["other"].id, changed_at=now() - timedelta(days=400))
    browser = sign_in(LEADER)
    page = page_of(browser, "/overview/")
    rows = table(page, "offices")
    assert {office: numbers[0] for office, numbers in rows.items()} == {OWN: "2", OTHER: "2", "未分配": "1"}
    for link in page.select("#offices td a"):
        assert f"共 {link.get_text(strip=True)} 条" in page_of(browser, link["href"]).get_text(" ", strip=True), link["href"]
    age = table(page, "age")["中介机构"]
    assert (age[0], age[2], age[3]) == ("5", "1", "20%")


def test_completeness_is_the_share_that_is_filled(session_of: SessionOf) -> None:
    session = session_of()
    full, empty = agency(session, 31, OWN), agency(session, 32, OTHER)
    scope = scope_of(session_of(LEADER))
    needed = gaps.needed(scope, Agency)
    for declared in needed:
        setattr(empty, declared.attr, None)
    full.kind = full.kind or ["安全评价"]
    session.commit()
    found = gaps.standings(session_of(LEADER), [Agency], now() - timedelta(days=365))[Agency]
    mine, other = found[full.org_unit_id], found[empty.org_unit_id]
    lacking = [declared for declared in needed if getattr(full, declared.attr) is None]
    assert (mine.filled, mine.cells) == (len(needed) - len(lacking), len(needed))
    assert (other.filled, other.cells) == (0, len(needed))


def test_which_documents_were_reviewed(session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    own = office_id(session, OWN)
    documents = [samples.make(session, Policy, number, own) for number in range(41, 46)]
    for number, document in enumerate(documents):
        document.touches_operators = number != 4
        document.title = f"政策{number}"
    for number, conclusion, voided in ((0, "B", False), (0, None, False), (1, None, False), (2, "B", True)):
        review = samples.make(session, Review, 60 + number + (5 if conclusion else 0) + (9 if voided else 0), own)
        review.policy_id, review.conclusion, review.voided_at = documents[number].id, conclusion, now() if voided else None
    session.commit()
    browser = sign_in(LEGAL)
    page = page_of(browser, "/overview/")
    assert table(page, "reviews") == {OWN: ["1", "1", "2"]}
    for link, expected in zip(page.select("#reviews td a"), (["政策0"], ["政策1"], ["政策3", "政策2"]), strict=True):
        assert [cell.get_text(strip=True) for cell in page_of(browser, link["href"]).select("td.ys-first")] == expected


def test_imports_by_month(session_of: SessionOf) -> None:
    session = session_of()
    during = figures.year_until(TODAY)
    batch(session, CLERK, "agency", BatchState.DONE, "甲.xlsx", rows=10, wrong=0)
    batch(session, CLERK, "agency", BatchState.PARTLY, "乙.xlsx", rows=10, wrong=4)
    batch(session, CLERK, "agency", BatchState.PLANNED, "丙.xlsx", rows=10, wrong=10)
    batch(session, CLERK, "policy", BatchState.DONE, "丁.xlsx", rows=10, wrong=0)
    old = batch(session, CLERK, "agency", BatchState.DONE, "戊.xlsx", rows=3, wrong=1)
    old.created_at = figures.midnight(during[0].first)
    session.commit()
    found = history.by_month(session, [Agency], during)
    assert (found[0].batches, found[0].rows, found[0].wrong) == (1, 3, 1)
    assert (found[-1].batches, found[-1].rows, found[-1].wrong) == (2, 20, 4)


# speed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [CLERK, SECTION_HEAD, LEADER, EXPERT_ADMIN, SYSADMIN], ids=lambda person: person.username)
def test_the_desk_asks_little_however_many_registers(dues: dict[str, int], sign_in: SignIn, statements: Statements, person: Persona) -> None:
    browser = sign_in(person)
    statements.texts.clear()
    assert browser.get("/").status_code == 200
    desk = len(statements)
    assert browser.get("/desk/plots").status_code == 200
    assert desk <= 20, statements.texts
    assert len(statements) <= 28, statements.texts


def test_the_overview_asks_little(dues: dict[str, int], sign_in: SignIn, statements: Statements) -> None:
    browser = sign_in(LEADER)
    statements.texts.clear()
    assert browser.get("/overview/").status_code == 200
    assert len(statements) <= 15, statements.texts
