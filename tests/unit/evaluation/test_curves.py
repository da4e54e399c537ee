import json

import numpy as np
import pytest

from creditrisk import stats
from creditrisk.evaluation import curves
from tests.support.runs import scored_rows

Y = [1, 0, 1, 0, 0]
PD = [0.9, 0.8, 0.7, 0.2, 0.1]


def test_roc_climbs_through_the_points_worked_out_by_hand() -> None:
    drawn = curves.roc(Y, PD)
    assert drawn["bads_share"] == [0, 0.5, 0.5, 1, 1, 1]
    assert drawn["goods_share"] == pytest.approx([0, 0, 1 / 3, 1 / 3, 2 / 3, 1])


def test_precision_is_told_at_each_step_of_recall() -> None:
    drawn = curves.precision_recall(Y, PD)
    assert drawn["chance"] == 0.4
    assert drawn["recall"][0] == 0.5
    assert drawn["precision"][0] == 1.0
    assert drawn["recall"][-1] == 1.0
    assert drawn["precision"][-1] == 0.4


def test_gains_end_with_all_bads_and_a_lift_of_one() -> None:
    drawn = curves.gains(Y, PD)
    at = dict(zip(drawn["rows_share"], drawn["bads_share"], strict=True))
    assert (at[0.0], at[0.2], at[0.4], at[0.6], at[1.0]) == (0, 0.5, 0.5, 1, 1)
    assert drawn["lift"][-1] == 1.0
    assert drawn["lift"][19] == pytest.approx(2.5)


def test_equal_pds_share_their_gains_evenly() -> None:
    drawn = curves.gains([1, 0, 1, 0], [0.5] * 4)
    assert drawn["bads_share"] == pytest.approx(drawn["rows_share"])


def test_calibration_groups_hold_every_row_and_an_interval_around_each_rate() -> None:
    rows = scored_rows(5_000)
    drawn = curves.calibration(rows.y, rows.pd)
    assert sum(drawn["rows"]) == 5_000
    assert sum(drawn["bads"]) == rows.y.sum()
    for low, rate, high in zip(drawn["low"], drawn["default_rate"], drawn["high"], strict=True):
        assert low <= rate <= high
    assert drawn["mean_pd"] == sorted(drawn["mean_pd"])


def test_bands_of_points_hold_every_row_of_each_outcome() -> None:
    rows = scored_rows(2_000)
    drawn = curves.score_distribution(rows.y, rows.score)
    assert sum(drawn["goods"]) == pytest.approx(1)
    assert sum(drawn["bads"]) == pytest.approx(1)
    assert len(drawn["goods"]) <= 40
    assert all(edge == int(edge) for edge in drawn["edges"])


def test_bands_of_pd_count_those_beyond() -> None:
    rows = scored_rows(2_000)
    drawn = curves.pd_histogram(rows.y, rows.pd)
    assert sum(drawn["rows"]) + drawn["beyond"] == 2_000
    assert drawn["mean_pd"] == pytest.approx(rows.pd.mean(), abs=1e-9)


def test_no_curve_has_more_than_two_hundred_points_and_keeps_its_ends() -> None:
    rows = scored_rows(30_000)
    drawn = curves.curves(rows.y, rows.pd, rows.score)
    assert set(drawn) == {"roc", "precision_recall", "calibration", "score_distribution", "gains", "pd_histogram"}
    lists = [values for curve in drawn.values() for values in curve.values() if isinstance(values, list)]
    assert max(len(values) for values in lists) <= 200
    assert (drawn["roc"]["goods_share"][0], drawn["roc"]["goods_share"][-1]) == (0, 1)
    area = np.trapezoid(drawn["roc"]["bads_share"], drawn["roc"]["goods_share"])
    assert area == pytest.approx(stats.roc_auc(rows.y, rows.pd), abs=0.002)


def test_the_order_of_rows_does_not_matter() -> None:
    rows = scored_rows(3_000)
    order = np.random.default_rng(1).permutation(3_000)
    straight = curves.curves(rows.y, rows.pd, rows.score)
    shuffled = curves.curves(rows.y[order], rows.pd[order], rows.score[order])
    assert json.dumps(straight) == json.dumps(shuffled)


def test_one_class_only_leaves_out_what_needs_both() -> None:
    drawn = curves.curves([0, 0, 0], [0.1, 0.2, 0.3], [500, 480, 460])
    assert set(drawn) == {"calibration", "pd_histogram"}


def test_one_row_and_equal_rows_have_curves() -> None:
    assert curves.calibration([1], [0.4])["rows"] == [1]
    assert curves.score_distribution([0, 1], [500, 500])["goods"] == [1.0]
    assert sum(curves.pd_histogram([0, 1], [0.0, 0.0])["rows"]) == 2


def test_segments_have_the_calibration_of_their_own_rows_and_small_groups_none() -> None:
    rows = scored_rows(1200)
    term = np.where(np.arange(1200) < 1000, "36 months", np.where(np.arange(1200) < 1150, "60 months", "other"))
    (panel,) = curves.calibration_by_segment(rows.y, rows.pd, {"term": term})
    assert (panel["segment"], panel["group"]) == ("term", "36 months")
    own = curves.calibration(rows.y[:1000], rows.pd[:1000])
    assert {name: panel[name] for name in own} == own


def test_at_most_eight_groups_are_drawn_the_largest_in_order() -> None:
    rows = scored_rows(6000)
    group = np.minimum(np.arange(6000) // 300, 10)
    group[:250] = 20  # the first group is now too small
    panels = curves.calibration_by_segment(rows.y, rows.pd, {"a": group.astype(str)})
    assert len(panels) == curves.MOST_PANELS
    assert [panel["group"] for panel in panels] == sorted(panel["group"] for panel in panels)
    assert "10" in {panel["group"] for panel in panels}
