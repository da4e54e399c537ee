"""Files appear whole or not at all: temporary name, fsync, rename."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from creditrisk.errors import BrokenFile, MissingInput
from creditrisk.kinds import canonical_json

PARTIAL = ".partial-"
"""Prefix of every unfinished file or folder; nobody reads a name that starts with it."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write to the yielded temporary path; on success it takes the final name, on failure it vanishes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{PARTIAL}{uuid.uuid4().hex}-{path.name}")
    try:
        yield partial
        sync(partial)
        partial.replace(path)
        sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """As `whole_file`, for a folder. An existing folder of that name is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{PARTIAL}{uuid.uuid4().hex}-{path.name}")
    partial.mkdir()
    try:
        yield partial
        for file in sorted(partial.rglob("*")):
            sync(file)
        if path.exists():
            old = path.with_name(f"{PARTIAL}old-{uuid.uuid4().hex}-{path.name}")
            path.rename(old)
            partial.rename(path)
            shutil.rmtree(old)
        else:
            partial.rename(path)
        sync(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Wait until nobody else, in this process or another, holds the lock file; hold it. A dead holder holds nothing."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True, slots=True)
class Checksums:
    """Of one file, in lower-case hex."""

    md5: str
    sha256: str


class Hashes:
    """md5 and sha256 of bytes that come in pieces."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def update(self, chunk: bytes) -> None:
        self._md5.update(chunk)
        self._sha256.update(chunk)

    def checksums(self) -> Checksums:
        return Checksums(self._md5.hexdigest(), self._sha256.hexdigest())


def hashes_of(stream: IO[bytes]) -> Hashes:
    """Of what is left in the stream, read once."""
    hashes = Hashes()
    while chunk := stream.read(2**20):
        hashes.update(chunk)
    return hashes


def checksums(path: Path) -> Checksums:
    with path.open("rb") as stream:
        return hashes_of(stream).checksums()


def remove_partials(folder: Path) -> None:
    """Clear what a killed run left behind. Only call it where no other run is writing."""
    for leftover in folder.rglob(f"{PARTIAL}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """A report for people and machines: sorted keys, two spaces, a final newline; NaN is refused."""
    canonical_json(value)
    write_text(path, json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise MissingInput("the report is missing", where=str(path), hint="run the stage that writes it first")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise BrokenFile(f"not JSON: {error}", where=str(path), hint="run the stage that writes it again") from error
    if not isinstance(value, dict):
        raise BrokenFile("expected a JSON object", where=str(path), hint="run the stage that writes it again")
    return value


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
