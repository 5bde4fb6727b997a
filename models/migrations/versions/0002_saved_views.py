"""saved views of lists; an index for what lists order and narrow by."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

LISTED = ('agency', 'code', 'enterprise', 'expert', 'org_unit', 'policy', 'region', 'review')


def upgrade() -> None:
    op.create_table('saved_view',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('register', sa.String(length=64), nullable=False),
    sa.Column('owner', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('org_unit_id', sa.Integer(), nullable=True),
    sa.Column('query', sa.Text(), nullable=False),
    sa.Column('columns', sa.Text(), nullable=False),
    sa.Column('opens_id', sa.Integer(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['opens_id'], ['saved_view.id'], name='fk_saved_view_opens', ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['org_unit_id'], ['org_unit.id'], name='fk_saved_view_org_unit'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('owner', 'register', 'name', name='uq_saved_view_name')
    )
    op.create_index('ix_saved_view_shared', 'saved_view', ['org_unit_id', 'register'])
    for table in LISTED:
        op.create_index(f'ix_{table}_list', table, ['id', 'org_unit_id', 'publish_state', 'voided_at'])


def downgrade() -> None:
    for table in LISTED:
        op.drop_index(f'ix_{table}_list', table_name=table)
    op.drop_table('saved_view')
