"""Starts `creditrisk serve` again and again without importing everything again: each server is a fork of this process.

python -m tests.support.forking_server LOG, then one line of options as JSON for each server; answers with its pid.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import mlflow.tracking  # noqa: F401  (what a server would import itself)
import uvicorn  # noqa: F401
import xgboost  # noqa: F401

import creditrisk.serving  # noqa: F401
from creditrisk.wiring import ServerOptions, serve


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    log = Path(sys.argv[1])
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            with log.open("a") as stream:
                os.dup2(stream.fileno(), 1)
                os.dup2(stream.fileno(), 2)
            serve(ServerOptions(**json.loads(line)))
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
