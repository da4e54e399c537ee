"""Log lines as JSON on stderr: what was asked, how long it took, how it ended. Never a value of an applicant."""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any, TextIO, cast

import orjson
import structlog

log = structlog.get_logger("creditrisk.serving")


class Lines:
    """Log lines to a stream. One that cannot be written is lost: a full disk under the log stops no decision."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def write_json_logs() -> None:
    """Every line of this process as one JSON object, the server's own and those of uvicorn."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_spelt)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, Lines(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_traceback,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)


def _spelt(event: object, default: Callable[[Any], Any]) -> str:
    return orjson.dumps(event, default).decode()


def places_of(error: BaseException) -> list[str]:
    """Where an unforeseen error arose: file and line of each frame. Its message may quote a record, so it is left out.

    >>> places_of(ValueError("secret"))
    []
    """
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rpartition('/creditrisk/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-12:]]


def _without_traceback(_logger: Any, _name: str, event: Any) -> Any:
    """uvicorn's traceback of an error as its kind and its places."""
    info = event.pop("exc_info", None)
    if info and not isinstance(info, bool) and info[1] is not None:
        event["error"], event["at"] = type(info[1]).__name__, places_of(info[1])
        event["event"] = str(event["event"]).splitlines()[0]
    return event
