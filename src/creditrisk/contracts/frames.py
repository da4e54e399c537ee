"""Frames that cross a border after the feature table: the rows a model learns from, and the decisions that go out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from creditrisk.contracts.clean_pandera import clean_pandera
from creditrisk.errors import BadData
from creditrisk.kinds import Verdict

if TYPE_CHECKING:
    import pandera.polars as pandera


def training_schema(key: str) -> pandera.DataFrameSchema:
    """Of the rows to learn from: each entity once, each with an outcome, 1 bad or 0 good; features stand beside."""
    pandera = clean_pandera()
    return pandera.DataFrameSchema(
        {
            key: pandera.Column(nullable=False, unique=True),
            "target": pandera.Column(checks=pandera.Check.isin([0, 1]), nullable=False),
        }
    )


def decisions_schema(key: str, grades: Sequence[str]) -> pandera.DataFrameSchema:
    """Of scored rows: no PD is 0, 1 or missing, and grade and decision are words that the policy has."""
    pandera = clean_pandera()
    inside = pandera.Check.in_range(0.0, 1.0, include_min=False, include_max=False)
    return pandera.DataFrameSchema(
        {
            key: pandera.Column(nullable=False, unique=True),
            "pd": pandera.Column(float, checks=inside, nullable=False),
            "score": pandera.Column(nullable=False),
            "grade": pandera.Column(str, checks=pandera.Check.isin(list(grades)), nullable=False),
            "decision": pandera.Column(str, checks=pandera.Check.isin([one.value for one in Verdict]), nullable=False),
        }
    )


def need_sound(rows: pa.Table, schema: pandera.DataFrameSchema, *, what: str) -> None:
    """Raises BadData with the first column that breaks the schema, and an example. Other columns are not looked at."""
    import polars as pl

    errors_of_pandera = clean_pandera().errors
    frame = pl.from_arrow(rows.select([name for name in schema.columns if name in rows.column_names]))
    try:
        schema.validate(frame, lazy=True)
    except errors_of_pandera.SchemaErrors as errors:
        column, check, case = errors.failure_cases.select("column", "check", "failure_case").row(0)
        raise BadData(
            f"{what}: {check}, e.g. {case}",
            where=f"column {column or case}",
            hint="run the stages again from ingest; if it stays, the book's SQL or the model is at fault",
        ) from None
