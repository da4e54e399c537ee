"""The connector `file`: what is taken, what is refused, and in which words."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import Table
from creditrisk.errors import BadData, BadUsage, BrokenFile, ExitCode, MissingInput
from creditrisk.sources import fetch

MAIN_TABLE = Table(file="loans", required=True)
CHILD = Table(file="payments", parent="application", foreign_key="loan_id")
CSV = b"loan_id,amount\n1,10.5\n2,20\n"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def _fetch(raw: Path, table: Table = MAIN_TABLE):
    return fetch(table, table.file, raw, raw.parent / "landing")


def test_csv_is_read_where_it_lies(raw):
    (raw / "loans.csv").write_bytes(CSV)
    landed = _fetch(raw)
    assert landed is not None
    assert (landed.path, landed.format, landed.size) == (raw / "loans.csv", "csv", len(CSV))
    assert landed.sha256 == hashlib.sha256(CSV).hexdigest()
    assert landed.md5 is None
    assert not (raw.parent / "landing").exists()


def test_gzip_is_read_where_it_lies_after_its_checksum_agreed(raw):
    (raw / "loans.csv.gz").write_bytes(gzip.compress(CSV))
    landed = _fetch(raw)
    assert landed is not None
    assert landed.format == "csv.gz"


def test_parquet_is_taken(raw):
    pq.write_table(pa.table({"loan_id": [1]}), raw / "loans.parquet")
    landed = _fetch(raw)
    assert landed is not None
    assert landed.format == "parquet"


def test_right_md5_is_told_and_wrong_md5_refuses_naming_both(raw):
    (raw / "loans.csv").write_bytes(CSV)
    right = hashlib.md5(CSV, usedforsecurity=False).hexdigest()
    landed = _fetch(raw, MAIN_TABLE.model_copy(update={"md5": right.upper()}))
    assert landed is not None
    assert landed.md5 == right
    with pytest.raises(BrokenFile, match=f"expected {'0' * 32}, found {right}"):
        _fetch(raw, MAIN_TABLE.model_copy(update={"md5": "0" * 32}))


def test_missing_child_table_is_none_and_missing_main_table_says_what_was_looked_for(raw):
    (raw / "loan.csv").write_bytes(CSV)
    assert _fetch(raw, CHILD) is None
    with pytest.raises(MissingInput) as caught:
        _fetch(raw)
    assert caught.value.exit_code is ExitCode.BAD_USAGE
    assert "loans.csv, loans.csv.gz, loans.zip, loans.parquet" in caught.value.hint
    assert 'did you mean "loan"' in caught.value.hint


def test_required_child_table_is_missed(raw):
    with pytest.raises(MissingInput):
        _fetch(raw, CHILD.model_copy(update={"required": True}))


def test_missing_raw_folder_is_named(tmp_path):
    with pytest.raises(MissingInput, match="no such folder"):
        _fetch(tmp_path / "nowhere")


def test_two_candidates_are_refused(raw):
    (raw / "loans.csv").write_bytes(CSV)
    (raw / "loans.csv.gz").write_bytes(gzip.compress(CSV))
    with pytest.raises(BadUsage, match=r"loans\.csv, loans\.csv\.gz"):
        _fetch(raw)


def test_empty_file_is_refused(raw):
    (raw / "loans.csv").touch()
    with pytest.raises(BadData, match="empty"):
        _fetch(raw)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("loans.csv", gzip.compress(CSV, mtime=0), r"the bytes say \.csv\.gz"),
        ("loans.csv", b"PK\x03\x04rest", r"the bytes say \.zip"),
        ("loans.csv.gz", CSV, "not a .csv.gz file"),
        ("loans.parquet", CSV, "not a .parquet file"),
        ("loans.zip", CSV, "not a .zip file"),
    ],
)
def test_file_that_is_not_what_its_name_claims_is_refused(raw, name, content, says):
    (raw / name).write_bytes(content)
    with pytest.raises(BrokenFile, match=says):
        _fetch(raw)


def test_truncated_gzip_is_named_as_damaged(raw):
    packed = gzip.compress(CSV * 5000)
    (raw / "loans.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(BrokenFile, match="damaged"):
        _fetch(raw)


def test_one_flipped_bit_in_a_gzip_checksum_is_found(raw):
    packed = bytearray(gzip.compress(CSV))
    packed[-6] ^= 1
    (raw / "loans.csv.gz").write_bytes(packed)
    with pytest.raises(BrokenFile, match="damaged"):
        _fetch(raw)
