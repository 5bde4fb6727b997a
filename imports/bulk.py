"""Many rows in few statements, the way each database likes it: COPY and arrays on PostgreSQL, the driver's own on SQLite.

SQLAlchemy's types say how a value is written; that they would be asked row by row is passed by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def among(connection: sa.Connection, column: Any, values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Whether the column holds one of many values.

    PostgreSQL takes them as one array: a thousand parameters cost more to parse than to look up.
    """
    if isinstance(column.type, Encrypted):
        return among(connection, index_of(column), column.type.indexes(values))
    if connection.dialect.name == "postgresql":
        return sa.and_(column == sa.any_(sa.bindparam(None, list(values), type_=postgresql.ARRAY(column.type))))
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
    columns = ", ".join(_quoted(connection, name) for name in ("id", *names))
    statement = f"INSERT INTO {_quoted(connection, table.name)} ({columns}) VALUES ({', '.join('?' * (len(names) + 1))})"
    written = _written(connection, table, names, rows)
    _execute(connection, statement, [(new_id, *row) for new_id, row in zip(ids, written, strict=True)])
    return ids


def update(connection: sa.Connection, table: Any, names: Sequence[str], rows: Sequence[Sequence[Any]], stamp: Mapping[str, Any]) -> None:
    """Write rows of (id, version seen, values of these columns), and to each the stamp and its next version.

    Raises StaleDataError when a row has another version by now.
    """
    both = [*names, *stamp]
    rows = [(*row, *stamp.values()) for row in rows]
    if connection.dialect.name == "postgresql":
        count = _update_from_stage(connection, table, both, rows)
    else:
        columns = ", ".join(f"{_quoted(connection, name)} = ?" for name in both)
        statement = f"UPDATE {_quoted(connection, table.name)} SET {columns}, row_version = row_version + 1 WHERE id = ? AND row_version = ?"
        written = _written(connection, table, both, [row[2:] for row in rows])
        count = _execute(connection, statement, [(*values, *row[:2]) for values, row in zip(written, rows, strict=True)])
    if count != len(rows):
        raise StaleDataError(f"{len(rows) - count} rows of {table.name} have moved on")


def _update_from_stage(connection: sa.Connection, table: Any, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """Through a table of this transaction: a statement for each row would wake the trace for each."""
    name, stage = _quoted(connection, table.name), _STAGE
    columns = ", ".join(_quoted(connection, each) for each in names)
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {stage} ON COMMIT DROP AS SELECT id, row_version, {columns} FROM {name} WITH NO DATA")
    _copy(connection, table, stage, ("id", "row_version", *names), rows)
    changes = ", ".join(f"{each} = s.{each}" for each in (_quoted(connection, each) for each in names))
    statement = f"UPDATE {name} AS t SET {changes}, row_version = t.row_version + 1 FROM {stage} AS s WHERE t.id = s.id AND t.row_version = s.row_version"
    count = connection.exec_driver_sql(statement).rowcount
    connection.exec_driver_sql(f"DROP TABLE {stage}")
    return count


def _quoted(connection: sa.Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)


def _execute(connection: sa.Connection, statement: str, rows: Sequence[Sequence[Any]]) -> int:
    """One statement for many rows of what the driver takes; how many rows it changed."""
    acts.ensure(connection)  # nothing says of a bare statement which table it writes
    data_keys.write_new(connection)
    return connection.exec_driver_sql(statement, list(rows)).rowcount


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
    return kind.dialect_impl(dialect).bind_processor(dialect)  # type: ignore[no-any-return]


__all__ = ["among", "insert", "update"]
