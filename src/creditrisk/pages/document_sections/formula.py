"""The model itself: how a row of features becomes a PD, told for the estimator at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from creditrisk.pages.document_sections.blocks import Block, Facts, Heading, Section, Table, Words, code
from creditrisk.pages.document_sections.facts import DocumentFacts

TITLE = "The model itself: from features to the PD"

TREES = (
    "A sum of decision trees, which no page can hold: they lie in the bundle, in the library's own open format. For "
    "each application exact contributions (Shapley values of the trees) tell how much each feature adds; with the part "
    "that every row starts from they add up to the margin."
)
CALIBRATIONS = {
    "platt": "The PD is 1 / (1 + exp(-z)), where z = slope × margin + intercept.",
    "beta": "The PD is 1 / (1 + exp(-z)), where z = -safe × ln(1 + exp(-margin)) + risky × ln(1 + exp(margin)) + "
    "intercept.",
    "isotonic": "The PD is 1 / (1 + exp(-z)), where z goes in straight lines between these knots and on beyond them.",
}


def formula(doc: DocumentFacts) -> Section:
    """The points table, the coefficients, or where the trees lie; then the calibration."""
    if "characteristics" in doc.formula:
        return Section("formula", TITLE, list(_card(doc.formula)))
    if "terms" in doc.formula:
        kinds = {str(feature["name"]): feature for feature in doc.features}
        return Section("formula", TITLE, [*_coefficients(doc.formula, kinds), *_calibration(doc)])
    return Section("formula", TITLE, [Words(TREES), *_calibration(doc)])


def _card(card: Mapping[str, Any]) -> Iterator[Block]:
    scaling, base = card["scaling"], card["base"]
    points = [[int(one["points"]) for one in characteristic["bins"]] for characteristic in card["characteristics"]]
    yield Words(
        "A table of whole points. A row starts from the base and gains or loses the points of one bin of each "
        "characteristic; the sum is its score, to the point, and the PD follows from the sum alone."
    )
    yield Facts(
        [
            ("Base", str(base["points"])),
            ("Highest score", str(base["points"] + sum(map(max, points)))),
            ("Lowest score", str(base["points"] + sum(map(min, points)))),
            ("Scale", f"{_short(scaling['base_points'])} points at odds of {_short(scaling['base_odds'])} good to one "
                      f"bad; {_short(scaling['points_to_double_odds'])} points more double the odds"),
            ("PD", "1 / (1 + base odds × 2^((score + offset - base points) / points to double the odds)), "
                   f"with an offset of {base['offset']:.4f} points"),
        ]
    )  # fmt: skip
    yield Heading("Points table")
    yield Table(
        ("Characteristic", "Bin", "Points#", "Rows#", "Bads#", "WOE#"),
        [
            (code(characteristic["feature"]), _bin(one), _signed(one["points"]), one["rows"], one["bads"],
             f"{one['woe']:.3f}")
            for characteristic in card["characteristics"] for one in characteristic["bins"]
        ],
        "Rows and bads among those the card was fitted on. A limit belongs to the bin above it. A word of no bin "
        "counts as missing; where nothing was missing while fitting, missing has 0 points.",
    )  # fmt: skip
    if card["left_out"]:
        yield Heading("Features that are not in the card")
        yield Table(("Feature", "Why"), [(code(name), why) for name, why in sorted(card["left_out"].items())])
    yield Words("The calibration is part of the points: nothing is served beside them.")


def _bin(one: Mapping[str, Any]) -> str:
    if one.get("missing"):
        return "missing"
    if "words" in one:
        return ", ".join(map(str, one["words"]))
    if "value" in one:
        return f"exactly {_short(one['value'])}"
    low, high = one.get("from"), one.get("below")
    if high is None:
        return "any number" if low is None else f"from {_short(low)}"
    return f"below {_short(high)}" if low is None else f"{_short(low)} to below {_short(high)}"


def _coefficients(told: Mapping[str, Any], kinds: Mapping[str, Mapping[str, Any]]) -> Iterator[Block]:
    yield Words(
        "A sum: the intercept, and of each number coefficient × (value - mean) / scale, where the value is first held "
        "within its limits; of each category the coefficient of its word. What is missing, and a word never seen, adds "
        "nothing. The sum is the margin, the log-odds of bad before calibration; each term is its feature's exact "
        "contribution."
    )
    yield Facts([("Intercept", f"{told['intercept']:.6g}")])
    yield Heading("Coefficients")
    rows: list[tuple[Any, ...]] = []
    for term in told["terms"]:
        feature = kinds.get(str(term["feature"]), {})
        if feature.get("kind") == "category":
            rows += [
                (code(term["feature"]), word, _signed(value), "", "", "")
                for word, value in zip(feature.get("categories", ()), term["coefficients"], strict=True)
            ]
        else:
            limits = f"{term['low']:.6g} to {term['high']:.6g}"
            (value,) = term["coefficients"]
            rows.append(
                (
                    code(term["feature"]),
                    "number",
                    _signed(value),
                    f"{term['mean']:.6g}",
                    f"{term['scale']:.6g}",
                    limits,
                )
            )
    yield Table(
        ("Feature", "Word", "Coefficient#", "Mean#", "Scale#", "Held within#"),
        rows,
        "Six digits here; coefficients.json in the bundle has them all.",
    )


def _calibration(doc: DocumentFacts) -> list[Block]:
    """calibration.json in words; of a shape that this page does not know, its numbers alone."""
    told = doc.calibration
    if not told:
        return []
    method = str(told.get("method"))
    words = [Words(CALIBRATIONS[method])] if method in CALIBRATIONS else []
    numbers = [(name, f"{value:.6g}") for name, value in told.items() if isinstance(value, float | int)]
    knots = [
        Table(("Margin of a knot#", "z#"), [(f"{at:.6g}", f"{z:.6g}") for at, z in zip(*_knots(told), strict=True)])
    ] if method == "isotonic" else []  # fmt: skip
    shift = [Words("The shift is added to z, so that the mean PD is the declared long-run default rate.")]
    levels = doc.report("metrics.json").get("calibration", {}).get("by_level")
    lines = _lines(str(levels["feature"])) if levels else []
    step = shift if "shift" in told else []
    return [Heading(f"Calibration: {method}"), *words, *knots, Facts(numbers), *step, *lines]


def _lines(feature: str) -> list[Block]:
    """Of a calibration by level."""
    return [
        Words(
            f"Where a level of {feature} has a line of its own, z is then slope × z + intercept of that line; the "
            "table of levels stands under the choice of calibration."
        )
    ]


def _knots(told: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    return list(told.get("margins", ())), list(told.get("levels", ()))


def _signed(value: float) -> str:
    return f"{value:+.6g}" if value else "0"


def _short(value: float) -> str:
    """As a model's inputs, which are float32, meet it: 7.7 and not 7.699999809.

    >>> _short(7.700000047683716), _short(50.0), _short(-0.05000000074505806), _short(27637.26953125)
    ('7.7', '50', '-0.05', '27637.27')
    """
    return np.format_float_positional(np.float32(value), unique=True, trim="-")
