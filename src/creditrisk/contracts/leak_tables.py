"""Columns of typed tables as the leak radar looks at them: one row an entity, numbers, days or texts.

DuckDB reads and groups, a few columns at a time. Texts that are numbers or dates throughout are read as such.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from creditrisk.duck import Connection, named, parquet
from creditrisk.stats.alone import Floats, Mask

COLUMNS_AT_ONCE = 32
EPOCH = dt.date(1970, 1, 1)
_TRIED = 200
_DATES = ("%Y-%m-%d", "%b-%Y", "%b-%y", "%Y-%m", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_WHOLE = re.compile(r"^(TINY|SMALL|BIG|HUGE|U\w*)?INT(EGER)?$")
_NUMBER = re.compile(r"^(DECIMAL|DOUBLE|FLOAT|REAL|BOOLEAN)")
_DAY = re.compile(r"^(DATE|TIMESTAMP)")


@dataclass(frozen=True)
class Child:
    """How a table hangs on its parent: `foreign_key` here is `parent_key` there."""

    table: str
    parent: str
    foreign_key: str
    parent_key: str


@dataclass(frozen=True)
class Column:
    """One value an entity, shape (n,).

    kind: number, date (epoch days) or text.  values: NaN where missing; of text: code of the value, from 1.
    names: the texts, by code - 1.  aggregate: of a child table's column.  there: entities that have rows at all.
    place: row in the file, for ids that grow.
    """

    table: str
    name: str
    kind: Literal["number", "date", "text"]
    values: Floats
    names: Sequence[str] = ()
    aggregate: str = ""
    there: Mask | None = None
    place: Floats | None = None


def main_columns(con: Connection, table: str, path: Path, key: str) -> Iterator[Column]:
    """Every column but the key, for the entities of the temporary table `people` (key, pos)."""
    file = parquet(path, numbered=True)
    types = {name: kind for name, kind in _types(con, file).items() if name not in (key, "file_row_number")}
    for names in _batched(list(types)):
        # Numbered, so that no column's name can clash with another one.
        listed = ", ".join(f"{_readable(f'rows.{named(name)}', types[name])} as c{i}" for i, name in enumerate(names))
        rows = con.sql(
            f"select people.pos as pos, rows.file_row_number as place, {listed} "  # noqa: S608
            f"from {file} as rows join people on people.key = rows.{named(key)}"
        ).to_arrow_table()
        order = np.argsort(rows["pos"].to_numpy())
        place = rows["place"].to_numpy()[order].astype(np.float64)
        for i, name in enumerate(names):
            yield _column(table, name, types[name], rows[f"c{i}"].combine_chunks().take(pa.array(order)), place=place)


def child_columns(
    con: Connection, child: Child, children: Mapping[str, Child], tables: Mapping[str, Path], key: str, rows: int
) -> Iterator[Column]:
    """Mean, max and share of NULL of each column by entity, and the number of rows; sums are exact.

    rows: number of entities. An entity without rows has none of them, but a count of 0.
    """
    file = parquet(tables[child.table])
    types = {name: kind for name, kind in _types(con, file).items() if name not in (child.foreign_key, key)}
    source, pos = _joined(child, children, tables)
    first = True
    for names in _batched(list(types)):
        listed = [f"{expression} as {what}{i}" for i, name in enumerate(names)
                  for what, expression in _aggregates(f"rows.{named(name)}", types[name]).items()]  # fmt: skip
        found = con.sql(
            f"select {pos} as pos, count(*) as rows, {', '.join(listed)} from {source} group by 1"  # noqa: S608
        ).to_arrow_table()
        where = found["pos"].to_numpy()
        there = np.zeros(rows, dtype=bool)
        there[where] = True
        if first:
            counted = np.zeros(rows)
            counted[where] = found["rows"].to_numpy()
            yield Column(child.table, "(rows)", "number", counted, aggregate="count")
            first = False
        take = np.full(rows, -1)
        take[where] = np.arange(len(where))
        index = pa.array(take, mask=take < 0)
        for i, name in enumerate(names):
            for what in _aggregates("", types[name]):
                kind = types[name] if what == "max" else "DOUBLE"
                values = found[f"{what}{i}"].combine_chunks().take(index)
                yield _column(child.table, name, kind, values, aggregate=what, there=there)


def days_of(dates: pa.ChunkedArray) -> Floats:
    """Epoch days; NaN where NULL."""
    return np.asarray(dates.cast(pa.date32()).cast(pa.int32()).cast(pa.float64()).to_numpy(), dtype=np.float64)


def _types(con: Connection, file: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in con.execute(f"describe select * from {file}").fetchall()}  # noqa: S608


def _batched(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        yield names[start : start + COLUMNS_AT_ONCE]


def _readable(column: str, kind: str) -> str:
    if _WHOLE.match(kind) or _NUMBER.match(kind):
        return f"cast({column} as double)"
    if _DAY.match(kind):
        return f"cast(cast({column} as date) - date '1970-01-01' as double)"
    return f"cast({column} as varchar)"


def _aggregates(column: str, kind: str) -> dict[str, str]:
    told = {"max": f"max({_readable(column, kind)})", "null": f"1 - count({column}) / count(*)"}
    if _WHOLE.match(kind) or kind.startswith("DECIMAL"):
        told["mean"] = f"cast(sum({column}) as double) / count({column})"
    elif _NUMBER.match(kind):  # a float sum depends on its order, a decimal one does not
        told["mean"] = f"cast(sum(try_cast({column} as decimal(30, 6))) as double) / count({column})"
    return told


def _joined(child: Child, children: Mapping[str, Child], tables: Mapping[str, Path]) -> tuple[str, str]:
    """FROM clause that leads each row of a child table to its entity's `people.pos`."""
    source = f"{parquet(tables[child.table])} as rows"
    step, here = child, "rows"
    while step.parent in children:
        upper = children[step.parent]
        parent = parquet(tables[upper.table])
        source += (f" join {parent} as {named('to ' + upper.table)} on {named('to ' + upper.table)}."
                   f"{named(step.parent_key)} = {here}.{named(step.foreign_key)}")  # fmt: skip
        step, here = upper, named("to " + upper.table)
    return f"{source} join people on people.key = {here}.{named(step.foreign_key)}", "people.pos"


def _column(table: str, name: str, kind: str, values: pa.Array, **more: Any) -> Column:
    if _WHOLE.match(kind) or _NUMBER.match(kind):
        return Column(table, name, "number", _floats(values), **more)
    if _DAY.match(kind):
        return Column(table, name, "date", _floats(values), **more)
    return _text_column(table, name, values, **more)


def _floats(values: pa.Array) -> Floats:
    """NULL, NaN and infinities as NaN."""
    floats = np.array(values.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    floats[~np.isfinite(floats)] = np.nan
    return floats


def _text_column(table: str, name: str, values: pa.Array, **more: Any) -> Column:
    empty = pc.equal(pc.utf8_trim_whitespace(values), "")
    coded = pc.if_else(empty, pa.scalar(None, values.type), values).dictionary_encode()
    code = coded.indices.fill_null(-1).to_numpy().astype(np.int64)
    words = coded.dictionary.to_pylist()
    for kind, read in (("number", _as_number), ("date", _as_day)):
        if words and all(read(word) is not None for word in words[:_TRIED]):
            read_as = [read(word) for word in words]
            if sum(each is None for each in read_as) <= len(words) / 100:
                known = np.array([np.nan if each is None else each for each in [*read_as, None]], dtype=np.float64)
                return Column(table, name, kind, known[code], **more)  # type: ignore[arg-type]
    return Column(table, name, "text", np.where(code < 0, np.nan, code + 1.0), names=words, **more)


def _as_number(word: str) -> float | None:
    try:
        number = float(word.strip().removesuffix("%"))
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _as_day(word: str) -> float | None:
    for form in _DATES:
        try:
            return float((dt.datetime.strptime(word.strip(), form).date() - EPOCH).days)  # noqa: DTZ007
        except ValueError:
            continue
    return None
