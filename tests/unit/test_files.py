"""A file or folder is whole under its name, or not there; what a killed run left is cleared by its prefix."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from creditrisk.errors import BrokenFile, CreditRiskError, MissingInput
from creditrisk.files import PARTIAL, read_json, remove_partials, whole_file, whole_folder, write_json, write_text


def fail() -> None:
    raise RuntimeError


def half_a_file(path: Path) -> None:
    with whole_file(path) as partial:
        partial.write_text("half", encoding="utf-8")
        fail()


def half_a_folder(path: Path) -> None:
    with whole_folder(path) as partial:
        (partial / "new.txt").touch()
        fail()


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "deep" / "a.txt") as partial:
        partial.write_text("whole", encoding="utf-8")
        assert partial.name.startswith(PARTIAL)
        assert not (tmp_path / "deep" / "a.txt").exists()
    assert names(tmp_path) == ["deep", "deep/a.txt"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError):
        half_a_file(tmp_path / "a.txt")
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "old"


def test_a_folder_takes_the_place_of_the_old_one_whole(tmp_path: Path) -> None:
    for content in ("one", "two"):
        with whole_folder(tmp_path / "bundle") as partial:
            (partial / f"{content}.txt").write_text(content, encoding="utf-8")
    assert names(tmp_path) == ["bundle", "bundle/two.txt"]


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "bundle") as partial:
        (partial / "old.txt").touch()
    with pytest.raises(RuntimeError):
        half_a_folder(tmp_path / "bundle")
    assert names(tmp_path) == ["bundle", "bundle/old.txt"]


def test_leftovers_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / f"{PARTIAL}1-a.txt").touch()
    (tmp_path / f"{PARTIAL}folder").mkdir()
    (tmp_path / f"{PARTIAL}folder" / "inside.txt").touch()
    (tmp_path / "kept" / "b.txt").touch()
    remove_partials(tmp_path)
    assert names(tmp_path) == ["kept", "kept/b.txt"]


def test_json_is_written_the_same_whatever_the_order_of_its_keys(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "ü"})
    write_json(tmp_path / "b.json", {"a": "ü", "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert read_json(tmp_path / "a.json") == {"a": "ü", "b": 1}
    assert (tmp_path / "a.json").read_text(encoding="utf-8").endswith("}\n")


def test_a_number_that_does_not_exist_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(CreditRiskError):
        write_json(tmp_path / "a.json", {"auc": math.nan})
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe"])
def test_a_damaged_report_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(BrokenFile) as caught:
        read_json(tmp_path / "a.json")
    assert caught.value.where == str(tmp_path / "a.json")


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInput):
        read_json(tmp_path / "a.json")
