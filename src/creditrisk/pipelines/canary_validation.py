"""The candidate against the model in production, on the same rows: may it take its place?"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creditrisk.config import MAIN, load_book
from creditrisk.errors import BadData, CreditRiskError, Refused
from creditrisk.evaluation import side_by_side
from creditrisk.evaluation.side_by_side import Decided
from creditrisk.files import read_json, whole_file, write_json
from creditrisk.governance import Act, acts_about
from creditrisk.governance.canary import comparable, judged, waiver_name
from creditrisk.governance.judging import overall
from creditrisk.governance.model_reference import find_bundle
from creditrisk.governance.standing import open_waivers
from creditrisk.kinds import Judgement, sha256_of_file
from creditrisk.modelling.policy import DecisionPolicy
from creditrisk.pipelines.assessments.previous import same_split
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.pipelines.reason_proofs import finder
from creditrisk.pipelines.reference_rows import TEST_PART, ReferenceRows, reference_rows
from creditrisk.pipelines.same_rows import LoadedModel, features_by, load_model, sql_hashes
from creditrisk.ports import CANDIDATE, PRODUCTION, ModelVersion
from creditrisk.scoring import UNPROVED, score

REPORT = "canary_report.json"
NOBODY = "none"
"""What the audit chain names where there was no model to compare with."""


def run(context: Context, version: int | None = None, *, source: Path | None = None) -> dict[str, Any]:
    """canary_report.json, and a copy beside the bundle. A fail is told, not raised.

    version: else the one behind `candidate`.  source: raw tables to decide instead of the test part of the last run.
    Raises what the registry raises, and what is wrong with the candidate or the rows: both are needed for a verdict.
    """
    candidate = load_model(context, _asked_for(context, version))
    context.progress("canary", "the rows", 0.1)
    with reference_rows(context, candidate, source) as rows:
        body = _compared(context, candidate, rows)
        against = body["production"]["bundle_sha256"] if body["production"] else NOBODY
        inputs = {"candidate": candidate.bundle.sha256, **rows.inputs}
        report = context.stamped(body, inputs=inputs if against == NOBODY else {**inputs, "production": against})
    write_json(context.folder.report(REPORT), report)
    kept = kept_report(context, candidate.bundle.sha256)
    with whole_file(kept) as partial:
        partial.write_bytes(context.folder.report(REPORT).read_bytes())
    hashes = {"bundle": candidate.bundle.sha256, "against": against, "report": sha256_of_file(kept)}
    context.act(Act.CANARIED, {**hashes, "verdict": report["verdict"]})
    return report


def need_passed(report: Mapping[str, Any]) -> None:
    """Raises Refused, with every gate that failed."""
    failed = [gate for gate in report["gates"] if gate["verdict"] == Judgement.FAIL]
    if failed:
        waive = f"creditrisk waive {report['book']} --gate {waiver_name(failed[0]['name'])}"
        raise Refused(
            "the candidate fails " + "; ".join(f"{gate['name']}: {gate['reason']}" for gate in failed),
            where=f"{report['book']}, version {report['candidate']['version']}",
            hint=f"{REPORT} tells each gate; mend what fails, or somebody answers for it: {waive}",
        )


def objections(context: Context, version: ModelVersion) -> list[str]:
    """Why the canary forbids that this version moves to production today; [] when it does not."""
    name, bundle = context.book.name, version.bundle_sha256
    remedy = f"creditrisk canary {name} --version {version.version}"
    acts = acts_about(context.workspace.audit, Act.CANARIED, book=name, bundle=bundle)
    if not acts:
        return [f"no canary compared it with production: {remedy}"]
    told, path = acts[-1]["hashes"], kept_report(context, bundle)
    if not path.is_file() or sha256_of_file(path) != told["report"]:
        return [f"{path} {'was altered' if path.is_file() else 'is missing'} since the canary: {remedy}"]
    today = production_bundle(context)
    if told["against"] != today:
        before = _in_words(told["against"])
        return [f"the canary compared it with {before}, and production is {_in_words(today)} today: {remedy}"]
    return _not_passed(context, bundle, read_json(path)["gates"])


def kept_report(context: Context, bundle_sha256: str) -> Path:
    """The copy beside the bundle, which the audit chain names."""
    return context.folder.bundle(bundle_sha256).parent / REPORT


def production_bundle(context: Context) -> str:
    """sha256 of the bundle behind `production`, or "none"."""
    found = _in_production(context)
    return NOBODY if found is None else found.bundle_sha256


def _in_words(bundle: str) -> str:
    return "no model" if bundle == NOBODY else f"the model {bundle[:16]}"


def _not_passed(context: Context, bundle: str, gates: Sequence[Mapping[str, Any]]) -> list[str]:
    """The gates that did not pass and that no open waiver answers for."""
    missed = [gate for gate in gates if gate["verdict"] != Judgement.PASS]
    if not missed:
        return []
    try:
        waivers = open_waivers(current_pack(context, bundle), context.clock.now().date())
    except CreditRiskError:  # evidence that cannot be believed waives nothing; whoever moves a version says so too
        waivers = []
    waived = {
        (one["gate"], one.get("found")) for one in waivers
    }  # another canary that found another thing is not waived
    return [
        f"canary, gate {waiver_name(gate['name'])}: {gate['verdict'].replace('_', ' ')}: {gate['reason']}"
        for gate in missed
        if (waiver_name(gate["name"]), gate["reason"]) not in waived
    ]


def _asked_for(context: Context, version: int | None) -> ModelVersion:
    which = f"@{CANDIDATE}" if version is None else f"/{version}"
    reference = f"models:/{context.book.name}{which}"
    found = find_bundle(reference, context.registry, own_copy=context.folder.bundle).version
    assert found is not None  # only a folder has none
    return found


def _in_production(context: Context) -> ModelVersion | None:
    versions = context.registry.versions(context.book.name)
    return next((one for one in versions if PRODUCTION in one.aliases), None)


@dataclass(frozen=True)
class _Scored:
    """One model's word on the reference rows. features: as it sees them."""

    model: LoadedModel
    features: pa.Table
    own_sql_ran: bool
    decided: Decided


def _compared(context: Context, candidate: LoadedModel, rows: ReferenceRows) -> dict[str, Any]:
    """The report's own part."""
    ours = _scored(context, candidate, rows)
    body: dict[str, Any] = {
        "bundle_sha256": candidate.bundle.sha256,
        "reference": _reference(rows),
        "candidate": _model_told(context, candidate, ours),
        "production": None,
        **dict.fromkeys(("differences", "pd", "decisions", "grades", "reasons", "outcomes")),
        "no_outcomes": rows.no_outcomes or None,
        "limits": context.book.portfolio.canary.model_dump(mode="json"),
    }
    version = _in_production(context)
    if version is None:
        why = "no version is in production: there is none to compare the first model with"
        return _with_gates(body, [comparable(Judgement.PASS, why)])
    body["production"] = _version_told(version)
    if version.bundle_sha256 == candidate.bundle.sha256:
        body["production"] = body["candidate"]
        why = "production is this very bundle: nothing can differ"
        return _with_gates(body, [comparable(Judgement.PASS, why)])
    context.progress("canary", "the model in production", 0.4)
    try:
        production = load_model(context, version)
        body["production"] = _model_told(context, production, None)
        if production.bundle.key != rows.key:
            why = f"production knows applications by {production.bundle.key}, the candidate by {rows.key}"
            return _with_gates(body, [comparable(Judgement.FAIL, why)])
        theirs = _scored(context, production, rows)
    except CreditRiskError as error:
        why = (
            f"the model in production, version {version.version}, cannot decide these rows: {error.what}"
            f"{f' ({error.where})' if error.where else ''}. Restore its bundle from a copy or the registry, or roll "
            f"back to the version before: creditrisk rollback {context.book.name}"
        )
        return _with_gates(body, [comparable(Judgement.FAIL, why)])
    body["production"] = _model_told(context, production, theirs)
    context.progress("canary", "side by side", 0.6)
    body |= _apart(context, ours, theirs, rows)
    gates = [comparable(Judgement.PASS, f"both decide all {len(rows.keys):,} rows")]
    return _with_gates(body, [*gates, *judged(body, context.book.portfolio.canary)])


def _with_gates(body: Mapping[str, Any], gates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts = {verdict.value: sum(gate["verdict"] == verdict for gate in gates) for verdict in Judgement}
    return {**body, "verdict": overall(gates).value, "counts": counts, "gates": list(gates)}


def _scored(context: Context, model: LoadedModel, rows: ReferenceRows) -> _Scored:
    if model.bundle.key != rows.key:
        raise BadData(
            f"the rows are known by {rows.key}, the model knows applications by {model.bundle.key}",
            where=f"{context.book.name}, version {model.version.version}",
            hint="give rows that it can decide: --input",
        )
    features, own_sql_ran = features_by(model, rows.seen_by(model), context)
    return _Scored(model, features, own_sql_ran, _decided(model, features))


def _decided(model: LoadedModel, features: pa.Table, policy: DecisionPolicy | None = None) -> Decided:
    """policy: in place of the bundle's own."""
    bundle = model.bundle if policy is None else replace(model.bundle, policy=policy)
    decisions = score(bundle, features, with_reasons=False)
    pd = decisions["pd"].to_numpy()
    if not np.all(np.isfinite(pd)):
        raise BadData("a PD is no number", where=f"model {bundle.sha256[:16]}")
    grade, decision = (np.array(decisions[name].to_pylist(), dtype=np.str_) for name in ("grade", "decision"))
    return Decided(pd, grade, decision, tuple(bundle.policy.grade_names))


def _reference(rows: ReferenceRows) -> dict[str, Any]:
    known = rows.bad[~np.isnan(rows.bad)]
    return {
        "source": rows.source,
        "rows": len(rows.keys),
        "outcomes_known": len(known),
        "bads": int(np.sum(known == 1)),
    }


def _version_told(version: ModelVersion) -> dict[str, Any]:
    """What the registry says, of a model that could not be read."""
    unknown = ("estimator", "key", "features", "cut_offs", "grades", "own_sql_ran", "same_split", "alone")
    return {"bundle_sha256": version.bundle_sha256, "version": version.version, **dict.fromkeys(unknown)}


def _model_told(context: Context, model: LoadedModel, scored: _Scored | None) -> dict[str, Any]:
    bundle, level = model.bundle, context.book.portfolio.canary.level
    return {
        **_version_told(model.version),
        "estimator": bundle.manifest["estimator"],
        "key": bundle.key,
        "features": len(bundle.preprocess.names),
        "cut_offs": {
            "decline_from_pd": bundle.policy.cut_off.decline_from_pd,
            "refer_from_pd": bundle.policy.cut_off.refer_from_pd,
        },
        "grades": [[name, limit] for name, limit in bundle.policy.grades],
        "own_sql_ran": None if scored is None else scored.own_sql_ran,
        "same_split": same_split(model, context),
        "alone": None if scored is None else side_by_side.alone(scored.decided, level),
    }


def _apart(context: Context, ours: _Scored, theirs: _Scored, rows: ReferenceRows) -> dict[str, Any]:
    level = context.book.portfolio.canary.level
    known = ~np.isnan(rows.bad)
    both = ours.decided, theirs.decided
    return {
        "differences": _differences(ours, theirs, rows),
        "pd": side_by_side.pds_apart(*both, level=level),
        "decisions": {
            **side_by_side.decisions_apart(*both, level=level),
            "explained": _explained(ours, theirs),
        },
        "grades": side_by_side.grades_apart(*both, level=level),
        "reasons": {
            "newly_declined": _reasons(context, ours, theirs.decided, rows),
            "no_longer_declined": _reasons(context, theirs, ours.decided, rows),
        },
        "outcomes": side_by_side.outcomes_apart(
            rows.bad[known].astype(np.int64), *(one.only(known) for one in both), level=level
        )
        if known.any()
        else None,
    }


def _differences(ours: _Scored, theirs: _Scored, rows: ReferenceRows) -> dict[str, Any]:
    """What the two models have not in common, before a row is decided; `says`: in sentences."""
    mine, other = ours.model.bundle, theirs.model.bundle
    added = sorted(set(mine.preprocess.names) - set(other.preprocess.names))
    removed = sorted(set(other.preprocess.names) - set(mine.preprocess.names))
    here, there = mine.policy.cut_off, other.policy.cut_off
    told = {
        "features_added": added,
        "features_removed": removed,
        "sql": sql_hashes(mine) != sql_hashes(other),
        "cut_offs": (here.decline_from_pd, here.refer_from_pd) != (there.decline_from_pd, there.refer_from_pd),
        "grades": mine.policy.grades != other.policy.grades,
        "estimator": mine.manifest["estimator"] != other.manifest["estimator"],
        "knock_out": mine.policy.knock_out != other.policy.knock_out,
    }
    says = []
    if added or removed:
        says.append(
            f"other features: {_listed(added)} added, {_listed(removed)} gone; compared all the same, each on its own"
        )
    if told["sql"]:
        says.append("other SQL: each model saw the features that its own SQL makes of the same raw tables")
    if told["cut_offs"]:
        says.append(
            f"other cut-offs: declined from a PD of {here.decline_from_pd:.4g} (production {there.decline_from_pd:.4g}"
            f"), referred from {here.refer_from_pd:.4g} (production {there.refer_from_pd:.4g})"
        )
    if told["grades"]:
        says.append("other grades: each PD was graded by its own model's scale")
    if told["knock_out"]:
        says.append("other knock-out rules: their flips count as the PDs'")
    if rows.source != TEST_PART:
        says.append("nobody checked whether either model learnt from the rows that were given")
    else:
        says += [
            f"{who} may have learnt from some of these rows: its split was another one, and its figures on outcomes "
            "flatter it"
            for who, one in (("the candidate", ours), ("production", theirs))
            if not same_split(one.model, rows.context)
        ]
    return {**told, "says": says}


def _listed(names: Sequence[str], most: int = 5) -> str:
    if not names:
        return "none"
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _explained(ours: _Scored, theirs: _Scored) -> dict[str, int]:
    """Each model's PDs decided once more, by the cut-offs of the other."""
    mine, other = ours.model.bundle.policy, theirs.model.bundle.policy
    if mine.cut_off == other.cut_off:
        crossed = ours.decided, theirs.decided
    else:
        crossed = (
            _decided(ours.model, ours.features, replace(mine, cut_off=other.cut_off)),
            _decided(theirs.model, theirs.features, replace(other, cut_off=mine.cut_off)),
        )
    return side_by_side.flips_explained(
        ours.decided.decision, theirs.decided.decision, *(one.decision for one in crossed)
    )


def _reasons(context: Context, by: _Scored, other: Decided, rows: ReferenceRows) -> dict[str, Any]:
    """Of those whom this model declines and the other does not: the reasons they are given, most frequent first."""
    flipped = np.flatnonzero(by.decided.declined & ~other.declined)
    chosen = _evenly(flipped, context.book.portfolio.canary.reasons_rows)
    told: Counter[str] = Counter()
    first: Counter[str] = Counter()
    unproved = 0
    if len(chosen):
        bundle, book = by.model.bundle, load_book(by.model.folder)
        tables = {name: path for name, path in rows.tables(by.model).items() if path.is_file()}
        find = finder(bundle, book, tables, context.duck) if MAIN in tables else None
        decisions = score(bundle, by.features.take(pa.array(chosen)), find=find)
        for reasons, warnings in zip(decisions["reasons"].to_pylist(), decisions["warnings"].to_pylist(), strict=True):
            told.update(reason["code"] for reason in reasons)
            first.update(reason["code"] for reason in reasons[:1])
            unproved += UNPROVED in warnings or find is None
    return {
        "rows": len(flipped),
        "looked_at": len(chosen),
        "unproved": unproved,
        "codes": [
            {"code": code, "rows": count, "first": first[code]}
            for code, count in sorted(told.items(), key=lambda one: (-one[1], one[0]))
        ],
    }


def _evenly(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).astype(np.int64)]


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("canary"))
