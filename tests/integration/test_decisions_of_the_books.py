"""What the benchmark shows of whole books holds at a tenth of its size: the batch's bits, and replay after a move."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import decide


@pytest.mark.parametrize("book", decide.BOOKS)
def test_raw_applications_decided_in_process_are_the_batchs_and_replay_elsewhere(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--quick", "--applications", "500", "--replays", "1000"]
    monkeypatch.setattr("sys.argv", ["decide.py", *size, "--workspace", str(tmp_path / "ws"), "--book", book])
    assert decide.main() == 0
    told = capsys.readouterr().out
    assert told.count(": 0 differ") == 4
    assert "1000 of 1000 the same to the last bit" in told
