"""Does what a page tells to type, in order: `python -m tests.support.page_run PAGE` in a folder made by `prepare`.

Commands of ours run in this process, which saves their start; others by bash. A server stays until the page ends, and
what the page sends to :8080 goes to it. `/elsewhere` is a folder of here, the channel `team` a listener, and the id
that pages invent is that of the decision which was kept last. Prints one line of JSON for each command that did not end
as the page says.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path

from tests.support.listening import listening
from tests.support.server_process import free_port
from tests.support.typed_commands import ROOT, blocks, words

SHELL = re.compile(r"[|&;<>$`\n]")
SUBSTITUTED = re.compile(r"\$\((?P<command>[^()]*)\)")
PROGRAM = re.compile(r"(\S*/)?creditrisk\Z")
BEFORE = ("demo",)
"""Commands that `prepare` has run already."""
ROWS = 2_000
"""Invented applications, where a reader has 20,000."""
INVENTED_ID = "01990000-0000-7000-8000-000000000000"


def prepare(folder: Path) -> None:
    """What pages suppose: a workspace that `make demo` left, in `folder/kept`."""
    clone = folder / "clone"
    clone.mkdir(parents=True)
    command = [sys.executable, "-m", "creditrisk.cli", "demo", "--workspace", "workspace", "--rows", str(ROWS)]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    clone.rename(folder / "kept")


def fresh_copy(folder: Path) -> Path:
    """`folder/clone` for one page, as if it were a clone of the repository with that workspace in it.

    It is always at the same place, since MLflow notes whole paths.
    """
    clone = folder / "clone"
    shutil.rmtree(clone, ignore_errors=True)
    shutil.copytree(folder / "kept", clone)
    as_a_clone(clone)
    return clone


def as_a_clone(folder: Path) -> None:
    """The repository's own files, and raw files where the pages say that they lie."""
    for name in (".venv", "Makefile", "deploy", "docs", "requirements", "scripts", "src"):
        (folder / name).symlink_to(ROOT / name)
    raw = folder / "raw"
    raw.mkdir()
    for file in folder.glob("workspace/demo/*/*.csv"):
        (raw / file.name).symlink_to(file)
    kaggle = folder / "home" / "kaggle"
    kaggle.mkdir(parents=True)
    (folder / "elsewhere").mkdir()
    for name in (folder / "DIR", kaggle / "home-credit", kaggle / "lending-club"):
        name.symlink_to(raw)


class PageRun:
    def __init__(self) -> None:
        self.servers: list[subprocess.Popen[bytes]] = []
        self.port = 0

    def told(self, command: str) -> tuple[int, str]:
        """Exit code, and what was printed."""
        if self.port:
            command = command.replace(":8080", f":{self.port}")
        command = command.replace(" /elsewhere/", f" {Path.cwd()}/elsewhere/")
        if INVENTED_ID in command:
            command = command.replace(INVENTED_ID, decided_last())
        if "\n" not in command and command.startswith((".venv/bin/creditrisk", "creditrisk")):
            command = SUBSTITUTED.sub(lambda found: bash(found["command"])[1].strip(), command)
        typed = words(command) if "\n" not in command else [""]
        if typed[0] == "make":
            return self._made(typed)
        if typed[0] == "export":
            os.environ.update(word.partition("=")[::2] for word in typed[1:])
            return 0, ""
        if not PROGRAM.match(typed[0]) or SHELL.search(command.partition(" #")[0].replace("'", "")):
            command = re.sub(r"^curl ", "curl --fail-with-body ", command)
            return bash(command)
        arguments = [os.path.expanduser(word) if word.startswith("~") else word for word in typed[1:]]
        if arguments[0] == "serve":
            return self._served(arguments)
        if arguments[0] == "invent" and "--rows" not in arguments:
            arguments += ["--rows", str(ROWS)]
        return (0, "") if arguments[0] in BEFORE else run_here(arguments)

    def _made(self, typed: list[str]) -> tuple[int, str]:
        """Each line of the target's recipe that runs the program: the rest makes environments that are here."""
        done = subprocess.run(["make", "--dry-run", *typed[1:]], capture_output=True, text=True, check=False)
        if done.returncode:
            return done.returncode, done.stderr
        for line in done.stdout.splitlines():
            if PROGRAM.match(line.split()[0]):
                code, said = self.told(line)
                if code:
                    return code, said
        return 0, done.stdout

    def _served(self, arguments: list[str]) -> tuple[int, str]:
        self.port = free_port()
        log = Path("server.log").open("wb")  # noqa: SIM115 - the server writes it until it ends
        command = [sys.executable, "-m", "creditrisk.cli", *arguments, "--port", str(self.port)]
        server = subprocess.Popen(command, stdout=log, stderr=log)
        self.servers.append(server)
        last = time.monotonic() + 180
        while time.monotonic() < last and server.poll() is None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=5).close()
                return 0, ""
            time.sleep(0.2)
        return server.poll() or 3, Path("server.log").read_text(encoding="utf-8")

    def end(self) -> list[tuple[str, int, str]]:
        """The servers, by SIGTERM; those that did not end well."""
        ends = []
        for server in self.servers:
            server.send_signal(signal.SIGTERM)
            try:
                code = server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                code = -9
            if code:
                ends.append(("the server's end", code, Path("server.log").read_text(encoding="utf-8")))
        return ends


def decided_last() -> str:
    """The id of a decision that the page has had kept, in whichever workspace."""
    newest = max(Path().glob("*/decisions.db"), key=lambda path: path.stat().st_mtime)
    with contextlib.closing(sqlite3.connect(newest)) as store:
        told = store.execute("select max(decision_id) from decision_records where decision is not null").fetchone()
    return str(told[0])


def bash(command: str) -> tuple[int, str]:
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def run_here(arguments: list[str]) -> tuple[int, str]:
    from creditrisk.cli import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings():
        code = main(arguments)
    return code, said.getvalue()


def run_page(page: Path) -> list[dict[str, object]]:
    run, wrong = PageRun(), []
    try:
        for block in blocks(page):
            codes = []
            for command in () if block.not_run else block.commands:
                began = time.monotonic()
                code, said = run.told(command)
                sys.stderr.write(f"{time.monotonic() - began:6.1f} s  exit {code}  {command}\n")
                codes.append(code)
                if code not in (0, block.code):
                    where = f"{page.relative_to(ROOT)}:{block.line}"
                    wrong.append({"where": where, "command": command, "code": code, "said": said[-3000:]})
            if block.code and codes and block.code not in codes:
                wrong.append({"where": f"{page.relative_to(ROOT)}:{block.line}", "said": f"no exit code {block.code}"})
    finally:
        wrong += [{"command": what, "code": code, "said": said[-3000:]} for what, code, said in run.end()]
    return wrong


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the program does before it begins
    os.environ["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    os.environ["HOME"] = str(Path.cwd() / "home")
    with listening() as team:
        os.environ["CREDITRISK_NOTIFY_TEAM"] = f"json://127.0.0.1:{team.port}/team"
        for found in run_page(Path(sys.argv[1]).resolve()):
            sys.stdout.write(json.dumps(found) + "\n")
