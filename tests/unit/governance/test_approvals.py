"""An approval counts when everything about it is as it should be; each thing that is not, is told by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.config import Approval
from creditrisk.governance.approvals import Known, message, objections, weigh, write
from creditrisk.governance.evidence import Pack
from creditrisk.signatures import Signer, new_signer
from tests.support.evidence import BUNDLE, frozen

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = {name: new_signer() for name in ("ann", "bob", "carl")}


class Desk:
    """A pack, who may approve it, and the acts of the audit chain about it."""

    def __init__(self, folder: Path) -> None:
        self.pack = frozen(folder)
        self.known = Known(
            Approval(), {name: key.public for name, key in KEYS.items()}, frozenset({"tom"}), (), (), NOW
        )

    def approve(
        self, name: str, signer: Signer | None = None, at: datetime = NOW - timedelta(days=1), pack: Pack | None = None,
        **told: str,
    ) -> Path:  # fmt: skip
        of = pack or self.pack
        signed = {**message(of, name, "seen", at=at, rules=self.known.rules), **told}
        number = len(self.known.acts) + 1
        path, sha256 = write(of, signed, signer or KEYS[name], number)
        self.act(name, {"bundle": BUNDLE, "evidence": of.sha256, "approval": sha256, "file": path.name})
        return path

    def act(self, actor: str, hashes: Mapping[str, str]) -> None:
        acts = [*self.known.acts, {"seq": len(self.known.acts) + 1, "actor": actor, "hashes": hashes}]
        self.known = replace(self.known, acts=acts)

    @property
    def counted(self) -> list[str]:
        return [one["by"] for one in weigh(self.pack, self.known).counted]

    @property
    def objections(self) -> str:
        return "; ".join(objections(self.pack, self.known))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_none_is_too_few(desk: Desk) -> None:
    assert "0 of 1 approvals" in desk.objections


def test_one_of_somebody_else_suffices(desk: Desk) -> None:
    desk.approve("ann")
    assert desk.objections == ""
    assert desk.counted == ["ann"]


def test_where_nobody_is_known_to_have_trained_it_nobody_is_another(desk: Desk) -> None:
    desk.known = replace(desk.known, trainers=frozenset())
    desk.approve("ann")
    assert "nobody who trained this model" in desk.objections


def test_two_are_two_people(desk: Desk) -> None:
    desk.known = replace(desk.known, rules=Approval(needed=2))
    desk.approve("ann")
    desk.approve("ann")
    assert "1 of 2 approvals" in desk.objections
    assert "counts once" in desk.objections
    desk.approve("bob")
    assert desk.objections == ""


SPOILT: dict[str, tuple[Callable[[Desk], Any], str]] = {
    "own training, spelt otherwise": (
        lambda desk: (
            setattr(desk, "known", replace(desk.known, trainers=frozenset({" ANN "}))), desk.approve("ann"),
        ),
        "trained this model",
    ),
    "another key": (lambda desk: desk.approve("ann", new_signer()), "another key"),
    "unknown key": (lambda desk: desk.approve("eve", new_signer()), "key of eve is not known"),
    "expired": (lambda desk: desk.approve("ann", at=NOW - timedelta(days=91)), "expired on"),
    "longer than the book allows": (
        lambda desk: desk.approve("ann", at=NOW - timedelta(days=91), expires=(NOW + timedelta(days=9)).isoformat()),
        "expired on",
    ),
    "from the future": (lambda desk: desk.approve("ann", at=NOW + timedelta(days=1)), "still to come"),
    "other evidence": (lambda desk: desk.approve("ann", evidence="ef" * 32), "other evidence"),
    "another model": (lambda desk: desk.approve("ann", bundle="ef" * 32), "another model"),
    "another book": (lambda desk: desk.approve("ann", book="other"), "another model"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_what_does_not_count_is_told(desk: Desk, name: str) -> None:
    spoil, told = SPOILT[name]
    spoil(desk)
    assert told in desk.objections
    assert desk.counted == []
    desk.approve("bob")
    assert desk.objections == "", "what does not count stands in nobody's way"


def test_approved_before_a_rollback_it_must_be_approved_again(desk: Desk) -> None:
    desk.approve("ann")
    desk.known = replace(desk.known, rolled_back=[{"seq": 2}])
    assert "rolled back" in desk.objections
    desk.act("zoe", {"bundle": BUNDLE, "evidence": "00" * 32, "approval": "", "file": ""})
    desk.approve("ann")
    assert desk.objections == ""


def test_an_approval_of_other_evidence_of_the_same_model_is_told(desk: Desk, tmp_path: Path) -> None:
    desk.approve("ann", pack=frozen(tmp_path / "second", number=2))
    assert "ann approved other evidence" in desk.objections


def test_a_deleted_approval_is_named_even_where_enough_others_count(desk: Desk) -> None:
    path = desk.approve("ann")
    desk.approve("bob")
    path.unlink()
    assert "missing, though the audit chain names it" in desk.objections
    assert str(path) in desk.objections


def test_a_file_that_the_audit_chain_does_not_know_does_not_count(desk: Desk) -> None:
    path = desk.approve("ann")
    desk.known = replace(desk.known, acts=())
    assert "audit chain knows no such approval" in desk.objections
    assert str(path) in desk.objections


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_flipped_bit_of_an_approval_is_found_and_named(
    place: int, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    path = desk.approve("ann")
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    assert f"{path}: the approval by ann was altered" in desk.objections
    desk.approve("bob")
    assert "altered" in desk.objections


def test_what_the_chain_names_and_nobody_signed_is_found(desk: Desk) -> None:
    path = desk.approve("ann")
    forged = path.read_bytes().replace(b'"note":"seen"', b'"note":"fine"')
    path.write_bytes(forged)
    (act,) = desk.known.acts
    hashes = {**act["hashes"], "approval": hashlib.sha256(forged).hexdigest()}
    desk.known = replace(desk.known, acts=[{**act, "hashes": hashes}])
    assert "signature does not hold" in desk.objections
