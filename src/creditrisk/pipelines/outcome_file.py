"""A file of outcomes as a lender sends it: CSV or Parquet, read row by row, each with its place."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditrisk.errors import BadData, BrokenFile, MissingInput, did_you_mean
from creditrisk.kinds import Finding
from creditrisk.monitoring.deliveries import Row, refused

ID, ENTITY, DATE, STATUS, KNOWN = "decision_id", "entity_id", "date", "status", "known"


@dataclass(frozen=True)
class OutcomeFile:
    """What stands in a file. findings: rows that cannot be read."""

    rows: Sequence[Row]
    findings: Sequence[Finding]
    ignored: tuple[str, ...]
    """Columns that mean nothing here."""


def read_outcomes(path: Path, key: str) -> OutcomeFile:
    """Columns decision_id or the entity (`entity_id`, or the book's key), date, status and, where it is told, known.

    Raises MissingInput, BrokenFile for what is no table, BadData for one without rows or without these columns.
    """
    if not path.is_file():
        raise MissingInput("there is no such file", where=str(path), hint="--input takes a CSV or Parquet file")
    if path.stat().st_size == 0:
        raise BadData("the file is empty", where=str(path), hint="nothing was taken; send it again")
    names, cells = _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _csv(path)
    columns = _columns(names, key, path)
    rows: list[Row] = []
    findings: list[Finding] = []
    count = 0
    for count, (line, values) in enumerate(cells, start=1):  # noqa: B007 -- how many there were is told below
        try:
            rows.append(_row(line, values, columns))
        except _Unreadable as error:
            findings.append(refused(error.rule, error.what, line, error.hint, column=error.column))
    if not count:
        raise BadData("the file has no rows", where=str(path), hint="nothing was taken; send it again")
    ignored = tuple(name for place, name in enumerate(names) if place not in columns.values())
    return OutcomeFile(rows, findings, ignored)


class _Unreadable(Exception):
    def __init__(self, rule: str, what: str, hint: str = "", column: str | None = None) -> None:
        super().__init__(what)
        self.rule, self.what, self.hint, self.column = rule, what, hint, column


def _columns(names: Sequence[str], key: str, path: Path) -> Mapping[str, int]:
    """{what it means: place of the column}."""
    plain = [name.strip().lower() for name in names]
    repeated = sorted({name for name in plain if plain.count(name) > 1})
    if repeated:
        raise BadData(f"columns with the same name: {', '.join(repeated[:3])}", where=str(path), hint="name each once")
    places = {name: plain.index(name) for name in (ID, DATE, STATUS, KNOWN) if name in plain}
    entity = next((name for name in (key.lower(), ENTITY) if name in plain), None)
    if entity is not None:
        places[ENTITY] = plain.index(entity)
    missing = [name for name in (DATE, STATUS) if name not in places]
    if ID not in places and ENTITY not in places:
        missing.insert(0, f"{ID} or {key}")
    if missing:
        raise BadData(
            f"no column {', '.join(missing)}",
            where=str(path),
            hint=f"{did_you_mean(missing[0].split()[0], names)}; docs/outcomes.md",
        )
    return places


def _row(line: int, values: Sequence[Any] | None, columns: Mapping[str, int]) -> Row:
    if values is None:
        raise _Unreadable("shape", "it has more or fewer fields than the header", "quote texts with separators in them")
    told = {name: values[place] for name, place in columns.items()}
    decision_id, entity = _text(told.get(ID)), _text(told.get(ENTITY))
    if decision_id is None and entity is None:
        raise _Unreadable("who", "it names no decision and no entity", "give one of them")
    status = _text(told[STATUS])
    if status is None:
        raise _Unreadable("status", "it has no status", "leave the row out, or say what is known", STATUS)
    day = _day(told[DATE], DATE)
    if day is None:
        raise _Unreadable("date", "it has no date", "say when it was so", DATE)
    return Row(line, decision_id, entity, day, status, _day(told.get(KNOWN), KNOWN))


def _text(value: Any) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _day(value: Any, column: str) -> dt.date | None:
    """In UTC. Raises _Unreadable for what is no date."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    text = _text(value.isoformat() if isinstance(value, dt.datetime) else value)
    if text is None:
        return None
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise _Unreadable(
            "date", "its date is none", "write dates as 2026-01-31; a time of day may follow", column
        ) from error
    return (time.astimezone(dt.UTC) if time.tzinfo else time).date()


def _csv(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str] | None]]]:
    """The header, and each row with its line; None for one of another length than the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
    except UnicodeDecodeError as error:
        raise BrokenFile("it is no text in UTF-8", where=str(path), hint="save it as CSV in UTF-8") from error
    separator = max(",;\t|", key=first.count)
    names = next(iter(csv.reader([first], delimiter=separator)), [])
    if not any(name.strip() for name in names):
        raise BadData("the file has no header", where=str(path), hint="name the columns in its first line")
    return names, _lines(path, separator, len(names))


def _lines(path: Path, separator: str, width: int) -> Iterator[tuple[int, list[str] | None]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=separator, strict=True)
            next(reader)
            begins = reader.line_num + 1
            for values in reader:
                if values:
                    yield begins, values if len(values) == width else None
                begins = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise BrokenFile("it is no text in UTF-8", where=str(path), hint="save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise BrokenFile(
            f"it is no CSV: {error}", where=f"{path}, line {reader.line_num}", hint="save it again as CSV in UTF-8"
        ) from error


def _parquet(path: Path) -> tuple[list[str], Iterator[tuple[int, list[Any] | None]]]:
    """Column names, and each row with its number, from 1."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise BrokenFile("it is no Parquet file", where=str(path), hint="write it again") from error
    return list(file.schema_arrow.names), _parquet_rows(file, path)


def _parquet_rows(file: Any, path: Path) -> Iterator[tuple[int, list[Any] | None]]:
    import pyarrow as pa

    number = 0
    try:
        for batch in file.iter_batches():
            columns = [column.to_pylist() for column in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                yield number, list(values)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BrokenFile(
            "it is damaged", where=f"{path}, after row {number}", hint="write it again; nothing was taken"
        ) from error


__all__ = ["OutcomeFile", "read_outcomes"]
