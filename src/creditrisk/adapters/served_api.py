"""A running server over HTTP, as the smoke test of a deployment asks it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from creditrisk.errors import BadUsage, OutsideFailed, Refused
from creditrisk.ports import Answered

TIMEOUT_S = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NOT_YET = (404, 408, 425, 429, 500, 502, 503, 504)
"""What a load balancer or a server that starts answers; 404: a load balancer without a rule yet."""


class HttpApi:
    """key: an API key with the role `score`; None on the server's own machine.  end: what to do at the end, such as to
    close a tunnel.
    """

    def __init__(self, url: str, *, key: str | None = None, end: Callable[[], object] = lambda: None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise BadUsage("--url is no address of a server", hint="for example https://pd.example.org")
        if key is not None and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise BadUsage(
                "an API key would be sent in the clear", where=url, hint="give the https address of the server"
            )
        self.where = url.rstrip("/")
        self._end = end
        self._session = requests.Session()
        if key is not None:
            self._session.headers["X-API-Key"] = key

    def close(self) -> None:
        self._session.close()
        self._end()

    def need_ready(self) -> None:
        told = self._ask("GET", "/health")
        if told.get("status") != "alive":
            raise self._strange("/health")
        if self._ask("GET", "/ready").get("ready") is not True:
            raise self._strange("/ready")

    def decide_example(self, request_id: str) -> Answered:
        """By the example that the server's own description has: invented, and made from the contracts of its model."""
        described = self._ask("GET", "/openapi.json")
        try:
            body = described["components"]["examples"]["applications"]["value"]
        except (KeyError, TypeError) as error:
            raise self._strange("/openapi.json") from error
        told = self._ask("POST", "/predict", body, {"X-Request-ID": request_id, "Idempotency-Key": request_id})
        try:
            (decision,) = told["decisions"]
            if not 0.0 <= float(decision["pd"]) <= 1.0 or decision["decision"] not in ("approve", "refer", "decline"):
                raise ValueError
            version = told["model"]["version"]
            return Answered(
                None if version is None else str(version), str(told["model"]["bundle"]), str(decision["decision_id"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._strange("/predict") from error

    def _ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        try:
            answer = self._session.request(
                method, self.where + path, json=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False
            )
        except requests.exceptions.SSLError as error:
            hint = "see its certificate; REQUESTS_CA_BUNDLE names an authority of your own"
            raise Refused(f"{path}: its certificate is not believed", where=self.where, hint=hint) from error
        except requests.RequestException as error:
            raise OutsideFailed(
                f"{path}: no answer ({type(error).__name__})", where=self.where, hint="see the server's log"
            ) from error
        if answer.status_code in (401, 403):
            raise Refused(
                f"{path}: status {answer.status_code}, the key is not taken",
                where=self.where,
                hint="CREDITRISK_DEPLOY_API_KEY or CREDITRISK_DEPLOY_API_KEY_FILE: its key with the role score",
            )
        if not answer.ok or answer.is_redirect:
            words = f"{path}: status {answer.status_code}{_detail(answer)}"
            kind = OutsideFailed if answer.status_code in _NOT_YET else Refused
            raise kind(words, where=self.where, hint="see the server's log")
        with contextlib.suppress(ValueError):
            told = answer.json()
            if isinstance(told, dict):
                return told
        raise self._strange(path)

    def _strange(self, path: str) -> Refused:
        return Refused(
            f"{path}: the answer is not that of a server of creditrisk",
            where=self.where,
            hint="see --url, and the image",
        )


def _detail(answer: requests.Response) -> str:
    """What a problem says; it never holds a value of an applicant."""
    with contextlib.suppress(ValueError):
        told = answer.json()
        if isinstance(told, dict) and isinstance(told.get("detail"), str):
            return f": {told['detail'][:200]}"
    return ""
