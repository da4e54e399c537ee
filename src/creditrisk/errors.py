"""The one error family. A message says what is wrong, where, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line answers to its caller."""

    DONE = 0
    REFUSED = 1
    BAD_USAGE = 2
    OUTSIDE_FAILED = 3


class CreditRiskError(Exception):
    """Root of every error this project raises on purpose.

    what: one sentence.  where: file and line, table and column, or stage.  hint: the next thing to do.
    """

    exit_code = ExitCode.REFUSED
    retry_may_help = False

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join(parts)


class BadUsage(CreditRiskError):
    """The caller asked for something that does not exist or makes no sense."""

    exit_code = ExitCode.BAD_USAGE


class BadConfig(BadUsage):
    """A book's YAML or SQL, or a runtime setting, is wrong."""


class MissingInput(BadUsage):
    """A file or folder that the command needs is not there."""


class MissingObject(MissingInput):
    """What an address names is not there: a web server's file, a bucket's object, a tracked file."""

    exit_code = ExitCode.REFUSED


class BadData(CreditRiskError):
    """The data break a promise that a contract makes; nothing was written."""


class BrokenFile(BadData):
    """A file is damaged, altered, or not what its name claims."""


class Refused(CreditRiskError):
    """A rule of the house says no: a gate, an approval, a policy."""


class Busy(Refused):
    """Another command holds the book; nothing is wrong, and the same call works once that one is done."""

    retry_may_help = True


class Superseded(Refused):
    """Somebody else put something else in place meanwhile."""


class DuplicateKey(Refused):
    """An idempotency key was used before; nothing was written.

    repeated: each (caller, key) that was.
    """

    def __init__(self, repeated: Iterable[tuple[str, str]]) -> None:
        super().__init__(
            "an idempotency key was used before",
            where="decision store",
            hint="ask for what it was answered with, or send a new key",
        )
        self.repeated = frozenset(repeated)


class NewerSchema(Refused):
    """A bundle, workspace or store was written by a newer version than this one."""


class OutsideFailed(CreditRiskError):
    """Another system (registry, bucket, network) did not do its part.

    retry_may_help: False where it would say the same again, such as no permission or an expired credential.
    retry_after_s: seconds that it asked to wait, where it did.
    """

    exit_code = ExitCode.OUTSIDE_FAILED

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        hint: str = "",
        retry_may_help: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.retry_may_help = retry_may_help
        self.retry_after_s = retry_after_s


def did_you_mean(unknown: str, known: Iterable[str]) -> str:
    """The hint for an unknown name: the closest known one, and the known ones (at most twelve).

    >>> did_you_mean("burau", ["bureau", "application"])
    'did you mean "bureau"? known: application, bureau'
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(unknown, names, n=1, cutoff=0.6)
    listed = ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
    return (f'did you mean "{close[0]}"? ' if close else "") + f"known: {listed or 'none'}"
