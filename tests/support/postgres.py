"""A Postgres server of its own on loopback, made for a test session and thrown away."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import tempfile
from pathlib import Path


class PostgresServer:
    """postgres: path of the server's program, its tools lie beside it. The server refuses to run as root."""

    def __init__(self, postgres: str, folder: Path) -> None:
        self._tools = Path(postgres).resolve().parent
        self._data = folder / "data"
        self._log = folder / "log"
        self._user: str | None = "postgres" if os.getuid() == 0 else None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale", "C")

    def start(self) -> None:
        options = f"-p {self.port} -k {self._data.parent} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-l", str(self._log), "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """immediate: as if the power had failed."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    def empty_database(self) -> str:
        """The address of a database without tables, always the same one: a new one is 7 MB in 300 files."""
        self.sql("postgres", "set client_min_messages = warning; drop schema public cascade; create schema public")
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def sql(self, database: str, statement: str) -> str:
        address = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        return self._run("psql", "-XAtq", "-d", address, "-c", statement)

    def _run(self, tool: str, *words: str) -> str:
        # into a file: the server that pg_ctl starts would keep a pipe open
        with tempfile.TemporaryFile() as told:
            answer = subprocess.run(
                [str(self._tools / tool), *words], user=self._user, cwd="/", timeout=60, check=False,
                stdin=subprocess.DEVNULL, stdout=told, stderr=subprocess.STDOUT,
            )  # fmt: skip
            told.seek(0)
            text = told.read().decode("utf-8", "replace")
        if answer.returncode != 0:
            raise RuntimeError(f"{tool} failed: {text}")
        return text
