"""A file of feature rows or of decisions, counted in the bundle's frozen bins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from creditrisk.errors import BadUsage, BrokenFile, MissingInput, did_you_mean
from creditrisk.monitoring.counts import FEATURE, RAW, Bins, By, Counted, Counting, count_parquet

TIMES = ("time", "date")
"""Columns that say when a row was decided, first found first; then the book's own as-of column."""

NO_RAW = "a file of features or decisions has no raw records"

READ = (".csv", ".json", ".parquet")


def count_file(
    path: Path, bins: Mapping[str, Bins], counting: Callable[[By], Counting], *, by: By, as_of: str | None
) -> Counted:
    """Rows of a Parquet, CSV or JSON file (one object a line); features and answers by their names.

    counting: makes the count, by `by` or, where no row has a time, of one period.  as_of: the book's column of times.
    Raises MissingInput, BrokenFile, and BadUsage for another kind of file or one without a single known column.
    """
    if not path.is_file():
        raise MissingInput("there is no such file", where=str(path), hint="--current FILE: feature rows or decisions")
    if path.suffix not in READ:
        raise BadUsage(f'no rows are read from "{path.suffix}"', where=str(path), hint=did_you_mean(path.suffix, READ))
    columns = {name: name.removeprefix(FEATURE) for name in bins if not name.startswith(RAW)}
    try:
        schema = _schema(path)
        _need_a_column(schema, columns, path)
        time = next((name for name in (*TIMES, as_of) if name in schema.names and _is_time(schema, str(name))), None)
        count = counting(by if time else By.ONE)
        if path.suffix == ".parquet":
            count_parquet(path, columns, count, time=time)
        else:
            _count_batches(_batches(path, columns), columns, count, time)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        told = str(error).splitlines()[0]
        raise BrokenFile(f"the file is no {path.suffix}: {told}", where=str(path), hint="write it again") from error
    for name in bins:
        if name.startswith(RAW):
            count.fault(name, NO_RAW)
    return count.counted()


def _schema(path: Path) -> pa.Schema:
    if path.suffix == ".parquet":
        return pq.read_schema(path)
    with closing(_opened(path)) as reader:
        return reader.schema


def _need_a_column(schema: pa.Schema, columns: Mapping[str, str], path: Path) -> None:
    if not set(columns.values()) & set(schema.names):
        raise BadUsage(
            "the file has neither a feature of the model nor a PD, score, grade or decision",
            where=str(path),
            hint="its columns: " + ", ".join(schema.names[:12]),
        )


def _is_time(schema: pa.Schema, name: str) -> bool:
    return pa.types.is_timestamp(schema.field(name).type) or pa.types.is_date(schema.field(name).type)


def _opened(path: Path, as_text: Iterable[str] = ()) -> Any:
    """A reader of batches. as_text: columns that a CSV is not asked to guess the type of."""
    if path.suffix == ".json":
        return pyarrow.json.open_json(path)
    types = dict.fromkeys(as_text, pa.string())
    return pyarrow.csv.open_csv(
        path, convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    )


def _batches(path: Path, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    with closing(_opened(path, as_text=columns.values())) as reader:
        yield from reader


def _count_batches(
    batches: Iterable[pa.RecordBatch], columns: Mapping[str, str], count: Counting, time: str | None
) -> None:
    for batch in batches:
        places = count.rows(None if time is None else batch.column(time), batch.num_rows)
        for name, column in columns.items():
            if column in batch.schema.names:
                count.add(name, _as_numbers(batch.column(column), count.bins[name]), places)
            else:
                count.fault(name, "there is no such column")


def _as_numbers(column: pa.Array[Any], bins: Bins) -> pa.Array[Any]:
    """Text of a CSV as numbers, where all of it is; else it stays text, and is a fault."""
    if bins.is_number and pa.types.is_string(column.type):
        try:
            return pc.cast(pc.utf8_trim_whitespace(column), pa.float64())
        except pa.ArrowInvalid:
            return column
    return column
