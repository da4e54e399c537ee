"""A file system that is soon full. Root mounts one, and who is not root becomes root of a namespace."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="disk") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room that is left, also what others free or take meanwhile."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(2**16))
    return ballast


def as_root_of_a_namespace(test: pytest.Item) -> None:
    """The same test where anybody may mount a file system, and trace what is started there."""
    again = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{test.path}::{test.name}")
    subprocess.run(["unshare", "--map-root-user", "--mount", *again], check=True, timeout=600)
