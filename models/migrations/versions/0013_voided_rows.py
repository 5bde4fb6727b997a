"""The index of voided rows holds those alone.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    gone = sa.text("voided_at IS NOT NULL")
    for table, index in _indexes():
        op.drop_index(index, table)
        op.create_index(index, table, ["voided_at"], sqlite_where=gone, postgresql_where=gone)


def downgrade() -> None:
    for table, index in _indexes():
        op.drop_index(index, table)
        op.create_index(index, table, ["voided_at"])


def _indexes() -> Iterator[tuple[str, str]]:
    """Every register and kind of children has one."""
    found = sa.inspect(op.get_bind())
    for table in found.get_table_names():
        name = f"ix_{table}_voided_at"
        if any(index["name"] == name for index in found.get_indexes(table)):
            yield table, name
