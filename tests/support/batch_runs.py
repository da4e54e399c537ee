"""A recorded batch of the tiny book in processes that are killed.

python -m tests.support.batch_runs FOLDER BUNDLE RAW OUTPUT URL TIMES: starts the same run so many times and kills each
a moment after it began to keep decisions, prints how many were killed, and lets the last one end. They are forked here,
so that a kill does not cost a start of Python.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from creditrisk.adapters.decision_store import SqlDecisionStore
from creditrisk.pipelines import batch_predict
from creditrisk.pipelines.context import Context
from creditrisk.ports import Passport
from tests.support.decision_stores import open_store
from tests.support.tiny_run import tiny_context

LONGEST_S = 0.02
"""From the last append that a run may begin to its kill."""

APPEND = b"append\n"


class Telling:
    """A store that says when it is about to keep something."""

    def __init__(self, store: SqlDecisionStore) -> None:
        self._store = store

    def append(self, passports: Sequence[Passport]) -> None:
        os.write(1, APPEND)
        self._store.append(passports)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def decide(context: Context, bundle: str, output: Path, url: str) -> dict[str, Any]:
    """The run, three rows at once."""
    batch_predict.ROWS_RECORDED_AT_ONCE = 3
    store = open_store(url)
    told = batch_predict.run(context, context.raw, output, reference=bundle, with_reasons=False, store=Telling(store))  # type: ignore[arg-type]
    store.close()
    return told


def _read(reader: int, count: int) -> bool:
    """Wait for so many bytes; False where the run ended before."""
    while count > 0 and (told := os.read(reader, count)):
        count -= len(told)
    return count == 0


def main(folder: str, bundle: str, raw: str, output: str, url: str, times: str) -> None:
    for heavy in ("alembic", "sklearn", "xgboost"):
        import_module(heavy)  # once here, and not in each child
    context, chance, killed = tiny_context(Path(folder), Path(raw)), random.Random(20260101), 0
    for _ in range(int(times)):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writer, 1)
            decide(context, bundle, Path(output), url)
            os._exit(0)
        os.close(writer)
        if _read(reader, len(APPEND) * chance.randint(1, 4)):
            select.select([], [], [], chance.uniform(0.0, LONGEST_S))
            os.kill(child, signal.SIGKILL)
        os.close(reader)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    decide(context, bundle, Path(output), url)
    sys.stdout.write(f"killed {killed}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
