"""The book's SQL makes the feature table: the same files for millions of rows and for one applicant."""

from creditrisk.features.check import bound_columns, check_sql, files_reading, lint_book, reason_groups
from creditrisk.features.engine import compute, compute_one_query, table_schema, write_features
from creditrisk.features.lineage import Lineage, feature_lineage, identifiers, raw_factors
from creditrisk.features.lint import lint_sql
from creditrisk.features.people import links_of, parents_first, renumbered, rows_among, rows_of
from creditrisk.features.prepared import PreparedFeatures
from creditrisk.features.substitution import Applicants, Factor, Substitution, mentioned, words_of

__all__ = [
    "Applicants",
    "Factor",
    "Lineage",
    "PreparedFeatures",
    "Substitution",
    "bound_columns",
    "check_sql",
    "compute",
    "compute_one_query",
    "feature_lineage",
    "files_reading",
    "identifiers",
    "links_of",
    "lint_book",
    "lint_sql",
    "mentioned",
    "parents_first",
    "raw_factors",
    "reason_groups",
    "renumbered",
    "rows_among",
    "rows_of",
    "table_schema",
    "words_of",
    "write_features",
]  # fmt: skip
