"""The book's SQL makes the feature table: the same files for millions of rows and for one applicant."""

from creditrisk.features.check import bound_columns, check_sql, files_reading, reason_groups
from creditrisk.features.engine import compute, compute_one_query, table_schema
from creditrisk.features.lint import lint_sql

__all__ = [
    "bound_columns", "check_sql", "compute", "compute_one_query", "files_reading", "lint_sql", "reason_groups",
    "table_schema",
]  # fmt: skip
