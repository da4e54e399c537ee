"""`creditrisk comply`: which profile, which day; what cannot be asked is told before anything is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.cli import main
from tests.support.tiny_book import write_tiny_book


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "which profile?"),
        (["--all", "--profile", "eu"], "which profile?"),
        (["--profile", "eu", "--on", "tomorrow"], '"tomorrow" is no date'),
        (["--profile", "us-feb"], 'did you mean "us-fed"?'),
        (["--profile", "eu"], 'no model "tiny" is registered'),
        (["--profile", "eu", "--version", "2"], 'no model "tiny" is registered'),
    ],
)
def test_what_cannot_be_asked_is_bad_usage(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = str(write_tiny_book(tmp_path / "book"))
    assert main(["comply", book, "--workspace", str(tmp_path / "ws"), *words]) == 2
    assert told in capsys.readouterr().err
