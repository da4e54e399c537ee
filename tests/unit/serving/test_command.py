"""`creditrisk serve` and `creditrisk serve-key` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from creditrisk.cli import main
from creditrisk.serving.keys import KeyRing
from tests.support.tiny_book import write_tiny_book


def test_a_key_is_shown_once_and_its_file_opens_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys"
    for name in ("branch", "auditor"):
        assert main(["serve-key", name, "--role", "score", "--role", "read", "--file", str(file), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        caller = KeyRing(file, None).caller_of(told["key"])
        assert caller is not None
        assert (caller.name, caller.roles) == (name, {"score", "read"})
        assert told["key"] not in file.read_text()


def test_a_key_needs_a_known_role(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve-key", "branch", "--role", "emperor"]) == 2
    assert "known: score" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "environment", "code", "told"),
    [
        (["--host", "0.0.0.0"], {}, 2, "needs keys"),
        ([], {"CREDITRISK_API_KEYS": "branch score crk_oops"}, 2, "not a key's line"),
        ([], {"CREDITRISK_OIDC_ISSUER": "https://id.example"}, 2, "tokens need an issuer"),
        ([], {"CREDITRISK_SERVE_GROUP_MAX": "many"}, 2, "CREDITRISK_SERVE_GROUP_MAX"),
        ([], {"CREDITRISK_SERVE_GROUPS_MAX": "9"}, 2, 'did you mean "CREDITRISK_SERVE_GROUP_MAX"?'),
        ([], {}, 1, "has been promoted to production"),
        (["--alias", "candidate"], {}, 2, "no model"),
    ],
)
def test_what_is_wrong_is_told_before_anything_listens(
    options: list[str],
    environment: dict[str, str],
    code: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    book = write_tiny_book(tmp_path / "book")
    assert main(["serve", str(book), "--workspace", str(tmp_path / "ws"), *options]) == code
    error = capsys.readouterr().err
    assert told in error
    assert "crk_oops" not in error
    assert "Traceback" not in error


def test_a_decision_store_that_cannot_be_opened_is_told_before_anything_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("creditrisk.wiring.server_app", lambda _options: None)
    monkeypatch.setenv("CREDITRISK_DECISIONS_URL", f"sqlite:///{tmp_path}")
    assert main(["serve", "lending_club", "--workspace", str(tmp_path / "ws")]) == 3
    error = capsys.readouterr().err
    assert "cannot be opened" in error
    assert "hint:" in error
    assert "Traceback" not in error
