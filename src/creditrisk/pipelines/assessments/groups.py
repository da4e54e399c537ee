"""The groups that fairness compares: the book's expressions over the columns that are kept apart from features."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from creditrisk.config import MAIN, Book
from creditrisk.duck import Connection, DuckSettings, locked_room, named, parquet, sql_type, translated
from creditrisk.errors import BadConfig


def read_groups(book: Book, audit: Path, keys: pa.ChunkedArray, settings: DuckSettings) -> dict[str, list[str | None]]:
    """{grouping: level of each row of `keys`, in their order; None = not stated, or no row in `audit`}.

    Raises BadConfig where an expression does not fit the columns of `audit`.
    """
    rows = pa.table({"key": keys, "place": pa.array(range(len(keys)), pa.int64())})
    source = parquet(audit)
    found: dict[str, list[str | None]] = {}
    with locked_room(settings, reads=[audit]) as con:
        con.register("tested", rows)
        con.execute(
            f"create temp table audit as select a.*, t.place from tested as t "  # noqa: S608
            f"left join {source} as a on a.{named(book.key)} = t.key"
        )
        for name, grouping in book.portfolio.fairness.groups.items():
            column = _level(con, book, name, grouping.sql)
            found[name] = column["level"].to_pylist()
    return found


def check_groups(book: Book) -> None:
    """Raises BadConfig, naming the grouping, where an expression would not fit: told before an hour of training."""
    with locked_room(DuckSettings(memory_limit="200MB", threads=1)) as con:
        listed = ", ".join(f"cast(null as {kind}) as {named(name)}" for name, kind in _audit_columns(book).items())
        con.execute(f"create temp table audit as select {listed}, 0 as place limit 0")
        for name, grouping in book.portfolio.fairness.groups.items():
            _level(con, book, name, grouping.sql)


def _level(con: Connection, book: Book, name: str, sql: str) -> pa.Table:
    place = f"{book.folder / 'portfolio.yaml'}, fairness.groups.{name}"
    try:
        with translated(place):
            query = f"select cast(({sql}\n) as varchar) as level from audit order by place"  # noqa: S608
            return con.sql(query).to_arrow_table()
    except BadConfig as error:
        known = ", ".join(_audit_columns(book))
        raise BadConfig(
            error.what,
            where=place,
            hint=f"an SQL expression over the columns kept apart from features: {known or 'none'}",
        ) from error


def _audit_columns(book: Book) -> Mapping[str, str]:
    """What `split.write_audit` keeps, and as which type."""
    policy = book.portfolio.policy
    barred = {item.column for item in (*policy.prohibited, *policy.rebuilders, *policy.restricted)}
    return {column.name: sql_type(column.type) for column in book.contracts[MAIN].columns if column.name in barred}
