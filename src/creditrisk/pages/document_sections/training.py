"""How the model was made, what else was tried on the same rows, and what each rule costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from creditrisk.pages import formats
from creditrisk.pages.document_sections.blocks import (
    Block,
    Bullets,
    Care,
    Facts,
    Heading,
    Section,
    Table,
    Words,
    code,
    difference,
    number,
    share,
)
from creditrisk.pages.document_sections.facts import DocumentFacts

COMPARISON = "comparison.json"
OBJECTIVES = {"log_loss": "log loss", "roc_auc": "AUC"}
BALANCES = {
    "none": "none: rows as they are",
    "class_weight": "class_weight: bads weigh together as much as goods",
    "smote": "smote: bads invented between neighbouring bads, among the rows to fit alone",
    "down_sample": "down_sample: goods left out at random, among the rows to fit alone",
    "smote_and_down_sample": "smote_and_down_sample: bads invented and goods left out, among the rows to fit alone",
}


def training(doc: DocumentFacts) -> Section:
    trained = doc.report("metrics.json")
    if not trained:
        return Section("training", "Training", doc.missing("metrics.json"))
    settings = doc.portfolio["training"]
    grows = bool(trained.get("rounds"))
    stops_early = "early_stopping_rounds" in trained.get("parameters", {})
    stopping = f"on {formats.percent(settings.get('early_stopping_share'))} of the rows of each fold's training"
    blocks: list[Block] = [
        Facts(
            [
                ("Estimator", trained["estimator"]),
                ("Trees of the final fit", trained.get("rounds") if grows else None),
                ("Features", len(doc.features)),
                ("Seed", str(settings.get("seed"))),
                (
                    "Balance of the training rows",
                    BALANCES.get(str(trained.get("balance", "none")), trained.get("balance")),
                ),
                ("Calibration that serves", trained["calibration"]["served"]),
                ("Early stopping", stopping if stops_early else None),
            ]
        ),
        Words(
            "Each fold is scored by a model fitted on the others; the calibrator is fitted on these out-of-fold scores "
            "of untouched rows, each by a model that had not seen the row. Then the model learns from all development "
            "rows. The test part was not touched."
        ),
        Heading("Parameters"),
        Table(
            ("Parameter", "Value#"),
            [(code(name), _plain(value)) for name, value in sorted(trained.get("parameters", {}).items())],
        ),
        Heading("Folds"),
        _folds(trained.get("folds", ()), grows=grows),
        *_calibration(trained),
        *_notes(trained),
        *_tuning(doc),
    ]
    return Section("training", "Training", blocks)


def _folds(folds: Sequence[Mapping[str, Any]], *, grows: bool) -> Table:
    columns = ("Fold#", "Trees#", "Rows fitted#") if grows else ("Fold#", "Rows fitted#")
    names = ("rounds", "rows_fitted") if grows else ("rows_fitted",)
    return Table(columns, [(str(fold["fold"]), *(fold[name] for name in names)) for fold in folds])


def _plain(value: Any) -> str:
    return "yes" if value is True else "no" if value is False else str(value)


def _notes(trained: Mapping[str, Any]) -> list[Block]:
    notes = trained.get("notes_of_training")
    return [Heading("Notes"), Bullets(list(notes))] if notes else []


def _calibration(trained: Mapping[str, Any]) -> list[Block]:
    losses = trained["calibration"].get("log_loss_on_calibration_part", {})
    if not losses:
        return []
    served = trained["calibration"]["served"]
    rows = [(name, formats.decimals(loss, 5), "serves" if name == served else "") for name, loss in losses.items()]
    table = Table(("Method", "Log loss, each row by folds it is not in#", ""), rows)
    return [Heading("Choice of calibration"), table, *_by_level(trained["calibration"].get("by_level"))]


def _by_level(told: Mapping[str, Any] | None) -> list[Block]:
    if not told:
        return []
    rows = [
        (
            str(level["level"]), level["rows"], level["bads"], formats.decimals(level["slope"], 3),
            formats.decimals(level["intercept"], 3), "" if level["own_line"] else "too few bads or goods: the curve",
        )
        for level in told["levels"]
    ]  # fmt: skip
    return [
        Words(
            f"Over that curve each level of {told['feature']} has a line of its own. Out of fold the lines save "
            f"{formats.decimals(told['loss_saved'], 5)} of log loss against the curve alone, with a standard error of "
            f"{formats.decimals(told['standard_error'], 5)}."
        ),
        Table(("Level", "Rows#", "Bads#", "Slope#", "Intercept#", ""), rows),
    ]


def _tuning(doc: DocumentFacts) -> list[Block]:
    tuned = doc.report("tuning.json")
    heading: list[Block] = [Heading("Search for parameters")]
    if not tuned:
        return heading + doc.missing("tuning.json")
    trials = tuned.get("trials")
    told = len(trials) if isinstance(trials, Sequence) and not isinstance(trials, str) else trials
    return [
        *heading,
        Words(
            f"{formats.count(told)} trials of {tuned.get('estimator', 'the estimator')} by out-of-fold "
            f"{OBJECTIVES.get(str(tuned.get('objective')), 'log loss')}, which flatters what it chooses; tuning.json "
            "has each."
        ),
    ]


def comparison(doc: DocumentFacts) -> Section:
    told = doc.report(COMPARISON)
    if not told:
        return Section("comparison", "Comparison with other models, the scorecard among them", doc.missing(COMPARISON))
    blocks: list[Block] = [
        Words(
            f"All on the same {formats.count(told.get('n'))} development rows and folds, out of fold. Differences "
            "are against this model, with paired intervals (DeLong for the AUC, bootstrap for the rest)."
        ),
        Heading("Estimators"),
        _figures(told["estimators"]),
        _differences(told["estimators"]),
        Heading("Balance of the training rows"),
        Words("What resampling does to the PD before calibration, and what is left of it after."),
        _before_and_after(told["balance"]),
        Heading("Calibration"),
        _figures(told["calibration"]),
        _differences(told["calibration"]),
    ]
    return Section("comparison", "Comparison with other models, the scorecard among them", _of_these_rows(doc, blocks))


def prices(doc: DocumentFacts) -> Section:
    told = doc.report(COMPARISON)
    title = "Price list: what each rule costs"
    if not told:
        return Section("prices", title, doc.missing(COMPARISON))
    if not told["prices"]:
        return Section("prices", title, [Words("No rule of this book can be taken away to see its price.")])
    blocks: list[Block] = [
        Words("The same model without one rule. A rule is worth its price where the law or the purpose demands it."),
        _figures(told["prices"]),
        _differences(told["prices"]),
    ]
    return Section("prices", title, _of_these_rows(doc, blocks))


def _of_these_rows(doc: DocumentFacts, blocks: list[Block]) -> list[Block]:
    """The comparison is made apart from the run: it must be of the rows that this model learnt from."""
    compared, trained = (doc.report(name).get("inputs", {}) for name in (COMPARISON, "metrics.json"))
    if all(compared.get(part) == trained.get(part) for part in ("train", "calibration")):
        return blocks
    return [
        Care(f"This comparison was made on other rows than the model: run creditrisk compare {doc.name} again."),
        *blocks,
    ]


def _figures(rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        ("", "AUC#", "Brier#", "Log loss#", "Slope#", "Approved#", "Bads among approved#", "Cost#"),
        [(row["name"], *_cells(row.get("figures"))) for row in rows],
        "Cost: per application, by the book's costs of a bad and of a refused good.",
    )


def _cells(figures: Mapping[str, Any] | None) -> tuple[Any, ...]:
    if not figures:
        return ("–",) * 7
    return (
        number(figures.get("roc_auc"), 4),
        formats.decimals(figures.get("brier"), 4),
        formats.decimals(figures.get("log_loss"), 4),
        formats.decimals(figures.get("calibration_slope"), 2),
        formats.percent(figures.get("approval_rate")),
        formats.percent(figures.get("bad_rate_of_approved"), 2),
        formats.decimals(figures.get("cost_per_application"), 4),
    )


def _differences(rows: Sequence[Mapping[str, Any]]) -> Table:
    told = []
    for row in rows:
        gap = row.get("difference") or {}
        reason = f"{row['verdict']}: {row['reason']}" if row.get("reason") else row["verdict"]
        told.append(
            (
                row["name"],
                difference(gap.get("roc_auc")),
                difference(gap.get("brier"), 5),
                difference(gap.get("cost_per_application")),
                reason,
            )
        )
    return Table(("Less this model", "AUC#", "Brier#", "Cost#", "In words"), told)


def _before_and_after(rows: Sequence[Mapping[str, Any]]) -> Table:
    told = []
    for row in rows:
        figures = row.get("figures") or {}
        before = figures.get("uncalibrated") or {}
        told.append(
            (
                row["name"],
                formats.decimals(figures.get("roc_auc"), 4),
                share(before.get("mean_pd")),
                share(figures.get("mean_pd")),
                formats.decimals(before.get("calibration_slope"), 2),
                formats.decimals(figures.get("calibration_slope"), 2),
                formats.decimals(before.get("brier"), 4),
                formats.decimals(figures.get("brier"), 4),
                row["verdict"],
            )
        )
    columns = (
        "",
        "AUC#",
        "Mean PD before#",
        "after#",
        "Slope before#",
        "after#",
        "Brier before#",
        "after#",
        "In words",
    )
    return Table(columns, told)
