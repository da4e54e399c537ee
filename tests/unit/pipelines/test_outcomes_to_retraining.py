"""The loop back: what was delivered of loans becomes figures, then an alarm, then a reason to learn anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creditrisk.adapters.in_memory import InMemoryDecisionStore, SteppingClock
from creditrisk.config import Monitoring
from creditrisk.pipelines import (
    add_outcomes,
    batch_predict,
    monitor_alarms,
    monitor_outcomes,
    monitoring_page,
    retrain_trigger,
)
from creditrisk.pipelines.context import Context
from creditrisk.ports import Passport
from tests.support.outcomes import write_outcomes
from tests.support.schemas import faults
from tests.support.tiny_run import copied, write_tiny_raw

MONTHS = [datetime(2024 + month // 12, month % 12 + 1, 10, tzinfo=UTC) for month in range(18)]
HEARD_UNTIL = date(2026, 7, 31)
ROWS, A_MONTH = 300, 150


@dataclass(frozen=True)
class Lived:
    """A deployed model, its decisions of eighteen months and the passports among them that became loans."""

    context: Context
    store: InMemoryDecisionStore
    loans: list[Passport]


@pytest.fixture
def lived(deployed: Context, tmp_path: Path) -> Lived:
    own = replace(copied(deployed, tmp_path / "workspace"), clock=SteppingClock(datetime(2026, 8, 3, tzinfo=UTC)))
    rules = Monitoring.model_validate({"auto_retrain": "propose", "data_age_max_days": None})
    portfolio = own.book.portfolio.model_copy(update={"monitoring": rules})
    context = replace(own, book=replace(own.book, portfolio=portfolio))
    batch = InMemoryDecisionStore()
    batch_predict.run(
        context, write_tiny_raw(tmp_path / "raw", ROWS, seed=11), tmp_path / "decisions.parquet",
        reference="models:/tiny@production", with_reasons=False, store=batch,
    )  # fmt: skip
    seen = [kept.passport for kept in batch.kept("tiny")]
    draw, store = np.random.default_rng(5), InMemoryDecisionStore()
    made = [
        replace(
            seen[at], decision_id=f"00000000-0000-7000-8000-{month:06}{number:06}", entity_id=f"{month}-{number}",
            time=time, idempotency=None,
        )
        for month, time in enumerate(MONTHS)
        for number, at in enumerate(draw.integers(0, len(seen), A_MONTH))
    ]  # fmt: skip
    store.append(made)
    return Lived(context, store, [one for one in made if one.decision == "approve"])


@pytest.fixture
def delivered(lived: Lived, tmp_path: Path) -> Callable[[float], None]:
    """delivered(2.0): each loan turns bad within its year with twice its PD; all that happened until July is told."""

    def tell(times: float) -> None:
        draw = np.random.default_rng(9)
        rows = []
        for one in lived.loans:
            assert one.pd is not None
            bad = draw.random() < min(one.pd * times, 0.98)
            day = np.datetime64(one.time.date()) + np.timedelta64(200 if bad else 364, "D")
            if day <= np.datetime64(HEARD_UNTIL):
                rows.append((one.decision_id, str(day), "bad" if bad else "paid"))
        report = add_outcomes.run(
            lived.context, lived.store, write_outcomes(tmp_path / "sent.csv", rows), complete_until=HEARD_UNTIL
        )
        add_outcomes.need_taken(report, skip_bad=False)

    return tell


def looked(lived: Lived) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """outcomes_report.json, alarms.json and retrain_trigger.json, made in the order of `creditrisk monitor all`."""
    outcomes = monitor_outcomes.run(lived.context, lived.store)
    alarms = monitor_alarms.run(lived.context, lived.store)
    trigger = retrain_trigger.run(lived.context)
    for name in ("outcomes_report", "alarms", "retrain_trigger"):
        assert faults(lived.context.folder.report(f"{name}.json")) == []
    return outcomes, alarms, trigger


def calibration(trigger: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in trigger["considered"] if one["cause"] == "calibration")
    return found


def test_loans_that_fail_twice_as_often_as_promised_are_a_reason_to_learn_anew(
    lived: Lived, delivered: Callable[[float], None]
) -> None:
    delivered(2.2)
    outcomes, alarms, trigger = looked(lived)
    told = outcomes["performance"]
    assert told["default_rate"]["value"] > 1.7 * told["mean_pd"]
    assert outcomes["counts"]["judged"] == len(lived.loans)
    (rung,) = [one for one in alarms["alarms"] if one["kind"] == "calibration"]
    assert rung["figures"]["ratio"] == pytest.approx(told["default_rate"]["value"] / told["mean_pd"], rel=0.35)
    assert rung["change"]["bads_now"] > rung["change"]["bads_before"]
    assert (trigger["action"], calibration(trigger)["holds"]) == ("propose", True)
    assert len(trigger["triggers"]) == 1
    assert looked(lived)[2]["triggers"] == trigger["triggers"]  # no second one while it is open
    page = monitoring_page.write_page(lived.context).read_text(encoding="utf-8")
    assert rung["what"] in page


def test_loans_that_fail_as_often_as_promised_are_none(lived: Lived, delivered: Callable[[float], None]) -> None:
    delivered(1.0)
    outcomes, alarms, trigger = looked(lived)
    assert outcomes["counts"]["judged"] == len(lived.loans)
    assert [one for one in alarms["alarms"] if one["kind"] == "calibration"] == []
    assert calibration(trigger)["holds"] is False


def test_before_anything_was_delivered_calibration_is_unknown_and_not_right(lived: Lived) -> None:
    alarms = monitor_alarms.run(lived.context, lived.store)
    trigger = retrain_trigger.run(lived.context)
    assert alarms["outcomes"]["why_not"]
    assert calibration(trigger)["holds"] is None
