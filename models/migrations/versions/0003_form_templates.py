"""templates of printed forms."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('form_template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('form', sa.String(length=128), nullable=False),
    sa.Column('original_name', sa.String(length=255), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('uploaded_by', sa.String(length=64), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('in_use', sa.Boolean(), nullable=False),
    sa.Column('used_by', sa.String(length=64), nullable=True),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_form_template_form', 'form_template', ['form'], unique=False)
    op.create_index('uq_form_template_in_use', 'form_template', ['form'], unique=True, sqlite_where=sa.text('in_use'), postgresql_where=sa.text('in_use'))


def downgrade() -> None:
    op.drop_table('form_template')
