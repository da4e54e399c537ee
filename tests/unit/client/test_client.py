"""The client waits where that is safe, sends the same key again, and turns refusals into errors of this project."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from creditrisk.client import Client, RequestRefused
from creditrisk.errors import OutsideFailed, Refused
from creditrisk.kinds import Verdict

DECISION = {
    "decision_id": "d-1", "entity_id": 7, "pd": 0.25, "score": 510, "grade": "C", "decision": "decline",
    "reasons": [{"code": "DEBT", "text": "Debts", "feature": "debt", "contribution": 0.4, "pd_without": 0.2}],
    "warnings": ["x"], "of_a_newer_server": 1,
}  # fmt: skip
ANSWER = {"request_id": "r", "model": {"name": "tiny", "version": "3", "bundle": "ab"}, "decisions": [DECISION]}


class Scripted(ThreadingHTTPServer):
    """Answers what it was told to, one after the other; None hangs up."""

    def __init__(self, *answers: tuple[int, dict[str, str], Any] | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        answer = self.server.answers.pop(0)
        if answer is None:
            self.close_connection = True
            self.connection.close()
            return
        status, headers, told = answer
        content = json.dumps(told).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def server(*answers: tuple[int, dict[str, str], Any] | None) -> Iterator[tuple[Scripted, Client, list[float]]]:
    with Scripted(*answers) as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.01,))
        thread.start()
        pauses: list[float] = []
        with Client(scripted.url, key="crk_k", sleep=pauses.append) as client:
            yield scripted, client, pauses
        scripted.shutdown()
        thread.join()


def test_an_answer_is_typed_and_what_is_new_in_it_left_out() -> None:
    with server((200, {}, ANSWER)) as (scripted, client, _):
        (decision,) = client.predict([{"application": {"debt": Decimal("0.10"), "day": date(2026, 1, 31)}}]).decisions
    assert decision.decision is Verdict.DECLINE
    assert decision.reasons[0].pd_without == 0.2
    _, path, headers, body = scripted.seen[0]
    assert path == "/predict"
    assert headers["Authorization"] == "Bearer crk_k"
    assert body == b'{"applications": [{"application": {"debt": 0.10, "day": "2026-01-31"}}]}'


def test_a_busy_server_is_asked_again_with_the_same_key_after_the_pause_it_asks_for() -> None:
    with server((503, {"Retry-After": "3"}, {}), None, (429, {}, {}), (200, {}, ANSWER)) as (scripted, client, pauses):
        client.predict([{}])
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in scripted.seen}) == 1
    assert pauses == [3.0, 0.4, 0.8]


def test_a_server_that_stays_busy_is_told_of_with_the_time_to_come_back() -> None:
    with (
        server(*[(503, {"Retry-After": "2"}, {"detail": "full"})] * 4) as (scripted, client, _),
        pytest.raises(OutsideFailed, match="full") as caught,
    ):
        client.explain([{}])
    assert caught.value.retry_after_s == 2.0
    assert len(scripted.seen) == 4


def test_a_refusal_is_not_asked_again_and_tells_every_place() -> None:
    told = {"type": "urn:creditrisk:problem:records", "detail": "1 rule", "problems": [{"where": "a", "rule": "b"}]}
    with server((422, {}, told)) as (scripted, client, _), pytest.raises(RequestRefused, match="1 rule") as caught:
        client.predict([{}])
    assert (caught.value.status, caught.value.code, len(caught.value.problems)) == (422, "records", 1)
    assert len(scripted.seen) == 1


def test_a_server_that_is_not_there_is_an_outside_failure() -> None:
    with Client("http://127.0.0.1:1", tries=2, sleep=lambda _: None) as client, pytest.raises(OutsideFailed):
        client.decision("d-1")


@pytest.mark.parametrize("value", [float("nan"), Decimal("NaN"), object()])
def test_what_is_no_json_is_refused_before_it_is_sent(value: object) -> None:
    with server() as (scripted, client, _), pytest.raises(Refused):
        client.predict([{"application": {"debt": value}}])
    assert scripted.seen == []


def test_every_other_call_goes_to_its_place() -> None:
    override = {"override_id": "o", "decision_id": "d/1", "decision": "refer"}
    answers = [{"applications": []}, {"same": True}, {"decision": "refer"}, {"of_today": {}}, override]
    with server(*[(200, {}, answer) for answer in answers]) as (scripted, client, _):
        assert client.validate([]) == []
        assert client.replay("d/1")["same"]
        assert client.disclosure("d/1")["decision"] == "refer"
        assert "of_today" in client.correct("d/1", {})
        assert client.override("d/1", "refer", role="r", code="C", text="t").decision is Verdict.REFER
    assert [path for _, path, _, _ in scripted.seen] == [
        "/validate", "/decisions/d%2F1/replay", "/decisions/d%2F1/disclosure", "/decisions/d%2F1/correct",
        "/decisions/d%2F1/override",
    ]  # fmt: skip
