"""A process that is killed between any two writes of a move, without a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from creditrisk.adapters.in_memory import InMemoryRegistry
from creditrisk.governance import audit, ledger
from creditrisk.pipelines import context, moves


class Killed(BaseException):
    """Nobody catches it, as nobody catches kill -9."""


class Writes:
    """Counts what is written, and dies where it is told to."""

    def __init__(self) -> None:
        self.done = 0
        self.die_before: int | None = None
        """Number of the write, from 0, that is not made any more."""

    def wrap(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            if self.done == self.die_before:
                raise Killed
            self.done += 1
            return write(*given, **named)

        return counted


@contextmanager
def counted_writes(registry: InMemoryRegistry) -> Iterator[Writes]:
    """Every write of moves: announcement, aliases, tags, ledger, chain, report, and taking the announcement away."""
    writes = Writes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moves, "write_json", writes.wrap(moves.write_json))
        patch.setattr(ledger, "append_line", writes.wrap(ledger.append_line))
        patch.setattr(audit, "append_line", writes.wrap(audit.append_line))
        patch.setattr(context, "write_json", writes.wrap(context.write_json))
        for name in ("set_alias", "remove_alias", "tag"):
            patch.setattr(registry, name, writes.wrap(getattr(registry, name)))
        unlink = Path.unlink

        def counted_unlink(path: Path, missing_ok: bool = False) -> None:
            if path.name == "unfinished_move.json":
                writes.wrap(lambda: None)()
            unlink(path, missing_ok=missing_ok)

        patch.setattr(Path, "unlink", counted_unlink)
        yield writes
