"""import desk."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    with op.batch_alter_table('import_batch', schema=None) as batch_op:
        batch_op.add_column(sa.Column('notes', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('rounds', _JSON, nullable=True))
        batch_op.add_column(sa.Column('checks', sa.Integer(), server_default='0', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('import_batch', schema=None) as batch_op:
        batch_op.drop_column('checks')
        batch_op.drop_column('rounds')
        batch_op.drop_column('notes')
