"""The one place that chooses adapters, and that holds a book against other runs."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.mlflow_tracking import MlflowTracker
from creditrisk.errors import BadConfig, Refused
from creditrisk.wiring import book_with, context_for, left_out
from tests.support.tiny_book import write_tiny_book


def silent(stage: str, what: str, share: float) -> None:
    pass


def test_a_setting_of_the_command_line_stands_over_the_books(tmp_path: Path) -> None:
    folder = str(write_tiny_book(tmp_path))
    assert book_with(folder, {}).portfolio.split.folds == 3
    assert book_with(folder, {"split.folds": 2}).portfolio.split.folds == 2


@pytest.mark.parametrize(("key", "value"), [("split.fods", 2), ("split.folds", "two"), ("split.folds.more", 1)])
def test_a_wrong_setting_is_told_as_the_command_line_wrote_it(key: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        book_with(str(write_tiny_book(tmp_path)), {key: value})
    assert caught.value.where == f"--set {key}"
    assert caught.value.hint


def test_the_context_speaks_mlflow_and_knows_who_acts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITRISK_ACTOR", "bob")
    book = book_with(str(write_tiny_book(tmp_path / "book")), {})
    with context_for(book, tmp_path / "ws", progress=silent) as context:
        assert isinstance(context.tracker, MlflowTracker)
        assert isinstance(context.registry, MlflowRegistry)
        assert context.actor == "bob"
        assert context.raw == tmp_path / "ws" / "tiny" / "data" / "raw"
    with context_for(book, tmp_path / "ws", actor="ann", raw=tmp_path, progress=silent) as context:
        assert (context.actor, context.raw) == ("ann", tmp_path)


def test_nothing_but_marker_and_lock_is_written(tmp_path: Path) -> None:
    book = book_with(str(write_tiny_book(tmp_path / "book")), {})
    with context_for(book, tmp_path / "ws", progress=silent):
        pass
    written = sorted(
        path.relative_to(tmp_path / "ws").as_posix() for path in (tmp_path / "ws").rglob("*") if path.is_file()
    )
    assert written == [".creditrisk-workspace", "tiny/.lock"]


def test_a_book_is_held_against_a_second_run_and_free_after_a_failure(tmp_path: Path) -> None:
    book = book_with(str(write_tiny_book(tmp_path / "book")), {})
    # The inner refusal is the failure that the outer run ends with.
    with (
        pytest.raises(Refused, match="another run"),
        context_for(book, tmp_path / "ws", progress=silent),
        context_for(book, tmp_path / "ws", progress=silent),
    ):
        pass
    with context_for(book, tmp_path / "ws", progress=silent):
        pass


def test_a_package_that_is_left_out_is_missing_for_so_long_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bulky").mkdir()
    (tmp_path / "bulky" / "part.py").write_text("answer = 42\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with left_out("bulky"), pytest.raises(ImportError):
        importlib.import_module("bulky.part")
    assert importlib.import_module("bulky.part").answer == 42
    with left_out("bulky"):
        assert importlib.import_module("bulky.part").answer == 42
