"""A request that is sent twice is decided once: the header Idempotency-Key.

As the IETF's draft has it: the same key with the same request gets the stored answer, with another request 422, and
while the first one is under way 409. Keys are each caller's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from creditrisk.ports import DecisionStore, Idempotency, Kept, Passport
from creditrisk.serving.problems import HttpProblem

WHERE = "Idempotency-Key"


class UnderWay:
    """Keys whose first request is not answered yet, in this worker; between workers the store decides."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()

    @contextmanager
    def held(self, caller: str, idempotency: Idempotency | None) -> Iterator[None]:
        """Raises HttpProblem (409) when the same key is under way."""
        if idempotency is None:
            yield
            return
        key = (caller, idempotency.key)
        if key in self._keys:
            raise HttpProblem(
                409, "request_under_way", "the first request with this key is under way", where=WHERE,
                hint="send it again in a moment; it will get the same answer", retry_after_s=1,
            )  # fmt: skip
        self._keys.add(key)
        try:
            yield
        finally:
            self._keys.discard(key)


async def earlier_answer(
    store: DecisionStore, caller: str, idempotency: Idempotency | None
) -> Sequence[Passport] | None:
    """The records that this key was answered with; None when it is new.

    Raises HttpProblem: 422 when it came with another request, 410 when they were deleted since.
    """
    if idempotency is None:
        return None
    kept: Sequence[Kept] = await asyncio.to_thread(store.answered, caller, idempotency.key)
    if not kept:
        return None
    first = kept[0].passport.idempotency
    if first is None or first.body_sha256 != idempotency.body_sha256:
        raise HttpProblem(
            422, "idempotency_key_reused", "this key came with another request before", where=WHERE,
            hint="a new request needs a new key",
        )  # fmt: skip
    if any(one.deleted for one in kept):
        raise HttpProblem(410, "deleted", "what this key was answered with has been deleted", where=WHERE)
    return [one.passport for one in kept]
