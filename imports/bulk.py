"""Many rows in few statements, the way each database likes it: COPY and arrays on PostgreSQL, the driver's own on SQLite.

SQLAlchemy's types say how a value is written; that they would be asked row by row is passed by.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm.exc import StaleDataError

from app.database import dumps, told
from app.encryption import data_keys
from app.encryption.column import Encrypted, index_of
from app.history import acts

_STAGE = "import_stage"
#: rows in a statement on SQLite, which takes 32,766 values at most
TOGETHER = 100


def among(connection: sa.Connection, column: Any, values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Whether the column holds one of many values.

    PostgreSQL takes them as one array, SQLite numbers and texts as one JSON text: a thousand parameters cost more to parse than to look up.
    """
    if isinstance(column.type, Encrypted):
        return among(connection, index_of(column), column.type.indexes(values))
    if connection.dialect.name == "postgresql":
        return sa.and_(column == sa.any_(sa.bindparam(None, list(values), type_=postgresql.ARRAY(column.type))))
    if isinstance(column.type, (sa.Integer, sa.String)):
        given = sa.func.json_each(json.dumps(list(values))).table_valued("value")
        return sa.and_(column.in_(sa.select(given.c.value)))
    return sa.and_(column.in_(values))


def insert(connection: sa.Connection, table: Any, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    """Insert rows of these columns; their ids, in order.

    The ids are known before: drawn from the sequence, or, where a transaction that writes is alone (SQLite), counted on.
    """
    if connection.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        ids = list(connection.scalars(sa.select(sa.func.nextval(sequence)).select_from(sa.func.generate_series(1, len(rows)))))
        _copy(connection, table, _quoted(connection, table.name), ("id", *names), [(new_id, *row) for new_id, row in zip(ids, rows, strict=True)])
        return ids
    highest = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0))) or 0
    ids = list(range(highest + 1, highest + 1 + len(rows)))
    written = _written(connection, table, names, rows)
    _put(connection, _quoted(connection, table.name), ("id", *names), [(new_id, *row) for new_id, row in zip(ids, written, strict=True)])
    return ids


def update(connection: sa.Connection, table: Any, names: Sequence[str], rows: Sequence[Sequence[Any]], stamp: Mapping[str, Any]) -> None:
    """Write rows of (id, version seen, values of these columns), and to each the stamp and its next version.

    Raises StaleDataError when a row has another version by now.
    """
    both = [*names, *stamp]
    name, every = _quoted(connection, table.name), ("id", "row_version", *both)
    columns = ", ".join(_quoted(connection, each) for each in every)
    # through a table of this transaction: a statement for each row would wake the trace for each
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {_STAGE} AS SELECT {columns} FROM {name} LIMIT 0")
    lines = [(*row, *stamp.values()) for row in rows]
    if connection.dialect.name == "postgresql":
        _copy(connection, table, _STAGE, every, lines)
    else:
        _put(connection, _STAGE, every, _written(connection, table, every, lines))
    changes = ", ".join(f"{each} = s.{each}" for each in (_quoted(connection, each) for each in both))
    statement = f"UPDATE {name} AS t SET {changes}, row_version = t.row_version + 1 FROM {_STAGE} AS s WHERE t.id = s.id AND t.row_version = s.row_version"
    count = connection.exec_driver_sql(statement).rowcount
    connection.exec_driver_sql(f"DROP TABLE {_STAGE}")
    if count != len(rows):
        raise StaleDataError(f"{len(rows) - count} rows of {table.name} have moved on")


def _quoted(connection: sa.Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)


def _put(connection: sa.Connection, target: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows of what the driver takes, many in a statement: SQLite keeps for each statement that wakes the trace what the pages held before."""
    acts.ensure(connection)  # nothing says of a bare statement which table it writes
    data_keys.write_new(connection)
    into = f"INSERT INTO {target} ({', '.join(_quoted(connection, name) for name in names)}) VALUES "
    line = f"({', '.join('?' * len(names))})"
    for start in range(0, len(rows), TOGETHER):
        some = rows[start : start + TOGETHER]
        connection.exec_driver_sql(into + ", ".join([line] * len(some)), tuple(chain.from_iterable(some)))


def _copy(connection: sa.Connection, table: Any, target: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """COPY takes a tenth of the time of INSERT … RETURNING; `target` has the columns of `table` that it names."""
    statement = f"COPY {target} ({', '.join(_quoted(connection, name) for name in names)}) FROM STDIN"
    lines = _written(connection, table, names, rows)
    acts.ensure(connection)
    data_keys.write_new(connection)
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for line in lines:
                copy.write_row(line)
    except psycopg.Error as error:
        raise told(connection, statement, error) from error


def _written(connection: sa.Connection, table: Any, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """The rows as the driver takes them, column by column where a type has a say."""
    writers = {place: writer for place, name in enumerate(names) if (writer := _writer(table.c[name].type, connection.dialect)) is not None}
    if not writers or not rows:
        return rows
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, writer in writers.items():
        columns[place] = [None if value is None else writer(value) for value in columns[place]]
    return list(zip(*columns, strict=True))


def _writer(kind: Any, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    """What turns a value of a column into what the driver writes."""
    if isinstance(kind, sa.JSON):
        return dumps
    if dialect.name == "postgresql" and not isinstance(kind, Encrypted):
        return None  # psycopg knows days, amounts and moments
    writer = kind.dialect_impl(dialect).bind_processor(dialect)
    return cache(writer) if writer and isinstance(kind, (sa.Date, sa.DateTime)) else writer  # days and moments are few, and stand in many rows


__all__ = ["among", "insert", "update"]
