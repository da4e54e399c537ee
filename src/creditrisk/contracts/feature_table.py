"""What crosses the border from the SQL to the model: sound names and types, finite numbers, one key a row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.contracts.clean_pandera import clean_pandera
from creditrisk.duck import Connection, DuckSettings, locked_room, named, parquet, translated
from creditrisk.kinds import Finding, Severity

if TYPE_CHECKING:
    import pandera.polars as pandera
    import polars as pl

TABLE = "feature_store"
HEAD_ROWS = 1000
"""A frame of this size shows names and types; the values of all rows are DuckDB's work, at a tenth of the cost."""


def feature_table_schema(key: str) -> pandera.DataFrameSchema:
    """Of an eager Polars frame (a lazy one gets no data checks): the key and lower_snake_case features, nothing else.

    The key is unique and never NULL; types are Int64, Int32, Float64, String and Boolean; no number is infinite or NaN.
    """
    pandera = clean_pandera()
    sound = pandera.Check(_sound, name="value")  # one for both: Pandera takes a millisecond for each of each column
    return pandera.DataFrameSchema(
        {
            key: pandera.Column(checks=sound, nullable=False, unique=True),
            "^[a-z][a-z0-9_]*$": pandera.Column(checks=sound, nullable=True, regex=True, required=False),
        },
        strict=True,
    )


def check_feature_table(path: Path, key: str, *, settings: DuckSettings | None = None) -> list[Finding]:
    """The feature table as the model will read it; every finding refuses.

    A key that rises strictly from row to row is neither NULL nor doubled, and the table is sorted as promised.
    """
    schema = pq.read_schema(path)
    if not schema.names or schema.names[0] != key:
        return [_finding("key first", f"the first column is not the key {key}")]
    source = parquet(path)
    one_thread = replace(settings or DuckSettings(), threads=1)  # rows in the file's order
    with locked_room(one_thread, reads=[path]) as con, translated(str(path)):
        head = con.sql(f"from {source} limit {HEAD_ROWS}").pl()
        if not len(head):
            return [_finding("no rows", "the feature table is empty")]
        return _of_frame(head, key) or [*_of_key(con, source, key), *_of_numbers(con, source, schema)]


def _of_frame(head: pl.DataFrame, key: str) -> list[Finding]:
    try:
        feature_table_schema(key).validate(head, lazy=True)
    except clean_pandera().errors.SchemaErrors as errors:
        cases = errors.failure_cases.select("column", "check", "failure_case").unique().sort("column", "check")
        return [
            _explained(head, *case)
            for case in cases.unique(["column", "check"], keep="first", maintain_order=True).rows()
        ]
    return []


def _explained(head: pl.DataFrame, column: str | None, check: str, case: str | None) -> Finding:
    """One failure of the frame's schema in our words."""
    if check == "value" and column is not None:
        check = "finite" if str(head.schema[column]) == "Float64" else "type"
    told = {
        "finite": ("finite", "infinite or not a number", "guard the ratio with nullif"),
        "type": ("type", "no type of a feature", "cast it to double, bigint, varchar or boolean at the end of the SQL"),
        "column_in_schema": ("name", "a feature's name is lower_snake_case", "rename it in the last file of SQL"),
        "not_nullable": ("not null", "the key is missing", "the last file of SQL gives one row an entity"),
        "field_uniqueness": ("unique", "the key is doubled", "the last file of SQL gives one row an entity"),
    }
    rule, what, hint = told.get(check, (check, f"breaks {check}", ""))
    return _finding(rule, what, case if check == "column_in_schema" else column, 0, hint)


def _of_key(con: Connection, source: str, key: str) -> list[Finding]:
    pairs = f"select {named(key)} as k, lag({named(key)}) over () as before from {source}"  # noqa: S608
    missing, stuck = con.sql(
        f"select count(*) filter (k is null), count(*) filter (k <= before) from ({pairs})"  # noqa: S608
    ).fetchall()[0]
    hint = "the last file of SQL gives one row an entity"
    findings = [_finding("not null", "the key is missing", key, missing, hint)] if missing else []
    return findings + ([_finding("unique", "the key is doubled or out of order", key, stuck, hint)] if stuck else [])


def _of_numbers(con: Connection, source: str, schema: pa.Schema) -> list[Finding]:
    doubles = [field.name for field in schema if pa.types.is_floating(field.type)]
    if not doubles:
        return []
    # A sum is finite only if all its numbers are; one that runs over is looked at again, number by number.
    sums = ", ".join(f"isfinite(sum({named(name)}))" for name in doubles)
    sound = con.sql(f"select {sums} from {source}").fetchall()[0]  # noqa: S608
    suspects = [name for name, finite in zip(doubles, sound, strict=True) if finite is False]
    counts = ", ".join(f"count(*) filter (not isfinite({named(name)}))" for name in suspects) or "null"
    told = con.sql(f"select {counts} from {source}").fetchall()[0]  # noqa: S608
    return [
        _finding("finite", "infinite or not a number", name, rows, "guard the ratio with nullif")
        for name, rows in zip(suspects, told, strict=False)
        if rows
    ]


def _sound(data: pandera.PolarsData) -> bool | pl.LazyFrame:
    """Of a type that a model takes and, as a number, finite."""
    import polars as pl

    one = data.lazyframe.select(data.key)
    kind = one.collect_schema()[data.key]
    if kind == pl.Float64:
        value = pl.col(data.key)
        return one.select(value.is_finite() | value.is_null())
    return kind in (pl.Int64, pl.Int32, pl.String, pl.Boolean)


def _finding(rule: str, what: str, column: str | None = None, rows: int = 0, hint: str = "") -> Finding:
    return Finding(TABLE, rule, Severity.REFUSE, what, column=column, rows=rows, hint=hint)
