"""What crosses the border between the book's SQL and the model: a frame of sound types and finite numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.kinds import Finding, Severity

if TYPE_CHECKING:
    import pandera.polars as pandera
    import polars as pl

TABLE = "feature_store"
ROWS_AT_ONCE = 50_000

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def feature_table_schema(columns: Mapping[str, pl.DataType], key: str) -> pandera.DataFrameSchema:
    """Names and types as given, in that order; the key never NULL; no number infinite or NaN."""
    import pandera.polars as pandera

    return pandera.DataFrameSchema(
        {name: pandera.Column(kind, nullable=name != key) for name, kind in columns.items()},
        checks=pandera.Check(_finite, name="finite"),
        strict=True,
        ordered=True,
    )


def check_feature_table(path: Path, key: str) -> list[Finding]:
    """The feature table in batches: sound names and types, finite numbers, a key that rises from row to row.

    A key that rises strictly is neither NULL nor doubled, and the table is sorted as promised.
    """
    import polars as pl
    from pandera.errors import SchemaErrors

    file = pq.ParquetFile(path)
    findings = _bad_names(file.schema_arrow, key)
    if findings:
        return findings
    schema: pandera.DataFrameSchema | None = None
    last: object = None
    for batch in file.iter_batches(ROWS_AT_ONCE):
        frame = pl.DataFrame(pa.Table.from_batches([batch]))
        schema = schema or feature_table_schema(dict(frame.schema), key)
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors:
            findings += _explained(frame, key)
        findings += _not_rising(frame, key, last)
        if findings:
            return findings
        last = frame[key][-1] if len(frame) else last
    return findings if file.metadata.num_rows else [_finding("no rows", "the feature table is empty", None, 0)]


def _finite(data: pandera.PolarsData) -> pl.LazyFrame:
    import polars as pl
    import polars.selectors as cs

    numbers = data.lazyframe.select(cs.float().is_finite() | cs.float().is_null())
    return numbers.select(pl.all_horizontal(pl.all()).alias("finite"))


def _explained(frame: pl.DataFrame, key: str) -> list[Finding]:
    """Which columns broke the schema: the message of each names the column."""
    findings = [
        _finding("finite", "infinite or not a number", name, rows, "guard the ratio with nullif")
        for name in frame.columns
        if frame[name].dtype.is_float() and (rows := int((~frame[name].is_finite()).sum()))
    ]
    if frame[key].null_count():
        findings.append(_finding("not null", "the key is missing", key, frame[key].null_count()))
    return findings


def _not_rising(frame: pl.DataFrame, key: str, last: object) -> list[Finding]:
    values = frame[key]
    stuck = int((values.diff() <= 0).sum()) if values.dtype.is_numeric() else int((values <= values.shift(1)).sum())
    stuck += bool(len(values) and last is not None and values[0] is not None and values[0] <= last)
    hint = "the last file of SQL gives one row an entity"
    return [_finding("unique", "the key is doubled or out of order", key, stuck, hint)] if stuck else []


def _bad_names(schema: pa.Schema, key: str) -> list[Finding]:
    findings: list[Finding] = []
    if not schema.names or schema.names[0] != key:
        findings.append(_finding("key first", f"the first column is not the key {key}", None, 0))
    lower = [name.lower() for name in schema.names]
    for field in schema:
        if field.name != key and (not _NAME.fullmatch(field.name) or lower.count(field.name.lower()) > 1):
            findings.append(_finding("name", "a feature's name is lower_snake_case and stands once", field.name, 0))
        if not _sound(field.type):
            hint = "cast it to double, bigint, varchar or boolean at the end of the SQL"
            findings.append(_finding("type", f"{field.type} is no type of a feature", field.name, 0, hint))
    return findings


def _sound(kind: pa.DataType) -> bool:
    plain = (pa.int64(), pa.int32(), pa.float64(), pa.string(), pa.large_string(), pa.bool_())
    return any(kind.equals(one) for one in plain)


def _finding(rule: str, what: str, column: str | None, rows: int, hint: str = "") -> Finding:
    return Finding(TABLE, rule, Severity.REFUSE, what, column=column, rows=rows, hint=hint)
