"""Looking after what is encrypted: what is not yet, what cannot be read, and a new master key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app import registry
from app.encryption import data_keys
from app.encryption.column import Encrypted, EncryptedBytes
from app.encryption.envelope import FILE, INDEXED, KEY_AT, NAME, PLAIN, PROOF, DataKey, envelope
from app.history import acts
from app.register import Base

CHUNK = 500


@dataclass(frozen=True)
class Place:
    """A column of encrypted values, and its raw text."""

    table: Any
    name: str

    @property
    def kind(self) -> Encrypted:
        """The column's type."""
        found: Encrypted = self.table.c[self.name].type
        return found

    @property
    def raw(self) -> sa.ColumnElement[str]:
        """What the column really holds."""
        return sa.type_coerce(self.table.c[self.name], sa.Text)

    @property
    def is_plain(self) -> sa.ColumnElement[bool]:
        """Whether somebody wrote here past the product: in plain text."""
        prefix = INDEXED if self.kind.indexed else PLAIN
        return sa.and_(self.raw.is_not(None), sa.func.substr(self.raw, 1, len(prefix)) != prefix)

    @property
    def is_unreadable(self) -> sa.ColumnElement[bool]:
        """Whether the data key is not there."""
        keys = data_keys.TABLE
        name = sa.func.substr(self.raw, KEY_AT[self.kind.indexed], NAME)
        there = sa.select(keys.c.id).where(keys.c.id == name).correlate(self.table).exists()
        return sa.and_(self.raw.is_not(None), sa.not_(self.is_plain), sa.not_(there))


def places(connection: sa.Connection) -> list[Place]:
    """Every such column of the registers and children that the database has."""
    there = set(sa.inspect(connection).get_table_names())
    tables = [cls.__table__ for cls in registry.tables() if cls.__tablename__ in there]
    return [Place(table, column.name) for table in tables for column in table.c if isinstance(column.type, Encrypted)]


def plain(connection: sa.Connection, most: int = 20) -> Iterator[tuple[Place, int]]:
    """Where plain text stands, by column and row."""
    for place in places(connection):
        rows = connection.scalars(sa.select(place.table.c.id).where(place.is_plain).order_by(place.table.c.id).limit(most))
        yield from ((place, row) for row in rows.all())


def unreadable(connection: sa.Connection, most: int = 20) -> Iterator[tuple[Place, int]]:
    """Where a value stands whose data key does not."""
    for place in places(connection):
        rows = connection.scalars(sa.select(place.table.c.id).where(place.is_unreadable).order_by(place.table.c.id).limit(most))
        yield from ((place, row) for row in rows.all())


def encrypt_plain(engine: sa.Engine, errand: acts.Errand) -> int:
    """Encrypt what stands in plain text, a chunk to a transaction; how many values. What the trace noted of them before, stays."""
    count = 0
    with engine.begin() as connection:
        data_keys.settle(connection)
        known = places(connection)
    for place in known:
        while done := _encrypt_some(engine, place, errand):
            count += done
    return count + _seal_files(engine)


def _encrypt_some(engine: sa.Engine, place: Place, errand: acts.Errand) -> int:
    table = place.table
    with engine.begin() as connection:
        rows = connection.execute(sa.select(table.c.id, place.raw.label("text")).where(place.is_plain).limit(CHUNK).with_for_update()).all()
        if rows:
            acts.ensure(connection, errand)
            change = sa.update(table).where(table.c.id == sa.bindparam("row")).values({place.name: sa.bindparam("new", type_=table.c[place.name].type)})
            connection.execute(change, [{"row": row.id, "new": row.text} for row in rows])
    return len(rows)


def _files(connection: sa.Connection) -> Iterator[tuple[Any, Any, str]]:
    """The columns that hold whole files: the table, what it really holds, and its place."""
    there = set(sa.inspect(connection).get_table_names())
    for table in Base.metadata.tables.values():
        for column in table.c if table.name in there else ():
            if isinstance(column.type, EncryptedBytes):
                yield table, sa.type_coerce(column, sa.LargeBinary), column.type.place


def _seal_files(engine: sa.Engine) -> int:
    start = len(FILE)
    return _rewrite_files(engine, 1, FILE, lambda content, place: envelope().seal_bytes(content, place) if content[:start] != FILE else content)


def _rewrite_files(engine: sa.Engine, start: int, mark: bytes, write: Callable[[bytes, str], bytes]) -> int:
    """Write anew, one to a transaction, the files that do not have a mark at some byte; how many."""
    count = 0
    with engine.connect() as connection:
        known = list(_files(connection))
    for table, raw, place in known:
        name = place.rpartition(".")[2]
        other = sa.func.substr(raw, start, len(mark), type_=sa.LargeBinary) != mark
        with engine.connect() as connection:
            numbers = connection.scalars(sa.select(table.c.id).where(raw.is_not(None), other)).all()
        for number in numbers:
            with engine.begin() as connection:
                content = connection.scalar(sa.select(raw).where(table.c.id == number).with_for_update())
                if content is not None:
                    sealed = sa.literal(write(bytes(content), place), sa.LargeBinary)  # as it is, not through the column's type
                    connection.execute(sa.update(table).where(table.c.id == number).values({name: sealed}))
        count += len(numbers)
    return count


def rotate(engine: sa.Engine) -> int:
    """Wrap every data key by the present master key, a chunk to a transaction; how many. No record and no entry is touched."""
    keys, count = envelope(), 0
    while done := _rotate_some(engine):
        count += done
    files = _rewrite_files(engine, len(FILE) + 1, keys.master.encode(), lambda content, _place: keys.rewrap_bytes(content) or content)
    with engine.begin() as connection:
        if data_keys.prove(connection, keys):
            proof = keys.proof()
            connection.execute(sa.update(data_keys.TABLE).where(data_keys.TABLE.c.id == PROOF).values(wrapped=proof.wrapped, master=proof.master))
    return count + files


def _rotate_some(engine: sa.Engine) -> int:
    table, keys = data_keys.TABLE, envelope()
    with engine.begin() as connection:
        some = sa.select(table).where(table.c.master != keys.master, table.c.id != PROOF).limit(CHUNK)
        new = [keys.rewrap(DataKey(row.id, row.wrapped, row.master)) for row in connection.execute(some.with_for_update())]
        if new:
            change = sa.update(table).where(table.c.id == sa.bindparam("key"))
            change = change.values(wrapped=sa.bindparam("new_wrapped"), master=sa.bindparam("new_master"))
            connection.execute(change, [{"key": key.id, "new_wrapped": key.wrapped, "new_master": key.master} for key in new])
    return len(new)


def by_master(connection: sa.Connection) -> dict[str, int]:
    """How many data keys each master key wraps."""
    table = data_keys.TABLE
    counted = sa.select(table.c.master, sa.func.count()).where(table.c.id != PROOF).group_by(table.c.master)
    return dict(connection.execute(counted).tuples().all())
