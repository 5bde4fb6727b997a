"""The database goes away, is busy, full, read-only, damaged; the disk is full: said in words, nothing half-written, well again by itself."""

from __future__ import annotations

import gc
import io
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app import database
from app.attachments import Attachment
from app.database import db
from models.agency import Agency, Qualification
from tests import samples
from tests.conftest import Browser, Client
from tests.databases import Databases
from tests.loopback import Wire
from tests.people import CLERK, PASSWORD, Persona
from tests.test_pages import agency as agency  # noqa: PLC0414 - a fixture
from tests.test_pages import kept, send_file

SignIn = Callable[[Persona], Browser]
NEW = {"name": "承德市新来公司", "uscc": samples.credit_code(88)}
AWAY, BUSY, FULL, READ_ONLY, DAMAGED = "数据库暂时连不上", "数据库正忙", "服务器的磁盘满了", "数据库现在只能读", "数据库文件读不出来"
POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgresql")
on_sqlite = pytest.mark.skipif(POSTGRESQL, reason="of SQLite")
on_postgresql = pytest.mark.skipif(not POSTGRESQL, reason="of PostgreSQL")


@pytest.fixture(autouse=True)
def in_earnest(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TESTING", False)


def says(answer: Any, words: str, status: int = 503) -> None:
    """A page or JSON in plain words, without the frame, which would need the database, and without internals."""
    text = answer.get_data(as_text=True)
    assert answer.status_code == status, text[:500]
    assert answer.headers["Retry-After"]
    assert answer.headers["X-Request-ID"] in text
    assert "Traceback" not in text
    assert "sqlalche" not in text
    if answer.is_json:
        assert words in answer.json["message"]
        return
    page = BeautifulSoup(text, "html.parser")
    assert words in page.h1.get_text()
    assert "没有保存" in page.main.get_text()
    assert not page.select("aside.navbar")


def agencies(app: Flask) -> int:
    return int(kept(app, sa.select(sa.func.count(Agency.id))))


def gives_back(answer: Any) -> None:
    """The form once more, with what was typed: the database was only busy."""
    page = BeautifulSoup(answer.get_data(as_text=True), "html.parser")
    assert answer.status_code == 503
    assert f"{BUSY}（例如别人正在导入），您的内容还没有保存，但都保留着" in page.select_one(".alert").get_text()
    assert {name: page.find(attrs={"name": name})["value"] for name in NEW} == NEW


def recovers(app: Flask, browser: Browser) -> None:
    """The very next request answers, and the next one saves."""
    assert browser.get("/agency/list/").status_code == 200
    before = agencies(app)
    assert browser.post("/agency/add", NEW).status_code == 302
    assert agencies(app) == before + 1


def test_every_outage_is_said_in_both_languages(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_arguments: Any) -> Any:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setitem(app.view_functions, "SignIn.login", gone)
    client = app.test_client()
    says(client.get("/login/"), AWAY)
    client.get("/lang/en")
    answer = client.get("/login/")
    assert answer.status_code == 503
    assert BeautifulSoup(answer.data, "html.parser").html["lang"] == "en"


# PostgreSQL ---------------------------------------------------------------------------------------


@pytest.fixture
def wire(databases: Databases) -> Iterator[Wire]:
    url = sa.make_url(databases.work)
    made = Wire(url.host or "127.0.0.1", url.port or 5432)
    yield made
    made.close()


@pytest.fixture
def wired(app: Flask, databases: Databases, wire: Wire, tmp_path: Path) -> Iterator[Flask]:
    """A second application, which reaches the database by the wire."""
    from app.factory import create_app

    url = sa.make_url(databases.work).set(host="127.0.0.1", port=wire.port).render_as_string(hide_password=False)
    made = create_app(
        {"DATABASE_URL": url, "SECRET_KEY": "a key of the tests, long enough for tokens", "JOBS_PATH": ":immediate:", "FILES_PATH": str(tmp_path)}
    )
    made.test_client_class = Client
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def signed_in(app: Flask) -> Browser:
    browser = Browser(app.test_client())
    assert browser.post("/login/", {"username": CLERK.username, "password": PASSWORD}).status_code == 302
    return browser


@on_postgresql
def test_a_server_that_is_gone_is_said_and_the_first_request_after_it_works(wired: Flask, wire: Wire) -> None:
    browser = signed_in(wired)
    assert browser.get("/agency/list/").status_code == 200
    stranger = Browser(wired.test_client())
    token = stranger.token("/login/")
    wire.cut()
    for path in ("/agency/list/", "/", "/agency/add", "/api/v1/agency/"):
        says(browser.get(path), AWAY)
    says(stranger.client.post("/login/", data={"username": "x", "password": "y", "csrf_token": token}), AWAY)
    wire.mend()
    recovers(wired, browser)


@on_postgresql
def test_a_connection_cut_before_the_commit_leaves_nothing(wired: Flask, wire: Wire, app: Flask) -> None:
    browser = signed_in(wired)
    token = browser.token("/agency/add")
    with wired.app_context():
        factory = db.session.session_factory

    def cut(_session: Any) -> None:
        wire.cut()

    sa.event.listen(factory, "before_commit", cut)
    try:
        says(browser.client.post("/agency/add", data={**NEW, "csrf_token": token}), AWAY)
    finally:
        sa.event.remove(factory, "before_commit", cut)
    assert agencies(app) == 0
    assert kept(app, sa.select(sa.func.count(Qualification.id))) == 0
    wire.mend()
    recovers(wired, browser)


@on_postgresql
def test_sessions_that_the_server_ends_are_not_noticed(app: Flask, databases: Databases, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    assert browser.get("/agency/list/").status_code == 200
    name = sa.make_url(databases.work).database
    databases._server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    recovers(app, browser)


@on_postgresql
def test_a_session_ended_in_the_middle_is_said(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)

    def ended() -> Any:
        for statement in ("SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1"):
            db.session().connection().execute(sa.text(statement))

    with monkeypatch.context() as patch:
        patch.setitem(app.view_functions, "HelpView.index", ended)
        says(browser.get("/help/"), AWAY)
    recovers(app, browser)


@on_postgresql
@pytest.mark.parametrize(("code", "words", "status"), [("53100", FULL, 507), ("53300", BUSY, 503), ("25006", READ_ONLY, 503), ("40P01", BUSY, 503)])
def test_what_the_server_reports_is_told_apart(app: Flask, agency: Any, sign_in: SignIn, code: str, words: str, status: int) -> None:
    """The server raises the code itself, when the row is written."""
    browser = sign_in(CLERK)
    before = agencies(app)
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text(f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'x' USING ERRCODE = '{code}'; END $$"))
        connection.execute(sa.text("CREATE TRIGGER fail AFTER INSERT ON agency FOR EACH ROW EXECUTE FUNCTION fail()"))
    answer = browser.post("/agency/add", NEW)
    gives_back(answer) if words == BUSY else says(answer, words, status)
    assert agencies(app) == before
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER fail ON agency"))
    recovers(app, browser)


# SQLite -------------------------------------------------------------------------------------------


@pytest.fixture
def file(app: Flask, databases: Databases) -> Path:
    return databases.folder / "work.db"


@on_sqlite
def test_a_locked_database_is_busy_for_writers_only(app: Flask, file: Path, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    browser = sign_in(CLERK)
    token = browser.token("/agency/add")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert browser.get("/agency/list/").status_code == 200
    answer = browser.client.post("/agency/add", data={**NEW, "csrf_token": token})
    gives_back(answer)
    sheet = (io.BytesIO(f"机构名称,统一社会信用代码\n{NEW['name']},{NEW['uscc']}".encode()), "名录.csv")
    says(browser.client.post("/agency/import", data={"file": sheet, "mode": "upsert", "csrf_token": token}), BUSY)
    other.execute("ROLLBACK")
    other.close()
    recovers(app, browser)


@on_sqlite
def test_a_full_database_is_said(app: Flask, agency: Any, sign_in: SignIn) -> None:
    """SQLite's own limit of pages stands for the disk's: it reports the same error from the same place."""
    browser = sign_in(CLERK)
    before = agencies(app)
    limit: list[int] = []

    def full(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        limit.append(cursor.execute("PRAGMA page_count").fetchone()[0])
        cursor.execute(f"PRAGMA max_page_count = {limit[-1]}")
        cursor.close()

    with app.app_context():
        db.engine.dispose()
        engine = db.engine
    sa.event.listen(engine, "connect", full)
    try:
        for number in range(200, 260):
            answer = browser.post("/agency/add", {"name": f"公司{number}", "uscc": samples.credit_code(number), "remark": "长" * 500}, token_from="/")
            if answer.status_code != 302:
                break
        says(answer, FULL, 507)
    finally:
        sa.event.remove(engine, "connect", full)
        engine.dispose()
    assert agencies(app) == before + number - 200
    recovers(app, browser)


@on_sqlite
def test_a_database_that_may_not_be_written_is_said(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)

    def read_only(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA query_only = ON")

    with app.app_context():
        db.engine.dispose()
        engine = db.engine
    sa.event.listen(engine, "connect", read_only)
    try:
        says(browser.post("/agency/add", NEW), READ_ONLY)
    finally:
        sa.event.remove(engine, "connect", read_only)
        engine.dispose()
    recovers(app, browser)


@on_sqlite
def test_a_file_that_is_damaged_is_said_and_a_good_one_is_used_at_once(app: Flask, file: Path, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    _forget(app, file)
    good = file.with_name("good.db")
    shutil.copy(file, good)
    file.write_bytes(b"not a database at all " * 400)
    says(browser.get("/agency/list/"), DAMAGED)
    for tail in ("-wal", "-shm"):
        file.with_name(f"work.db{tail}").unlink(missing_ok=True)
    good.replace(file)
    recovers(app, browser)


@on_sqlite
def test_another_file_in_the_place_of_the_database_is_what_is_read(app: Flask, agency: Any, file: Path, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    assert agency.name in browser.get("/agency/list/").get_data(as_text=True)
    shutil.copy(file.with_name("template.db"), file.with_name("other.db"))
    for tail in ("-wal", "-shm"):
        file.with_name(f"work.db{tail}").unlink(missing_ok=True)
    file.with_name("other.db").replace(file)
    assert agency.name not in browser.get("/agency/list/").get_data(as_text=True)
    recovers(app, sign_in(CLERK))  # who was signed in stood in the file that is gone
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM agency").fetchone() == (1,), "it was written to the file that is there"


@on_sqlite
def test_a_file_that_is_gone_is_said_and_not_made_anew(app: Flask, file: Path, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    assert browser.get("/agency/list/").status_code == 200
    file.rename(file.with_name("away.db"))
    says(browser.get("/agency/list/"), AWAY)
    assert not file.exists()
    file.with_name("away.db").rename(file)
    recovers(app, browser)


def _forget(app: Flask, file: Path) -> None:
    with app.app_context():
        db.session.remove()
        with db.engine.connect() as connection:
            connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.engine.dispose()


# disk ---------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte, in memory. Only root may mount one, as CI does; elsewhere the tests with ENOSPC at the lowest call remain."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk takes root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_keeps_no_half_of_a_file(app: Flask, agency: Any, sign_in: SignIn, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)
    monkeypatch.setitem(app.config, "FILES_PATH", str(small_disk))
    says(send_file(browser, agency, "大.pdf", b"%PDF-1.7" + b"x" * 2_000_000), FULL, 507)
    assert kept(app, sa.select(sa.func.count(Attachment.id))) == 0
    assert not [path for path in small_disk.rglob("*") if path.is_file()]
    gc.collect()
    assert send_file(browser, agency, "小.pdf", b"%PDF-1.7 small").status_code == 302
    assert kept(app, sa.select(sa.func.count(Attachment.id))) == 1


def post_file(browser: Browser, path: str, token: str, name: str, data: bytes) -> Any:
    """Send a file without the test's own side needing the disk."""
    boundary, body = encode_multipart({"csrf_token": token, "mode": "upsert", "file": FileStorage(io.BytesIO(data), name)})
    return browser.client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # xlsxwriter and werkzeug leave files open that they cannot write
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_for_temporary_files_is_said(app: Flask, agency: Any, sign_in: SignIn, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)
    token = browser.token("/")
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with (small_disk / "filler").open("wb") as filler, pytest.raises(OSError, match="No space"):
        filler.write(b"x" * 2_000_000)
        filler.flush()
    for kind in ("xlsx", "csv"):
        says(browser.get(f"/agency/export.{kind}"), FULL, 507)
    says(post_file(browser, f"/agency/{agency.id}/files", token, "大.pdf", b"%PDF-1.7" + b"x" * 900_000), FULL, 507)
    says(post_file(browser, "/agency/import", token, "大.csv", "机构名称\n".encode() + b"x,\n" * 400_000), FULL, 507)
    gc.collect()  # while those warnings are none
    (small_disk / "filler").unlink()
    assert browser.get("/agency/export.csv").status_code == 200
    assert send_file(browser, agency, "小.pdf", b"%PDF-1.7 small").status_code == 302
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []


def test_the_lowest_seam_says_no_room(app: Flask, agency: Any, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no small disk can be mounted: the write itself fails as the kernel lets it fail."""
    browser = sign_in(CLERK)

    def no_room(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.attachments.os.fsync", no_room)
    says(send_file(browser, agency, "证书.pdf", b"%PDF-1.7"), FULL, 507)
    assert kept(app, sa.select(sa.func.count(Attachment.id))) == 0
    assert not list(Path(app.config["FILES_PATH"]).rglob("*.part"))
