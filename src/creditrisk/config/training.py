"""How a model is learnt: `training:` in portfolio.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from creditrisk.config.strict import Number, OpenShare, Strict
from creditrisk.config.tuning import Tuning


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
    """Which family of models: lightgbm, logistic, random_forest, scorecard or xgboost."""
    parameters: dict[str, dict[str, Any]] = Field(default={})
    """By estimator."""
    early_stopping_share: OpenShare = 0.1
    """Of each fold's training rows: they only tell when to stop."""
    balance: Balance = Balance()
    """Whether bads and goods are fitted as they come (the default) or balanced first."""
    calibration: Annotated[tuple[Literal["platt", "beta", "isotonic"], ...], Field(min_length=1)] = (
        "platt", "beta", "isotonic",
    )  # fmt: skip
    """Candidates; the simplest is served unless one with more freedom wins beyond noise (docs/calibration.md)."""
    calibration_by: str | None = None
    """A feature of few levels: each level with enough bads gets a line of its own over the calibration of all rows."""
    long_run_default_rate: Number | None = None
    """Mean PD that the development rows are moved to, in (0, 1); empty = their own default rate."""
    tuning: Tuning = Tuning()
    """What `creditrisk tune` looks for, and where."""
    threads: Annotated[int, Field(ge=1)] = 2
    """Of the estimator."""
    seed: int = 20260101
    """Of everything random in training."""

    @field_validator("long_run_default_rate")
    @classmethod
    def _a_rate(cls, rate: Number | None) -> Number | None:
        if rate is not None and not 0.0 < rate.value < 1.0:
            raise ValueError("a default rate lies between 0 and 1, e.g. 0.08")
        return rate
