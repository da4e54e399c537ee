"""Should the model in production be learnt anew; and where the book says `run`, the stages up to a candidate."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from creditrisk.config import MAIN
from creditrisk.errors import BadUsage, CreditRiskError, Refused
from creditrisk.files import read_json
from creditrisk.governance import Act, acts_about, ledger
from creditrisk.kinds import sha256_of
from creditrisk.monitoring.retraining import (
    CALIBRATION_KINDS,
    DRIFT_KINDS,
    Considered,
    Decided,
    Trigger,
    decide,
    from_age,
    from_alarms,
    from_performance,
    from_policy,
)
from creditrisk.pipelines import monitor_alarms
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.pipelines.origins import time_of
from creditrisk.pipelines.stages import run_stages
from creditrisk.pipelines.watched_model import Watched, watched_model
from creditrisk.ports import CANDIDATE

REPORT = "retrain_trigger.json"
LOOKED_WITHIN = timedelta(days=45)
"""An older alarms.json or outcomes_report.json says nothing of today."""
COMPARED = ("policy", "target", "decision")
"""Parts of the book that a model is made by and that people change by decision."""


def run(context: Context, *, close: str | None = None, open_only: bool = False) -> dict[str, Any]:
    """retrain_trigger.json, and, where there are reasons and the book says so, a proposal or a new candidate.

    close: why the open trigger is closed by hand; nothing else is done then.
    open_only: the stages are left to a scheduler, whatever the book says; the trigger waits for them.
    A trigger is written into the audit chain before anything is started, so a run that is killed leaves it open and
    there is no second one. What the stages raise is told in the report and raised again.
    Raises Refused before the first promotion, BadUsage to close what is not open.
    """
    model = watched_model(context)
    now = context.clock.now()
    triggers = triggers_of(context)
    if close is not None:
        closed = _close(context, triggers, close)
        return _written(context, model, None, [*triggers[:-1], closed], None, "")
    told = decide(
        considered(context, model), triggers,
        mode=context.book.portfolio.monitoring.auto_retrain,
        cool_down_days=context.book.portfolio.monitoring.cool_down_days,
        now=now,
    )  # fmt: skip
    if told.action not in ("propose", "run"):
        return _written(context, model, told, triggers, None, "")
    opened = Trigger(_id(model.bundle.sha256, now), now, model.bundle.sha256)
    reasons = {f"because_{one.cause}": one.why for one in told.reasons}
    context.act(
        Act.RETRAIN_TRIGGERED,
        {
            "bundle": model.bundle.sha256,
            "trigger": opened.id,
            "opened": now.isoformat(),
            "action": told.action,
            **reasons,
        },
    )
    triggers = [*triggers, opened]
    report = _written(context, model, told, triggers, None, "")
    return report if open_only or told.action == "propose" else _learnt_anew(context, model, told, triggers)


def considered(context: Context, model: Watched) -> list[Considered]:
    """Each cause, with its figures or why it cannot be told."""
    rules, now = context.book.portfolio.monitoring, context.clock.now()
    alarms = _recent(context, monitor_alarms.REPORT, model.bundle.sha256)
    outcomes = _recent(context, "outcomes_report.json", model.bundle.sha256)
    trained, what = trained_on(context, model.bundle.sha256)
    return [
        _by_alarms(alarms, "drift", DRIFT_KINDS, "decisions"),
        _by_alarms(alarms, "calibration", CALIBRATION_KINDS, "outcomes"),
        _performance(outcomes, rules.auc_fall_max.value),
        from_age(trained, days_max=rules.data_age_max_days, what=what, now=now),
        from_policy(*_policy(context, model)),
    ]


def triggers_of(context: Context) -> list[Trigger]:
    """Of this book, oldest first. One ends when another model took over, or when somebody closed it."""
    acts = acts_about(context.workspace.audit, Act.RETRAIN_TRIGGERED, Act.RETRAIN_CLOSED, book=context.book.name)
    closed = {act["hashes"]["trigger"]: time_of(act["time"]) for act in acts if act["act"] == Act.RETRAIN_CLOSED}
    return [
        Trigger(
            act["hashes"]["trigger"], opened, act["hashes"]["bundle"],
            closed.get(act["hashes"]["trigger"]) or _taken_over(context, act["hashes"]["bundle"], opened),
        )
        for act in acts
        if act["act"] == Act.RETRAIN_TRIGGERED and (opened := time_of(act["hashes"]["opened"])) is not None
    ]  # fmt: skip


def trained_on(context: Context, bundle_sha256: str) -> tuple[datetime | None, str]:
    """When the model was trained, by the audit chain, and that in words with the day of its newest training row.

    Age counts from the training: where a loan needs three years to become known, the newest row is always so old.
    """
    acts = acts_about(context.workspace.audit, Act.TRAINED, book=context.book.name, bundle=bundle_sha256)
    newest = _newest_row(context, bundle_sha256)
    rows = f" on rows up to {newest}" if newest else ""
    return (time_of(acts[0]["time"]) if acts else None), f"trained{rows} on"


def _newest_row(context: Context, bundle_sha256: str) -> str | None:
    """By the split that is frozen with its evidence, else that of the latest run where it is of this model."""
    path, metrics = context.folder.report("split.json"), context.folder.report("metrics.json")
    try:
        path = current_pack(context, bundle_sha256).folder / "split.json"
    except CreditRiskError:
        if not metrics.is_file() or read_json(metrics).get("bundle_sha256") != bundle_sha256:
            return None
    if not path.is_file():
        return None
    parts = read_json(path)["parts"]
    return max((day for part in ("train", "calibration") if (day := parts[part]["last_date"])), default=None)


def _recent(context: Context, name: str, bundle_sha256: str) -> dict[str, Any] | str:
    """The report if it is of this model and not too old; else why nothing can be told by it."""
    path = context.folder.report(name)
    if not path.is_file():
        return f"there is no {name}"
    report = read_json(path)
    written = time_of(report["meta"].get("created_at"))
    if report.get("bundle_sha256") != bundle_sha256:
        return f"{name} is of another model"
    if written is None or context.clock.now() - written > LOOKED_WITHIN:
        return f"{name} is older than {LOOKED_WITHIN.days} days"
    return report


def _by_alarms(
    report: Mapping[str, Any] | str, cause: Literal["drift", "calibration"], kinds: Sequence[str], rests_on: str
) -> Considered:
    """rests_on: the part of alarms.json without which no such alarm could have rung."""
    if isinstance(report, str):
        return from_alarms(None, cause, kinds)
    found = from_alarms(report["alarms"], cause, kinds)
    why_not = report[rests_on]["why_not"]
    return Considered(cause, None, why_not) if found.holds is False and why_not else found


def _performance(report: Mapping[str, Any] | str, fall_max: float) -> Considered:
    if isinstance(report, str):
        return Considered("performance", None, f"{report}: creditrisk monitor outcomes comes first")
    row = next((one for one in report["against_development"] if one["figure"] == "roc_auc"), None)
    if row is None or row["difference"] is None:
        why = report["performance"]["why_not"] or (row["why_not"] if row is not None else "no AUC is told")
        return from_performance(None, fall_max=fall_max, unknown=why)
    return from_performance(row["difference"], fall_max=fall_max, unknown="")


def _policy(context: Context, model: Watched) -> tuple[list[str], list[str]]:
    """Parts of the book that differ from those the model was made by; main columns it reads and no longer may."""
    today, then = context.book.portfolio, model.book.portfolio
    changed = [part for part in COMPARED if getattr(today, part) != getattr(then, part)]
    barred = set(today.policy.kept_apart) - set(then.policy.kept_apart)
    read = {column for tables in model.bundle.lineage.values() for column in tables.get(MAIN, ())}
    return changed, sorted(barred & read)


def _taken_over(context: Context, bundle_sha256: str, opened: datetime) -> datetime | None:
    """When another model came to production after that moment; None where none did."""
    moves = sorted(ledger.entries(context.folder.ledger), key=lambda entry: (entry.effective_at, entry.seq))
    for entry in moves:
        if entry.effective_at <= opened or not entry.moves("production"):
            continue
        then = ledger.standing(moves, at=entry.effective_at).production
        if then is not None and then.move.bundle != bundle_sha256:
            return entry.effective_at
    return None


def _close(context: Context, triggers: Sequence[Trigger], why: str) -> Trigger:
    if not why.strip():
        raise BadUsage("nobody says why", where="--close", hint="give a sentence: --close 'new data come in May'")
    if not triggers or not triggers[-1].is_open:
        raise BadUsage("no trigger is open", where=context.book.name, hint=f"{REPORT} tells the earlier ones")
    last, now = triggers[-1], context.clock.now()
    context.act(Act.RETRAIN_CLOSED, {"bundle": last.bundle_sha256, "trigger": last.id, "because": why.strip()})
    return Trigger(last.id, last.opened, last.bundle_sha256, now)


def _learnt_anew(context: Context, model: Watched, told: Decided, triggers: Sequence[Trigger]) -> dict[str, Any]:
    try:
        run_stages(context, last="register")
    except CreditRiskError as error:
        _written(context, model, told, triggers, None, f"{error.what}; {error.hint}" if error.hint else error.what)
        raise
    versions = context.registry.versions(context.book.name)
    candidate = next((one for one in versions if CANDIDATE in one.aliases), None)
    if candidate is None:
        raise Refused("the stages ran and registered no candidate", where=context.book.name)
    return _written(
        context, model, told, triggers,
        {
            "version": candidate.version,
            "bundle_sha256": candidate.bundle_sha256,
            "same_as_production": candidate.bundle_sha256 == model.bundle.sha256,
        },
        "",
    )  # fmt: skip


def _written(
    context: Context,
    model: Watched,
    told: Decided | None,
    triggers: Sequence[Trigger],
    candidate: Mapping[str, Any] | None,
    failed: str,
) -> dict[str, Any]:
    """told: None where a trigger was only closed."""
    nothing = Decided("none", (), (), None, None)
    return context.report(
        REPORT,
        {
            "bundle_sha256": model.bundle.sha256,
            "model_version": model.version,
            "mode": context.book.portfolio.monitoring.auto_retrain,
            **(told or nothing).as_json(),
            "candidate": candidate,
            "failed": failed or None,
            "triggers": [
                {
                    "id": one.id,
                    "opened": one.opened.isoformat(),
                    "ended": None if one.ended is None else one.ended.isoformat(),
                    "bundle_sha256": one.bundle_sha256,
                }
                for one in triggers
            ],
        },
        inputs={"bundle": model.bundle.sha256},
    )


def _id(bundle_sha256: str, opened: datetime) -> str:
    return sha256_of({"bundle": bundle_sha256, "opened": opened.isoformat()})[:16]


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("retrain"))
