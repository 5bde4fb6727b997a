"""Index what the desk looks for: last changes, ends of periods."""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('agency', schema=None) as batch_op:
        batch_op.create_index('ix_agency_changed_at', ['changed_at'], unique=False)

    with op.batch_alter_table('code', schema=None) as batch_op:
        batch_op.create_index('ix_code_changed_at', ['changed_at'], unique=False)

    with op.batch_alter_table('enterprise', schema=None) as batch_op:
        batch_op.create_index('ix_enterprise_changed_at', ['changed_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_enterprise_standardisation_valid_to'), ['standardisation_valid_to'], unique=False)

    with op.batch_alter_table('expert', schema=None) as batch_op:
        batch_op.create_index('ix_expert_changed_at', ['changed_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_expert_term_end'), ['term_end'], unique=False)

    with op.batch_alter_table('expert_qualification', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_expert_qualification_valid_to'), ['valid_to'], unique=False)

    with op.batch_alter_table('org_unit', schema=None) as batch_op:
        batch_op.create_index('ix_org_unit_changed_at', ['changed_at'], unique=False)

    with op.batch_alter_table('policy', schema=None) as batch_op:
        batch_op.create_index('ix_policy_changed_at', ['changed_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_policy_expires_on'), ['expires_on'], unique=False)

    with op.batch_alter_table('qualification', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_qualification_valid_to'), ['valid_to'], unique=False)

    with op.batch_alter_table('region', schema=None) as batch_op:
        batch_op.create_index('ix_region_changed_at', ['changed_at'], unique=False)

    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.create_index('ix_review_changed_at', ['changed_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_review_period_end'), ['period_end'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_review_period_end'))
        batch_op.drop_index('ix_review_changed_at')

    with op.batch_alter_table('region', schema=None) as batch_op:
        batch_op.drop_index('ix_region_changed_at')

    with op.batch_alter_table('qualification', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_qualification_valid_to'))

    with op.batch_alter_table('policy', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_policy_expires_on'))
        batch_op.drop_index('ix_policy_changed_at')

    with op.batch_alter_table('org_unit', schema=None) as batch_op:
        batch_op.drop_index('ix_org_unit_changed_at')

    with op.batch_alter_table('expert_qualification', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_expert_qualification_valid_to'))

    with op.batch_alter_table('expert', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_expert_term_end'))
        batch_op.drop_index('ix_expert_changed_at')

    with op.batch_alter_table('enterprise', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_enterprise_standardisation_valid_to'))
        batch_op.drop_index('ix_enterprise_changed_at')

    with op.batch_alter_table('code', schema=None) as batch_op:
        batch_op.drop_index('ix_code_changed_at')

    with op.batch_alter_table('agency', schema=None) as batch_op:
        batch_op.drop_index('ix_agency_changed_at')

