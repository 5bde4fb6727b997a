"""What the search looks into, of every register and child.

The columns start empty: `flask install` fills them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "agency", "code", "enterprise", "expert", "expert_qualification", "fcr_supervision", "intermediary_check", "intermediary_rating", "org_unit", "policy",
    "policy_interpretation", "policy_question", "publication", "qualification", "recusal_unit", "region", "review", "service_record", "stakeholder_opinion",
    "standard_answer", "training_capacity",
)  # fmt: skip


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("search_open", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("search_closed", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("search_grams", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=True))
        op.add_column(table, sa.Column("search_shape", sa.Integer(), nullable=True))


def downgrade() -> None:
    # the triggers name the column; what they feed is dropped by the search's own reconcile
    for table in TABLES:
        if op.get_bind().dialect.name == "sqlite":
            for kind in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER IF EXISTS grams_{table}_{kind}")
        for name in ("search_shape", "search_grams", "search_closed", "search_open"):
            op.drop_column(table, name)
