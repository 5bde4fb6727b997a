"""The database: Flask-AppBuilder's SQLAlchemy, SQLite tuned for several writers, JSON in plain Chinese."""

from __future__ import annotations

import json
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_appbuilder.models.sqla.base import SQLA
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import Pool

from app import guard
from app.history import acts
from app.logs import without_values

db = SQLA()
#: how long a writer waits for another one on SQLite
BUSY_SECONDS = 30
#: a server that is gone without saying so is noticed
NOT_FOREVER: dict[str, Any] = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 30_000}


def dumps(value: Any) -> str:
    """JSON as the columns hold it: Chinese readable, keys as given."""
    return json.dumps(value, ensure_ascii=False)


def engine_options(url: str) -> dict[str, Any]:
    """What the engine needs for this kind of database."""
    # a failed statement is logged without the values of its row
    options: dict[str, Any] = {"json_serializer": dumps, "hide_parameters": True}
    if url.startswith("postgresql"):
        # our statements are short: compiling one, where the planner takes it for long, costs more than it saves
        # and a statement ends soon after its client was killed, with its locks
        settings = "-c jit=off -c client_connection_check_interval=2s"
        options |= {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10, "connect_args": {"options": settings, **NOT_FOREVER}}
    else:
        options |= {"connect_args": {"timeout": BUSY_SECONDS}}
    return options


@event.listens_for(Engine, "connect")
def _sqlite_pragmas(connection: Any, record: Any) -> None:
    """WAL lets people read while one writes; foreign keys are off in SQLite unless asked for."""
    if type(connection).__module__.startswith("sqlite3"):
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        record.info["file"] = _file_of(cursor)
        cursor.close()


@cache
def _engine_of(url: str) -> Engine:
    return sa.create_engine(url, poolclass=sa.NullPool)


def owner_engine() -> Engine:
    """The database as its owner, who alone may change tables; the application's own engine where nobody told the two apart."""
    url = current_app.config["OWNER_DATABASE_URL"]
    return _engine_of(url) if url else db.engine


def _file_of(cursor: Any) -> tuple[str, int]:
    """The file that a SQLite connection has open: its path and its number on the disk."""
    path = cursor.execute("PRAGMA database_list").fetchone()[2]
    return path, Path(path).stat().st_ino if path else 0


@event.listens_for(Pool, "checkout")
def _same_file(_connection: Any, record: Any, _proxy: Any) -> None:
    """A file that was put in the place of the database is opened anew: what the old connection writes is lost."""
    path, number = record.info.get("file", ("", 0))
    if path and not Path(path).exists():
        error = sqlite3.OperationalError("unable to open database file")
        raise sa.exc.OperationalError("", None, error)
    if path and Path(path).stat().st_ino != number:
        raise sa.exc.DisconnectionError


@event.listens_for(Engine, "handle_error")
def _without_values(context: Any) -> None:
    """Cut off what PostgreSQL adds about the row, before anybody logs or shows it."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None:
            error.args = tuple(without_values(each) if isinstance(each, str) else each for each in error.args)


def told(connection: sa.Connection, statement: str, error: Exception) -> BaseException:
    """An error of the driver, as SQLAlchemy raises it for its own statements."""
    error.args = tuple(without_values(each) if isinstance(each, str) else each for each in error.args)
    dialect: Any = connection.dialect
    found: BaseException = sa.exc.DBAPIError.instance(statement, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect)
    return found


def open_session() -> Session:
    """A guarded session of its own, beside the request's: one scope per session."""
    session: Session = db.session.session_factory()
    return session


def guard_sessions() -> None:
    """Put the guard under every session of the application."""
    guard.install(db.session)
    acts.install(db.session)


def conflict_of(error: sa.exc.IntegrityError) -> bool:
    """Whether the database refused a second record of the same key."""
    text = str(error.orig).lower()
    return "unique" in text or "duplicate key" in text
