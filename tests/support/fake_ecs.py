"""What moto's ECS lacks: deployments that go somewhere.

An HTTP server in front of moto. moto keeps clusters, services, definitions and images, and checks what it is asked;
this keeps each service's deployments, which take a step whenever somebody looks: tasks start, or fail; the old ones are
drained; the circuit breaker gives up, and puts back what ran before where the service wants that. Answers can be told
to fail, before or after they have taken effect.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import RLock, Thread
from typing import Any

import requests

ACCOUNT, REGION = "123456789012", "eu-central-1"
FAILS_AFTER = 2
"""Looks until the circuit breaker gives up on tasks that do not start."""


@dataclass
class Deployment:
    number: int
    definition: str
    """ARN"""
    image: str
    desired: int
    status: str = "PRIMARY"
    state: str = "IN_PROGRESS"
    reason: str = ""
    running: int = 0
    failed: int = 0

    def told(self) -> dict[str, Any]:
        return {
            "id": f"ecs-svc/{self.number}", "status": self.status, "taskDefinition": self.definition,
            "desiredCount": self.desired if self.status == "PRIMARY" else 0, "runningCount": self.running,
            "pendingCount": max(0, self.desired - self.running), "failedTasks": self.failed,
            "rolloutState": self.state, "rolloutStateReason": self.reason,
        }  # fmt: skip


@dataclass
class Failure:
    """effective: after the call was carried out.  skip: so many calls pass first."""

    code: str
    status: int
    times: int
    effective: bool
    skip: int


@dataclass
class FakeEcs:
    """images: {image: "healthy", "unhealthy" or "stuck"}; healthy where it is not named.
    pushed: those that a test put into the registry.  calls: names of all answered calls, in order.
    on: {call: what is done once it was carried out}.
    """

    moto: str
    url: str = ""
    images: dict[str, str] = field(default_factory=dict)
    pushed: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    on: dict[str, Callable[[], None]] = field(default_factory=dict)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    deployments: dict[str, list[Deployment]] = field(default_factory=dict)
    """By service."""
    events: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=RLock)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def forget(self) -> None:
        """As before the first call."""
        for kept in (self.images, self.pushed, self.calls, self.on, self.failures, self.deployments, self.events):
            kept.clear()

    def fail(
        self, call: str, code: str, status: int = 400, times: int = 1, *, effective: bool = False, skip: int = 0
    ) -> None:
        self.failures.setdefault(call, []).append(Failure(code, status, times, effective, skip))

    def serving(self, service: str) -> str:
        """The image whose tasks the load balancer sends requests to: the newest that runs."""
        with self.lock:
            return next((one.image for one in self.deployments[service] if one.running), "")

    def answer(self, call: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        with self.lock:
            self.calls.append(call)
            failing = self._failing(call)
            if failing is not None and not failing.effective:
                return _error(failing.code, "as the test wants it", failing.status)
            status, told = self._carried_out(call, body, headers)
            if (then := self.on.pop(call, None)) is not None:
                then()
            return _error(failing.code, "as the test wants it", failing.status) if failing else (status, told)

    def _failing(self, call: str) -> Failure | None:
        for failure in self.failures.get(call, []):
            if failure.skip:
                failure.skip -= 1
                return None
            if failure.times:
                failure.times -= 1
                return failure
        return None

    def _carried_out(self, call: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        asked = json.loads(body or b"{}")
        if call == "UpdateService":
            definition = self._definition(asked["taskDefinition"], headers)
            if definition.get("status") != "ACTIVE":
                return _error("ClientException", "TaskDefinition is inactive", 400)
        status, told = self._of_moto(body, headers)
        if status == 200 and call in ("CreateService", "UpdateService", "DescribeServices"):
            answer = json.loads(told)
            services = [answer["service"]] if "service" in answer else answer["services"]
            for service in services:
                self._kept(call, service, headers)
            told = json.dumps(answer).encode()
        return status, told

    def _kept(self, call: str, service: dict[str, Any], headers: dict[str, str]) -> None:
        name = service["serviceName"]
        if call != "DescribeServices":
            definition = self._definition(service["taskDefinition"], headers)
            self.begin(name, definition, service["desiredCount"], done=call == "CreateService")
        else:
            self._step(name, service)
        deployments = self.deployments.get(name, [])
        service["deployments"] = [one.told() for one in deployments]
        if deployments:
            service["taskDefinition"] = deployments[0].definition
            service["runningCount"] = sum(one.running for one in deployments)
        service["events"] = [
            {"id": str(number), "createdAt": 1.0, "message": f"(service {name}) {text}"}
            for number, text in enumerate(reversed(self.events))
        ]

    def begin(self, name: str, definition: dict[str, Any], desired: int, *, done: bool = False, why: str = "") -> None:
        before = self.deployments.setdefault(name, [])
        for one in before:
            one.status = "ACTIVE"
        image = definition["containerDefinitions"][0]["image"]
        number = next(self.numbers)
        new = Deployment(number, definition["taskDefinitionArn"], image, desired, reason=why)
        if done:
            new.state, new.running = "COMPLETED", desired
        before.insert(0, new)

    def _step(self, name: str, service: dict[str, Any]) -> None:
        deployments = self.deployments[name]
        primary = deployments[0]
        if primary.state != "IN_PROGRESS":
            return
        does = self.images.get(primary.image, "healthy")
        if does == "healthy" and primary.running == primary.desired:
            primary.state, primary.reason = "COMPLETED", f"ECS deployment ecs-svc/{primary.number} completed."
            del deployments[1:]
        elif does == "healthy":
            primary.running = primary.desired
        elif does == "unhealthy":
            primary.failed += primary.desired
            self.events.append(f"(deployment ecs-svc/{primary.number}) tasks failed to start.")
            breaker = service.get("deploymentConfiguration", {}).get("deploymentCircuitBreaker", {})
            if primary.failed >= FAILS_AFTER * primary.desired and breaker.get("enable"):
                primary.state = "FAILED"
                primary.reason = "ECS deployment circuit breaker: tasks failed to start."
                if breaker.get("rollback"):
                    self._put_back(name, deployments)

    def _put_back(self, name: str, deployments: list[Deployment]) -> None:
        last = next(one for one in deployments if one.state == "COMPLETED")
        definition = {"taskDefinitionArn": last.definition, "containerDefinitions": [{"image": last.image}]}
        why = f"ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/{last.number}."
        self.begin(name, definition, last.desired, why=why)

    def _definition(self, name: str, headers: dict[str, str]) -> dict[str, Any]:
        sent = {**headers, "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition"}
        status, told = self._of_moto(json.dumps({"taskDefinition": name}).encode(), sent)
        return dict(json.loads(told)["taskDefinition"]) if status == 200 else {}

    def _of_moto(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
        answer = requests.post(self.moto, data=body, headers=kept, timeout=30)
        return answer.status_code, answer.content


@contextmanager
def fake_ecs(moto: str) -> Iterator[FakeEcs]:
    """In front of a moto server at that address."""
    fake = FakeEcs(moto)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            status, told = fake.answer(call, body, dict(self.headers.items()))
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _error(code: str, words: str, status: int) -> tuple[int, bytes]:
    return status, json.dumps({"__type": code, "message": words}).encode()
