"""What is missing is told with the command that brings it; looking writes nothing."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import InMemoryRegistry, SteppingClock
from creditrisk.doctor import Check, examine
from creditrisk.governance import Act, append_act
from creditrisk.ports import LoggedRun


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Check]:
    """Of a workspace that is not there yet."""
    folder = tmp_path_factory.mktemp("doctor")
    found = {check["what"]: check for check in examine(folder / "ws", InMemoryRegistry())}
    assert list(folder.iterdir()) == []
    return found


def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the books, whose SQL takes a second each."""
    monkeypatch.setattr("creditrisk.doctor.shipped_books", list)


def test_every_library_and_every_shipped_book_is_looked_at(checks: dict[str, Check]) -> None:
    assert checks["library duckdb"]["found"] == importlib.metadata.version("duckdb")
    assert checks["book lending_club"]["found"].endswith(" features")
    assert checks["xgboost-cpu alone"]["ok"]
    assert checks["audit chain"]["found"] == "empty"


def test_what_is_missing_has_a_hint_and_what_is_there_has_none(checks: dict[str, Check]) -> None:
    assert [name for name, check in checks.items() if check["ok"] == bool(check["hint"])] == []


def test_a_missing_library_is_told_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    light(monkeypatch)
    monkeypatch.setattr("creditrisk.doctor.LIBRARIES", ("no-such-library",))
    (missing,) = (check for check in examine(tmp_path, InMemoryRegistry()) if not check["ok"] and check["needed"])
    assert missing == {
        "what": "library no-such-library", "ok": False, "needed": True, "found": "not installed", "hint": "make env",
    }  # fmt: skip


def test_an_extra_that_is_not_installed_is_told_and_needed_by_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    light(monkeypatch)
    monkeypatch.setattr("creditrisk.doctor.EXTRAS", {"s3": "s3fs", "tape": "no-such-library"})
    there, missing = (check for check in examine(tmp_path, InMemoryRegistry()) if check["what"].startswith("extra "))
    assert there["found"] == f"s3fs {importlib.metadata.version('s3fs')}"
    assert (missing["ok"], missing["needed"]) == (False, False)
    assert missing["hint"] == "pip install 'creditrisk[tape]'"


def test_a_broken_audit_chain_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    light(monkeypatch)
    audit = tmp_path / "audit.jsonl"
    clock = SteppingClock()
    for actor in ("ann", "bob"):
        append_act(audit, actor, Act.TRAINED, {"book": "tiny"}, clock=clock)
    audit.write_text(audit.read_text(encoding="utf-8").replace("ann", "eve"), encoding="utf-8")
    chain = next(check for check in examine(tmp_path, InMemoryRegistry()) if check["what"] == "audit chain")
    assert not chain["ok"]
    assert "line 1" in chain["found"]


def test_a_wrong_setting_is_a_finding_and_no_crash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    light(monkeypatch)
    monkeypatch.setenv("CREDITRISK_THREADS", "many")
    wrong = [check["what"] for check in examine(tmp_path, InMemoryRegistry()) if "CREDITRISK_THREADS" in check["found"]]
    assert "actor" in wrong


def test_a_newer_workspace_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    light(monkeypatch)
    (tmp_path / ".creditrisk-workspace").write_text("99", encoding="utf-8")
    workspace = next(check for check in examine(tmp_path, InMemoryRegistry()) if check["what"] == "workspace")
    assert not workspace["ok"]


def test_an_alias_moved_by_hand_is_named_with_the_command_that_puts_it_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    light(monkeypatch)
    registry = InMemoryRegistry()
    registry.register("tiny", LoggedRun("run", str(tmp_path), "ab" * 32), alias="candidate", tags={})
    (tmp_path / "tiny" / "models" / "ab" / "bundle").mkdir(parents=True)

    def aliases() -> Check:
        return next(check for check in examine(tmp_path, registry) if check["what"] == "aliases of tiny")

    assert (aliases()["ok"], aliases()["found"]) == (True, "candidate = 1")
    registry.set_alias("tiny", "production", 1)
    assert not aliases()["ok"]
    assert aliases()["found"] == (
        "production means version 1 in the registry, and the ledger knows of none: it was moved by hand"
    )
    assert aliases()["hint"] == "creditrisk repair tiny --by NAME --note TEXT"
