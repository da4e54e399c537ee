"""Checkpoints of the audit chain: written once a day, signed, each naming the one before; a cut end contradicts one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.errors import MissingInput
from creditrisk.governance import Act, append_act, checkpoint, verify_audit
from creditrisk.governance.audit import Audited

DAY = timedelta(days=1)
FIRST = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Days:
    """The clock of a day."""

    def __init__(self, day: int) -> None:
        self.day = day

    def now(self) -> datetime:
        return FIRST + self.day * DAY


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def act(chain: Path, day: int) -> None:
    append_act(chain, "ann", Act.TRAINED, {"bundle": "a" * 64}, clock=Days(day))


def built(folder: Path) -> Path:
    """Seven acts on three days."""
    chain = folder / "audit.jsonl"
    for day in (0, 0, 0, 1, 1, 2, 2):
        act(chain, day)
    return chain


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    return built(tmp_path)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To read, or to spoil and mend."""
    return built(tmp_path_factory.mktemp("still"))


def notes(chain: Path) -> Path:
    return chain.with_name("audit_checkpoints.jsonl")


def problem(chain: Path, **options: Path) -> tuple[str, int | None, str]:
    told = verify_audit(chain, **options)
    return told.file, told.line, told.problem


def test_the_first_act_of_a_day_is_vouched_for_by_the_workspaces_key(chain: Path) -> None:
    told = [json.loads(line) for line in lines(notes(chain))]
    assert [(one["acts"], one["time"][:10]) for one in told] == [
        (1, "2026-03-01"),
        (4, "2026-03-02"),
        (6, "2026-03-03"),
    ]
    assert {one["public_key"] for one in told} == {(chain.parent / "keys" / "audit.pub").read_text().strip()}
    assert (chain.parent / "keys" / "audit.key").stat().st_mode & 0o077 == 0


def test_an_untouched_chain_is_told_with_what_is_covered_and_since_when(chain: Path) -> None:
    told = verify_audit(chain)
    assert told.unbroken
    assert (told.acts, told.checkpoints, told.covered_acts) == (7, 3, 6)
    assert told.covered_since == "2026-03-01T09:00:00.000000+00:00"
    assert told.covered_until == "2026-03-03T09:00:00.000000+00:00"


def test_a_cut_end_is_found_up_to_the_last_checkpoint(chain: Path) -> None:
    whole = lines(chain)
    chain.write_bytes(b"".join(whole[:6]))
    assert verify_audit(chain).unbroken  # the seventh act was not covered yet
    chain.write_bytes(b"".join(whole[:5]))
    file, line, told = problem(chain)
    assert (file, line) == ("audit.jsonl", 6)
    assert "cut off" in told


def test_a_cut_end_is_found_also_once_other_acts_came_after_it(chain: Path) -> None:
    chain.write_bytes(b"".join(lines(chain)[:5]))
    for _ in range(3):
        append_act(chain, "mallory", Act.TRAINED, {}, clock=Days(2))
    assert problem(chain)[:2] == ("audit.jsonl", 6)


def test_who_cuts_both_files_contradicts_a_copy(chain: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere.jsonl"
    shutil.copy(notes(chain), copy)
    assert verify_audit(chain, copy=copy).unbroken
    chain.write_bytes(b"".join(lines(chain)[:5]))
    notes(chain).write_bytes(b"".join(lines(notes(chain))[:2]))
    assert verify_audit(chain).unbroken
    assert problem(chain, copy=copy)[:2] == ("audit.jsonl", 6)


def test_checkpoints_cut_alone_contradict_a_copy(chain: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere.jsonl"
    shutil.copy(notes(chain), copy)
    notes(chain).write_bytes(b"".join(lines(notes(chain))[:2]))
    assert problem(chain, copy=copy) == ("audit_checkpoints.jsonl", 3, "line 3 was cut off: the copy has it")
    notes(chain).unlink()
    assert problem(chain, copy=copy)[:2] == ("audit_checkpoints.jsonl", 1)


def test_who_writes_everything_anew_with_a_key_of_their_own_contradicts_a_copy(chain: Path, tmp_path: Path) -> None:
    copy, other = tmp_path / "elsewhere.jsonl", tmp_path / "other"
    shutil.copy(notes(chain), copy)
    keys = tmp_path / "kept-keys"
    shutil.copytree(chain.parent / "keys", keys)
    forged = built(other)
    assert verify_audit(forged).unbroken
    assert "is signed by a key that is not known here" in problem(forged, copy=copy)[2]
    assert "is signed by a key that is not known here" in problem(forged, keys=keys)[2]


def test_a_chain_written_anew_beside_its_checkpoints_is_found(chain: Path, tmp_path: Path) -> None:
    forged = tmp_path / "other" / "audit.jsonl"
    for day in (0, 0, 0, 1, 1, 2, 2):
        append_act(forged, "mallory", Act.TRAINED, {}, clock=Days(day))
    chain.write_bytes(forged.read_bytes())
    assert problem(chain) == ("audit.jsonl", 1, "line 1 is not the one that a checkpoint names: it was written anew")


@given(place=st.floats(0, 1, exclude_max=True), mask=st.sampled_from((0x01, 0x20, 0x80)), of=st.booleans())
def test_any_flipped_byte_of_chain_or_checkpoints_is_found_and_its_line_is_named(
    place: float, mask: int, of: bool, still: Path
) -> None:
    path = still if of else notes(still)
    genuine = path.read_bytes()
    byte = int(place * len(genuine))
    try:
        with path.open("r+b", buffering=0) as stream:
            os.pwrite(stream.fileno(), bytes([genuine[byte] ^ mask]), byte)
        number = 1 + genuine[:byte].count(b"\n")
        file, line, told = problem(still)
        assert (file, line) == (path.name, number)
        assert f"line {number}" in told
    finally:
        path.write_bytes(genuine)


def swapped(told: list[bytes]) -> list[bytes]:
    return [told[0], told[2], told[1], *told[3:]]


@pytest.mark.parametrize(
    ("spoil", "line"),
    [(lambda told: [told[0], *told[2:]], 2), (swapped, 2), (lambda told: [told[0], told[0], *told[1:]], 2)],
)
@pytest.mark.parametrize("of_chain", [True, False])
def test_a_removed_moved_or_doubled_line_is_named(
    spoil: Callable[[list[bytes]], list[bytes]], line: int, of_chain: bool, chain: Path
) -> None:
    path = chain if of_chain else notes(chain)
    path.write_bytes(b"".join(spoil(lines(path))))
    assert problem(chain)[:2] == (path.name, line)


def test_a_writer_killed_between_act_and_checkpoint_is_made_up_for_by_the_next(
    chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("creditrisk.governance.audit.write_checkpoint", killed)
        with pytest.raises(KeyboardInterrupt):
            act(chain, 3)
    assert verify_audit(chain).covered_acts == 6
    act(chain, 3)
    told = verify_audit(chain)
    assert (told.unbroken, told.covered_acts) == (True, 9)


def test_a_checkpoint_torn_by_a_kill_is_kept_aside_and_made_up_for(chain: Path) -> None:
    notes(chain).write_bytes(notes(chain).read_bytes()[:-40])
    assert problem(chain)[:2] == ("audit_checkpoints.jsonl", 3)
    act(chain, 2)
    told = verify_audit(chain)
    assert (told.problem, told.checkpoints, told.covered_acts) == ("", 3, 8)
    assert len(list(chain.parent.glob("audit_checkpoints.jsonl.torn-*"))) == 1


def test_a_key_that_others_may_read_takes_nothing_from_the_act_and_asking_tells_it(chain: Path) -> None:
    (chain.parent / "keys" / "audit.key").chmod(0o644)
    act(chain, 3)
    told = verify_audit(chain)
    assert (told.acts, told.covered_acts) == (8, 6)
    with pytest.raises(Exception, match="others may read this private key"):
        checkpoint(chain, "cron", clock=Days(3))


def test_a_lost_key_is_replaced_and_what_the_old_one_signed_still_counts(chain: Path) -> None:
    (chain.parent / "keys" / "audit.key").unlink()
    act(chain, 3)
    told = verify_audit(chain)
    assert told.unbroken, told.problem
    assert len(told.keys) == 2


def test_a_checkpoint_on_request_covers_every_act_and_is_an_act_itself(chain: Path) -> None:
    written = checkpoint(chain, "cron", clock=Days(2))
    assert written["acts"] == 8
    told = verify_audit(chain)
    assert (told.acts, told.covered_acts, told.checkpoints) == (8, 8, 4)
    assert json.loads(lines(chain)[-1])["act"] == "checkpointed"


def test_a_checkpoint_that_an_act_names_cannot_be_removed(chain: Path) -> None:
    checkpoint(chain, "cron", clock=Days(2))
    notes(chain).write_bytes(b"".join(lines(notes(chain))[:2]))
    assert problem(chain) == ("audit_checkpoints.jsonl", 3, "act 8 names a checkpoint that was removed")


def test_a_chain_older_than_checkpoints_is_verified_without_any(chain: Path) -> None:
    notes(chain).unlink()
    told = verify_audit(chain)
    assert told.unbroken
    assert (told.checkpoints, told.covered_acts, told.covered_since) == (0, 0, None)


def test_without_a_chain_there_is_nothing_to_vouch_for(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no audit chain"):
        checkpoint(tmp_path / "audit.jsonl", "cron", clock=SteppingClock())
    with pytest.raises(MissingInput):
        verify_audit(tmp_path / "audit.jsonl")


def test_a_copy_that_is_not_there_is_not_believed(chain: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such file"):
        verify_audit(chain, copy=tmp_path / "nothing.jsonl")


def test_an_audit_without_a_problem_is_unbroken() -> None:
    assert Audited(1, "a", 0, 0, None, None).unbroken
    assert not Audited(1, "a", 0, 0, None, None, problem="cut").unbroken
