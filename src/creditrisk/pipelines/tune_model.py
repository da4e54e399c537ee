"""Beside the stages: a search for better parameters, which goes on where it stopped and reads no test row."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from creditrisk import __version__
from creditrisk.config import Book, load_book
from creditrisk.config.book import SHIPPED
from creditrisk.config.write_back import with_values
from creditrisk.errors import BadUsage, Refused
from creditrisk.files import write_text
from creditrisk.kinds import sha256_of
from creditrisk.modelling import estimator_named
from creditrisk.modelling.comparison import Judged, own_row, row, served
from creditrisk.modelling.out_of_fold import Progress
from creditrisk.modelling.train import development_of, learning_of
from creditrisk.modelling.tuning import Search, Trial, Tuning
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.development import DEVELOPMENT, development_rows
from creditrisk.pipelines.lineage import add_step, need_unchanged
from creditrisk.ports import ParameterSearch, TriedParameters

REPORT = "tuning.json"
DATABASE = "tuning.db"

OPTIMISM = (
    "The best of many trials looks better on the rows that chose it than it is: its out-of-fold figures are "
    "optimistic, and so is the difference. The test part has not been read; it is the judge, once."
)
OBJECTIVES = {
    "log_loss": "log loss of the PD, calibrated by a Platt line on the other folds, pooled over all development rows",
    "roc_auc": "AUC of the PD, calibrated by a Platt line on the other folds, pooled over all development rows",
}


def run(
    context: Context, *, trials: int | None = None, minutes: float | None = None, write_back: bool = False
) -> dict[str, Any]:
    """tuning.json, and <book>/tuning.db, where the study of the same rows and settings goes on.

    trials: in all; else the book's.  minutes: no further trial begins after them.  write_back: put the best parameters
    into the book's portfolio.yaml.
    Raises BadUsage for a write-back into a shipped book, and what training raises for the book's own parameters.
    """
    if write_back:
        _need_own_folder(context.book)
    portfolio = context.book.portfolio
    files = {part: context.folder.part(part) for part in DEVELOPMENT}
    hashes = need_unchanged(context, "split", files)
    table, features = development_rows(context)
    kind = estimator_named(portfolio.training.estimator)
    settings = portfolio.training.tuning
    search = Search(
        kind,
        development_of(table, context.book.key, features, portfolio.training),
        learning_of(kind, features, portfolio),
        settings.spans_of(kind.name),
        settings.objective,
        portfolio.training.seed,
    )
    tuning = Tuning(search, context.folder.root / DATABASE, _name(context, search, hashes, features))
    progress = context.stage_progress("tune")
    try:
        tuning.run(trials or settings.trials, progress, seconds=None if minutes is None else 60.0 * minutes)
    finally:
        _log(context, tuning)
    progress("judging the best beside the book's own", 1.0)
    body = _body(context, tuning, progress)
    written = write_back and _written_back(context.book, kind.name, body)
    body["meta"] = {"other_studies": tuning.other_studies(), "written_back": written}
    report = context.report(REPORT, body, inputs=dict(files))
    add_step(context, "tune", {})
    return report


def _name(context: Context, search: Search, hashes: dict[str, str], features: tuple[str, ...]) -> str:
    """<book>-<estimator>-<hash of the rows and of everything that a trial depends on>."""
    portfolio = context.book.portfolio
    mark = sha256_of(
        {
            "rows": hashes,
            "features": list(features),
            "training": portfolio.training.model_dump(
                mode="json", exclude={"tuning", "threads", "calibration", "calibration_by"}
            ),
            "directions": dict(search.learning.directions),
            "spans": {name: span.model_dump(mode="json") for name, span in search.spans.items()},
            "objective": search.objective,
        }
    )
    return f"{context.book.name}-{search.kind.name}-{mark[:12]}"


def _body(context: Context, tuning: Tuning, progress: Progress) -> dict[str, Any]:
    search, listed = tuning.search, tuning.trials()
    best = tuning.best()
    if best is None:
        raise Refused("no trial was begun", where="tuning", hint="give it more --minutes, or --trials 1 or more")
    importance, why = tuning.importance()
    portfolio = context.book.portfolio
    own = _judged(context, tuning, listed[0], progress)
    told = own_row("best", "the book's own parameters", own)
    if not best.own:
        found = _judged(context, tuning, best, progress)
        told = row("best", f"trial {best.number}", found, own, seed=search.seed, verdict_on=search.objective)
    return {
        "rows_are": "development rows, each scored by a model and a calibrator that never saw its fold",
        "study": tuning.name,
        "estimator": search.kind.name,
        "objective": search.objective,
        "objective_is": OBJECTIVES[search.objective],
        "seed": search.seed,
        "searched": {name: span.model_dump(mode="json") for name, span in search.spans.items()},
        "trials": [trial.as_json() for trial in listed],
        "counts": {state: sum(trial.state == state for trial in listed) for state in ("complete", "pruned", "failed")},
        "own": {**own_row("own", "the book's own parameters", own), "value": listed[0].value,
                "parameters": search.own},
        "best": {**told, "number": best.number, "value": best.value,
                 "parameters": {**search.own, **best.parameters}},
        "verdict": _verdict(best, told),
        "optimism": OPTIMISM,
        "importance": importance,
        "importance_reason": why,
        "paste": _pasted(search.kind.name, best.parameters, portfolio.training.parameters.get(search.kind.name, {})),
    }  # fmt: skip


def _judged(context: Context, tuning: Tuning, trial: Trial, progress: Progress) -> Judged:
    scored = tuning.scored(trial, progress)
    return served(context.book.portfolio, tuning.search.rows, scored.margins, scored.folds)


def _verdict(best: Trial, told: dict[str, Any]) -> str:
    if best.own:
        return "no trial was better than the book's own parameters"
    return f"trial {best.number} beside the book's own parameters: {told['verdict']}"


def _pasted(estimator: str, found: dict[str, int | float], own: dict[str, Any]) -> str:
    """The section of portfolio.yaml that trains with the best parameters."""
    section = {"training": {"parameters": {estimator: {**own, **found}}}}
    return yaml.safe_dump(section, sort_keys=False)


def _log(context: Context, tuning: Tuning) -> None:
    """Every trial to the tracker, also when the search was stopped half way."""
    listed = tuning.trials()
    if listed:
        context.tracker.log_search(
            ParameterSearch(
                context.book.name,
                tuning.name,
                tuning.search.objective,
                [TriedParameters(trial.number, trial.state, trial.value, trial.parameters) for trial in listed],
                {"actor": context.actor, "estimator": tuning.search.kind.name, "code_version": __version__},
            )
        )


def _need_own_folder(book: Book) -> None:
    if book.folder.resolve().parent == SHIPPED:
        raise BadUsage(
            f"{book.name} is a shipped book, which is not written to",
            where=str(book.folder),
            hint="copy the folder and give its path as BOOK; or leave --write-back out and paste what it prints, or "
            "train with --set training.parameters…",
        )


def _written_back(book: Book, estimator: str, body: dict[str, Any]) -> bool:
    """The best parameters in the book's own file, if they are not there already."""
    best = body["best"]
    if best["own"]:
        return False
    path = Path(book.folder) / "portfolio.yaml"
    found = {name: best["parameters"][name] for name in body["searched"]}
    text = with_values(path.read_text(encoding="utf-8"), ["training", "parameters", estimator], found)
    write_text(path, text)
    load_book(book.folder)
    return True


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("tune"))
