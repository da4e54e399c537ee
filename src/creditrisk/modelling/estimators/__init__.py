"""The estimators a book may name. A further one is a file beside these and a line in the table."""

from creditrisk.errors import BadConfig, did_you_mean
from creditrisk.modelling.estimators.base import CalibratedInside, Estimator, Learning, OnRound, PointScale, Rows
from creditrisk.modelling.estimators.lightgbm_trees import LightGBMTrees
from creditrisk.modelling.estimators.logistic import Logistic
from creditrisk.modelling.estimators.random_forest import RandomForest
from creditrisk.modelling.estimators.scorecard import Scorecard
from creditrisk.modelling.estimators.xgboost_trees import XGBoostTrees

ESTIMATORS: dict[str, type[Estimator]] = {
    "lightgbm": LightGBMTrees,
    "logistic": Logistic,
    "random_forest": RandomForest,
    "scorecard": Scorecard,
    "xgboost": XGBoostTrees,
}


def estimator_named(name: str) -> type[Estimator]:
    """Raises BadConfig, naming the known ones."""
    if name not in ESTIMATORS:
        raise BadConfig(f'no estimator "{name}"', hint=did_you_mean(name, ESTIMATORS))
    return ESTIMATORS[name]


__all__ = [
    "ESTIMATORS", "CalibratedInside", "Estimator", "Learning", "LightGBMTrees", "Logistic", "OnRound", "PointScale",
    "RandomForest", "Rows", "Scorecard", "XGBoostTrees", "estimator_named",
]  # fmt: skip
