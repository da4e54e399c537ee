"""The connector `file`: what is taken, what is refused, and in which words."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import zipfile
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
    assert landed.md5 is None, "where the book states none, nobody asks for it"
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


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"loan_id": [1]}), sink)
    return sink.getvalue()


def _zip(**entries: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kind", "called"),
    [
        ("loans.csv", gzip.compress(CSV, mtime=0), "csv.gz", "a gzip"),
        ("loans.csv.gz", CSV, "csv", "a plain text"),
        ("loans.csv.gz", _zip(**{"x.csv": CSV}), "csv", "a zip"),
        ("loans.parquet", CSV, "csv", "a plain text"),
        ("loans.csv", _parquet(), "parquet", "a Parquet file"),
    ],
)
def test_bytes_say_what_a_file_is_and_a_name_that_says_otherwise_is_remarked(raw, name, content, kind, called):
    (raw / name).write_bytes(content)
    landed = _fetch(raw)
    assert landed is not None
    assert landed.format == kind
    assert called in landed.remarks[0]
    assert landed.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        _zip(**{"deep/er/loans.csv": CSV}),
        _zip(**{"folder/inner.zip": _zip(**{"loans.csv": CSV})}),
        _zip(**{"loans.csv.gz": gzip.compress(CSV)}),
        gzip.compress(gzip.compress(CSV)),
        gzip.compress(_zip(**{"a/loans.csv": CSV})),
        gzip.compress(CSV[:10]) + gzip.compress(b"") + gzip.compress(CSV[10:]),
        gzip.compress(CSV) + bytes(512),
    ],
)
def test_archives_in_archives_give_the_same_table_and_leave_nothing_else(raw, content):
    (raw / "loans.zip").write_bytes(content)
    landed = _fetch(raw)
    assert landed is not None
    content = landed.path.read_bytes()
    assert (gzip.decompress(content) if landed.format == "csv.gz" else content) == CSV
    left = [path for path in (raw.parent / "landing").rglob("*") if path != landed.path]
    assert left == []


def test_archives_that_never_end_are_refused(raw):
    content = CSV
    for _ in range(6):
        content = _zip(**{"loans.csv": content})
    (raw / "loans.zip").write_bytes(content)
    with pytest.raises(BrokenFile, match="archive in an archive"):
        _fetch(raw)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!DOCTYPE html><html><body>sign in", "HTML page"),
        (b"\n<html lang=en>", "HTML page"),
        (b"<?xml version='1.0'?><Error>", "XML"),
        (b'{"error": 403}', "JSON"),
        (b"[[1, 2]]", "JSON"),
        (b"%PDF-1.7", "PDF"),
        (b"SQLite format 3\0", "SQLite"),
        (b"7z\xbc\xaf'\x1c", "7z"),
        (bz2.compress(CSV), "bzip2"),
        (lzma.compress(CSV), "xz"),
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"\x28\xb5\x2f\xfd....", "Zstandard"),
        (b"PARE....", "encrypted Parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel"),
        (_zip(**{"[Content_Types].xml": b"<", "xl/workbook.xml": b"<"}), "Excel"),
        (_zip(**{"mimetype": b"x", "content.xml": b"<"}), "OpenDocument"),
        (b"\x80\x04\x95\x0a", "pickle"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(raw, content, says):
    (raw / "loans.csv").write_bytes(content)
    with pytest.raises(BrokenFile, match=says) as caught:
        _fetch(raw)
    assert caught.value.hint


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
