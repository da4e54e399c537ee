"""A tenth of the simulation in benchmarks/alarms.py: false alarms of stable models, and how soon a change is found.

So few streams cannot show a share to the point: a line fails where what came out is as good as impossible if the share
were what it must be.
"""

from __future__ import annotations

import pytest

from benchmarks import alarms
from creditrisk.stats import binomial_test

pytestmark = pytest.mark.integration

STREAMS = alarms.STREAMS // 10
IMPOSSIBLE = 1e-3


def test_of_a_hundred_stable_models_hardly_one_ever_rings() -> None:
    rung = sum(alarms.rings(alarms.stable_stream(alarms.stream(alarms.SEED, at))) for at in range(STREAMS))
    assert binomial_test(rung, STREAMS, 0.05) > IMPOSSIBLE


@pytest.mark.parametrize("what", alarms.FAULTS)
def test_a_change_is_found_within_three_months(what: str) -> None:
    lost = sum(not alarms.FAULTS[what](alarms.stream(alarms.SEED, at)) for at in range(STREAMS))
    assert binomial_test(lost, STREAMS, 0.05) > IMPOSSIBLE


def test_a_table_of_shares_says_what_was_asked_and_whether_it_was_kept() -> None:
    rows = alarms.asked_for(3, alarms.SEED)
    assert [row["asked"] for row in rows] == ["at most 0.05", *["at least 0.95"] * len(alarms.FAULTS)]
    assert all(row["low"] <= row["share"] <= row["high"] for row in rows)
