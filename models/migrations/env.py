"""Alembic's environment: one history for Flask-AppBuilder's tables and ours.

The metadata is Flask-AppBuilder's; Flask-SQLAlchemy's own is empty, and with it Alembic would
write a migration that drops every account.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from flask_appbuilder import Model

from app.database import owner_engine
from app.encryption.column import Encrypted, EncryptedBytes
from app.unmigrated import in_migrations, reconcile


def render(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Alembic writes the variant of a JSON column with a name that the file does not import, and types of ours, which migrations do not know."""
    if kind == "type" and isinstance(item, Encrypted):
        return "sa.Text()"
    if kind == "type" and isinstance(item, EncryptedBytes):
        return "sa.LargeBinary()"
    if kind == "type" and isinstance(item, sa.JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql')"
    return False


def _index(ctx: Any, **_facts: Any) -> None:
    """The search and the trace stand beside the tables that a migration made or took away."""
    reconcile(ctx.connection)


def _apply(ctx: Any, **facts: Any) -> None:
    """At the end of each migration, still in its transaction."""
    _index(ctx, **facts)
    if ctx.dialect.name == "sqlite" and (broken := ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
        raise RuntimeError(f"a migration left rows that refer to nothing: {broken[0][0]}")


@contextmanager
def _whole(connection: sa.Connection) -> Iterator[None]:
    """A migration that is killed half-way never was.

    PostgreSQL does that by itself. Python's driver of SQLite commits before each statement that changes
    the schema, unless it leaves transactions to us; and a table that is copied to change a column may be
    dropped only while nobody looks after foreign keys.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    before, driver.isolation_level = driver.isolation_level, None
    driver.execute("PRAGMA foreign_keys = OFF")
    sa.event.listen(connection, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        yield
    finally:
        if connection.in_transaction():
            connection.rollback()
        driver.execute("PRAGMA foreign_keys = ON")
        driver.isolation_level = before


def run_migrations() -> None:
    with owner_engine().connect() as connection, _whole(connection):
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=render,
            transaction_per_migration=True,
            transactional_ddl=True,
            include_name=in_migrations,
            on_version_apply=_apply,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations run against a database, not offline")
run_migrations()
