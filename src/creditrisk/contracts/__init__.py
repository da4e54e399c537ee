"""Bytes are trusted: raw files become typed Parquet, and every promise of a contract is checked."""

from creditrisk.contracts.bronze import BronzeTable, entity_key_sql, to_bronze
from creditrisk.contracts.checks import Checked, check, examine, missing_tables, refuse_if_needed
from creditrisk.contracts.feature_table import check_feature_table, feature_table_schema
from creditrisk.contracts.findings_report import findings_report
from creditrisk.contracts.frames import decisions_schema, need_sound, training_schema
from creditrisk.contracts.profile import TableProfile
from creditrisk.contracts.quarantine import quarantine
from creditrisk.contracts.summary import ingestion_summary
from creditrisk.contracts.view import hidden_columns

__all__ = [
    "BronzeTable", "Checked", "TableProfile", "check", "check_feature_table", "decisions_schema", "entity_key_sql",
    "examine", "feature_table_schema", "findings_report", "hidden_columns", "ingestion_summary", "missing_tables",
    "need_sound", "quarantine", "refuse_if_needed", "to_bronze", "training_schema",
]  # fmt: skip
