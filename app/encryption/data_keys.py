"""The table of wrapped data keys, and how new ones reach it: in the transaction of the values they seal."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from app.encryption.envelope import NAME, PROOF, DataKey, Envelope, envelope

TABLE = sa.Table(
    "data_key",
    Model.metadata,
    sa.Column("id", sa.String(NAME), primary_key=True),
    sa.Column("wrapped", sa.String(120), nullable=False),
    sa.Column("master", sa.String(8), nullable=False, index=True),
)
MANY, CHUNK = 50, 1000


class _New(threading.local):
    """Keys of values that are about to be written by this thread."""

    def __init__(self) -> None:
        self.keys: list[DataKey] = []


_new = _New()


def keep_for(key: DataKey) -> None:
    """Note a new data key: the next statement of this thread writes its value, and the key is written before it."""
    _new.keys.append(key)


def write_new(connection: sa.Connection) -> None:
    """Write the keys noted so far."""
    keys, _new.keys = _new.keys, []
    if not keys:
        return
    _prove(connection)
    if connection.dialect.name == "postgresql" and len(keys) > MANY:
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy("COPY data_key (id, wrapped, master) FROM STDIN") as copy:
            for key in keys:
                copy.write_row((key.id, key.wrapped, key.master))
        return
    connection.execute(sa.insert(TABLE), [key.__dict__ for key in keys])


@event.listens_for(Engine, "before_cursor_execute")
def _before_values(connection: sa.Connection, *_statement: Any) -> None:
    if _new.keys:
        write_new(connection)


# are they the right ones? ---------------------------------------------------------------------------

_proved: set[tuple[str, str]] = set()


def prove(connection: sa.Connection, keys: Envelope) -> bool:
    """Raise Unreadable unless the keys at hand are those of this database; whether it has a proof yet."""
    found = find(connection, [PROOF])
    if found:
        keys.check(found[PROOF])
    return bool(found)


def settle(connection: sa.Connection) -> None:
    """Leave the proof in a database that has none; Unreadable when it is another's."""
    keys = envelope()
    if not prove(connection, keys):
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(TABLE).values(keys.proof().__dict__).on_conflict_do_nothing())
        prove(connection, keys)


def _prove(connection: sa.Connection) -> None:
    """Before the first value: a second machine with keys of its own would write what nobody else reads."""
    known = (str(connection.engine.url), envelope().master)
    if known not in _proved:
        settle(connection)
        _proved.add(known)


# reading ------------------------------------------------------------------------------------------


def find(connection: sa.Connection, names: Iterable[str]) -> dict[str, DataKey]:
    """The data keys of these names, as far as they are there."""
    wanted = sorted(set(names))
    found: dict[str, DataKey] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = connection.execute(sa.select(TABLE).where(TABLE.c.id.in_(wanted[start : start + CHUNK])))
        found |= {row.id: DataKey(row.id, row.wrapped, row.master) for row in rows}
    return found


def destroy(connection: sa.Connection, names: Sequence[str]) -> int:
    """Remove data keys: what they sealed is gone everywhere; how many there were."""
    gone = 0
    for start in range(0, len(names), CHUNK):
        gone += connection.execute(sa.delete(TABLE).where(TABLE.c.id.in_(names[start : start + CHUNK]))).rowcount
    return gone
