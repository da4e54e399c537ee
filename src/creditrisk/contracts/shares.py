"""What a contract promises of a whole table: shares, units, and how far it moved since the last accepted ingestion.

Pure figures, from a table's profile. Shares are judged by what chance does on so few rows (stats.intervals), and the
rows of one application are alike, so a child table counts for no more rows than there are applications.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from creditrisk.config import Column, Contract
from creditrisk.contracts.profile import TableProfile
from creditrisk.kinds import Finding, Severity
from creditrisk.stats.intervals import surely_moved, surely_outside

FEW = 100
"""Values that a column needs before one may say that they do not look like their unit."""


def outside_bands(contract: Contract, profile: TableProfile, weight: float = 1.0) -> Iterator[Finding]:
    """Shares of empty cells and sentinels outside the contract's bands. weight: independent rows to rows, at most 1."""
    rows = profile.rows * weight
    for column in contract.columns:
        empty = profile.nulls.get(column.name, 0)
        absent = column.optional and empty == profile.rows
        if column.null_share and not absent and surely_outside(empty * weight, rows, *column.null_share):
            yield _share(contract, column, "null share", "cells are empty", empty, profile.rows, column.null_share)
        for value, count in profile.sentinels.get(column.name, {}).items():
            sentinel = column.sentinels[value]
            if sentinel.share and not absent and surely_outside(count * weight, rows, *sentinel.share):
                what = f"values are {value} ({sentinel.means})"
                yield _share(contract, column, "sentinel share", what, count, profile.rows, sentinel.share)
            elif sentinel.share is None and count:
                yield Finding(
                    contract.table, "sentinel", Severity.WARN, f"{value} means {sentinel.means}", column=column.name,
                    rows=count, examples=(value,), hint="say in the contract which share of rows is expected",
                )  # fmt: skip


def unlike_their_unit(
    contract: Contract, profile: TableProfile, ends: Mapping[str, tuple[object, object]]
) -> Iterator[Finding]:
    """Columns whose smallest and largest value do not look like the unit, where no limit of the contract says so."""
    for column in contract.columns:
        low, high = ends.get(column.name, (None, None))
        if low is None or high is None or profile.rows - profile.nulls.get(column.name, 0) < FEW:
            continue
        told = _doubt(column, float(low), float(high))  # type: ignore[arg-type]
        if told:
            yield Finding(
                contract.table, "unit", Severity.WARN, told, column=column.name,
                rows=profile.rows - profile.nulls.get(column.name, 0),
                hint="correct the unit in the contract, or give the column a min and a max",
            )  # fmt: skip


def moved(
    contract: Contract, before: TableProfile, now: TableProfile, weights: tuple[float, float] = (1.0, 1.0)
) -> Iterator[Finding]:
    """What changed since the last accepted ingestion by more than its band and more than chance. weights: as above."""
    band = contract.since_last
    low, high = (ratio / (1 + ratio) for ratio in band.rows)
    rows_before, rows_now = before.rows * weights[0], now.rows * weights[1]
    if surely_outside(rows_now, rows_before + rows_now, low, high):
        yield Finding(
            contract.table, "rows changed", band.rows_severity,
            f"{now.rows:,} rows where the last accepted ingestion had {before.rows:,}; "
            f"expected {band.rows[0]:g} to {band.rows[1]:g} times as many",
            rows=now.rows, hint="see whether the extract is whole; since_last in the contract sets the band",
        )  # fmt: skip
    came, went = _came_and_went(contract, before, now)
    for what, columns in (("came", came), ("are gone", went)):
        if columns:
            yield Finding(
                contract.table, "share changed", band.share_severity,
                f"{len(columns)} optional columns {what} since the last accepted ingestion: {', '.join(columns[:12])}"
                + (", …" if columns[12:] else ""),
                examples=tuple(columns[:3]), hint="see whether it is the same kind of extract",
            )  # fmt: skip
    old = {(column, kind, value): rows for column, kind, value, rows in before.shares()}
    for column, kind, value, rows in now.shares():
        if (column, kind, value) not in old or column in (*came, *went):
            continue
        then = old[column, kind, value]
        by = band.categories if kind == "category" else band.empty
        if surely_moved((then * weights[0], rows_before), (rows * weights[1], rows_now), by):
            what = {"empty": "cells that are empty", "category": "a category's rows", "sentinel": "a sentinel's rows"}[
                kind
            ]
            yield Finding(
                contract.table, "share changed", band.share_severity,
                f"{what} went from {then / before.rows:.1%} to {rows / now.rows:.1%} since the last accepted "
                f"ingestion; expected to stay within {by:.0%}",
                column=column, rows=rows, examples=(value,) if value else (),
                hint="find out what changed in the extract; since_last in the contract sets the band",
            )  # fmt: skip


def _came_and_went(contract: Contract, before: TableProfile, now: TableProfile) -> tuple[list[str], list[str]]:
    """Optional columns that the file lacked and now has, and the other way round."""
    optional = [column.name for column in contract.columns if column.optional and before.rows and now.rows]
    lacking = {name for name in optional if before.nulls.get(name) == before.rows}
    lacks = {name for name in optional if now.nulls.get(name) == now.rows}
    return [name for name in optional if name in lacking - lacks], [
        name for name in optional if name in lacks - lacking
    ]


def largest_moves(before: TableProfile, now: TableProfile, most: int = 5) -> list[tuple[str, str, str, float, float]]:
    """(column, kind, value, share before, share now), furthest first, of what moved at all."""
    if not before.rows or not now.rows:
        return []
    old = {(column, kind, value): rows / before.rows for column, kind, value, rows in before.shares()}
    moves = [
        (column, kind, value, old[column, kind, value], rows / now.rows)
        for column, kind, value, rows in now.shares()
        if (column, kind, value) in old and old[column, kind, value] != rows / now.rows
    ]
    return sorted(moves, key=lambda move: (-abs(move[4] - move[3]), move[:3]))[:most]


def as_percent(share: float) -> str:
    """
    >>> as_percent(0.18), as_percent(0.00004), as_percent(1)
    ('18%', '0.004%', '100%')
    """
    return f"{100 * share:.3g}%"


def _share(
    contract: Contract, column: Column, rule: str, what: str, count: int, rows: int, band: tuple[float, float]
) -> Finding:
    expected = " to ".join(as_percent(limit) for limit in band)
    return Finding(
        contract.table, rule, column.share_severity,
        f"{as_percent(count / rows)} of the {what}; expected {expected}",
        column=column.name, rows=count, hint="find out what changed in the extract, or widen the band in the contract",
    )  # fmt: skip


def _doubt(column: Column, low: float, high: float) -> str:
    if column.quantity == "percent" and low >= 0 and 0 < high <= 1:
        return f"promised in percent, but no value is above {high:g}: is it a share?"
    if column.quantity == "share" and column.max is None and high > 1:
        return f"promised as a share, but values go up to {high:g}: is it in percent?"
    if column.quantity in ("share", "count") and column.min is None and low < 0:
        return f"promised as a {column.quantity}, but values go down to {low:g}"
    return ""
