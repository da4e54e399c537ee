"""The decision store's tables as its queries name them; the migrations make them."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

RECORDS = sa.Table(
    "decision_records",
    METADATA,
    sa.Column("chain_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("time", sa.Text, nullable=False),
    sa.Column("decision_id", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("caller", sa.Text),
    sa.Column("book", sa.Text),
    sa.Column("bundle_sha256", sa.Text),
    sa.Column("model_version", sa.Text),
    sa.Column("pd", sa.Double),
    sa.Column("score", sa.BigInteger),
    sa.Column("grade", sa.Text),
    sa.Column("decision", sa.Text),
    sa.Column("about", sa.Text),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("idempotency_part", sa.BigInteger),
    sa.Column("body_sha256", sa.Text),
    sa.Column("act", sa.Text),
    sa.Column("key_id", sa.Text),
    sa.Column("commitment", sa.Text),
    sa.Column("signed", sa.Boolean, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("signature", sa.Text),
    sa.Index("decision_records_id", "decision_id", unique=True),
    sa.Index("decision_records_answered", "caller", "idempotency_key", "idempotency_part", unique=True),
    sa.Index("decision_records_by_time", "book", "time", "decision_id"),
    sa.Index("decision_records_about", "about", "kind"),
)

PAYLOADS = sa.Table(
    "decision_payloads",
    METADATA,
    sa.Column("chain_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("stored", sa.LargeBinary, nullable=False),
    sa.Column("entity_id", sa.Text),
)

CHAINS = sa.Table(
    "decision_chains",
    METADATA,
    sa.Column("chain_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("witnessed", sa.BigInteger, nullable=False),
)
"""Where each chain ends; witnessed: up to which sequence another chain's opening record names it, -1 = not at all."""

PROBE = sa.Table(
    "decision_probe",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time", sa.Text, nullable=False),
)
"""One row, written by whoever asks whether the store can be written to."""
