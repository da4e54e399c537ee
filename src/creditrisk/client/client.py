"""Asks the server, waits for it where that is safe, and turns its refusals into errors of this project."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Self
from urllib.parse import quote

import requests

from creditrisk.client.answers import Answer, Override, answer_from
from creditrisk.errors import OutsideFailed, Refused
from creditrisk.kinds import Verdict

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
"""Between tries; each pause is twice the one before, and never shorter than the server asks."""


class RequestRefused(Refused):
    """The server says no, and would say it again. problems: each {"where", "rule", "hint"}, never a value."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        super().__init__(
            str(told.get("detail", f"status {status}")),
            where=str(told.get("where", "")),
            hint=str(told.get("hint", "")),
        )
        self.status = status
        self.code = str(told.get("type", "")).rpartition(":")[2]
        self.problems: tuple[Mapping[str, str], ...] = tuple(told.get("problems", ()))
        self.request_id = told.get("request_id")


class Client:
    """One server. May be shared by threads that ask in turn; closes its connections at the end of `with`.

    key: an API key or a token; None on the server's own machine.  timeout_s: of one try.  tries: of one call. A try is
    repeated after 503 and 429, and after a lost connection. That cannot decide twice: whatever decides carries an
    idempotency key, its own where the caller gives none.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = 30.0,
        tries: int = 4,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout_s, self._tries, self._sleep = timeout_s, max(1, tries), sleep
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc of this machine: records go where they are sent
        if key is not None:
            self._session.headers["Authorization"] = f"Bearer {key}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def predict(self, applications: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> Answer:
        """Decide. Raises RequestRefused with everything that is wrong with the records, OutsideFailed."""
        return answer_from(self._decide("/predict", {"applications": applications}, idempotency_key))

    def explain(self, applications: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> Answer:
        """Decide, with contributions and the nearest change that would give a better decision."""
        return answer_from(self._decide("/explain", {"applications": applications}, idempotency_key))

    def validate(self, applications: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Key and warnings of each application; nothing is decided or kept. Raises RequestRefused."""
        told = self._ask("POST", "/validate", {"applications": applications})
        listed: Sequence[Mapping[str, Any]] = told["applications"]
        return listed

    def decision(self, decision_id: str) -> Mapping[str, Any]:
        """The whole record of a decision and of what was done about it."""
        return self._ask("GET", f"/decisions/{quote(decision_id, safe='')}")

    def replay(self, decision_id: str) -> Mapping[str, Any]:
        """Decided again from the raw record: is it the same, bit by bit?"""
        return self._ask("POST", f"/decisions/{quote(decision_id, safe='')}/replay")

    def disclosure(self, decision_id: str) -> Mapping[str, Any]:
        """What the person concerned may be told."""
        return self._ask("GET", f"/decisions/{quote(decision_id, safe='')}/disclosure")

    def override(
        self,
        decision_id: str,
        decision: Verdict | str,
        *,
        role: str,
        code: str,
        text: str,
        by: str | None = None,
        idempotency_key: str | None = None,
    ) -> Override:
        """A person decides otherwise; the model's decision stays beside it."""
        body = {"decision": str(decision), "role": role, "code": code, "text": text, **({"by": by} if by else {})}
        told = self._decide(f"/decisions/{quote(decision_id, safe='')}/override", body, idempotency_key)
        return Override(told["override_id"], told["decision_id"], Verdict(told["decision"]))

    def correct(
        self, decision_id: str, application: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Mapping[str, Any]:
        """Decide a corrected application: `of_that_day` and `of_today`, by the two models."""
        return self._decide(f"/decisions/{quote(decision_id, safe='')}/correct", application, idempotency_key)

    def _decide(self, path: str, body: Mapping[str, Any], key: str | None) -> Mapping[str, Any]:
        return self._ask("POST", path, body, headers={"Idempotency-Key": key or str(uuid.uuid4())})

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        content = None if body is None else _bytes(body)
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if content is not None else {})}
        pause = FIRST_PAUSE_S
        for left in reversed(range(self._tries)):
            try:
                answer = self._session.request(
                    method, self._url + path, data=content, headers=sent, timeout=self._timeout_s, allow_redirects=False
                )
            except requests.RequestException as error:
                failed = OutsideFailed(
                    f"no answer from the server: {type(error).__name__}", where=self._url, hint="is it running?"
                )
                if not left or not isinstance(error, requests.ConnectionError | requests.Timeout):
                    raise failed from error
                wait = 0.0
            else:
                if answer.ok:
                    told: Mapping[str, Any] = _told(answer)
                    return told
                wait = _seconds(answer.headers.get("Retry-After"))
                if answer.status_code not in (429, 503):
                    raise RequestRefused(answer.status_code, _told(answer))
                if not left:
                    raise OutsideFailed(
                        f"the server is busy: {_told(answer).get('detail', answer.status_code)}",
                        where=self._url,
                        hint="ask again later, with the same idempotency key",
                        retry_after_s=wait or None,
                    )
            self._sleep(max(pause, wait))
            pause = min(2 * pause, LONGEST_PAUSE_S)
        raise AssertionError  # the last try returns or raises


def _bytes(body: Mapping[str, Any]) -> bytes:
    """Decimals and dates as the server reads them: digits as they are, days as 2026-01-31."""
    mark = f"number:{uuid.uuid4().hex}:"

    def spelt(value: Any) -> str:
        if isinstance(value, Decimal) and value.is_finite():
            return mark + format(value, "f")
        if isinstance(value, dt.date):
            return value.isoformat()
        raise TypeError(type(value).__name__)

    try:
        text = json.dumps(body, default=spelt, ensure_ascii=False, allow_nan=False)
        return re.sub(f'"{mark}([-0-9.]+)"', r"\1", text).encode("utf-8")
    except (TypeError, ValueError) as error:
        raise Refused(
            "a record holds something that is no JSON",
            where=type(error).__name__,
            hint="numbers, text, true, false, None, lists and dictionaries; None where there is no number",
        ) from None


def _told(answer: requests.Response) -> Mapping[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        told = None
    return told if isinstance(told, Mapping) else {"detail": f"status {answer.status_code} and no JSON"}


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isdecimal() and len(text) < 6 else 0.0
