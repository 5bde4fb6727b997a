"""Counts over all registers that a person looks after: one statement each, no row is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.charge import live
from app.clock import SHANGHAI
from app.fields import Field
from app.formats import StateOf
from app.queries import filterable
from app.register import Register
from app.scopes import Scope, scope_of


@dataclass(frozen=True)
class Month:
    """A month, its first day and the one after its last."""

    first: date
    after: date

    @property
    def label(self) -> str:
        """The month as both languages write it."""
        return f"{self.first:%Y-%m}"


def months(start: date, count: int) -> list[Month]:
    """So many months on end, the first that of `start`."""
    firsts = [date(start.year + (start.month - 1 + step) // 12, (start.month - 1 + step) % 12 + 1, 1) for step in range(count + 1)]
    return [Month(first, after) for first, after in zip(firsts, firsts[1:], strict=False)]


def year_until(day: date) -> list[Month]:
    """The twelve months that end with the month of a day."""
    return months(date(day.year - (day.month < 12), day.month % 12 + 1, 1), 12)


def midnight(day: date) -> datetime:
    """When a day begins here, in UTC: SQLite keeps moments without their zone."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def over(session: Session, branches: Iterable[sa.Select[Any]]) -> Sequence[Any]:
    """The rows of several selects, in one statement."""
    parts = list(branches)
    return session.connection().execute(sa.union_all(*parts)).all() if parts else []


def grouped(cls: type[Register], key: sa.ColumnElement[Any], tests: Iterable[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """How many rows of a register have which value of `key`: register, value, count."""
    found = sa.select(key.label("value")).select_from(cls.__table__).where(*tests).subquery()
    return sa.select(sa.literal(cls.__key__), found.c.value, sa.func.count()).group_by(found.c.value)


Counts = dict[type[Register], dict[Any, int]]


def _counted(session: Session, registers: Iterable[type[Register]], branch: Callable[[type[Register]], sa.Select[Any]]) -> Counts:
    known = list(registers)
    counts: Counts = {cls: {} for cls in known}
    for key, value, count in over(session, (branch(cls) for cls in known)):
        counts[registry.need(key)][value] = int(count)
    return counts


def readable_rows(session: Session, registers: Iterable[type[Register]]) -> dict[type[Register], int]:
    """How many live records each register holds for the person, as its list counts them."""
    scope = scope_of(session)

    def branch(cls: type[Register]) -> sa.Select[Any]:
        visible = scope.rows(cls)
        tests = [cls.voided_at.is_(None)] + ([] if visible is None else [visible])
        return sa.select(sa.literal(cls.__key__), sa.literal(0), sa.func.count()).select_from(cls.__table__).where(*tests)

    return {cls: sum(counts.values()) for cls, counts in _counted(session, registers, branch).items()}


def published(session: Session, registers: Iterable[type[Register]]) -> Counts:
    """How many records have which publish state."""
    scope = scope_of(session)
    return _counted(session, registers, lambda cls: grouped(cls, cls.publish_state, live(scope, cls)))


def state_field(scope: Scope, cls: type[Register]) -> Field | None:
    """The register's own state that its list filters by: how far a record has come."""
    own = [declared for declared in filterable(scope, cls).values() if isinstance(declared.format, StateOf) and declared.filtered]
    return next((declared for declared in own if declared.key != "publish_state"), None)


def states(session: Session, registers: Iterable[type[Register]]) -> Counts:
    """How many records stand in which state of their own; registers without one are left out."""
    scope = scope_of(session)
    fields = {cls: declared for cls in registers if (declared := state_field(scope, cls))}
    return _counted(session, fields, lambda cls: grouped(cls, cls.__table__.c[fields[cls].attr], live(scope, cls)))


def slot(column: sa.ColumnElement[Any], starts: Sequence[Any]) -> sa.ColumnElement[int]:
    """The number of the slot that a value falls into: 0 before the first start."""
    cases = [(column >= start, place) for place, start in reversed(list(enumerate(starts, start=1)))]
    return sa.case(*cases, else_=0)


def added(session: Session, registers: Iterable[type[Register]], during: Sequence[Month]) -> Counts:
    """How many of the live records came in during which month (by its place among the months)."""
    scope, starts = scope_of(session), [midnight(month.first) for month in during]

    def branch(cls: type[Register]) -> sa.Select[Any]:
        tests = [*live(scope, cls), cls.created_at >= starts[0], cls.created_at < midnight(during[-1].after)]
        return grouped(cls, slot(cls.created_at, starts) - 1, tests)

    return _counted(session, registers, branch)
