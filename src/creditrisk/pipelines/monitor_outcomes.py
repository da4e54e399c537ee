"""How the model did on loans whose outcome is known, vintage by vintage, and from when the rest can be told."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Mapping
from typing import Any, Literal

from creditrisk.errors import BadUsage, MissingInput, Refused, did_you_mean
from creditrisk.files import read_json
from creditrisk.kinds import Finding, Severity, sha256_of
from creditrisk.monitoring.deliveries import TABLE
from creditrisk.monitoring.matured import Matured, known_of, matured
from creditrisk.monitoring.outcomes import Rules, report
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.pipelines.outcome_loans import BookLoans, loans_of
from creditrisk.pipelines.outcome_store import OutcomeStore
from creditrisk.ports import PRODUCTION, DecisionStore

REPORT = "outcomes_report.json"


def run(
    context: Context,
    store: DecisionStore,
    *,
    as_of: dt.date | None = None,
    since: dt.date | None = None,
    model: str | None = None,
) -> dict[str, Any]:
    """outcomes_report.json.

    as_of: what was known on that day; else today.  since: only decisions from that day on.  model: version number or
    the beginning of a bundle's hash; else the model in production, else the one that decided last.
    Raises MissingInput where nothing was decided, BadUsage for a model that decided nothing or a day to come.
    """
    today = context.clock.now().astimezone(dt.UTC).date()
    if as_of is not None and as_of > today:
        raise BadUsage(f"{as_of} has not come", where="--as-of", hint="nothing is known of that day")
    OutcomeStore(context.folder).tell_audit(context.workspace.audit, context.book.name, clock=context.clock)
    context.progress("monitor outcomes", "reading decisions and outcomes", 0.1)
    book = loans_of(context, store, as_of=as_of, since=since)
    bundle, chosen_by = _chosen(context, book, model)
    development, source = _development(context, bundle)
    context.progress("monitor outcomes", "figures and intervals", 0.4)
    said = context.book.portfolio.monitoring.outcomes
    grades = list(context.book.portfolio.decision.grades)
    loans = book.of(bundle)
    grades += sorted(set(loans.grade.tolist()) - set(grades))  # of a model that had other grades
    rules = Rules(book.seen, said.unheard_max.value, grades, list(said.open), said.granted == "all")
    body = report(loans, rules, development)
    until = book.seen.complete_until
    return context.report(
        REPORT,
        {
            "bundle_sha256": bundle,
            "model_version": book.models[bundle]["version"],
            "model_chosen": chosen_by,
            "models": [{"bundle_sha256": name, **told} for name, told in book.models.items()],
            "as_of": book.seen.as_of.isoformat(),
            "since": None if since is None else since.isoformat(),
            "complete_until": None if until is None else until.isoformat(),
            "rules": {
                "window_months": said.window_months,
                "term_feature": said.term_feature,
                "months_after_term": said.months_after_term,
                "known_after_months": said.known_after_months,
                "unheard_max": said.unheard_max.value,
                "granted": said.granted,
            },
            "deliveries": len(book.deliveries),
            "merged_decisions": book.merged,
            "development": source,
            **body,
            "findings": [finding.as_json() for finding in _findings(book)],
        },
        inputs={"bundle": bundle, "deliveries": sha256_of([each.line for each in book.deliveries])},
    )


def matured_of(
    context: Context,
    store: DecisionStore,
    bundle_sha256: str,
    *,
    by: Literal["decision", "maturity"],
    as_of: dt.date | None = None,
) -> Matured:
    """Known outcomes of one model against its PDs, month by month: what alarms judge by. Nothing is written."""
    book = loans_of(context, store, as_of=as_of)
    return matured_in(context, book, bundle_sha256, by=by)


def matured_in(
    context: Context, book: BookLoans, bundle_sha256: str, *, by: Literal["decision", "maturity"]
) -> Matured:
    """The same of a book that was read already."""
    loans = book.of(bundle_sha256)
    known = known_of(loans.decided, loans.heard, book.seen)
    unheard_max = context.book.portfolio.monitoring.outcomes.unheard_max.value
    return matured(loans.decided, known, book.seen, by=by, unheard_max=unheard_max)


def _chosen(context: Context, book: BookLoans, model: str | None) -> tuple[str, str]:
    """Whose report it is, and why."""
    if not book.models:
        raise MissingInput(
            "nothing was decided in this time",
            where=context.book.name,
            hint="`creditrisk serve` and `creditrisk score --record` keep decisions",
        )
    if model is not None:
        return _named(book, model), "named"
    in_production = [
        version.bundle_sha256
        for version in context.registry.versions(context.book.name)
        if PRODUCTION in version.aliases and version.bundle_sha256 in book.models
    ]
    if in_production:
        return in_production[0], "in production"
    return max(book.models, key=lambda name: (book.models[name]["last"], name)), "decided last"


def _named(book: BookLoans, model: str) -> str:
    """The bundle of a version number or of the beginning of a hash. Raises BadUsage where it is not one of them."""
    found = [bundle for bundle, told in book.models.items() if told["version"] == model]
    found = found or [bundle for bundle in book.models if len(model) >= 6 and bundle.startswith(model)]
    if len(found) != 1:
        known = [f"{bundle[:16]} (version {told['version']})" for bundle, told in book.models.items()]
        raise BadUsage(f'"{model}" is not one model that decided', where="--model", hint=did_you_mean(model, known))
    return found[0]


def _development(context: Context, bundle: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """test_metrics.json of this model, frozen with its evidence or of the latest run, and where it was found."""
    latest = context.folder.report("test_metrics.json")
    if latest.is_file() and (told := read_json(latest)).get("bundle_sha256") == bundle:
        return told, {"from": "reports/test_metrics.json", "why_not": "", **_development_rows(told)}
    try:
        frozen = current_pack(context, bundle).folder / "test_metrics.json"
        told = json.loads(frozen.read_text(encoding="utf-8"))
        return told, {"from": "evidence/test_metrics.json", "why_not": "", **_development_rows(told)}
    except (Refused, MissingInput, FileNotFoundError):
        why = "no test_metrics.json of this model is here, in the latest run or in its evidence"
        return None, {"from": None, "why_not": why, "n": None, "bads": None}


def _development_rows(told: Mapping[str, Any]) -> dict[str, Any]:
    rate = told.get("default_rate") or {}
    bads = None if rate.get("value") is None else round(rate["value"] * told["n"])
    return {"n": told["n"], "bads": bads}


def _findings(book: BookLoans) -> list[Finding]:
    """What the figures lack."""
    found: list[Finding] = []
    if not book.deliveries:
        hint = "creditrisk outcomes add BOOK --input FILE"
        found.append(Finding(TABLE, "none", Severity.WARN, "no outcomes were delivered by then", hint=hint))
    if book.lost_words:
        found.append(
            Finding(
                TABLE, "status", Severity.WARN, "status words that the book no longer knows were left out",
                examples=tuple(book.lost_words[:3]), hint="put them back under monitoring.outcomes in portfolio.yaml",
            )
        )  # fmt: skip
    return found


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("monitor outcomes"))
