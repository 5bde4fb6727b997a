"""changes of many records at once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def json() -> sa.types.TypeEngine:
    return sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql')


def upgrade() -> None:
    op.create_table('bulk_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('register', sa.String(length=64), nullable=False),
    sa.Column('operator', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('changes', json(), nullable=False),
    sa.Column('chosen', json(), nullable=False),
    sa.Column('promised', json(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('counts', json(), nullable=False),
    sa.Column('reasons', json(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('bulk_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bulk_change_operator'), ['operator'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('bulk_change', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bulk_change_operator'))
    op.drop_table('bulk_change')
