"""Few, true alarms: what has moved by more than matters, for longer than a moment, and not by chance.

An alarm rings when a shift is larger than its limit in n of the last m periods, and the rows of those m periods
together are less likely than its part of the book's false alarms (`monitoring.alarms.false_alarm_max`). That part is
shared out beforehand: over what is watched, over the columns and bins of each, and evenly over the periods of a
model's life. The chance that any alarm at all rings while nothing changes is then at most the sum of the parts (Boole),
whatever depends on whatever: columns on each other, and all periods on the one sample that they are compared with. The
tests take that sample as the sample it is, and are exact for any number of rows, so a small book has no more false
alarms than a large one.

Nothing is kept between runs: alarms are a function of counts, so an alarm that is open stays the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creditrisk.config import Alarm, Alarms
from creditrisk.kinds import sha256_of
from creditrisk.monitoring.counts import DECISION, FEATURE, RAW, SCORE, Counted, frozen_columns, reference_counts
from creditrisk.monitoring.matured import Matured
from creditrisk.stats import promise_test, psi_of_each, shares_test

type Floats = NDArray[np.float64]

APPROVE = "approve"
TOO_LOW = 0.9
"""Part of the calibration's false alarms that is spent on PDs that are too low: these cost the lender money."""
LEAST_WEIGHT = 0.5
"""Part of the features' weight that is shared evenly; the rest goes by importance."""


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """One thing that is watched, over time.

    effect: the size of its shift by period, shape (periods,); NaN = too few rows.
    chance: the p value of the rows of periods first to last, both included, together.
    """

    kind: str
    what: str
    rule: Alarm
    level: float
    """The p value from which on chance is ruled out."""
    periods: Sequence[str]
    effect: Floats
    chance: Callable[[int, int], float]
    figures: Callable[[int, int], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Episode:
    """Places of periods. onset: the first with a shift; rung: the one that made it certain; ended: None = it lasts.

    looked_from: the first of those that were looked at together when it rang.
    """

    looked_from: int
    onset: int
    rung: int
    ended: int | None


@dataclass(frozen=True, slots=True)
class Rung:
    """An alarm. figures: size, before, now and limit, over the periods from its onset until it rang."""

    id: str
    kind: str
    what: str
    severity: str
    owner: str | None
    since: str
    certain: str
    """The period that made it certain."""
    ended: str | None
    chance: float
    level: float
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.ended is None


def watched_in(
    counted: Counted,
    reference: Mapping[str, Any],
    alarms: Alarms,
    *,
    groups: Mapping[str, Iterable[str]],
    looks: int,
) -> list[Watched]:
    """What is watched of decisions, in finished periods, against the bundle's `reference.json`.

    groups: {source table: the counted columns that come from it}.  looks: how many periods a model's life has.
    What the counts or an older bundle's reference do not hold is not watched; `unwatched` tells it.
    """
    before = reference_counts(reference)
    look = _Looking(counted, before, alarms, looks)
    found: list[Watched] = []
    if look.knows(SCORE):
        found += look.moved("score", [SCORE], {SCORE: 1.0})
    if look.knows(DECISION):
        answers = reference["decisions"]["categories"]
        found += look.moved("decisions", [DECISION], {DECISION: 1.0})
        if APPROVE in answers:
            found.append(look.share("approval", "approval rate", {DECISION: answers.index(APPROVE)}, 1.0))
    main = main_features(reference, alarms)
    known = [name for name in main if look.knows(name)]
    found += look.moved("features", known, main)
    tables = {table: [name for name in columns if look.knows(name)] for table, columns in sorted(groups.items())}
    tables = {table: columns for table, columns in tables.items() if columns}
    for table, columns in tables.items():
        found.append(look.share("missing", table, dict.fromkeys(columns, -1), 1.0 / len(tables)))
    words = [name for name in _with_words(reference) if look.knows(name)]
    found += [look.share("new_categories", name, {name: -2}, 1.0 / len(words), rises=True) for name in words]
    return [one for one in found if one.rule.watched]


def watched_outcomes(matured: Matured, alarms: Alarms, *, doubt: float, looks: int) -> list[Watched]:
    """PDs against outcomes by the month in which these became known.

    doubt: squared relative error of the PDs as a whole from the sample that they were calibrated on, see `doubt_of`.
    """
    return [
        _calibration(matured, alarms, kind, doubt, level_of(alarms, kind, looks))
        for kind in ("calibration", "calibration_slow")
        if rule_of(alarms, kind).watched
    ]


def unwatched(reference: Mapping[str, Any], counted: Counted, alarms: Alarms) -> dict[str, str]:
    """{what the book wants watched and these counts or this bundle cannot tell: why}."""
    older = "the bundle was made before its reference held this: train again"
    told = {}
    for kind, column, key in (("score", SCORE, "score"), ("decisions", DECISION, "decisions")):
        if key not in reference:
            told[kind] = older
        elif column not in counted.counts:
            told[kind] = counted.faults.get(column, "nothing was counted")
    if "decisions" in told:
        told["approval"] = told["decisions"]
    for name in main_features(reference, alarms):
        if name not in counted.counts:
            told[f"features {name}"] = counted.faults.get(name, "nothing was counted")
    return {what: why for what, why in told.items() if rule_of(alarms, what.split()[0]).watched}


def rung(watched: Iterable[Watched], *, book: str, bundle_sha256: str, owner: str | None) -> list[Rung]:
    """Every alarm of this model so far, open ones first, then the latest. owner: of alarms that name nobody.

    Its id is made of book, model, what moved and since when: the next run tells the same alarm.
    """
    told = [_rung(one, episode, book, bundle_sha256, owner) for one in watched for episode in episodes(one)]
    return sorted(told, key=lambda one: (one.is_open, one.certain, one.what), reverse=True)


def episodes(watched: Watched) -> list[Episode]:
    """When it rang and when it ended: where fewer than n of the last m periods have a shift that matters.

    A period with too few rows is passed over: it neither rings nor ends what rang.
    """
    rule, usable = watched.rule, np.flatnonzero(~np.isnan(watched.effect)).tolist()
    found: list[Episode] = []
    begun: tuple[int, int, int] | None = None
    for place, now in enumerate(usable):
        last = usable[max(0, place - rule.of + 1) : place + 1]
        large = [at for at in last if watched.effect[at] >= rule.limit.value]
        enough = len(large) >= rule.periods
        if begun is None and enough and watched.chance(last[0], now) <= watched.level:
            begun = (last[0], large[0], now)
        elif begun is not None and not enough:
            found.append(Episode(*begun, now))
            begun = None
    return [*found, Episode(*begun, None)] if begun else found


def doubt_of(bads: int, rows: int) -> float:
    """Squared relative error of PDs calibrated on so many bads among so many rows; 0 where there were none."""
    return (1.0 - bads / rows) / bads if bads else 0.0


def main_features(reference: Mapping[str, Any], alarms: Alarms) -> dict[str, float]:
    """{counted name: its part of the features' weight, summing to 1}: those that weigh most, and those asked for."""
    importance = {name: float(frozen.get("importance") or 0.0) for name, frozen in reference["features"].items()}
    ranked = sorted(importance, key=lambda name: (-importance[name], name))
    chosen = dict.fromkeys(
        [*ranked[: alarms.features.most], *(name for name in alarms.features.also if name in importance)]
    )
    whole = sum(importance[name] for name in chosen)
    even = 1.0 / max(len(chosen), 1)
    return {
        f"{FEATURE}{name}": LEAST_WEIGHT * even + (1.0 - LEAST_WEIGHT) * (importance[name] / whole if whole else even)
        for name in chosen
    }


def level_of(alarms: Alarms, kind: str, looks: int) -> float:
    """The part of the book's false alarms that one kind of alarm may spend in one period."""
    weights = [rule.weight for _, rule in alarms if isinstance(rule, Alarm) and rule.watched]
    return alarms.false_alarm_max * rule_of(alarms, kind).weight / sum(weights) / looks


def rule_of(alarms: Alarms, kind: str) -> Alarm:
    rule: Alarm = getattr(alarms, kind)
    return rule


@dataclass(frozen=True)
class _Looking:
    """Counts of now beside those of the development rows, bin by bin."""

    counted: Counted
    before: Mapping[str, NDArray[np.int64]]
    alarms: Alarms
    looks: int

    def knows(self, column: str) -> bool:
        return column in self.before and column in self.counted.counts and bool(np.sum(self.before[column]))

    def moved(self, kind: str, columns: Sequence[str], parts: Mapping[str, float]) -> list[Watched]:
        """Each column's distribution: PSI for the size, every bin's share for the proof."""
        return [self._moved(kind, column, parts[column]) for column in columns]

    def _moved(self, kind: str, column: str, part: float) -> Watched:
        before, now = self.before[column], self.counted.counts[column]

        def chance(first: int, last: int) -> float:
            return _least_likely(before, np.sum(now[first : last + 1], axis=0))

        def figures(first: int, last: int) -> dict[str, Any]:
            together = np.sum(now[first : last + 1], axis=0, keepdims=True)
            return {"measure": "psi", "size": float(_shifts(before, together)[0]), **_most_moved(before, together[0])}

        effect = np.where(np.sum(now, axis=1) >= self.alarms.rows_min, _shifts(before, now), np.nan)
        return self._watched(kind, column, part, effect, chance, figures)

    def share(self, kind: str, what: str, bins: Mapping[str, int], part: float, *, rises: bool = False) -> Watched:
        """The share of one bin of each of these columns: the one that moved most tells the size.

        bins: {column: place of the bin}.  rises: only where it rises.
        """
        names = list(bins)
        was_hits = np.array([self.before[name][at] for name, at in bins.items()])
        was_rows = np.array([np.sum(self.before[name]) for name in names])
        hits = np.stack([self.counted.counts[name][:, at] for name, at in bins.items()])
        rows = np.stack([np.sum(self.counted.counts[name], axis=1) for name in names])

        def apart(hits: NDArray[np.int64], rows: NDArray[np.int64]) -> Floats:
            """Of each column; hits and rows: shape (columns, ...). NaN where there are no rows."""
            share = np.divide(hits, rows, out=np.full(hits.shape, np.nan), where=rows > 0)
            change = (share.T - was_hits / was_rows).T
            return np.maximum(change, 0.0) if rises else np.abs(change)

        def together(first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            return np.sum(hits[:, first : last + 1], axis=1), np.sum(rows[:, first : last + 1], axis=1)

        def chance(first: int, last: int) -> float:
            now_hits, now_rows = together(first, last)
            moved = np.flatnonzero(np.nan_to_num(apart(now_hits, now_rows)))
            tests = (
                shares_test(int(now_hits[at]), int(now_rows[at]), int(was_hits[at]), int(was_rows[at])) for at in moved
            )
            return min(min(tests, default=1.0) * len(names), 1.0)

        def figures(first: int, last: int) -> dict[str, Any]:
            now_hits, now_rows = together(first, last)
            sizes = np.nan_to_num(apart(now_hits, now_rows))
            moved = [int(at) for at in np.argsort(-sizes, kind="stable")]
            large = [at for at in moved if sizes[at] >= rule_of(self.alarms, kind).limit.value]
            at = moved[0]
            return {
                "measure": "share",
                "size": float(sizes[at]),
                "before": float(was_hits[at] / was_rows[at]),
                "now": float(now_hits[at] / now_rows[at]),
                "rows": int(now_rows[at]),
                "columns": [names[at] for at in large[:10]],
                "columns_moved": len(large),
                "columns_watched": len(names),
            }

        enough = np.where(rows >= self.alarms.rows_min, apart(hits, rows), -1.0)
        effect = np.where(np.any(enough >= 0.0, axis=0), np.max(enough, axis=0), np.nan)
        return self._watched(kind, what, part, effect, chance, figures)

    def _watched(
        self,
        kind: str,
        what: str,
        part: float,
        effect: Floats,
        chance: Callable[[int, int], float],
        figures: Callable[[int, int], dict[str, Any]],
    ) -> Watched:
        level = level_of(self.alarms, kind, self.looks) * part
        return Watched(kind, what, rule_of(self.alarms, kind), level, self.counted.periods, effect, chance, figures)


def _calibration(matured: Matured, alarms: Alarms, kind: str, doubt: float, level: float) -> Watched:
    def together(first: int, last: int) -> tuple[int, int, float, float]:
        part = slice(first, last + 1)
        return (
            int(np.sum(matured.rows[part])),
            int(np.sum(matured.bads[part])),
            float(np.sum(matured.expected[part])),
            float(np.sum(matured.variance[part])),
        )

    def chance(first: int, last: int) -> float:
        _, bads, expected, variance = together(first, last)
        if not expected:
            return 1.0
        or_more, or_fewer = promise_test(bads, expected, variance, doubt=doubt)
        return min(or_more / TOO_LOW, or_fewer / (1.0 - TOO_LOW), 1.0)

    def figures(first: int, last: int) -> dict[str, Any]:
        rows, bads, expected, _ = together(first, last)
        return {
            "measure": "bads over promised",
            "size": abs(bads / expected - 1.0),
            "before": expected / rows,
            "now": bads / rows,
            "rows": rows,
            "ratio": bads / expected,
        }

    usable = (matured.rows >= alarms.rows_min) & (matured.expected > 0.0)
    ratio = np.divide(matured.bads, matured.expected, out=np.full(len(usable), np.nan), where=usable)
    return Watched(
        kind, "calibration", rule_of(alarms, kind), level, matured.periods, np.abs(ratio - 1.0), chance, figures
    )


def _shifts(before: NDArray[np.int64], now: NDArray[np.int64]) -> Floats:
    """PSI of each row of `now` beyond what unmoved rows bring on average, 0 or more; NaN where there are no rows.

    Source: Yurdakul & Naranjo (2020).
    """
    rows = np.sum(now, axis=1, dtype=np.float64)
    bins = np.count_nonzero(before + now, axis=1)
    inverse = np.divide(1.0, rows, out=np.full(rows.shape, np.nan), where=rows > 0)
    beyond: Floats = np.maximum(psi_of_each(before, now) - (bins - 1) * (1.0 / np.sum(before) + inverse), 0.0)
    return beyond


def _least_likely(before: NDArray[np.int64], now: NDArray[np.int64]) -> float:
    """The p value of the bin that moved most surely, corrected for their number."""
    of, rows = int(np.sum(before)), int(np.sum(now))
    filled = np.flatnonzero(before + now)
    if not rows or len(filled) < 2:
        return 1.0
    return min(len(filled) * min(shares_test(int(now[at]), rows, int(before[at]), of) for at in filled), 1.0)


def _most_moved(before: NDArray[np.int64], now: NDArray[np.int64]) -> dict[str, Any]:
    was, is_now = before / np.sum(before), now / np.sum(now)
    at = int(np.argmax(np.abs(is_now - was)))
    return {"bin": at, "before": float(was[at]), "now": float(is_now[at]), "rows": int(np.sum(now))}


def _with_words(reference: Mapping[str, Any]) -> list[str]:
    """Features of words; of the raw columns those that no feature takes over by name."""
    columns = frozen_columns(reference)
    features = [name for name, frozen in columns.items() if name.startswith(FEATURE) and "categories" in frozen]
    taken = {name.removeprefix(FEATURE) for name in features}
    raw = [name for name, frozen in columns.items() if name.startswith(RAW) and "categories" in frozen]
    return features + [name for name in raw if name.rpartition(".")[2].lower() not in taken]


def _rung(one: Watched, episode: Episode, book: str, bundle_sha256: str, owner: str | None) -> Rung:
    since = one.periods[episode.onset]
    named = {"book": book, "bundle": bundle_sha256, "kind": one.kind, "what": one.what, "since": since}
    return Rung(
        id=sha256_of(named)[:16],
        kind=one.kind,
        what=one.what,
        severity=one.rule.severity,
        owner=one.rule.owner or owner,
        since=since,
        certain=one.periods[episode.rung],
        ended=None if episode.ended is None else one.periods[episode.ended],
        chance=one.chance(episode.looked_from, episode.rung),
        level=one.level,
        figures={"limit": one.rule.limit.value, **one.figures(episode.onset, episode.rung)},
    )
