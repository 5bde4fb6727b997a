"""Keeping up: whoever writes a row keeps what the search knows of it, large imports a moment later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.measured import measure
from app.register import Record, children
from app.search.kept import name_of, table_of
from app.search.record import entry, searched, shape

#: rows that a writer puts in at once; more than these follow in the background (`flask worker`)
SOON = 2000
CHUNK = 1000

Rows = Sequence[tuple[int, Mapping[Any, Any]]]


def after_flush(session: Session, _context: Any) -> None:
    """Every record whose text has changed; the numbers of new ones are known by now."""
    rows: dict[type[Record], list[tuple[int, Mapping[Any, Any]]]] = defaultdict(list)
    for row in (*session.new, *session.dirty):
        if isinstance(row, Record) and searched(type(row)) and _changed(session, row):
            rows[type(row)].append((row.id, {declared.attr: getattr(row, declared.attr) for declared in searched(type(row))}))
    for cls, written in rows.items():
        put(session.connection(), cls, written)
    for row in session.deleted:
        if isinstance(row, Record) and searched(type(row)):
            _forget(session.connection(), type(row), [row.id])


def _changed(session: Session, row: Record) -> bool:
    attrs = sa.inspect(row).attrs
    return row in session.new or any(attrs[declared.attr].history.has_changes() for declared in searched(type(row)))


def put(connection: sa.Connection, cls: type[Record], rows: Rows) -> None:
    """Put these rows in, instead of what was known of them."""
    if rows and searched(cls):
        _forget(connection, cls, [number for number, _values in rows])
        connection.execute(sa.insert(table_of(cls)), [entry(cls, number, values) for number, values in rows])


def _forget(connection: sa.Connection, cls: type[Record], numbers: Sequence[int]) -> None:
    kept = table_of(cls)
    connection.execute(sa.delete(kept).where(kept.c.rowid == sa.bindparam("number")), [{"number": number} for number in numbers])


def mark(connection: sa.Connection, cls: type[Record], numbers: Sequence[int]) -> None:
    """Note that these rows must be read again; until then they are found by what they were."""
    if numbers and searched(cls):
        kept = table_of(cls)
        change = sa.update(kept).where(kept.c.rowid == sa.bindparam("number")).values(shape=0)
        connection.execute(change, [{"number": number} for number in numbers])


def concerns(cls: type[Record], attrs: Iterable[str]) -> bool:
    """Whether writing these columns changes what the search should find."""
    return not {declared.attr for declared in searched(cls)}.isdisjoint(attrs)


def behind(connection: sa.Connection, cls: type[Record]) -> bool:
    """Whether some row is missing in what the search keeps, or marked, or of an old declaration."""
    return bool(searched(cls)) and connection.execute(_behind(cls).limit(1)).first() is not None


def _behind(cls: type[Record], everything: bool = False) -> sa.Select[Any]:
    table, kept = cls.__table__, table_of(cls)
    columns = [table.c.id, *(table.c[declared.attr] for declared in searched(cls))]
    statement = sa.select(*columns)
    if everything:
        return statement
    return statement.outerjoin(kept, kept.c.rowid == table.c.id).where(sa.or_(kept.c.rowid.is_(None), kept.c.shape != shape(cls)))


def _step(connection: sa.Connection, cls: type[Record], last: int, everything: bool = False) -> list[int]:
    """Put in the next rows that are behind, or simply the next ones; their numbers.

    Rows that somebody else is writing are left to the writer, who puts them in too.
    """
    table = cls.__table__
    _forget(connection, cls, [0])  # on SQLite that takes the write lock before anything is read
    statement = _behind(cls, everything).where(table.c.id > last).order_by(table.c.id).limit(CHUNK)
    rows = connection.execute(statement.with_for_update(read=True, skip_locked=True, of=table)).mappings().all()
    put(connection, cls, [(row["id"], row) for row in rows])
    return [row["id"] for row in rows]


def catch_up(connection: sa.Connection, cls: type[Record]) -> None:
    """Put in what is behind, in the caller's transaction."""
    last = 0
    while searched(cls) and (numbers := _step(connection, cls, last)):
        last = numbers[-1]


def family(key: str) -> list[type[Record]]:
    """A register and its children, as far as the search looks into them; nothing for an unknown key."""
    cls = registry.find(key)
    return [each for each in (cls, *children(cls)) if searched(each)] if cls is not None else []


def refill(session: Session, keys: Iterable[str], everything: bool = False) -> int:
    """Catch up in these registers, or begin anew, committing as it goes; how many rows."""
    count = 0
    for cls in (each for key in keys for each in family(key)):
        last = 0
        while numbers := _step(session.connection(), cls, last, everything):
            session.commit()
            count, last = count + len(numbers), numbers[-1]
        session.rollback()
        if last:
            measure(session.connection(), [name_of(cls)])  # which grams are common
            session.commit()
    return count


def waiting(session: Session) -> list[str]:
    """The registers in which something is behind."""
    every = [entry.register.__key__ for entry in registry.entries()]
    return [key for key in every if any(behind(session.connection(), cls) for cls in family(key))]
