"""Holm's correction against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from creditrisk.stats import holm


@pytest.mark.parametrize("seed", range(20))
def test_holm_agrees_with_statsmodels_with_ties_and_ends(seed: int) -> None:
    random = np.random.default_rng(seed)
    asked = np.round(random.random(1 + seed), seed % 3).tolist()
    assert holm(asked) == pytest.approx(multipletests(asked, method="holm")[1].tolist(), abs=1e-12)


def test_holm_by_hand() -> None:
    # In order 0.01, 0.02, 0.04: times 3, times 2, times 1, never below the one before.
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([]) == []
