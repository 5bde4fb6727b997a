"""A backup restores to the same tables, next numbers and files; a damaged or foreign one changes nothing."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import config
from app import backup
from app.attachments import keep
from app.backup_database import Damaged, Refused
from app.clock import SHANGHAI
from app.database import db, open_session
from app.history import commands
from app.jobs import Jobs
from app.scopes import SYSTEM, act_as
from models.agency import Agency
from tests import samples
from tests.conftest import SessionOf
from tests.databases import Databases
from tests.people import OWN
from tests.test_cli import call
from tests.test_matrix import office_id

POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgresql")
#: every byte value, odd letters, the largest numbers
ODD = "引号'\"\\ 换行\n制表\t 𠮷 \u200b –"


@pytest.fixture
def filled(app: Flask, session_of: SessionOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Agencies with files; a number drawn and not used, as a rollback leaves it."""
    monkeypatch.setitem(app.config, "FILES_PATH", str(tmp_path / "files"))
    session = session_of()
    rows = [samples.make(session, Agency, number, office_id(session, OWN)) for number in range(5)]
    rows[0].remark = ODD
    for number, row in enumerate(rows):
        keep(session, row, f"证书{number}.txt", f"内容{number}{ODD}".encode())
    session.commit()
    session.add(Agency(name="drawn", uscc=samples.credit_code(99)))
    session.flush()
    session.rollback()
    return app


@pytest.fixture
def elsewhere(databases: Databases, tmp_path: Path) -> Iterator[Flask]:
    """Another installation, with nothing in it."""
    from app.factory import create_app

    databases.create("scratch")
    settings = {"DATABASE_URL": databases._address("scratch"), "SECRET_KEY": "test", "JOBS_PATH": ":immediate:", "FILES_PATH": str(tmp_path / "elsewhere")}
    made = create_app(settings)
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def contents(app: Flask) -> dict[str, Any]:
    """Every table's rows, what comes next from every sequence, every file."""
    found: dict[str, Any] = {}
    with app.app_context(), db.engine.connect() as connection:
        meta = sa.MetaData()
        schemas = ["public", "trace"] if POSTGRESQL else [None]
        for schema in schemas:
            for name in sa.inspect(connection).get_table_names(schema):
                if not name.startswith("search_"):
                    table = sa.Table(name, meta, autoload_with=connection, schema=schema)
                    found[f"{schema}.{name}"] = sorted(map(repr, connection.execute(sa.select(table))))
        if POSTGRESQL:
            found["sequences"] = sorted(map(repr, connection.execute(sa.text("SELECT schemaname, sequencename, last_value FROM pg_sequences"))))
            found["indexes"] = sorted(map(repr, connection.execute(sa.text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"))))
        else:
            found["sql"] = sorted(map(repr, connection.execute(sa.text("SELECT name, sql FROM sqlite_master"))))
    folder = Path(app.config["FILES_PATH"])
    found["files"] = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return found


def test_a_backup_restores_to_the_same(filled: Flask, elsewhere: Flask, tmp_path: Path) -> None:
    with filled.app_context():
        commands.seal()
    before = contents(filled)
    done = call(filled, "backup", tmp_path / "kept")
    assert done.exit_code == 0, done.output
    (file,) = (tmp_path / "kept").iterdir()
    assert str(file) in done.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert contents(filled) == before, "a backup changes nothing"
    with elsewhere.app_context():
        done = call(elsewhere, "restore", file)
    assert done.exit_code == 0, done.output
    after = contents(elsewhere)
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
    assert set(after) == set(before)
    assert len(after["files"]) == 5
    following = [_next(each) for each in (filled, elsewhere)]
    assert following[0] == following[1], "the next record gets the same number"


def _next(app: Flask) -> int:
    with app.app_context():
        session = open_session()
        act_as(session, SYSTEM)
        row = Agency(name="下一个", uscc=samples.credit_code(100))
        session.add(row)
        session.commit()
        number = row.id
        session.close()
        return number


def test_the_trace_of_a_backup_is_sealed(filled: Flask, elsewhere: Flask, tmp_path: Path) -> None:
    """Whoever restores it can prove it: no entry waits for a worker that was on another machine."""
    with filled.app_context():
        assert commands.verdict().unsealed > 5
        file = backup.make(tmp_path / "kept")
        assert commands.verdict().unsealed == 0
    with elsewhere.app_context():
        backup.restore(file)
        elsewhere.config["TRACE_ANCHORS"], elsewhere.config["TRACE_KEY"] = filled.config["TRACE_ANCHORS"], filled.config["TRACE_KEY"]
        found = commands.verdict()
    assert found.sealed == found.entries > 5
    assert found.findings == []


def test_what_cannot_be_sealed_is_kept_all_the_same(filled: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def full() -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.backup.seal", full)
    with filled.app_context():
        assert backup.make(tmp_path / "kept").is_file()
    assert "could not be sealed" in caplog.text


def test_a_backup_beside_writers_is_of_one_moment(filled: Flask, elsewhere: Flask, tmp_path: Path) -> None:
    """Writers move one row at a time from one half to the other: every moment has as many of each pair."""
    over, errors = threading.Event(), []

    def write(worker: int) -> None:
        try:
            number = 1000 * (worker + 1)
            while not over.is_set():
                number += 1
                with filled.app_context(), open_session() as session:
                    act_as(session, SYSTEM)
                    pair = [
                        Agency(name=f"并{worker}-{number}-{half}", uscc=samples.credit_code(2 * number + half), contact=f"{worker}-{number}") for half in (0, 1)
                    ]
                    session.add_all(pair)
                    session.flush()
                    keep(session, pair[0], "并.txt", f"{worker}-{number}".encode())
                    session.commit()
        except Exception as error:  # noqa: BLE001 - the test tells it
            errors.append(error)

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(3)]
    for each in writers:
        each.start()
    try:
        with filled.app_context():
            files = [backup.make(tmp_path / "kept" / str(number)) for number in range(3)]
    finally:
        over.set()
        for each in writers:
            each.join()
    assert not errors
    for file in files:
        with elsewhere.app_context():
            manifest = backup.restore(file, replace=True)
            with db.engine.connect() as connection:
                odd = connection.scalars(sa.text("SELECT contact FROM agency WHERE name LIKE '并%' GROUP BY contact HAVING count(*) <> 2")).all()
                names = connection.scalars(sa.text("SELECT stored_name FROM attachment")).all()
                assert connection.scalar(sa.text("SELECT count(*) FROM agency")) == manifest.rows["agency"]
        assert odd == []
        folder = Path(elsewhere.config["FILES_PATH"])
        assert [name for name in names if not (folder / name[:2] / name).is_file()] == [], "every row finds its file"
    assert manifest.rows["agency"] > 5, "somebody wrote meanwhile"


def test_what_is_there_goes_only_when_asked(filled: Flask, tmp_path: Path) -> None:
    with filled.app_context():
        file = backup.make(tmp_path / "kept")
    _next(filled)
    (Path(filled.config["FILES_PATH"]) / "aa").mkdir(exist_ok=True)
    (Path(filled.config["FILES_PATH"]) / "aa" / ("a" * 40)).write_bytes(b"later")
    now = contents(filled)
    done = call(filled, "restore", file)
    assert done.exit_code == 2
    assert "--replace" in done.output
    assert contents(filled) == now
    done = call(filled, "restore", file, "--replace")
    assert done.exit_code == 0, done.output
    back = contents(filled)
    assert len([name for name in back if name.endswith("agency")]) == 1
    assert len(back["files"]) == 5
    assert sum(len(rows) for name, rows in back.items() if name.endswith(".agency")) == 5


def _cut(file: Path) -> None:
    with file.open("r+b") as out:
        out.truncate(file.stat().st_size // 2)


def _bend(file: Path) -> None:
    """One bit, in the middle of the database."""
    with tarfile.open(file) as archive:
        member = archive.getmember("database")
        place = member.offset_data + member.size // 2
    with file.open("r+b") as out:
        out.seek(place)
        byte = out.read(1)[0]
        out.seek(place)
        out.write(bytes([byte ^ 1]))


def _bend_file(file: Path) -> None:
    with tarfile.open(file) as archive:
        place = next(each for each in archive if each.name.startswith("files/")).offset_data
    with file.open("r+b") as out:
        out.seek(place)
        out.write(b"\x00")


def _without(file: Path, name: str) -> None:
    _rewrite(file, lambda member: None if member.name.startswith(name) else member)


def _rewrite(file: Path, change: Callable[[tarfile.TarInfo], tarfile.TarInfo | None]) -> None:
    with tarfile.open(file) as source, tarfile.open(file.with_suffix(".new"), "w") as out:
        for member in source:
            content = source.extractfile(member)
            changed = change(member)
            if changed is not None:
                out.addfile(changed, content)
    file.with_suffix(".new").replace(file)


def _outside(file: Path) -> None:
    def change(member: tarfile.TarInfo) -> tarfile.TarInfo:
        if member.name.startswith("files/"):
            member.name = "../../outside"
        return member

    _rewrite(file, change)


def _newer(file: Path) -> None:
    with tarfile.open(file) as source:
        text = source.extractfile("manifest.json").read().decode()  # type: ignore[union-attr]
    known = text.split('"migration": "')[1].split('"')[0]
    file.write_bytes(file.read_bytes().replace(f'"migration": "{known}"'.encode(), f'"migration": "{"f" * len(known)}"'.encode()))


BROKEN: dict[str, Callable[[Path], Any]] = {
    "cut": _cut, "bent": _bend, "file bent": _bend_file, "no database": lambda file: _without(file, "database"), "no file": lambda file: _without(file, "files/"),
    "no manifest": lambda file: _without(file, "manifest"), "outside": _outside, "newer": _newer, "text": lambda file: file.write_text("不是备份" * 900),
    "empty": lambda file: file.write_bytes(b""), "foreign": lambda file: shutil.copy(config.ROOT / "tests" / "workbooks" / "中介机构名录.xlsx", file),
    "gone": lambda file: file.unlink(),
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_a_backup_that_is_not_whole_or_not_ours_changes_nothing(filled: Flask, elsewhere: Flask, tmp_path: Path, how: str) -> None:
    with filled.app_context():
        file = backup.make(tmp_path / "kept")
    BROKEN[how](file)
    before = contents(filled)
    done = call(filled, "restore", file, "--replace")
    assert done.exit_code == 2, (done.output, done.exception)
    assert any("一" <= char <= "鿿" for char in done.output), "in words"
    assert "Traceback" not in done.output
    assert contents(filled) == before
    assert not (tmp_path / "outside").exists()
    with elsewhere.app_context(), pytest.raises(Refused):
        backup.restore(file)


def test_a_restore_that_fails_half_way_leaves_what_was_there(filled: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with filled.app_context():
        file = backup.make(tmp_path / "kept")
    _next(filled)
    before = contents(filled)
    real = backup.backup_database._put_back_postgresql if POSTGRESQL else backup.backup_database._put_back_sqlite

    def broken(target: Any, source: Path, **named: Any) -> None:
        """The copy breaks off in the middle of the rows."""
        if POSTGRESQL:
            monkeypatch.setattr(backup.backup_database, "_run", _spoiling(backup.backup_database._run))
        else:
            with source.open("r+b") as out:
                out.truncate(source.stat().st_size // 2)
        real(target, source, **named)

    monkeypatch.setattr(backup.backup_database, real.__name__, broken)
    with filled.app_context():
        db.session.remove()
        db.engine.dispose()
        with pytest.raises(Refused):
            backup.restore(file, replace=True)
    assert contents(filled) == before


def _spoiling(run: Callable[..., None]) -> Callable[..., None]:
    def spoiled(url: str, program: str, *arguments: str, connect: bool = True) -> None:
        if program == "psql":
            script = next(Path(each.removeprefix("--file=")) for each in arguments if each.endswith("restore.sql"))
            script.write_text(script.read_text(encoding="utf-8") + "\nSELECT no_such_function();\n", encoding="utf-8")
        run(url, program, *arguments, connect=connect)

    return spoiled


def test_a_backup_that_fails_leaves_nothing_behind(filled: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.backup.os.fsync", no_room)
    done = call(filled, "backup", tmp_path / "kept")
    assert done.exit_code == 2
    assert "备份没有写成" in done.output
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.mark.skipif(not POSTGRESQL, reason="of PostgreSQL")
def test_a_missing_program_is_named(filled: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = call(filled, "backup", tmp_path / "kept")
    assert done.exit_code == 2
    assert "pg_dump" in done.output
    assert "postgresql-client" in done.output


def test_another_kind_of_database_is_refused(filled: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with filled.app_context():
        file = backup.make(tmp_path / "kept")
        other = f"sqlite:///{tmp_path / 'other.db'}" if POSTGRESQL else "postgresql+psycopg://nobody@127.0.0.1:1/x"
        monkeypatch.setitem(filled.config, "BACKUP_DATABASE_URL", other)
        with pytest.raises(Refused, match="不能恢复"):
            backup.restore(file)
        assert not issubclass(Refused, Damaged)


# every night --------------------------------------------------------------------------------------


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("moment", "night"),
    [("2026-03-05 02:29", ""), ("2026-03-05 02:30", "20260305"), ("2026-03-05 08:29", "20260305"), ("2026-03-05 08:31", ""), ("2026-03-05 23:59", "")],
)
def test_the_night_is_shanghais_and_made_up_until_the_morning(moment: str, night: str) -> None:
    assert backup.due("02:30", at(moment)) == night
    assert backup.due("no", at(moment)) == ""
    assert backup.due("23:00", at("2026-03-05 01:00")) == "20260304"


def test_a_night_is_claimed_once_however_many_workers_ask(tmp_path: Path) -> None:
    won: list[bool] = []
    threads = [threading.Thread(target=lambda: won.append(backup.claim(tmp_path / "kept", "20260305"))) for _number in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(won) == [False] * 11 + [True]


def test_the_worker_makes_one_backup_a_night_and_takes_old_ones_away(filled: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "nightly"
    for name, value in (("BACKUP_PATH", str(folder)), ("BACKUP_AT", "02:30"), ("BACKUP_KEEP", 14)):
        monkeypatch.setitem(filled.config, name, value)
    folder.mkdir()
    for old in ("yingshang-20260201-023000.tar", "yingshang-20260225-023000.tar", "别的文件.tar"):
        (folder / old).touch()
    for module in ("app.backup", "app.clock"):
        monkeypatch.setattr(f"{module}.now", lambda: at("2026-03-05 02:31"))
    jobs: Jobs = filled.extensions["jobs"]
    for _beat in range(3):
        jobs.beat()
    made = sorted(path.name for path in folder.glob("*.tar"))
    assert made == ["yingshang-20260225-023000.tar", "yingshang-20260305-023100.tar", "别的文件.tar"]
    with filled.app_context():
        assert backup.verify(folder / made[1]).rows["agency"] == 5
        assert backup.rotate(folder, 0, at("2026-03-05 02:40") + timedelta(days=99)) == [folder / made[0]], "the newest stays"
