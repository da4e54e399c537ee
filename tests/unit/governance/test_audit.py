"""The audit chain: every act on disk, in order, and nothing altered unnoticed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.adapters.system_clock import SystemClock
from creditrisk.errors import BadUsage, BrokenFile, MissingInput, OutsideFailed, Refused
from creditrisk.governance import Act, acts_about, append_act, verify_audit, verify_chain

HASH = "a" * 64
ACTS = int(os.environ.get("TEST_ACTS", "100"))
"""Of each of eight writers: 1,000 in `make bench-full`."""


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Five acts."""
    path = tmp_path / "audit.jsonl"
    clock = SteppingClock()
    for number in range(5):
        append_act(path, "ann", Act.TRAINED, {"bundle": f"{number:064x}"}, clock=clock)
    return path


def test_an_act_says_who_did_what_when_on_which_hashes_after_which_act(tmp_path: Path) -> None:
    path = tmp_path / "workspace" / "audit.jsonl"
    clock = SteppingClock()
    first = append_act(path, "ann", Act.INGEST_ACCEPTED, {"loans.csv": HASH}, clock=clock)
    second = append_act(path, "Bob Ünal", Act.TRAINED, {}, clock=clock)
    lines = path.read_bytes().splitlines(keepends=True)
    assert [json.loads(line) for line in lines] == [first, second]
    assert first["seq"] == 1
    assert first["time"] == "2026-01-01T00:00:00.000000+00:00"
    assert first["actor"] == "ann"
    assert first["act"] == "ingest_accepted"
    assert first["hashes"] == {"loans.csv": HASH}
    assert first["prev"] == "0" * 64
    assert second["seq"] == 2
    assert second["time"] == "2026-01-01T00:00:01.000000+00:00"
    assert second["prev"] != first["prev"]


def test_a_whole_chain_is_unbroken_and_its_head_moves_with_every_act(chain: Path) -> None:
    before = verify_chain(chain)
    append_act(chain, "ann", Act.REGISTERED, {}, clock=SteppingClock())
    after = verify_chain(chain)
    assert before.unbroken
    assert after.unbroken
    assert (before.acts, after.acts) == (5, 6)
    assert before.head != after.head


def test_acts_are_found_by_kind_and_by_what_they_were_about(chain: Path) -> None:
    append_act(chain, "ann", Act.TESTED, {"bundle": HASH, "test_rows": HASH}, clock=SteppingClock())
    append_act(chain, "ann", Act.TESTED, {"bundle": "b" * 64, "test_rows": HASH}, clock=SteppingClock())
    assert [act["seq"] for act in acts_about(chain, Act.TESTED, test_rows=HASH)] == [6, 7]
    assert [act["seq"] for act in acts_about(chain, Act.TESTED, test_rows=HASH, bundle=HASH)] == [6]
    assert acts_about(chain, Act.TESTED, test_rows="c" * 64) == []
    assert len(acts_about(chain, Act.TRAINED)) == 5


def test_without_a_chain_there_were_no_acts(tmp_path: Path) -> None:
    assert acts_about(tmp_path / "audit.jsonl", Act.TESTED) == []


def test_acts_are_not_counted_in_an_altered_chain(chain: Path) -> None:
    chain.write_bytes(chain.read_bytes().replace(b'"ann"', b'"bob"', 1))
    with pytest.raises(BrokenFile, match="line 1 was altered"):
        acts_about(chain, Act.TRAINED)


def test_an_unfinished_last_line_is_not_an_act_yet(chain: Path) -> None:
    chain.write_bytes(chain.read_bytes()[:-3])
    assert len(acts_about(chain, Act.TRAINED)) == 4


def test_nothing_to_verify_is_not_verified(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such chain"):
        verify_chain(tmp_path / "audit.jsonl")


def test_any_flipped_byte_is_found_and_its_line_is_named(chain: Path) -> None:
    genuine = chain.read_bytes()
    ends = [index for index, byte in enumerate(genuine) if byte == ord("\n")]
    with chain.open("r+b", buffering=0) as stream:
        for place, byte in enumerate(genuine):
            for mask in (0x01, 0x20):
                os.pwrite(stream.fileno(), bytes([byte ^ mask]), place)
                verdict = verify_chain(chain)
                number = 1 + sum(end < place for end in ends)
                assert verdict.line == number, f"byte {place} ^ {mask}: {verdict.problem}"
                assert f"line {number}" in verdict.problem
            os.pwrite(stream.fileno(), bytes([byte]), place)
    assert verify_chain(chain).unbroken


def test_a_removed_line_is_named(chain: Path) -> None:
    lines = chain.read_bytes().splitlines(keepends=True)
    chain.write_bytes(b"".join(lines[:2] + lines[3:]))
    verdict = verify_chain(chain)
    assert verdict.line == 3
    assert "removed" in verdict.problem


def test_two_lines_that_changed_places_are_named(chain: Path) -> None:
    lines = chain.read_bytes().splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    chain.write_bytes(b"".join(lines))
    verdict = verify_chain(chain)
    assert verdict.line == 2
    assert "moved" in verdict.problem


def test_a_line_replaced_by_a_well_made_one_is_named_by_the_line_after_it(chain: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged.jsonl"
    lines = chain.read_bytes().splitlines(keepends=True)
    forged.write_bytes(b"".join(lines[:2]))
    append_act(forged, "mallory", Act.TRAINED, {}, clock=SteppingClock())
    forged.write_bytes(forged.read_bytes() + b"".join(lines[3:]))
    verdict = verify_chain(forged)
    assert verdict.line == 3
    assert "replaced" in verdict.problem


@pytest.mark.parametrize(
    "line",
    [b"\n", b"[]\n", b"null\n", b"{}\n", b'{"check":NaN}\n', b'{"check":1,"seq":1}\n', b"\xff\n", b"[" * 99999 + b"\n"],
)
def test_a_line_that_is_no_act_is_named_and_nothing_is_appended_to_it(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(line)
    assert verify_chain(path).line == 1
    with pytest.raises(BrokenFile, match="altered"):
        append_act(path, "ann", Act.TRAINED, {}, clock=SteppingClock())
    assert path.read_bytes() == line


@pytest.mark.parametrize("cut", [1, 2, 80, 200])
def test_a_torn_last_line_is_kept_aside_and_an_act_says_so(chain: Path, cut: int) -> None:
    whole = chain.read_bytes()
    chain.write_bytes(whole[:-cut])
    torn = chain.read_bytes().splitlines(keepends=True)[-1]
    assert verify_chain(chain).line == 5
    append_act(chain, "bob", Act.REGISTERED, {}, clock=SteppingClock())
    assert (chain.parent / "audit.jsonl.torn-1").read_bytes() == torn
    acts = [json.loads(line) for line in chain.read_text().splitlines()]
    assert [act["act"] for act in acts[4:]] == ["torn_line_set_aside", "registered"]
    assert list(acts[4]["hashes"]) == ["audit.jsonl.torn-1"]
    assert verify_chain(chain).unbroken


def test_torn_lines_of_two_crashes_are_both_kept(chain: Path) -> None:
    for _ in range(2):
        chain.write_bytes(chain.read_bytes() + b'{"act":"tra')
        append_act(chain, "bob", Act.TRAINED, {}, clock=SteppingClock())
    assert sorted(path.name for path in chain.parent.glob("*.torn-*")) == ["audit.jsonl.torn-1", "audit.jsonl.torn-2"]
    assert verify_chain(chain).unbroken


def test_a_chain_that_is_nothing_but_a_torn_line_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"act"')
    append_act(path, "ann", Act.TRAINED, {}, clock=SteppingClock())
    assert verify_chain(path).acts == 2
    assert verify_chain(path).unbroken


def test_a_torn_rest_longer_than_the_act_that_reports_it_leaves_no_remains(chain: Path) -> None:
    chain.write_bytes(chain.read_bytes() + b"x" * 5000)
    append_act(chain, "ann", Act.TRAINED, {}, clock=SteppingClock())
    assert verify_chain(chain).unbroken
    assert (chain.parent / "audit.jsonl.torn-1").read_bytes() == b"x" * 5000


def test_lines_longer_than_a_block_are_found_again(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    many = {f"file-{number}": HASH for number in range(3000)}
    for _ in range(3):
        append_act(path, "ann", Act.TRAINED, many, clock=SteppingClock())
    assert path.stat().st_size > 3 * 200_000
    assert verify_chain(path).unbroken


@pytest.mark.parametrize("actor", ["", "  "])
def test_an_act_without_an_actor_is_refused_and_nothing_is_written(tmp_path: Path, actor: str) -> None:
    with pytest.raises(BadUsage, match="actor"):
        append_act(tmp_path / "audit.jsonl", actor, Act.TRAINED, {}, clock=SteppingClock())
    assert not (tmp_path / "audit.jsonl").exists()


def test_a_disk_that_fails_is_told_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutsideFailed, match="writable"):
        append_act(tmp_path / "file" / "audit.jsonl", "ann", Act.TRAINED, {}, clock=SteppingClock())


def test_the_act_is_synced_before_it_is_told(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def spy(handle: int) -> None:
        real(handle)
        synced.append(os.fstat(handle).st_size)

    monkeypatch.setattr(os, "fsync", spy)
    append_act(chain, "ann", Act.TRAINED, {}, clock=SteppingClock())
    assert synced == [chain.stat().st_size]


def test_appending_to_a_long_chain_reads_only_its_end(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    append_act(path, "ann", Act.TRAINED, {}, clock=SteppingClock())
    with path.open("r+b") as stream:  # a gigabyte of old acts, as a hole that costs no disk
        line = stream.read()
        stream.seek(2**30)
        stream.write(b"\n" + line)
    started = time.perf_counter()
    append_act(path, "ann", Act.TRAINED, {}, clock=SteppingClock())
    assert time.perf_counter() - started < 0.5
    assert path.stat().st_size < 2**30 + 3 * len(line)


WRITER = """
import sys
from pathlib import Path
from creditrisk.adapters.system_clock import SystemClock
from creditrisk.governance import Act, append_act
for number in range(int(sys.argv[3])):
    append_act(Path(sys.argv[1]), sys.argv[2], Act.TRAINED, {"number": f"{number:064x}"}, clock=SystemClock())
    print(number, flush=True)
"""


def _writer(path: Path, actor: str, acts: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", WRITER, str(path), actor, str(acts)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_eight_processes_make_one_unbroken_chain_of_all_their_acts(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    writers = [_writer(path, f"writer-{number}", ACTS) for number in range(8)]
    for writer in writers:
        writer.communicate(timeout=600)
    assert [writer.returncode for writer in writers] == [0] * 8
    verdict = verify_audit(path)
    assert verdict.unbroken, verdict.problem
    assert verdict.acts == 8 * ACTS
    acts = [json.loads(line) for line in path.read_text().splitlines()]
    for number in range(8):
        told = [act["hashes"]["number"] for act in acts if act["actor"] == f"writer-{number}"]
        assert told == [f"{step:064x}" for step in range(ACTS)]
    days = {act["time"][:10] for act in acts}
    assert verdict.checkpoints == len(days)


def test_what_a_killed_writer_was_told_is_in_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    told = 0
    for attempt in range(6):
        writer = _writer(path, f"writer-{attempt}", 10_000)
        assert writer.stdout is not None
        for _ in range(1 + 7 * attempt):
            writer.stdout.readline()
        writer.kill()
        told += 1 + 7 * attempt + len(writer.stdout.read().splitlines())
        writer.wait(timeout=20)
        writer.stdout.close()
    append_act(path, "ann", Act.REGISTERED, {}, clock=SystemClock())
    verdict = verify_chain(path)
    assert verdict.unbroken, verdict.problem
    assert verdict.acts > told


def test_an_act_before_the_last_one_is_refused_where_the_clock_was_set_back(chain: Path) -> None:
    before = chain.read_bytes()
    with pytest.raises(Refused, match=r"set back: it says 2025-12-31 23:00:00, and the last act is of 2026-01-01"):
        append_act(chain, "ann", Act.TRAINED, {}, clock=SteppingClock(datetime(2025, 12, 31, 23, tzinfo=UTC)))
    assert chain.read_bytes() == before


def test_a_clock_that_is_a_little_behind_writes_the_time_of_the_act_before(chain: Path) -> None:
    last = json.loads(chain.read_bytes().splitlines()[-1])
    late = append_act(chain, "ann", Act.TRAINED, {}, clock=SteppingClock(datetime(2025, 12, 31, 23, 58, tzinfo=UTC)))
    assert late["time"] == last["time"]
    assert verify_chain(chain).unbroken
