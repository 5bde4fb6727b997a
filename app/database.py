"""The database: Flask-AppBuilder's SQLAlchemy, SQLite tuned for several writers, JSON in plain Chinese."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_appbuilder.models.sqla.base import SQLA
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from app import guard
from app.history import acts

db = SQLA()


def dumps(value: Any) -> str:
    """JSON as the columns hold it: Chinese readable, keys as given."""
    return json.dumps(value, ensure_ascii=False)


def engine_options(url: str) -> dict[str, Any]:
    """What the engine needs for this kind of database."""
    options: dict[str, Any] = {"json_serializer": dumps}
    if url.startswith("postgresql"):
        # our statements are short: compiling one, where the planner takes it for long, costs more than it saves
        options |= {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10, "connect_args": {"options": "-c jit=off"}}
    else:
        options |= {"connect_args": {"timeout": 30}}
    return options


@event.listens_for(Engine, "connect")
def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    """WAL lets people read while one writes; foreign keys are off in SQLite unless asked for."""
    if type(connection).__module__.startswith("sqlite3"):
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA busy_timeout=30000")
        cursor.close()


@cache
def _engine_of(url: str) -> Engine:
    return sa.create_engine(url, poolclass=sa.NullPool)


def owner_engine() -> Engine:
    """The database as its owner, who alone may change tables; the application's own engine where nobody told the two apart."""
    url = current_app.config["OWNER_DATABASE_URL"]
    return _engine_of(url) if url else db.engine


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
