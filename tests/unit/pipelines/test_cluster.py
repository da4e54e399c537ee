"""What Spark says of a place, in our words; a sample here is never taken for everybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from creditrisk.errors import BadUsage, OutsideFailed, Refused
from creditrisk.pipelines.cluster import Sample, Whole, note_state, of_storage
from creditrisk.pipelines.same_engine import refuse_sample
from tests.support.tiny_run import tiny_context, write_tiny_raw

WHOLE = {"feature_store": Whole("s3a://lake/feature_store", 100, "ab" * 32)}


@pytest.mark.parametrize(("said", "kind", "code", "words"), [
    ('org.apache.hadoop.fs.UnsupportedFileSystemException: No FileSystem for scheme "s3a"', BadUsage, 2, "connector"),
    ("java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found", BadUsage, 2,
     "connector"),
    ("org.apache.hadoop.fs.s3a.auth.NoAuthWithAWSException: No AWS Credentials provided", OutsideFailed, 3,
     "no credentials"),
    ("software.amazon.awssdk.core.exception.SdkClientException: Unable to load credentials from any", OutsideFailed, 3,
     "no credentials"),
    ("Error getting access token: Anonymous caller does not have storage.objects.get", OutsideFailed, 3,
     "no credentials"),
    ("java.nio.file.AccessDeniedException: s3a://lake/x: getFileStatus: Forbidden", OutsideFailed, 3, "no permission"),
    ("org.apache.hadoop.security.AccessControlException: Permission denied: user=ann, access=READ", OutsideFailed, 3,
     "no permission"),
])  # fmt: skip
def test_what_is_wrong_with_a_place_is_told_with_its_remedy(
    said: str, kind: type[Exception], code: int, words: str
) -> None:
    told = of_storage(OutsideFailed(said, where="Spark"), "s3a://lake/application.parquet")
    assert isinstance(told, kind)
    assert told.exit_code == code
    assert words in told.what
    assert told.where == "s3a://lake/application.parquet"
    assert told.hint
    assert not told.retry_may_help


def test_another_error_stays_as_it_was() -> None:
    error = OutsideFailed("an executor was lost", where="Spark", hint="look at its log")
    assert of_storage(error, "x") is error


@pytest.mark.parametrize(("rows", "engine", "refused"), [(40, "duckdb", True), (100, "duckdb", False),
                                                          (40, "spark", False)])  # fmt: skip
def test_a_sample_is_taken_for_everybody_by_nobody(tmp_path: Path, rows: int, engine: str, refused: bool) -> None:
    context = tiny_context(tmp_path, raw=write_tiny_raw(tmp_path / "raw", 30), engine=engine)
    state = context.folder.cluster
    note_state(state, WHOLE, Sample(rows, 100), {})
    if not refused:
        refuse_sample(context, state, "ingest")
        return
    with pytest.raises(Refused, match="40 of 100 applicants") as told:
        refuse_sample(replace(context), state, "ingest")
    assert "--engine spark" in told.value.hint


def test_without_a_cluster_nothing_is_refused(tmp_path: Path) -> None:
    context = tiny_context(tmp_path, raw=write_tiny_raw(tmp_path / "raw", 30))
    refuse_sample(context, context.folder.cluster, "ingest")
