"""Records in chains, what is personal of them apart, and where each chain ends."""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decision_records",
        sa.Column("chain_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text()),
        sa.Column("request_id", sa.Text()),
        sa.Column("caller", sa.Text()),
        sa.Column("book", sa.Text()),
        sa.Column("bundle_sha256", sa.Text()),
        sa.Column("model_version", sa.Text()),
        sa.Column("pd", sa.Double()),
        sa.Column("score", sa.BigInteger()),
        sa.Column("grade", sa.Text()),
        sa.Column("decision", sa.Text()),
        sa.Column("about", sa.Text()),
        sa.Column("idempotency_key", sa.Text()),
        sa.Column("idempotency_part", sa.BigInteger()),
        sa.Column("body_sha256", sa.Text()),
        sa.Column("act", sa.Text()),
        sa.Column("key_id", sa.Text()),
        sa.Column("commitment", sa.Text()),
        sa.Column("signed", sa.Boolean(create_constraint=True, name="decision_records_signed"), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text()),
        sa.PrimaryKeyConstraint("chain_id", "sequence", name="decision_records_place"),
    )
    op.create_index("decision_records_id", "decision_records", ["decision_id"], unique=True)
    op.create_index(
        "decision_records_answered", "decision_records", ["caller", "idempotency_key", "idempotency_part"], unique=True
    )
    op.create_index("decision_records_by_time", "decision_records", ["book", "time", "decision_id"])
    op.create_index("decision_records_about", "decision_records", ["about", "kind"])
    op.create_table(
        "decision_payloads",
        sa.Column("chain_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("stored", sa.LargeBinary(), nullable=False),
        sa.Column("entity_id", sa.Text()),
        sa.PrimaryKeyConstraint("chain_id", "sequence", name="decision_payloads_place"),
    )
    op.create_table(
        "decision_chains",
        sa.Column("chain_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("witnessed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", name="decision_chains_id"),
    )
    probe = op.create_table(
        "decision_probe",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="decision_probe_id"),
    )
    op.bulk_insert(probe, [{"id": 1, "time": ""}])
