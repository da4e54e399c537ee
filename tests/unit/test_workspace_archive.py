"""The workspace on its way between machines that keep nothing."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from creditrisk.adapters.fsspec_storage import FsspecStorage
from creditrisk.errors import Refused
from scripts.workspace_archive import PATHS, fetch, keep, main


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"file://{tmp_path / 'bucket' / 'tiny.tar.gz'}"


def workspace(folder: Path, *acts: str) -> Path:
    """A workspace whose audit chain has these lines."""
    bundle = "tiny/models/ab/bundle"
    names = ("tiny/reports/a.json", "keys/people/bob.pub")
    for name in (*names, f"{bundle}/manifest.json", f"{bundle}/environment.lock"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    (folder / "audit.jsonl").write_text("".join(f"{act}\n" for act in acts), encoding="utf-8")
    return folder


def acts(folder: Path) -> list[str]:
    return (folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()


def test_what_was_kept_on_one_machine_is_there_on_another(tmp_path: Path, uri: str) -> None:
    here, there = workspace(tmp_path / "here", "trained"), tmp_path / "there"
    keep(here, uri, FsspecStorage())
    fetch(there, uri, FsspecStorage())
    files = {path.relative_to(here): path.read_bytes() for path in here.rglob("*") if path.is_file()}
    assert {path.relative_to(there): path.read_bytes() for path in there.rglob("*") if path.is_file()} == files


def test_mlflow_finds_its_files_where_they_were_fetched_to(tmp_path: Path, uri: str) -> None:
    here, there = workspace(tmp_path / "here", "trained"), tmp_path / "there"
    home = f"file://{here}/mlartifacts"
    told = [None, home, f"{home}/tiny/ab", f"{home}-of-others/x", "s3://b/x"]
    with closing(sqlite3.connect(here / "mlflow.db")) as database, database:
        for table, columns in PATHS.items():
            database.execute(f"create table {table} ({', '.join(columns)})")
            for address in told:
                row = ", ".join("?" * len(columns))
                database.execute(f"insert into {table} values ({row})", [address] * len(columns))
    keep(here, uri, FsspecStorage())
    fetch(there, uri, FsspecStorage())
    new = f"file://{there}/mlartifacts"
    with closing(sqlite3.connect(there / "mlflow.db")) as database:
        for table, columns in PATHS.items():
            found = database.execute(f"select * from {table}").fetchall()
            wanted = [None, new, f"{new}/tiny/ab", *told[3:]]
            assert found == [(address,) * len(columns) for address in wanted]


def test_neither_tables_nor_private_keys_leave_the_machine(tmp_path: Path, uri: str) -> None:
    here = workspace(tmp_path / "here", "trained")
    for name in ("tiny/data/processed/train.parquet", "keys/audit.key", "keys/people/bob.key", "tiny/.governance.lock"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("x", encoding="utf-8")
    keep(here, uri, FsspecStorage())
    with tarfile.open(uri.removeprefix("file://")) as kept:
        names = kept.getnames()
    assert "keys/people/bob.pub" in names
    assert [name for name in names if name.endswith((".parquet", ".key", ".governance.lock"))] == []


def test_the_first_run_finds_nothing_and_makes_nothing(tmp_path: Path, uri: str) -> None:
    assert "first run" in fetch(tmp_path / "here", uri, FsspecStorage())
    assert not (tmp_path / "here").exists()


def test_acts_that_somebody_kept_meanwhile_are_not_overwritten(tmp_path: Path, uri: str) -> None:
    keep(workspace(tmp_path / "a", "trained", "approved"), uri, FsspecStorage())
    with pytest.raises(Refused, match="somebody else kept acts"):
        keep(workspace(tmp_path / "b", "trained", "promoted"), uri, FsspecStorage())
    fetch(tmp_path / "c", uri, FsspecStorage())
    assert acts(tmp_path / "c") == ["trained", "approved"]


def test_acts_that_were_never_kept_are_not_overwritten(tmp_path: Path, uri: str) -> None:
    keep(workspace(tmp_path / "a", "trained"), uri, FsspecStorage())
    here = workspace(tmp_path / "b", "trained", "approved")
    with pytest.raises(Refused, match="does not have"):
        fetch(here, uri, FsspecStorage())
    assert acts(here) == ["trained", "approved"]


def test_acts_are_added_by_one_machine_after_the_other(tmp_path: Path, uri: str) -> None:
    a, b = workspace(tmp_path / "a", "trained"), tmp_path / "b"
    keep(a, uri, FsspecStorage())
    fetch(b, uri, FsspecStorage())
    (b / "audit.jsonl").write_text("trained\napproved\n", encoding="utf-8")
    keep(b, uri, FsspecStorage())
    fetch(a, uri, FsspecStorage())
    assert acts(a) == ["trained", "approved"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 2), (["keep", "w"], 2), (["fetch", "w", "s4://b/x"], 2), (["bring", "w", "file:///x"], 2)],
)
def test_a_wrong_call_is_told_in_a_sentence(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    assert capsys.readouterr().err.startswith("error: ")


def test_a_refusal_ends_with_exit_code_1(tmp_path: Path, uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    keep(workspace(tmp_path / "a", "trained"), uri, FsspecStorage())
    assert main(["keep", str(workspace(tmp_path / "b", "other")), uri]) == 1
    assert "nothing was written" in capsys.readouterr().err
