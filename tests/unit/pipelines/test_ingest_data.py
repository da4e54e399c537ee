"""Raw tables become bronze, all or none; what a contract refuses leaves the last run's tables in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from creditrisk.errors import BadData, MissingInput
from creditrisk.files import PARTIAL
from creditrisk.pipelines import ingest_data
from creditrisk.pipelines.context import Context
from tests.support.tiny_run import write_tiny_raw


def lines(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("\n".join(change(path.read_text(encoding="utf-8").splitlines())) + "\n", encoding="utf-8")


def test_every_raw_table_becomes_a_typed_one_of_the_same_rows(finished: Context) -> None:
    for name in ("application", "payments"):
        assert pq.read_metadata(finished.folder.table(name)).num_rows == 600
    types = {field.name: str(field.type) for field in pq.read_schema(finished.folder.table("application"))}
    assert types["income"] == "decimal128(18, 3)"
    assert types["loan_id"] == "int64"


def test_a_table_that_may_be_absent_is(fresh: Callable[..., Context]) -> None:
    context = fresh()
    (context.raw / "payments.csv").unlink()
    told = ingest_data.run(context)
    assert set(told["tables"]) == {"application"}


def test_without_the_main_table_nothing_is_written(fresh: Callable[..., Context]) -> None:
    context = fresh()
    (context.raw / "applications.csv").rename(context.raw / "aplications.csv")
    with pytest.raises(MissingInput) as caught:
        ingest_data.run(context)
    assert '"aplications"' in caught.value.hint
    assert not context.folder.bronze.exists()
    assert not context.workspace.audit.exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        ("payments.csv", "-", "", "after the application"),
        ("applications.csv", ",1,", ",2,", "other than 0 and 1"),
        ("applications.csv", ",1,", ",0,", "only 0"),
    ],
)
def test_what_a_contract_refuses_leaves_the_last_tables_in_place(
    file: str, old: str, new: str, what: str, own: Context, tmp_path: Path
) -> None:
    from dataclasses import replace

    context = replace(own, raw=write_tiny_raw(tmp_path / "raw"))
    lines(context.raw / file, lambda rows: [rows[0], *(row.replace(old, new, 1) for row in rows[1:])])
    before = {path: path.read_bytes() for path in context.workspace.root.rglob("*") if path.is_file()}
    with pytest.raises(BadData, match=what):
        ingest_data.run(context)
    assert {path: path.read_bytes() for path in context.workspace.root.rglob("*") if path.is_file()} == before
    assert not list(context.workspace.root.rglob(f"{PARTIAL}*"))


def test_one_file_stands_for_the_main_table(fresh: Callable[..., Context], tmp_path: Path) -> None:
    context = fresh()
    arrived = ingest_data.bring_in(
        context, context.book, context.raw / "applications.csv", tmp_path / "bronze", scoring=True
    )
    assert set(arrived.bronze) == {"application"}
