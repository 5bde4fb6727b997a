"""What changed lately in the registers that a person looks after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.charge import looked_after
from app.clock import now
from app.figures import over
from app.queries import filterable
from app.register import Register, Source, field_map
from app.scopes import Scope, scope_of


class Act(Enum):
    """What somebody did to a record."""

    ADDED = "added"
    CHANGED = "changed"
    VOIDED = "voided"


@dataclass(frozen=True)
class Change:
    """The last thing that happened to a record."""

    cls: type[Register]
    record: int
    label: str | None
    act: Act
    who: str
    when: datetime
    #: the import that brought it
    batch: int | None = None


@dataclass
class Group:
    """Changes that one act made: an import writes many records at once."""

    first: Change
    count: int = 1
    #: whether there may be more than were looked at
    more: bool = False


def recent(session: Session, registers: Iterable[type[Register]], most: int, looked_at: int = 50) -> list[Group]:
    """The last acts, newest first; what an import added counts as one."""
    scope = scope_of(session)
    parts = [sa.select(_select(scope, cls).order_by(cls.changed_at.desc()).limit(looked_at).subquery()) for cls in registers]
    found = sorted(map(_change, over(session, parts)), key=lambda change: (change.when, change.record), reverse=True)
    groups: dict[object, Group] = {}
    for change in found:
        key: object = (change.cls, change.batch) if change.batch and change.act is Act.ADDED else (change.cls, change.record)
        if key in groups:
            groups[key].count += 1
            groups[key].more = groups[key].count == looked_at
        else:
            groups[key] = Group(change)
    return list(groups.values())[:most]


@dataclass(frozen=True)
class Period:
    """From a moment on until before another."""

    start: datetime
    end: datetime


def count(session: Session, registers: Iterable[type[Register]], period: Period, act: Act | None) -> int:
    """How many records were last changed in the period (or added in it)."""
    scope = scope_of(session)
    tests = (sa.select(sa.func.count()).select_from(cls.__table__).where(*_tests(scope, cls, period, act)) for cls in registers)
    return sum(int(each) for (each,) in over(session, tests))


def page(session: Session, registers: Sequence[type[Register]], period: Period, act: Act | None, most: int, skip: int) -> list[Change]:
    """The records last changed in the period (or added in it), newest first."""
    if not registers:
        return []
    scope = scope_of(session)
    branches = []
    for cls in registers:
        order = cls.created_at if act is Act.ADDED else cls.changed_at
        branches.append(sa.select(_select(scope, cls, *_tests(scope, cls, period, act)).order_by(order.desc()).limit(most + skip).subquery()))
    everything = sa.union_all(*branches).subquery()
    order_by = everything.c.created_at if act is Act.ADDED else everything.c.changed_at
    statement = sa.select(everything).order_by(order_by.desc(), everything.c.key, everything.c.id.desc()).limit(most).offset(skip or None)
    return [_change(row) for row in session.connection().execute(statement)]


def _tests(scope: Scope, cls: type[Register], period: Period, act: Act | None) -> list[sa.ColumnElement[bool]]:
    if act is Act.ADDED:  # the plot beside counts what is in force
        return [*looked_after(scope, cls), cls.voided_at.is_(None), cls.created_at >= period.start, cls.created_at < period.end]
    return [*looked_after(scope, cls), cls.changed_at >= period.start, cls.changed_at < period.end, _by_people(cls)]


def _by_people(cls: type[Register]) -> sa.ColumnElement[bool]:
    """Leaves out what the installation itself brought."""
    return sa.or_(cls.source.is_(None), cls.source != Source.SYSTEM.value, cls.row_version > 1)


def _select(scope: Scope, cls: type[Register], *tests: sa.ColumnElement[bool]) -> sa.Select[Any]:
    declared = field_map(cls)[cls.__label__]
    known = declared.key in filterable(scope, cls)
    label = sa.cast(cls.__table__.c[declared.attr] if known else sa.null(), sa.String).label("label")
    columns = [cls.id, label, cls.row_version, cls.import_batch, cls.created_by, cls.created_at, cls.changed_by, cls.changed_at, cls.voided_at]
    where = tests or (*looked_after(scope, cls), _by_people(cls))
    return sa.select(sa.literal(cls.__key__).label("key"), *columns).select_from(cls.__table__).where(*where)


def _change(row: Any) -> Change:
    act = Act.VOIDED if row.voided_at is not None else Act.ADDED if row.row_version == 1 else Act.CHANGED
    return Change(
        registry.need(row.key), row.id, row.label, act, row.changed_by or row.created_by or "", row.changed_at or row.created_at or now(), row.import_batch
    )
