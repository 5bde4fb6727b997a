"""The history of a record: what it was at each step, who made it so; and a register as it stood on a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.fields import Field
from app.history import images
from app.history.chain import as_kept
from app.history.tables import trace
from app.register import Record, fields
from app.scopes import scope_of

#: kinds of entries that say what a row became
STATES = ("base", "insert", "update", "delete")


@dataclass(frozen=True)
class Version:
    """What an act made of a row."""

    entry: int
    cls: type[Record]
    row: int
    kind: str
    at: datetime | None
    actor: str
    #: the database role that wrote
    role: str
    address: str
    road: str
    reason: str
    batch: int | None
    #: by column
    values: Mapping[str, Any] = field(repr=False)

    @property
    def voided(self) -> bool:
        """Whether the record is voided in this version."""
        return self.values.get("voided_at") is not None


@dataclass(frozen=True)
class Step:
    """A version beside the one before it."""

    version: Version
    before: Version | None
    changes: tuple[Field, ...]

    @property
    def act(self) -> str:
        """What happened: base, insert, update, void, delete."""
        if self.version.kind == "update" and self.version.voided and not (self.before and self.before.voided):
            return "void"
        return self.version.kind


def of_rows(session: Session, cls: type[Record], rows: Sequence[int]) -> list[Version]:
    """Every version of these rows, the oldest first. Whether the reader may see the rows, the caller has asked."""
    entry = trace(session.connection().dialect.name).entry
    return _versions(session, cls, entry.c.row_id.in_(list(rows))) if rows else []


def of_children(session: Session, kind: type[Record], parent: int) -> list[Version]:
    """Every version of a record's children of one kind, the oldest first."""
    entry = trace(session.connection().dialect.name).entry
    return _versions(session, kind, entry.c.parent_id == parent)


def _versions(session: Session, cls: type[Record], test: sa.ColumnElement[bool]) -> list[Version]:
    connection = session.connection()
    t = trace(connection.dialect.name)
    at = t.act.c.at if connection.dialect.name == "postgresql" else sa.func.coalesce(t.act.c.at, t.entry.c.at, type_=sa.DateTime(timezone=True))
    known = [t.act.c[name] for name in ("actor", "role", "address", "road", "reason", "batch")]
    statement = (
        sa.select(t.entry.c.id, t.entry.c.row_id, t.entry.c.kind, t.entry.c.image, t.layout.c.columns, at.label("at"), *known)
        .select_from(t.entry.join(t.layout, t.layout.c.id == t.entry.c.layout).outerjoin(t.act, t.act.c.id == t.entry.c.act))
        .where(t.layout.c.relation == cls.__tablename__, t.entry.c.kind.in_(STATES), test)
        .order_by(t.entry.c.id)
    )
    rows = connection.execute(statement).all()
    kept = images.read(connection, [(cls.__table__, images.columns(row.columns), row.image) for row in rows])
    return [_version(cls, row, values) for row, values in zip(rows, kept, strict=True)]


def _version(cls: type[Record], row: Any, values: Mapping[str, Any]) -> Version:
    at = row.at.replace(tzinfo=UTC) if row.at is not None and row.at.tzinfo is None else row.at
    facts = {name: getattr(row, name) or "" for name in ("role", "address", "road", "reason")}
    return Version(row.id, cls, row.row_id, row.kind, at, row.actor or "database:unknown", batch=row.batch, values=values, **facts)


def steps(versions: Iterable[Version]) -> list[Step]:
    """Versions of rows of one kind, each beside the one before of the same row; the order stays."""
    last: dict[int, Version] = {}
    found = []
    for version in versions:
        before = last.get(version.row)
        found.append(Step(version, before, tuple(changed(version.cls, before.values if before else {}, version.values))))
        last[version.row] = version
    return found


def changed(cls: type[Record], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Field]:
    """The declared fields whose values differ."""
    return [declared for declared in fields(cls) if before.get(declared.attr) != after.get(declared.attr)]


def sealed(session: Session, cls: type[Record], row: int, attrs: Sequence[str]) -> tuple[set[str], set[int]]:
    """The names of all data keys that these columns of a row ever needed, and the imports that wrote the row."""
    connection = session.connection()
    t = trace(connection.dialect.name)
    statement = (
        sa.select(t.entry.c.image, t.layout.c.columns, t.act.c.batch)
        .select_from(t.entry.join(t.layout, t.layout.c.id == t.entry.c.layout).outerjoin(t.act, t.act.c.id == t.entry.c.act))
        .where(t.layout.c.relation == cls.__tablename__, t.entry.c.kind.in_(STATES), t.entry.c.row_id == row)
    )
    entries = connection.execute(statement).all()
    names = {name for entry in entries for name in images.keys_of(images.columns(entry.columns), entry.image, attrs)}
    return names, {entry.batch for entry in entries if entry.batch is not None}


def find(session: Session, cls: type[Record], row: int, entry: int) -> Version | None:
    """The version of a row that an entry holds."""
    return next((version for version in of_rows(session, cls, [row]) if version.entry == entry), None)


def with_version(session: Session, cls: type[Record], row: int, number: int) -> Version | None:
    """What a row was while it had this `row_version`; None when the trace does not reach back so far."""
    return next((version for version in reversed(of_rows(session, cls, [row])) if version.values.get("row_version") == number), None)


def as_of(session: Session, cls: type[Record], moment: datetime, most: int, skip: int = 0) -> tuple[int, list[Version]]:
    """How many records a register had at a moment, voided ones too, and a page of them by number.

    Among the records that the reader sees today: one that he no longer sees, he does not see as it was.
    """
    connection = session.connection()
    t = trace(connection.dialect.name)
    at = t.act.c.at if connection.dialect.name == "postgresql" else sa.func.coalesce(t.act.c.at, t.entry.c.at)
    visible = sa.select(cls.id)
    rows = scope_of(session).rows(cls)
    if rows is not None:
        visible = visible.where(rows)
    last = (
        sa.select(sa.func.max(t.entry.c.id).label("entry"))
        .select_from(t.entry.join(t.layout, t.layout.c.id == t.entry.c.layout).outerjoin(t.act, t.act.c.id == t.entry.c.act))
        .where(t.layout.c.relation == cls.__tablename__, t.entry.c.kind.in_(STATES), at <= as_kept(connection, moment))
        .where(t.entry.c.row_id.in_(visible))
        .group_by(t.entry.c.row_id)
    ).subquery()
    present = sa.select(t.entry.c.id).where(t.entry.c.id.in_(sa.select(last.c.entry)), t.entry.c.kind != "delete")
    count = connection.scalar(sa.select(sa.func.count()).select_from(present.subquery())) or 0
    page = connection.scalars(present.order_by(t.entry.c.row_id).limit(most).offset(skip or None)).all()
    return count, sorted(_versions(session, cls, t.entry.c.id.in_(page)), key=lambda version: version.row) if page else []
