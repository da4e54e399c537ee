"""What each loan turned out to be, as of the day the outcomes were last looked at."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from creditrisk.config import MAIN, Book
from creditrisk.duck import Connection, DuckSettings, locked_room, named, parquet, translated
from creditrisk.errors import BadData

LABEL_STATES = ("observed", "indeterminate", "immature")


@dataclass(frozen=True)
class Labels:
    """One row an entity, sorted by key.

    rows: columns key, target (int8; NULL unless observed), label_state, date (as-of date or NULL), term (or NULL).
    """

    rows: pa.Table
    observed_until: dt.date | None

    @property
    def states(self) -> dict[str, int]:
        counts = {row["values"]: row["counts"] for row in self.rows["label_state"].value_counts().to_pylist()}
        return {state: counts.get(state, 0) for state in LABEL_STATES}


def read_labels(book: Book, main: Path, settings: DuckSettings) -> Labels:
    """The labels of the book's main bronze table.

    Raises BadData when the target is neither 0, 1 nor NULL, or no label is observed; BadConfig for wrong target SQL.
    """
    target = book.portfolio.target
    with locked_room(settings, reads=[main], writes=main.parent) as con:
        con.execute(f"create temp view {MAIN} as select * from {parquet(main)}")  # noqa: S608
        until = target.observed_until or _latest(con, target.observed_until_latest_of, str(main))
        if target.sql is not None:
            file = book.sql_file(target.sql.removeprefix("sql/"))
            labels, where = file.text.rstrip().rstrip(";"), file.path
            bound = {"observed_until": until} if "$observed_until" in file.text else {}
        else:
            column = named(target.column or "")
            state = f"case when {column} is null then 'indeterminate' else 'observed' end"
            labels, where, bound = (
                f"select {named(book.key)}, {column} as target, {state} as label_state from {MAIN}",  # noqa: S608
                str(book.folder / "portfolio.yaml"),
                {},
            )
        with translated(where):
            rows = _table(con, book, labels, bound)
    _refuse_unusable(rows, str(main))
    return Labels(rows, until)


def _table(con: Connection, book: Book, labels: str, bound: dict[str, dt.date | None]) -> pa.Table:
    con.execute(f"create temp table labels as {_joined(book, labels)}", bound)
    return con.sql("select * from labels order by key").to_arrow_table()


def _joined(book: Book, labels: str) -> str:
    split = book.portfolio.split
    date = f"cast(main.{named(split.date)} as date)" if split.date else "cast(null as date)"
    term = f"cast(main.{named(split.term)} as bigint)" if split.term else "cast(null as bigint)"
    key = named(book.key)
    return f"""
        select main.{key} as key, cast(case when l.label_state = 'observed' then l.target end as integer) as target,
               l.label_state, {date} as date, {term} as term
        from ({labels}) as l join {MAIN} as main on main.{key} = l.{key}
    """  # noqa: S608


def _latest(con: Connection, columns: tuple[str, ...], where: str) -> dt.date | None:
    if not columns:
        return None
    greatest = ", ".join(f"max({named(column)})" for column in columns)
    latest = con.execute(f"select greatest({greatest}) from {MAIN}").fetchall()[0][0]  # noqa: S608
    if latest is None:
        raise BadData(
            f"no date in {', '.join(columns)}: nobody knows until when outcomes were observed",
            where=where,
            hint="state the day in portfolio.yaml: target.observed_until: 2019-03-31",
        )
    return latest if isinstance(latest, dt.date) else dt.date.fromisoformat(str(latest)[:10])


def _refuse_unusable(rows: pa.Table, where: str) -> None:
    states = set(rows["label_state"].unique().to_pylist())
    odd = states - set(LABEL_STATES)
    if odd:
        raise BadData(f"label_state {odd.pop()!r}", where=where, hint=f"one of {', '.join(LABEL_STATES)}")
    values = {value for value in rows["target"].unique().to_pylist() if value is not None}
    if values - {0, 1}:
        raise BadData(
            f"the target has other values than 0 and 1: {sorted(values - {0, 1})[:3]}",
            where=where,
            hint="1 is bad, 0 is good, empty is not yet known",
        )
    if not values:
        raise BadData("no loan has an observed outcome", where=where, hint="is observed_until too early?")
    if len(values) == 1:
        raise BadData(
            f"every observed loan is {'bad' if values == {1} else 'good'}", where=where, hint="a model needs both"
        )
