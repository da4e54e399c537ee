"""Stage 5 of the engine spark: the models are fitted on the cluster, and described by the rows that are here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.errors import Refused
from creditrisk.modelling.spark_fit import OnSpark, refuse_unlearnable
from creditrisk.modelling.train import TrainedModel, train
from creditrisk.pipelines.cluster import CHOSEN, DEVELOPMENT, at_cluster, reached, ticked
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.features_on_spark import need_state, workers_of


def train_there(context: Context, sample: pa.Table, features: tuple[str, ...]) -> tuple[TrainedModel, dict[str, Any]]:
    """The model, and what its report says of the cluster. sample: the development rows here, sorted by key."""
    book, portfolio, key = context.book, context.book.portfolio, context.book.key
    training = portfolio.training
    refuse_unlearnable(training.estimator, training.balance)
    state = need_state(context, "split")
    if DEVELOPMENT not in state["tables"]:
        raise Refused(
            "the rows to learn from are not on the cluster",
            where=str(context.folder.cluster),
            hint=f"creditrisk split {book.name} --engine spark",
        )
    assigned = pq.read_table(context.folder.assigned)
    learnt = assigned.filter(pc.not_equal(assigned["part"], "test")).rename_columns(
        [key if name == "key" else name for name in assigned.column_names]
    )
    with at_cluster(context) as cluster:
        whole = cluster.read(cluster.unchanged(state["tables"][DEVELOPMENT], "split"))
        workers = workers_of(cluster)
        with reached("training"):
            columns = [ticked(name) for name in (key, "fold", "target", *features)]
            rows = whole.select(*columns).repartition(workers, ticked(key)).sortWithinPartitions(ticked(key)).persist()
        try:
            if training.calibration_by in features:
                learnt = _with_column(learnt, rows, key, str(training.calibration_by))
            model = train(
                learnt,
                portfolio,
                book.reasons,
                features=features,
                elsewhere=OnSpark(
                    rows, key, features, sample.select([key, *features]), workers, training.early_stopping_share,
                    training.seed,
                ),
                progress=context.stage_progress("train"),
            )  # fmt: skip
        finally:
            rows.unpersist()
    told = {"rows": sample.num_rows, "of": learnt.num_rows, "chosen": CHOSEN}
    return replace(model, reference={**model.reference, "sample": told}), {
        "engine": "spark", "workers": workers, "sample": told,
    }  # fmt: skip


def _with_column(learnt: pa.Table, rows: Any, key: str, name: str) -> pa.Table:
    """One feature of all rows, to calibrate by."""
    with reached("training"):
        told = rows.select(ticked(key), ticked(name)).toArrow()
    places = pc.index_in(learnt[key], value_set=told[key].combine_chunks().cast(learnt[key].type))
    return learnt.append_column(name, told[name].take(places))
