"""One file comes from somewhere else: resumed where that is safe, tried again where it may help, and checked whole."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from creditrisk.errors import BrokenFile, OutsideFailed
from creditrisk.files import Checksums, Hashes, hashes_of, read_json, sync, write_json
from creditrisk.ports import StoredObject
from creditrisk.sources.base import Bringer, Remote

type Told = Callable[[int, int | None], None]
"""Told (bytes that are here, bytes in all where the source says so)."""


@dataclass(frozen=True)
class Patience:
    """How often a file is asked for, and how long is waited in between: longer each time, with a random part."""

    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    """Also the longest that a server may ask to wait."""
    sleep: Callable[[float], object] = time.sleep


@dataclass(frozen=True, slots=True)
class Arrived:
    """A whole file under the name it was downloaded to."""

    stat: StoredObject
    size: int
    checksums: Checksums


def download(remote: Remote | Bringer, to: Path, told: Told, patience: Patience) -> Arrived:
    """The whole file at `to`, a name that nobody reads, on disk for good.

    What a broken try left at `to` is kept, with a note beside it, and the next one goes on from there when version
    and size at the source are what they were. The caller holds the lock on `to`.
    Raises MissingObject when the source has no such file, OutsideFailed for all else.
    """
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

    usual = wait_exponential_jitter(patience.first_wait_s, patience.longest_wait_s, jitter=patience.first_wait_s)

    def wait_s(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(usual(state), getattr(error, "retry_after_s", None) or 0.0)

    def may_help(error: BaseException) -> bool:
        if not isinstance(error, OutsideFailed) or not error.retry_may_help:
            return False
        return (error.retry_after_s or 0.0) <= patience.longest_wait_s

    attempts = Retrying(
        stop=stop_after_attempt(patience.attempts),
        wait=wait_s,
        retry=retry_if_exception(may_help),
        sleep=lambda seconds: _wait(patience, seconds),
        reraise=True,
    )
    try:
        return attempts(_bring if hasattr(remote, "bring") else _stream, remote, to, told)
    except OutsideFailed as error:
        if error.retry_after_s and error.retry_after_s > patience.longest_wait_s:
            error.what += f"; it asks to wait {error.retry_after_s:,.0f} s"
        if _note(to).is_file() and to.is_file() and to.stat().st_size:
            error.hint += f"; {to.stat().st_size:,} bytes are kept, the next try goes on from there"
        raise


def _wait(patience: Patience, seconds: float) -> None:
    patience.sleep(seconds)


def discard(to: Path) -> None:
    """Forget what has arrived so far."""
    to.unlink(missing_ok=True)
    _note(to).unlink(missing_ok=True)


def forget_note(to: Path) -> None:
    """After the file got its final name."""
    _note(to).unlink(missing_ok=True)


def _stream(remote: Remote, to: Path, told: Told) -> Arrived:
    stat = remote.stat()
    with _disk_full_told(to, stat):
        here = _kept(to, stat)
        _need_room(to, stat, here)
        hashes, size = _append(remote, to, stat, here, told)
    checksums = hashes.checksums()
    if stat.size is not None and size < stat.size:
        raise OutsideFailed(
            f"the connection ended after {size:,} of {stat.size:,} bytes", where=remote.uri, hint=_AGAIN
        )
    if (stat.size is not None and size > stat.size) or (stat.md5 and stat.md5 != checksums.md5):
        discard(to)
        raise OutsideFailed("other bytes arrived than the source tells of", where=remote.uri, hint=_AGAIN)
    if _mark(remote.stat()) != _mark(stat):
        discard(to)
        raise OutsideFailed("the file changed while it was fetched", where=remote.uri, hint=_AGAIN)
    return Arrived(stat, size, checksums)


def _append(remote: Remote, to: Path, stat: StoredObject, here: int, told: Told) -> tuple[Hashes, int]:
    """Write what is missing behind the `here` bytes; hashes of all of it, and how much that is."""
    with to.open("r+b") as out:
        hashes = hashes_of(out)  # leaves the stream at its end
        told(here, stat.size)
        if here != stat.size:
            with remote.read(here) as chunks:
                for chunk in chunks:
                    out.write(chunk)
                    hashes.update(chunk)
                    here += len(chunk)
                    told(here, stat.size)
                    if stat.size is not None and here > stat.size:
                        break
    sync(to)
    return hashes, here


def _bring(remote: Bringer, to: Path, told: Told) -> Arrived:
    discard(to)
    stat = remote.stat()
    _need_room(to, stat, 0)
    try:
        with _disk_full_told(to, stat):
            remote.bring(to)
            sync(to)
        with to.open("rb") as stream:
            checksums = hashes_of(stream).checksums()
    except BaseException:
        discard(to)
        raise
    size = to.stat().st_size
    told(size, size)
    return Arrived(stat, size, checksums)


def _kept(to: Path, stat: StoredObject) -> int:
    """Bytes of this very version that are here already; what is here of another one is thrown away."""
    mark = _mark(stat)
    if stat.version is not None and to.is_file() and _noted(to) == mark:
        size = to.stat().st_size
        if stat.size is None or size <= stat.size:
            return size
    discard(to)
    to.touch()
    if stat.version is not None:
        write_json(_note(to), mark)
    return 0


def _noted(to: Path) -> dict[str, object]:
    try:
        return read_json(_note(to)) if _note(to).is_file() else {}
    except BrokenFile:
        return {}


def _mark(stat: StoredObject) -> dict[str, object]:
    """What must stay the same for two halves to make one file."""
    told = asdict(stat)
    return {key: told[key] for key in ("uri", "version", "size")}


def _note(to: Path) -> Path:
    return to.with_name(f"{to.name}.json")


_AGAIN = "run it again"


def _need_room(to: Path, stat: StoredObject, here: int) -> None:
    needed = (stat.size or 0) - here
    free = shutil.disk_usage(to.parent).free
    if needed > free:
        raise _no_room(stat, needed, free)


@contextmanager
def _disk_full_told(to: Path, stat: StoredObject) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        here = to.stat().st_size if to.is_file() else 0
        needed = None if stat.size is None else stat.size - here
        raise _no_room(stat, needed, shutil.disk_usage(to.parent).free) from error


def _no_room(stat: StoredObject, needed: int | None, free: int) -> OutsideFailed:
    more = "more room is" if needed is None else f"{needed / 2**20:,.1f} MB more are"
    return OutsideFailed(
        f"the disk is too full: {more} needed, {free / 2**20:,.1f} MB are free",
        where=stat.uri,
        hint="free disk space, or give another --workspace",
        retry_may_help=False,
    )
