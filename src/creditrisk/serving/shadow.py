"""A challenger scores the same requests after they were answered. Nobody waits for it, and no answer knows of it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence

from creditrisk.decisions.decide import Decided
from creditrisk.decisions.intake import Application
from creditrisk.decisions.passport import sent
from creditrisk.errors import CreditRiskError
from creditrisk.ports import Clock, DecisionStore, Passport
from creditrisk.serving.logs import log, places_of
from creditrisk.serving.metrics import Metrics
from creditrisk.serving.model import Holder, Model
from creditrisk.serving.problems import HttpProblem
from creditrisk.serving.reading import checked
from creditrisk.serving.records import recorder

MOST_WAITING = 2_000
"""Applications; what comes on top is not scored by the challenger, and is counted as dropped."""
AT_ONCE = 32


class Shadow:
    """Keeps one record of the kind "shadow" for each decision, with how far the challenger is from what was told."""

    def __init__(self, holder: Holder, store: DecisionStore, metrics: Metrics, clock: Clock) -> None:
        self._holder, self._store, self._metrics, self._clock = holder, store, metrics, clock
        self._waiting: queue.Queue[Passport | None] = queue.Queue(MOST_WAITING)
        self._stopping = False
        self._thread = threading.Thread(target=self._score_all, name="shadow")
        self._thread.start()

    def also_score(self, answered: Sequence[Passport]) -> None:
        for passport in answered:
            try:
                self._waiting.put_nowait(passport)
            except queue.Full:
                self._metrics.shadow.labels("dropped").inc()

    def close(self) -> None:
        """What waits is scored first."""
        self._waiting.put(None)
        self._thread.join()

    def _score_all(self) -> None:
        while True:
            group = [self._waiting.get()]
            while len(group) < AT_ONCE and not self._waiting.empty():
                group.append(self._waiting.get())
            passports = [one for one in group if one is not None]
            if passports:
                self._score(passports)
            if len(passports) < len(group):
                return

    def _score(self, answered: Sequence[Passport]) -> None:
        """All at once; where that fails, one after the other."""
        try:
            records = self._records(answered)
            self._store.append(records)
        except Exception as error:  # noqa: BLE001
            if len(answered) > 1:
                for one in answered:
                    self._score([one])
                return
            self._metrics.shadow.labels("failed").inc()
            kind = error.code if isinstance(error, HttpProblem) else type(error).__name__
            log.warning("shadow_failed", error=kind, at=[] if isinstance(error, CreditRiskError) else places_of(error))
            return
        for told, record in zip(answered, records, strict=True):
            self._metrics.shadow.labels("same" if told.decision == record.decision else "other_decision").inc()

    def _records(self, answered: Sequence[Passport]) -> list[Passport]:
        model = self._holder.model
        applications = [
            application
            for passport in answered
            for application in checked([_raw(passport)], model.intake, passport.time.date())
        ]
        decided = model.decider.decide(applications, with_reasons=False)
        return [
            self._record(model, passport, application, one)
            for passport, application, one in zip(answered, applications, decided, strict=True)
        ]

    def _record(self, model: Model, told: Passport, application: Application, decided: Decided) -> Passport:
        difference = {
            "pd": None if told.pd is None else decided.pd - told.pd,
            "score": None if told.score is None else decided.score - told.score,
            "decision": {"told": told.decision, "challenger": decided.decision},
            "told_by": {"version": told.model_version, "bundle": told.bundle_sha256},
        }
        make = recorder(
            model, [application], request_id=told.request_id, caller=told.caller, time=self._clock.now(),
            kind="shadow",
            with_reasons=False, about=told.decision_id, more={"shadow": difference},
        )  # fmt: skip
        return make([decided])[0]


def _raw(passport: Passport) -> object:
    return sent(passport.payload["raw"])
