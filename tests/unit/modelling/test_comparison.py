"""Two ways to make a model, side by side: figures by hand, paired differences, and verdicts in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.config import Book
from creditrisk.errors import BadData
from creditrisk.kinds import Interval
from creditrisk.modelling import comparison
from creditrisk.modelling.comparison import Judged, Way, calibrated_by, judge, own_row, row, verdict
from creditrisk.modelling.out_of_fold import Development
from creditrisk.modelling.policy import CutOff
from creditrisk.stats import auc_difference, logit
from tests.support.learning import FEATURES, development_rows, tiny_book, trained

SEED = 5


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return tiny_book(tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="module")
def with_costs(tmp_path_factory: pytest.TempPathFactory) -> Book:
    cost = {"because": "a test", "owner": "tests"}
    return tiny_book(
        tmp_path_factory.mktemp("costs"),
        decision__decline_from_pd=None,
        decision__cost_of_bad={"value": 4.0, **cost},
        decision__cost_of_refused_good={"value": 1.0, **cost},
    )


def judged(book: Book, pd: list[float], y: list[int], *, decline_from: float = 0.3) -> Judged:
    rows = len(y)
    development = Development(
        pa.table({"loan_id": range(rows)}), (), np.array(y, dtype=np.float64), np.arange(rows) % 2,
        np.arange(rows) % 3 == 0, np.zeros(rows, dtype=np.bool_),
    )  # fmt: skip
    pds = np.array(pd)
    cut_off = CutOff(decline_from, 0.8 * decline_from)
    return Judged(development, logit(pds), pds, "platt", cut_off, (), book.portfolio.decision)


def some(book: Book, seed: int, *, noise: float, rows: int = 600) -> Judged:
    """Judged rows of one and the same outcome; more noise is a worse model."""
    random = np.random.default_rng(1)
    log_odds = random.normal(-1.5, 1.0, rows)
    y = (random.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(int)
    blurred = log_odds + np.random.default_rng(seed).normal(0, noise, rows)
    return judged(book, (1 / (1 + np.exp(-blurred))).tolist(), y.tolist())


def test_figures_are_those_that_one_counts_by_hand(with_costs: Book) -> None:
    told = own_row("a", "by hand", judged(with_costs, [0.1, 0.2, 0.26, 0.4, 0.5, 0.6], [0, 1, 0, 1, 0, 1]))["figures"]
    assert (told["n"], told["default_rate"]) == (6, 0.5)
    assert told["approval_rate"] == pytest.approx(2 / 6)  # below 0.24
    assert told["decline_rate"] == pytest.approx(3 / 6)
    assert told["bad_rate_of_approved"] == pytest.approx(1 / 2)
    assert told["cost_per_application"] == pytest.approx((4.0 * 1 + 1.0 * 1) / 6)  # a bad let in, a good refused
    assert told["brier"] == pytest.approx((0.01 + 0.64 + 0.0676 + 0.36 + 0.25 + 0.16) / 6)
    assert told["roc_auc"]["value"] == pytest.approx(6 / 9)
    assert told["mean_pd"] == pytest.approx(np.mean([0.1, 0.2, 0.26, 0.4, 0.5, 0.6]))
    assert told["uncalibrated"]["brier"] == pytest.approx(told["brier"])
    assert told["notes"] == {}


def test_at_the_same_approvals_the_own_models_counts_are_given_to_the_other(with_costs: Book) -> None:
    y = [0, 1, 0, 1, 0, 1]
    own = judged(with_costs, [0.1, 0.2, 0.26, 0.4, 0.5, 0.6], y)  # two approved, three declined
    other = judged(with_costs, [0.01, 0.04, 0.02, 0.05, 0.03, 0.06], y)  # everybody approved at its cut-off
    told = row("b", "better", other, own, seed=SEED)
    assert told["figures"]["approval_rate"] == 1.0
    assert told["figures"]["bad_rate_at_same_approvals"] == 0.0  # the two safest are good
    assert told["figures"]["cost_at_same_approvals"] == 0.0  # the three riskiest are the three bads
    assert told["difference"]["cost_at_same_approvals"]["value"] == pytest.approx(-5 / 6)


def test_a_blurred_copy_is_worse_and_every_interval_holds_its_value(book: Book) -> None:
    own, worse = some(book, 2, noise=0.0), some(book, 2, noise=3.0)
    told = row("worse", "blurred", worse, own, seed=SEED)
    assert told["verdict"].startswith("worse by 0.")
    assert told["verdict"].endswith(" AUC")
    for gap in told["difference"].values():
        assert gap is None or gap["low"] <= gap["value"] <= gap["high"]
    delong = auc_difference(own.rows.target, worse.pd, own.pd)
    assert told["difference"]["roc_auc"]["low"] == delong.low
    assert told["difference"]["log_loss"]["low"] > 0.0
    assert told == row("worse", "blurred", worse, own, seed=SEED)


def test_the_same_pds_differ_by_nothing(book: Book) -> None:
    own = some(book, 2, noise=0.5)
    told = row("same", "the same", own, own, seed=SEED)
    assert told["verdict"] == comparison.NO_DIFFERENCE
    gaps = {name: gap for name, gap in told["difference"].items() if gap is not None}
    assert all(gap["value"] == gap["low"] == gap["high"] == 0.0 for gap in gaps.values())


def test_without_costs_the_cost_is_empty_and_says_why(book: Book) -> None:
    told = row("a", "a", some(book, 2, noise=1.0), some(book, 3, noise=1.0), seed=SEED)
    assert told["figures"]["cost_per_application"] is None
    assert told["difference"]["cost_per_application"] is None
    assert "no costs" in told["figures"]["notes"]["cost_per_application"]


def test_a_cut_off_that_approves_nobody_gives_no_bad_rate(book: Book) -> None:
    nobody = replace(some(book, 2, noise=1.0), cut_off=CutOff(0.0, 0.0))
    told = row("nobody", "nobody", nobody, some(book, 2, noise=1.0), seed=SEED)
    assert told["figures"]["bad_rate_of_approved"] is None
    assert told["difference"]["bad_rate_of_approved"] is None
    assert told["figures"]["notes"]["bad_rate_of_approved"] == "nobody is approved"


def test_equal_pds_have_no_slope_and_say_so(book: Book) -> None:
    flat = judged(book, [0.2] * 6, [0, 1, 0, 1, 0, 1])
    told = own_row("flat", "flat", flat)["figures"]
    assert told["calibration_slope"] is None
    assert told["notes"]["calibration_slope"] == "all PDs are equal"


def test_other_rows_are_not_compared(book: Book) -> None:
    own = judged(book, [0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
    with pytest.raises(BadData, match="same rows"):
        row("other", "other", judged(book, [0.1, 0.2, 0.3, 0.4], [1, 0, 0, 1]), own, seed=SEED)


@pytest.mark.parametrize(
    ("low", "high", "figure", "told"),
    [
        (0.004, 0.009, "roc_auc", "better by 0.0040 to 0.0090 AUC"),
        (-0.009, -0.004, "roc_auc", "worse by 0.0040 to 0.0090 AUC"),
        (0.001, 0.002, "log_loss", "worse by 0.0010 to 0.0020 log loss"),
        (-0.002, -0.001, "brier", "better by 0.0010 to 0.0020 Brier"),
        (-0.001, 0.002, "roc_auc", comparison.NO_DIFFERENCE),
        (0.0, 0.002, "roc_auc", comparison.NO_DIFFERENCE),
    ],
)
def test_the_verdict_is_a_line_of_words(low: float, high: float, figure: str, told: str) -> None:
    assert verdict(Interval((low + high) / 2, low, high), figure) == told


def test_a_way_is_judged_as_training_judges_it(book: Book) -> None:
    rows = development_rows()
    found = judge(Way(book.portfolio, rows, FEATURES), lambda *_: None)
    model = trained(book, rows, features=FEATURES)
    assert np.array_equal(found.margin, model.out_of_fold["margin"].to_numpy())
    assert np.array_equal(found.pd, model.out_of_fold["pd"].to_numpy())
    assert found.cut_off == model.policy.cut_off
    assert comparison.without_directions(book.portfolio).policy.monotone == {}
    assert calibrated_by(book.portfolio, found, "isotonic").calibration == "isotonic"


def test_too_few_rows_for_a_calibration_say_so(book: Book) -> None:
    few = judged(book, [0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
    with pytest.raises(BadData, match="needs 40 of each"):
        calibrated_by(book.portfolio, few, "isotonic")
