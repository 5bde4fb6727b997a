"""Keys that rows get back: each must still be free, for somebody may have taken it since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.encryption.column import Encrypted, index_of
from app.encryption.envelope import INDEX_AT, NAME, key_of
from app.history import images
from app.register import Child, Record, field_map
from imports.existing import chunks


class Wanted(NamedTuple):
    """A row that would be known again by a key: which of its table's keys, and the key itself."""

    row: int
    place: int
    key: tuple[Any, ...]


def wanted(cls: type[Record], row: int, parent: int | None, before: Mapping[str, Any], after: Mapping[str, Any], changed: Collection[str]) -> list[Wanted]:
    """The keys by which a row was known before and is not now; values as the trace keeps them, `changed` by column."""
    if _parts(cls).isdisjoint(changed):
        return []
    found = []
    for place in range(len(cls.__keys__)):
        key = _key(cls, place, before)
        if key is not None and key != _key(cls, place, after):
            found.append(Wanted(row, place, ((parent,) if issubclass(cls, Child) else ()) + key))
    return found


@cache
def _parts(cls: type[Record]) -> frozenset[str]:
    return frozenset(field_map(cls)[part].attr for key in cls.__keys__ for part in key)


def _key(cls: type[Record], place: int, raw: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The key as the unique index has it; None where the row does not stand in it."""
    if place and any(raw.get(field_map(cls)[part].attr) is not None for part in cls.__keys__[0]):
        return None
    attrs = [field_map(cls)[part].attr for part in cls.__keys__[place]]
    if any(raw.get(attr) is None for attr in attrs):
        return None
    return tuple(_part(cls.__table__.c[attr].type, raw[attr]) for attr in attrs)


def _part(kind: Any, raw: Any) -> Any:
    if not isinstance(kind, Encrypted):
        return images.value_of(kind, raw)
    return raw[INDEX_AT - 1 : INDEX_AT - 1 + NAME] if key_of(raw) else kind.indexes([raw])[0]


def taken(connection: sa.Connection, cls: type[Record], keys: Sequence[Wanted], goes: Callable[[int], bool]) -> Iterator[tuple[int, int]]:
    """The rows whose key another row has that stays in force, and that other row."""
    by_place: dict[int, dict[tuple[Any, ...], int]] = defaultdict(dict)
    for each in keys:
        by_place[each.place][each.key] = each.row
    for place, rows in by_place.items():
        columns, live = _index(cls, place)
        for chunk in chunks(list(rows)):
            test = columns[0].in_([key[0] for key in chunk]) if len(columns) == 1 else sa.tuple_(*columns).in_(chunk)
            for holder, *key in connection.execute(sa.select(cls.__table__.c.id, *columns).where(test, *live)):
                row = rows.get(tuple(key))
                if row is not None and holder != row and not goes(holder):
                    yield row, holder


def _index(cls: type[Record], place: int) -> tuple[list[Any], list[Any]]:
    """The columns of a key's unique index, and what holds of the rows in it."""
    table, known = cls.__table__, field_map(cls)
    columns: list[Any] = [table.c.parent_id] if issubclass(cls, Child) else []
    for part in cls.__keys__[place]:
        column = table.c[known[part].attr]
        columns.append(index_of(column) if isinstance(column.type, Encrypted) else column)
    live = [table.c.voided_at.is_(None)]
    return columns, live + ([table.c[known[part].attr].is_(None) for part in cls.__keys__[0]] if place else [])
