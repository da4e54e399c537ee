"""What docs/bring-your-own-connectors.md shows fits the code: applied to a copy of the package, it runs."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from creditrisk.demo import write_demo

NEW = re.compile(r"^`(src/creditrisk/\S+)`:\n\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
CHANGE = re.compile(r"^```diff\n(.*?)^```", re.MULTILINE | re.DOTALL)
ROWS = 300

type Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def extended(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """`creditrisk` with everything of the page in it."""
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(repository / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    text = (repository / "docs" / "bring-your-own-connectors.md").read_text(encoding="utf-8")
    for path, code in NEW.findall(text):
        assert not (folder / path).exists()
        (folder / path).write_text(code, encoding="utf-8")
    for change in CHANGE.findall(text):
        subprocess.run(["git", "apply", "--whitespace=nowarn"], input=change, text=True, cwd=folder, check=True)

    def run(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": str(folder / "src"), **environment}
        command = [sys.executable, "-m", "creditrisk.cli", *map(str, words)]
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)

    return run


def test_a_table_of_a_database_becomes_a_raw_table(extended: Program, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write_demo("lending_club", raw, rows=ROWS, seed=7, progress=lambda *_: None)
    with (raw / "accepted.csv").open(newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    with sqlite3.connect(tmp_path / "core.db") as database:
        database.execute(f"create table accepted ({', '.join(names)})")
        database.executemany(f"insert into accepted values ({', '.join('?' * len(names))})", rows)
    database.close()
    source = "{kind: database, options: {url_from_env: CORE_BANKING_URL, table: accepted, key: id}}"
    command = ("ingest", "lending_club", "--workspace", tmp_path / "ws", "--set", f"tables.application.source={source}")

    done = extended(*command, CORE_BANKING_URL=f"sqlite:///{tmp_path / 'core.db'}")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "ws" / "lending_club" / "reports" / "ingestion_summary.json").read_text())
    assert report["tables"]["application"]["rows"] == ROWS
    assert report["tables"]["application"]["rejected"] == 0

    away = extended(*command, "--workspace", tmp_path / "other", CORE_BANKING_URL="sqlite:////nowhere/secret-name.db")
    assert away.returncode == 3
    assert "secret-name" not in away.stderr
    assert "OperationalError" in away.stderr


def test_a_message_becomes_a_ticket(extended: Program, tmp_path: Path) -> None:
    tickets = tmp_path / "tickets.jsonl"
    words = ("notify", "test", "lending_club", "--channel", "team", "--workspace", tmp_path)
    done = extended(*words, CREDITRISK_NOTIFY_TEAM=f"tickets:{tickets}")
    assert done.returncode == 0, done.stderr
    (ticket,) = map(json.loads, tickets.read_text().splitlines())
    assert "lending_club" in ticket["title"] + ticket["text"]


def test_figures_go_to_another_sink(extended: Program, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 8125))
        listening.settimeout(20)
        done = extended("metrics", "lending_club", "--to", "statsd", "--workspace", tmp_path)
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(rb"creditrisk_[\w.]*lending_club\S*:[-\d.e+]+\|g", listening.recv(2000))
