"""What the server counts. Labels are words of the book and of the server, never of an applicant."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PDS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
GROUPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
MOST_LABELS = 1_000
MOST_USERS = 200
"""Names of people in the labels; whoever comes later is counted as "others"."""


class Metrics:
    """One server's counters; with several workers, those of all of them together."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._users: set[str] = set()
        self.requests = self._counter("requests", "Requests answered", "route", "status")
        self.request_seconds = self._histogram("request_seconds", "From the first byte to the answer", SECONDS, "route")
        self.stage_seconds = self._histogram("stage_seconds", "Time in each step of a decision", SECONDS, "stage")
        self.group_size = self._histogram("group_size", "Applications that were scored together", GROUPS)
        self.decisions = self._counter("decisions", "Decisions answered, by outcome", "decision")
        self.grades = self._counter("grades", "Decisions answered, by grade", "grade")
        self.pd = self._histogram("pd", "PD of the decisions answered", PDS)
        self.warnings = self._counter("warnings", "Warnings that came with decisions, by code", "code")
        self.problems = self._counter("problems", "Requests refused, by rule", "code")
        self.engineered_rows = self._counter("engineered_rows", "Rows scored at /invocations, kept nowhere")
        self.waiting = self._gauge("waiting", "Applications taken in and not yet answered")
        self.under_way = self._gauge("requests_under_way", "Requests under way")
        self.store_failures = self._counter("store_failures", "Groups that the decision store did not take")
        self.overrides = self._counter(
            "overrides", "Decisions overruled by people", "user", "code", "from_decision", "to_decision"
        )
        self.overrides_untold = self._counter("overrides_untold", "Overrides that the audit chain could not be told")
        self.reloads = self._counter("reloads", "Attempts to take another model, by result", "result")
        self.model = self._gauge("model_info", "1 for the model that decides now", "version", "bundle")
        self.windows = self._counter("inference_windows", "Attempts to tell MLflow of windows, by result", "result")
        self.shadow = self._counter("shadow", "Applications scored by the challenger, by result", "result")

    def count_decisions(self, decided: Sequence[Mapping[str, Any]]) -> None:
        """decided: answers as the caller got them."""
        for one in decided:
            self.decisions.labels(one["decision"]).inc()
            self.grades.labels(one["grade"]).inc()
            self.pd.observe(one["pd"])
            for warning in one["warnings"]:
                self.warnings.labels(str(warning).partition(":")[0]).inc()

    def count_override(self, user: str, code: str, before: str, after: str) -> None:
        if len(self._users) < MOST_USERS:
            self._users.add(user)
        self.overrides.labels(user if user in self._users else "others", code, before, after).inc()

    def decides_now(self, version: str, bundle_sha256: str) -> None:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            self.model.clear()
        self.model.labels(version, bundle_sha256).set(1)

    def text(self) -> bytes:
        """In Prometheus' own format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return _quick(Counter(f"creditrisk_{name}", meaning, labels, registry=self.registry))

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"creditrisk_{name}", meaning, labels, registry=self.registry, multiprocess_mode="livesum")

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return _quick(Histogram(f"creditrisk_{name}", meaning, labels, buckets=buckets, registry=self.registry))


def _quick[Metric: Counter | Histogram](metric: Metric) -> Metric:
    """With its labels looked up once: that costs more than to count. Not for a metric whose labels are cleared."""
    vars(metric)["labels"] = lru_cache(MOST_LABELS)(metric.labels)
    return metric
