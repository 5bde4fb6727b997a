"""Making the trace stand: its tables and functions, and triggers on every table that leaves one.

Run after every migration and by `flask install`; running it again changes nothing. A table that
gains columns gets a new layout, so that old entries are still read by the columns of their day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from app.history import acts, postgresql, sqlite
from app.history.relations import Relation, relations
from app.history.tables import PREFIX, trace


def in_migrations(name: str | None, kind: str, _parents: object) -> bool:
    """Whether Alembic should look at a table: not at those of the trace (`include_name`)."""
    return not (kind == "table" and (name or "").startswith(PREFIX))


def reconcile(connection: sa.Connection) -> None:
    """Every traced table that is in the database has its triggers, by the columns that it has now."""
    on_postgresql = connection.dialect.name == "postgresql"
    for statement in [*postgresql.TABLES, *postgresql.functions()] if on_postgresql else sqlite.TABLES:
        connection.exec_driver_sql(statement)
    standing = triggers_of(connection)
    for relation in present(connection):
        layout, is_new = _layout(connection, relation)
        if is_new:
            acts.ensure(connection, acts.INSTALLATION)
            maker = postgresql.base if on_postgresql else sqlite.base
            connection.exec_driver_sql(maker(relation, layout))
        wanted = expected(connection, relation, layout)
        if {name: standing.get(name) for name in wanted} != wanted:
            _install(connection, relation, layout, standing)
    acts.close_act(connection)


def present(connection: sa.Connection) -> list[Relation]:
    """The traced tables that the database has, each with the columns that it has."""
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    found = []
    for relation in relations():
        if relation.name in there:
            columns = {column["name"] for column in inspector.get_columns(relation.name)}
            kept = tuple(name for name in relation.columns if name in columns)
            found.append(replace(relation, columns=kept, parent=relation.parent if relation.parent in columns else ""))
    return found


def _layout(connection: sa.Connection, relation: Relation) -> tuple[int, bool]:
    """The number of the table's layout, and whether the table has never been traced before."""
    table, columns = trace(connection.dialect.name).layout, json.dumps(relation.columns)
    known = {row.columns: row.id for row in connection.execute(sa.select(table.c.id, table.c.columns).where(table.c.relation == relation.name))}
    if columns not in known:
        connection.execute(sa.insert(table).values(relation=relation.name, columns=columns))
        statement = sa.select(table.c.id).where(table.c.relation == relation.name, table.c.columns == columns)
        return int(connection.scalar(statement) or 0), not known
    return known[columns], False


def layouts(connection: sa.Connection) -> dict[str, int]:
    """The layout by which each table that is in the database is traced now."""
    table = trace(connection.dialect.name).layout
    known = {(row.relation, row.columns): row.id for row in connection.execute(sa.select(table.c.id, table.c.relation, table.c.columns))}
    found = {relation.name: known.get((relation.name, json.dumps(relation.columns))) for relation in present(connection)}
    return {name: layout for name, layout in found.items() if layout is not None}


def all_layouts(connection: sa.Connection, relation: Relation) -> dict[int, tuple[str, ...]]:
    """Every layout that a table ever had; no columns where one of them is gone."""
    table = trace(connection.dialect.name).layout
    rows = connection.execute(sa.select(table.c.id, table.c.columns).where(table.c.relation == relation.name))
    found = {row.id: tuple(json.loads(row.columns)) for row in rows}
    return {number: columns if set(columns) <= set(relation.columns) else () for number, columns in found.items()}


def image(connection: sa.Connection, relation: Relation, columns: tuple[str, ...]) -> str:
    """The expression that makes an entry's image of the row `r`."""
    maker = postgresql.image if connection.dialect.name == "postgresql" else sqlite.image
    return maker(replace(relation, columns=columns), "r")


_ON_POSTGRESQL = """
SELECT c.relname || '.' || t.tgname, p.prosrc FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace s ON s.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND starts_with(t.tgname::text, 'trace_') AND s.nspname = current_schema()
"""


def triggers_of(connection: sa.Connection) -> dict[str, str]:
    """What the triggers that stand and are enabled do, by table and name."""
    if connection.dialect.name == "postgresql":
        return {row[0]: row[1] for row in connection.exec_driver_sql(_ON_POSTGRESQL)}
    found = connection.exec_driver_sql("SELECT tbl_name || '.' || name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'trace%'")
    return {row[0]: row[1] for row in found}


def expected(connection: sa.Connection, relation: Relation, layout: int) -> Mapping[str, str]:
    """What the triggers of a table should do."""
    if connection.dialect.name == "postgresql":
        return {f"{relation.name}.{postgresql.trigger_name(kind)}": body for kind, body in postgresql.bodies(relation, layout).items()}
    return {f"{relation.name}.{name}": text for name, text in sqlite.triggers(relation, layout).items()}


def _install(connection: sa.Connection, relation: Relation, layout: int, standing: Mapping[str, str]) -> None:
    if connection.dialect.name == "postgresql":
        for statement in postgresql.triggers(relation, layout):
            connection.exec_driver_sql(statement)
        return
    for name, statement in sqlite.triggers(relation, layout).items():
        if f"{relation.name}.{name}" in standing:
            connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
        connection.exec_driver_sql(statement)
