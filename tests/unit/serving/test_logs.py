"""A log that cannot be written stops nothing."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from creditrisk.serving.logs import Lines


def test_a_line_that_finds_no_room_is_lost_and_nothing_else(tmp_path: Path) -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115 - closing it fails as well
    with pytest.raises(OSError, match="No space left"):
        full.write("x" * 100_000)
    lines = Lines(full)
    lines.write("x" * 100_000)
    lines.flush()
    with contextlib.suppress(OSError):
        full.close()
    with (tmp_path / "log").open("w") as stream:
        lines = Lines(stream)
        lines.write("told\n")
        lines.flush()
        assert (tmp_path / "log").read_text() == "told\n"
