"""What the search keeps: beside each register a table of its own, with the folded text and the grams of each row.

It stands apart from the register, since PostgreSQL enters every gram of a row again whenever an
indexed column of the same table changes: half a register marked by an import took four times as
long. All of it follows from the registers, so no migration holds it: `reconcile()` makes what a
register lacks, after every migration and with `flask install`.

SQLite: a full-text table over ready-made grams. PostgreSQL: a table with a GIN index.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app import registry
from app.register import Record
from app.search.record import searched

PREFIX = "search_"
#: rows written before their grams are merged into PostgreSQL's index, in kB: a search reads them one by one
WAITING = 512
_GRAMS: Any = sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")


def name_of(cls: type[Record]) -> str:
    """The name of the table beside a register's."""
    return f"{PREFIX}{cls.__tablename__}"


@cache
def table_of(cls: type[Record]) -> Any:
    """That table: number of the record, text of public fields, text of the others, grams, declaration they were made by."""
    texts = [sa.column("open", sa.Text), sa.column("closed", sa.Text)]
    return sa.table(name_of(cls), sa.column("rowid", sa.Integer), *texts, sa.column("grams", _GRAMS), sa.column("shape", sa.Integer))


def in_history(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether Alembic should look at a table: not at those of the search (`include_name`)."""
    return not (kind == "table" and (name or "").startswith(PREFIX))


def reconcile(connection: sa.Connection) -> None:
    """Every register in the database has its table of the search, and none is left over."""
    present = set(sa.inspect(connection).get_table_names())
    for cls in registry.tables():
        wanted = cls.__tablename__ in present and bool(searched(cls))
        if wanted and name_of(cls) not in present:
            for statement in _made(name_of(cls), connection.dialect.name):
                connection.exec_driver_sql(statement)
        if not wanted and name_of(cls) in present:
            connection.exec_driver_sql(f'DROP TABLE "{name_of(cls)}"')


def _made(name: str, dialect: str) -> list[str]:
    if dialect == "sqlite":
        columns = "grams, open UNINDEXED, closed UNINDEXED, shape UNINDEXED"
        return [f"""CREATE VIRTUAL TABLE "{name}" USING fts5 ({columns}, detail = none, columnsize = 0, tokenize = 'ascii')"""]
    return [
        f'CREATE TABLE "{name}" (rowid integer PRIMARY KEY, open text NOT NULL, closed text NOT NULL, grams tsvector NOT NULL, shape integer NOT NULL)',
        f'CREATE INDEX "{name}_grams" ON "{name}" USING gin (grams) WITH (gin_pending_list_limit = {WAITING})',
    ]
