"""A random forest grown by XGBoost: many deep trees side by side, each on a part of the rows and features."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from creditrisk.modelling.estimators.base import Learning, OnRound, Rows, checked_settings
from creditrisk.modelling.estimators.xgboost_trees import XGBoostTrees
from creditrisk.modelling.preprocess import Feature

DEFAULTS: dict[str, Any] = {
    "trees": 300,
    "max_depth": 10,
    "min_child_weight": 20.0,
    "subsample": 0.632,
    "colsample_bynode": 0.2,
    "reg_lambda": 1.0,
    "max_bin": 256,
    "max_cat_to_onehot": 8,
}
ALSO_KNOWN = {
    "gamma", "reg_alpha", "max_leaves", "grow_policy", "colsample_bytree", "colsample_bylevel", "max_delta_step",
    "max_cat_threshold", "scale_pos_weight", "interaction_constraints",
}  # fmt: skip


class RandomForest(XGBoostTrees):
    """parameters: `trees`, and XGBoost's own names.

    All trees are grown in one round from the same start, and their leaves are averaged. A leaf holds one Newton step of
    the log loss from the overall default rate, in log-odds, not the share of bads among its rows: margins are additive
    and may have directions, and they spread less than log-odds of averaged shares would. The calibration after it takes
    care of the spread. Rows are drawn without replacement, by default as many as a bootstrap sample would hold.
    """

    name: ClassVar[str] = "random_forest"
    stops_early: ClassVar[bool] = False

    def __init__(
        self, booster: Any, features: tuple[Feature, ...], *, threads: int, history: tuple[float, ...] = ()
    ) -> None:
        super().__init__(booster, features, threads=threads, history=history)
        learner = json.loads(booster.save_config())["learner"]
        self.rounds = int(learner["gradient_booster"]["gbtree_model_param"]["num_trees"])

    @classmethod
    def settings(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        return checked_settings(cls.name, DEFAULTS, ALSO_KNOWN, given)

    @classmethod
    def fit(
        cls,
        rows: Rows,
        learning: Learning,
        *,
        evaluation: Rows | None = None,  # noqa: ARG003
        rounds: int | None = None,  # noqa: ARG003
        on_round: OnRound | None = None,
    ) -> Self:
        settings = cls.settings(learning.parameters)
        forest = {"num_parallel_tree": settings.pop("trees"), "learning_rate": 1.0, **settings}
        booster = cls._grown(forest, rows, learning, rounds=1)
        if on_round:
            on_round(1, None)
        return cls(booster, learning.features, threads=learning.threads)
