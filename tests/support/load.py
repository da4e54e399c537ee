"""Requests to a decision server, many at once, and what became of each."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests


@dataclass(frozen=True)
class Refusal:
    """An answer that is no decision. retry_after: seconds, as the answer tells them."""

    key: str
    status: int
    text: str
    retry_after: str | None


@dataclass
class Load:
    """Callers that ask one after the other until they are told to stop. answers: by idempotency key."""

    url: str
    records: Sequence[Mapping[str, Any]]
    callers: int = 4
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    broken: int = 0
    """Requests that were never answered."""
    asked: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def __enter__(self) -> Load:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(self.callers)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, answers: int, alive: Callable[[], bool] = lambda: True) -> None:
        """Until so many more were answered, or nobody answers any more."""
        wanted = len(self.answers) + answers
        while len(self.answers) < wanted and alive():
            self._stop.wait(0.002)

    def wait_for_refusals(self, refusals: int, alive: Callable[[], bool]) -> None:
        wanted = len(self.refused) + refusals
        while len(self.refused) < wanted and alive():
            self._stop.wait(0.002)

    def _ask(self, first: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            number = first
            while not self._stop.is_set():
                record = self.records[number % len(self.records)]
                number += self.callers
                self.ask(session, str(uuid.uuid4()), record)

    def ask(self, session: requests.Session, key: str, record: Mapping[str, Any]) -> None:
        self.asked[key] = record
        try:
            answer = session.post(
                f"{self.url}/predict", json={"applications": [record]}, timeout=30,
                headers={"Idempotency-Key": key, "X-Request-ID": key},
            )  # fmt: skip
        except requests.RequestException:
            self.broken += 1
            self._stop.wait(0.05)
            return
        if answer.status_code == 200:
            self.answers[key] = answer.json()
        else:
            told = Refusal(key, answer.status_code, answer.text, answer.headers.get("Retry-After"))
            self.refused.append(told)
            self._stop.wait(0.01)
