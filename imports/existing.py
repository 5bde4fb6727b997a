"""What the database already holds: fetched for many keys at once, seen through the actor's scope.

Keys are asked of the whole table, since a key belongs to everybody; a row outside the scope
answers only that it is there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.clock import local
from app.register import Child, Record, Register, field_map, fields
from app.scopes import Scope
from imports.bulk import among
from imports.drafts import Draft, Key

CHUNK = 1000


@dataclass(eq=False, slots=True)
class Stored:
    """A row of the database: its values by field key, and whether the actor sees it."""

    id: int
    version: int
    values: dict[str, Any]
    visible: bool = True
    parent_id: int = 0

    def repeated_by(self, draft: Draft) -> bool:
        """Whether the row is all that a draft says."""
        return all(same(self.values.get(key), value) for key, value in draft.values.items())


class Existing:
    """The live records of a register that a file speaks of."""

    def __init__(self, session: Session, scope: Scope, cls: type[Register]) -> None:
        self.session = session
        self.scope = scope
        self.cls = cls
        self._by_key: dict[Key, list[Stored]] = defaultdict(list)
        #: records without a first key, by what they are called
        self._keyless: dict[Any, list[Stored]] = defaultdict(list)

    def prepare(self, drafts: Sequence[Draft]) -> None:
        """Fetch every record that some key of these drafts may mean."""
        wanted: dict[int, set[tuple[Any, ...]]] = defaultdict(set)
        for draft in drafts:
            for place, parts in enumerate(self.cls.__keys__):
                key = tuple([draft.values.get(part) for part in parts])
                if None not in key:
                    wanted[place].add(key)
        for place, keys in wanted.items():
            self._fetch(place, sorted(keys, key=str))
        self._fetch_keyless([draft.values.get(self.cls.__label__) for draft in drafts if not draft.key])

    def _fetch(self, place: int, keys: Sequence[tuple[Any, ...]]) -> None:
        connection = self.session.connection()
        columns = [_column(self.cls, part) for part in self.cls.__keys__[place]]
        for chunk in chunks(keys):
            test = among(connection, columns[0], [key[0] for key in chunk]) if len(columns) == 1 else sa.tuple_(*columns).in_(chunk)
            for stored in self._select(test):
                key = tuple(stored.values[part] for part in self.cls.__keys__[place])
                self._by_key[place, key].append(stored)

    def _select(self, test: sa.ColumnElement[bool]) -> Iterator[Stored]:
        table = self.cls.__table__
        visible = self.scope.rows(self.cls)
        statement = sa.select(table, (sa.true() if visible is None else visible).label("in_scope")).where(test, table.c.voided_at.is_(None))
        read = _reader(self.cls)
        for row in self.session.connection().execute(statement.order_by(table.c.id)).all():
            id_, version, values = read(row)
            yield Stored(id_, version, values, bool(row[-1]))

    def match(self, draft: Draft) -> list[Stored]:
        """The records that a draft means: one, none, or several when a later key is shared.

        A row that fills in the first key but finds nothing by it may still mean a record found by
        a later key, when that record's own first key is empty.
        """
        if not self._by_key:
            return []
        first = self.cls.__keys__[0]
        has_first = all(draft.values.get(part) is not None for part in first)
        for place, parts in enumerate(self.cls.__keys__):
            found = self._by_key.get((place, tuple(draft.values.get(part) for part in parts)), [])
            if place:
                keyless = [each for each in found if all(each.values[part] is None for part in first)]
                found = keyless if has_first or (keyless and len(found) > 1) else found
            if found:
                return found
        return []

    def _fetch_keyless(self, labels: Iterable[Any]) -> None:
        wanted = sorted({label for label in labels if label is not None}) if self.cls.__keys__ else []
        first = [_column(self.cls, part).is_(None) for part in self.cls.__keys__[0]] if wanted else []
        for chunk in chunks(wanted):
            for stored in self._select(sa.and_(among(self.session.connection(), _column(self.cls, self.cls.__label__), chunk), *first)):
                self._keyless[stored.values[self.cls.__label__]].append(stored)

    def alike(self, draft: Draft) -> list[Stored]:
        """Records without any key that a draft without any key repeats in everything it says."""
        found = self._keyless.get(draft.values.get(self.cls.__label__), [])
        return [each for each in found if each.repeated_by(draft)]

    def brought(self, batch: int, begun: datetime, labels: Iterable[Any]) -> dict[Any, list[Stored]]:
        """The records that an import batch, which began then, has created, by what they are called; they may have got a key since."""
        table, found = self.cls.__table__, defaultdict(list)
        own = sa.and_(table.c.import_batch == batch, table.c.created_at >= begun)
        for chunk in chunks(sorted({label for label in labels if label is not None})):
            for stored in self._select(sa.and_(among(self.session.connection(), _column(self.cls, self.cls.__label__), chunk), own)):
                found[stored.values[self.cls.__label__]].append(stored)
        return found

    def numbered(self, record: int) -> Stored | None:
        """The live record of that number."""
        return next(self._select(self.cls.__table__.c.id == record), None)

    def children(self, child: type[Child], parents: Iterable[int]) -> dict[int, list[Stored]]:
        """The live children of these records, by record."""
        table = child.__table__
        found: dict[int, list[Stored]] = defaultdict(list)
        for chunk in chunks(sorted(set(parents))):
            statement = sa.select(table).where(among(self.session.connection(), table.c.parent_id, chunk), table.c.voided_at.is_(None)).order_by(table.c.id)
            read, above = _reader(child), list(table.c).index(table.c.parent_id)
            for row in self.session.connection().execute(statement).all():
                id_, version, values = read(row)
                found[row[above]].append(Stored(id_, version, values, True, row[above]))
        return found


def taken(connection: sa.Connection, cls: type[Register], place: int, keys: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Which of these keys (the key at that place of `__keys__`) a live record has, whoever may see it."""
    columns = [_column(cls, part) for part in cls.__keys__[place]]
    table = cls.__table__
    tests = [table.c.voided_at.is_(None)] + ([_column(cls, part).is_(None) for part in cls.__keys__[0]] if place else [])
    for chunk in chunks(keys):
        test = among(connection, columns[0], [key[0] for key in chunk]) if len(columns) == 1 else sa.tuple_(*columns).in_(chunk)
        for row in connection.execute(sa.select(*columns).where(test, *tests)).all():
            yield tuple(row)


def chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The items, so many at a time as one statement takes."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def same(old: Any, new: Any) -> bool:
    """Whether two values are one; SQLite gives moments back without their zone."""
    if isinstance(old, datetime) and isinstance(new, datetime):
        return local(old) == local(new)
    return bool(old == new)


def _column(cls: type[Record], key: str) -> Any:
    column = cls.__table__.c[field_map(cls)[key].attr]
    return column


@cache
def _reader(cls: type[Record]) -> Callable[[Any], tuple[int, int, dict[str, Any]]]:
    """What turns a row of all columns into its number, its version and its values by field key."""
    names = list(cls.__table__.c.keys())
    keys = tuple(declared.key for declared in fields(cls))
    own = itemgetter(*(names.index(declared.attr) for declared in fields(cls)))
    number, version = names.index("id"), names.index("row_version")
    return lambda row: (row[number], row[version], dict(zip(keys, own(row), strict=True)))
