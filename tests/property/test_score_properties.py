"""Points, grades and decisions never contradict the PD."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.modelling import CutOff, DecisionPolicy, points
from creditrisk.scoring import grades, verdicts

pds = st.lists(st.floats(1e-12, 1.0, exclude_max=True), min_size=1, max_size=50)


@st.composite
def policies(draw: st.DrawFn) -> DecisionPolicy:
    limits = sorted({*draw(st.lists(st.floats(0.001, 0.999), max_size=8)), 1.0})
    decline = draw(st.floats(0.01, 1.0))
    return DecisionPolicy(
        cut_off=CutOff(decline, decline * draw(st.floats(0.1, 1.0))),
        grades=tuple((chr(65 + place), limit) for place, limit in enumerate(limits)),
        base_points=draw(st.floats(0, 1000)),
        base_odds=draw(st.floats(0.1, 200)),
        points_to_double_odds=draw(st.floats(1, 100)),
        max_reasons=4,
    )


@given(policies(), pds)
def test_score_never_rises_with_the_pd(policy: DecisionPolicy, values: list[float]) -> None:
    assert np.all(np.diff(points(np.sort(values), policy)) <= 0)


@given(policies(), st.floats(1e-9, 1 - 1e-9))
def test_score_never_rises_from_one_pd_to_the_very_next(policy: DecisionPolicy, start: float) -> None:
    steps = [start]
    for _ in range(50):
        steps.append(float(np.nextafter(steps[-1], 1.0)))
    assert np.all(np.diff(points(np.array(steps), policy)) <= 0)


@given(policies(), pds)
def test_higher_pd_never_gets_a_better_grade_or_decision(policy: DecisionPolicy, values: list[float]) -> None:
    ordered = np.sort(values)
    assert np.all(np.diff(grades(ordered, policy)) >= 0)
    assert np.all(np.diff(verdicts(ordered, policy)) >= 0)


@given(policies(), pds)
def test_every_pd_has_a_grade_whose_limit_it_keeps(policy: DecisionPolicy, values: list[float]) -> None:
    for pd, place in zip(values, grades(np.array(values), policy), strict=True):
        assert pd < policy.grades[place][1]
        assert place == 0 or pd >= policy.grades[place - 1][1]


@given(policies(), pds)
def test_referred_rows_lie_between_the_two_limits(policy: DecisionPolicy, values: list[float]) -> None:
    for pd, verdict in zip(values, verdicts(np.array(values), policy), strict=True):
        declined = pd >= policy.cut_off.decline_from_pd
        assert verdict == (2 if declined else 1 if pd >= policy.cut_off.refer_from_pd else 0)
