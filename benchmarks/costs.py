"""What a finished process cost, counted by the operating system and not by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

REPOSITORY = Path(__file__).parents[1]

# A process inherits, as its own peak, what its parent held when it was started. So a small one starts the command.
_SMALL = """
import json, os, sys, time
begun = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(pid, 0)
print(json.dumps({
    "exit": os.waitstatus_to_exitcode(status), "cpu_s": used.ru_utime + used.ru_stime,
    "wall_s": time.perf_counter() - begun, "peak_mb": used.ru_maxrss / 1024,
}), file=os.fdopen(3, "w"))
"""


class Cost(TypedDict):
    """Of one finished process and those it waited for; peak_mb is that of the largest of them."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def cost_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run it to its end, its stdout thrown away. Raises SystemExit when it fails."""
    read, write = os.pipe()
    small = ["-I", "-S", "-c", _SMALL]
    moved = f'exec 3>&{write}; exec 1>/dev/null; exec "$@"'
    process = subprocess.Popen(
        ["bash", "-c", moved, "bash", sys.executable, *small, *command],
        pass_fds=[write], env={**os.environ, "PYTHONPATH": str(REPOSITORY), **(environment or {})},
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as stream:
        told = stream.read()
    process.wait()
    found = json.loads(told) if told else {"exit": process.returncode}
    if found.pop("exit") != 0:
        raise SystemExit(f"failed: {' '.join(command)}")
    return Cost(cpu_s=found["cpu_s"], wall_s=found["wall_s"], peak_mb=found["peak_mb"])
