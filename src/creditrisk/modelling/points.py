"""A PD as score points."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from creditrisk.modelling.policy import DecisionPolicy
from creditrisk.stats import log_elementwise


def points(pd: NDArray[np.float64], policy: DecisionPolicy) -> NDArray[np.int32]:
    """base_points at base_odds good to one bad, points_to_double_odds more when the odds double; rounded, shape (n,).

    With 600 points at 50:1 and 20 to double the odds, a PD of 1/51 has 600 and a PD of 1/101 has 620.
    """
    factor = policy.points_to_double_odds / math.log(2.0)
    odds = (1.0 - pd) / pd
    return np.rint(policy.base_points + factor * log_elementwise(odds / policy.base_odds)).astype(np.int32)
