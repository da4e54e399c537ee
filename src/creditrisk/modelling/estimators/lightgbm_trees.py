"""Gradient-boosted trees by LightGBM, native categories through our own codes, saved in LightGBM's own text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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

MODEL_FILE = "model.lightgbm.txt"

DEFAULTS: dict[str, Any] = {
    "rounds": 3000,
    "early_stopping_rounds": 50,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.3,
    "lambda_l2": 5.0,
    "max_bin": 255,
    "max_cat_to_onehot": 8,
}
ALSO_KNOWN = {
    "max_depth", "min_sum_hessian_in_leaf", "feature_fraction_bynode", "lambda_l1", "min_gain_to_split",
    "max_delta_step", "min_data_in_bin", "min_data_per_group", "max_cat_threshold", "cat_l2", "cat_smooth",
    "scale_pos_weight", "interaction_constraints", "extra_trees",
}  # fmt: skip


class LightGBMTrees(Estimator):
    """parameters: LightGBM's own names, and `rounds` (at most), `early_stopping_rounds`.

    The fitted model is read back from its own text before it scores a row, so that what was trained and what is served
    are the same numbers.
    """

    name: ClassVar[str] = "lightgbm"
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
        self.rounds = booster.num_trees()
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
        lgb = _lightgbm()

        settings = cls.settings(learning.parameters)
        patience, most_rounds = settings.pop("early_stopping_rounds"), settings.pop("rounds")
        parameters = {**settings, **_fixed(learning)}
        train = _dataset(rows, learning.features)
        watched: dict[str, Any] = {}
        callbacks = [_rounds_callback(on_round)] if on_round else []
        history: dict[str, dict[str, list[float]]] = {}
        if evaluation is not None:
            start = None if evaluation.start is None else evaluation.start - _log_odds(rows.default_rate)
            watched = {"valid_sets": [_dataset(evaluation, learning.features, train, start)], "valid_names": ["stop"]}
            callbacks += [lgb.record_evaluation(history), lgb.early_stopping(patience, verbose=False)]
        try:
            booster = lgb.train(
                parameters,
                train,
                num_boost_round=rounds or most_rounds,
                callbacks=callbacks,
                keep_training_booster=True,  # else the trees beyond the best round are gone
                **watched,
            )
        except lgb.basic.LightGBMError as error:
            what = str(error).partition("\n")[0]
            raise BadConfig(f"LightGBM: {what}", where=f"portfolio.yaml, training.parameters.{cls.name}") from error
        best = booster.best_iteration if evaluation is not None else -1
        text = booster.model_to_string(num_iteration=best)
        return cls(
            lgb.Booster(model_str=text),
            learning.features,
            threads=learning.threads,
            history=tuple(history.get("stop", {}).get("binary_logloss", ())),
            grown=lgb.Booster(model_str=booster.model_to_string(num_iteration=-1)),  # without the training rows
        )

    def after(self, rounds: int) -> Self | None:
        if self.grown is None or self.grown.num_trees() < rounds:
            return super().after(rounds)
        booster = _lightgbm().Booster(model_str=self.grown.model_to_string(num_iteration=rounds))
        return type(self)(booster, self.features, threads=self.threads, history=self.history)

    def margin(self, values: Values) -> Floats:
        if not len(values):
            return np.empty(0)
        return np.asarray(self.booster.predict(values, raw_score=True, num_threads=self.threads), dtype=np.float64)

    def contributions(self, values: Values) -> Floats:
        if not len(values):
            return np.empty((0, len(self.features) + 1))
        by_feature = self.booster.predict(values, pred_contrib=True, num_threads=self.threads)
        return np.asarray(by_feature, dtype=np.float64)

    def importance(self) -> dict[str, float]:
        gains = self.booster.feature_importance(importance_type="gain").tolist()
        return shares({feature.name: gain for feature, gain in zip(self.features, gains, strict=True)})

    def to_files(self) -> dict[str, bytes]:
        return {MODEL_FILE: self.booster.model_to_string(num_iteration=-1).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], features: tuple[Feature, ...], *, threads: int = 1) -> Self:
        lgb = _lightgbm()

        try:
            booster = lgb.Booster(model_str=_whole(files[MODEL_FILE].decode()))
        except (KeyError, ValueError, lgb.basic.LightGBMError) as error:
            raise BrokenFile("not a model that LightGBM can read", where=MODEL_FILE) from error
        if booster.num_feature() != len(features):
            raise BrokenFile(
                f"the trees take {booster.num_feature()} features, preprocess.json has {len(features)}",
                where=MODEL_FILE,
            )
        return cls(booster, features, threads=threads)


def _lightgbm() -> Any:
    wait_asleep()
    import lightgbm

    return lightgbm


def _whole(text: str) -> str:
    # LightGBM ends the process, or reads beyond its buffer, on some texts that it did not write.
    if not text.startswith("tree\n") or "\nend of trees\n" not in text:
        raise ValueError("neither beginning nor end of a LightGBM model")
    return text


def _fixed(learning: Learning) -> dict[str, Any]:
    """What a book cannot choose."""
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "monotone_constraints": list(direction_signs(learning)),
        # The other methods loosen bounds after a split, by more bookkeeping; this one holds by construction.
        "monotone_constraints_method": "basic",
        "seed": learning.seed,
        "deterministic": True,
        "force_row_wise": True,  # otherwise it times both ways at the start and takes the faster
        "feature_pre_filter": False,
        "num_threads": learning.threads,
        "verbosity": -1,
    }


def _dataset(rows: Rows, features: tuple[Feature, ...], reference: Any = None, start: float | None = None) -> Any:
    return _lightgbm().Dataset(
        np.ascontiguousarray(rows.values),
        rows.target,
        weight=rows.weights,
        init_score=None if start is None else np.full(len(rows.target), start),
        reference=reference,
        feature_name=_plain_names([feature.name for feature in features]),
        categorical_feature=[place for place, feature in enumerate(features) if feature.kind == "category"],
    )


def _plain_names(names: Sequence[str]) -> list[str]:
    """LightGBM refuses the marks of JSON in a name, and equal names."""
    plain = [re.sub(r"\W", "_", name) for name in names]
    return plain if len(set(plain)) == len(plain) else [f"{name}_{place}" for place, name in enumerate(plain)]


def _log_odds(rate: float) -> float:
    return float(np.log(rate / (1.0 - rate)))


def _rounds_callback(on_round: OnRound) -> Any:
    def told(environment: Any) -> None:
        results = environment.evaluation_result_list
        on_round(environment.iteration + 1, results[0][2] if results else None)

    return told
