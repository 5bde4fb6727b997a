"""What is missing: empty fields that a later step needs, over all registers that a person looks after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.charge import live
from app.fields import Field
from app.figures import over
from app.formats import File
from app.queries import filterable
from app.register import Register
from app.scopes import Scope, scope_of


def needed(scope: Scope, cls: type[Register], step: str = "") -> list[Field]:
    """The fields that some step (or this one) needs, as far as the person may ask for them.

    A file counts as given once it hangs on the record, whatever its field says; so files do not count here.
    """
    return [each for each in filterable(scope, cls).values() if each.needed and step in {"", each.needed} and not isinstance(each.format, File)]


def steps(scope: Scope, cls: type[Register]) -> list[str]:
    """The steps that need something, in the order of the fields."""
    return list(dict.fromkeys(each.needed for each in needed(scope, cls)))


def empty(cls: type[Register], declared: Field) -> sa.ColumnElement[bool]:
    """Whether the field holds nothing."""
    column: sa.ColumnElement[Any] = cls.__table__.c[declared.attr]
    return column.is_(None)


def lacking(cls: type[Register], found: Sequence[Field]) -> sa.ColumnElement[bool]:
    """Whether one of the fields holds nothing."""
    return sa.or_(sa.false(), *(empty(cls, each) for each in found))


@dataclass
class Gaps:
    """How many records of a register lack something, and for which step."""

    records: int
    steps: dict[str, int] = field(default_factory=dict)


def counts(session: Session, registers: Iterable[type[Register]]) -> dict[type[Register], Gaps]:
    """The registers with gaps; one statement, one pass over each register."""
    scope = scope_of(session)
    known = [cls for cls in registers if steps(scope, cls)]
    every = list(dict.fromkeys(step for cls in known for step in steps(scope, cls)))

    def branch(cls: type[Register]) -> sa.Select[Any]:
        sums = [_sum(lacking(cls, needed(scope, cls, step))) for step in every]
        lacks = lacking(cls, needed(scope, cls))
        return sa.select(sa.literal(cls.__key__), sa.func.count(), *sums).select_from(cls.__table__).where(*live(scope, cls), lacks)

    found = {}
    for key, records, *sums in over(session, (branch(cls) for cls in known)):
        if records:
            found[registry.need(key)] = Gaps(int(records), {step: int(count) for step, count in zip(every, sums, strict=True) if count})
    return found


def _sum(test: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(sa.func.sum(sa.case((test, 1), else_=0)), 0)


@dataclass
class Standing:
    """How an office keeps a register."""

    rows: int = 0
    #: of the cells that some step needs: how many hold something, and how many there are
    filled: int = 0
    cells: int = 0
    #: records that nobody touched for a year
    stale: int = 0
    changed_at: datetime | None = None

    def __add__(self, other: Standing) -> Standing:
        moments = [each for each in (self.changed_at, other.changed_at) if each is not None]
        return Standing(self.rows + other.rows, self.filled + other.filled, self.cells + other.cells, self.stale + other.stale, max(moments, default=None))


def standings(session: Session, registers: Iterable[type[Register]], stale_before: datetime) -> dict[type[Register], dict[int | None, Standing]]:
    """Rows, completeness and age of every register by office: one statement, one pass over each register."""
    scope, known = scope_of(session), list(registers)

    def branch(cls: type[Register]) -> sa.Select[Any]:
        filled = sum((sa.case((empty(cls, each), 0), else_=1) for each in needed(scope, cls)), start=sa.literal(0))
        columns = [sa.func.count(), sa.func.sum(filled), _sum(cls.changed_at < stale_before), sa.func.max(cls.changed_at)]
        return sa.select(sa.literal(cls.__key__), cls.org_unit_id, *columns).select_from(cls.__table__).where(*live(scope, cls)).group_by(cls.org_unit_id)

    found: dict[type[Register], dict[int | None, Standing]] = {cls: {} for cls in known}
    for key, office, rows, filled, stale, changed_at in over(session, (branch(cls) for cls in known)):
        cls = registry.need(key)
        found[cls][office] = Standing(int(rows), int(filled), int(rows) * len(needed(scope, cls)), int(stale), changed_at)
    return found
