"""Files appear whole or not at all: temporary name, fsync, rename."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
        _sync(partial)
        partial.replace(path)
        _sync(path.parent)
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
            _sync(file)
        if path.exists():
            old = path.with_name(f"{PARTIAL}old-{uuid.uuid4().hex}-{path.name}")
            path.rename(old)
            partial.rename(path)
            shutil.rmtree(old)
        else:
            partial.rename(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
