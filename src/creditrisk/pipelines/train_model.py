"""Stage 5: learn, calibrate, choose the cut-off, and put the model into a bundle."""

from __future__ import annotations

import shutil
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.config import Book
from creditrisk.errors import BadConfig, MissingInput, did_you_mean
from creditrisk.evaluation import curves, metrics, plots
from creditrisk.evaluation.tables import importance_table
from creditrisk.files import PARTIAL, whole_file, whole_folder
from creditrisk.governance import Act
from creditrisk.governance.lineage import Node, NodeKind
from creditrisk.modelling import Bundle, Proofs, load_bundle, points, save_bundle
from creditrisk.modelling.train import TrainedModel, train
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.development import DEVELOPMENT, development_rows
from creditrisk.pipelines.development_reference import with_whole_reference
from creditrisk.pipelines.lineage import (
    add_step,
    book_as_read,
    keep_with_bundle,
    need_unchanged,
    plots_node,
    table_node,
)
from creditrisk.pipelines.proxy_screen import refuse_rebuilders
from creditrisk.pipelines.reason_proofs import proofs_of
from creditrisk.pipelines.same_engine import refuse_sample
from creditrisk.scoring import VERDICTS, grades, verdicts


def run(context: Context) -> dict[str, Any]:
    """models/<hash>/bundle, its copy newest_bundle, metrics.json (out of fold, development rows) and evaluation/."""
    book, folder = context.book, context.folder
    files = {part: folder.part(part) for part in DEVELOPMENT}
    need_unchanged(context, "split", files)
    development, features = development_rows(context)
    refuse_rebuilders(context, development, features)
    _need_rules_features(book, features)
    model, cluster = _trained(context, development, features)
    model = with_whole_reference(context, model, development)
    with whole_file(folder.out_of_fold) as partial:
        pq.write_table(model.described, partial, compression="zstd")
    present = {name: folder.table(name) for name in book.portfolio.tables if folder.table(name).is_file()}
    proofs = proofs_of(model, book, present, context.duck)
    sha256 = _save(context, model, proofs)
    _copy(folder.bundle(sha256), folder.newest_bundle)
    report = _report(context, model, sha256, files, cluster)
    of, by = book_as_read(context, "train")
    made = {
        **by,
        "bundle": Node(NodeKind.BUNDLE, sha256, made_from=(*DEVELOPMENT, of), file=f"models/{sha256[:16]}/bundle"),
        "evaluation": plots_node(context, folder.reports / "evaluation", "bundle", *DEVELOPMENT),
        "out_of_fold": table_node(context, folder.out_of_fold, of, *DEVELOPMENT, rows=model.described.num_rows),
    }
    add_step(context, "train", made)
    context.act(Act.TRAINED, {"bundle": sha256, "lineage": keep_with_bundle(context, sha256)})
    return report


def _trained(
    context: Context, development: pa.Table, features: tuple[str, ...]
) -> tuple[TrainedModel, dict[str, Any] | None]:
    """The model, and of a cluster that learnt it what the report says."""
    if context.on_spark:
        from creditrisk.pipelines.train_on_spark import train_there

        return train_there(context, development, features)
    refuse_sample(context, context.folder.cluster, "ingest")
    book, progress = context.book, context.stage_progress("train")
    return train(development, book.portfolio, book.reasons, features=features, progress=progress), None


def _need_rules_features(book: Book, features: Sequence[str]) -> None:
    for rule in book.portfolio.decision.knock_out:
        if rule.feature not in features:
            raise BadConfig(
                f'the knock-out rule {rule.code} reads "{rule.feature}", which is not a feature',
                where=str(book.folder / "portfolio.yaml"),
                hint=did_you_mean(rule.feature, features),
            )


def newest_bundle(context: Context) -> Bundle:
    """The bundle that the last training made. Raises MissingInput, BrokenFile.

    Where reports and `newest_bundle` were brought from another machine, it takes its place among the models first.
    """
    from creditrisk.files import read_json

    report = context.folder.report("metrics.json")
    if not report.is_file():
        name = context.book.name
        raise MissingInput("no model has been trained here", where=str(report), hint=f"creditrisk train {name}")
    sha256 = read_json(report)["bundle_sha256"]
    newest, place = context.folder.newest_bundle, context.folder.bundle(sha256)
    if newest.is_dir() and not place.exists():
        load_bundle(newest, expected=sha256)
        _copy(newest, place)
    return load_bundle(place, expected=sha256, threads=context.duck.threads)


def _save(context: Context, model: TrainedModel, proofs: Proofs) -> str:
    """The bundle under its own hash; one that is there already is the same to the byte."""
    book, models = context.book, context.folder.models
    unnamed = models / f"{PARTIAL}{uuid.uuid4().hex}"
    try:
        sha256 = save_bundle(unnamed / "bundle", model, book, invented=context.invented, proofs=proofs)
        target = context.folder.bundle(sha256)
        if not _is_whole(target, sha256):
            shutil.rmtree(target, ignore_errors=True)
            target.parent.mkdir(parents=True, exist_ok=True)  # what was kept beside a damaged bundle stays
            (unnamed / "bundle").rename(target)
    finally:
        shutil.rmtree(unnamed, ignore_errors=True)
    return sha256


def _copy(bundle: Path, into: Path) -> None:
    with whole_folder(into) as partial:
        shutil.copytree(bundle, partial, dirs_exist_ok=True)


def _is_whole(bundle: Path, sha256: str) -> bool:
    from creditrisk.errors import CreditRiskError

    try:
        load_bundle(bundle, expected=sha256)
    except CreditRiskError:
        return False
    return True


def _report(
    context: Context, model: TrainedModel, sha256: str, files: dict[str, Path], cluster: dict[str, Any] | None
) -> dict[str, Any]:
    rows, policy = model.out_of_fold, model.policy
    y, pd = rows["target"].to_numpy(), rows["pd"].to_numpy()
    score = points(pd, policy)
    names = policy.grade_names
    figures = metrics.test_metrics(
        y, pd, score,
        np.array(VERDICTS)[verdicts(pd, policy)],
        grade=np.array(names)[grades(pd, policy)],
        grades=names,
    )  # fmt: skip
    texts = {feature: context.book.reasons.text_of(feature) for feature in model.preprocess.names}
    importance = importance_table(model.importance(), texts)
    plots.write_evaluation(
        context.folder.reports / "evaluation", curves.curves(y, pd, score), importance, invented=context.invented
    )
    body = {
        "rows_are": "development rows, each scored by a model and a calibrator that never saw its fold",
        "bundle_sha256": sha256,
        "estimator": model.estimator.name,
        "parameters": model.parameters,
        "balance": model.balance,
        "rounds": model.rounds,
        "folds": [{"fold": fit.fold, "rounds": fit.rounds, "rows_fitted": fit.rows_fitted} for fit in model.folds],
        "calibration": {
            "served": model.choice.method,
            "log_loss_on_calibration_part": dict(model.choice.losses),
            "gains": {method: dict(gain) for method, gain in model.choice.gains.items()},
            "shift": model.calibrator.to_json().get("shift"),
            "by_level": dict(model.by_level) if model.by_level else None,
        },
        "cut_off": policy.to_json()["cut_off"],
        "importance": importance,
        "notes_of_training": list(model.notes),
        **figures,
        **({"cluster": cluster} if cluster else {}),
    }
    return context.report("metrics.json", body, inputs=dict(files))


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("train"))
