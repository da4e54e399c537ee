"""A workspace is made, recognised, or left alone when another version made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.config import Workspace
from creditrisk.errors import BadUsage, BrokenFile, NewerSchema


def test_a_new_workspace_gets_its_marker_and_opens_again(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "ws"
    assert Workspace(root).open().open().root == root
    assert [path.name for path in root.iterdir()] == [".creditrisk-workspace"]


def test_nothing_is_made_before_it_is_opened(tmp_path: Path) -> None:
    Workspace(tmp_path / "ws").book("tiny").report("metrics.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "below"])
def test_a_file_is_no_workspace(below: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadUsage) as caught:
        Workspace(tmp_path / "file" / below).open()
    assert "--workspace" in caught.value.hint


def test_a_newer_workspace_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".creditrisk-workspace").write_text("99\n", encoding="utf-8")
    with pytest.raises(NewerSchema, match="schema 99"):
        Workspace(tmp_path).open()


def test_a_damaged_marker_is_told(tmp_path: Path) -> None:
    (tmp_path / ".creditrisk-workspace").write_text("?", encoding="utf-8")
    with pytest.raises(BrokenFile):
        Workspace(tmp_path).open()


def test_each_book_has_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = Workspace(tmp_path).book("tiny")
    assert folder.table("bureau") == tmp_path / "tiny" / "data" / "bronze" / "bureau.parquet"
    assert folder.part("test") == tmp_path / "tiny" / "data" / "processed" / "test.parquet"
    assert folder.bundle("ab" * 32) == tmp_path / "tiny" / "models" / ("ab" * 8) / "bundle"
    assert Workspace(tmp_path).tracking_uri == f"sqlite:///{tmp_path.resolve()}/mlflow.db"
