"""What the benchmark shows of whole books holds at a smaller size: the batch's bits, and replay after a move."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import decide

SIZES = {"lending_club": (500, 1000), "home_credit": (100, 100)}
"""Applications decided both ways, and decisions made again: a tenth, and less where one decline costs half a second."""


@pytest.mark.parametrize("book", decide.BOOKS)
def test_raw_applications_decided_in_process_are_the_batchs_and_replay_elsewhere(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    applications, replays = SIZES[book]
    size = ["--quick", "--applications", str(applications), "--replays", str(replays)]
    monkeypatch.setattr("sys.argv", ["decide.py", *size, "--workspace", str(tmp_path / "ws"), "--book", book])
    monkeypatch.setattr(decide, "_costs", lambda *_: None)
    assert decide.main() == 0
    told = capsys.readouterr().out
    assert told.count(": 0 differ") == 4
    assert f"{replays} of {replays} the same to the last bit" in told
