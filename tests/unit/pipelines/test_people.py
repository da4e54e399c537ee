"""A person has one key; it counts once the audit chain tells of it, and a file that was laid there does not."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.adapters.key_files import KeyFiles
from creditrisk.config import Workspace
from creditrisk.errors import BadUsage, Refused
from creditrisk.pipelines.people import listed, new_key
from creditrisk.signatures import new_signer


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path).open()


def make(workspace: Workspace, name: str) -> dict[str, str]:
    return new_key(workspace, name, store=KeyFiles(workspace.people), by="ops", clock=SteppingClock())


def test_a_key_is_made_for_its_owner_and_listed(workspace: Workspace) -> None:
    told = make(workspace, "ann.smith")
    assert stat.S_IMODE((workspace.people / "ann.smith.key").stat().st_mode) == 0o600
    (one,) = listed(workspace)
    assert (one["name"], one["public_key"], one["made_by"], one["counts"]) == (
        "ann.smith", told["public_key"], "ops", True,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["ann", "Ann", "ANN"])
def test_a_person_has_one(workspace: Workspace, name: str) -> None:
    make(workspace, "ann")
    with pytest.raises(Refused, match="ann has a key already"):
        make(workspace, name)


@pytest.mark.parametrize("name", ["", "../eve", "a/b", "a b", ".hidden", "dot.", "x" * 65, "a\nb", "a\\b", "nul\0"])
def test_a_name_that_is_no_file_name_is_refused(workspace: Workspace, name: str) -> None:
    with pytest.raises(BadUsage, match="no name for a key"):
        make(workspace, name)
    assert listed(workspace) == []


def test_a_public_half_that_was_laid_there_does_not_count(workspace: Workspace) -> None:
    make(workspace, "ann")
    (workspace.people / "eve.pub").write_text(new_signer().public)
    (workspace.people / "ann.pub").write_text(new_signer().public)
    assert [(one["name"], one["counts"]) for one in listed(workspace)] == [("ann", False), ("eve", False)]


def test_what_a_killed_command_began_is_finished_with_the_same_key(workspace: Workspace) -> None:
    first = make(workspace, "ann")
    workspace.audit.unlink()  # killed before the act
    assert listed(workspace)[0]["counts"] is False
    assert make(workspace, "ann") == first
    assert listed(workspace)[0]["counts"] is True


def test_a_lost_key_is_followed_by_another(workspace: Workspace) -> None:
    first = make(workspace, "ann")
    for end in ("key", "pub"):
        (workspace.people / f"ann.{end}").unlink()
    assert make(workspace, "ann")["public_key"] != first["public_key"]
    assert [one["counts"] for one in listed(workspace)] == [True]
