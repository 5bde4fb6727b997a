"""sensitive columns take encrypted values, with a table for the keys; `flask install` encrypts what they hold already."""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

COLUMNS = {
    'agency': {'mobile': sa.String(length=200)},
    'enterprise': {'phone': sa.String(length=200)},
    'expert': {
        'id_no': sa.String(length=18),
        'birth_date': sa.Date(),
        'phone': sa.String(length=200),
        'email': sa.String(length=200),
        'address': sa.String(length=500),
        'bank_name': sa.String(length=200),
        'bank_account': sa.String(length=19),
    },
    'fcr_supervision': {'from_whom': sa.String(length=200)},
    'review': {'drafter_phone': sa.String(length=200), 'reviewer_phone': sa.String(length=200)},
}


def upgrade() -> None:
    op.create_table('data_key',
    sa.Column('id', sa.String(length=22), nullable=False),
    sa.Column('wrapped', sa.String(length=120), nullable=False),
    sa.Column('master', sa.String(length=8), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('data_key', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_data_key_master'), ['master'], unique=False)
    for table, columns in COLUMNS.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, before in columns.items():
                batch_op.alter_column(name, existing_type=before, type_=sa.Text(), existing_nullable=True, postgresql_using=f'{name}::text')
    with op.batch_alter_table('expert', schema=None) as batch_op:
        batch_op.add_column(sa.Column('id_no_index', sa.String(length=22), sa.Computed('substr(id_no, 4, 22)'), nullable=True))
        batch_op.drop_index(batch_op.f('uq_expert_id_no'), sqlite_where=sa.text('voided_at IS NULL'), postgresql_where=sa.text('voided_at IS NULL'))
        batch_op.create_index('uq_expert_id_no', ['id_no_index'], unique=True, sqlite_where=sa.text('voided_at IS NULL'), postgresql_where=sa.text('voided_at IS NULL'))


def downgrade() -> None:
    # the version before cannot read what is encrypted; nothing is lost in silence
    if op.get_bind().scalar(sa.text('SELECT count(*) FROM data_key')):
        raise RuntimeError('there are encrypted values, which the version before cannot read: restore a backup of that version instead')
    with op.batch_alter_table('expert', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('uq_expert_id_no'), sqlite_where=sa.text('voided_at IS NULL'), postgresql_where=sa.text('voided_at IS NULL'))
        batch_op.create_index(batch_op.f('uq_expert_id_no'), ['id_no'], unique=True, sqlite_where=sa.text('voided_at IS NULL'), postgresql_where=sa.text('voided_at IS NULL'))
        batch_op.drop_column('id_no_index')
    for table, columns in COLUMNS.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, before in columns.items():
                using = f'{name}::date' if isinstance(before, sa.Date) else f'{name}::text'
                batch_op.alter_column(name, existing_type=sa.Text(), type_=before, existing_nullable=True, postgresql_using=using)
    with op.batch_alter_table('data_key', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_data_key_master'))
    op.drop_table('data_key')
