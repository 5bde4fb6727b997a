"""What is sensitive is encrypted wherever it lies, by keys whose key is not in the database; and goes when its time is over."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app import backup, registry
from app.clock import today
from app.database import db
from app.encryption import data_keys, upkeep
from app.encryption.column import Encrypted
from app.encryption.envelope import DESTROYED, Envelope, Unreadable, key_of
from app.history import read, search
from app.history import upkeep as sealing
from app.history.chain import Fault, Finding
from app.register import Record, field_map, fields
from app.retention import expired
from imports.batch import ImportBatch
from imports.run import run
from models import Agency, Expert
from models.expert import ExpertStatus
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import EXPERT_ADMIN, Persona

ONE, TWO, INDEX = b"1" * 32, b"2" * 32, b"i" * 32
SEALED = [(cls, declared) for cls in registry.tables() for declared in fields(cls) if declared.sensitive]


# the envelope -------------------------------------------------------------------------------------


@given(st.text(max_size=300), st.booleans())
def test_what_is_sealed_is_opened_and_nothing_of_it_shows(text: str, indexed: bool) -> None:
    keys = Envelope(ONE, INDEX)
    stored, key = keys.seal(text, "expert.id_no", indexed=indexed)
    again, other = keys.seal(text, "expert.id_no", indexed=indexed)
    assert keys.open(stored, "expert.id_no", key) == text
    assert stored != again
    assert key.wrapped != other.wrapped
    assert len(text) < 4 or text not in stored


@given(st.text(min_size=1, max_size=40), st.integers(0, 10_000), st.integers(1, 127))
def test_a_bent_value_is_not_read(text: str, place: int, bits: int) -> None:
    keys = Envelope(ONE, INDEX)
    stored, key = keys.seal(text, "t.c", indexed=False)
    head, _colon, body = stored.rpartition(":")
    raw = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    raw[place % len(raw)] ^= bits
    bent = f"{head}:{base64.urlsafe_b64encode(bytes(raw)).decode()}"
    with pytest.raises(Unreadable):
        keys.open(bent, "t.c", key)


def test_a_value_belongs_to_its_column_and_its_key() -> None:
    keys = Envelope(ONE, INDEX)
    stored, key = keys.seal("130828197001011234", "expert.id_no", indexed=False)
    _stored, other = keys.seal("x", "expert.id_no", indexed=False)
    for place, each in (("expert.bank_account", key), ("expert.id_no", other), ("expert.id_no", None)):
        with pytest.raises(Unreadable):
            keys.open(stored, place, each)
    with pytest.raises(Unreadable):
        Envelope(TWO, INDEX).open(stored, "expert.id_no", key)


def test_the_blind_index_is_one_per_column_and_key() -> None:
    keys = Envelope(ONE, INDEX)
    assert keys.index("a", "t.c") == Envelope(TWO, INDEX).index("a", "t.c")
    assert len({keys.index("a", "t.c"), keys.index("b", "t.c"), keys.index("a", "t.d"), Envelope(ONE, TWO).index("a", "t.c")}) == 4


# at rest ------------------------------------------------------------------------------------------


def test_everything_sensitive_is_encrypted_and_nothing_else() -> None:
    assert {(cls, declared.attr) for cls, declared in SEALED} == {
        (cls, column.key) for cls in registry.tables() for column in cls.__table__.columns if isinstance(column.type, Encrypted)
    }
    assert len(SEALED) >= 12


@pytest.fixture(autouse=True)
def _anchors(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TRACE_ANCHORS", str(tmp_path / "anchors"))


def findings() -> list[Finding]:
    """What a verification of the sealed trace finds."""
    sealing.seal()
    return sealing.verdict().findings


@pytest.fixture
def filled(session_of: SessionOf) -> dict[tuple[type[Record], str], Any]:
    """One record of everything that has a sensitive field, each filled in; the values by field."""
    session = session_of()
    office = session.scalar(sa.select(registry.need("org_unit").id).limit(1))  # type: ignore[attr-defined]
    found: dict[tuple[type[Record], str], Any] = {}
    for number, cls in enumerate(dict.fromkeys(cls for cls, _declared in SEALED), start=301):
        parent = samples.make(session, cls.__parent__, number, office) if hasattr(cls, "__parent__") else None  # type: ignore[attr-defined]
        row = samples.make(session, cls, number, office, parent=parent)
        for each, declared in SEALED:
            if each is cls and getattr(row, declared.attr) is None:
                setattr(row, declared.attr, samples.sample(declared, number, None))  # type: ignore[arg-type]
        session.commit()
        found |= {(cls, declared.key): (row.id, getattr(row, declared.attr)) for each, declared in SEALED if each is cls}
    assert all(value is not None for _row, value in found.values()), found
    return found


def _texts(values: dict[Any, Any]) -> set[str]:
    return {str(value) for _row, value in values.values() if not isinstance(value, date)}


def _contents(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    """Every cell of every table, the trace's too, as text."""
    tables = [(None, name) for name in sa.inspect(connection).get_table_names()]
    if connection.dialect.name == "postgresql":
        tables += [("trace", name) for name in sa.inspect(connection).get_table_names("trace")]
    for schema, name in tables:
        full = f'"{schema}"."{name}"' if schema else f'"{name}"'
        for row in connection.exec_driver_sql(f"SELECT * FROM {full}"):
            for cell in row:
                yield full, bytes(cell).decode("latin-1") if isinstance(cell, (bytes, memoryview)) else str(cell)


def _found(texts: set[str]) -> set[tuple[str, str]]:
    with db.engine.connect() as connection:
        return {(table, text) for table, cell in _contents(connection) for text in texts if text in cell}


def test_no_table_holds_a_sensitive_value(app: Flask, filled: dict[Any, Any]) -> None:
    assert _found(_texts(filled)) == set()
    with db.engine.connect() as connection:  # a day of birth alone is like any other day
        born = connection.exec_driver_sql("SELECT birth_date FROM expert WHERE birth_date IS NOT NULL").scalars().all()
    assert born
    assert all(text.startswith("e1:") for text in born)


def test_an_import_leaves_nothing_in_clear_either(app: Flask, session_of: SessionOf) -> None:
    """The rows, the workbook that is kept, its report, the trace."""
    session = session_of(EXPERT_ADMIN)
    content = Path("tests/workbooks/专家库名单.csv").read_bytes()
    result, _report = run(session, Expert, content, "专家库名单.csv")
    values = [(row.id_no, row.phone, row.bank_account) for row in session.scalars(sa.select(Expert)).all()]
    texts = {text for row in values for text in row if text}
    assert len(texts) > 60
    assert _found(texts) == set()
    assert session.scalar(sa.select(ImportBatch.content).where(ImportBatch.id == result.batch)) == content


def test_neither_does_the_database_file_nor_a_backup(app: Flask, filled: dict[Any, Any], tmp_path: Path) -> None:
    texts = {text.encode() for text in _texts(filled)}
    made = backup.make(tmp_path).read_bytes()
    assert not [text for text in texts if text in made]
    if db.engine.dialect.name == "sqlite":
        for tail in ("", "-wal"):
            file = Path(str(db.engine.url.database) + tail)
            held = file.read_bytes() if file.exists() else b""
            assert not [text for text in texts if text in held]


@pytest.mark.parametrize(("cls", "key"), [(cls, declared.key) for cls, declared in SEALED], ids=lambda each: getattr(each, "__key__", each))
def test_it_comes_back_on_every_way_of_reading(session_of: SessionOf, filled: dict[Any, Any], cls: type[Record], key: str) -> None:
    session, attr, (number, value) = session_of(), field_map(cls)[key].attr, filled[cls, key]
    table, connection = cls.__table__, session.connection()
    assert getattr(session.get(cls, number), attr) == value
    assert connection.scalar(sa.select(table.c[attr]).where(table.c.id == number)) == value
    assert connection.execute(sa.select(table).where(table.c.id == number)).mappings().one()[attr] == value
    within = sa.select(table).where(table.c.id == number).subquery()
    assert connection.scalar(sa.select(within.c[attr])) == value
    assert read.of_rows(session, cls, [number])[-1].values[attr] == value


@pytest.mark.parametrize("test", [
    lambda column: column.contains("138"), lambda column: column > "1", lambda column: column.like("138%"), lambda column: column == "13800000001",
    lambda column: column.in_(["13800000001"]),
])  # fmt: skip
def test_no_statement_asks_of_it(test: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="is encrypted"):
        test(Agency.mobile)


# equality -----------------------------------------------------------------------------------------


def test_the_key_of_a_record_is_unique_though_encrypted(session_of: SessionOf) -> None:
    session = session_of()
    first = samples.make(session, Expert, 41)
    session.commit()
    assert session.scalar(sa.select(Expert.id).where(Expert.id_no == first.id_no)) == first.id
    assert session.scalars(sa.select(Expert.id).where(Expert.id_no.in_([first.id_no, "x"]))).all() == [first.id]
    with pytest.raises(sa.exc.IntegrityError):
        session.add(Expert(name="另一人", id_no=first.id_no))
        session.flush()
    session.rollback()
    first.voided_at, first.void_reason = sa.func.now(), "x"
    session.commit()
    session.add(Expert(name="另一人", id_no=samples.resident_id(41)))
    session.commit()


# other programs -----------------------------------------------------------------------------------


def test_plain_text_of_another_program_is_read_named_and_encrypted(app: Flask, session_of: SessionOf) -> None:
    row = samples.make(session := session_of(), Expert, 42)
    session.commit()
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE expert SET phone = '13911112222', birth_date = '1971-02-03', id_no = '130828197102030017' WHERE id = {row.id}")
    assert findings()[-1].fault is Fault.PLAIN
    session.expire_all()
    assert (row.phone, row.birth_date) == ("13911112222", date(1971, 2, 3))
    answer = app.test_cli_runner().invoke(args=["keys", "check"])
    assert (answer.exit_code, answer.output.count("是明文")) == (1, 3)
    assert "13911112222" not in answer.output
    assert "3" in app.test_cli_runner().invoke(args=["keys", "encrypt"]).output
    assert app.test_cli_runner().invoke(args=["keys", "check"]).exit_code == 0
    assert Fault.PLAIN not in {each.fault for each in findings()}
    session.expire_all()
    assert (row.phone, row.birth_date, row.id_no) == ("13911112222", date(1971, 2, 3), "130828197102030017")
    assert session.scalar(sa.select(Expert.id).where(Expert.id_no == row.id_no)) == row.id


def test_a_value_without_its_key_is_named(app: Flask, session_of: SessionOf) -> None:
    row = samples.make(session := session_of(), Expert, 43)
    session.commit()
    with db.engine.begin() as connection:
        stored = connection.exec_driver_sql(f"SELECT bank_account FROM expert WHERE id = {row.id}").scalar()
        assert data_keys.destroy(connection, [key_of(str(stored)) or ""]) == 1
    found = findings()
    assert [(each.fault, each.row, each.detail) for each in found] == [(Fault.UNREADABLE, row.id, "bank_account")]
    assert "读不出来" in app.test_cli_runner().invoke(args=["keys", "check"]).output


# keys ---------------------------------------------------------------------------------------------


def _with_keys(app: Flask, monkeypatch: pytest.MonkeyPatch, master: bytes, *former: bytes, index: bytes | None = None) -> None:
    kept = base64.b64decode(os.environ["INDEX_KEY"])
    monkeypatch.setitem(app.extensions, "envelope", Envelope(master, index or kept, former))
    monkeypatch.setattr(data_keys, "_proved", set())


def _image(row: int) -> list[str]:
    with db.engine.connect() as connection:
        return [entry.image for entry in search.find(connection, search.Wanted(relation="expert", row=row), 10)]


def test_a_new_master_key_touches_no_record_and_no_entry(app: Flask, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch) -> None:
    old = base64.b64decode(os.environ["MASTER_KEY"])
    row = samples.make(session := session_of(), Expert, 44)
    content = Path("tests/workbooks/专家库名单.csv").read_bytes()
    run(session_of(EXPERT_ADMIN), Expert, content, "专家库名单.csv")
    session.commit()
    sealing.seal()
    value, images = row.id_no, _image(row.id)
    with db.engine.connect() as connection:
        before = connection.exec_driver_sql("SELECT id_no, phone FROM expert ORDER BY id").all()
    _with_keys(app, monkeypatch, TWO, old)
    answer = app.test_cli_runner().invoke(args=["keys", "rotate"])
    assert answer.exit_code == 0, answer.output
    _with_keys(app, monkeypatch, TWO)  # the old one is thrown away
    session.expire_all()
    assert row.id_no == value
    assert session.scalar(sa.select(ImportBatch.content)) == content
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT id_no, phone FROM expert ORDER BY id").all() == before
        assert set(upkeep.by_master(connection)) == {app.extensions["envelope"].master}
    assert _image(row.id) == images
    assert read.of_rows(session, Expert, [row.id])[-1].values["id_no"] == value
    assert findings() == []
    samples.make(session, Expert, 45)
    session.commit()
    assert app.test_cli_runner().invoke(args=["keys", "check"]).exit_code == 0


@pytest.mark.parametrize("wrong", ["master", "index"])
def test_with_other_keys_nothing_is_written_and_it_is_said(
    app: Flask, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch, wrong: str, sign_in: Callable[[Persona], Browser]
) -> None:
    number = samples.make(session := session_of(), Expert, 46).id
    session.commit()
    keeper = sign_in(EXPERT_ADMIN)
    old = base64.b64decode(os.environ["MASTER_KEY"])
    _with_keys(app, monkeypatch, TWO if wrong == "master" else old, index=None if wrong == "master" else TWO)
    with pytest.raises((sa.exc.StatementError, Unreadable)):
        samples.make(session, Expert, 47)
    session.rollback()
    assert app.test_cli_runner().invoke(args=["keys", "check"]).exit_code == 1
    assert "INDEX_KEY" in app.test_cli_runner().invoke(args=["install"]).output
    assert [each["name"] for each in app.test_client().get("/readyz").json["problems"] if each["name"] == "keys"] == ["keys"]  # type: ignore[index]
    if wrong == "master":
        answer = keeper.get(f"/expert/show/{number}")
        assert answer.status_code == 503
        assert "密钥" in answer.get_data(as_text=True)


def test_a_destroyed_key_takes_the_value_out_of_history(app: Flask, session_of: SessionOf) -> None:
    session = session_of()
    row = samples.make(session, Expert, 48)
    session.commit()
    names, _batches = read.sealed(session, Expert, row.id, ["id_no"])
    assert len(names) == 1
    with db.engine.begin() as connection:
        data_keys.destroy(connection, sorted(names))
    values = read.of_rows(session, Expert, [row.id])[-1].values
    assert values["id_no"] is DESTROYED
    assert values["phone"] is not None


# retention ----------------------------------------------------------------------------------------


def _leave(session: Session, row: Expert, status: ExpertStatus) -> None:
    row.status = status.value
    session.commit()


def test_what_was_kept_long_enough_is_destroyed_everywhere(app: Flask, session_of: SessionOf, sign_in: Callable[[Persona], Browser]) -> None:
    session = session_of()
    content = Path("tests/workbooks/专家库名单.csv").read_bytes()
    run(session_of(EXPERT_ADMIN), Expert, content, "专家库名单.csv")
    session.execute(sa.update(ImportBatch).values(notes=b"what the pages show of the file"))
    gone, stays, back = session.scalars(sa.select(Expert).where(Expert.id_no.is_not(None)).limit(3)).all()
    number, phone = gone.id_no, gone.phone
    gone.bank_account, gone.bank_name = "622202020011223344", "农业银行围场支行"
    session.commit()
    _leave(session, gone, ExpertStatus.DISMISSED)
    _leave(session, back, ExpertStatus.DISMISSED)
    _leave(session, back, ExpertStatus.APPOINTED)
    day = today().replace(year=today().year + 3)
    assert [each.row for each in expired(session, day - timedelta(days=1))] == []
    assert [(each.row, {declared.key for declared in each.fields}) for each in expired(session, day)] == [
        (gone.id, {declared.key for declared in fields(Expert) if declared.kept_years})
    ]
    listed = app.test_cli_runner().invoke(args=["retention", "list", "--day", day.isoformat()])
    assert f"#{gone.id}" in listed.output
    assert number not in listed.output
    done = app.test_cli_runner().invoke(args=["retention", "run", "--yes", "--day", day.isoformat()])
    assert done.exit_code == 0, done.output
    session.expire_all()
    assert (gone.id_no, gone.birth_date, gone.bank_account, gone.phone) == (None, None, None, phone)
    assert stays.id_no
    assert back.id_no
    versions = read.of_rows(session, Expert, [gone.id])
    assert versions[0].values["id_no"] is DESTROYED
    assert all(version.values["bank_account"] in {None, DESTROYED} for version in versions)
    assert versions[-1].reason
    page = sign_in(EXPERT_ADMIN).get(f"/expert/history/{gone.id}").get_data(as_text=True)
    assert "已销毁" in page
    assert (
        session.scalar(sa.select(sa.func.count()).select_from(ImportBatch).where(sa.or_(ImportBatch.content.is_not(None), ImportBatch.notes.is_not(None)))) == 0
    )
    noted = search.find(session.connection(), search.Wanted(kind="destroyed"), 10)
    assert [(each.relation, each.row) for each in noted] == [("expert", gone.id)]
    assert findings() == []
    assert app.test_cli_runner().invoke(args=["retention", "run", "--yes", "--day", day.isoformat()]).output.startswith("已销毁 0")


def test_a_voided_record_is_over_too(app: Flask, session_of: SessionOf) -> None:
    from app.records import void

    session = session_of()
    row = samples.make(session, Expert, 49)
    session.commit()
    void(session, row, "重复登记")
    session.commit()
    day = today().replace(year=today().year + 3)
    assert [each.row for each in expired(session, day)] == [row.id]
    assert app.test_cli_runner().invoke(args=["retention", "run", "--yes", "--day", day.isoformat()]).exit_code == 0
    session.expire_all()
    assert row.id_no is None
