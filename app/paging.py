"""One page of a list out of a large register, at the price of the first, wherever it lies.

Pages have numbers as far as rows are counted; behind that a page begins after (or ends before) a
record that the reader came from, and the last page is read from the end. Only the columns that the
list shows are read, by Core statements that carry the reader's predicate themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.fields import Field
from app.language import _l
from app.queries import Listing, QueryError
from app.register import field_map
from app.scopes import scope_of

#: as many rows as are counted, summed up and reached by a page's number
MOST = 2_000
#: the same while somebody searches: each hit is compared with what was typed, and nobody pages through a thousand of them
MOST_FOUND = 1_000


@dataclass(frozen=True)
class Slice:
    """The rows of one page, and whether there are more on either side."""

    rows: Sequence[Any]
    earlier: bool = False
    later: bool = False


@dataclass(frozen=True)
class Tally:
    """How many rows match, one beyond `most` standing for "more"; and the sums of some columns where all were seen."""

    count: int
    sums: dict[str, Any] = field(default_factory=dict)
    most: int = MOST

    @property
    def capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self.count > self.most


def most(listing: Listing) -> int:
    """As many rows of this list as are counted and have numbered pages."""
    return MOST_FOUND if listing.search else MOST


def _tests(session: Session, listing: Listing, *, some: bool = False) -> list[sa.ColumnElement[bool]]:
    visible = scope_of(session).rows(listing.cls)
    return listing.conditions(some=some) + ([] if visible is None else [visible])


def tally(session: Session, listing: Listing, summed: Sequence[Field] = ()) -> Tally:
    """Count the matching rows, and add some of their columns up."""
    if any(each.some is not None for each in listing.finds):
        first = _tally(session, listing, (), some=True)
        if first.capped:
            return first
    return _tally(session, listing, summed)


def _tally(session: Session, listing: Listing, summed: Sequence[Field], *, some: bool = False) -> Tally:
    table = listing.cls.__table__
    keys = [declared.attr for declared in summed]
    rows = sa.select(*([table.c[key] for key in keys] or [table.c.id])).where(*_tests(session, listing, some=some)).limit(most(listing) + 1)
    if any(each.often for each in listing.finds):
        rows = rows.order_by(table.c.id.desc())
    few = rows.subquery()
    statement = sa.select(sa.func.count(), *(sa.func.sum(few.c[key]) for key in keys)).select_from(few)
    count, *sums = session.connection().execute(statement).one()
    known = {} if count > most(listing) else {declared.key: value for declared, value in zip(summed, sums, strict=True)}
    return Tally(count, known, most(listing))


def reachable(listing: Listing) -> bool:
    """Whether the page asked for by number lies within what is counted."""
    return (listing.page - 1) * listing.size < most(listing)


def read_slice(session: Session, listing: Listing, shown: Sequence[Field]) -> Slice:
    """The page asked for: by number, after or before a record, or the last.

    The numbers of its records are found first, alone: sorting whole rows to skip most of them
    would take three times as long.
    """
    many = [each for each in listing.finds if each.some is not None]
    if many and all(each.newest for each in many) and not (listing.order or listing.before or listing.last):
        first = _slice(session, listing, shown, some=True)
        if first.later:
            return first
    return _slice(session, listing, shown)


def _slice(session: Session, listing: Listing, shown: Sequence[Field], *, some: bool = False) -> Slice:
    table = listing.cls.__table__
    backwards = bool(listing.before) or listing.last
    order = _ordering(listing, backwards=backwards)
    numbers = sa.select(table.c.id).where(*_tests(session, listing, some=some)).order_by(*order).limit(listing.size + 1)
    if listing.after or listing.before:
        numbers = numbers.where(_beyond(session, listing, listing.after or listing.before, backwards=backwards))
    elif not listing.last:
        numbers = numbers.offset((listing.page - 1) * listing.size)
    few = numbers.subquery()
    attrs = dict.fromkeys(["id", "row_version", "voided_at", *(declared.attr for declared in shown)])
    statement = sa.select(*(table.c[attr] for attr in attrs)).join(few, few.c.id == table.c.id).order_by(*order)
    found = session.connection().execute(statement).all()
    rows, more = found[: listing.size], len(found) > listing.size
    if backwards:
        return Slice(rows[::-1], more, bool(listing.before))
    return Slice(rows, listing.page > 1 or bool(listing.after), more)


def _column(listing: Listing) -> Any:
    return listing.cls.__table__.c[field_map(listing.cls)[listing.order].attr] if listing.order else None


def _ordering(listing: Listing, *, backwards: bool) -> list[Any]:
    """The list's order, newest first among equals and empty ones last; or the same from the end."""
    number = listing.cls.__table__.c.id
    by = [number.asc() if backwards else number.desc()]
    column = _column(listing)
    if column is not None:
        first = column.desc() if listing.descending != backwards else column.asc()
        if column.nullable:
            first = first.nulls_first() if backwards else first.nulls_last()
        by.insert(0, first)
    return by


def _beyond(session: Session, listing: Listing, anchor: int, *, backwards: bool) -> sa.ColumnElement[bool]:
    """What lies behind a record in the list's order, or in front of it."""
    number = listing.cls.__table__.c.id
    among_equals = number > anchor if backwards else number < anchor
    column = _column(listing)
    if column is None:
        return among_equals
    value = _value(session, listing, anchor, column)
    if value is None:
        return sa.or_(column.is_not(None), among_equals) if backwards else sa.and_(column.is_(None), among_equals)
    bound: Any = sa.bindparam(None, value, type_=column.type)  # SQLAlchemy compares no column with a bare True
    further = column < bound if listing.descending != backwards else column > bound
    empty = [column.is_(None)] if column.nullable and not backwards else []
    return sa.or_(further, sa.and_(column == bound, among_equals), *empty)


def _value(session: Session, listing: Listing, anchor: int, column: Any) -> Any:
    """What the record has in the column that orders the list; the reader must be able to see it."""
    table = listing.cls.__table__
    visible = scope_of(session).rows(listing.cls)
    tests = [table.c.id == anchor] + ([] if visible is None else [visible])
    found = session.connection().execute(sa.select(column).where(*tests)).first()
    if found is None:
        raise QueryError(_l("翻页的起点已经不在了，请从第一页重新翻"))
    return found[0]
