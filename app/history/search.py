"""Looking through the whole trace: who did what, when, from where. For the audit administrator."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

#: entries that are read at a time
BATCH = 500


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
    #: tables of children: with `relation` and `row`, what happened to that record's children is wanted too
    children: tuple[str, ...] = ()
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


@dataclass(frozen=True)
class Link:
    """An entry in the chain: what was sealed of it, with the digest before."""

    entry: Entry
    line: str
    before: bytes


def find(connection: sa.Connection, wanted: Wanted, most: int, before: int | None = None) -> list[Entry]:
    """The newest entries that answer, older than entry `before`."""
    t = trace(connection.dialect.name)
    statement = _select(connection, t).where(*_tests(connection, t, wanted)).order_by(t.entry.c.id.desc()).limit(most)
    if before is not None:
        statement = statement.where(t.entry.c.id < before)
    return _entries(connection, connection.execute(statement).all())


def one(connection: sa.Connection, number: int) -> Entry | None:
    """The entry of that number."""
    t = trace(connection.dialect.name)
    return next(iter(_entries(connection, connection.execute(_select(connection, t).where(t.entry.c.id == number)).all())), None)


def newest(connection: sa.Connection, wanted: Wanted, kinds: Iterable[str], most: int) -> list[Entry]:
    """The newest entries of some kinds that answer."""
    t = trace(connection.dialect.name)
    return chosen(connection, *_tests(connection, t, wanted), t.entry.c.kind.in_(list(kinds)), most=most)


def chosen(connection: sa.Connection, *tests: sa.ColumnElement[bool], most: int) -> list[Entry]:
    """The newest entries that pass these tests of the trace's tables."""
    t = trace(connection.dialect.name)
    return _entries(connection, connection.execute(_select(connection, t).where(*tests).order_by(t.entry.c.id.desc()).limit(most)).all())


def links(connection: sa.Connection, wanted: Wanted, head: int) -> Iterator[Link]:
    """The sealed entries that answer, up to a position of the chain, in its order; read some at a time.

    Their numbers first, then each batch by its numbers: one statement for all is a gamble, since of
    the day that is not over the database's statistics know nothing.
    """
    t = trace(connection.dialect.name)
    statement = sa.select(t.entry.c.id).select_from(_joined(t).join(t.link, t.link.c.entry == t.entry.c.id))
    statement = statement.where(*_tests(connection, t, wanted), t.link.c.position <= head).order_by(t.link.c.position)
    numbers = array("q", connection.scalars(statement))
    for start in range(0, len(numbers), BATCH):
        yield from _links(connection, t, list(numbers[start : start + BATCH]))


def _links(connection: sa.Connection, t: Trace, numbers: list[int]) -> Iterator[Link]:
    lines = dict(connection.execute(sa.select(t.line.c.id, t.line.c.line).where(t.line.c.id.in_(numbers))).tuples().all())
    found = _entries(connection, connection.execute(_select(connection, t).where(t.entry.c.id.in_(numbers))).all())
    entries = sorted(found, key=lambda entry: entry.position or 0)
    earlier = sa.select(t.link.c.position, t.link.c.digest).where(t.link.c.position.in_([(entry.position or 0) - 1 for entry in entries]))
    before = dict(connection.execute(earlier).tuples().all())
    for entry in entries:
        yield Link(entry, lines[entry.id], bytes(before.get((entry.position or 0) - 1, b"")))


def count(connection: sa.Connection, wanted: Wanted, most: int) -> int:
    """How many entries answer, counted no further than `most`."""
    t = trace(connection.dialect.name)
    some = sa.select(t.entry.c.id).select_from(_joined(t)).where(*_tests(connection, t, wanted)).limit(most)
    return connection.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0


def counts(connection: sa.Connection, wanted: Wanted) -> dict[str, int]:
    """How many entries of each kind answer."""
    t = trace(connection.dialect.name)
    statement = sa.select(t.entry.c.kind, sa.func.count()).select_from(_joined(t)).where(*_tests(connection, t, wanted))
    return dict(connection.execute(statement.group_by(t.entry.c.kind).order_by(t.entry.c.kind)).tuples().all())


def _joined(t: Trace) -> Any:
    return t.entry.outerjoin(t.layout, t.layout.c.id == t.entry.c.layout).outerjoin(t.act, t.act.c.id == t.entry.c.act)


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
        _joined(t)
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
        t.entry.c.kind: wanted.kind,
        t.act.c.road: wanted.road,
        t.act.c.batch: wanted.batch,
    }
    of_record = {t.layout.c.relation: wanted.relation, t.entry.c.row_id: wanted.row}
    tests = [column == value for column, value in exact.items() if value not in {"", None}]
    own = [column == value for column, value in of_record.items() if value not in {"", None}]
    tests += [_of_family(t, wanted)] if wanted.children else own
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


def _of_family(t: Trace, wanted: Wanted) -> sa.ColumnElement[bool]:
    """The entries of a record, of its children, and what else happened to those: found by number, for `or` would read the whole trace."""
    parts = [_rows(t, wanted.relation, t.entry.c.row_id == wanted.row)]
    for name in wanted.children:
        below = _rows(t, name, t.entry.c.parent_id == wanted.row)
        child, layout = t.entry.alias("child"), t.layout.alias("child_layout")
        numbers = sa.select(child.c.row_id).join_from(child, layout, layout.c.id == child.c.layout)
        numbers = numbers.where(layout.c.relation == name, child.c.parent_id == wanted.row)
        parts += [below, _rows(t, name, t.entry.c.parent_id.is_(None), t.entry.c.row_id.in_(numbers))]
    return sa.and_(t.entry.c.id.in_(sa.union_all(*parts)))


def _rows(t: Trace, relation: str, *tests: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(t.entry.c.id).join_from(t.entry, t.layout, t.layout.c.id == t.entry.c.layout).where(t.layout.c.relation == relation, *tests)


def kinds(connection: sa.Connection) -> list[str]:
    """The kinds of entries that there are."""
    t = trace(connection.dialect.name)
    return sorted(connection.scalars(sa.select(t.entry.c.kind).distinct()))


def _entries(connection: sa.Connection, rows: Sequence[Any]) -> list[Entry]:
    """The entries with the values that they hold, all read at once."""
    kept = {}
    for place, row in enumerate(rows):
        if row.kind in STATES:
            kept[place, "now"] = (_table(row.relation), images.columns(row.columns), row.image)
            if row.old_image:
                kept[place, "old"] = (_table(row.relation), images.columns(row.old_columns), row.old_image)
    values = dict(zip(kept, images.read(connection, list(kept.values())), strict=True))
    return [_entry(row, values.get((place, "now"), {}), values.get((place, "old"))) for place, row in enumerate(rows)]


def _entry(row: Any, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> Entry:
    at = row.at.replace(tzinfo=UTC) if row.at is not None and row.at.tzinfo is None else row.at
    texts = {name: getattr(row, name) or "" for name in ("roles", "role", "address", "road", "reason", "request")}
    return Entry(
        row.id, row.kind, row.relation or "", row.row_id, at, row.actor or "database:unknown", batch=row.batch, image=row.image or "",
        values=values, before=before, position=row.position, digest=bytes(row.digest).hex() if row.digest else "", **texts,
    )  # fmt: skip


def _table(relation: str) -> sa.FromClause:
    table = Base.metadata.tables.get(relation)
    return table if table is not None else sa.Table(relation, sa.MetaData())
