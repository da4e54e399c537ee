"""How it ranks, whether its PDs are right, whether it is stable, and what its cut-offs do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from creditrisk.pages import formats, story
from creditrisk.pages.document_sections.blocks import (
    Block,
    Cell,
    Facts,
    Heading,
    Pictures,
    Section,
    Table,
    Words,
    difference,
    number,
    share,
    verdict,
    worst_of,
)
from creditrisk.pages.document_sections.facts import DocumentFacts

_PLACES = {"decimals": 3, "four": 4}
TESTS = {
    "spiegelhalter": "Spiegelhalter: errors as promised",
    "slope_and_intercept": "Line: slope 1, intercept 0",
    "in_the_large": "Mean PD right",
    "hosmer_lemeshow": "Hosmer-Lemeshow (information)",
    "binomial_too_low": "Binomial: PD too low",
    "binomial": "Binomial: PD right",
    "jeffreys_too_low": "Jeffreys: PD too low",
    "jeffreys": "Jeffreys: PD right",
}


def discrimination(doc: DocumentFacts) -> Section:
    tested = doc.report("test_metrics.json")
    if not tested:
        return Section("discrimination", "Discrimination: how it ranks", doc.missing("test_metrics.json"))
    names = ("roc_auc", "normalized_gini", "ks", "pr_auc", "brier", "brier_of_mean", "brier_skill", "log_loss")
    trained = doc.report("metrics.json")
    rows = [
        (words, _spelt(tested.get(name), spelling), _spelt(trained.get(name), spelling), says)
        for name, words, spelling, says in story.METRICS
        if name in names
    ]
    blocks: list[Block] = [
        Words(
            f"On {formats.count(tested.get('n'))} rows of the test part, of which "
            f"{share(tested.get('default_rate'), 2)} turned bad; beside it the development rows, out of fold."
        ),
        Table(("Figure", "Test#", "Development, out of fold#", "Says"), rows),
        Pictures(["roc", "precision_recall", "gains", "score_distribution"]),
    ]
    if tested.get("vintages"):
        blocks += [
            Heading("By vintage"),
            Table(
                ("Vintage", "Rows#", "Bads#", "Mean PD#", "Default rate#", "AUC#"),
                [
                    (
                        row["group"],
                        row["n"],
                        row["bads"],
                        share(row["mean_pd"], 2),
                        share(row["default_rate"], 2),
                        number(row.get("roc_auc")),
                    )
                    for row in tested["vintages"]
                ],
            ),
        ]
    reads = tested.get("test_reads") or {}
    if reads.get("says"):
        blocks.append(Words(str(reads["says"])))
    gates = doc.gates("auc_floor", "auc_ceiling", "brier")
    return Section(
        "discrimination", "Discrimination: how it ranks", blocks, worst_of(gate["verdict"] for gate in gates)
    )


def _spelt(value: Any, spelling: str) -> str:
    return share(value, 2) if spelling == "percent" else number(value, _PLACES[spelling])


def calibration(doc: DocumentFacts) -> Section:
    title, told = "Calibration: whether its PDs are right", doc.report("calibration_report.json")
    verdicts = worst_of(gate["verdict"] for gate in doc.gates("mean_pd", "slope", "grades", "segments"))
    if not told:
        tested = doc.report("test_metrics.json")
        blocks: list[Block] = [*_line(tested), Pictures(["calibration", "pd_histogram"])] if tested else []
        return Section(
            "calibration", title, [*blocks, *_grades(tested), *doc.missing("calibration_report.json")], verdicts
        )
    blocks = [
        Words(f"Rows: {told.get('rows_are', 'the test part')}."),
        *_line_of(told["overall"]),
        Pictures(["calibration", "pd_histogram"]),
        Heading("Tests over all rows"),
        _tests_of_all(told["overall"]),
        Heading("By grade"),
        _by_group("Grade", [(row["grade"], row) for row in told["by_grade"]], margin=True),
        _tests({row["grade"]: row for row in told["by_grade"]}, first="Grade"),
        Heading("By segment"),
        Pictures(["calibration_by_segment"]),
        *_segments(told),
        *_shift(told),
        *_methods(told),
    ]
    return Section("calibration", title, blocks, verdicts)


def _line(tested: Mapping[str, Any]) -> list[Block]:
    names = ("default_rate", "mean_pd", "ece", "ece_by_chance", "calibration_slope", "calibration_intercept")
    return [
        Table(
            ("Figure", "Test#", "Says"),
            [
                (words, _spelt(tested.get(name), spelling), says)
                for name, words, spelling, says in story.METRICS
                if name in names
            ],
        )
    ]


def _line_of(overall: Mapping[str, Any]) -> list[Block]:
    return [
        Facts(
            [
                ("Rows and bads", f"{formats.count(overall['n'])} rows, {formats.count(overall['bads'])} bads"),
                ("Mean PD", share(overall["mean_pd"], 2)),
                ("Default rate", share(overall["default_rate"], 2)),
                ("Mean PD / default rate", number(overall["mean_pd_over_default_rate"])),
                ("Slope (1 is right; below, PDs are too extreme)", number(overall["slope"])),
                ("Intercept (0 is right)", number(overall["intercept"])),
                ("Intercept with slope 1 (above 0, PDs are too low)", number(overall["in_the_large"])),
            ]
        )
    ]


def _grades(tested: Mapping[str, Any]) -> list[Block]:
    if not tested.get("grades"):
        return []
    return [
        Heading("By grade"),
        Table(
            ("Grade", "Rows#", "Bads#", "Mean PD#", "Default rate#"),
            [
                (row["grade"], row["n"], row["bads"], share(row["mean_pd"], 2), share(row["observed"], 2))
                for row in tested["grades"]
            ],
        ),
    ]


def _by_group(first: str, rows: list[tuple[str, Mapping[str, Any]]], *, margin: bool = False) -> Table:
    with_margin = margin and any(row.get("pd_with_margin") is not None for _, row in rows)
    columns = [first, "Rows#", "Bads#", "Mean PD#", "Default rate#", "Ratio#", "Slope#"]
    told = []
    for name, row in rows:
        cells = [
            name,
            row["n"],
            row["bads"],
            share(row["mean_pd"], 2),
            share(row["default_rate"], 2),
            number(row["mean_pd_over_default_rate"], 2),
            number(row["slope"], 2),
        ]
        told.append([*cells, share(row["pd_with_margin"], 2)] if with_margin else cells)
    return Table(
        [*columns, "With margin#"] if with_margin else columns,
        told,
        "With margin: with the margin of conservatism, kept apart from the best estimate." if with_margin else "",
    )


def _tests_of_all(overall: Mapping[str, Any]) -> Table:
    rows = [
        (TESTS.get(test["test"], test["test"]), verdict(test["verdict"]), _p(test["p_value"]), test["reason"])
        for test in overall["tests"]
    ]
    return Table(("Test", "Verdict", "p#", "Found"), rows)


def _tests(groups: Mapping[str, Mapping[str, Any]], first: str) -> Table:
    """A row for each group and a column for each test, so that many groups stay readable."""
    names = list(dict.fromkeys(test["test"] for of in groups.values() for test in of["tests"]))
    rows = []
    for group, of in groups.items():
        by_name = {test["test"]: test for test in of["tests"]}
        untold = next((test for test in of["tests"] if test["p_value"] is None), None)
        promised = f"{formats.decimals(of['tests'][0]['expected_bads'], 1)}" if of["tests"] else ""
        cells = [_test(by_name.get(name)) for name in names]
        rows.append((group, of["n"], of["bads"], promised, *cells, untold["reason"] if untold else ""))
    columns = (first, "Rows#", "Bads#", "Promised#", *(TESTS.get(name, name) for name in names), "Why not")
    note = "Verdict and p value, corrected for the groups asked together (Holm); below 0.05 is a fail."
    return Table(columns, rows, note)


def _test(test: Mapping[str, Any] | None) -> Cell:
    if test is None:
        return Cell("")
    words = {"pass": "pass", "fail": "fail", "not_enough_evidence": "too few"}.get(test["verdict"], test["verdict"])
    figure = "" if test["p_value_corrected"] is None else f" {_p(test['p_value_corrected'])}"
    return Cell(f"{words}{figure}", test["verdict"])


def _p(value: Any) -> str:
    figure = formats.as_number(value)
    return formats.NONE if figure is None else "< 0.0001" if figure < 1e-4 else f"{figure:.4f}"


def _segments(told: Mapping[str, Any]) -> list[Block]:
    blocks: list[Block] = []
    for segment, groups in told["by_segment"].items():
        blocks.append(_by_group(segment.replace("_", " "), [(row["group"], row) for row in groups]))
    tests = {f"{segment}: {row['group']}": row for segment, rows in told["by_segment"].items() for row in rows}
    if not blocks:
        return [Words("The book names no segments (assessment.segments).")]
    return [*blocks, _tests(tests, first="Segment")]


def _shift(told: Mapping[str, Any]) -> list[Block]:
    shift = told.get("shift") or {}
    rows = [
        (
            words,
            row["window"],
            row["n"],
            row["bads"],
            share(row["mean_pd"], 2),
            share(row["default_rate"], 2),
            number(row["mean_pd_over_default_rate"], 2),
        )
        for key, words in (("development_out_of_fold", "development, out of fold"), ("test", "test"))
        for row in shift.get(key) or ()
    ]
    if not rows:
        return []
    return [
        Heading("Against each window"),
        Table(
            ("Rows of", "Window", "Rows#", "Bads#", "Mean PD#", "Default rate#", "Ratio#"),
            rows,
            shift.get("windows_are", ""),
        ),
    ]


def _gap(value: Any) -> str:
    """Of a paired difference {difference, low, high}."""
    return difference({**value, "value": value.get("difference", value.get("value"))} if value else None, 5)


def _methods(told: Mapping[str, Any]) -> list[Block]:
    rows = [
        (
            row["method"],
            "serves" if row["served"] else "",
            formats.decimals(row.get("log_loss"), 5),
            _gap(row.get("loss_over_served")),
            formats.percent(row.get("on_plateaus")),
            "; ".join(row.get("notes", {}).values()),
        )
        for row in told.get("methods") or ()
    ]
    if not rows:
        return []
    blocks: list[Block] = [
        Heading("Served method and the others"),
        Table(
            ("Method", "", "Log loss#", "Over the served one#", "Rows on a plateau#", "Notes"),
            rows,
            "On the calibration part, each row by a calibrator that never saw its fold. On a plateau a lower risk "
            "gives no "
            "lower PD, so a reason cannot be proved there.",
        ),
    ]
    declared = told.get("long_run_default_rate")
    if declared:
        blocks += [
            Heading("Long-run default rate"),
            Facts(
                [
                    ("Declared", share(declared["declared"].get("value"), 2)),
                    ("Because", declared["declared"].get("because")),
                    ("Shift of the log-odds", formats.decimals(declared.get("shift"), 4)),
                ]
            ),
        ]
    return blocks
