"""One row an application, its key and the features, sorted by key; absent children are told."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow.parquet as pq
import pytest

from creditrisk.errors import Refused
from creditrisk.pipelines import build_feature_store, check_data, ingest_data
from creditrisk.pipelines.context import Context


def test_the_feature_table_has_a_sorted_row_for_everybody(finished: Context) -> None:
    table = pq.read_table(finished.folder.feature_store)
    assert table["loan_id"].to_pylist() == list(range(1, 601))
    assert {"income", "debt_to_income", "payment_days_late_max"} < set(table.column_names)
    assert not {"sex", "bad", "recovered"} & set(table.column_names)


def test_an_absent_child_table_is_told_and_its_features_are_empty(fresh: Callable[..., Context]) -> None:
    context = fresh()
    (context.raw / "payments.csv").unlink()
    ingest_data.run(context)
    check_data.run(context)
    assert build_feature_store.run(context)["absent_tables"] == ["payments"]
    table = pq.read_table(context.folder.feature_store)
    assert table["payment_sum"].null_count == table.num_rows


def test_unchecked_tables_make_no_features(fresh: Callable[..., Context]) -> None:
    context = fresh()
    ingest_data.run(context)
    with pytest.raises(Refused):
        build_feature_store.run(context)
    assert not context.folder.feature_store.exists()
