"""Decision stores for tests: one key, a clock that steps, and what a process of its own runs.

python -m tests.support.decision_stores URL FIRST GROUP [COUNT]: appends groups of passports from the number FIRST on
and prints each id after `append` returned; for ever without COUNT.
"""

from __future__ import annotations

import itertools
import sys

from creditrisk.adapters.decision_store import SqlDecisionStore
from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.sealing import PayloadKeys
from creditrisk.signatures import signer_from_text
from tests.support.passports import passport

SIGNER = signer_from_text("A" * 43 + "=", where="tests")
"""No secret: anybody can read it here."""


def open_store(url: str, keys: PayloadKeys | None = None) -> SqlDecisionStore:
    return SqlDecisionStore.open(url, signer=SIGNER, keys=keys, clock=SteppingClock())


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


if __name__ == "__main__":
    main(*sys.argv[1:])
