"""A model is learnt anew for a reason, to a candidate and no further, and never twice at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.config import Monitoring
from creditrisk.config.policy import Barred
from creditrisk.errors import BadUsage, OutsideFailed
from creditrisk.files import read_json, write_json
from creditrisk.governance import Act, acts_about, ledger
from creditrisk.pages.alarms import retrain_table
from creditrisk.pipelines import retrain_trigger, validate_model
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.retrain_trigger import run, trained_on, triggers_of
from creditrisk.ports import CANDIDATE, PRODUCTION
from tests.support.schemas import faults
from tests.support.tiny_run import copied

TODAY = datetime(2026, 5, 1, tzinfo=UTC)
SCORE = {"kind": "score", "what": "the scores moved", "severity": "critical", "since": "2026-03"}


def auc_apart(difference: float, low: float, high: float) -> dict[str, Any]:
    """Of outcomes_report.json what is said of the AUC."""
    apart = {"difference": difference, "low": low, "high": high}
    row = {"figure": "roc_auc", "difference": apart, "why_not": ""}
    return {"performance": {"why_not": ""}, "against_development": [row]}


NO_AUC = {"performance": {"why_not": "no window has passed"}, "against_development": []}


@pytest.fixture
def live(deployed: Context, tmp_path: Path) -> Context:
    return at(copied(deployed, tmp_path / "workspace"), TODAY)


def at(context: Context, when: datetime, **rules: Any) -> Context:
    """The same at another time, and with another book's rules of monitoring."""
    monitoring = Monitoring.model_validate({"auto_retrain": "propose", "data_age_max_days": None, **rules})
    portfolio = context.book.portfolio.model_copy(update={"monitoring": monitoring})
    book = replace(context.book, portfolio=portfolio)
    return replace(context, book=book, clock=SteppingClock(when), written={}, found={})


def bundle(context: Context) -> str:
    return next(one.bundle_sha256 for one in context.registry.versions("tiny") if PRODUCTION in one.aliases)


def alarms(
    context: Context,
    *open_ones: dict[str, Any],
    written: datetime = TODAY,
    of: str | None = None,
    why_not: str | None = None,
) -> None:
    rests_on = {"decisions": {"why_not": why_not}, "outcomes": {"why_not": why_not}}
    body = {"bundle_sha256": of or bundle(context), "alarms": list(open_ones), **rests_on}
    write_json(context.folder.report("alarms.json"), {**body, "meta": {"created_at": written.isoformat()}})


def asked(context: Context, **more: Any) -> dict[str, Any]:
    report = run(context, **more)
    assert faults(context.folder.report("retrain_trigger.json")) == []
    return report


def cause(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in report["considered"] if one["cause"] == name)


def acts(context: Context, act: Act) -> list[dict[str, Any]]:
    return acts_about(context.workspace.audit, act, book="tiny")


def test_without_a_reason_nothing_happens_and_what_nobody_looked_at_is_told(live: Context) -> None:
    report = asked(live)
    assert (report["action"], report["reasons"], report["triggers"]) == ("none", [], [])
    assert {one["cause"]: one["holds"] for one in report["considered"]} == {
        "drift": None, "calibration": None, "performance": None, "age": False, "policy": False,
    }  # fmt: skip
    assert acts(live, Act.RETRAIN_TRIGGERED) == []


def test_a_reason_opens_one_trigger_and_no_second_while_it_is_open(live: Context) -> None:
    alarms(live, SCORE)
    first = asked(live)
    assert (first["action"], first["mode"]) == ("propose", "propose")
    assert cause(first, "drift")["why"] == "the scores moved"
    for days in (1, 30):
        later = asked(at(live, TODAY + timedelta(days=days)))
        assert later["action"] == "wait"
        assert "is open since 2026-05-01" in later["waiting_for"]
    (act,) = acts(live, Act.RETRAIN_TRIGGERED)
    assert act["hashes"]["because_drift"] == "the scores moved"
    assert act["hashes"]["trigger"] == first["triggers"][0]["id"]


def test_off_tells_the_reasons_and_opens_nothing(live: Context) -> None:
    alarms(live, SCORE)
    report = asked(at(live, TODAY, auto_retrain="off"))
    assert (report["action"], len(report["reasons"]), report["triggers"]) == ("none", 1, [])


def test_a_trigger_that_was_closed_by_hand_leaves_a_cool_down(live: Context) -> None:
    alarms(live, SCORE)
    asked(live)
    closed = asked(at(live, TODAY + timedelta(days=2)), close="new data come in June")
    assert closed["triggers"][-1]["ended"] is not None
    alarms(live, SCORE, written=TODAY + timedelta(days=30))
    assert asked(at(live, TODAY + timedelta(days=30)))["action"] == "wait"
    alarms(live, SCORE, written=TODAY + timedelta(days=100))
    again = asked(at(live, TODAY + timedelta(days=100)))
    assert (again["action"], len(again["triggers"])) == ("propose", 2)
    (act,) = acts(live, Act.RETRAIN_CLOSED)
    assert act["hashes"]["because"] == "new data come in June"


@pytest.mark.parametrize("why", ["", "   ", "nothing is open"])
def test_only_what_is_open_is_closed_and_only_with_a_reason(live: Context, why: str) -> None:
    with pytest.raises(BadUsage):
        run(live, close=why)


def test_run_goes_to_a_candidate_and_stops_before_production(live: Context) -> None:
    alarms(live, SCORE)
    before = bundle(live)
    report = asked(at(live, TODAY, auto_retrain="run"))
    assert report["action"] == "run"
    assert report["candidate"]["same_as_production"] is True  # the same rows make the same model
    assert bundle(live) == before
    assert any(CANDIDATE in one.aliases for one in live.registry.versions("tiny"))
    assert [entry for entry in ledger.entries(live.folder.ledger)][-1].effective_at < TODAY


def test_a_scheduler_may_take_the_stages_upon_itself(live: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    alarms(live, SCORE)
    monkeypatch.setattr(retrain_trigger, "run_stages", None)  # whoever calls it fails
    report = asked(at(live, TODAY, auto_retrain="run"), open_only=True)
    assert (report["action"], report["candidate"], report["failed"]) == ("run", None, None)
    assert "left to a scheduler" in _words(report)
    (open_one,) = triggers_of(live)
    assert open_one.is_open


def _words(report: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=120)
    console.print(retrain_table(report))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_run_that_fails_is_told_and_leaves_its_trigger_open(live: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OutsideFailed("the bucket is away", hint="try later")

    alarms(live, SCORE)
    monkeypatch.setattr(retrain_trigger, "run_stages", fails)
    with pytest.raises(OutsideFailed):
        run(at(live, TODAY, auto_retrain="run"))
    assert faults(live.folder.report("retrain_trigger.json")) == []
    (open_one,) = triggers_of(live)
    assert open_one.is_open
    assert asked(at(live, TODAY + timedelta(days=1), auto_retrain="run"))["action"] == "wait"


def test_another_model_in_production_ends_the_trigger(live: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    alarms(live, SCORE)
    asked(live)
    moved = ledger.entries(live.folder.ledger)[-1]
    aliases = {PRODUCTION: 2}
    move = replace(
        moved.move, id="other", bundle="cd" * 32, version=2, before=moved.move.aliases, aliases=aliases,
        effective_at=(TODAY + timedelta(days=5)).isoformat(),
    )  # fmt: skip
    ledger.record(live.folder.ledger, move, clock=SteppingClock(TODAY + timedelta(days=5)))
    (trigger,) = triggers_of(live)
    assert trigger.ended == TODAY + timedelta(days=5)


@pytest.mark.parametrize(
    ("more", "why"),
    [({"written": TODAY - timedelta(days=60)}, "nobody looked"), ({"of": "cd" * 32}, "nobody looked")],
)
def test_alarms_that_are_old_or_of_another_model_are_no_reason(live: Context, more: dict[str, Any], why: str) -> None:
    alarms(live, SCORE, **more)
    report = asked(live)
    assert report["action"] == "none"
    assert why in cause(report, "drift")["why"]


@pytest.mark.parametrize(
    ("outcomes", "holds"),
    [
        (NO_AUC, None),
        (auc_apart(-0.08, -0.1, -0.06), True),
        (auc_apart(-0.02, -0.1, 0.06), False),
    ],
)
def test_performance_is_read_from_the_report_on_outcomes(
    live: Context, outcomes: dict[str, Any], holds: bool | None
) -> None:
    meta = {"created_at": TODAY.isoformat()}
    write_json(live.folder.report("outcomes_report.json"), {"bundle_sha256": bundle(live), **outcomes, "meta": meta})
    assert cause(asked(live), "performance")["holds"] is holds


def test_a_model_that_was_trained_long_ago_is_a_reason(live: Context) -> None:
    trained, _ = trained_on(live, bundle(live))
    assert trained is not None
    late = cause(asked(at(live, trained + timedelta(days=31), data_age_max_days=30)), "age")
    assert (late["holds"], late["since"]) == (True, (trained + timedelta(days=30)).date().isoformat())
    assert cause(asked(at(live, trained + timedelta(days=29), data_age_max_days=30)), "age")["holds"] is False
    assert trained_on(live, "cd" * 32)[0] is None


def test_the_newest_training_row_is_told_where_rows_have_dates(live: Context) -> None:
    split = read_json(live.folder.report("split.json"))
    split["parts"]["train"]["last_date"] = "2011-12-01"
    write_json(live.folder.report("split.json"), split)
    validate_model.run(live)  # freezes it with the model's evidence
    split["parts"]["train"]["last_date"] = "2012-06-01"  # of a later training
    write_json(live.folder.report("split.json"), split)
    assert trained_on(live, bundle(live))[1] == "trained on rows up to 2011-12-01 on"


def test_where_no_decisions_were_judged_drift_cannot_be_told(live: Context) -> None:
    alarms(live, why_not="nothing was ever recorded")
    assert cause(asked(live), "drift") == {
        "cause": "drift", "holds": None, "since": None, "why": "nothing was ever recorded",
    }  # fmt: skip


def test_a_column_that_may_no_longer_decide_is_a_reason_with_its_name(live: Context) -> None:
    policy = live.book.portfolio.policy
    barred = policy.model_copy(
        update={"prohibited": (*policy.prohibited, Barred(column="debt", ground="a new law of this test"))}
    )
    portfolio = live.book.portfolio.model_copy(update={"policy": barred})
    report = asked(replace(live, book=replace(live.book, portfolio=portfolio)))
    assert cause(report, "policy") == {
        "cause": "policy", "holds": True, "since": None, "why": "the policy forbids columns that the model reads: debt",
    }  # fmt: skip
    assert report["action"] == "propose"
