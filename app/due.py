"""What falls due: the last days of periods (certificates, terms, documents), out of the declarations.

Every field that reads in clear and whose format is the last day of a period counts, of registers
and of their children alike, unless its declaration or its record says that nobody need act.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.charge import live
from app.fields import Field
from app.figures import Month, over, slot
from app.formats import LONG_TERM, Until
from app.queries import filterable
from app.register import Child, Record, Register, children, field_map
from app.scopes import Scope, scope_of

#: how many days ahead people look
WINDOWS = (7, 30, 90)


@dataclass(frozen=True)
class Kind:
    """A field that ends a period, of a register or of one of its children."""

    cls: type[Record]
    declared: Field

    @property
    def register(self) -> type[Register]:
        """The register whose records carry it."""
        return registry.owner(self.cls)  # type: ignore[arg-type]

    @property
    def key(self) -> str:
        """Its name in addresses: agency.qualifications.valid_to."""
        middle = [self.cls.__key__] if issubclass(self.cls, Child) else []
        return ".".join([self.register.__key__, *middle, self.declared.key])


@dataclass(frozen=True)
class Item:
    """One end of a period."""

    kind: Kind
    record: int
    label: str | None
    #: by what people call the child, as it is kept
    part: str | None
    office: int | None
    day: date


def kinds(scope: Scope, registers: Iterable[type[Register]]) -> list[Kind]:
    """The ends of periods that the person may know."""
    found = []
    for cls in registers:
        for owner in (cls, *children(cls)):
            found += [Kind(owner, each) for each in filterable(scope, owner).values() if isinstance(each.format, Until) and each.due]
    return found


@dataclass(frozen=True)
class Span:
    """Days from one to another, both included; None leaves the end open."""

    first: date | None = None
    last: date | None = None

    def tests(self, column: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
        """The days of a column that lie within."""
        found: list[sa.ColumnElement[bool]] = [column < LONG_TERM]
        found += [column >= self.first] if self.first else []
        return found + ([column <= self.last] if self.last else [])


def overdue(today: date) -> Span:
    """Everything whose last day has gone by."""
    return Span(last=today - timedelta(days=1))


def within(today: date, days: int) -> Span:
    """What ends in so many days, today included."""
    return Span(today, today + timedelta(days=days))


def _select(scope: Scope, kind: Kind, span: Span, *columns: Any) -> sa.Select[Any]:
    """Columns of the live rows whose period ends within the span."""
    register, table = kind.register, kind.cls.__table__
    tests = [*live(scope, register), *register.due_if()]
    source: Any = register.__table__
    if issubclass(kind.cls, Child):
        source = source.join(table, kind.cls.parent_id == register.__table__.c.id)
        visible = scope.rows(kind.cls)
        tests += [kind.cls.voided_at.is_(None), *kind.cls.due_if()] + ([] if visible is None else [visible])
    return sa.select(*columns).select_from(source).where(*tests, *span.tests(_day(kind)))


def _day(kind: Kind) -> sa.ColumnElement[Any]:
    column: sa.ColumnElement[Any] = kind.cls.__table__.c[kind.declared.attr]
    return column


@dataclass(frozen=True)
class Outlook:
    """How many periods have ended, and how many end within each of the windows."""

    overdue: int
    within: dict[int, int]


def outlook(session: Session, found: Sequence[Kind], today: date) -> Outlook:
    """The counts of the desk, in one statement."""
    cuts = [today, *(today + timedelta(days=days + 1) for days in WINDOWS)]
    counts = [sum(cells) for cells in zip(*_counted(session, found, cuts).values(), strict=True)] or [0] * len(cuts)
    return Outlook(counts[0], {days: sum(counts[1 : place + 1]) for place, days in enumerate(WINDOWS, start=1)})


def monthly(session: Session, found: Sequence[Kind], ahead: Sequence[Month]) -> dict[Kind, list[int]]:
    """How many periods of each kind end in each of the months; one statement."""
    cuts = [*(month.first for month in ahead), ahead[-1].after]
    return {kind: counts[1:] for kind, counts in _counted(session, found, cuts, since=cuts[0]).items()}


def _counted(session: Session, found: Sequence[Kind], cuts: Sequence[date], since: date | None = None) -> dict[Kind, list[int]]:
    """The ends before the first of these days, and between each two of them."""
    scope, span = scope_of(session), Span(since, cuts[-1] - timedelta(days=1))
    counts = {kind: [0] * len(cuts) for kind in found}
    branches = []
    for place, kind in enumerate(found):
        inner = _select(scope, kind, span, slot(_day(kind), cuts).label("slot")).subquery()
        branches.append(sa.select(sa.literal(place), inner.c.slot, sa.func.count()).group_by(inner.c.slot))
    for place, cell, number in over(session, branches):
        counts[found[place]][cell] = int(number)
    return counts


def count(session: Session, found: Sequence[Kind], span: Span) -> int:
    """How many periods end within the span."""
    scope = scope_of(session)
    return sum(int(each) for (each,) in over(session, (_select(scope, kind, span, sa.func.count()) for kind in found)))


def items(session: Session, found: Sequence[Kind], span: Span, most: int | None, skip: int = 0, latest_first: bool = False) -> list[Item]:
    """The ends of periods within the span, in the order of their days."""
    if not found:
        return []
    scope = scope_of(session)
    branches = [sa.select(_branch(scope, kind, place, span, None if most is None else most + skip, latest_first)) for place, kind in enumerate(found)]
    everything = sa.union_all(*branches).subquery()
    columns = everything.c
    order = [columns.day.desc() if latest_first else columns.day, columns.place, columns.id, columns.part]
    statement = sa.select(everything).order_by(*order).limit(most).offset(skip or None)
    rows = session.connection().execute(statement)
    return [Item(found[row.place], row.id, row.label, row.part, row.office, row.day) for row in rows]


def _branch(scope: Scope, kind: Kind, place: int, span: Span, most: int | None, latest_first: bool) -> sa.Subquery:
    register, day = kind.register.__table__, _day(kind)
    columns = [
        sa.literal(place).label("place"),
        register.c.id.label("id"),
        _text(scope, kind.register).label("label"),
        (_text(scope, kind.cls) if issubclass(kind.cls, Child) else sa.cast(sa.null(), sa.String)).label("part"),
        register.c.org_unit_id.label("office"),
        day.label("day"),
    ]
    order = [day.desc() if latest_first else day, register.c.id]
    return _select(scope, kind, span, *columns).order_by(*order).limit(most).subquery()


def _text(scope: Scope, cls: type[Record]) -> sa.ColumnElement[Any]:
    """By what people call the row, if the reader may know it."""
    declared = field_map(cls)[cls.__label__]
    known = declared.key in filterable(scope, cls)
    return sa.cast(cls.__table__.c[declared.attr] if known else sa.null(), sa.String)
