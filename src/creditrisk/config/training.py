"""How a model is learnt: `training:` in portfolio.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from creditrisk.config.strict import OpenShare, Strict


class Balance(Strict):
    """Other shares of bads and goods among the rows that are fitted; every other row stays as it is."""

    method: Literal["none", "class_weight", "smote", "down_sample", "smote_and_down_sample"] = "none"
    """How. Whatever it is, the PD is calibrated on rows that it never touched."""
    smote_to: Annotated[float, Field(gt=0.0, le=1.0)] = 0.25
    """Bads for each good once SMOTE has invented bads."""
    down_sample_to: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Bads for each good once goods have been left out."""
    neighbours: Annotated[int, Field(ge=1, le=50)] = 5
    """Of a bad, among bads: SMOTE invents rows between it and one of them."""


class Training(Strict):
    estimator: str = "xgboost"
    """Which family of models: lightgbm, logistic, random_forest or xgboost."""
    parameters: dict[str, dict[str, Any]] = Field(default={})
    """By estimator."""
    early_stopping_share: OpenShare = 0.1
    """Of each fold's training rows: they only tell when to stop."""
    balance: Balance = Balance()
    """Whether bads and goods are fitted as they come (the default) or balanced first."""
    calibration: tuple[Literal["platt", "isotonic"], ...] = ("platt", "isotonic")
    """Candidates; the one with the better log loss on the calibration part is served."""
    threads: Annotated[int, Field(ge=1)] = 2
    """Of the estimator."""
    seed: int = 20260101
    """Of everything random in training."""
