"""How many statements a page costs: a fixed few, however many rows it shows and registers there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_appbuilder.security.sqla.models import assoc_permissionview_role

from app.database import db
from app.formats import Link
from app.register import children, fields
from tests.conftest import Browser, SessionOf, Statements
from tests.people import CLERK, Persona
from tests.test_generic import ENTRIES, KEYS, fill, keeper
from tests.test_matrix import office_id

SignIn = Callable[[Persona], Browser]
ROOT = Path(__file__).resolve().parent.parent
FORTY = """
from bench.forty import PASSWORD, USERNAME, app, prepare
from bench.rows import fill
import re
prepare()
fill({url!r}, "bench_small", 30, {{"row_version": "1", "created_at": "CURRENT_TIMESTAMP", "changed_at": "CURRENT_TIMESTAMP", "org_unit_id": "(SELECT min(org_unit_id) FROM ab_user)"}})
client = app.test_client()
token = re.search('name="csrf_token"[^>]*value="([^"]+)"', client.get("/login/").text).group(1)
client.post("/login/", data={{"username": USERNAME, "password": PASSWORD, "csrf_token": token}})
for path in ("/bench_small/list/", "/api/v1/bench_small/"):
    client.get(path)
    answer = client.get(path)
    shown = str(answer.json) if answer.is_json else answer.text
    assert answer.status_code == 200 and shown.count("有限公司") >= 25, shown
    print(answer.headers["X-Statements"], answer.text.count('<a class="nav-link'))
"""


@pytest.fixture
def browser_of(app: Flask, session_of: SessionOf, sign_in: SignIn) -> Callable[[str], tuple[Browser, list[Any]]]:
    """The browser of somebody who keeps a register of 26 rows, each with children, and the rows."""

    def enter(key: str) -> tuple[Browser, list[Any]]:
        session, person = session_of(), keeper(key)
        rows = fill(session, ENTRIES[key].register, 26, office_id(session, person.office or "基础股"))
        return sign_in(person), rows

    return enter


@KEYS
def test_a_list_page_costs_six_at_most(browser_of: Any, statements: Statements, key: str) -> None:
    browser, _rows = browser_of(key)
    browser.get(f"/{key}/list/")
    statements.texts.clear()
    page = browser.get(f"/{key}/list/?size=25")
    assert page.status_code == 200
    assert len(set(re.findall(rf"/{key}/show/(\d+)", page.text))) >= 25
    assert len(statements) <= 6, "\n".join(statements.texts)


@KEYS
def test_the_answer_to_a_program_costs_one_for_each_register_it_names(browser_of: Any, statements: Statements, key: str) -> None:
    browser, _rows = browser_of(key)
    browser.get(f"/api/v1/{key}/")
    statements.texts.clear()
    answer = browser.get(f"/api/v1/{key}/")
    assert len(answer.json["result"]) == 25
    named = [each for each in fields(ENTRIES[key].register) if isinstance(each.format, Link)]
    assert len(statements) <= 3 + len(named), "\n".join(statements.texts)


@KEYS
def test_a_record_costs_one_for_each_kind_of_children(browser_of: Any, statements: Statements, key: str) -> None:
    browser, rows = browser_of(key)
    browser.get(f"/{key}/show/{rows[0].id}")
    statements.texts.clear()
    assert browser.get(f"/{key}/show/{rows[1].id}").status_code == 200
    assert len(statements) <= 8 + len(children(ENTRIES[key].register)), "\n".join(statements.texts)


def test_forty_registers_cost_no_more_than_eight(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'forty.db'}"
    settings = os.environ | {"DATABASE_URL": url, "INSTANCE_DIR": str(tmp_path), "SECRET_KEY": "a key of the tests, long enough for tokens"}
    done = subprocess.run([sys.executable, "-c", FORTY.format(url=url)], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (page, menu), (rest, _none) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert menu >= 40
    assert page <= 6
    assert rest <= 4


def test_permissions_are_read_once_in_a_while(app: Flask, sign_in: SignIn, statements: Statements, monkeypatch: pytest.MonkeyPatch) -> None:
    def reads() -> int:
        statements.texts.clear()
        browser.get("/agency/list/")
        return sum("ab_permission_view" in text for text in statements.texts)

    browser = sign_in(CLERK)
    reads()
    assert reads() == 0
    monkeypatch.setattr("app.security.SECONDS_REMEMBERED", -1)
    assert reads() >= 1


def test_a_database_without_permissions_is_asked_again(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.appbuilder.sm, "remembered", {})  # type: ignore[attr-defined]
    with app.app_context():
        kept = db.session.execute(sa.select(assoc_permissionview_role)).mappings().all()
        db.session.execute(sa.delete(assoc_permissionview_role))
        db.session.commit()
    browser = sign_in(CLERK)
    assert browser.get("/agency/list/").status_code == 403
    with app.app_context():
        db.session.execute(sa.insert(assoc_permissionview_role), [dict(row) for row in kept])
        db.session.commit()
    assert browser.get("/agency/list/").status_code == 200
