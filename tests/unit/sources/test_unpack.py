"""Archives that mean harm, are damaged, or do not hold one table."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import pytest

from creditrisk.errors import BadData, BrokenFile, CreditRiskError, OutsideFailed
from creditrisk.sources import unpack
from creditrisk.sources.unpack import Limits, check_gzip, unpack_zip

CSV = "loan_id,amount\n1,10.5\n2,20\n"


def _zip(path: Path, **entries: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(name, text)
    return path


def _nothing_landed(folder: Path) -> bool:
    return not folder.exists() or not list(folder.iterdir())


def test_the_one_table_lands_under_a_name_of_ours(tmp_path):
    archive = _zip(tmp_path / "loans.zip", **{"deep/folder/Table.CSV": CSV, "readme.txt": "hello"})
    landed = unpack_zip(archive, tmp_path / "landing" / "loans")
    assert landed == tmp_path / "landing" / "loans"
    assert landed.read_text() == CSV


def test_what_macos_adds_to_an_archive_is_no_second_table(tmp_path):
    archive = _zip(tmp_path / "loans.zip", **{"loans.csv": CSV, "__MACOSX/._loans.csv": "x"})
    assert unpack_zip(archive, tmp_path / "landing" / "loans").read_text() == CSV


@pytest.mark.parametrize("entries", [{}, {"readme.txt": "x"}, {"a.csv": CSV, "b.csv": CSV}])
def test_no_table_or_several_are_refused(tmp_path, entries):
    with pytest.raises(BadData, match="not one"):
        unpack_zip(_zip(tmp_path / "loans.zip", **entries), tmp_path / "landing" / "loans")
    assert _nothing_landed(tmp_path / "landing")


@pytest.mark.parametrize(
    "name", ["../loans.csv", "/etc/loans.csv", "a/../../loans.csv", "..\\loans.csv", "C:\\loans.csv"]
)
def test_entry_that_points_outside_is_refused(tmp_path, name):
    with pytest.raises(BrokenFile, match="outside"):
        unpack_zip(_zip(tmp_path / "loans.zip", **{name: CSV}), tmp_path / "landing" / "loans")
    assert _nothing_landed(tmp_path / "landing")


def test_archive_bomb_stops_early_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "RATIO_FROM_BYTES", 2**20)
    archive = _zip(tmp_path / "loans.zip", **{"loans.csv": "0" * 8 * 2**20})
    with pytest.raises(BrokenFile, match="bomb"):
        unpack_zip(archive, tmp_path / "landing" / "loans")
    assert _nothing_landed(tmp_path / "landing")


def test_gzip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "RATIO_FROM_BYTES", 2**20)
    path = tmp_path / "loans.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 8 * 2**20))
    with pytest.raises(BrokenFile, match="bomb"):
        check_gzip(path)


def test_too_many_entries_are_refused(tmp_path):
    archive = _zip(tmp_path / "loans.zip", **{f"{number}.txt": "x" for number in range(Limits().entries + 1)})
    with pytest.raises(BrokenFile, match="files in one archive"):
        unpack_zip(archive, tmp_path / "landing" / "loans")


def test_truncated_archive_is_named_as_damaged(tmp_path):
    archive = _zip(tmp_path / "loans.zip", **{"loans.csv": CSV * 1000})
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(BrokenFile, match="damaged"):
        unpack_zip(archive, tmp_path / "landing" / "loans")


def test_flipped_bytes_inside_an_archive_never_land(tmp_path):
    archive = _zip(tmp_path / "loans.zip", **{"loans.csv": "".join(f"{i},{i * 7919 % 1000}\n" for i in range(3000))})
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(CreditRiskError):
        unpack_zip(archive, tmp_path / "landing" / "loans")
    assert _nothing_landed(tmp_path / "landing")


def test_encrypted_archive_is_named_as_such(tmp_path):
    archive = _zip(tmp_path / "loans.zip", **{"loans.csv": CSV})
    content = bytearray(archive.read_bytes())
    content[6] |= 1  # the local header's flag of encryption ...
    content[content.find(b"PK\x01\x02") + 8] |= 1  # ... and the directory's
    archive.write_bytes(content)
    with pytest.raises(BrokenFile, match="encrypted"):
        unpack_zip(archive, tmp_path / "landing" / "loans")


def test_full_disk_is_told_before_it_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(
        unpack.shutil, "disk_usage", lambda _: os.terminal_size((0, 0)) and type("U", (), {"free": 3})()
    )
    with pytest.raises(OutsideFailed, match="free"):
        unpack_zip(_zip(tmp_path / "loans.zip", **{"loans.csv": CSV}), tmp_path / "landing" / "loans")
