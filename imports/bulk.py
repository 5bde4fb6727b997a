"""Many rows in few statements, the way each database likes it: COPY and arrays on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.database import dumps, told
from app.history import acts


def among(connection: sa.Connection, column: Any, values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Whether the column holds one of many values.

    PostgreSQL takes them as one array: a thousand parameters cost more to parse than to look up.
    """
    if connection.dialect.name == "postgresql":
        return sa.and_(column == sa.any_(sa.bindparam(None, list(values), type_=postgresql.ARRAY(column.type))))
    return sa.and_(column.in_(values))


def insert(connection: sa.Connection, table: Any, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert rows that have the same columns; their ids, in order."""
    if connection.dialect.name == "postgresql":
        return _copy(connection, table, rows)
    statement = sa.insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(connection.execute(statement, list(rows)).scalars())


def _copy(connection: sa.Connection, table: Any, rows: Sequence[dict[str, Any]]) -> list[int]:
    """COPY takes a tenth of the time of INSERT … RETURNING; the ids are drawn from the sequence first."""
    sequence = sa.func.pg_get_serial_sequence(table.name, "id")
    ids = list(connection.scalars(sa.select(sa.func.nextval(sequence)).select_from(sa.func.generate_series(1, len(rows)))))
    names = list(rows[0])
    lists = {name for name in names if isinstance(table.c[name].type, sa.JSON)}
    quoted = ", ".join(connection.dialect.identifier_preparer.quote(name) for name in ("id", *names))
    statement = f"COPY {connection.dialect.identifier_preparer.format_table(table)} ({quoted}) FROM STDIN"
    acts.ensure(connection)  # COPY goes past whatever listens to statements
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for new_id, row in zip(ids, rows, strict=True):
                copy.write_row([new_id, *(dumps(row[name]) if name in lists and row[name] is not None else row[name] for name in names)])
    except psycopg.Error as error:
        raise told(connection, statement, error) from error
    return ids


__all__ = ["among", "insert"]
