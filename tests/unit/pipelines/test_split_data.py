"""Every application in one part; what fairness looks at stays apart from the features."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from creditrisk.errors import Refused
from creditrisk.pipelines import split_data
from creditrisk.pipelines.context import Context
from creditrisk.split import PARTS


def test_each_application_is_in_one_part(finished: Context) -> None:
    keys = [key for part in PARTS for key in pq.read_table(finished.folder.part(part))["loan_id"].to_pylist()]
    assert sorted(keys) == list(range(1, 601))


def test_prohibited_columns_are_kept_in_the_audit_table_alone(finished: Context) -> None:
    assert pq.read_schema(finished.folder.audit_table).names == ["loan_id", "sex"]
    assert "sex" not in pq.read_schema(finished.folder.part("train")).names


def test_another_feature_table_than_the_one_made_is_refused(own: Context) -> None:
    own.folder.feature_store.write_bytes(own.folder.part("test").read_bytes())
    with pytest.raises(Refused, match="feature_store"):
        split_data.run(own)
