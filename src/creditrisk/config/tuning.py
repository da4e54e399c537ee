"""Where parameters are looked for: `training.tuning` in portfolio.yaml, over ranges that come along."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from creditrisk.config.strict import Strict


class Span(Strict):
    """Where one parameter is looked for; one value, when `low` equals `high`, holds it there."""

    low: float
    """The least that is tried."""
    high: float
    """The most that is tried."""
    log: bool = False
    """Are steps ratios, as for a learning rate? Then `low` is above 0."""
    whole: bool = False
    """Whole numbers only."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.high:
            raise ValueError("low must not lie above high")
        if self.log and self.low <= 0:
            raise ValueError("log needs a low above 0")
        if self.whole and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError("whole needs whole numbers")
        return self


SPANS: dict[str, dict[str, Span]] = {
    "lightgbm": {
        "learning_rate": Span(low=0.01, high=0.1, log=True),
        "num_leaves": Span(low=4, high=64, log=True, whole=True),
        "min_data_in_leaf": Span(low=10, high=500, log=True, whole=True),
        "bagging_fraction": Span(low=0.5, high=1.0),
        "feature_fraction": Span(low=0.1, high=1.0),
        "lambda_l2": Span(low=0.1, high=100.0, log=True),
    },
    "logistic": {
        "l2": Span(low=1.0, high=3000.0, log=True),
        "clip_share": Span(low=0.0005, high=0.02, log=True),
    },
    "random_forest": {
        "max_depth": Span(low=4, high=16, whole=True),
        "min_child_weight": Span(low=2.0, high=200.0, log=True),
        "subsample": Span(low=0.3, high=1.0),
        "colsample_bynode": Span(low=0.05, high=0.6, log=True),
        "reg_lambda": Span(low=0.1, high=100.0, log=True),
    },
    "scorecard": {
        "characteristics_max": Span(low=8, high=40, whole=True),
        "correlation_max": Span(low=0.5, high=0.9),
        "bins_max": Span(low=3, high=10, whole=True),
        "bin_share_min": Span(low=0.02, high=0.1, log=True),
        "l2": Span(low=0.1, high=100.0, log=True),
    },
    "xgboost": {
        "learning_rate": Span(low=0.01, high=0.1, log=True),
        "max_depth": Span(low=2, high=8, whole=True),
        "min_child_weight": Span(low=1.0, high=200.0, log=True),
        "subsample": Span(low=0.5, high=1.0),
        "colsample_bytree": Span(low=0.1, high=1.0),
        "reg_lambda": Span(low=0.1, high=100.0, log=True),
    },
}
"""By estimator, unless the book says otherwise; rounds are not among them, since trees stop early."""


class Tuning(Strict):
    """What `creditrisk tune` looks for, and where."""

    objective: Literal["log_loss", "roc_auc"] = "log_loss"
    """Out of fold, pooled: log loss of the calibrated PD, which asks for a true PD and not for its order alone."""
    trials: Annotated[int, Field(ge=1)] = 40
    """In all, those of earlier runs of the same study among them."""
    spans: dict[str, dict[str, Span]] = Field(default={})
    """By estimator and parameter, over the ranges that come along (docs/compare-and-tune.md)."""

    def spans_of(self, estimator: str) -> dict[str, Span]:
        """Of each parameter that is searched, by name."""
        return dict(sorted({**SPANS.get(estimator, {}), **self.spans.get(estimator, {})}.items()))
