"""The people who prove reasons: approved, spread over the approved, the same in any order."""

from __future__ import annotations

import numpy as np

from creditrisk.modelling import choose_peers

RANDOM = np.random.default_rng(5)
KEYS = [f"loan-{number}" for number in range(1000)]
PD = RANDOM.random(1000)


def test_peers_are_approved_and_spread_over_the_approved() -> None:
    chosen = choose_peers(KEYS, PD, PD < 0.5, wanted=50, seed=1)
    assert len(set(chosen)) == 50
    parts = np.array_split(np.sort(PD[PD < 0.5]), 50)
    assert all(part[0] <= pd <= part[-1] for part, pd in zip(parts, np.sort(PD[chosen]), strict=True))


def test_the_order_of_the_rows_does_not_matter_and_the_seed_does() -> None:
    order = RANDOM.permutation(1000)
    one = {KEYS[place] for place in choose_peers(KEYS, PD, PD < 0.5, wanted=50, seed=1)}
    mixed = [KEYS[place] for place in order]
    other = {mixed[place] for place in choose_peers(mixed, PD[order], PD[order] < 0.5, wanted=50, seed=1)}
    assert one == other
    assert one != {KEYS[place] for place in choose_peers(KEYS, PD, PD < 0.5, wanted=50, seed=2)}


def test_fewer_approved_than_wanted_are_all_taken_and_none_where_nobody_is() -> None:
    assert sorted(choose_peers(KEYS, PD, np.arange(1000) < 7, wanted=50, seed=1)) == list(range(7))
    assert choose_peers(KEYS, PD, PD > 2, wanted=50, seed=1) == []
    assert choose_peers(KEYS, PD, PD < 0.5, wanted=0, seed=1) == []
