"""The models of a training, fitted by xgboost.spark where the rows lie; what comes here is one number a row.

The same parameters, directions, seed, early stopping and vocabularies as on one machine: what differs is that each
worker holds a part of the rows, so that a feature's bins come from merged sketches.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.errors import BadConfig, BadData, CreditRiskError
from creditrisk.modelling.estimators import Estimator, Learning, OnRound, XGBoostTrees
from creditrisk.modelling.estimators.base import wait_asleep
from creditrisk.modelling.estimators.xgboost_trees import fixed_settings
from creditrisk.modelling.out_of_fold import Development, Fold, stable_shares
from creditrisk.modelling.preprocess import Preprocess, refuse_infinite, refuse_too_many

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from creditrisk.config import Balance

type Floats = NDArray[np.float64]
type Batches = Iterator[pa.RecordBatch]

FOLD, TARGET, STOPPING, VALUES = "fold", "target", "stopping", "values"
ENCODED = f"{VALUES} array<float>, {TARGET} double, {STOPPING} boolean"


def refuse_unlearnable(estimator: str, balance: Balance) -> None:
    """Raises BadConfig for what xgboost.spark cannot do."""
    if estimator != XGBoostTrees.name:
        raise BadConfig(
            f'the estimator "{estimator}" is not trained on Spark',
            where="training.estimator",
            hint="write `estimator: xgboost`, or train on one machine with `engine: duckdb`",
        )
    if balance.method != "none":
        raise BadConfig(
            f'rows are not balanced by "{balance.method}" on Spark',
            where="training.balance.method",
            hint="write `balance: {method: none}` (the PD is calibrated either way), or train with `engine: duckdb`",
        )


@dataclass(frozen=True)
class OnSpark:
    """rows: the development rows, with `key`, `fold`, `target` and the features, in as many partitions as workers.

    shown: key and features of the rows that the model is described by, sorted by key.
    stopping_share, seed: who tells the trees when to stop, as on one machine.
    run: runs a job on the cluster; its errors become ours.
    """

    rows: DataFrame
    key: str
    features: tuple[str, ...]
    shown: pa.Table
    workers: int
    stopping_share: float
    seed: int
    _seen: dict[str, list[tuple[int, Preprocess]]] = field(default_factory=dict)

    def fold(self, development: Development, estimator: type[Estimator], learning: Learning, fold: int) -> Fold:
        return _FoldThere(self, development, estimator, learning, fold)

    def refit(self, estimator: type[Estimator], learning: Learning, rounds: int) -> tuple[Preprocess, Estimator]:  # noqa: ARG002
        """On every row."""
        preprocess = self.vocabulary(None, learning)
        return preprocess, self.fitted(self.rows, preprocess, learning, rounds=rounds)

    def vocabulary(self, without: int | None, learning: Learning) -> Preprocess:
        """Of all rows but those of one fold."""
        if "parts" not in self._seen:
            self._seen["parts"] = list(self._looked(learning.blanks))  # one pass over the rows serves all folds
        return merged([part for fold, part in self._seen["parts"] if fold != without], learning.blanks)

    def _looked(self, blanks: Mapping[str, int]) -> Iterator[tuple[int, Preprocess]]:
        """What each partition saw of each fold."""
        look = partial(_look, features=self.features, blanks=dict(blanks))
        told = collected(self.rows.select(FOLD, *map(ticked, self.features)).mapInArrow(look, "told string"))
        for each in map(json.loads, told["told"].to_pylist()):
            if "error" in each:
                raise BadData(**each["error"])
            yield each["fold"], Preprocess.from_json(each)

    def fitted(
        self, rows: DataFrame, preprocess: Preprocess, learning: Learning, *, rounds: int | None = None
    ) -> XGBoostTrees:
        """Trees of these rows, of exactly so many rounds; else the early-stopping rows among them say when to stop."""
        wait_asleep()
        from xgboost.spark import SparkXGBRegressor

        logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
        settings = {**XGBoostTrees.settings(learning.parameters), **fixed_settings(learning)}
        patience, most = settings.pop("early_stopping_rounds"), settings.pop("rounds")
        del settings["nthread"]  # xgboost.spark takes spark.task.cpus
        share = self.stopping_share if rounds is None else 0.0
        encode = partial(_encoded, preprocess=preprocess, key=self.key, seed=self.seed, share=share)
        # Of a regression with the same objective: a classification first counts the classes, one pass over all rows.
        learner = SparkXGBRegressor(
            features_col=VALUES,
            label_col=TARGET,
            feature_names=list(preprocess.names),
            feature_types=["c" if one.kind == "category" else "float" for one in preprocess.features],
            n_estimators=rounds or most,
            num_workers=self.workers,
            verbose=False,
            **({} if rounds else {"validation_indicator_col": STOPPING, "early_stopping_rounds": patience}),
            **settings,
        )
        with ran("training"):
            model = learner.fit(rows.mapInArrow(encode, ENCODED))
        booster = model.get_booster()
        if rounds is not None:
            return XGBoostTrees(booster, preprocess.features, threads=learning.threads)
        history = tuple(model.training_summary.validation_objective_history["logloss"])
        best = booster.best_iteration + 1
        return XGBoostTrees(
            booster[:best], preprocess.features, threads=learning.threads, history=history, grown=booster
        )

    def margins(self, rows: DataFrame, model: Estimator, preprocess: Preprocess) -> pa.Table:
        """key and margin of these rows, in any order."""
        tell = partial(_margins, key=self.key, preprocess=preprocess, files=model.to_files())
        kind = rows.schema[self.key].dataType.simpleString()
        return collected(rows.mapInArrow(tell, f"{ticked(self.key)} {kind}, margin double"))


class _FoldThere(Fold):
    def __init__(
        self, place: OnSpark, development: Development, estimator: type[Estimator], learning: Learning, fold: int
    ) -> None:
        super().__init__(development, estimator, fold)
        self.place = place
        self.preprocess = place.vocabulary(fold, learning)
        self.learning = replace(learning, features=self.preprocess.features)

    def stopped(self, on_round: OnRound) -> Estimator:  # noqa: ARG002
        return self.place.fitted(self._outside(), self.preprocess, self.learning)

    def grown_to(self, rounds: int) -> Estimator:
        keep = partial(_fitting, key=self.place.key, seed=self.place.seed, share=self.place.stopping_share)
        outside = self._outside()
        return self.place.fitted(
            outside.mapInArrow(keep, outside.schema), self.preprocess, self.learning, rounds=rounds
        )

    def margins(self, model: Estimator) -> Floats:
        from pyspark.sql import functions

        inside = self.place.rows.filter(functions.col(FOLD) == self.fold)
        told = self.place.margins(inside, model, self.preprocess)
        keys = self.development.table[self.place.key].filter(pa.array(self.inside))
        places = pc.index_in(keys, value_set=told[self.place.key].combine_chunks().cast(keys.type))
        if places.null_count or told.num_rows != len(keys):
            raise BadData(
                f"fold {self.fold} has {told.num_rows} rows on the cluster and {len(keys)} here",
                where="training",
                hint="run the split stage again",
            )
        return np.asarray(told["margin"].to_numpy()[places.to_numpy()], dtype=np.float64)

    def _outside(self) -> DataFrame:
        from pyspark.sql import functions

        return self.place.rows.filter(functions.col(FOLD) != self.fold)


def merged(parts: Sequence[Preprocess], blanks: Mapping[str, int]) -> Preprocess:
    """What the parts saw together: all words, and of the blanks the worst one."""
    features = []
    for alike in zip(*(part.features for part in parts), strict=True):
        name = alike[0].name
        stated = [one.blank for one in alike if one.blank is not None]
        words = sorted({word for one in alike for word in one.categories})
        blank = (max(stated) if blanks.get(name, 0) > 0 else min(stated)) if stated else None
        refuse_too_many(words, name)
        features.append(replace(alike[0], categories=tuple(words), blank=blank))
    return Preprocess(tuple(features))


def ticked(name: str) -> str:
    """A column's name as Spark's SQL takes it."""
    return "`" + name.replace("`", "``") + "`"


def collected(frame: DataFrame) -> pa.Table:
    """The rows of a small frame, here."""
    with ran("training"):
        return frame.toArrow()


@contextmanager
def ran(where: str) -> Iterator[None]:
    """What a worker of ours, XGBoost or the cluster says, as our errors."""
    from creditrisk.spark import translated

    try:
        with translated(where):
            yield
    except CreditRiskError as error:
        said = str(error.__cause__ or "")
        if wrong := re.search(r"XGBoostError: (?:\[[\d:]+\] )?(?:\S+:\d+: )?([^\n]+)", said):
            raise BadConfig(
                f"XGBoost: {wrong[1]}", where=f"portfolio.yaml, training.parameters.{XGBoostTrees.name}"
            ) from error
        raise


def _look(batches: Batches, *, features: Sequence[str], blanks: Mapping[str, int]) -> Batches:
    """On a worker: the words and the worst values of each fold, or what is wrong with the rows, as JSON."""
    seen: dict[int, Preprocess] = {}
    try:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            refuse_infinite(table, features)
            for fold in pc.unique(table[FOLD]).to_pylist():
                own = Preprocess.fit(table.filter(pc.equal(table[FOLD], fold)), features, blanks=blanks)
                seen[fold] = merged([seen[fold], own], blanks) if fold in seen else own
        told = [{"fold": fold, **own.to_json()} for fold, own in seen.items()]
    except BadData as error:
        told = [{"error": {"what": error.what, "where": error.where, "hint": error.hint}}]
    if told:
        yield pa.RecordBatch.from_pydict({"told": [json.dumps(each) for each in told]})


def _encoded(batches: Batches, *, preprocess: Preprocess, key: str, seed: int, share: float) -> Batches:
    """On a worker: what the trees see of each row."""
    for batch in batches:
        table = pa.Table.from_batches([batch])
        values = preprocess.matrix(table).values
        ends = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
        yield pa.RecordBatch.from_arrays(
            [
                pa.ListArray.from_arrays(pa.array(ends), pa.array(values.ravel())),
                table[TARGET].cast(pa.float64()).combine_chunks(),
                pa.array(stable_shares(table[key].to_pylist(), seed) < share),
            ],
            names=[VALUES, TARGET, STOPPING],
        )


def _fitting(batches: Batches, *, key: str, seed: int, share: float) -> Batches:
    """On a worker: the rows without those that tell when to stop."""
    for batch in batches:
        yield batch.filter(pa.array(stable_shares(batch[key].to_pylist(), seed) >= share))


def _margins(batches: Batches, *, key: str, preprocess: Preprocess, files: Mapping[str, bytes]) -> Batches:
    """On a worker: what the trees say of each row."""
    model = XGBoostTrees.from_files(files, preprocess.features)
    for batch in batches:
        values = preprocess.matrix(pa.Table.from_batches([batch])).values
        yield pa.RecordBatch.from_arrays([batch[key], pa.array(model.margin(values))], names=[key, "margin"])
