"""Imports in the background: written once, whatever is killed when, and stopped when the person says so."""

from __future__ import annotations

import csv
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app import jobs
from app.accounts import actor_named
from app.database import db
from app.scopes import act_as
from imports import plan as planning
from imports import stored
from imports.batch import BatchState, ImportBatch
from models.agency import Agency
from tests.conftest import Browser
from tests.people import CLERK, PRIVACY_CLERK, Persona
from tests.samples import credit_code
from tests.test_pages import page_of
from views import import_jobs, uploads

SignIn = Callable[[Persona], Browser]
#: how many people import the same keys at once, and how often each: `IMPORTS_AT_ONCE=25` for the whole of it
PEOPLE, TIMES = 4, int(os.environ.get("IMPORTS_AT_ONCE", "2"))


def rows(count: int, contact: str = "王") -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([["机构名称", "统一社会信用代码", "联系人"], *([f"第{n}家", credit_code(n), contact] for n in range(1, count + 1))])
    return out.getvalue().encode()


def batch_of(data: bytes, state: BatchState = BatchState.QUEUED) -> int:
    """A batch whose plan is kept, as the page leaves it for the worker."""
    session = db.session()
    act_as(session, actor_named(CLERK.username))
    plan = planning.make(session, Agency, data, "名录.csv")
    batch = ImportBatch(register="agency", file_name="名录.csv", content=data, mode="upsert", bad_rows="stop", state=state.value, operator=CLERK.username)
    session.add(batch)
    stored.keep(session, batch, plan)
    session.commit()
    number = batch.id
    db.session.remove()
    return number


def count(*tests: Any) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(Agency.__table__).where(*tests)) or 0


def batch(number: int) -> Any:
    with db.engine.connect() as connection:
        return connection.execute(sa.select(ImportBatch.__table__).where(ImportBatch.__table__.c.id == number)).one()


def test_what_a_dead_worker_left_is_done_once(app: Flask) -> None:
    """A batch whose worker was killed stands as running; the next worker finds it and writes it, once."""
    with app.app_context():
        number = batch_of(rows(14), BatchState.RUNNING)
        assert import_jobs.unfinished(import_jobs.WRITE) == [(number,)]
        for _again in range(2):
            import_jobs.commit_batch(number)
            db.session.remove()
        assert import_jobs.unfinished(import_jobs.WRITE) == []
        assert (batch(number).state, batch(number).counts["written"], count()) == ("done", 14, 14)


def test_a_batch_that_the_queue_forgot_is_taken_up_at_the_next_beat(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TRACE_ANCHORS", str(tmp_path))  # a beat seals too, and other tests' traces know nothing of this one's
    with app.app_context():
        number = batch_of(rows(2))
    app.extensions["jobs"].beat()
    with app.app_context():
        assert (batch(number).state, count()) == ("done", 2)


def test_an_attempt_that_was_overtaken_writes_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that hung comes back after another has taken the batch in hand."""
    with app.app_context():
        number = batch_of(rows(5))

        def overtaken(*arguments: Any) -> Any:
            with db.engine.begin() as connection:
                connection.execute(sa.update(ImportBatch.__table__).values(attempt=ImportBatch.__table__.c.attempt + 1))
            return real(*arguments)

        real = stored.load
        monkeypatch.setattr(stored, "load", overtaken)
        import_jobs.commit_batch(number)
        assert count() == 0
        monkeypatch.setattr(stored, "load", real)
        db.session.remove()
        import_jobs.commit_batch(number)
        assert count() == 5


def test_a_plan_is_written_as_it_was_confirmed_though_the_file_is_gone(app: Flask) -> None:
    with app.app_context():
        number = batch_of(rows(3))
        with db.engine.begin() as connection:
            connection.execute(sa.update(ImportBatch.__table__).values(content=None))
        import_jobs.commit_batch(number)
        assert count() == 3


def test_who_lost_the_right_to_import_meanwhile_writes_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        number = batch_of(rows(3))
        monkeypatch.setattr(import_jobs, "actor_named", lambda _name: actor_named("nobody at all"))
        import_jobs.commit_batch(number)
        assert (batch(number).state, count()) == ("refused", 0)
        assert batch(number).message


# the page -------------------------------------------------------------------------------------------


def bring(browser: Browser, data: bytes) -> str:
    answer = browser.post("/agency/import", {"file": (io.BytesIO(data), "名录.csv"), "mode": "upsert"}, content_type="multipart/form-data")
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def confirm(browser: Browser, path: str) -> int:
    digest = page_of(browser, path).find("input", {"name": "digest"})["value"]
    return int(browser.post(path, {"digest": digest, "bad_rows": "stop"}).status_code)


def test_a_large_file_is_checked_by_the_worker(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "AT_ONCE", 100)
    browser = sign_in(CLERK)
    path = bring(browser, rows(20))
    assert confirm(browser, path) == 302
    with app.app_context():
        assert count() == 20
    broken = bring(browser, b"PK\x03\x04" + bytes(500))
    assert "不完整" in page_of(browser, broken).select_one(".alert-danger").get_text(), "what cannot be read is said on the batch's own page"


def test_an_import_that_waits_is_stopped(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)
    path = bring(browser, rows(8))
    monkeypatch.setattr(jobs, "put", lambda *_call: None)
    assert confirm(browser, path) == 302
    assert page_of(browser, path).select_one("button[value=stop]")
    assert browser.post(path, {"wish": "stop"}).status_code == 302
    assert "停止" in page_of(browser, path).select_one(".alert").get_text()
    number = int(path.rsplit("/", 1)[1])
    with app.app_context():
        import_jobs.commit_batch(number)
        assert (batch(number).state, count()) == ("planned", 0)


def test_an_import_that_runs_is_stopped_with_nothing_written(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "ROWS", 2)
    said: list[dict[str, Any]] = []

    def stop_midway(name: str, what: Any) -> None:
        said.append(what)
        real(name, what)
        if what["done"] >= 3:
            real(import_jobs.wish_of(number), True)

    real = jobs.say
    monkeypatch.setattr(jobs, "say", stop_midway)
    with app.app_context():
        number = batch_of(rows(8))
        import_jobs.commit_batch(number)
        assert [word["done"] for word in said] == [0, 1, 3], batch(number)
        assert {word["total"] for word in said} == {8}
        assert (batch(number).state, count()) == ("planned", 0)
        assert jobs.said(import_jobs.name_of(number)) is None


def test_a_file_is_checked_again_against_what_is_registered_now(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    path = bring(browser, rows(3))
    old = page_of(browser, path).find("input", {"name": "digest"})["value"]
    assert confirm(browser, bring(browser, rows(1))) == 302
    assert browser.post(path, {"wish": "again"}, token_from=path).status_code == 302
    counts = {each["href"]: each.b.get_text() for each in page_of(browser, path).select(".ys-count[href]")}
    assert (counts["?outcome=new"], counts["?outcome=same"]) == ("2", "1")
    assert browser.post(path, {"digest": old, "bad_rows": "stop"}).status_code == 409, "what he saw is not what would be written"


def test_the_same_keys_brought_by_several_people_at_once_stand_once(app: Flask, sign_in: SignIn) -> None:
    """Each imports a file of the same two hundred keys, again and again: two hundred records, and nobody sees a fault."""
    data, statuses = rows(200), []
    people = [sign_in(person) for person in (CLERK, PRIVACY_CLERK, CLERK, PRIVACY_CLERK)][:PEOPLE]

    def work(browser: Browser) -> None:
        for _time in range(TIMES):
            path = bring(browser, data)
            statuses.append(confirm(browser, path) if page_of(browser, path).find("button", {"name": "bad_rows"}) else 302)

    threads = [threading.Thread(target=work, args=(browser,)) for browser in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [302] * PEOPLE * TIMES
    with app.app_context():
        assert (count(), count(Agency.__table__.c.voided_at.is_(None))) == (200, 200)
        states = {each.state for each in db.session.scalars(sa.select(ImportBatch))}
        assert states <= {"done", "partly", "planned"}, states
