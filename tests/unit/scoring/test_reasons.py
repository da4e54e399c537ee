"""Why a row was not approved: specific, ordered, within the limit, and never nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from creditrisk.modelling import Bundle, CutOff
from creditrisk.scoring import reasons as reasons_module
from creditrisk.scoring import score
from tests.support.learning import feature_rows

ROWS = feature_rows(600, seed=44)


def test_declined_and_referred_rows_have_reasons_and_approved_ones_none(bundle: Bundle) -> None:
    for row in score(bundle, ROWS).to_pylist():
        assert bool(row["reasons"]) == (row["decision"] != "approve")


def test_reasons_are_in_the_books_words_largest_first_and_at_most_four(bundle: Bundle) -> None:
    words = {group.code: group for group in bundle.policy.reasons}
    lists = [row["reasons"] for row in score(bundle, ROWS).to_pylist() if row["reasons"]]
    assert {len(reasons) for reasons in lists} <= {1, 2, 3, 4}
    for reasons in lists:
        sizes = [reason["contribution"] for reason in reasons]
        assert sizes == sorted(sizes, reverse=True)
        assert min(sizes) > 0
        for reason in reasons:
            assert reason["text"] == words[reason["code"]].text
            assert reason["feature"] in words[reason["code"]].features


def test_contribution_is_what_the_group_adds_above_the_usual(bundle: Bundle) -> None:
    scored = score(bundle, ROWS)
    place = next(i for i, verdict in enumerate(scored["decision"].to_pylist()) if verdict == "decline")
    values = bundle.preprocess.matrix(ROWS.slice(place, 1)).values
    by_feature = dict(zip(bundle.preprocess.names, bundle.estimator.contributions(values)[0], strict=False))
    for reason in scored["reasons"][place].as_py():
        group = next(group for group in bundle.policy.reasons if group.code == reason["code"])
        assert reason["contribution"] == pytest.approx(sum(by_feature[name] for name in group.features) - group.usual)
        assert by_feature[reason["feature"]] == max(by_feature[name] for name in group.features)


def test_a_book_that_groups_no_features_decides_without_reasons(bundle: Bundle) -> None:
    told = score(replace(bundle, policy=replace(bundle.policy, reasons=())), ROWS)
    assert told["decision"].equals(score(bundle, ROWS)["decision"])
    assert "decline" in told["decision"].to_pylist()
    assert not any(told["reasons"].to_pylist())


@pytest.mark.parametrize("cut_off", [0.05, 0.1, 0.5])
def test_no_decline_goes_without_a_reason_wherever_the_cut_off_lies(
    bundle_of: Callable[[str], Bundle], cut_off: float
) -> None:
    bundle = bundle_of("xgboost")
    rows = feature_rows(1500, seed=7)
    values = bundle.preprocess.matrix(rows).values
    approved = bundle.calibrator(bundle.estimator.margin(values)) < cut_off
    usual = dict(
        zip(bundle.preprocess.names, bundle.estimator.contributions(values[approved]).mean(axis=0), strict=False)
    )
    groups = tuple(
        replace(group, usual=float(sum(usual[name] for name in group.features))) for group in bundle.policy.reasons
    )
    policy = replace(bundle.policy, cut_off=CutOff(cut_off, cut_off), reasons=groups)
    scored = score(replace(bundle, policy=policy), ROWS).to_pylist()
    assert any(row["decision"] == "decline" for row in scored)
    assert all(row["reasons"] for row in scored if row["decision"] == "decline")


def test_fewer_reasons_when_the_book_wants_fewer(bundle: Bundle) -> None:
    four = score(bundle, ROWS)["reasons"].to_pylist()
    one = score(replace(bundle, policy=replace(bundle.policy, max_reasons=1)), ROWS)["reasons"].to_pylist()
    assert one == [reasons[:1] for reasons in four]


class EvenContributions:
    """An estimator that finds one feature of each group equally bad."""

    def __init__(self, bundle: Bundle) -> None:
        self.columns = [bundle.preprocess.names.index(group.features[-1]) for group in bundle.policy.reasons]
        self.width = len(bundle.preprocess.names) + 1

    def margin(self, values: np.ndarray) -> np.ndarray:
        return np.full(len(values), 9.0)

    def contributions(self, values: np.ndarray) -> np.ndarray:
        even = np.zeros((len(values), self.width))
        even[:, self.columns] = 1.0
        return even


def test_equal_contributions_are_ordered_by_code(bundle: Bundle) -> None:
    groups = tuple(replace(group, usual=0.0) for group in bundle.policy.reasons)
    policy = replace(bundle.policy, reasons=groups)
    even = replace(bundle, estimator=EvenContributions(bundle), policy=policy)  # type: ignore[arg-type]
    scored = score(even, ROWS.slice(0, 2))
    assert [reason["code"] for reason in scored["reasons"][0].as_py()] == ["DEBT", "INCOME", "PAYMENTS", "TOWN"]


def test_chunks_of_any_size_give_the_same_reasons(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score(bundle, ROWS)
    monkeypatch.setattr(reasons_module, "ROWS_AT_ONCE", 7)
    assert score(bundle, ROWS).equals(whole)
