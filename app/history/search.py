"""Looking through the whole trace: who did what, when, from where. For the audit administrator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from app.clock import SHANGHAI
from app.history import images
from app.history.chain import as_kept
from app.history.read import STATES
from app.history.tables import Trace, trace
from app.register import Base


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; what is empty narrows nothing."""

    actor: str = ""
    relation: str = ""
    kind: str = ""
    road: str = ""
    row: int | None = None
    batch: int | None = None
    first: date | None = None
    last: date | None = None
    #: of a file that left
    number: str = ""


@dataclass(frozen=True)
class Entry:
    """An entry with its act; `values` and `before` hold the row's values by column, for entries of rows."""

    id: int
    kind: str
    relation: str
    row: int | None
    at: datetime | None
    actor: str
    roles: str
    role: str
    address: str
    road: str
    reason: str
    batch: int | None
    request: str
    image: str
    values: Mapping[str, Any]
    before: Mapping[str, Any] | None
    #: its place in the chain; None while it is not sealed
    position: int | None
    digest: str


def find(connection: sa.Connection, wanted: Wanted, most: int, before: int | None = None) -> list[Entry]:
    """The newest entries that answer, older than entry `before`."""
    t = trace(connection.dialect.name)
    statement = _select(connection, t).where(*_tests(connection, t, wanted)).order_by(t.entry.c.id.desc()).limit(most)
    if before is not None:
        statement = statement.where(t.entry.c.id < before)
    return [_entry(row) for row in connection.execute(statement)]


def one(connection: sa.Connection, number: int) -> Entry | None:
    """The entry of that number."""
    t = trace(connection.dialect.name)
    row = connection.execute(_select(connection, t).where(t.entry.c.id == number)).first()
    return _entry(row) if row else None


def _at(connection: sa.Connection, t: Trace) -> sa.ColumnElement[Any]:
    return t.act.c.at if connection.dialect.name == "postgresql" else sa.func.coalesce(t.act.c.at, t.entry.c.at, type_=sa.DateTime(timezone=True))


def _select(connection: sa.Connection, t: Trace) -> sa.Select[Any]:
    """Entries with their acts, and with the entry before of the same row."""
    earlier, layout = t.entry.alias("earlier"), t.layout.alias("earlier_layout")
    same = sa.select(layout.c.id).where(layout.c.relation == t.layout.c.relation).correlate(t.layout)
    last = sa.select(sa.func.max(earlier.c.id)).where(
        earlier.c.row_id == t.entry.c.row_id, earlier.c.id < t.entry.c.id, earlier.c.layout.in_(same), earlier.c.kind.in_(STATES)
    )
    old, old_layout = t.entry.alias("old"), t.layout.alias("old_layout")
    joined = (
        t.entry.outerjoin(t.layout, t.layout.c.id == t.entry.c.layout)
        .outerjoin(t.act, t.act.c.id == t.entry.c.act)
        .outerjoin(old, old.c.id == last.correlate(t.entry, t.layout).scalar_subquery())
        .outerjoin(old_layout, old_layout.c.id == old.c.layout)
        .outerjoin(t.link, t.link.c.entry == t.entry.c.id)
    )
    of_act = [t.act.c[name] for name in ("actor", "roles", "role", "address", "road", "reason", "batch", "request")]
    of_entry = [t.entry.c.id, t.entry.c.kind, t.entry.c.row_id, t.entry.c.image, t.layout.c.relation, t.layout.c.columns]
    beside = [old.c.image.label("old_image"), old_layout.c.columns.label("old_columns"), t.link.c.position, t.link.c.digest]
    return sa.select(*of_entry, *of_act, _at(connection, t).label("at"), *beside).select_from(joined)


def _tests(connection: sa.Connection, t: Trace, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    at = t.act.c.at if connection.dialect.name == "postgresql" else sa.func.coalesce(t.act.c.at, t.entry.c.at)
    exact = {
        t.act.c.actor: wanted.actor,
        t.layout.c.relation: wanted.relation,
        t.entry.c.kind: wanted.kind,
        t.act.c.road: wanted.road,
        t.entry.c.row_id: wanted.row,
        t.act.c.batch: wanted.batch,
    }
    tests = [column == value for column, value in exact.items() if value not in {"", None}]
    if wanted.first is not None:
        tests.append(at >= as_kept(connection, datetime.combine(wanted.first, time.min, SHANGHAI)))
    if wanted.last is not None:
        tests.append(at < as_kept(connection, datetime.combine(wanted.last + timedelta(days=1), time.min, SHANGHAI)))
    if wanted.number:
        tests += [t.entry.c.kind == "export", t.entry.c.image.contains(f'"number": "{wanted.number}"', autoescape=True)]
        if made := re.fullmatch(r"DC(\d{6})-\w+", wanted.number):  # the day is known: not every entry has to be read
            with suppress(ValueError):
                day = datetime.combine(datetime.strptime(made[1], "%y%m%d").replace(tzinfo=SHANGHAI).date(), time.min, SHANGHAI)
                tests += [at >= as_kept(connection, day - timedelta(days=1)), at < as_kept(connection, day + timedelta(days=2))]
    return tests


def kinds(connection: sa.Connection) -> list[str]:
    """The kinds of entries that there are."""
    t = trace(connection.dialect.name)
    return sorted(connection.scalars(sa.select(t.entry.c.kind).distinct()))


def _entry(row: Any) -> Entry:
    at = row.at.replace(tzinfo=UTC) if row.at is not None and row.at.tzinfo is None else row.at
    texts = {name: getattr(row, name) or "" for name in ("roles", "role", "address", "road", "reason", "request")}
    of_row = row.kind in STATES
    return Entry(
        row.id, row.kind, row.relation or "", row.row_id, at, row.actor or "database:unknown", batch=row.batch, image=row.image or "",
        values=_values(row.relation, row.columns, row.image) if of_row else {},
        before=_values(row.relation, row.old_columns, row.old_image) if of_row and row.old_image else None,
        position=row.position, digest=bytes(row.digest).hex() if row.digest else "", **texts,
    )  # fmt: skip


def _values(relation: str, columns: str, image: str) -> dict[str, Any]:
    table = Base.metadata.tables.get(relation)
    return images.read(table if table is not None else sa.Table(relation, sa.MetaData()), images.columns(columns), image)
