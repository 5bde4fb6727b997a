"""Every page that one can open: its status, nothing from outside, no fault in the console, nothing that sticks out, nothing that shuts people out.

Each is opened in Chinese in the light (SQLite) or in English in the dark (PostgreSQL), and measured at both widths.
The pages are those of the application's map of addresses, so that a new page is walked without anybody adding it here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app import registry
from app.database import db, open_session
from app.register import PublishState, children
from app.scopes import SYSTEM, act_as
from tests import samples
from tests.databases import POSTGRESQL, Databases
from tests.journeys.visit import DESK, PHONE, QUIET, Visit
from tests.people import AUDIT_ADMIN, OWN, SECURITY_ADMIN, SYSADMIN, VISITOR, Persona
from tests.test_generic import ENTRIES, keeper
from tests.test_matrix import office_id

pytestmark = [pytest.mark.browser, QUIET]
#: the language and the theme that the pages are looked at in: one on each database, since no page depends on which
LANGUAGES = {"en": "dark"} if POSTGRESQL else {"zh_Hans": "light"}
#: the rules of WCAG 2.2 AA and the good habits beside them, as far as breaking one is serious: the others cost a third of the time for findings
#: that nobody looks at
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
LOOK = """() => {
  const heard = (rule) => rule.enabled && !rule.tags.includes('experimental') && !['minor', 'moderate'].includes(rule.impact);
  const values = axe._audit.rules.filter(heard).map((rule) => rule.id);
  const nodes = (v) => v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + n.failureSummary.slice(0, 200));
  return axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'rule', values}})
    .then((found) => found.violations.map((v) => ({id: v.id, impact: v.impact, nodes: nodes(v)})));
}"""
#: addresses that are no pages: files, programs' interfaces, ways out, parts that a page fetches
NOT_PAGES = ("/static/", "/api/", "/appbuilder/", "/lang/", "/back", "/favicon.ico", "/desk/plots")
#: what an address without a number answers by design
REFUSED = {"/resetpassword/form": {404}}


def addresses(app: Flask) -> list[str]:
    """Every address without a variable part that a browser opens."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in rule.methods and not rule.arguments]
    return sorted({rule.rule for rule in rules if not rule.rule.startswith(NOT_PAGES)})


def pages_of(app: Flask, key: str, row: int, other: int) -> list[str]:
    """The pages of a register: its plain addresses, a record's, and a child's form."""
    plain = [path for path in addresses(app) if path.startswith(f"/{key}/")]
    kinds = [child for child in children(ENTRIES[key].register) if child.__gate__.value == "ordinary"]
    # a comparison is of records that one names; a ledger of two shows what one of a thousand townships would show in half a minute
    plain = [f"{path}?ids={row}&ids={other}" if path.rpartition("/")[2] in {"compare", "ledger"} else path for path in plain]
    return [*plain, f"/{key}/show/{row}", f"/{key}/edit/{row}", *(f"/{key}/{row}/{child.__key__}/add" for child in kinds), f"/{key}/show/0"]


@pytest.fixture(scope="module")
def world(application: Flask, databases: Databases) -> Iterator[dict[str, tuple[int, int]]]:
    """The application with two records in every register: one that its keeper still works on, one that is published."""
    with application.app_context():
        db.engine.dispose()
    databases.copy()
    with application.app_context():
        session: Session = open_session()
        act_as(session, SYSTEM)
        rows = {}
        for key, entry in ENTRIES.items():
            office = office_id(session, keeper(key).office or OWN)
            rows[key] = [samples.make(session, entry.register, number, office) for number in (7, 8)]
            rows[key][1].publish_state = PublishState.PUBLISHED.value
        session.commit()
        found = {key: (draft.id, published.id) for key, (draft, published) in rows.items()}
        session.close()
    yield found
    with application.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def site(application: Flask, world: dict[str, tuple[int, int]]) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def barriers(page: Page, path: str) -> list[str]:
    """What axe-core finds serious or critical on the page at rest: a calendar that is still fading in is pale."""
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(AXE)
    return [f"{path}: {found['id']}: {' | '.join(found['nodes'])}" for found in page.evaluate(LOOK) if found["impact"] in {"serious", "critical"}]


#: how far the page is wider than its window, once what floats (a calendar) has moved to its new place
STICKS_OUT = """async () => {
  const wide = () => document.documentElement.scrollWidth - window.innerWidth;
  for (let turn = 0; turn < 10 && wide() > 0; turn++) { await new Promise((next) => setTimeout(next, 50)); }
  return wide();
}"""


def faults(visit: Visit, path: str, expected: set[int]) -> list[str]:
    """What is wrong with a page: at the desk's width and, without asking again, at the phone's."""
    visit.errors.clear()
    visit.outside.clear()
    page: Page = visit.page
    page.set_viewport_size({"width": DESK, "height": 900})
    try:
        answer: Any = page.goto(visit.site + path, wait_until="load")
    except PlaywrightError as error:
        return [] if "Download is starting" in str(error) else [f"{path}: {error}"]
    found = [] if answer.status in expected else [f"{path}: {answer.status}"]
    if "html" in answer.headers.get("content-type", "") and not path.startswith("/swagger"):  # what is no page; Swagger UI's own markup
        found += barriers(page, path)
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate(STICKS_OUT)
        found += [f"{path}: {wide} pixels stick out at {width}"] if wide > 0 else []
    said = [error for error in visit.errors if answer.status < 400 or str(answer.status) not in error]
    return found + [f"{path}: {error}" for error in said] + [f"{path} asks for {url}" for url in visit.outside]


def walk(site: str, chromium: Browser, person: Persona, paths: list[str], refused: dict[str, set[int]]) -> None:
    """Open each page in the language of this run."""
    visit = Visit(chromium, site)
    if person.username:
        visit.sign_in(person)
    found = []
    for language, theme in LANGUAGES.items():
        visit.page.context.add_cookies([{"name": "theme", "value": theme, "url": site}])
        visit.page.goto(f"{site}/lang/{language}")
        found += [f"{language} {fault}" for path in paths for fault in faults(visit, path, refused.get(path, {200}))]
    visit.page.context.close()
    assert not found, "\n".join(found)


#: on PostgreSQL, in English and in the dark, the registers whose pages have every part; the others are made of the same ones
REGISTERS = [key for key, entry in ENTRIES.items() if not POSTGRESQL or children(entry.register)]


@pytest.mark.parametrize("key", REGISTERS)
def test_every_page_of_a_register(application: Flask, world: dict[str, tuple[int, int]], site: str, chromium: Browser, key: str) -> None:
    """As the person who keeps it sees it."""
    walk(site, chromium, keeper(key), pages_of(application, key, *world[key]), {f"/{key}/show/0": {404}, f"/{key}/compare.xlsx": {400}})


def others(app: Flask) -> list[str]:
    """The pages outside the registers."""
    return [path for path in addresses(app) if not path.startswith(tuple(f"/{key}/" for key in ENTRIES))]


def test_every_other_page_of_the_security_administrator(application: Flask, site: str, chromium: Browser) -> None:
    with application.app_context():
        act_as(db.session(), SYSTEM)
        number = application.appbuilder.sm.find_user(SYSADMIN.username).id  # type: ignore[attr-defined]
    more = [
        "/roles/list/?role=clerk",
        f"/users/show/{number}",
        f"/users/edit/{number}",
        f"/resetpassword/form?pk={number}",
        "/users/list/?q=w",
        "/swagger/v1",
        "/nothing",
    ]
    walk(
        site,
        chromium,
        SECURITY_ADMIN,
        others(application) + more,
        {**{path: {403} for path in _closed_to(application, SECURITY_ADMIN)}, **REFUSED, "/nothing": {404}},
    )


def test_every_other_page_of_the_system_administrator(application: Flask, site: str, chromium: Browser) -> None:
    walk(site, chromium, SYSADMIN, others(application), {**REFUSED, **{path: {403} for path in _closed_to(application, SYSADMIN)}})


def test_the_pages_of_the_audit_administrator(world: dict[str, tuple[int, int]], site: str, chromium: Browser) -> None:
    """Also who looked at a record, as its keeper sees it."""
    expert = world["expert"][0]
    days = "first=2020-01-01&last=2099-12-31"
    walk(
        site,
        chromium,
        AUDIT_ADMIN,
        ["/audit/", f"/audit/?{days}", f"/audit/?relation=expert&row={expert}", "/audit/1", "/audit/report", f"/audit/looks/expert/{expert}"],
        {},
    )
    walk(site, chromium, keeper("expert"), [f"/expert/history/{expert}", f"/expert/history/{expert}/looks"], {})


def test_every_page_of_a_visitor(application: Flask, world: dict[str, tuple[int, int]], site: str, chromium: Browser) -> None:
    """What is closed leads to the page of signing in; what is open is looked at."""
    client = application.test_client()
    answers = {path: client.get(path) for path in addresses(application)}
    closed = {path for path, answer in answers.items() if answer.status_code == 302}
    assert all("/login/" in answers[path].headers["Location"] for path in closed)
    assert {"/users/list/", "/roles/list/", "/agency/add", "/agency/import"} <= closed
    shown = [f"/{key}/show/{published}" for key, (_draft, published) in world.items() if client.get(f"/{key}/show/{published}").status_code == 200]
    assert shown
    inside = {path: {403} for path in answers if path.endswith(("/lookup", "/views", "/columns"))}  # for people with an account
    chosen: dict[str, set[int]] = {path: {400} for path in answers if path.endswith(("/compare", "/compare.xlsx"))}  # of records that one names
    walk(site, chromium, VISITOR, [*sorted(answers.keys() - closed), *shown], inside | chosen)


def _closed_to(app: Flask, person: Persona) -> set[str]:
    """The plain addresses whose view asks for a permission that the person's roles do not have."""
    from app.install import permissions_of

    held = set().union(*(permissions_of(role) for role in person.roles))
    if person is SECURITY_ADMIN:
        from app.install import ACCOUNT_VIEWS

        held |= {(permission, view) for view in ACCOUNT_VIEWS for permission in ("can_list", "can_add", "can_show", "can_edit", "can_this_form_get")}
    closed = set()
    for rule in app.url_map.iter_rules():
        view = next((each for each in app.appbuilder.baseviews if each.endpoint == rule.endpoint.partition(".")[0]), None)  # type: ignore[attr-defined]
        method = getattr(view, rule.endpoint.rpartition(".")[2], None)
        name = getattr(method, "_permission_name", None)
        if view is not None and name and (f"can_{view.get_method_permission(rule.endpoint.rpartition('.')[2])}", view.class_permission_name) not in held:
            closed.add(rule.rule)
    return closed


def test_the_walk_knows_the_pages(application: Flask) -> None:
    """The map of addresses holds what everybody knows, so that the walk cannot be empty."""
    known = addresses(application)
    assert {"/", "/login/", "/users/list/", "/roles/list/", "/users/userinfo/"} <= set(known)
    assert all(f"/{entry.register.__key__}/list/" in known for entry in registry.entries())
