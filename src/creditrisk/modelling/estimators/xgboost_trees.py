"""Gradient-boosted trees by XGBoost, native categories through our own codes, saved in XGBoost's own format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from creditrisk.errors import BadConfig, BrokenFile
from creditrisk.modelling.estimators.base import (
    Estimator,
    Floats,
    Learning,
    OnRound,
    Rows,
    Values,
    checked_settings,
    direction_signs,
    shares,
    wait_asleep,
)
from creditrisk.modelling.preprocess import Feature

MODEL_FILE = "model.ubj"

DEFAULTS: dict[str, Any] = {
    "rounds": 3000,
    "early_stopping_rounds": 50,
    "learning_rate": 0.05,
    "max_depth": 4,
    "min_child_weight": 50.0,
    "subsample": 0.8,
    "colsample_bytree": 0.3,
    "reg_lambda": 5.0,
    "max_bin": 256,
    "max_cat_to_onehot": 8,
}
ALSO_KNOWN = {
    "gamma", "reg_alpha", "max_leaves", "grow_policy", "colsample_bylevel", "colsample_bynode", "max_delta_step",
    "max_cat_threshold", "scale_pos_weight", "num_parallel_tree", "interaction_constraints",
}  # fmt: skip


class XGBoostTrees(Estimator):
    """parameters: XGBoost's own names, and `rounds` (at most), `early_stopping_rounds`."""

    name: ClassVar[str] = "xgboost"
    stops_early: ClassVar[bool] = True

    def __init__(
        self,
        booster: Any,
        features: tuple[Feature, ...],
        *,
        threads: int,
        history: tuple[float, ...] = (),
        grown: Any = None,
    ) -> None:
        self.booster = booster
        self.features = features
        self.threads = threads
        self.history = history
        self.rounds = booster.num_boosted_rounds()
        self.grown = grown

    @classmethod
    def settings(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        return checked_settings(cls.name, DEFAULTS, ALSO_KNOWN, given)

    @classmethod
    def fit(
        cls,
        rows: Rows,
        learning: Learning,
        *,
        evaluation: Rows | None = None,
        rounds: int | None = None,
        on_round: OnRound | None = None,
    ) -> Self:
        settings = cls.settings(learning.parameters)
        patience, most_rounds = settings.pop("early_stopping_rounds"), settings.pop("rounds")
        history: dict[str, dict[str, list[float]]] = {}
        booster = cls._grown(
            settings,
            rows,
            learning,
            rounds=rounds or most_rounds,
            callbacks=[_rounds_callback(on_round)] if on_round else None,
            history=history,
            held_out=evaluation,
            patience=patience,
        )
        if evaluation is None:
            return cls(booster, learning.features, threads=learning.threads)
        best, losses = booster.best_iteration + 1, tuple(history["stop"]["logloss"])
        return cls(booster[:best], learning.features, threads=learning.threads, history=losses, grown=booster)

    @classmethod
    def _grown(
        cls,
        settings: Mapping[str, Any],
        rows: Rows,
        learning: Learning,
        *,
        rounds: int,
        callbacks: list[Any] | None = None,
        history: dict[str, dict[str, list[float]]] | None = None,
        held_out: Rows | None = None,
        patience: int | None = None,
    ) -> Any:
        """XGBoost's booster. Raises BadConfig in XGBoost's own words."""
        xgb = _xgboost()

        train = _table(rows.values, learning.features, learning.threads, rows)
        watched = {}
        if held_out is not None:
            stopping = _table(held_out.values, learning.features, learning.threads, held_out)
            watched = {"evals": [(stopping, "stop")], "early_stopping_rounds": patience}
        try:
            return xgb.train(
                {**settings, **fixed_settings(learning)},
                train,
                num_boost_round=rounds,
                evals_result=history,
                verbose_eval=False,
                callbacks=callbacks,
                **watched,
            )
        except xgb.core.XGBoostError as error:
            what = str(error).partition("\n")[0]
            raise BadConfig(f"XGBoost: {what}", where=f"portfolio.yaml, training.parameters.{cls.name}") from error

    def after(self, rounds: int) -> Self | None:
        if self.grown is None or self.grown.num_boosted_rounds() < rounds:
            return super().after(rounds)
        return type(self)(self.grown[:rounds], self.features, threads=self.threads, history=self.history)

    def margin(self, values: Values) -> Floats:
        if not len(values):
            return np.empty(0)
        margins = self.booster.inplace_predict(values, predict_type="margin", validate_features=False)
        return np.asarray(margins, dtype=np.float64)

    def contributions(self, values: Values) -> Floats:
        if not len(values):
            return np.empty((0, len(self.features) + 1))
        # Without names, which cost five times what one row's contributions do; the trees know what is a category.
        rows = _xgboost().DMatrix(values, nthread=self.threads, missing=np.nan)
        told = self.booster.predict(rows, pred_contribs=True, validate_features=False)
        return np.asarray(told, dtype=np.float64)

    def reads(self) -> frozenset[int]:
        splits = self.booster.get_score(importance_type="weight")
        return frozenset(place for place, feature in enumerate(self.features) if feature.name in splits)

    def importance(self) -> dict[str, float]:
        gains = self.booster.get_score(importance_type="total_gain")
        return shares({feature.name: float(gains.get(feature.name, 0.0)) for feature in self.features})

    def to_files(self) -> dict[str, bytes]:
        return {MODEL_FILE: bytes(self.booster.save_raw("ubj"))}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], features: tuple[Feature, ...], *, threads: int = 1) -> Self:
        xgb = _xgboost()

        booster = xgb.Booster({"nthread": threads})
        try:
            booster.load_model(bytearray(files[MODEL_FILE]))
        except (KeyError, xgb.core.XGBoostError) as error:
            raise BrokenFile("not a model that XGBoost can read", where=MODEL_FILE) from error
        if booster.num_features() != len(features):
            raise BrokenFile(
                f"the trees take {booster.num_features()} features, preprocess.json has {len(features)}",
                where=MODEL_FILE,
            )
        return cls(booster, features, threads=threads)


def _xgboost() -> Any:
    wait_asleep()
    import xgboost

    return xgboost


def fixed_settings(learning: Learning) -> dict[str, Any]:
    """What a book cannot choose."""
    return {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "seed": learning.seed,
        "nthread": learning.threads,
        "monotone_constraints": direction_signs(learning),
    }


def _table(values: Values, features: tuple[Feature, ...], threads: int, rows: Rows | None = None) -> Any:
    # A plain DMatrix: on 177,000 rows by 330 columns its bins cost 6 CPU seconds, QuantileDMatrix's 11.
    return _xgboost().DMatrix(
        values,
        rows.target if rows else None,
        weight=rows.weights if rows else None,
        base_margin=None if rows is None or rows.start is None else np.full(len(values), rows.start),
        nthread=threads,
        missing=np.nan,
        enable_categorical=True,
        feature_names=[feature.name for feature in features],
        feature_types=["c" if feature.kind == "category" else "float" for feature in features],
    )


def _rounds_callback(on_round: OnRound) -> Any:
    xgb = _xgboost()

    class Rounds(xgb.callback.TrainingCallback):  # type: ignore[name-defined]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
            losses = evals_log.get("stop", {}).get("logloss", [])
            on_round(epoch + 1, losses[-1] if losses else None)
            return False

    return Rounds()
