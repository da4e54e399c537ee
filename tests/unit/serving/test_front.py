"""What the outermost part of the server says when nothing inside comes up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from creditrisk.errors import OutsideFailed
from creditrisk.serving.front import Front
from creditrisk.serving.metrics import Metrics

GONE = OutsideFailed("the decision store does not answer", where="postgresql://db/x", hint="see whether it runs")


@pytest.mark.parametrize(("error", "told"), [(GONE, GONE.what), (RuntimeError("Jane Doe, 4711"), "RuntimeError")])
def test_a_server_that_cannot_start_says_why_without_a_traceback(
    error: Exception, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        raise error
        yield

    front = Front(Starlette(lifespan=running), metrics=Metrics(), at_once=1, timeout_s=1.0, span=None)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def start() -> None:
        with suppress(type(error)):
            await front({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    asyncio.run(start())
    assert sent == [{"type": "lifespan.startup.failed"}]
    logged = "".join(capsys.readouterr())
    assert told in logged
    assert "Traceback" not in logged
    assert "4711" not in logged
