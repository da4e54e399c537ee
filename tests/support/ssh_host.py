"""A machine that ssh reaches: a server of its own on loopback, with keys of its own and a docker that keeps files."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.server_process import free_port

DOCKER = """#!/bin/sh
# Keeps in files what docker keeps: images that can be pulled, and the one that the service runs.
state="{state}"
echo "$*" >>"$state/calls"
case "$1 $2" in
  "pull -q")
    if ! grep -qxF "$3" "$state/images"; then echo "manifest for $3 not found: manifest unknown" >&2; exit 1; fi ;;
  "compose up")
    while [ -e "$state/hang" ]; do sleep 0.05; done
    image=$(sed -n 's/^CREDITRISK_API_IMAGE=//p' .env)
    echo "$image" >"$state/running"
    if grep -qxF "$image" "$state/unhealthy"; then echo "container creditrisk-api-1 is unhealthy" >&2; exit 1; fi ;;
  "compose ps") echo c0ffee ;;
  "inspect --format") cat "$state/running" ;;
  *) echo "docker: '$1' is not a docker command" >&2; exit 1 ;;
esac
"""


@dataclass(frozen=True)
class SshHost:
    """project: the folder of the compose project.  options: for `creditrisk deploy vm`."""

    name: str
    project: Path
    state: Path
    known_hosts: Path
    options: tuple[str, ...]

    def pullable(self, *images: str) -> None:
        self._write("images", images)

    def unhealthy(self, *images: str) -> None:
        self._write("unhealthy", images)

    @property
    def running(self) -> str:
        return (self.state / "running").read_text().strip()

    @property
    def calls(self) -> list[str]:
        path = self.state / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def _write(self, name: str, lines: tuple[str, ...]) -> None:
        (self.state / name).write_text("".join(f"{line}\n" for line in lines))


@contextmanager
def ssh_host(sshd: str, folder: Path, image: str) -> Iterator[SshHost]:
    """Runs the image. folder: everything of the machine and its keys lies there."""
    for name in ("host_key", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    port, programs, state, project = free_port(), folder / "bin", folder / "state", folder / "project"
    for each in (programs, state, project):
        each.mkdir()
    docker = programs / "docker"
    docker.write_text(DOCKER.format(state=state))
    docker.chmod(0o755)
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {(folder / 'host_key.pub').read_text()}")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/key.pub\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        f"SetEnv PATH={programs}:{os.environ['PATH']}\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it puts those who are not let in yet
    host = SshHost(
        f"{getpass.getuser()}@127.0.0.1", project, state, known,
        ("--host", f"{getpass.getuser()}@127.0.0.1", "--folder", str(project), "--ssh-port", str(port),
         "--identity", str(folder / "key"), "--known-hosts", str(known)),
    )  # fmt: skip
    host.pullable(image)
    host.unhealthy()
    (state / "running").write_text(f"{image}\n")
    with (folder / "sshd.log").open("w") as log:
        server = subprocess.Popen(
            [shutil.which(sshd) or sshd, "-D", "-e", "-f", str(folder / "sshd_config")],
            stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(port, server, folder / "sshd.log")
        yield host
    finally:
        (state / "hang").unlink(missing_ok=True)
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no ssh server:\n{log.read_text()[-2000:]}")
