"""Whose act it is: before the first traced row of a transaction is written, the database is told.

The session knows who acts (`app.scopes`); `describe()` adds by which road, why, with which import.
What is written past all this still leaves its trace, as the act of the database role.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import has_request_context, request
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, SessionTransaction

from app.history.relations import names
from app.history.tables import trace
from app.logs import request_id
from app.scopes import SYSTEM, Actor

_ERRAND, _SESSION, _OPEN = "errand", "session", "act"


@dataclass(frozen=True)
class Errand:
    """What is known of an act beside who does it."""

    actor: Actor = SYSTEM
    #: by which road: form, rest, import, command, job …
    road: str = ""
    reason: str = ""
    batch: int | None = None
    address: str = ""
    #: the number of the request that the log names too
    request: str = ""


INSTALLATION = Errand(road="install")


def describe(session: Session, **facts: Any) -> None:
    """Say more of what this session's transaction does: `road`, `reason`, `batch`."""
    session.info[_ERRAND] = {**session.info.get(_ERRAND, {}), **facts}


def errand_of(session: Session) -> Errand:
    """What a session is about."""
    found = replace(_surroundings(), **session.info.get(_ERRAND, {}))
    scope = session.info.get("scope")
    return replace(found, actor=scope.actor) if scope is not None else found


def _surroundings() -> Errand:
    if not has_request_context():
        return Errand(road="command")
    road = "rest" if request.path.startswith("/api/") else "page"
    return Errand(road=road, address=request.remote_addr or "", request=request_id.get())


def open_act(connection: sa.Connection, errand: Errand) -> None:
    """Tell the database who acts until the transaction ends."""
    values = {
        "actor": errand.actor.username or "visitor",
        "roles": " ".join(sorted(errand.actor.roles)) or None,
        "address": errand.address or None,
        "road": errand.road or None,
        "reason": errand.reason or None,
        "batch": errand.batch,
        "request": errand.request or None,
    }
    connection.info[_OPEN] = True
    if connection.dialect.name == "postgresql":
        arguments = [sa.cast(sa.literal(value), sa.BigInteger if key == "batch" else sa.Text) for key, value in values.items()]
        connection.execute(sa.select(sa.func.trace.open_act(*arguments)))
        return
    act = connection.execute(sa.insert(trace("sqlite").act).values(values).returning(trace("sqlite").act.c.id)).scalar_one()
    connection.exec_driver_sql("INSERT OR REPLACE INTO trace_now (id, act) VALUES (1, ?)", (act,))


def close_act(connection: sa.Connection) -> None:
    """What follows in this transaction is another act."""
    if connection.info.pop(_OPEN, None) and connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DELETE FROM trace_now")


def ensure(connection: sa.Connection, errand: Errand | None = None) -> None:
    """Open this act, or that of the session that the connection works for, unless one is open already."""
    if _OPEN in connection.info:
        return
    if errand is not None:
        open_act(connection, errand)
    else:
        reference: weakref.ref[Session] | None = connection.info.get(_SESSION)
        session = reference() if reference is not None else None
        if session is not None:
            open_act(connection, errand_of(session))


@event.listens_for(Engine, "before_cursor_execute")
def _before_writing(connection: sa.Connection, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    if context is None or _OPEN in connection.info or not (context.isinsert or context.isupdate or context.isdelete):
        return
    table = getattr(getattr(context.compiled, "statement", None), "table", None)
    if table is not None and table.name in names():
        ensure(connection)


@event.listens_for(Engine, "commit")
def _before_commit(connection: sa.Connection) -> None:
    close_act(connection)
    connection.info.pop(_SESSION, None)


@event.listens_for(Engine, "rollback")
def _after_rollback(connection: sa.Connection) -> None:
    connection.info.pop(_OPEN, None)
    connection.info.pop(_SESSION, None)


@event.listens_for(Engine, "rollback_savepoint")
def _after_savepoint(connection: sa.Connection, _name: str, _context: Any) -> None:
    connection.info.pop(_OPEN, None)  # the database forgets with the savepoint; a second entry of the same act does no harm


def _remember(session: Session, transaction: SessionTransaction, connection: sa.Connection) -> None:
    if not transaction.nested:
        connection.info[_SESSION] = weakref.ref(session)


def _forget(session: Session, *_rest: Any) -> None:
    session.info.pop(_ERRAND, None)


def install(session_class: Any) -> None:
    """Let a session class or scoped session tell its connections whom they work for."""
    event.listen(session_class, "after_begin", _remember)
    event.listen(session_class, "after_commit", _forget)
    event.listen(session_class, "after_rollback", _forget)
