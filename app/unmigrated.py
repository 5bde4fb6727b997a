"""What stands in the database beside the migrations: the tables of the search, the trace and its triggers, the function that measures."""

from __future__ import annotations

import sqlalchemy as sa

from app import measured
from app.history import setup
from app.search import kept


def in_migrations(name: str | None, kind: str, parents: object) -> bool:
    """Whether Alembic should look at a table (`include_name`)."""
    return kept.in_history(name, kind, parents) and setup.in_migrations(name, kind, parents)


def reconcile(connection: sa.Connection) -> None:
    """Make what the tables in the database lack; nothing when they lack nothing."""
    kept.reconcile(connection)
    setup.reconcile(connection)
    measured.reconcile(connection)
