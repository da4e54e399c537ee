"""Decision stores for tests: one key, a clock that steps, and what a process of its own runs.

python -m tests.support.decision_stores URL FIRST GROUP [COUNT]: appends groups of passports from the number FIRST on
and prints each id after `append` returned; for ever without COUNT.
python -m tests.support.decision_stores kill URL TIMES: kills children that do that, each at a moment of its own, and
prints the ids that they told before they died. They are forked here, so that a kill does not cost a start of Python.
"""

from __future__ import annotations

import itertools
import os
import random
import select
import signal
import sys

from creditrisk.adapters.decision_store import SqlDecisionStore
from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.sealing import PayloadKeys
from creditrisk.signatures import signer_from_text
from tests.support.passports import passport

SIGNER = signer_from_text("A" * 43 + "=", where="tests")
"""No secret: anybody can read it here."""


def open_store(url: str, keys: PayloadKeys | None = None, *, create: bool = True) -> SqlDecisionStore:
    return SqlDecisionStore.open(url, signer=SIGNER, keys=keys, clock=SteppingClock(), create=create)


def main(url: str, first: str, group: str, count: str | None = None) -> None:
    store = open_store(url)
    for start in itertools.count(int(first), int(group)):
        passports = [passport(number) for number in range(start, start + int(group))]
        if count is not None and start >= int(first) + int(count):
            break
        store.append(passports)
        for each in passports:
            sys.stdout.write(each.decision_id + "\n")
        sys.stdout.flush()
    store.close()


def kill(url: str, times: str) -> None:
    chance = random.Random(20260101)
    open_store(url).close()
    for time in range(int(times)):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writer, 1)
            main(url, str(10_000 * time), "3")
        os.close(writer)
        told = os.read(reader, 65_536)
        select.select([], [], [], chance.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while more := os.read(reader, 65_536):
            told += more
        os.close(reader)
        sys.stdout.write(told[: told.rfind(b"\n") + 1].decode("ascii"))


if __name__ == "__main__":
    if sys.argv[1] == "kill":
        kill(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
