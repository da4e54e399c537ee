"""The features' query, planned once, over rows that come and go."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from creditrisk.config import SqlFile
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadConfig
from creditrisk.features import PreparedFeatures

SCHEMA = {"application": {"loan_id": "BIGINT", "asked": "DECIMAL(12,2)"}, "payments": {"loan_id": "BIGINT"}}
EMPTY = {
    "application": pa.table({"loan_id": pa.array([], pa.int64()), "asked": pa.array([], pa.decimal128(12, 2))}),
    "payments": pa.table({"loan_id": pa.array([], pa.int64())}),
}
SQL = (
    SqlFile("paid", "select loan_id, count(*) as paid from payments group by loan_id", "paid.sql"),
    SqlFile(
        "out",
        "select a.loan_id, a.asked, sum(cast(a.asked as hugeint)) over () as all_asked, p.paid, 'x' as word "
        "from application as a left join paid as p on p.loan_id = a.loan_id",
        "out.sql",
    ),
)


def _features(*names: str) -> PreparedFeatures:
    settings = DuckSettings("200MB", 1)
    return PreparedFeatures(settings, EMPTY, SQL, SCHEMA, key="loan_id", features=names)


def _application(*keys: int) -> pa.Table:
    return pa.table({"loan_id": keys, "asked": [Decimal(key) for key in keys]}, schema=EMPTY["application"].schema)


def test_rows_come_by_key_whatever_their_order() -> None:
    keys = [7, 3, 11, 5]
    found = _features("paid").of({"application": _application(*keys), "payments": pa.table({"loan_id": [5, 5, 7]})})
    assert found.to_pydict() == {"loan_id": [3, 5, 7, 11], "paid": [None, 2, 1, None]}


def test_a_table_that_nobody_asked_for_gives_nothing_and_its_rows_are_forgotten() -> None:
    features = _features("paid")
    with_payments = {"application": _application(1), "payments": pa.table({"loan_id": [1, 1]})}
    assert features.rows_of(with_payments) == [(1, 2)]
    assert features.rows_of({"application": _application(1)}) == [(1, None)]
    assert features.rows_of(with_payments | {"payments": EMPTY["payments"]}) == [(1, None)]


def test_numbers_wider_than_a_double_keep_their_type() -> None:
    features = _features("asked", "all_asked", "word")
    rows = features.rows_of({"application": _application(2, 4)})
    assert rows == [(2, Decimal(2), 6, "x"), (4, Decimal(4), 6, "x")]
    assert pa.types.is_decimal(features.as_table(rows).schema.field("asked").type)
    assert features.as_table(rows, ["all_asked"]).column("all_asked").to_pylist() == [6, 6]


def test_a_feature_that_the_sql_does_not_make_names_the_file() -> None:
    with pytest.raises(BadConfig, match="unmade"):
        _features("unmade")
