"""From rows of numbers to PDs: what a model that was just trained and one that was loaded share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creditrisk.modelling.calibration import Calibrator
from creditrisk.modelling.estimators import Estimator
from creditrisk.modelling.levels import LevelLines
from creditrisk.modelling.preprocess import Preprocess

type Floats = NDArray[np.float64]
type Values = NDArray[np.float32]


class Scorer:
    """values: what `preprocess` makes of a feature table, shape (n, features). All figures are of shape (n,).

    Without a calibration by level the margin is the estimator's, and `calibrator` makes a PD of it. With one, the
    margin is calibrated already, and `calibrator` adds at most the step to a declared long-run rate: so two margins
    can be compared across levels, and the higher one has the higher PD.
    """

    estimator: Estimator
    preprocess: Preprocess
    calibrator: Calibrator
    levels: LevelLines | None

    def pd(self, values: Values) -> Floats:
        return self.calibrator(self.margin(values))

    def margin(self, values: Values) -> Floats:
        return self.levelled(self.estimator.margin(values), values)

    def levelled(self, margin: Floats, values: Values) -> Floats:
        """The estimator's margins of these rows, as the calibrator takes them."""
        if self.levels is None:
            return margin
        return self.levels.log_odds(margin, values[:, self.preprocess.names.index(self.levels.feature)])

    def reads(self) -> frozenset[int]:
        """Places of the features that can change a margin."""
        levels = {self.preprocess.names.index(self.levels.feature)} if self.levels else set()
        return self.estimator.reads() | levels

    def contributions(self, values: Values, by_estimator: Floats | None = None) -> Floats:
        """What each feature adds to the margin, shape (n, features + 1), as the estimator tells it.

        What the calibration of a level changes stands with the feature whose level it is: the sum stays the margin.
        by_estimator: its margins of these rows, where they are known already.
        """
        told = self.estimator.contributions(values)
        if self.levels is None:
            return told
        margin = self.estimator.margin(values) if by_estimator is None else by_estimator
        told[:, self.preprocess.names.index(self.levels.feature)] += self.levelled(margin, values) - margin
        return told

    @property
    def calibration(self) -> str:
        """Name of the curve that was chosen."""
        return str((self.levels.curve if self.levels else self.calibrator).to_json()["method"])
