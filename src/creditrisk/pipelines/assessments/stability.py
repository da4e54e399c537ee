"""stability.json: have the rows moved, does the model rank alike everywhere, and what would each cut-off do?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from creditrisk.config import Decision, Stability
from creditrisk.errors import CreditRiskError
from creditrisk.evaluation import plots
from creditrisk.evaluation.cut_offs import Costs, cut_off_table
from creditrisk.evaluation.sensitivity import evenly_by_pd, sensitivity
from creditrisk.evaluation.stability import feature_shifts, ranking_by_group, score_shift, vintages
from creditrisk.evaluation.swap_set import swap_set
from creditrisk.evaluation.verdicts import FAIL, NOT_ENOUGH, counted, worst
from creditrisk.kinds import Verdict
from creditrisk.modelling import Bundle, estimator_named, points
from creditrisk.modelling.learning_curve import learning_curve
from creditrisk.modelling.train import learning_of
from creditrisk.pipelines.assessments.previous import find_previous, same_split, scored_by
from creditrisk.pipelines.assessments.segments import segments_of
from creditrisk.pipelines.assessments.tested import Tested
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import need_unchanged
from creditrisk.ports import PRODUCTION
from creditrisk.scoring import verdicts

MOST_NAMED = 5
"""Features that a vintage names."""

NO_DATES = "the book has no dates, so no vintage can be told from another"


def assess(context: Context, tested: Tested) -> dict[str, Any]:
    """The report, written, with two pictures in test_evaluation/."""
    settings, bundle = context.book.portfolio.stability, tested.bundle
    decisions = tested.decisions
    marks = need_unchanged(context, "train", {"out_of_fold": context.folder.out_of_fold})
    out_of_fold = pq.read_table(context.folder.out_of_fold)
    body: dict[str, Any] = {
        "bundle_sha256": bundle.sha256,
        "rows": decisions.num_rows,
        "bads": int(np.sum(decisions["target"].to_numpy())),
        "score": score_shift(
            bundle.reference, decisions["score"].to_numpy(), limit=settings.psi_max.value, level=settings.level
        ),
        "features": _features(bundle, tested.rows, settings),
        "vintages": _vintages(tested, out_of_fold, settings),
        "segments": _segments(context, tested, settings),
        "sensitivity": _sensitivity(tested, settings),
        "learning_curve": _learning_curve(context, tested, settings),
        "cut_offs": _cut_offs(context.book.portfolio.decision, bundle, decisions, settings.level),
        "swap_set": _swap_set(context, tested, settings.level),
    }
    judged = {name: body[name]["verdict"] for name in ("score", "features", "vintages", "segments")}
    asked = {name: verdict for name, verdict in judged.items() if verdict is not None}
    body |= {
        "verdict": worst(asked.values()),
        "reason": "; ".join(
            f"{name}: {body[name]['reason']}" for name in asked if asked[name] == worst(asked.values())
        ),
        "counts": counted(asked.values()),
        "limits": settings.model_dump(mode="json", include={"psi_max", "auc_drop_max", "bads_min", "level"}),
    }
    drawn = {"cut_offs": body["cut_offs"], "psi": {"score": body["score"], **body["features"]}}
    plots.add_plots(context.folder.reports / "test_evaluation", drawn, invented=context.invented)
    inputs: dict[str, Path | str] = {
        "bundle": bundle.sha256,
        "test": context.folder.part("test"),
        "out_of_fold": marks["out_of_fold"],
        "test_predictions": context.folder.report("test_predictions.parquet"),
    }
    if body["swap_set"]["previous"]:
        inputs["previous_bundle"] = body["swap_set"]["previous"]["bundle_sha256"]
    return context.report("stability.json", body, inputs=inputs)


def _features(bundle: Bundle, rows: pa.Table, settings: Stability) -> dict[str, Any]:
    """What the model does not lean on is told, and decides nothing."""
    told = feature_shifts(
        bundle.reference,
        rows,
        limit=settings.psi_max.value,
        importance=bundle.estimator.importance(),
        level=settings.level,
    )
    used = [row for row in told if row["importance"] > 0.0]
    judged = [row["verdict"] for row in used]
    return {
        "verdict": worst(judged),
        "reason": _named(used),
        "counts": counted(judged),
        "unused": len(told) - len(used),
        "limit": settings.psi_max.value,
        "features": told,
    }


def _named(used: Sequence[Mapping[str, Any]]) -> str:
    for verdict, words in ((FAIL, "moved"), (NOT_ENOUGH, "may have moved, with too few rows to tell")):
        names = [row["feature"] for row in used if row["verdict"] == verdict]
        if names:
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            return f"{len(names)} of {len(used)} features that it uses {words}: {', '.join(names[:MOST_NAMED])}{more}"
    return f"none of the {len(used)} features that it uses moved"


def _vintages(tested: Tested, out_of_fold: pa.Table, settings: Stability) -> dict[str, Any]:
    """Test vintages by the bundle, development vintages by models that never saw the row; PSI against development."""
    bundle, decisions = tested.bundle, tested.decisions
    development = tested.development.sort_by(bundle.key)
    in_test, before = vintages(tested.rows["date"]), vintages(development["date"])
    if in_test is None or before is None:
        return {"verdict": None, "reason": NO_DATES, "test": None, "development": None, "shifts": []}
    pd = out_of_fold["pd"].to_numpy()
    ranking = {
        "test": _ranked(decisions["target"], decisions["pd"].to_numpy(), in_test, settings),
        "development": _ranked(out_of_fold["target"], pd, before, settings),
    }
    shifts = [
        *_shifts("test", tested.rows, in_test, decisions["score"].to_numpy(), bundle, settings),
        *_shifts("development", development, before, points(pd, bundle.policy), bundle, settings),
    ]
    return {"verdict": ranking["test"]["verdict"], "reason": ranking["test"]["reason"], **ranking, "shifts": shifts}


def _ranked(
    target: pa.ChunkedArray[Any], pd: NDArray[np.float64], group: NDArray[np.str_], settings: Stability
) -> dict[str, Any]:
    return ranking_by_group(
        target.to_numpy(),
        pd,
        group,
        drop_max=settings.auc_drop_max.value,
        least=int(settings.bads_min.value),
        level=settings.level,
    )


def _shifts(
    part: str, rows: pa.Table, labels: NDArray[np.str_], score: NDArray[Any], bundle: Bundle, settings: Stability
) -> list[dict[str, Any]]:
    told = []
    used = {name for name, share in bundle.estimator.importance().items() if share > 0.0}
    for vintage in sorted(set(labels.tolist())):
        inside = labels == vintage
        some = rows.filter(pa.array(inside))
        features = feature_shifts(bundle.reference, some, limit=settings.psi_max.value, level=settings.level)
        moved = [row for row in features if row["verdict"] == FAIL and row["feature"] in used]
        told.append(
            {
                "part": part,
                "vintage": vintage,
                "rows": some.num_rows,
                "score": score_shift(
                    bundle.reference, score[inside], limit=settings.psi_max.value, level=settings.level
                ),
                "features_moved": len(moved),
                "most_moved": [{"feature": row["feature"], "psi": row["psi"]} for row in moved[:MOST_NAMED]],
            }
        )
    return told


def _segments(context: Context, tested: Tested, settings: Stability) -> dict[str, Any]:
    named = segments_of(context.book.portfolio.assessment.segments, tested.rows, context.duck)
    if not named:
        return {"verdict": None, "reason": "the book names no segments: assessment.segments", "segments": []}
    target, pd = tested.decisions["target"], tested.decisions["pd"].to_numpy()
    told = [{"segment": name, **_ranked(target, pd, words, settings)} for name, words in sorted(named.items())]
    verdict = worst(segment["verdict"] for segment in told)
    reasons = [f"{segment['segment']}: {segment['reason']}" for segment in told if segment["verdict"] == verdict]
    return {"verdict": verdict, "reason": "; ".join(reasons), "segments": told}


def _sensitivity(tested: Tested, settings: Stability) -> dict[str, Any]:
    bundle = tested.bundle
    chosen = evenly_by_pd(tested.decisions["pd"].to_numpy(), settings.sensitivity_rows)
    values = bundle.preprocess.matrix(tested.rows.take(pa.array(chosen))).values
    return {
        "rows": len(chosen),
        "rows_are": "tested rows, evenly spread over the PDs",
        "steps": "a number to the middle of the next tenth of the development rows, a category to its neighbour; the "
        "other inputs stay, though some of them would move with it",
        "features": sensitivity(
            values,
            bundle.preprocess.names,
            bundle.reference["features"],
            bundle.pd,
            lambda pd: verdicts(pd, bundle.policy),
        ),
    }


def _learning_curve(context: Context, tested: Tested, settings: Stability) -> dict[str, Any]:
    bundle, portfolio = tested.bundle, context.book.portfolio
    kind = estimator_named(bundle.manifest["estimator"])
    names = bundle.preprocess.names
    # what cannot be stopped after so many trees costs more for each cell
    most = settings.learning_curve_cells if kind.stops_early else settings.learning_curve_cells // 10
    cells = tested.development.num_rows * len(names)
    if cells > most:
        why = f"{tested.development.num_rows} rows of {len(names)} features are {cells} cells, more than {most}: "
        return {"points": [], "rounds": None, "reason": why + "raise stability.learning_curve_cells to have it drawn"}
    rounds = min(bundle.estimator.rounds, settings.learning_curve_rounds) if kind.stops_early else None
    drawn = learning_curve(
        tested.development, names, bundle.key, kind, learning_of(kind, names, portfolio), rounds=rounds
    )
    return {"points": drawn, "rounds": rounds, "reason": None}


def _cut_offs(decision: Decision, bundle: Bundle, decisions: pa.Table, level: float) -> dict[str, Any]:
    bad, good = decision.cost_of_bad, decision.cost_of_refused_good
    cut_off = bundle.policy.cut_off
    return cut_off_table(
        decisions["target"].to_numpy(),
        decisions["pd"].to_numpy(),
        chosen={"refer from here": cut_off.refer_from_pd, "decline from here": cut_off.decline_from_pd},
        others={f"end of grade {name}": limit for name, limit in bundle.policy.grades if limit < 1.0},
        costs=Costs(bad.value, good.value) if bad and good else None,
        level=level,
    )


def _swap_set(context: Context, tested: Tested, level: float) -> dict[str, Any]:
    nobody: dict[str, Any] = {"verdict": None, "previous": None, "difference": None, "groups": None, "note": None}
    try:
        previous = find_previous(context, tested.bundle.sha256)
        if previous is None:
            return {**nobody, "reason": "the first model of this book: there is none to compare with"}
        told = {
            **nobody,
            "previous": {
                "bundle_sha256": previous.bundle.sha256,
                "version": previous.version.version,
                # `candidate` is about to move to this model, and the same evidence is asked for again.
                "aliases": [alias for alias in previous.version.aliases if alias == PRODUCTION],
                "estimator": previous.bundle.manifest["estimator"],
                "own_sql_ran": False,
                "same_split": same_split(previous, context),
            },
        }
    except CreditRiskError as error:
        return {**nobody, "verdict": NOT_ENOUGH, "reason": f"the previous model cannot be read: {error.what}"}
    try:
        theirs, told["previous"]["own_sql_ran"] = scored_by(previous, context, tested)
    except CreditRiskError as error:
        return {**told, "verdict": NOT_ENOUGH, "reason": f"the previous model cannot score these rows: {error.what}"}
    ours = tested.decisions
    judged = swap_set(
        ours["target"].to_numpy(),
        ours["pd"].to_numpy(),
        _approved(ours),
        theirs["pd"].to_numpy(),
        _approved(theirs),
        level=level,
    )
    warned = "the previous model may have learnt from some of these rows: its split was another one"
    return {**told, **judged, "note": None if told["previous"]["same_split"] else warned}


def _approved(decisions: pa.Table) -> NDArray[np.bool_]:
    return np.array(decisions["decision"].to_pylist()) == Verdict.APPROVE.value
