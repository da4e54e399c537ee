"""A private key in the system's keyring: kept, found, and told in a sentence where the keyring does not do its part."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from creditrisk.adapters.system_keyring import SERVICE, SystemKeyring
from creditrisk.errors import BrokenFile, OutsideFailed
from creditrisk.signatures import is_signed_by
from creditrisk.wiring import new_key_for, signer_of


class Memory(KeyringBackend):
    """What the system would keep."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def memory() -> Iterator[Memory]:
    before, backend = keyring.get_keyring(), Memory()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_a_key_is_kept_there_and_no_private_file_is_made(memory: Memory, tmp_path: Path) -> None:
    told = new_key_for(tmp_path, "ann", store="keyring", by="ops")
    signer = signer_of(tmp_path, "ann")
    assert signer.public == told["public_key"]
    assert is_signed_by(told["public_key"], b"x", signer.sign(b"x"))
    assert list((tmp_path / "keys" / "people").glob("*.key")) == []
    assert list(memory.kept) == [(SERVICE, "ann")]


def test_a_person_has_the_same_key_in_every_workspace(memory: Memory, tmp_path: Path) -> None:
    first, second = (new_key_for(tmp_path / name, "ann", store="keyring", by="ops") for name in ("one", "two"))
    assert first["public_key"] == second["public_key"]


def test_where_the_system_has_no_keyring_nothing_is_kept_there(memory: Memory) -> None:
    keyring.set_keyring(NoKeyring())
    assert SystemKeyring().find("ann") is None
    with pytest.raises(OutsideFailed, match="NoKeyringError"):
        SystemKeyring().make("ann")


def test_a_locked_keyring_is_told_with_a_remedy(memory: Memory) -> None:
    memory.locked = True
    with pytest.raises(OutsideFailed, match="did not do its part") as caught:
        SystemKeyring().find("ann")
    assert "--store file" in caught.value.hint


def test_an_entry_that_is_no_key_is_told_without_being_quoted(memory: Memory) -> None:
    memory.kept[SERVICE, "ann"] = "hunter2"
    with pytest.raises(BrokenFile) as caught:
        SystemKeyring().find("ann")
    assert "hunter2" not in str(caught.value)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(OutsideFailed, match="not installed") as caught:
        SystemKeyring().make("ann")
    assert "creditrisk[keyring]" in caught.value.hint
