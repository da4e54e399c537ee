"""The audit chain: one JSON line for each act, each naming the hash of the line before, on disk before it counts.

A line holds seq, time, actor, act, hashes, prev (sha256 of the previous line's bytes) and check (sha256 of the line
itself without `check`), so that one altered byte shows, also in the last line. What a chain cannot show by itself is
that its last lines were cut off: whoever must prove that keeps `ChainVerdict.head` somewhere else.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from creditrisk.errors import BadUsage, BrokenFile, CreditRiskError, MissingInput, OutsideFailed
from creditrisk.files import whole_file
from creditrisk.kinds import canonical_json
from creditrisk.ports import Clock

NO_LINE = "0" * 64
"""`prev` of the first line."""

_BLOCK = 64 * 1024
"""Bytes read at a time from the end of the chain."""


class Act(StrEnum):
    """What may be written to the chain."""

    INGEST_ACCEPTED = "ingest_accepted"
    TRAINED = "trained"
    TESTED = "tested"
    REGISTERED = "registered"
    PUBLISHED = "published"
    TORN_LINE_SET_ASIDE = "torn_line_set_aside"


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What `verify_chain` found. `line` counts from 1; `head` is the sha256 of the last good line's bytes."""

    acts: int
    head: str
    line: int | None = None
    problem: str = ""

    @property
    def unbroken(self) -> bool:
        return self.line is None


def append_act(path: Path, actor: str, act: Act, hashes: Mapping[str, str], *, clock: Clock) -> dict[str, Any]:
    """Append one act and return its line once it is on disk. Safe with many processes.

    actor: a person or service, by name.   hashes: {what: sha256}, the things the act was about.
    A last line that a killed process left unfinished is kept beside the chain and an act of its own says so.
    Raises BadUsage without an actor, BrokenFile when the last line was altered, OutsideFailed when the disk fails.
    """
    if not actor.strip():
        raise BadUsage("an act needs an actor", where=str(path), hint="give --by NAME or set CREDITRISK_ACTOR")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path) as stream:
            last, end = _last_line(stream, path)
            if os.fstat(stream.fileno()).st_size > end:
                kept = _keep_torn(path, stream, end)
                last = _next_line(last, actor, Act.TORN_LINE_SET_ASIDE, kept, clock)
                end = _put(stream, end, last)
                stream.truncate(end)
            line = _next_line(last, actor, act, hashes, clock)
            _put(stream, end, line)
            os.fsync(stream.fileno())
    except OSError as error:
        raise OutsideFailed(
            f"the act could not be written: {error.strerror}",
            where=str(path),
            hint="make the workspace writable and free some room, then run the command again",
        ) from error
    return dict(json.loads(line))


def verify_chain(path: Path) -> ChainVerdict:
    """Read the whole chain and name the first line that was altered, removed or moved.

    Raises MissingInput when there is no chain: nothing to verify is not the same as verified.
    """
    if not path.is_file():
        raise MissingInput("there is no audit chain", where=str(path), hint="the first training writes it")
    head, acts = NO_LINE, 0
    with path.open("rb") as stream:
        size = _size_between_writes(stream)
        for number, line in enumerate(stream, start=1):
            if size <= 0:  # acts appended meanwhile
                break
            broken, problem = _problem(line, number, head)
            if problem:
                return ChainVerdict(acts, head, broken, problem)
            head, acts, size = _sha256(line), number, size - len(line)
    return ChainVerdict(acts, head)


def acts_about(path: Path, act: Act, **hashes: str) -> list[dict[str, Any]]:
    """The acts of this kind that name all these hashes, oldest first; none where there is no chain yet.

    Raises BrokenFile for a line that was altered: a count that leaves it out would be wrong.
    """
    if not path.is_file():
        return []
    found = []
    with path.open("rb") as stream:
        size = _size_between_writes(stream)
        for number, line in enumerate(stream, start=1):
            if size <= 0:  # acts appended meanwhile
                break
            size -= len(line)
            if not line.endswith(b"\n"):  # a writer was killed; the next act sets its rest aside
                break
            told = _read(line)
            if told is None:
                raise BrokenFile(
                    f"line {number} of the audit chain was altered",
                    where=str(path),
                    hint="`creditrisk audit verify` names what is wrong; restore the file from a copy",
                )
            if told["act"] == act.value and hashes.items() <= told["hashes"].items():
                found.append(told)
    return found


def _problem(line: bytes, number: int, head: str) -> tuple[int, str]:
    """Which line is wrong, and how, when this one should be the `number`th, after one of the hash `head`."""
    if not line.endswith(b"\n"):
        return number, f"line {number} is unfinished: its writer was killed, or it was altered"
    act = _read(line)
    if act is None:
        return number, f"line {number} was altered"
    if act["seq"] != number:
        return number, f"line {number} holds act {act['seq']}: a line was removed, added or moved"
    if act["prev"] != head:
        replaced = max(1, number - 1)
        return replaced, f"line {replaced} was replaced: line {number} names another one before it"
    return number, ""


def _read(line: bytes) -> dict[str, Any] | None:
    """The act of a line, None when the line is not what `_next_line` wrote, byte for byte."""
    try:
        act = json.loads(line)
        check = act.pop("check")
        genuine = check == _sha256(canonical_json(act)) and _spelled({**act, "check": check}) == line
        return act if genuine and isinstance(act["seq"], int) and isinstance(act["prev"], str) else None
    except (CreditRiskError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return None


def _spelled(act: Mapping[str, Any]) -> bytes:
    return canonical_json(act) + b"\n"


def _next_line(last: bytes, actor: str, act: Act, hashes: Mapping[str, str], clock: Clock) -> bytes:
    line: dict[str, Any] = {
        "seq": json.loads(last)["seq"] + 1 if last else 1,
        "time": clock.now().astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": actor,
        "act": act.value,
        "hashes": dict(hashes),
        "prev": _sha256(last) if last else NO_LINE,
    }
    return _spelled({**line, "check": _sha256(canonical_json(line))})


def _put(stream: BinaryIO, at: int, line: bytes) -> int:
    """Write the line at that byte; return where it ends."""
    stream.seek(at)
    stream.write(line)
    stream.flush()
    return at + len(line)


def _last_line(stream: BinaryIO, path: Path) -> tuple[bytes, int]:
    """The last whole line and the byte where it ends, without reading the lines before; (b"", 0) when there is none."""
    size = os.fstat(stream.fileno()).st_size
    tail, start = b"", size
    while start > 0 and tail.count(b"\n") < 2:
        start = max(0, start - _BLOCK)
        stream.seek(start)
        tail = stream.read(size - start)
    end = tail.rfind(b"\n") + 1
    if end == 0:
        return b"", 0
    line = tail[tail.rfind(b"\n", 0, end - 1) + 1 : end]
    if _read(line) is None:
        raise BrokenFile(
            "the last line of the audit chain was altered",
            where=str(path),
            hint="`creditrisk audit verify` names what is wrong; restore the file from a copy",
        )
    return line, start + end


def _keep_torn(path: Path, stream: BinaryIO, end: int) -> dict[str, str]:
    """Copy the unfinished rest of the chain to the next free `<chain>.torn-<n>`; {its name: its sha256}."""
    stream.seek(end)
    torn = stream.read()
    number = 1
    while (kept := path.with_name(f"{path.name}.torn-{number}")).exists():
        number += 1
    with whole_file(kept) as partial:
        partial.write_bytes(torn)
    return {kept.name: _sha256(torn)}


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The file, made if missing, to read and write while no other process does."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # let go when the file is closed, also by a kill
        if os.fstat(stream.fileno()).st_size == 0:
            _sync_folder(path.parent)
        yield stream


def _size_between_writes(stream: BinaryIO) -> int:
    fcntl.flock(stream, fcntl.LOCK_SH)
    size = os.fstat(stream.fileno()).st_size
    fcntl.flock(stream, fcntl.LOCK_UN)
    return size


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
