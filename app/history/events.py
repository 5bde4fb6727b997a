"""What happens beside changes of rows: a file goes out, somebody signs in, a masked value is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.database import dumps
from app.history import acts
from app.history.tables import trace
from app.register import Record

#: what triggers alone note
OF_ROWS = frozenset({"base", "insert", "update", "delete", "truncate"})


def note(
    connection: sa.Connection,
    kind: str,
    details: Mapping[str, Any] | None = None,
    *,
    errand: acts.Errand | None = None,
    of: type[Record] | None = None,
    row: int | None = None,
) -> int:
    """Add an entry in the caller's transaction, as the act of whoever the connection works for; its number.

    `of` and `row` name the register and record that it is about. Details never hold a password, a
    code, or what a mask hides.
    """
    if kind in OF_ROWS:
        raise ValueError(f"only triggers note an entry of kind {kind}")
    acts.ensure(connection, errand)
    t, relation, image = trace(connection.dialect.name), of.__tablename__ if of is not None else None, dumps(dict(details or {}))
    if connection.dialect.name == "postgresql":
        arguments = (sa.cast(sa.literal(value), sa.Text) for value in (kind, relation))
        return int(connection.scalar(sa.select(sa.func.trace.note(*arguments, sa.cast(sa.literal(row), sa.BigInteger), image))) or 0)
    layout = sa.select(sa.func.max(t.layout.c.id)).where(t.layout.c.relation == relation).scalar_subquery()
    act = sa.select(sa.column("act")).select_from(sa.table("trace_now")).scalar_subquery()
    at = sa.case((act.is_(None), sa.func.strftime("%Y-%m-%d %H:%M:%f000", "now")))
    values = {"act": act, "at": at, "layout": layout, "kind": kind, "row_id": row, "image": image}
    return int(connection.execute(sa.insert(t.entry).values(values).returning(t.entry.c.id)).scalar_one())
