"""Counts over all registers that a person looks after: one statement each, no row is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.charge import live
from app.clock import midnight
from app.fields import Field
from app.formats import StateOf
from app.queries import filterable
from app.register import PublishState, Register
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
    return [Month(first, after) for first, after in pairwise(firsts)]


def year_until(day: date) -> list[Month]:
    """The twelve months that end with the month of a day."""
    return months(date(day.year - (day.month < 12), day.month % 12 + 1, 1), 12)


def over(session: Session, branches: Iterable[sa.Select[Any]]) -> Sequence[Any]:
    """The rows of several selects, in one statement."""
    parts = list(branches)
    return session.connection().execute(sa.union_all(*parts)).all() if parts else []


def readable_rows(session: Session, registers: Iterable[type[Register]]) -> dict[type[Register], int]:
    """How many live records each register holds for the person, as its list counts them."""
    scope, known = scope_of(session), list(registers)

    def branch(cls: type[Register]) -> sa.Select[Any]:
        visible = scope.rows(cls)
        tests = [cls.voided_at.is_(None)] + ([] if visible is None else [visible])
        return sa.select(sa.literal(cls.__key__), sa.func.count()).select_from(cls.__table__).where(*tests)

    return {registry.need(key): int(count) for key, count in over(session, map(branch, known))}


def waiting(session: Session, registers: Iterable[type[Register]], state: PublishState) -> dict[type[Register], int]:
    """How many records stand in one publish state; registers without any are left out."""
    scope = scope_of(session)

    def branch(cls: type[Register]) -> sa.Select[Any]:
        return sa.select(sa.literal(cls.__key__), sa.func.count()).select_from(cls.__table__).where(*live(scope, cls), cls.publish_state == state.value)

    return {registry.need(key): int(count) for key, count in over(session, map(branch, registers)) if count}


def state_field(scope: Scope, cls: type[Register]) -> Field | None:
    """The register's own state that its list filters by: how far a record has come."""
    own = [declared for declared in filterable(scope, cls).values() if isinstance(declared.format, StateOf) and declared.filtered]
    return next((declared for declared in own if declared.key != "publish_state"), None)


def slot(column: Any, starts: Sequence[Any]) -> sa.ColumnElement[int]:
    """The number of the slot that a value falls into: 0 before the first start."""
    cases = [(column >= start, place) for place, start in reversed(list(enumerate(starts, start=1)))]
    return sa.case(*cases, else_=0)


@dataclass(frozen=True)
class Cell:
    """Records that agree in publish state, state of their own, and the month they came in (0: before)."""

    published: str | None
    state: str | None
    month: int
    count: int


def census(session: Session, registers: Iterable[type[Register]], during: Sequence[Month]) -> dict[type[Register], list[Cell]]:
    """The live records by publish state, state and month: one statement, one pass over each register."""
    scope, known = scope_of(session), list(registers)
    starts = [midnight(month.first) for month in during]

    def branch(cls: type[Register]) -> sa.Select[Any]:
        declared = state_field(scope, cls)
        state = cls.__table__.c[declared.attr] if declared else sa.cast(sa.null(), sa.String)
        columns = (cls.publish_state.label("published"), state.label("state"), slot(cls.created_at, starts).label("month"))
        found = sa.select(*columns).select_from(cls.__table__).where(*live(scope, cls)).subquery()
        keys = (found.c.published, found.c.state, found.c.month)
        return sa.select(sa.literal(cls.__key__), *keys, sa.func.count()).group_by(*keys)

    cells: dict[type[Register], list[Cell]] = {cls: [] for cls in known}
    for key, published, state, month, count in over(session, map(branch, known)):
        cells[registry.need(key)].append(Cell(published, state, int(month), int(count)))
    return cells


def tally(cells: Iterable[Cell], by: Callable[[Cell], Any]) -> dict[Any, int]:
    """The counts summed up by one property."""
    found: dict[Any, int] = {}
    for cell in cells:
        found[by(cell)] = found.get(by(cell), 0) + cell.count
    return found
