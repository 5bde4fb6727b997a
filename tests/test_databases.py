"""What the tests stand on: each begins with the database as it was prepared, whatever the one before did."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.database import db
from app.history import commands
from models.agency import Agency
from models.reference import CodeEntry
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.databases import Databases
from tests.people import CLERK, OWN, Persona
from tests.test_matrix import office_id

POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgresql")
SCHEMAS = ["public", "trace"] if POSTGRESQL else [None]


def state(app: Flask) -> dict[str, Any]:
    """The rows of every table in the order in which they lie there, what is next, what would be made."""
    found: dict[str, Any] = {}
    with app.app_context(), db.engine.connect() as connection:
        for schema in SCHEMAS:
            for name in sorted(sa.inspect(connection).get_table_names(schema)):
                rows = connection.exec_driver_sql(f'SELECT * FROM {schema + "." if schema else ""}"{name}"')
                found[name] = hashlib.sha256("".join(str(tuple(row)) for row in rows).encode()).hexdigest()
        if POSTGRESQL:
            for what in (
                "sequencename, last_value FROM pg_sequences",
                "indexdef FROM pg_indexes",
                "tgname, tgenabled FROM pg_trigger",
                "proname, prosrc FROM pg_proc",
            ):
                found[what] = sorted(map(str, connection.exec_driver_sql(f"SELECT {what}")))
    _leave(app)
    return found


def _leave(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def _rows(app: Flask, session: Any, browser: Browser) -> None:
    """As most tests do: rows added, changed, deleted, people signed in, the trace sealed."""
    made = [samples.make(session, Agency, number, office_id(session, OWN)) for number in range(3)]
    session.delete(made[0])
    made[1].remark = "改过"
    session.connection().execute(sa.delete(CodeEntry.__table__).where(CodeEntry.__table__.c.id % 7 == 0))
    session.connection().execute(sa.update(CodeEntry.__table__).values(remark="改过"))
    session.commit()
    browser.get("/agency/list/")
    commands.seal()


def _emptied(app: Flask, session: Any, browser: Browser) -> None:
    session.connection().exec_driver_sql("TRUNCATE code" if POSTGRESQL else "DELETE FROM code")
    session.commit()


def _altered(app: Flask, session: Any, browser: Browser) -> None:
    session.connection().exec_driver_sql("ALTER TABLE agency ADD COLUMN odd integer")
    session.connection().exec_driver_sql("DROP INDEX ix_account_session_account_id")
    session.commit()


def _undone(app: Flask, session: Any, browser: Browser) -> None:
    """Numbers are drawn and nothing is kept."""
    samples.make(session, Agency, 1, office_id(session, OWN))
    session.connection().execute(sa.delete(CodeEntry.__table__))
    session.rollback()


@pytest.mark.parametrize("change", [_rows, _emptied, _altered, _undone])
def test_each_test_begins_with_the_database_as_prepared(
    app: Flask, databases: Databases, session_of: SessionOf, sign_in: Callable[[Persona], Browser], change: Callable[..., None]
) -> None:
    before = state(app)
    for _time in range(2):
        session = session_of()
        change(app, session, sign_in(CLERK))
        session.close()
        _leave(app)
        databases.copy()
        after = state(app)
        assert {name for name in before | after if before.get(name) != after.get(name)} == set()
