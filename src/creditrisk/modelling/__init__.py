"""Everything that is fitted: preprocessing, estimators, calibration, cut-off; and the bundle they travel in.

Importing this room loads neither an estimator's library nor a database.
"""

from creditrisk.modelling.bundle import BUNDLE_SCHEMA, Bundle, load_bundle, save_bundle
from creditrisk.modelling.calibration import (
    CALIBRATORS,
    COMPARED,
    Beta,
    Calibrator,
    Isotonic,
    Platt,
    Shifted,
    on_plateaus,
)
from creditrisk.modelling.choose_calibration import cross_fitted_pds
from creditrisk.modelling.estimators import ESTIMATORS, Estimator, Learning, Rows, estimator_named
from creditrisk.modelling.out_of_fold import FoldFit, Progress
from creditrisk.modelling.peers import Proofs, choose_peers
from creditrisk.modelling.points import points
from creditrisk.modelling.policy import CutOff, DecisionPolicy, ReasonWords
from creditrisk.modelling.preprocess import Feature, Matrix, Preprocess
from creditrisk.modelling.train import NOT_FEATURES, TrainedModel, train

__all__ = [
    "BUNDLE_SCHEMA", "CALIBRATORS", "COMPARED", "ESTIMATORS", "NOT_FEATURES", "Beta", "Bundle", "Calibrator", "CutOff",
    "DecisionPolicy", "Estimator", "Feature", "FoldFit", "Isotonic", "Learning", "Matrix", "Platt", "Preprocess",
    "Progress", "Proofs", "ReasonWords", "Rows", "Shifted", "TrainedModel", "choose_peers", "cross_fitted_pds",
    "estimator_named", "load_bundle",
    "on_plateaus", "points", "save_bundle", "train",
]  # fmt: skip
