"""The rows of a register on their way out: which columns, which records with their children, a chunk at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.fields import Field
from app.language import chinese
from app.lookup import DatabaseLookup
from app.register import Child, Record, Register, fields
from app.scopes import Scope, scope_of
from imports.bulk import among
from imports.existing import CHUNK
from imports.targets import fed_children, sheet_fields

#: a row of the database
Row = Sequence[Any]


@dataclass(frozen=True, eq=False)
class Heading:
    """A column of the sheet: the field, the child it belongs to, the text over it."""

    field: Field
    child: type[Child] | None
    text: str


@dataclass(slots=True)
class Found:
    """A record with its children, values by field key."""

    id: int
    values: dict[str, Any]
    children: dict[type[Child], list[dict[str, Any]]]


def headings(scope: Scope, cls: type[Register]) -> list[Heading]:
    """The columns of the register's sheet that the actor may see; a child's label that is not unique carries its title."""
    own = _readable(scope, cls)
    nested = [(child, declared) for child in fed_children(cls) for declared in _readable(scope, child)]
    labels = [chinese(declared.label) for declared in own] + [chinese(declared.label) for _, declared in nested]
    found = [Heading(declared, None, chinese(declared.label)) for declared in own]
    for child, declared in nested:
        label = chinese(declared.label)
        found.append(Heading(declared, child, f"{chinese(child.__title__)}/{label}" if labels.count(label) > 1 or _is_alias(own, label) else label))
    return found


def _is_alias(own: Sequence[Field], label: str) -> bool:
    return any(label in declared.aliases for declared in own)


def _readable(scope: Scope, cls: type[Record]) -> list[Field]:
    allowed = {declared.key for declared in scope.readable(cls)}
    return [declared for declared in sheet_fields(cls) if declared.key in allowed]


def records(
    session: Session,
    cls: type[Register],
    where: Sequence[sa.ColumnElement[bool]] = (),
    kinds: Sequence[type[Child]] | None = None,
    order: Sequence[Any] = (),
    most: int | None = None,
) -> Iterator[Found]:
    """The live rows in scope with their children, in the order of their ids unless told otherwise."""
    kinds = fed_children(cls) if kinds is None else kinds
    keys = {kind: [declared.key for declared in fields(kind)] for kind in (cls, *kinds)}
    for rows, nested in chunks(session, cls, where, {kind: fields(kind) for kind in keys}, order, most):
        for row in rows:
            below = {child: [_values(keys[child], each) for each in nested[child].get(row[0], ())] for child in kinds}
            yield Found(row[0], _values(keys[cls], row), below)


def _values(keys: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(keys, row[1:], strict=True))


def chunks(
    session: Session,
    cls: type[Register],
    where: Sequence[sa.ColumnElement[bool]],
    read: Mapping[type[Record], Sequence[Field]],
    order: Sequence[Any] = (),
    most: int | None = None,
) -> Iterator[tuple[Sequence[Row], Mapping[type[Child], Mapping[int, Sequence[Row]]]]]:
    """The live rows in scope, so many at a time, with their children by record: id first (a child's record), then the fields that are to be `read`.

    One statement reads them all and stands open meanwhile: what somebody changes in between shows nowhere.
    """
    table, kinds = cls.__table__, [kind for kind in read if issubclass(kind, Child)]
    statement = sa.select(table.c.id, *_columns(cls, read[cls])).where(*live(session, cls), *where).order_by(*order, table.c.id).limit(most)
    with session.connection().execute(statement, execution_options={"yield_per": CHUNK}) as result:
        for rows in result.partitions():
            ids = [row[0] for row in rows]
            yield rows, {child: _children(session, child, ids, read[child]) for child in kinds}


def live(session: Session, cls: type[Record]) -> list[sa.ColumnElement[bool]]:
    """The tests that a row is not voided and within the reader's scope."""
    visible = scope_of(session).rows(cls)
    return [cls.__table__.c.voided_at.is_(None)] + ([] if visible is None else [visible])


def _columns(cls: type[Record], read: Sequence[Field]) -> list[Any]:
    return [cls.__table__.c[declared.attr] for declared in read]


def _children(session: Session, child: type[Child], parents: Sequence[int], read: Sequence[Field]) -> dict[int, list[Row]]:
    table, connection = child.__table__, session.connection()
    found: dict[int, list[Row]] = defaultdict(list)
    statement = sa.select(table.c.parent_id, *_columns(child, read)).where(among(connection, table.c.parent_id, parents), *live(session, child))
    for row in connection.execute(statement.order_by(table.c.id)).all():
        found[row[0]].append(row)
    return found


def count(session: Session, cls: type[Register], where: Sequence[sa.ColumnElement[bool]] = (), most: int | None = None) -> int:
    """How many records would leave, counted up to `most`."""
    found = sa.select(cls.__table__.c.id).where(*live(session, cls), *where).limit(most).subquery()
    return session.connection().scalar(sa.select(sa.func.count()).select_from(found)) or 0


def prepare(lookup: DatabaseLookup, cls: type[Register], columns: Sequence[Heading], group: Sequence[Found]) -> None:
    """Read the names behind the links of these records and their children, in bulk."""
    for kind in (None, *fed_children(cls)):
        rows = [found.values for found in group] if kind is None else [row for found in group for row in found.children.get(kind, ())]
        lookup.prepare_rows(rows, [column.field for column in columns if column.child is kind])


__all__ = ["Found", "Heading", "Row", "chunks", "count", "headings", "live", "prepare", "records"]
