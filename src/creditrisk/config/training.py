"""How a model is learnt: `training:` in portfolio.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from creditrisk.config.strict import OpenShare, Strict


class Training(Strict):
    estimator: str = "xgboost"
    """Which family of models: lightgbm, logistic, random_forest or xgboost."""
    parameters: dict[str, dict[str, Any]] = Field(default={})
    """By estimator."""
    early_stopping_share: OpenShare = 0.1
    """Of each fold's training rows: they only tell when to stop."""
    calibration: tuple[Literal["platt", "isotonic"], ...] = ("platt", "isotonic")
    """Candidates; the one with the better log loss on the calibration part is served."""
    threads: Annotated[int, Field(ge=1)] = 2
    """Of the estimator."""
    seed: int = 20260101
    """Of everything random in training."""
