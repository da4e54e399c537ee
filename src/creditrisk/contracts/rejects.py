"""Rows that cannot be read: counted all, told one by one up to a limit, with file, line, column and reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from creditrisk.contracts.raw_csv import Rejected, line_of_byte, rows_with
from creditrisk.contracts.raw_table import RawTable
from creditrisk.duck import Connection
from creditrisk.errors import BadData
from creditrisk.kinds import Finding, Severity

SHOWN = 20
"""Rejected rows that are told one by one."""

_RUNS_AWAY = {"UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM", "MAXIMUM LINE SIZE"}
"""Errors after which nobody knows where the next row begins."""


@dataclass(frozen=True)
class Counts:
    """torn: rows that DuckDB could not take apart or cast.  bad: rows whose values break their type's rules.

    rounded: values by column.  shown: the first rejected rows.  runs_away: an error swallowed an unknown part.
    foreign: bytes that are not UTF-8 were seen.
    """

    torn: int
    bad: int
    rounded: Mapping[str, int]
    shown: tuple[Rejected, ...]
    runs_away: bool
    foreign: bool = False

    @property
    def rejected(self) -> int:
        return self.torn + self.bad

    @classmethod
    def taken(cls, con: Connection, raw: RawTable, *, shown: int) -> Counts:
        """Read off a connection that has just copied `raw`."""
        counters = dict(con.sql("select sequence_name, coalesce(last_value, 0) from duckdb_sequences()").fetchall())
        rounded = {name: counters[f"rounded_{place}"] for name, place in raw.rounding.items()}
        torn, kinds, rows = _torn(con, raw, shown) if raw.is_csv else (0, set(), [])
        bad = counters["bad"]
        if bad:
            rows = sorted([*rows, *_bad(con, raw, shown)], key=lambda row: row.line or 0)[:shown]
        told = tuple(sorted([*rows, *raw.left_out], key=lambda row: row.line or 0)[:shown])
        return cls(
            torn + raw.left_out_rows,
            bad,
            {name: count for name, count in rounded.items() if count},
            told,
            bool(_RUNS_AWAY & kinds),
            "INVALID ENCODING" in kinds,
        )


def refused_rows(raw: RawTable, counts: Counts, kept: int) -> BadData:
    """The refusal of a file of which too much cannot be read."""
    first = _may_be_shown(raw, counts.shown[0]) if counts.shown else Rejected(None, None, "")
    where = str(raw.landed.source)
    if first.line is not None:
        where += f", line {first.line}"
    if first.column:
        where += f", column {first.column}"
    share = counts.rejected / (kept + counts.rejected)
    allowed = raw.contract.rejected_share_max
    what = f"{counts.rejected:,} of {kept + counts.rejected:,} rows cannot be read ({share:.1%}; allowed {allowed:.1%})"
    if counts.runs_away:
        what = "a quote is opened and never closed, so what follows cannot be told from text"
    return BadData(
        f"{what}; the first: {first.reason}" if first.reason and not counts.runs_away else what,
        where=where,
        hint="correct the file, or fetch it again"
        if counts.runs_away
        else "correct the file, or the column's type, format and missing words in the contract",
    )


def rejected_findings(raw: RawTable, counts: Counts) -> list[Finding]:
    """One finding a shown row, and one for all of them."""
    if not counts.rejected:
        return []
    table, file = raw.contract.table, raw.landed.name
    every = [
        Finding(
            table, "unreadable row", Severity.QUARANTINE, row.reason, column=row.column, file=file, line=row.line,
            rows=1, examples=(row.example,) if row.example else (),
        )
        for row in (_may_be_shown(raw, shown) for shown in counts.shown)
    ]  # fmt: skip
    return [
        Finding(
            table,
            "unreadable rows",
            Severity.QUARANTINE,
            f"{counts.rejected:,} rows cannot be read and were left out",
            file=file,
            rows=counts.rejected,
            hint="correct the file, or the column's type, format and missing words in the contract",
        ),
        *every,
    ]


def _may_be_shown(raw: RawTable, row: Rejected) -> Rejected:
    """The row without its value where the column is one whose values nobody may see in a report."""
    if row.column is None or row.column not in raw.hidden:
        return row
    return replace(row, reason=f"the value is not {_kind(raw, row.column)}", example="")


def _torn(con: Connection, raw: RawTable, shown: int) -> tuple[int, set[str], list[Rejected]]:
    """What DuckDB's reader itself rejected: number of rows, kinds of errors, the first rows."""
    names = list(raw.types)
    rows = con.sql("select count(distinct line), list(distinct cast(error_type as varchar)) from reject_errors")
    torn, kinds = rows.fetchall()[0]
    if not torn:
        return 0, set(), []
    first = con.sql(
        "select line_byte_position, column_idx, error_message, cast(error_type as varchar) from reject_errors "
        "qualify row_number() over (partition by line_byte_position order by column_idx) = 1 "
        "order by line_byte_position limit $shown",
        params={"shown": shown},
    ).fetchall()
    lines = line_of_byte(raw.landed.path, [row[0] for row in first])
    told = [
        Rejected(
            lines.get(position),
            names[column - 1] if column and column <= len(names) and kind == "CAST" else None,
            _plain(message),
        )
        for position, column, message, kind in first
    ]
    return torn, set(kinds or ()), told


def _bad(con: Connection, raw: RawTable, shown: int) -> list[Rejected]:
    """Rows with values that break their type's rules. A second look at the file, only taken when there are some."""
    checked = {name: reading for name, reading in raw.readings.items() if reading.good}
    sums = ", ".join(f"count(*) filter (not {reading.good})" for reading in checked.values())
    totals = con.sql(f"select {sums} from {raw.rows}").fetchall()[0]  # noqa: S608
    told: list[Rejected] = []
    wanted: dict[int, set[str]] = {}
    for name, total in zip(checked, totals, strict=True):
        if total and len(wanted) < shown:
            cell = raw.raw_name(name)
            query = f"select cast({cell} as varchar) from {raw.rows} where not {checked[name].good} limit {shown}"  # noqa: S608
            wanted[raw.positions[name]] = {row[0] for row in con.sql(query).fetchall()}
            told.append(
                Rejected(None, name, f"{total:,} values are not {_kind(raw, name)}", min(wanted[raw.positions[name]]))
            )
    if not raw.is_csv:
        return told
    names = list(raw.types)
    return [
        Rejected(line, names[place], f'"{text[:40]}" is not {_kind(raw, names[place])}', text[:40])
        for line, place, text in rows_with(raw.landed.path, wanted, shown)
    ] or told


def _kind(raw: RawTable, name: str) -> str:
    column = raw.contract.column(name)
    written = {"percent": ", in per cent", "months": ", in months", "month_year": " like Dec-2011"}
    return f"{_A[column.type.split('(')[0]]}{written.get(column.format, '')}"


_A = {
    "integer": "a whole number", "double": "a number", "decimal": "a number that fits", "date": "a date",
    "boolean": "yes or no", "text": "text",
}  # fmt: skip


def _plain(message: str) -> str:
    """DuckDB's words without its own type names."""
    return message.replace("'BIGINT'", "an integer").replace("'DOUBLE'", "a number").replace("'DATE'", "a date")
