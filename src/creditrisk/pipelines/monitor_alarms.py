"""What has moved by more than matters, for longer than a moment, not by chance; and whether everything still runs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from creditrisk.errors import MissingInput, Refused
from creditrisk.kinds import finite_or_none
from creditrisk.monitoring.alarm_words import in_the_portfolio, look_at, what_moved
from creditrisk.monitoring.alarms import Rung, Watched, doubt_of, rung, unwatched, watched_in, watched_outcomes
from creditrisk.monitoring.counts import FEATURE, RAW, By, Counted
from creditrisk.monitoring.matured import Matured
from creditrisk.monitoring.portfolio_change import PortfolioChange, portfolio_change
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.monitor_outcomes import matured_of
from creditrisk.pipelines.pipeline_health import freshness_of, last_runs_of, overdue_alarms, stale_alarms
from creditrisk.pipelines.production_counts import count_production
from creditrisk.pipelines.watched_model import Watched as WatchedModel
from creditrisk.pipelines.watched_model import watched_model
from creditrisk.ports import PRODUCTION, DecisionStore

REPORT = "alarms.json"
MOST_MOVED = 3
WEEKS_A_MONTH = 365.25 / 12.0 / 7.0


@dataclass(frozen=True)
class _Seen:
    """What there is to judge by. why_not: {decisions, outcomes: why there is nothing}."""

    counted: Counted | None
    matured: Matured | None
    why_not: Mapping[str, str]


def run(context: Context, store: DecisionStore | None, *, alias: str = PRODUCTION, by: By = By.MONTH) -> dict[str, Any]:
    """alarms.json: of every finished month (or week) of this model, counted anew.

    store: None where nothing was ever decided. The month that is not over is not judged: its rows would be looked at
    again and again, and each look costs a part of the false alarms.
    Raises what `watched_model` does, and as the store does.
    """
    model = watched_model(context, alias)
    context.progress("alarms", "counting decisions and outcomes", 0.1)
    seen = _seen(context, store, model, by)
    context.progress("alarms", "judging", 0.7)
    watched, not_watched = _watched(context, model, seen, by)
    owner = context.book.portfolio.monitoring.alarms.owner or context.book.portfolio.document.owner
    rung_ones = rung(watched, book=context.book.name, bundle_sha256=model.bundle.sha256, owner=owner)
    alarms = _folded([_in_words(context, model, one, watched, seen) for one in rung_ones], _groups(model, seen))
    runs, fresh = last_runs_of(context), freshness_of(context)
    told = [*overdue_alarms(context, runs, owner), *stale_alarms(context, fresh, owner)]
    rules = context.book.portfolio.monitoring.alarms
    return context.report(
        REPORT,
        {
            "bundle_sha256": model.bundle.sha256,
            "model_version": model.version,
            "alias": alias,
            "by": by.value,
            "decisions": _periods(seen.counted, seen.why_not.get("decisions")),
            "outcomes": _periods(seen.matured, seen.why_not.get("outcomes")),
            "alarms": [*(one for one in alarms if one["ended"] is None), *told],
            "ended": [one for one in alarms if one["ended"] is not None],
            "watched": [_as_json(one) for one in watched],
            "unwatched": [{"what": what, "why": why} for what, why in sorted(not_watched.items())],
            "false_alarms": {
                "most": rules.false_alarm_max, "life_months": rules.life_months, "looks": _looks(context, by),
            },
            "meta": {"stages": [one.as_json() for one in runs], "freshness": fresh},
        },
        inputs={"bundle": model.bundle.sha256},
    )  # fmt: skip


def need_quiet(report: Mapping[str, Any]) -> None:
    """Raises Refused when an alarm is open that is more than for information."""
    loud = [one for one in report["alarms"] if one["severity"] != "info"]
    if loud:
        raise Refused(
            f"{len(loud)} open: " + "; ".join(one["what"] for one in loud[:3]),
            where=f"{report['book']}, model {report['bundle_sha256'][:16]}",
            hint=f"{REPORT} says since when, what it does to the portfolio and what to look at",
        )


def _seen(context: Context, store: DecisionStore | None, model: WatchedModel, by: By) -> _Seen:
    if store is None:
        why = "nothing was ever recorded: `creditrisk serve` and `creditrisk score --record` keep decisions"
        return _Seen(None, None, {"decisions": why, "outcomes": why})
    until = begin_of_period(context.clock.now(), by)
    counted = count_production(store, context.book.name, model, by=by, until=until).counted
    why_not = {} if counted.periods else {"decisions": f"this model recorded no decision before {until:%Y-%m-%d}"}
    try:
        matured = matured_of(context, store, model.bundle.sha256, by="maturity")
    except MissingInput as error:
        return _Seen(counted, None, {**why_not, "outcomes": error.what})
    if not np.any(matured.rows):
        first = next(iter(matured.why_not.values()), "no outcome of this model's loans is known")
        why_not["outcomes"] = first
    return _Seen(counted, matured, why_not)


def begin_of_period(now: datetime, by: By) -> datetime:
    """When the period began that is not over, in UTC."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(day=1) if by is By.MONTH else day - timedelta(days=day.weekday())


def _watched(context: Context, model: WatchedModel, seen: _Seen, by: By) -> tuple[list[Watched], dict[str, str]]:
    rules, reference = context.book.portfolio.monitoring.alarms, model.bundle.reference
    found: list[Watched] = []
    not_watched: dict[str, str] = {}
    if seen.counted is not None and seen.counted.periods:
        groups = _groups(model, seen)
        found += watched_in(seen.counted, reference, rules, groups=groups, looks=_looks(context, by))
        not_watched |= unwatched(reference, seen.counted, rules)
    if seen.matured is not None and seen.matured.periods:
        learnt = reference.get("calibration")
        if learnt is None:
            not_watched["the calibration's own error"] = (
                "the bundle does not say how many bads its PDs were calibrated on: they are taken as exact; train again"
            )
        doubt = doubt_of(learnt["bads"], learnt["rows"]) if learnt else 0.0
        found += watched_outcomes(seen.matured, rules, doubt=doubt, looks=rules.life_months)
    return found, not_watched


def _groups(model: WatchedModel, seen: _Seen) -> dict[str, list[str]]:
    return {} if seen.counted is None else groups_of(seen.counted.counts, model.bundle.lineage)


def _folded(alarms: Sequence[dict[str, Any]], groups: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """A feature that moved because its source went missing is a part of that alarm, and for information only."""
    feeds = [one for one in alarms if one["kind"] == "missing" and one["ended"] is None]
    cause = {column: feed for feed in feeds for column in groups.get(feed["of"], ())}

    def folded(one: dict[str, Any]) -> dict[str, Any]:
        feed = cause.get(one["of"]) if one["kind"] == "features" else None
        if feed is None or one["ended"] is not None or one["since"] < feed["since"]:
            return one
        return {**one, "severity": "info", "part_of": feed["id"]}

    return [folded(one) for one in alarms]


def groups_of(columns: Iterable[str], lineage: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, list[str]]:
    """{source: the counted columns that come from it}. A feature that reads child tables belongs to those alone."""
    groups: dict[str, list[str]] = {}
    for name in columns:
        if name.startswith(RAW):
            groups.setdefault(name.removeprefix(RAW).rpartition(".")[0], []).append(name)
        elif name.startswith(FEATURE):
            tables = set(lineage.get(name.removeprefix(FEATURE), {}))
            child = tables - {"application"}
            groups.setdefault(" and ".join(sorted(child or tables)) or "features", []).append(name)
    return groups


def _looks(context: Context, by: By) -> int:
    months = context.book.portfolio.monitoring.alarms.life_months
    return months if by is By.MONTH else round(months * WEEKS_A_MONTH)


def _in_words(
    context: Context, model: WatchedModel, one: Rung, watched: Sequence[Watched], seen: _Seen
) -> dict[str, Any]:
    """An alarm as the report has it."""
    of = next(each for each in watched if (each.kind, each.what) == (one.kind, one.what))
    first, last = _window(one, of, seen.counted)
    change = PortfolioChange(unknown="no decisions were counted")
    moved: list[str] = []
    if seen.counted is not None and first is not None and last is not None:
        cost = context.book.portfolio.decision.cost_of_bad
        change = portfolio_change(
            model.bundle.reference, seen.counted, first, last,
            loss_given_bad=None if cost is None else cost.value,
            observed_over_promised=one.figures.get("ratio", 1.0),
        )  # fmt: skip
        moved = _moved_with(one, watched, seen.counted.periods, first, last)
    return {
        "id": one.id,
        "kind": one.kind,
        "of": one.what,
        "what": what_moved(one),
        "severity": one.severity,
        "owner": one.owner,
        "since": one.since,
        "certain": one.certain,
        "ended": one.ended,
        "part_of": None,
        "now": finite_or_none(of.effect[-1]) if one.is_open else None,
        "limit": of.rule.limit.value,
        "chance": one.chance,
        "level": one.level,
        "figures": dict(one.figures),
        "change": change.as_json(),
        "portfolio": list(in_the_portfolio(change)),
        "look_at": list(look_at(one, context.book.name, moved=moved, lineage=model.bundle.lineage)),
    }


def _window(one: Rung, of: Watched, counted: Counted | None) -> tuple[str | None, str | None]:
    """The months of decisions that it changes: while it lasts; of outcomes, which come later, the last ones."""
    if counted is None or not counted.periods:
        return None, None
    if of.what == "calibration":
        decided = [name for name, rows in zip(counted.periods, counted.rows, strict=True) if rows][-of.rule.of :]
        return (decided[0], decided[-1]) if decided else (None, None)
    return one.since, one.ended or counted.periods[-1]


def _moved_with(one: Rung, watched: Sequence[Watched], periods: Sequence[str], first: str, last: str) -> list[str]:
    """Main features with a shift of half their limit or more in those months, those that weigh and moved most first."""
    begin, end = periods.index(first), periods.index(last)
    moved = []
    for each in watched:
        if each.kind != "features" or each.what == one.what or np.all(np.isnan(each.effect[begin : end + 1])):
            continue  # the last: too few rows in those months, or none whose features are still kept
        size = each.figures(begin, end)["size"]
        if size >= each.rule.limit.value / 2.0:
            moved.append((size * each.level, f"{each.what.removeprefix(FEATURE)} (PSI {size:.2g})"))
    return [words for _, words in sorted(moved, reverse=True)[:MOST_MOVED]]


def _as_json(one: Watched) -> dict[str, Any]:
    recent = one.effect[-one.rule.of :]
    return {
        "kind": one.kind,
        "of": one.what,
        "limit": one.rule.limit.value,
        "now": finite_or_none(one.effect[-1]) if len(one.effect) else None,
        "over": int(np.count_nonzero(recent >= one.rule.limit.value)),
        "periods": one.rule.periods,
        "of_periods": one.rule.of,
        "level": one.level,
        "last_period": one.periods[-1] if one.periods else None,
    }


def _periods(of: Counted | Matured | None, why_not: str | None) -> dict[str, Any]:
    periods = () if of is None else of.periods
    return {
        "first": periods[0] if periods else None,
        "last": periods[-1] if periods else None,
        "periods": len(periods),
        "rows": 0 if of is None else int(np.sum(of.rows)),
        "why_not": why_not,
    }


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("monitor alarms"))
