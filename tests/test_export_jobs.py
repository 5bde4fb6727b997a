"""Exports that are made behind the page: whose they are, how far they have come, what becomes of them."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask

from app import jobs
from app.accounts import Account
from app.clock import now
from app.database import db
from imports import export_job
from imports.export_job import ExportJob, ExportState, Superseded
from models.agency import Agency
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import CLERK, LEADER, OTHER, OTHER_CLERK, OWN, Persona
from tests.test_disclosure import entries
from tests.test_matrix import office_id
from views import exports

SignIn = Callable[[Persona], Browser]
WANTED = "/agency/export.xlsx?f.kind=检测检验"


@pytest.fixture(autouse=True)
def small(app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Three records are many; the folder is empty."""
    monkeypatch.setattr(exports, "LARGE", 3)
    monkeypatch.setitem(app.config, "EXPORTS_PATH", str(tmp_path / "exports"))


@pytest.fixture
def agencies(session_of: SessionOf) -> list[Agency]:
    """Five of the clerk's office, one of another's."""
    session = session_of()
    offices = [office_id(session, OWN)] * 5 + [office_id(session, OTHER)]
    rows = [samples.make(session, Agency, 500 + place, office) for place, office in enumerate(offices)]
    for row in rows:
        row.kind, row.mobile = ["检测检验"], "13812345678"
    session.commit()
    return rows


@pytest.fixture
def nobody_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "put", lambda *_arguments: None)


def asked(browser: Browser, path: str = WANTED) -> str:
    """Where the page leads."""
    answer = browser.get(path)
    assert answer.status_code == 302, answer.text[:300]
    return str(answer.headers["Location"])


def job_at(session: Any, address: str) -> ExportJob:
    return session.scalar(sa.select(ExportJob).where(ExportJob.number == address.rpartition("/")[2]))  # type: ignore[no-any-return]


def folder(app: Flask) -> Path:
    return Path(app.config["EXPORTS_PATH"])


def test_a_large_export_is_made_behind_the_page_and_fetched(app: Flask, agencies: Any, sign_in: SignIn, session_of: SessionOf) -> None:
    browser = sign_in(CLERK)
    address = asked(browser)
    page = browser.get(address).text
    assert "可以下载" in page
    assert "共 5 行" in page
    answer = browser.get(f"{address}/file")
    number = address.rpartition("/")[2]
    assert number in answer.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert book.worksheets[0].max_row == 6, "the rows of the own office, and a heading"
    assert {each.name: each.value for each in book.custom_doc_props.props} == {"导出编号": number}
    assert "13812345678" not in {cell.value for row in book.worksheets[0] for cell in row}
    [entry] = entries(session_of(), "export", number=number)
    assert (entry.actor, entry.road) == (CLERK.username, "job")
    for piece in ('"count": 5', '"register": "agency"', '"filters": ["f.kind"]'):
        assert piece in entry.image
    assert number in browser.get("/exports/").text


def test_a_small_one_is_handed_over_at_once(agencies: Any, sign_in: SignIn) -> None:
    browser = sign_in(OTHER_CLERK)
    assert browser.get(WANTED).status_code == 200
    ticked = "&".join(f"ids={each.id}" for each in agencies[:2])
    assert sign_in(CLERK).get(f"/agency/export.csv?{ticked}").status_code == 200


def test_only_its_owner_finds_it(app: Flask, agencies: Any, sign_in: SignIn) -> None:
    address = asked(sign_in(CLERK))
    for person in (OTHER_CLERK, LEADER):
        browser = sign_in(person)
        assert [browser.get(path).status_code for path in (address, f"{address}/file")] == [404, 404]
        assert address.rpartition("/")[2] not in browser.get("/exports/").text
    [path] = folder(app).glob("*")
    assert len(path.name) == 32
    assert not path.suffix


def test_what_it_was_narrowed_by_is_sealed_and_then_gone(agencies: Any, sign_in: SignIn, session_of: SessionOf, nobody_works: None) -> None:
    asked(sign_in(CLERK), "/agency/export.csv?f.kind=检测检验&sort=-name")
    session = session_of()
    table = ExportJob.__table__
    raw = session.connection().scalar(sa.select(sa.type_coerce(table.c.query, sa.LargeBinary)))
    assert raw
    assert "检测".encode() not in raw
    assert b"name" not in raw
    session.rollback()
    exports.make(session.scalar(sa.select(ExportJob.id)))
    session.expire_all()
    job = session.scalar(sa.select(ExportJob))
    assert (job.state, job.query, job.done, job.total, job.rows) == ("done", None, 5, 5, 5)


def test_asked_twice_it_is_made_once(agencies: Any, sign_in: SignIn, nobody_works: None) -> None:
    browser = sign_in(CLERK)
    assert asked(browser) == asked(browser)
    for place in range(export_job.MOST_WAITING - 1):
        asked(browser, f"{WANTED}&page={place + 1}")
    assert browser.get("/agency/export.csv").status_code == 409
    assert "排队中" in browser.get("/exports/").text


def test_a_dead_worker_s_export_is_made_by_the_next(app: Flask, agencies: Any, sign_in: SignIn, session_of: SessionOf, nobody_works: None) -> None:
    address = asked(sign_in(CLERK))
    session = session_of()
    job = job_at(session, address)
    assert export_job.claim(session, job) == 1  # and then it dies
    session.rollback()
    assert exports.unfinished() == [(job.id,)]
    exports.make(job.id)
    session.expire_all()
    assert job_at(session, address).state == ExportState.DONE
    with pytest.raises(Superseded):  # the dead one comes back
        export_job.change(session.connection(), job.id, 1, state=ExportState.FAILED.value)
    session.rollback()
    assert exports.unfinished() == []
    assert len(list(folder(app).glob("*"))) == 1


def test_what_kills_every_worker_is_given_up(agencies: Any, sign_in: SignIn, session_of: SessionOf, nobody_works: None) -> None:
    address = asked(sign_in(CLERK))
    session = session_of()
    for _time in range(export_job.MOST_ATTEMPTS):
        assert export_job.claim(session, job_at(session, address))
    session.rollback()
    exports.make(job_at(session, address).id)
    session.expire_all()
    assert job_at(session, address).state == ExportState.FAILED
    assert "没有生成" in sign_in(CLERK).get(address).text


def test_one_that_is_taken_over_leaves_no_file(
    app: Flask, agencies: Any, sign_in: SignIn, session_of: SessionOf, nobody_works: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_TELL", 0.0)
    address = asked(sign_in(CLERK))
    told: list[int] = []
    change = export_job.change

    def taken_over(connection: sa.Connection, job_id: int, attempt: int, **values: Any) -> None:
        told.append(values.get("done", -1))
        change(connection, job_id, attempt + 1, **values)

    monkeypatch.setattr(export_job, "change", taken_over)
    exports.make(job_at(session_of(), address).id)
    assert told == [5]
    assert list(folder(app).glob("*")) == []
    assert job_at(session_of(), address).state == ExportState.RUNNING, "that of the other run"


def test_who_lost_the_account_gets_no_file(app: Flask, agencies: Any, sign_in: SignIn, session_of: SessionOf, nobody_works: None) -> None:
    address = asked(sign_in(CLERK))
    session = session_of()
    session.connection().execute(sa.update(Account.__table__).where(Account.username == CLERK.username).values(active=False))  # type: ignore[arg-type]
    session.commit()
    exports.make(job_at(session, address).id)
    session.expire_all()
    job = job_at(session, address)
    assert (job.state, bool(job.message), job.query) == (ExportState.FAILED, True, None)
    assert list(folder(app).glob("*")) == []
    assert entries(session, "export", number=job.number) == []


def test_what_goes_wrong_is_said_with_the_number(
    app: Flask, agencies: Any, sign_in: SignIn, session_of: SessionOf, nobody_works: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = asked(sign_in(CLERK))

    def fails(*_arguments: Any, **_more: Any) -> int:
        raise OSError("no room")

    monkeypatch.setattr("imports.spreadsheet.write", fails)
    exports.make(job_at(session_of(), address).id)
    page = sign_in(CLERK).get(address).text
    assert "生成时出错" in page
    assert address.rpartition("/")[2] in page
    assert list(folder(app).glob("*")) == []


def test_files_are_thrown_away_after_a_week(app: Flask, agencies: Any, sign_in: SignIn, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)
    address = asked(browser)
    exports.clear()
    assert browser.get(f"{address}/file").status_code == 200
    session = session_of()
    session.execute(sa.update(ExportJob).values(finished_at=now() - export_job.KEPT - timedelta(minutes=1)))
    session.commit()
    left = folder(app) / "of a run that died"
    left.write_bytes(b"")
    exports.clear()
    assert list(folder(app).glob("*")) == [left]
    assert browser.get(f"{address}/file").status_code == 404
    assert "已过期删除" in browser.get(address).text
    later = time.time() + export_job.KEPT.total_seconds() + 60
    monkeypatch.setattr(exports.time, "time", lambda: later)
    exports.clear()
    assert list(folder(app).glob("*")) == []


def test_the_worker_clears_up(app: Flask, agencies: Any, sign_in: SignIn, session_of: SessionOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TRACE_ANCHORS", str(tmp_path))  # a beat seals too, and other tests' traces know nothing of this one's
    asked(sign_in(CLERK))
    session = session_of()
    session.execute(sa.update(ExportJob).values(finished_at=now() - export_job.KEPT * 2))
    session.commit()
    app.extensions["jobs"].beat()
    session.expire_all()
    assert session.scalar(sa.select(ExportJob.state)) == ExportState.GONE
    db.session.remove()
