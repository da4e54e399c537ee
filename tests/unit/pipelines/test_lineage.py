"""Each stage adds its step; an earlier stage run again forgets the later ones; edited files are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from creditrisk.errors import Refused
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import add_step, need_unchanged


def made(folder: Path, name: str, text: str = "bytes") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_stage_run_again_forgets_what_later_ones_made(fresh: Callable[..., Context], tmp_path: Path) -> None:
    context, file = fresh(), made(tmp_path, "file")
    for step in ("ingest", "features", "split"):
        add_step(context, step, made={"file": file}, by={}, facts={})
    told = add_step(context, "features", made={"file": file}, by={"book": "ab"}, facts={"rows": 3})
    assert sorted(told["steps"]) == ["features", "ingest"]
    assert told["steps"]["features"]["facts"] == {"rows": 3}


def test_unchanged_files_give_their_hashes(fresh: Callable[..., Context], tmp_path: Path) -> None:
    context, file = fresh(), made(tmp_path, "file")
    told = add_step(context, "split", made={"test": file}, by={}, facts={})
    assert need_unchanged(context, "split", {"test": file}) == told["steps"]["split"]["made"]


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("other"), lambda path: path.unlink()])
def test_an_edited_or_missing_file_is_refused_with_the_stage_to_run(
    spoil: Callable[[Path], object], fresh: Callable[..., Context], tmp_path: Path
) -> None:
    context, file = fresh(), made(tmp_path, "file")
    add_step(context, "split", made={"test": file}, by={}, facts={})
    spoil(file)
    with pytest.raises(Refused, match="not what the stage split made last") as caught:
        need_unchanged(context, "split", {"test": file})
    assert "creditrisk split tiny" in caught.value.hint


def test_a_file_that_no_stage_made_is_refused(fresh: Callable[..., Context], tmp_path: Path) -> None:
    with pytest.raises(Refused):
        need_unchanged(fresh(), "split", {"test": made(tmp_path, "file")})
