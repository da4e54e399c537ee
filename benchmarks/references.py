"""What our users would pick instead, from public tools only; each runs as a process of its own.

python -m benchmarks.references pandas_features RAW OUT     seven CSVs to one row an application: pandas and pandera
python -m benchmarks.references smote PROCESSED OUT         PDs by XGBoost after SMOTE and down-sampling, as they come
python -m benchmarks.references boosting CSV OUT            LendingClub, before 2011 to 2011, by XGBoost's wrapper
python -m benchmarks.references pandas_scores MODEL FEATURES OUT    a feature table to PDs, by the wrapper
python -m benchmarks.references trees_alone MODEL FEATURES OUT      rows a second of XGBoost over a ready matrix
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creditrisk.config import MAIN, Book, Column, load_book

TREES = {"n_estimators": 300, "learning_rate": 0.05, "max_depth": 4, "subsample": 0.8, "colsample_bytree": 0.5,
         "tree_method": "hist", "random_state": 7, "n_jobs": 2}  # fmt: skip
FIGURES = ["mean", "min", "max", "sum", "std"]
SMOTE_SHARE, SMOTE_KEPT = 0.3, 0.5
"""Bads to goods after SMOTE; bads to goods after goods were left out."""
MATRIX_ROWS, TREES_S = 100_000, 5.0
"""Of the trees alone: rows scored at a time, and how long."""


def pandas_features(raw: Path, out: Path) -> None:
    """Every numeric child column's five figures by application, and categories of the application as codes."""
    import pandas as pd
    import pandera.pandas as pa

    book = load_book("home_credit")

    def read(name: str) -> Any:
        table = pd.read_csv(raw / f"{book.portfolio.tables[name].file}.csv")
        columns = {
            column.name: pa.Column(nullable=True, required=False, checks=_checks(pa, column))
            for column in book.contracts[name].columns
        }
        with suppress(pa.errors.SchemaErrors):  # told, and gone on with
            pa.DataFrameSchema(columns, strict=False).validate(table, lazy=True)
        return table

    key = book.key
    rows = read(MAIN)
    credit_of = None
    for name, table in book.portfolio.tables.items():
        if name == MAIN:
            continue
        child = read(name)
        if table.parent != MAIN:
            child = child.merge(credit_of, on=table.foreign_key, how="inner")
        if name == "bureau":
            credit_of = child[[key, "SK_ID_BUREAU"]]
        numbers = [one for one in child.columns if child[one].dtype.kind in "fi" and not one.startswith("SK_ID")]
        made = child.groupby(key)[numbers].agg(FIGURES)
        made.columns = [f"{name}.{column}.{figure}" for column, figure in made.columns]
        rows = rows.merge(made, left_on=key, right_index=True, how="left")
    words = [one for one in rows.columns if rows[one].dtype.kind not in "fi"]
    rows[words] = rows[words].apply(lambda column: pd.factorize(column)[0])
    rows.to_parquet(out)


def _checks(pa: Any, column: Column) -> list[Any]:
    low, high = column.min, column.max
    return [
        *([pa.Check.ge(low)] if low is not None and column.type != "text" else []),
        *([pa.Check.le(high)] if high is not None and column.type != "text" else []),
    ]


def smote(processed: Path, out: Path) -> None:
    """PDs of the test part by our own features, balanced as two earlier projects did and taken as they come."""
    import pandas as pd
    from imblearn.over_sampling import SMOTE
    from imblearn.under_sampling import RandomUnderSampler
    from xgboost import XGBClassifier

    parts = {part: pd.read_parquet(processed / f"{part}.parquet") for part in ("train", "calibration", "test")}
    rows = pd.concat(parts.values(), ignore_index=True)
    y, key = rows["target"].to_numpy(), rows.columns[0]
    values = rows.drop(columns=[key, "target", "date", "fold"], errors="ignore")
    words = [one for one in values.columns if values[one].dtype.kind not in "fiub"]
    values[words] = values[words].apply(lambda column: pd.factorize(column)[0])
    numbers = np.nan_to_num(values.to_numpy(dtype=np.float32), nan=-1.0)
    test = np.arange(len(rows)) >= len(rows) - len(parts["test"])
    more, its = SMOTE(sampling_strategy=SMOTE_SHARE, random_state=7).fit_resample(numbers[~test], y[~test])
    less, its = RandomUnderSampler(sampling_strategy=SMOTE_KEPT, random_state=7).fit_resample(more, its)
    model = XGBClassifier(**TREES).fit(less, its)
    pds = model.predict_proba(numbers[test])[:, 1]
    pd.DataFrame({key: rows.loc[test, key], "target": y[test], "pd": pds}).to_parquet(out)


def boosting(source: Path, out: Path) -> None:
    """PDs of the loans of 2011. The columns that a careful reader of the data's own dictionary would keep."""
    import pandas as pd
    from xgboost import XGBClassifier

    book = load_book("lending_club")
    kept = [column.name for column in book.contracts[MAIN].columns
            if column.available in ("application", "bureau") and not _barred(book, column.name)]  # fmt: skip
    rows = pd.read_csv(source, usecols=lambda name: name in {*kept, "issue_d", "loan_status"}, low_memory=False)
    status = rows["loan_status"].astype(str).str.replace("Does not meet the credit policy. Status:", "", regex=False)
    known = status.isin(["Fully Paid", "Charged Off", "Default"])
    rows, status = rows[known], status[known]
    year = pd.to_datetime(rows["issue_d"], format="%b-%Y").dt.year.to_numpy()
    y = (status != "Fully Paid").to_numpy(dtype=np.int8)
    values = _numbers(rows[[name for name in kept if name in rows]])
    model = XGBClassifier(**TREES).fit(values[year < 2011], y[year < 2011])
    test = year == 2011
    pd.DataFrame({"target": y[test], "pd": model.predict_proba(values[test])[:, 1]}).to_parquet(out)


def _barred(book: Book, name: str) -> bool:
    words = {"desc", "title", "emp_title", "url"}
    return name in book.portfolio.policy.kept_apart or name in words


def _numbers(rows: Any) -> NDArray[np.float32]:
    import pandas as pd

    made = {}
    for name in rows.columns:
        column = rows[name]
        if column.dtype.kind not in "fi":
            number = pd.to_numeric(column.astype(str).str.strip().str.rstrip("%").str.removesuffix(" months"),
                                   errors="coerce")  # fmt: skip
            dates = pd.to_datetime(column, format="%b-%Y", errors="coerce")
            column = (
                number if number.notna().any() else dates.dt.year * 12 + dates.dt.month if dates.notna().any()
                else pd.Series(pd.factorize(column)[0], index=column.index)
            )  # fmt: skip
        made[name] = column
    return np.asarray(pd.DataFrame(made).to_numpy(dtype=np.float32))


def pandas_scores(model: Path, features: Path, out: Path) -> None:
    """The whole table in memory, as most notebooks do it. model: XGBoost's own file."""
    import pandas as pd
    from xgboost import XGBClassifier

    trees = XGBClassifier()
    trees.load_model(model)
    table = pd.read_parquet(features)
    names = json.loads(model.with_suffix(".names.json").read_text(encoding="utf-8"))
    words = [one for one in names if table[one].dtype.kind not in "fiub"]
    table[words] = table[words].apply(lambda column: pd.factorize(column)[0])
    values = table[names].astype(np.float32)
    pd.DataFrame({table.columns[0]: table.iloc[:, 0], "pd": trees.predict_proba(values)[:, 1]}).to_parquet(out)


def trees_alone(model: Path, features: Path, out: Path) -> None:
    """The floor of `pandas_scores`: XGBoost on every core, again and again over a matrix that is ready in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from xgboost import Booster

    names = json.loads(model.with_suffix(".names.json").read_text(encoding="utf-8"))
    batch = next(pq.ParquetFile(features).iter_batches(MATRIX_ROWS, columns=names))
    columns = (one.dictionary_encode().indices if pa.types.is_string(one.type) else one for one in batch.columns)
    values = np.column_stack([one.to_numpy(zero_copy_only=False).astype(np.float32) for one in columns])
    trees = Booster({"nthread": os.cpu_count()}, model_file=model)
    trees.inplace_predict(values)
    began, rows = time.perf_counter(), 0
    while (seconds := time.perf_counter() - began) < TREES_S:
        trees.inplace_predict(values)
        rows += len(values)
    out.write_text(json.dumps({"rows_per_second": rows / seconds}), encoding="utf-8")


WAYS: dict[str, Callable[..., None]] = {
    "pandas_features": pandas_features,
    "smote": smote,
    "boosting": boosting,
    "pandas_scores": pandas_scores,
    "trees_alone": trees_alone,
}


def main() -> int:
    if len(sys.argv) < 3 or sys.argv[1] not in WAYS:
        print(__doc__)
        return 2
    warnings.simplefilter("ignore")
    WAYS[sys.argv[1]](*map(Path, sys.argv[2:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
