"""Bombs and lines without end, in a process that may not grow: refused early, within the memory it has."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

MEGABYTES = 1200
_INGEST = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
from pathlib import Path
from creditrisk.config import load_book
from creditrisk.contracts import to_bronze
from creditrisk.duck import DuckSettings
from creditrisk.errors import CreditRiskError
from creditrisk.sources import fetch
book, folder = load_book("lending_club"), Path(sys.argv[1])
try:
    landed = fetch(book.portfolio.tables["application"], "accepted", folder / "raw", folder / "work")
    to_bronze(landed, book.contracts["application"], folder / "work" / "a.parquet", settings=DuckSettings("200MB", 1))
except CreditRiskError as error:
    print(error.what)
    raise SystemExit(int(error.exit_code))
"""


def _zeros(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("accepted.csv", "w") as out:
        for _ in range(90):
            out.write(bytes(2**20))


def _gzip_zeros(path: Path) -> None:
    with gzip.open(path, "wb") as out:
        for _ in range(90):
            out.write(bytes(2**20))


def _one_line(path: Path) -> None:
    with path.open("wb") as out:
        out.write(b"id,loan_amnt\n1,")
        for _ in range(200):
            out.write(b"7" * 2**20)


def _one_line_of_semicolons(path: Path) -> None:
    _header(path, ";", lambda out: [out.write(b"7" * 2**20) for _ in range(40)])


def _open_quote(path: Path) -> None:
    _header(path, ";", lambda out: [out.write(b'"' if not place else b"1;2;3\n" * 2**17) for place in range(40)])


def _hole(path: Path) -> None:
    """A sparse file: it takes no room on the disk, and reads as NULs."""
    _header(path, ",", lambda out: out.truncate(2**26))


def _header(path: Path, separator: str, then: Callable[..., object]) -> None:
    from creditrisk.config import load_book

    names = load_book("lending_club").contracts["application"].names
    with path.open("wb") as out:
        out.write((separator.join(names) + "\n").encode())
        then(out)


def _million_entries(path: Path) -> None:
    """A directory of half a million entries of nothing."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    count = 500_000
    with path.open("wb") as out:
        out.write(b"PK\x03\x04")
        for _ in range(count // 1000):
            out.write(entry * 1000)
        out.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entry) * count, 4, 0))


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("accepted.zip", _zeros, "archive bomb"),
        ("accepted.csv.gz", _gzip_zeros, "archive bomb"),
        ("accepted.zip", _million_entries, "files in one archive"),
        ("accepted.csv", _one_line, "is missing"),
        ("accepted.csv", _one_line_of_semicolons, "longer than 2,000,000"),
        ("accepted.csv", _open_quote, "never closed"),
        ("accepted.csv", _hole, "longer than 2,000,000"),
    ],
)
def test_what_means_to_fill_the_memory_is_refused_within_bounds(tmp_path, repository, name, make, says):
    (tmp_path / "raw").mkdir()
    make(tmp_path / "raw" / name)
    script = _INGEST.format(limit=MEGABYTES * 2**20)
    env = {**os.environ, "PYTHONPATH": str(repository), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=False, capture_output=True, text=True, env=env
    )
    assert done.returncode == 1, done.stderr
    assert says in done.stdout
    assert not done.stderr
    assert not [path for path in (tmp_path / "work").rglob("*") if path.is_file()]
