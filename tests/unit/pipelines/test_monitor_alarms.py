"""alarms.json: what moved, what it does, what is overdue; counted anew, and the same from run to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creditrisk.adapters.in_memory import InMemoryDecisionStore, SteppingClock
from creditrisk.config import Monitoring
from creditrisk.errors import MissingInput, Refused
from creditrisk.files import read_json, write_json
from creditrisk.kinds import sha256_of
from creditrisk.modelling import load_bundle
from creditrisk.monitoring.counts import By
from creditrisk.monitoring.matured import Matured
from creditrisk.pipelines import batch_predict, monitor_alarms
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.monitor_alarms import begin_of_period, groups_of, need_quiet
from creditrisk.ports import Passport
from creditrisk.stats import bin_places
from tests.support.schemas import faults
from tests.support.tiny_run import copied, write_tiny_raw

ROWS, A_MONTH = 300, 200
MONTHS = tuple(datetime(2026, month, 10, tzinfo=UTC) for month in range(1, 8))
TODAY = datetime(2026, 8, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def decisions(finished: Context, tmp_path_factory: pytest.TempPathFactory) -> list[Passport]:
    """Real decisions of the bundle."""
    folder = tmp_path_factory.mktemp("decisions")
    store = InMemoryDecisionStore()
    batch_predict.run(
        finished, write_tiny_raw(folder / "raw", ROWS, seed=11), folder / "decisions.parquet",
        reference="models:/tiny@candidate", with_reasons=False, store=store,
    )  # fmt: skip
    return [kept.passport for kept in store.kept("tiny")]


@pytest.fixture
def live(deployed: Context, tmp_path: Path) -> Context:
    return replace(copied(deployed, tmp_path / "workspace"), clock=SteppingClock(TODAY))


@pytest.fixture
def no_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> Matured:
        raise MissingInput("no outcomes were delivered")

    monkeypatch.setattr(monitor_alarms, "matured_of", none)


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[int]], None]:
    """Known outcomes of 1,000 loans a month at a promised 10 %."""

    def told(bads: Sequence[int]) -> None:
        rows = np.full(len(bads), 1000)
        periods = tuple(f"2026-{month:02}" for month in range(1, len(bads) + 1))
        found = Matured(periods, rows, np.array(bads), rows * 0.1, rows * 0.09)
        monkeypatch.setattr(monitor_alarms, "matured_of", lambda *_, **__: found)

    return told


def months(context: Context, decisions: Sequence[Passport], *, riskier_from: int = 99) -> InMemoryDecisionStore:
    """So many a month, with scores as the development rows had them; from that month on only of the riskier half."""
    draw = np.random.default_rng(5)
    frozen = load_bundle(context.folder.bundle(decisions[0].bundle_sha256)).reference["score"]
    ranked = sorted(decisions, key=lambda one: one.pd or 0.0)
    place = bin_places([float(one.score or 0) for one in ranked], frozen["edges"])
    share = np.array(frozen["counts"], dtype=float)[place] / np.bincount(place, minlength=len(frozen["counts"]))[place]
    store = InMemoryDecisionStore()
    for month, time in enumerate(MONTHS):
        weight = np.where(np.arange(len(ranked)) >= len(ranked) // 2, share, 0.0) if month >= riskier_from else share
        chosen = draw.choice(len(ranked), A_MONTH, p=weight / np.sum(weight))
        store.append(
            [
                replace(ranked[at], decision_id=f"{month}-{number}", time=time, idempotency=None)
                for number, at in enumerate(chosen)
            ]
        )
    return store


def watched(context: Context, store: InMemoryDecisionStore | None, **more: Any) -> dict[str, Any]:
    report = monitor_alarms.run(context, store, **more)
    assert faults(context.folder.report("alarms.json")) == []
    return report


def with_rules(context: Context, **rules: Any) -> Context:
    """The tiny book's contract has rules of its own for monitoring."""
    portfolio = context.book.portfolio.model_copy(update={"monitoring": Monitoring.model_validate(rules)})
    return replace(context, book=replace(context.book, portfolio=portfolio))


def shifts(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in report["alarms"] if one["kind"] not in ("overdue", "freshness")]


@pytest.mark.usefixtures("no_outcomes")
def test_riskier_applicants_ring_with_what_they_do_and_what_moved(live: Context, decisions: list[Passport]) -> None:
    report = watched(live, months(live, decisions, riskier_from=4))
    score = next(one for one in shifts(report) if one["kind"] == "score")
    assert (score["since"], score["certain"], score["severity"]) == ("2026-05", "2026-06", "critical")
    assert score["now"] > score["limit"]
    assert score["chance"] <= score["level"]
    assert score["change"]["approved_now"] < score["change"]["approved_before"]
    assert any("moved with it" in line for line in score["look_at"])
    assert score["portfolio"][0].startswith("approvals fall")
    assert report["decisions"] == {
        "first": "2026-01", "last": "2026-07", "periods": 7, "rows": 7 * A_MONTH, "why_not": None,
    }  # fmt: skip
    with pytest.raises(Refused, match="the scores moved"):
        need_quiet(report)


@pytest.mark.usefixtures("no_outcomes")
def test_a_dead_feed_is_one_alarm_with_its_features_as_parts(live: Context, decisions: list[Passport]) -> None:
    lineage = load_bundle(live.folder.bundle(decisions[0].bundle_sha256)).lineage
    fed = [name for name, tables in lineage.items() if "payments" in tables]
    store = InMemoryDecisionStore()
    for kept in months(live, decisions).kept("tiny"):
        one = kept.passport
        if one.time >= MONTHS[4]:
            features = {**one.payload["features"], **dict.fromkeys(fed)}
            one = replace(one, payload={**one.payload, "features": features})
        store.append([one])
    report = watched(live, store)
    (feed,) = [one for one in report["alarms"] if one["kind"] == "missing"]
    assert (feed["of"], feed["since"], feed["severity"]) == ("payments", "2026-05", "critical")
    parts = [one for one in report["alarms"] if one["part_of"] == feed["id"]]
    assert parts
    assert {(one["kind"], one["severity"]) for one in parts} == {("features", "info")}
    assert {one["of"].removeprefix("feature:") for one in parts} <= set(fed)


@pytest.mark.usefixtures("no_outcomes")
def test_a_run_that_is_repeated_tells_the_same_alarms(live: Context, decisions: list[Passport]) -> None:
    store = months(live, decisions, riskier_from=4)
    first, again = watched(live, store), watched(live, store)
    assert sha256_of(first) == sha256_of(again)
    later = watched(replace(live, clock=SteppingClock(TODAY + timedelta(days=60))), store)
    assert [one["id"] for one in shifts(later)] == [one["id"] for one in shifts(first)] != []


@pytest.mark.usefixtures("no_outcomes")
def test_a_month_that_is_not_over_is_not_judged(live: Context, decisions: list[Passport]) -> None:
    report = watched(replace(live, clock=SteppingClock(datetime(2026, 7, 31, tzinfo=UTC))), months(live, decisions))
    assert report["decisions"]["last"] == "2026-06"


@pytest.mark.usefixtures("no_outcomes")
def test_without_outcomes_nothing_is_said_of_calibration(live: Context, decisions: list[Passport]) -> None:
    report = watched(live, months(live, decisions))
    assert report["outcomes"]["why_not"] == "no outcomes were delivered"
    assert not [one for one in report["watched"] if one["kind"].startswith("calibration")]
    assert "score" not in {one["kind"] for one in report["alarms"]}


def test_where_nobody_delivered_outcomes_calibration_says_why(live: Context, decisions: list[Passport]) -> None:
    report = watched(live, months(live, decisions))
    assert report["outcomes"]["rows"] == 0
    assert report["outcomes"]["why_not"]
    assert not [one for one in report["alarms"] if one["kind"].startswith("calibration")]


def test_pds_that_are_too_low_ring_and_raise_the_expected_loss(
    live: Context, decisions: list[Passport], outcomes: Callable[[Sequence[int]], None]
) -> None:
    outcomes([100, 100, 100, 500, 500, 500])
    report = watched(live, months(live, decisions))
    alarm = next(one for one in report["alarms"] if one["kind"] == "calibration")
    assert "too low" in alarm["what"]
    assert alarm["change"]["bads_now"] > 1.2 * alarm["change"]["bads_before"]
    assert alarm["change"]["unknown"] == "the book states no `decision.cost_of_bad`"


def test_an_alarm_that_ended_is_told_apart(
    live: Context, decisions: list[Passport], outcomes: Callable[[Sequence[int]], None]
) -> None:
    outcomes([500, 500, 500, 100, 100, 100])
    report = watched(live, months(live, decisions))
    (ended,) = [one for one in report["ended"] if one["kind"] == "calibration"]
    assert (ended["since"], ended["ended"], ended["now"]) == ("2026-01", "2026-05", None)
    assert not [one for one in report["alarms"] if one["kind"] == "calibration"]


def test_where_nothing_was_ever_decided_health_is_told_all_the_same(live: Context) -> None:
    report = watched(live, None)
    assert "nothing was ever recorded" in report["decisions"]["why_not"]
    assert {one["of"] for one in report["alarms"] if one["kind"] == "overdue"} == {
        "monitor production", "monitor outcomes",
    }  # fmt: skip


def as_if_the_sources_changed(context: Context, when: datetime) -> None:
    path = context.folder.report("ingestion_summary.json")
    told = read_json(path)
    for source in told["meta"]["sources"].values():
        source["modified"] = when.isoformat()
    write_json(path, told)


def test_stale_tables_and_stages_that_should_have_run_are_alarms_that_keep_their_names(live: Context) -> None:
    as_if_the_sources_changed(live, datetime(2025, 12, 1, tzinfo=UTC))
    strict = with_rules(live, max_age_hours=48, overdue_days={"ingest": 30, "production": None, "outcomes": None})
    first = watched(strict, None)
    assert {(one["kind"], one["of"]) for one in first["alarms"]} == {
        ("overdue", "ingest"), ("freshness", "application"), ("freshness", "payments"),
    }  # fmt: skip
    later = watched(replace(strict, clock=SteppingClock(TODAY + timedelta(days=9))), None)
    assert [one["id"] for one in later["alarms"]] == [one["id"] for one in first["alarms"]]
    assert first["meta"]["freshness"]["verdict"] == "stale"


@pytest.mark.usefixtures("no_outcomes")
def test_weeks_cost_each_alarm_more_of_its_looks(live: Context, decisions: list[Passport]) -> None:
    by_month, by_week = watched(live, months(live, decisions)), watched(live, months(live, decisions), by=By.WEEK)
    assert (by_month["false_alarms"]["looks"], by_week["false_alarms"]["looks"]) == (60, 261)
    assert by_week["watched"][0]["level"] < by_month["watched"][0]["level"]


def test_before_the_first_promotion_there_is_nothing_to_watch(own: Context) -> None:
    with pytest.raises(Refused):
        monitor_alarms.run(own, None)


@pytest.mark.parametrize(
    ("by", "begin"), [(By.MONTH, datetime(2026, 7, 1, tzinfo=UTC)), (By.WEEK, datetime(2026, 7, 27, tzinfo=UTC))]
)
def test_a_period_begins_at_midnight_in_utc(by: By, begin: datetime) -> None:
    assert begin_of_period(datetime(2026, 7, 31, 23, 59, tzinfo=UTC), by) == begin


def test_a_feature_belongs_to_the_child_tables_it_reads() -> None:
    lineage = {"a": {"application": ["X"]}, "b": {"application": ["X"], "bureau": ["Y"]}}
    assert groups_of(["feature:a", "feature:b", "feature:c", "raw:application.X", "score"], lineage) == {
        "application": ["feature:a", "raw:application.X"], "bureau": ["feature:b"], "features": ["feature:c"],
    }  # fmt: skip
