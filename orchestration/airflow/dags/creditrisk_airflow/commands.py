"""A task that runs one command of `creditrisk` in the product's own environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowRescheduleException

from creditrisk_airflow import connections

REFUSED, BAD_USAGE = 1, 2
"""The command says the same again: somebody must act first. Every other exit code may be gone the next time."""
BUSY_FOR = timedelta(minutes=1)
TOLD_LINES = 12


class Creditrisk(BaseOperator):
    """`creditrisk COMMAND BOOK --workspace … --json`, with the exit code turned into what Airflow should do.

    options: name -> value, rendered; one that renders empty is left out.
    keep: keys of the command's JSON that go to XCom, and along with the asset; they must be small.
    answers: exit codes that are an answer and no failure; the JSON is kept then too.

    0 done. 1 and 2 fail at once: asking again changes nothing. 3 and a killed command are retried. Where another
    command holds the book, the task is put off for a minute, which costs none of its retries.
    """

    template_fields: Sequence[str] = ("options",)
    ui_color = "#e6f0ff"

    def __init__(
        self,
        *,
        command: str,
        book: str,
        options: Mapping[str, str] | None = None,
        flags: Sequence[str] = (),
        keep: Sequence[str] = (),
        answers: Sequence[int] = (0,),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.command, self.book, self.options = command, book, dict(options or {})
        self.flags, self.keep, self.answers = tuple(flags), tuple(keep), tuple(answers)
        self._running: subprocess.Popen[bytes] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        with tempfile.TemporaryFile() as answer:
            code = self._run(answer)
            answer.seek(0)
            told = _object(answer.read())
        if code not in self.answers or "error" in told:
            self._fail(code, told)
        kept = {name: told.get(name) for name in self.keep}
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {"book": self.book, **kept}
        return kept

    def on_kill(self) -> None:
        """The command and whatever it started; it leaves nothing half-written."""
        if self._running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)

    def _words(self) -> list[str]:
        options = {"--workspace": connections.workspace(), **self.options}
        given = [word for name, value in options.items() if value for word in (name, str(value))]
        return [*self.command.split(), self.book, *given, *self.flags, "--json"]

    def _run(self, answer: IO[bytes]) -> int:
        """The exit code. What the command says on stderr is logged as it comes; stdout goes into `answer`."""
        command = [connections.program(), *self._words()]
        self.log.info("%s", " ".join(command))
        self._last: list[str] = []
        try:
            self._running = subprocess.Popen(
                command,
                stdout=answer,
                stderr=subprocess.PIPE,
                env=connections.environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise AirflowFailException(
                f"cannot run {command[0]}: {error.strerror}; hint: the Variable creditrisk_cli is its path here"
            ) from error
        try:
            assert self._running.stderr is not None
            for line in self._running.stderr:
                self._last = [*self._last, line.decode(errors="replace").rstrip()][-TOLD_LINES:]
                self.log.info("%s", self._last[-1])
            return self._running.wait()
        finally:
            self.on_kill()
            self._running.wait()

    def _fail(self, code: int, told: Mapping[str, Any]) -> None:
        error = told.get("error") or {}
        words = "; ".join(f"{name} {error[name]}" for name in ("what", "where", "hint") if error.get(name))
        words = words or "".join(f"\n- {one}" for one in told.get("objections") or [])
        message = f"creditrisk {self.command} {self.book}: exit code {code}: {words or ' '.join(self._last)}"
        if error.get("kind") == "Busy":
            self.log.info("%s; asking again in a minute", message)
            raise AirflowRescheduleException(datetime.now(UTC) + BUSY_FOR)
        if code in (REFUSED, BAD_USAGE):
            raise AirflowFailException(message)
        raise AirflowException(message)


def _object(text: bytes) -> dict[str, Any]:
    """What a command says with --json; {} where it was killed before it could."""
    with suppress(ValueError):
        told = json.loads(text)
        if isinstance(told, dict):
            return told
    return {}
