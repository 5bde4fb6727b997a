"""What machines ask: lives, ready, numbers. Without sign-in, session or database where that is what is asked about."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app import health
from app.database import db
from app.jobs import Jobs
from app.queues import queue_of
from tests import samples
from tests.conftest import Browser
from tests.people import CLERK, PEOPLE, Persona
from tests.test_pages import agency as agency  # noqa: PLC0414 - a fixture
from tests.test_uploads import bring

SignIn = Callable[[Persona], Browser]
LOCAL = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture(autouse=True)
def roomy(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "DISK_MEGABYTES", 1)
    monkeypatch.setitem(app.config, "TESTING", False)


@pytest.fixture
def no_database(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Nobody gets a connection; who asks is noted."""
    asked: list[str] = []

    def refuse(*_arguments: Any) -> Any:
        asked.append("connection")
        raise sa.exc.OperationalError("", {}, Exception("gone"))

    with app.app_context():
        db.session.remove()
        monkeypatch.setattr(db.engine, "raw_connection", refuse)
    return asked


def found(answer: Any) -> set[str]:
    assert answer.status_code == 503
    assert all(re.search("[一-鿿]", each["message"]) for each in answer.json["problems"]), "in words"
    return {each["name"] for each in answer.json["problems"]}


def test_a_process_that_lives_says_so_without_the_database(app: Flask, no_database: list[str]) -> None:
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert no_database == []


def test_ready_when_nothing_is_wrong(app: Flask) -> None:
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "problems": []})


def test_none_of_them_makes_a_session_or_may_be_kept(app: Flask) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        answer = app.test_client().get(path, environ_base=LOCAL)
        assert answer.status_code == 200, path
        assert "Set-Cookie" not in answer.headers
        assert "no-store" in answer.headers["Cache-Control"]
        assert app.test_client().post(path, environ_base=LOCAL).status_code in {400, 405}


def test_a_database_that_is_gone_is_named(app: Flask, no_database: list[str]) -> None:
    assert found(app.test_client().get("/readyz")) == {"database"}
    assert no_database


def test_a_database_of_another_version_is_named(app: Flask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    assert found(app.test_client().get("/readyz")) == {"migrations"}


def test_a_disk_without_room_is_named(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "DISK_MEGABYTES", 10**9)
    with app.app_context():
        assert found(app.test_client().get("/readyz")) == {f"disk_{name}" for name in health.folders()}
        assert {"files", "temporary"} <= set(health.folders())


def test_a_worker_that_stopped_is_named_and_one_that_never_ran_is_not(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: Jobs = app.extensions["jobs"]
    jobs.hush("alive")
    assert app.test_client().get("/readyz").status_code == 200
    jobs.pulse()
    assert app.test_client().get("/readyz").status_code == 200
    jobs.say("alive", (time.time() - health.SILENT_SECONDS - 5, "here", 1))
    assert found(app.test_client().get("/readyz")) == {"worker"}
    jobs.hush("alive")


def test_a_queue_that_is_away_is_named(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = queue_of("redis://127.0.0.1:9/0", "of a test")
    monkeypatch.setattr(app.extensions["jobs"], "_huey", queue)
    assert found(app.test_client().get("/readyz")) == {"queue"}
    assert _value(numbers(app).text, "yingshang_queue_up") == 0
    monkeypatch.undo()
    assert _value(numbers(app).text, "yingshang_queue_up") == 1


# numbers ------------------------------------------------------------------------------------------


def numbers(app: Flask, **headers: str) -> Any:
    return app.test_client().get("/metrics", environ_base=LOCAL, headers=headers)


def test_only_this_machine_reads_the_numbers_or_who_brings_the_token(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert numbers(app).status_code == 200
    assert numbers(app, **{"X-Forwarded-For": "10.0.0.5"}).status_code == 404, "somebody behind a proxy"
    assert app.test_client().get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.5"}).status_code == 404
    monkeypatch.setitem(app.config, "METRICS_TOKEN", "a-secret")
    assert numbers(app).status_code == 404
    assert numbers(app, Authorization="Bearer wrong").status_code == 404
    assert numbers(app, Authorization="Bearer a-secret").status_code == 200
    far = app.test_client().get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.5"}, headers={"Authorization": "Bearer a-secret"})
    assert far.status_code == 200


def test_the_numbers_tell_of_requests_imports_and_disks_and_of_nobody(app: Flask, agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    before = _value(numbers(app).text, 'yingshang_requests_total{endpoint="AgencyView.show",method="GET",status="200"}')
    for path in (f"/agency/show/{agency.id}", "/agency/list/?q=13812345678", f"/nothing/{samples.resident_id(7)}", "/agency/show/99999"):
        browser.get(path)
    bring(browser, "中介机构名录.xlsx")
    text = numbers(app).text
    assert _value(text, 'yingshang_requests_total{endpoint="AgencyView.show",method="GET",status="200"}') == before + 1
    assert _value(text, 'yingshang_requests_total{endpoint="none",method="GET",status="404"}') >= 1
    assert _value(text, 'yingshang_request_seconds_count{endpoint="AgencyView.list"}') >= 1
    assert _value(text, 'yingshang_imports{state="planned"}') == 1
    assert _value(text, "yingshang_database_up") == 1
    assert _value(text, "yingshang_jobs_waiting") == 0
    assert _value(text, 'yingshang_disk_free_megabytes{state="files"}') > 0
    said = "\n".join(line.rpartition(" ")[0] for line in text.splitlines())
    for secret in ("13812345678", samples.resident_id(7), "99999", agency.name, *(person.username for person in PEOPLE if len(person.username) > 3)):
        assert secret not in said


def test_the_numbers_say_that_the_database_is_gone(app: Flask, no_database: list[str]) -> None:
    assert _value(numbers(app).text, "yingshang_database_up") == 0


def _value(text: str, name: str) -> float:
    line = next((line for line in text.splitlines() if line.startswith(f"{name} ")), f"{name} 0")
    return float(line.rpartition(" ")[2])
