"""How much may be asked: bytes of a body while it arrives, its kind, requests of one caller, and time."""

from __future__ import annotations

import asyncio
import math
import time

from starlette.requests import ClientDisconnect, Request

from creditrisk.serving.problems import HttpProblem

CALLERS_REMEMBERED = 10_000
HEARD_OUT = 128 * 2**20
"""Bytes of a body that is too long, read and thrown away; after these the connection is closed."""


class Rates:
    """A bucket of requests for each caller: `burst` deep, filled by `per_second`; 0 per second is no limit."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second, self._burst = per_second, burst
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, caller: str, now: float | None = None) -> int:
        """0 when the request may go on; else the seconds after which the next one may."""
        if not self._per_second:
            return 0
        now = time.monotonic() if now is None else now
        left, seen = self._left.pop(caller, (float(self._burst), now))
        left = min(float(self._burst), left + (now - seen) * self._per_second)
        allowed = left >= 1.0
        self._left[caller] = (left - 1.0 if allowed else left, now)
        if len(self._left) > CALLERS_REMEMBERED:
            del self._left[next(iter(self._left))]
        return 0 if allowed else math.ceil((1.0 - left) / self._per_second)


async def read_body(request: Request, *, most: int, kinds: tuple[str, ...], timeout_s: float) -> bytes:
    """The whole body. Raises HttpProblem: 415 for another kind, 413 when it is too long, 408 when it dawdles."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise HttpProblem(415, "media_type", "this kind of body is not read here", hint=f"send {' or '.join(kinds)}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HttpProblem(415, "content_encoding", "a compressed body is not read here", hint="send it uncompressed")
    try:
        async with asyncio.timeout(timeout_s):
            return await _chunks(request, most)
    except TimeoutError as error:
        raise HttpProblem(408, "slow_body", "the body came too slowly") from error
    except ClientDisconnect as error:
        raise HttpProblem(400, "broken_off", "the body broke off") from error


async def _chunks(request: Request, most: int) -> bytes:
    """Of a body that is too long nothing is kept; it is read to its end where that is near, so that the caller, who is
    still sending, hears the answer.
    """
    body, length = bytearray(), 0
    async for chunk in request.stream():
        length += len(chunk)
        if length <= most:
            body += chunk
        elif length > HEARD_OUT:
            break
        else:
            body.clear()
    if length > most:
        raise HttpProblem(
            413,
            "body_too_long",
            f"the body is longer than {most:,} bytes",
            hint="send fewer applications at once",
            headers={"Connection": "close"} if length > HEARD_OUT else {},
        )
    return bytes(body)
