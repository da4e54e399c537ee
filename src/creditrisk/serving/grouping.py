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
from creditrisk.errors import BadUsage, CreditRiskError, DuplicateKey
from creditrisk.ports import DecisionStore, Passport
from creditrisk.serving.logs import log, places_of
from creditrisk.serving.metrics import Metrics
from creditrisk.serving.model import Model
from creditrisk.serving.problems import HttpProblem, come_back

type Records = Sequence[Passport]


@dataclass(slots=True, eq=False)
class Work:
    """One request that waits to be decided with others and kept. records: makes what is kept, in the first thread."""

    model: Model
    applications: Sequence[Application]
    records: Callable[[Sequence[Decided]], Records]
    answer: asyncio.Future[Any]
    since: float = field(default_factory=time.perf_counter)


@dataclass(slots=True, eq=False)
class Job:
    """Something else that needs a model's decider, which one thread uses at a time."""

    run: Callable[[], Any]
    applications: Sequence[Application]
    answer: asyncio.Future[Any]


class Grouping:
    """Decides and keeps. Used from one event loop; `close` is called when nobody waits any more."""

    def __init__(self, store: DecisionStore, metrics: Metrics, *, waiting_max: int, group_max: int) -> None:
        self._store, self._metrics = store, metrics
        self._waiting_max, self._group_max = waiting_max, group_max
        self._taken_in = 0
        self._to_decide: queue.SimpleQueue[Work | Job | None] = queue.SimpleQueue()
        self._to_keep: queue.SimpleQueue[list[tuple[asyncio.Future[Any], Records]] | None] = queue.SimpleQueue()
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
        work = Work(model, applications, records, asyncio.get_running_loop().create_future())
        return cast(Records, await self._answered(work))

    async def run[T](self, run: Callable[[], T], applications: Sequence[Application]) -> T:
        """What `run` returns, called where models decide. applications: what it is about, for the limit on waiting.

        Raises what `run` raises, and HttpProblem (503) when too many wait.
        """
        return cast(T, await self._answered(Job(run, applications, asyncio.get_running_loop().create_future())))

    async def keep(self, records: Records) -> None:
        """Durable when it returns. Raises as `decide_and_keep`."""
        answer = asyncio.get_running_loop().create_future()
        self._to_keep.put([(answer, records)])
        await answer

    async def _answered(self, work: Work | Job) -> object:
        size = len(work.applications)
        if self._taken_in and self._taken_in + size > self._waiting_max:
            raise come_back("too_many_waiting", "too many applications wait for a decision")
        self._taken_in += size
        self._metrics.waiting.set(self._taken_in)
        self._to_decide.put(work)
        try:
            return await work.answer
        finally:
            self._taken_in -= size
            self._metrics.waiting.set(self._taken_in)

    def close(self) -> None:
        """Finish what waits, then stop both threads."""
        self._to_decide.put(None)
        for thread in self._threads:
            thread.join()

    def _decide_all(self) -> None:
        last = False
        while not last:
            group, last = self._gathered()
            works = [one for one in group if isinstance(one, Work)]
            if works:
                self._metrics.group_size.observe(sum(len(work.applications) for work in works))
                done = [pair for alike in _by_model(works) for pair in self._decide(alike)]
                if done:
                    self._to_keep.put(done)
            for job in group:
                if isinstance(job, Job):
                    self._run(job)
        self._to_keep.put(None)

    def _run(self, job: Job) -> None:
        try:
            _tell(job.answer, job.run())
        except Exception as error:  # noqa: BLE001
            _tell(job.answer, error)

    def _gathered(self) -> tuple[list[Work | Job], bool]:
        """Everybody who waits, and whether it is time to stop."""
        group: list[Work | Job] = []
        size = 0
        while size < self._group_max:
            try:
                work = self._to_decide.get(block=not group)
            except queue.Empty:
                break
            if work is None:
                return group, True
            if not work.answer.cancelled():
                group.append(work)
                size += len(work.applications)
        return group, False

    def _decide(self, works: Sequence[Work]) -> list[tuple[asyncio.Future[Any], Records]]:
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
            _tell(works[0].answer, HttpProblem(500, "fault", "no decision could be made; the log says more"))
            return []
        finally:
            self._metrics.stage_seconds.labels("decide").observe(time.perf_counter() - began)

    def _decide_at_once(self, works: Sequence[Work]) -> list[tuple[asyncio.Future[Any], Records]]:
        decided = works[0].model.decider.decide([one for work in works for one in work.applications])
        to_keep, first = [], 0
        for work in works:
            to_keep.append((work.answer, work.records(decided[first : first + len(work.applications)])))
            first += len(work.applications)
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

    def _keep(self, pairs: Sequence[tuple[asyncio.Future[Any], Records]]) -> None:
        began = time.perf_counter()
        results: list[tuple[asyncio.Future[Any], object]] = []
        try:
            self._store.append([record for _, records in pairs for record in records])
            results = list(pairs)
        except (DuplicateKey, BadUsage) as error:
            if len(pairs) == 1:
                results = [(pairs[0][0], _at_fault(error))]
            else:  # one write for each request: only those fail that repeat a key or cannot be written down
                for pair in pairs:
                    self._keep([pair])
        except Exception as error:  # noqa: BLE001
            self._metrics.store_failures.inc()
            log.error("store_failed", error=type(error).__name__, at=places_of(error), requests=len(pairs))
            away = come_back("store_away", "the decision could not be kept, so it is not given", seconds=2)
            results = [(answer, away) for answer, _ in pairs]
        self._metrics.stage_seconds.labels("keep").observe(time.perf_counter() - began)
        if results:
            results[0][0].get_loop().call_soon_threadsafe(_tell_all, results)


def _at_fault(error: DuplicateKey | BadUsage) -> CreditRiskError:
    if isinstance(error, DuplicateKey):
        return error
    return HttpProblem(422, "cannot_be_kept", error.what, hint="nothing was decided that could not be kept")


def _by_model(group: Sequence[Work]) -> list[list[Work]]:
    """Requests that were taken in before a change of model are decided by the one that read them."""
    by_model: dict[int, list[Work]] = {}
    for work in group:
        by_model.setdefault(id(work.model), []).append(work)
    return list(by_model.values())


def _tell(answer: asyncio.Future[Any], result: object) -> None:
    answer.get_loop().call_soon_threadsafe(_tell_all, [(answer, result)])


def _tell_all(results: Sequence[tuple[asyncio.Future[Any], object]]) -> None:
    """In the event loop. Whoever has gone in the meantime is not told; the decision is kept all the same."""
    for answer, result in results:
        if answer.done():
            continue
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)
