"""The indexes over the grams: GIN on PostgreSQL, a full-text table kept by triggers on SQLite.

They are no part of the migrations: whoever writes those on one database would forget the other.
`reconcile()` makes what a register lacks, after every migration and with `flask install`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.register import Record
from app.search.columns import columns, searched, shape

PREFIX = "grams_"
CHUNK = 1000


def index_of(table: str) -> str:
    """The name of a table's index of grams."""
    return f"{PREFIX}{table}"


def in_history(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether Alembic should compare a table or index: not those of the search (`include_name`)."""
    return not (kind in {"table", "index"} and (name or "").startswith(PREFIX))


def reconcile(connection: sa.Connection) -> None:
    """Every register that stands in the database has its index, and no index is left over."""
    inspector = sa.inspect(connection)
    present = set(inspector.get_table_names())
    wanted = [cls.__table__.name for cls in registry.tables() if searched(cls)]  # type: ignore[attr-defined]
    ready = [table for table in wanted if table in present and "search_grams" in {column["name"] for column in inspector.get_columns(table)}]
    if connection.dialect.name == "postgresql":
        for table in ready:
            connection.exec_driver_sql(f'CREATE INDEX IF NOT EXISTS "{index_of(table)}" ON "{table}" USING gin (search_grams)')
        return
    for table in ready:
        _keep_full_text(connection, table, index_of(table))
    for name in connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'")).all():
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in ready:
            connection.exec_driver_sql(f'DROP TABLE "{name}"')


def _keep_full_text(connection: sa.Connection, table: str, index: str) -> None:
    """The full-text table and the three triggers that feed it, whoever writes the register.

    A migration that copies a table drops its triggers, so what is made anew is filled anew.
    """
    triggers = _triggers(table, index)
    statement = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
    present = set(connection.scalars(statement, {"table": table}))
    if present >= triggers.keys():
        return
    connection.exec_driver_sql(
        f'CREATE VIRTUAL TABLE IF NOT EXISTS "{index}" USING fts5 '
        f"(search_grams, content = '{table}', content_rowid = 'id', detail = none, columnsize = 0, tokenize = 'ascii')"
    )
    for name, body in triggers.items():
        connection.exec_driver_sql(f'CREATE TRIGGER IF NOT EXISTS "{name}" {body}')
    connection.exec_driver_sql(f"""INSERT INTO "{index}" ("{index}") VALUES ('rebuild')""")


def _triggers(table: str, index: str) -> dict[str, str]:
    gone = f"""INSERT INTO "{index}" ("{index}", rowid, search_grams) VALUES ('delete', old.id, old.search_grams);"""
    come = f"""INSERT INTO "{index}" (rowid, search_grams) VALUES (new.id, new.search_grams);"""
    return {
        f"{index}_insert": f'AFTER INSERT ON "{table}" BEGIN {come} END',
        f"{index}_delete": f'AFTER DELETE ON "{table}" BEGIN {gone} END',
        f"{index}_update": f'AFTER UPDATE OF search_grams ON "{table}" WHEN old.search_grams IS NOT new.search_grams BEGIN {gone} {come} END',
    }


def refill(session: Session, cls: type[Record], everything: bool = False) -> int:
    """Fill the search's columns of rows that lack them, or of all; how many. Commits as it goes.

    A row that somebody writes meanwhile is left alone: the writer has filled it.
    """
    table: Any = cls.__table__
    wanted = sa.true() if everything else table.c.search_shape.is_distinct_from(shape(cls))
    taken = [table.c.id, table.c.row_version, *(table.c[declared.attr] for declared in searched(cls))]
    change = sa.update(table).where(table.c.id == sa.bindparam("this_id"), table.c.row_version == sa.bindparam("seen_version"))
    change = change.values({name: sa.bindparam(f"new_{name}") for name in columns(cls, {})})
    count, last = 0, 0
    while rows := session.connection().execute(sa.select(*taken).where(wanted, table.c.id > last).order_by(table.c.id).limit(CHUNK)).mappings().all():
        session.connection().execute(change, [_changed(cls, row) for row in rows])
        session.commit()
        count, last = count + len(rows), rows[-1]["id"]
    return count


def _changed(cls: type[Record], row: Any) -> dict[str, Any]:
    new = {f"new_{name}": value for name, value in columns(cls, row).items()}
    return {"this_id": row["id"], "seen_version": row["row_version"]} | new


def refill_all(session: Session, registers: Iterable[type[Record]] | None = None, everything: bool = False) -> int:
    """The same for several registers, children included; only those that the search looks into."""
    return sum(refill(session, cls, everything) for cls in (registry.tables() if registers is None else registers) if searched(cls))
