"""Those who wait together are decided together: one query for all of them, one write for all of them.

Two threads. The first takes every request that waits, decides for all their applications at once and hands on; the
second makes all that is decided durable in one transaction. Only then does anybody get an answer.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from creditrisk.decisions.decide import Decided
from creditrisk.decisions.intake import Application
from creditrisk.errors import DuplicateKey
from creditrisk.ports import DecisionStore, Passport
from creditrisk.serving.logs import log, places_of
from creditrisk.serving.metrics import Metrics
from creditrisk.serving.model import Model
from creditrisk.serving.problems import HttpProblem, come_back

type Records = Sequence[Passport]


@dataclass(slots=True, eq=False)
class Work:
    """One request that waits: for decisions that are kept, for decisions alone, or for records to be kept.

    records: makes the durable records of what was decided, in the scoring thread; None where nothing is kept yet.
    """

    applications: Sequence[Application]
    model: Model | None
    records: Callable[[Sequence[Decided]], Records] | None
    answer: asyncio.Future[Any]
    since: float = field(default_factory=time.perf_counter)


class Grouping:
    """Decides and keeps. Used from one event loop; `close` is called when nobody waits any more."""

    def __init__(
        self, store: DecisionStore, metrics: Metrics, *, waiting_max: int, group_max: int, linger_s: float
    ) -> None:
        self._store, self._metrics = store, metrics
        self._waiting_max, self._group_max, self._linger_s = waiting_max, group_max, linger_s
        self._taken_in = 0
        self._to_decide: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._to_keep: queue.SimpleQueue[list[tuple[Work, Records]] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._decide_all, name="decide"),
            threading.Thread(target=self._keep_all, name="keep"),
        ]
        for thread in self._threads:
            thread.start()

    async def decide_and_keep(
        self,
        model: Model,
        applications: Sequence[Application],
        records: Callable[[Sequence[Decided]], Records],
    ) -> Records:
        """The records of these applications' decisions, durable. Raises HttpProblem (503) when too many wait or the
        store is away, DuplicateKey when the idempotency key was answered before.
        """
        return cast(Records, await self._answered(applications, model, records))

    async def decide(self, model: Model, applications: Sequence[Application]) -> Sequence[Decided]:
        """Decisions that nobody has kept yet: only for who keeps them before answering. Raises as `decide_and_keep`."""
        return cast(Sequence[Decided], await self._answered(applications, model, None))

    async def keep(self, records: Records) -> None:
        """Durable when it returns. Raises as `decide_and_keep`."""
        work = self._work((), None, None)
        self._to_keep.put([(work, records)])
        await work.answer

    async def _answered(
        self,
        applications: Sequence[Application],
        model: Model,
        records: Callable[[Sequence[Decided]], Records] | None,
    ) -> object:
        if self._taken_in and self._taken_in + len(applications) > self._waiting_max:
            raise come_back("too_many_waiting", "too many applications wait for a decision")
        work = self._work(applications, model, records)
        self._taken_in += len(applications)
        self._metrics.waiting.set(self._taken_in)
        self._to_decide.put(work)
        try:
            return await work.answer
        finally:
            self._taken_in -= len(applications)
            self._metrics.waiting.set(self._taken_in)

    @staticmethod
    def _work(
        applications: Sequence[Application],
        model: Model | None,
        records: Callable[[Sequence[Decided]], Records] | None,
    ) -> Work:
        return Work(applications, model, records, asyncio.get_running_loop().create_future())

    def close(self) -> None:
        """Finish what waits, then stop both threads."""
        self._to_decide.put(None)
        for thread in self._threads:
            thread.join()

    def _decide_all(self) -> None:
        while True:
            group, last = self._gathered()
            if group:
                self._metrics.group_size.observe(sum(len(work.applications) for work in group))
                done = [pair for works in _by_model(group) for pair in self._decide(works)]
                if done:
                    self._to_keep.put(done)
            if last:
                self._to_keep.put(None)
                return

    def _gathered(self) -> tuple[list[Work], bool]:
        """Everybody who waits, after a moment for those who are about to; and whether it is time to stop."""
        group: list[Work] = []
        size, until = 0, 0.0
        while size < self._group_max:
            try:
                work = self._to_decide.get(timeout=max(0.0, until - time.perf_counter()) if group else None)
            except queue.Empty:
                break
            if work is None:
                return group, True
            if not work.answer.cancelled():
                until = until or time.perf_counter() + self._linger_s
                group.append(work)
                size += len(work.applications)
        return group, False

    def _decide(self, works: Sequence[Work]) -> list[tuple[Work, Records]]:
        """All at once; where that fails, one after the other, so that nobody fails for somebody else's record."""
        began = time.perf_counter()
        for work in works:
            self._metrics.stage_seconds.labels("wait").observe(began - work.since)
        try:
            return self._decide_at_once(works)
        except Exception as error:  # noqa: BLE001
            if len(works) > 1:
                return [pair for work in works for pair in self._decide([work])]
            log.error("decide_failed", error=type(error).__name__, at=places_of(error))
            _tell(works[0], HttpProblem(500, "fault", "no decision could be made; the log says more"))
            return []
        finally:
            self._metrics.stage_seconds.labels("decide").observe(time.perf_counter() - began)

    def _decide_at_once(self, works: Sequence[Work]) -> list[tuple[Work, Records]]:
        """What is to be kept; who only wanted decisions is told at once."""
        decider = cast(Model, works[0].model).decider
        decided = decider.decide([application for work in works for application in work.applications])
        to_keep, first = [], 0
        for work in works:
            own = decided[first : first + len(work.applications)]
            first += len(work.applications)
            if work.records is None:
                _tell(work, own)
            else:
                to_keep.append((work, work.records(own)))
        return to_keep

    def _keep_all(self) -> None:
        while True:
            done = self._to_keep.get()
            stop = done is None
            pairs = list(done or ())
            while not stop and not self._to_keep.empty():
                more = self._to_keep.get()
                stop = more is None
                pairs += more or ()
            if pairs:
                self._keep(pairs)
            if stop:
                return

    def _keep(self, pairs: Sequence[tuple[Work, Records]]) -> None:
        began = time.perf_counter()
        results: list[tuple[Work, object]] = []
        try:
            self._store.append([record for _, records in pairs for record in records])
            results = list(pairs)
        except DuplicateKey as error:
            if len(pairs) == 1:
                results = [(pairs[0][0], error)]
            else:  # one write for each request: only those that repeat a key fail
                for pair in pairs:
                    self._keep([pair])
        except Exception as error:  # noqa: BLE001
            self._metrics.store_failures.inc()
            log.error("store_failed", error=type(error).__name__, at=places_of(error), requests=len(pairs))
            away = come_back("store_away", "the decision could not be kept, so it is not given", seconds=2)
            results = [(work, away) for work, _ in pairs]
        self._metrics.stage_seconds.labels("keep").observe(time.perf_counter() - began)
        if results:
            results[0][0].answer.get_loop().call_soon_threadsafe(_tell_all, results)


def _by_model(group: Sequence[Work]) -> list[list[Work]]:
    """Requests that were taken in before a change of model are decided by the one that read them."""
    by_model: dict[int, list[Work]] = {}
    for work in group:
        by_model.setdefault(id(work.model), []).append(work)
    return list(by_model.values())


def _tell(work: Work, result: object) -> None:
    work.answer.get_loop().call_soon_threadsafe(_tell_all, [(work, result)])


def _tell_all(results: Sequence[tuple[Work, object]]) -> None:
    """In the event loop. Whoever has gone in the meantime is not told; the decision is kept all the same."""
    for work, result in results:
        if work.answer.done():
            continue
        if isinstance(result, Exception):
            work.answer.set_exception(result)
        else:
            work.answer.set_result(result)
