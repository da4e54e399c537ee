"""What follows from a column's figures: nothing, or a suspicion with its reasons. The body of leak_report.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from creditrisk.contracts.leak_words import spoken
from creditrisk.kinds import Available, finite_or_none

if TYPE_CHECKING:
    from creditrisk.config import Book
    from creditrisk.config.portfolio import LeakRadar
    from creditrisk.contracts.leak_radar import Figures, People
    from creditrisk.stats.alone import Group

type Verdict = Literal["suspect", "released", "known_after_origination", "identifier", "clear"]

VERDICTS: dict[Verdict, str] = {
    "suspect": "it may know the outcome: no feature reads it until somebody releases it",
    "released": "it may know the outcome, and somebody answers for using it",
    "known_after_origination": "its contract says that it comes to exist after the loan was granted: never a feature",
    "identifier": "it names a row: only to join by",
    "clear": "nothing speaks against it",
}
"""Worst first."""

_SIDES = {
    "missing": "where it is missing",
    "present": "where it has a value",
    "usual": "where it has its usual value",
    "unusual": "where it has another than its usual value",
}


@dataclass(frozen=True)
class Signal:
    """One thing that speaks against a column. alone: it needs no second one."""

    kind: Literal["auc", "name", "settling_date", "extreme_rate", "extreme_value", "grows"]
    says: str
    alone: bool = False

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "says": self.says, "alone": self.alone}


def signals_of(of_column: Sequence[Figures], limits: LeakRadar, *, main: bool, who: People) -> list[Signal]:
    """Everything that speaks against a column; of_column: one, or one for each aggregate of a child's."""
    found: list[Signal] = []
    word = spoken(of_column[0].column, main=main)
    if word is not None:
        found.append(Signal("name", f"its name speaks of later: {word.because}", alone=word.alone))
    for figures in of_column:
        of = f" ({figures.aggregate} by entity)" if figures.aggregate else ""
        found += [Signal(signal.kind, signal.says + of, signal.alone) for signal in _of_figures(figures, limits, who)]
    return found


def is_suspect(signals: Iterable[Signal]) -> bool:
    """One signal that is enough by itself, or an AUC together with another one."""
    kinds = {signal.kind for signal in signals}
    return any(signal.alone for signal in signals) or ("auc" in kinds and len(kinds) > 1)


def leak_report(every: Iterable[Figures], book: Book, who: People) -> dict[str, Any]:
    """The body of leak_report.json: every column with its verdict, worst first."""
    from creditrisk.config import MAIN

    limits = book.portfolio.leak_radar
    by_column: dict[tuple[str, str], list[Figures]] = {}
    for figures in every:
        by_column.setdefault((figures.table, figures.column), []).append(figures)
    columns = [
        _told(table, column, of_column, signals_of(of_column, limits, main=table == MAIN, who=who), book)
        for (table, column), of_column in by_column.items()
    ]
    order = list(VERDICTS)
    columns.sort(key=lambda told: (order.index(told["verdict"]), -told["auc"], told["table"], told["column"]))
    thresholds = {name: limit for name, limit in limits.model_dump(mode="json").items() if isinstance(limit, dict)}
    bads = int(who.outcomes.y.sum())
    return {
        "columns": columns,
        "counts": {verdict: sum(told["verdict"] == verdict for told in columns) for verdict in VERDICTS},
        "thresholds": thresholds,
        "sampling": {
            "labelled": who.labelled,
            "looked_at": len(who.outcomes.y),
            "bads": bads,
            "vintages": who.outcomes.vintages,
            "period": who.period,
            "pairs": int(who.outcomes.pairs),
            "folds": who.outcomes.folds,
        },
    }


def _of_figures(figures: Figures, limits: LeakRadar, who: People) -> Iterable[Signal]:
    bads = int(who.outcomes.y.sum())
    if figures.auc >= limits.auc_min.value and min(bads, len(who.outcomes.y) - bads) >= limits.rows_min.value:
        too_good = figures.auc >= limits.auc_alone_min.value
        yield Signal("auc", f"alone it ranks outcomes with an AUC of {figures.auc:.3f}", alone=too_good)
    if figures.dates_after is not None and figures.dates_after >= limits.dates_after_min.value:
        yield Signal("settling_date", f"{figures.dates_after:.0%} of its dates lie after the as-of date")
    for side, words in _SIDES.items():
        group = figures.groups.get(side)
        if group is not None and _is_extreme(group, limits):
            yield Signal("extreme_rate", f"{words}, {_rate(group)}", alone=True)
    group = figures.groups.get("value")
    if group is not None and _is_extreme(group, limits):
        yield Signal("extreme_value", f"where it is {figures.value}, {_rate(group)}")
    if abs(figures.grows) >= limits.grows_min.value:
        against = "the place in the file" if who.period == "none" else "time"
        yield Signal("grows", f"a number for each row that goes with {against}: it tells the vintage", alone=True)


def _is_extreme(group: Group, limits: LeakRadar) -> bool:
    return (
        group.rows >= limits.rows_min.value
        and (group.rate >= limits.bad_rate_high.value or group.rate <= limits.bad_rate_low.value)
        and group.odds_ratio >= limits.odds_ratio_min.value
        and group.chance <= limits.chance_max.value
    )


def _rate(group: Group) -> str:
    return f"{group.bads:,} of {group.rows:,} rows are bad, {group.expected:.1%} in the same vintages"


def _told(table: str, column: str, of_column: Sequence[Figures], signals: list[Signal], book: Book) -> dict[str, Any]:
    available = {each.name: each.available for each in book.contracts[table].columns}.get(column)
    return {
        "table": table,
        "column": column,
        "available": available.value if available else None,
        "verdict": _verdict(table, column, available, signals, book),
        "auc": round(max(figures.auc for figures in of_column), 4),
        "signals": [signal.as_json() for signal in signals],
        "figures": [_figures(figures) for figures in of_column],
    }


def _verdict(table: str, column: str, available: Available | None, signals: list[Signal], book: Book) -> Verdict:
    if available in (Available.POST_ORIGINATION, Available.OUTCOME) or column == book.portfolio.target.column:
        return "known_after_origination"
    if available is Available.IDENTIFIER or column in book.joins(table):
        return "identifier"
    if not is_suspect(signals):
        return "clear"
    released = {(release.table, release.column) for release in book.portfolio.leak_radar.released}
    return "released" if (table, column) in released else "suspect"


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "aggregate": figures.aggregate,
        "reads_as": figures.reads_as,
        "rows": figures.rows,
        "distinct": figures.distinct,
        "null_share": round(figures.null_share, 4),
        "auc_rank": round(figures.auc_rank, 4),
        "auc_out_of_fold": round(figures.auc_out_of_fold, 4),
        "auc_missing": round(figures.auc_missing, 4),
        "dates_after": None if figures.dates_after is None else round(figures.dates_after, 4),
        "grows": round(figures.grows, 4),
        "value": figures.value,
        "groups": {name: _group(group) for name, group in figures.groups.items()},
    }


def _group(group: Group) -> Mapping[str, Any]:
    ratio = finite_or_none(group.odds_ratio)
    return {
        "rows": group.rows,
        "bads": group.bads,
        "expected": round(group.expected, 4),
        "odds_ratio": None if ratio is None else round(ratio, 2),
        "chance": round(group.chance, 6),
    }
