"""Finished chunks of a batch, kept beside its output, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.errors import Refused
from creditrisk.files import PARTIAL, whole_file

PASSING = "passing"
"""Subfolder for what each run makes anew: typed tables and features."""

LOCK = "lock"


@contextmanager
def unfinished(output: Path) -> Iterator[Path]:
    """A folder beside `output` to work in: held against other runs, gone when the run is done.

    Of a run that ends early only the finished parts stay. Raises Refused while another run works on this output.
    """
    folder = output.parent / f"{PARTIAL}score-{output.name}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        _hold(lock.fileno(), folder / LOCK, output)
        try:
            shutil.rmtree(folder / PASSING, ignore_errors=True)
            (folder / PASSING).mkdir()
            yield folder
            shutil.rmtree(folder)
        finally:
            shutil.rmtree(folder / PASSING, ignore_errors=True)
            if not any(folder.glob("*/*.parquet")):
                shutil.rmtree(folder, ignore_errors=True)


def _hold(handle: int, lock: Path, output: Path) -> None:
    refused = Refused("another run writes this output", where=str(output), hint="wait for it, or name another --output")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise refused from error
    if not lock.exists() or not os.path.samestat(os.fstat(handle), lock.stat()):
        raise refused  # its holder finished, and took the folder away, between our opening and holding it


@dataclass(frozen=True)
class Parts:
    """The decisions of each finished chunk as a file of its own."""

    folder: Path

    @classmethod
    def of(cls, work: Path, run_id: str, rows_at_once: int) -> Parts:
        """Those of this run and of chunks this large; what other runs left there is gone."""
        own = work / f"{run_id[:16]}-{rows_at_once}"
        for other in work.iterdir():
            if other.is_dir() and other.name not in (PASSING, own.name):
                shutil.rmtree(other)
        return cls(own)

    def path(self, number: int) -> Path:
        return self.folder / f"{number:08}.parquet"

    def write(self, number: int, decisions: pa.Table) -> None:
        """Whole and on disk when it returns."""
        with whole_file(self.path(number)) as partial:
            pq.write_table(decisions, partial, compression="zstd")

    def has(self, number: int) -> bool:
        return self.path(number).is_file()

    def read(self, count: int) -> Iterator[pa.Table]:
        """The first `count` of them, one at a time."""
        return (pq.read_table(self.path(number)) for number in range(count))
