"""Alembic's environment: one history for Flask-AppBuilder's tables and ours.

The metadata is Flask-AppBuilder's; Flask-SQLAlchemy's own is empty, and with it Alembic would
write a migration that drops every account.
"""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from flask_appbuilder import Model

from app.database import owner_engine
from app.unmigrated import in_migrations, reconcile


def render(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Alembic writes the variant of a JSON column with a name that the file does not import."""
    if kind == "type" and isinstance(item, sa.JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql')"
    return False


def _index(ctx: Any, **_facts: Any) -> None:
    """The search and the trace stand beside the tables that a migration made or took away."""
    reconcile(ctx.connection)


def run_migrations() -> None:
    with owner_engine().connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=render,
            transaction_per_migration=True,
            include_name=in_migrations,
            on_version_apply=_index,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations run against a database, not offline")
run_migrations()
