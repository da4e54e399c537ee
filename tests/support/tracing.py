"""What a running process asks of the kernel, seen or spoilt by strace."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@contextmanager
def traced(strace: str, pid: int, trace: Path, *words: str) -> Iterator[None]:
    """All threads of this process and those it starts, until the block ends."""
    told = trace.with_suffix(".stderr")
    with told.open("wb") as stream:
        tracer = subprocess.Popen([strace, "-f", "-p", str(pid), "-o", str(trace), *words], stderr=stream)
    try:
        while "attached" not in told.read_text():
            assert tracer.poll() is None, told.read_text()
            time.sleep(0.01)
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(timeout=60)


@dataclass(frozen=True)
class Moment:
    """A call begins, or has been answered. call: its name.  text: what its line says of it, up to there.

    done: None when it begins, else what the kernel said.
    """

    thread: str
    call: str
    text: str
    done: str | None


_LINE = re.compile(r"(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)")
_END = re.compile(r"\)\s*= (\S+).*$")


def moments(lines: Sequence[str]) -> Iterator[Moment]:
    """In the order in which strace saw them."""
    begun: dict[str, str] = {}
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        thread, resumed, call, text = found.groups()
        if resumed is None:
            yield Moment(thread, call, text, None)
            if text.endswith("<unfinished ...>"):
                begun[thread] = text
                continue
        whole = begun.pop(thread, "") + text if resumed else text
        ended = _END.search(text)
        if ended is not None:
            yield Moment(thread, resumed or call, whole, ended[1])
