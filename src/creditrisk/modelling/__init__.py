"""Everything that is fitted: preprocessing, estimators, calibration, cut-off; and the bundle they travel in.

Importing this room loads neither an estimator's library nor a database, and none of the modules that train: whoever
trains names them (`creditrisk.modelling.train`). The image that serves has none of them.
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
from creditrisk.modelling.estimators import ESTIMATORS, Estimator, Learning, Rows, estimator_named
from creditrisk.modelling.peers import Proofs, choose_peers
from creditrisk.modelling.points import points
from creditrisk.modelling.policy import CutOff, DecisionPolicy, ReasonWords
from creditrisk.modelling.preprocess import Feature, Matrix, Preprocess

__all__ = [
    "BUNDLE_SCHEMA", "CALIBRATORS", "COMPARED", "ESTIMATORS", "Beta", "Bundle", "Calibrator", "CutOff",
    "DecisionPolicy", "Estimator", "Feature", "Isotonic", "Learning", "Matrix", "Platt", "Preprocess", "Proofs",
    "ReasonWords", "Rows", "Shifted", "choose_peers", "estimator_named", "load_bundle", "on_plateaus", "points",
    "save_bundle",
]  # fmt: skip
