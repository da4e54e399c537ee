"""Engine spark from typed tables to a registered model and to decisions: what one machine gives, or a clear no."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.errors import BadConfig, BadUsage, MissingInput, Refused
from creditrisk.pipelines.batch_predict import run as score
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stage, run_stages
from creditrisk.spark import session
from tests.support.schemas import faults
from tests.support.tiny_run import tiny_context, write_tiny_raw

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SAMPLE = 400


@pytest.fixture(autouse=True)
def joined(spark: SparkSession) -> Iterator[None]:
    with session():
        yield


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """One machine's run."""
    context = tiny_context(tmp_path_factory.mktemp("here"))
    run_stages(context)
    return context


@pytest.fixture(scope="module")
def bronze(here: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its typed tables, one of them as a cluster writes it: a folder of parts."""
    folder = tmp_path_factory.mktemp("lake")
    shutil.copy(here.folder.table("payments"), folder)
    main = pq.read_table(here.folder.table("application"))
    (folder / "application.parquet").mkdir()
    for number, start in enumerate(range(0, main.num_rows, 250)):
        pq.write_table(main.slice(start, 250), folder / "application.parquet" / f"part-{number}.parquet")
    return folder


@pytest.fixture(scope="module")
def there(spark: SparkSession, bronze: Path, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The run of a cluster that reads those tables where they lie, with a sample of their people here."""
    context = cluster_context(tmp_path_factory.mktemp("there"), bronze, spark__sample_rows=SAMPLE)
    with session():
        run_stages(context)
    return context


def cluster_context(folder: Path, bronze: Path | str, **settings: Any) -> Context:
    context = tiny_context(folder, raw=folder / "raw", engine="spark", spark__bronze=str(bronze), **settings)
    return replace(context, from_sources=True)


def report(context: Context, name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(context.folder.report(name).read_text(encoding="utf-8"))
    return told


def test_raw_tables_give_the_features_and_parts_of_one_machine(here: Context, tmp_path: Path) -> None:
    context = tiny_context(tmp_path, raw=here.raw, engine="spark")
    run_stages(context, last="split")
    for name in ("feature_store", "train", "calibration", "test", "audit"):
        own, other = (pq.read_table(one.folder.processed / f"{name}.parquet") for one in (context, here))
        assert own.equals(other.cast(own.schema)), name
    assert report(context, "split.json")["parts"] == report(here, "split.json")["parts"]


def test_whole_tables_are_learnt_from_and_a_sample_describes_the_model(here: Context, there: Context) -> None:
    trained, alone = report(there, "metrics.json"), report(here, "metrics.json")
    assert trained["n"] == alone["n"]
    assert [fold["rows_fitted"] for fold in trained["folds"]] == [fold["rows_fitted"] for fold in alone["folds"]]
    sample = trained["cluster"]["sample"]
    assert 0 < sample["rows"] < sample["of"] == alone["n"]
    assert "md5" in sample["chosen"]
    files = [there.folder.part(part) for part in ("train", "calibration", "test")]
    assert sum(pq.read_metadata(file).num_rows for file in files) == SAMPLE
    assert pq.read_metadata(there.folder.out_of_fold).num_rows == sample["rows"]
    bundle = json.loads((there.folder.newest_bundle / "reference.json").read_text(encoding="utf-8"))
    assert bundle["sample"] == sample
    assert bundle["rows"] == sample["rows"]


def test_the_model_goes_on_through_every_stage_and_its_reports_keep_their_schemas(there: Context) -> None:
    assert report(there, "registry_promotion.json")["alias"] == "candidate"
    written = sorted(there.folder.reports.glob("*.json"))
    assert {"metrics.json", "test_metrics.json", "ingestion_summary.json"} <= {path.name for path in written}
    assert [fault for path in written for fault in faults(path)] == []


def test_the_same_people_come_here_each_time(there: Context, bronze: Path, tmp_path: Path) -> None:
    again = cluster_context(tmp_path, bronze, spark__sample_rows=SAMPLE)
    run_stages(again, last="features")
    for name in ("application", "payments"):
        assert again.folder.table(name).read_bytes() == there.folder.table(name).read_bytes()
    assert again.folder.feature_store.read_bytes() == there.folder.feature_store.read_bytes()


@pytest.mark.parametrize("stage", ["features", "split", "train"])
def test_one_machine_does_not_take_the_sample_for_everybody(there: Context, stage: str) -> None:
    book = replace(there.book, portfolio=there.book.portfolio.model_copy(update={"engine": "duckdb"}))
    with pytest.raises(Refused, match=f"{SAMPLE} of 600 applicants"):
        run_stage(replace(there, book=book), stage)


def test_tables_that_changed_since_the_ingestion_are_refused(here: Context, bronze: Path, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(bronze, tmp_path / "lake"))
    context = cluster_context(tmp_path, lake)
    run_stages(context, last="check")
    payments = pq.read_table(lake / "payments.parquet")
    pq.write_table(payments.slice(1), lake / "payments.parquet")
    with pytest.raises(Refused, match="not what the stage ingest left"):
        run_stage(context, "features")


@pytest.mark.parametrize(("change", "error", "says"), [
    ({"spark__bronze": "/no/such/folder"}, MissingInput, "no application.parquet"),
    ({"spark__bronze": "s3a://bucket/bronze"}, BadUsage, "no connector"),
    ({"spark__bronze": "nonsense://bucket/bronze"}, BadUsage, "no connector"),
    ({"training__estimator": "lightgbm"}, BadConfig, "not trained on Spark"),
    ({"training__balance__method": "smote"}, BadConfig, "not balanced"),
])  # fmt: skip
def test_what_cannot_be_is_told_before_anything_is_done(
    bronze: Path, tmp_path: Path, change: dict[str, str], error: type[Exception], says: str
) -> None:
    context = cluster_context(tmp_path, **{"bronze": bronze, **change}) if "spark__bronze" not in change else (
        cluster_context(tmp_path, change["spark__bronze"])
    )  # fmt: skip
    with pytest.raises(error, match=says) as told:
        run_stages(context)
    assert told.value.exit_code == 2  # type: ignore[attr-defined]
    assert not context.folder.bronze.exists()


@pytest.mark.parametrize("typed", [False, True], ids=["raw", "typed"])
def test_decisions_are_those_of_one_machine_with_every_reason_and_counterfactual(
    here: Context, tmp_path: Path, typed: bool
) -> None:
    reference = str(here.folder.newest_bundle)
    raw = write_tiny_raw(tmp_path / "new", 500, seed=11)
    told = score(here, raw, tmp_path / "alone.parquet", reference=reference, with_counterfactuals=True)
    source = _typed(here, raw, tmp_path) if typed else raw
    context = tiny_context(tmp_path, raw=here.raw, engine="spark")
    together = score(context, source, tmp_path / "together.parquet", reference=reference, with_counterfactuals=True)
    one, other = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("alone", "together"))
    assert other.schema == one.schema
    assert other.equals(one)
    assert pa.compute.sum(pa.compute.list_value_length(one["reasons"])).as_py() > 50
    assert together["decisions"] == told["decisions"]
    assert not list(tmp_path.glob("**/.partial-*"))


def _typed(here: Context, raw: Path, folder: Path) -> Path:
    from creditrisk.pipelines.ingest_data import bring_in

    (folder / "typed").mkdir()
    bring_in(here, here.book, raw, folder / "typed", scoring=True)
    return folder / "typed"


@pytest.mark.parametrize("ending", ["", ".csv", ".json"])
def test_decisions_go_where_the_output_says(here: Context, tmp_path: Path, ending: str) -> None:
    context = tiny_context(tmp_path, raw=here.raw, engine="spark")
    raw, reference = write_tiny_raw(tmp_path / "new", 60, seed=12), str(here.folder.newest_bundle)
    told = score(context, raw, tmp_path / f"told{ending}", reference=reference, with_reasons=False)
    assert told["rows"] == 60
    if ending:
        score(here, raw, tmp_path / f"alone{ending}", reference=reference, with_reasons=False)
        assert (tmp_path / f"told{ending}").read_bytes() == (tmp_path / f"alone{ending}").read_bytes()
    else:
        parts = sorted((tmp_path / "told").glob("part-*.parquet"))
        assert pa.concat_tables(map(pq.read_table, parts))["loan_id"].to_pylist() == list(range(1, 61))


def test_a_folder_that_holds_something_is_not_written_over(here: Context, tmp_path: Path) -> None:
    context = tiny_context(tmp_path, raw=here.raw, engine="spark")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(BadUsage, match="something in this folder"):
        score(context, here.raw, tmp_path / "kept", reference=str(here.folder.newest_bundle))
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["letter.txt"]


def test_passports_are_refused_with_what_to_do(here: Context, tmp_path: Path) -> None:
    class Store:
        def check(self) -> None: ...

    context = tiny_context(tmp_path, raw=here.raw, engine="spark")
    with pytest.raises(BadUsage, match="kept by one machine"):
        score(
            context, here.raw, tmp_path / "d.parquet", reference=str(here.folder.newest_bundle), store=Store()  # type: ignore[arg-type]
        )  # fmt: skip
