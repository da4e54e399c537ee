"""A sample of the corpus through the command: exit code, one message, no traceback, nothing left behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from creditrisk.cli import main
from creditrisk.demo import write_demo
from tests.hostile.cases import CASES, Case
from tests.hostile.conftest import BOOKS, Clean

pytestmark = pytest.mark.integration

SAMPLE = (
    "zip that climbs", "HTML page", "1,234 and nothing that tells", "decimal commas", "zip named csv.gz",
)  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented tables of both books, in a folder each."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo("home_credit", folder / "home_credit", rows=200)
    write_demo("lending_club", folder / "lending_club", rows=2000)
    return folder


@pytest.mark.parametrize("case", [case for case in CASES if case.name in SAMPLE], ids=lambda case: case.name)
def test_the_command_says_it_in_one_message(
    case: Case, clean: dict[str, Clean], demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    book, table = BOOKS.get(case.table, "lending_club"), clean[case.table]
    shutil.copytree(demo / book, tmp_path / "raw")
    content = (tmp_path / "raw" / f"{case.table}.csv").read_bytes()
    (tmp_path / "raw" / f"{case.table}.csv").unlink()
    (tmp_path / "raw" / f"{case.table}{case.ending}").write_bytes(case.spoil(content, table.contract))
    code = main(["ingest", book, "--raw", "raw", "--workspace", "workspace"])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "workspace"}
    assert code == int(case.refused)
    bronze = tmp_path / "workspace" / book / "data" / "bronze"
    if case.refused:
        assert case.says in " ".join(said.err.split())
        assert not bronze.exists()
    else:
        assert (bronze / "application.parquet").is_file()
    assert not list((tmp_path / "workspace").rglob(".partial-*"))
