"""Which calibration is served: each candidate is fitted on the other folds' rows and judged on the calibration part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BadData
from creditrisk.modelling.calibration import CALIBRATORS
from creditrisk.modelling.out_of_fold import Development
from creditrisk.stats import log_loss

type Floats = NDArray[np.float64]


def cross_fitted(method: str, margins: Floats, development: Development) -> Floats:
    """PDs, shape (n,): each row's by a calibrator fitted on the other folds' rows. Raises BadData for too few rows."""
    pds = np.empty(len(margins))
    for fold in development.folds:
        inside = development.fold == fold
        calibrator = CALIBRATORS[method].fit(margins[~inside], development.target[~inside])
        pds[inside] = calibrator(margins[inside])
    return pds


def calibration_losses(
    methods: Sequence[str], margins: Floats, development: Development
) -> tuple[dict[str, float], dict[str, Floats], dict[str, str]]:
    """Log loss of each method on the calibration part, the PDs behind it, and why a method could not be tried."""
    losses: dict[str, float] = {}
    pds: dict[str, Floats] = {}
    failed: dict[str, str] = {}
    part = development.in_calibration
    for method in methods:
        try:
            pds[method] = cross_fitted(method, margins, development)
        except BadData as error:
            failed[method] = error.what
        else:
            losses[method] = log_loss(development.target[part], pds[method][part])
    if not losses:
        reasons = "; ".join(f"{method}: {reason}" for method, reason in failed.items())
        raise BadData(f"no calibration can be fitted ({reasons})", where="training.calibration", hint="more rows")
    return losses, pds, failed
