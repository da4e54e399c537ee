"""A file of JSON lines, each naming the hash of the line before: an edit shows. A line is on disk before it counts.

A line holds seq, time, what its writer says, prev (sha256 of the previous line's bytes) and check (sha256 of the line
itself without `check`), so that one altered byte shows, also in the last line. What a chain cannot show by itself is
that its last lines were cut off: whoever must prove that keeps `ChainVerdict.head` somewhere else.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from creditrisk.errors import BrokenFile, CreditRiskError, MissingInput, OutsideFailed, Refused
from creditrisk.files import whole_file
from creditrisk.kinds import canonical_json
from creditrisk.ports import Clock

NO_LINE = "0" * 64
"""`prev` of the first line."""

CLOCKS_MAY_DIFFER = timedelta(minutes=5)
"""Between machines that write to one chain. Within it a line takes the time of the one before: time never goes back."""

_CHECK = b'"check":"'
_SPELLED = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE

_BLOCK = 64 * 1024
"""Bytes read at a time from the end of the chain."""


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


def append_line(
    path: Path, told: Mapping[str, Any], *, torn: Callable[[Mapping[str, str]], Mapping[str, Any]], clock: Clock
) -> dict[str, Any]:
    """Append one line and return it once it is on disk. Safe with many processes.

    told: what the line says beside its place in the chain.
    torn: what to say of a last line that a killed process left unfinished: it is kept beside the chain as
    {name: sha256}, and a line of its own tells so.
    Raises BrokenFile when the last line was altered, Refused when the clock was set back, OutsideFailed when the disk
    fails.
    """
    line = append_line_if(path, lambda _last: told, torn=torn, clock=clock)
    assert line is not None  # it is always wanted
    return line


def append_line_if(
    path: Path,
    told: Callable[[dict[str, Any] | None], Mapping[str, Any] | None],
    *,
    torn: Callable[[Mapping[str, str]], Mapping[str, Any]],
    clock: Clock,
    sealed: Callable[[dict[str, Any]], dict[str, Any]] = lambda line: line,
) -> dict[str, Any] | None:
    """As `append_line`, where what to say depends on the last line, which nobody changes meanwhile; None where nothing.

    sealed: the line with what is said of all of it, its place in the chain included, such as a signature.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path) as stream:
            last, end = _last_line(stream, path)
            if os.fstat(stream.fileno()).st_size > end:
                kept = _keep_torn(path, stream, end)
                last = _next_line(last, torn(kept), clock, path, sealed)
                end = _put(stream, end, last)
                stream.truncate(end)
            wanted = told(dict(json.loads(last)) if last else None)
            line = b"" if wanted is None else _next_line(last, wanted, clock, path, sealed)
            _put(stream, end, line)
            os.fsync(stream.fileno())
    except OSError as error:
        raise OutsideFailed(
            f"nothing could be added to the chain: {error.strerror}",
            where=str(path),
            hint="make the workspace writable and free some room, then run the command again",
        ) from error
    return dict(json.loads(line)) if line else None


def verify_chain(path: Path, heads: Mapping[int, str] | None = None) -> ChainVerdict:
    """Read the whole chain and name the first line that was altered, removed or moved.

    heads: {number of a line: sha256 of its bytes, as somebody noted it}; then a chain that was written anew, or that
    lost its end, is found too.
    Raises MissingInput when there is no chain: nothing to verify is not the same as verified.
    """
    if not path.is_file():
        raise MissingInput("there is no such chain", where=str(path), hint="the first act writes it")
    head, acts, noted = NO_LINE, 0, heads or {}
    with path.open("rb") as stream:
        size = _size_between_writes(stream)
        for number, line in enumerate(stream, start=1):
            if size <= 0:  # lines appended meanwhile
                break
            (broken, problem), here = _problem(line, number, head), _sha256(line)
            if not problem and noted.get(number, here) != here:
                broken, problem = number, f"line {number} is not the one that a checkpoint names: it was written anew"
            if problem:
                return ChainVerdict(acts, head, broken, problem)
            head, acts, size = here, number, size - len(line)
    if noted and max(noted) > acts:
        problem = (
            f"line {acts + 1} and what followed was cut off: a checkpoint names {max(noted)} lines, {acts} are there"
        )
        return ChainVerdict(acts, head, acts + 1, problem)
    return ChainVerdict(acts, head)


def lines_of(
    path: Path, *, remedy: str, wanted: Callable[[bytes], bool] = lambda _line: True
) -> Iterator[dict[str, Any]]:
    """Every whole line, oldest first, without what is appended meanwhile; none where there is no chain yet.

    wanted: by a line's bytes; the others are checked and left out, which is ten times faster than to read them.
    Raises BrokenFile, with `remedy` as its hint, for a line that was altered, removed or moved: what leaves it out
    would be wrong.
    """
    if not path.is_file():
        return
    head = NO_LINE
    with path.open("rb") as stream:
        size = _size_between_writes(stream)
        for number, line in enumerate(stream, start=1):
            if size <= 0 or not line.endswith(b"\n"):  # a writer was killed; the next line sets its rest aside
                return
            asked = wanted(line)
            told = _read(line) if asked else None
            if told is None and (asked or not _is_checked(line)):
                raise BrokenFile(f"line {number} was altered", where=str(path), hint=remedy)
            if f'"prev":"{head}"'.encode() not in line:
                raise BrokenFile(f"before line {number} one was removed, or moved", where=str(path), hint=remedy)
            head, size = _sha256(line), size - len(line)
            if told is not None:
                yield told


def last_line(path: Path) -> dict[str, Any] | None:
    """The last whole line, without reading the ones before; None where there is none.

    Raises BrokenFile when it was altered.
    """
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        _size_between_writes(stream)
        line, _ = _last_line(stream, path)
    return dict(json.loads(line)) if line else None


def hash_of_line(line: Mapping[str, Any]) -> str:
    """sha256 of the bytes of a line that `append_line` returned or `lines_of` read: its successor's `prev`."""
    return _sha256(_spelled(line))


def _problem(line: bytes, number: int, head: str) -> tuple[int, str]:
    """Which line is wrong, and how, when this one should be the `number`th, after one of the hash `head`."""
    if not line.endswith(b"\n"):
        return number, f"line {number} is unfinished: its writer was killed, or it was altered"
    act = _read(line)
    if act is None:
        return number, f"line {number} was altered"
    if act["seq"] != number:
        return number, f"line {number} holds number {act['seq']}: a line was removed, added or moved"
    if act["prev"] != head:
        replaced = max(1, number - 1)
        return replaced, f"line {replaced} was replaced: line {number} names another one before it"
    return number, ""


def _read(line: bytes) -> dict[str, Any] | None:
    """The act of a line, None when the line is not what `_next_line` wrote, byte for byte."""
    try:
        told = orjson.loads(line)
        # the fast writer spells all but some numbers as canonical JSON does
        spelled = orjson.dumps(told, option=_SPELLED) == line or _spelled(told) == line
        genuine = spelled and _is_checked(line)
        return told if genuine and isinstance(told["seq"], int) and isinstance(told["prev"], str) else None
    except (CreditRiskError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return None


def _is_checked(line: bytes) -> bool:
    """Has the line the hash that stands in it? Without taking it apart: a quote inside a text is escaped, so the first
    `"check":"` is the key, and canonical JSON without it is what `check` was made of.
    """
    at = line.find(_CHECK)
    told, rest = line[at + len(_CHECK) : at + len(_CHECK) + 64], line[at + len(_CHECK) + 66 : -1]
    return at > 0 and hashlib.sha256(line[:at] + rest).hexdigest().encode("ascii") == told


def _spelled(act: Mapping[str, Any]) -> bytes:
    return canonical_json(act) + b"\n"


def _next_line(
    last: bytes, told: Mapping[str, Any], clock: Clock, path: Path, sealed: Callable[[dict[str, Any]], dict[str, Any]]
) -> bytes:
    before: dict[str, Any] = json.loads(last) if last else {"seq": 0, "time": None}
    line = sealed(
        {
            **told,
            "seq": before["seq"] + 1,
            "time": _time_after(before["time"], clock, path),
            "prev": _sha256(last) if last else NO_LINE,
        }
    )
    return _spelled({**line, "check": _sha256(canonical_json(line))})


def _time_after(before: str | None, clock: Clock, path: Path) -> str:
    now = clock.now().astimezone(UTC)
    if before is not None and now < (earlier := datetime.fromisoformat(before)):
        if earlier - now > CLOCKS_MAY_DIFFER:
            raise Refused(
                f"the clock was set back: it says {now:%Y-%m-%d %H:%M:%S}, and the last act is of "
                f"{earlier:%Y-%m-%d %H:%M:%S} (UTC)",
                where=str(path),
                hint="set the clock right; an act cannot come before the one that it follows",
            )
        now = earlier
    return now.isoformat(timespec="microseconds")


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
            "the last line of the chain was altered",
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
