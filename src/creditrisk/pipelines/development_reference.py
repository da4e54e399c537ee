"""What only a run knows of the development rows: their raw columns, grades, decisions and what came of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import MAIN, Book
from creditrisk.modelling.reference import calibration_by_grade, raw_histogram, with_answers
from creditrisk.modelling.train import TrainedModel
from creditrisk.pipelines.context import Context
from creditrisk.scoring import VERDICTS, grades, knocked_out, verdicts

CALIBRATION_PART = "the calibration part, each row by a model and a calibrator that never saw its fold"


def with_whole_reference(context: Context, model: TrainedModel, development: pa.Table) -> TrainedModel:
    """The model with all that its `reference.json` holds. development: the rows it learnt from, sorted by key."""
    rows, policy = model.described, model.policy
    pd = rows["pd"].to_numpy()
    grade = grades(pd, policy)
    declined = knocked_out(policy.knock_out, development).any(axis=1)
    decision = np.where(declined, len(VERDICTS) - 1, verdicts(pd, policy))
    told = with_answers(
        model.reference,
        _rows_of(policy.grade_names, grade),
        _rows_of(VERDICTS, decision),
    )
    checked = np.asarray(pc.equal(rows["part"], "calibration").to_numpy())
    target = rows["target"].to_numpy().astype(np.float64)
    told["calibration"] = calibration_by_grade(
        target[checked], pd[checked], grade[checked], policy.grade_names, CALIBRATION_PART
    )
    told["raw"] = _raw(context, development[context.book.key])
    return replace(model, reference=told)


def raw_columns(book: Book) -> list[str]:
    """Columns of the main table that a feature may read and that are no names of rows."""
    known = {column.name for column in book.contracts[MAIN].columns}
    return [name for name in book.feature_columns[MAIN] if name in known and name not in book.joins(MAIN)]


def _raw(context: Context, keys: pa.ChunkedArray[Any]) -> dict[str, Any]:
    path = context.folder.table(MAIN)
    there = set(pq.read_schema(path).names)
    learnt = pc.is_in(pq.read_table(path, columns=[context.book.key])[context.book.key], value_set=keys)
    told = {}
    for name in raw_columns(context.book):
        if name in there:
            histogram = raw_histogram(pq.read_table(path, columns=[name])[name].filter(learnt))
            if histogram is not None:
                told[f"{MAIN}.{name}"] = histogram
    return told


def _rows_of(names: list[str] | tuple[str, ...], places: Any) -> dict[str, int]:
    return dict(zip(names, np.bincount(places, minlength=len(names)).tolist(), strict=True))
