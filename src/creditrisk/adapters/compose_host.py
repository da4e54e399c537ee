"""Servers on a machine of one's own: a compose project, reached by the program `ssh`.

Which image runs stands in one line of the `.env` beside the compose file. That line alone is changed, on the machine:
the rest of the file, which may hold secrets, never leaves it. Nobody is asked anything (BatchMode), and a machine whose
key is not known is refused.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from creditrisk.errors import BadUsage, Busy, OutsideFailed, Refused, Superseded
from creditrisk.ports import Placed

VARIABLE = "CREDITRISK_API_IMAGE"
"""Of the `.env`: what the compose file takes the service's image from."""

_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.:-]*")
_QUICK_S = 60
_NO_FILE, _OTHER, _BUSY = 41, 42, 43

# Each step holds the machine's lock for as long as it lasts, also when the connection is lost: the next one waits.
_HEAD = 'set -eu; cd "$1" || exit 41; [ -f .env ] || exit 41; exec 9>.deploy.lock; '
_WAITING = "flock -w 900 9 || exit 43; "
_NOW = 'now=$(sed -n "s/^$2=//p" .env | tail -n 1 | tr -d "\\"\'"); '
READ = 'set -eu; cd "$1" || exit 41; [ -f .env ] || exit 41; ' + _NOW + 'printf "%s\\n" "$now"'
IDLE = _HEAD + "flock -n 9 || exit 43"
PULL = _HEAD + _WAITING + 'docker pull -q "$2" >&2'
PLACE = (
    _HEAD + _WAITING + _NOW + '[ "$now" = "$4" ] && exit 0; [ "$now" = "$3" ] || { printf "%s\\n" "$now"; exit 42; }; '
    'new=.env.partial-$$; trap \'rm -f "$new"\' EXIT; cp -p .env "$new"; '
    'awk -v name="$2" -v image="$4" '
    '\'index($0, name "=") == 1 { print name "=" image; next } { print }\' .env >"$new"; '
    'sync "$new"; mv "$new" .env; sync .'
)
UP = (
    _HEAD
    + _WAITING
    + (
        'docker compose up -d --no-deps --wait --wait-timeout "$3" "$2" >&2; '
        'docker inspect --format "{{.Config.Image}}" "$(docker compose ps -q "$2")"'
    )
)


@dataclass(frozen=True)
class SshOptions:
    """Beside what the user's own ssh_config says of the host."""

    port: int | None = None
    identity: Path | None = None
    known_hosts: Path | None = None

    def words(self) -> list[str]:
        told = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=10",
                "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"]  # fmt: skip
        told += [] if self.port is None else ["-p", str(self.port)]
        told += [] if self.identity is None else ["-i", str(self.identity), "-o", "IdentitiesOnly=yes"]
        return told + ([] if self.known_hosts is None else ["-o", f"UserKnownHostsFile={self.known_hosts}"])


class ComposeHost:
    """One service of the compose project in a folder of the host.

    wait_s: how long the service may take to become healthy.
    """

    kind = "vm"

    def __init__(
        self, host: str, folder: str, service: str, options: SshOptions | None = None, *, wait_s: float = 900.0
    ) -> None:
        if not _HOST.fullmatch(host):
            raise BadUsage(f"{host!r} is no host", where="--host", hint="for example deploy@pd.example.org")
        if not re.fullmatch(r"/[^\s'\"]*", folder):
            raise BadUsage(f"{folder!r} is no folder of the host", where="--folder", hint="an absolute path, no blanks")
        self._host, self._folder, self._service = host, folder.rstrip("/"), service
        self._options, self._wait_s = options or SshOptions(), wait_s

    @property
    def target(self) -> str:
        return f"{self._host}:{self._folder}/{self._service}"

    def placed(self) -> Placed:
        image = self._ask(READ, VARIABLE).strip()
        if not image:
            raise Refused(
                f"no line of .env says which image runs: {VARIABLE}",
                where=self.target,
                hint=f"add {VARIABLE}=REF to it, and image: ${{{VARIABLE}}} to the compose file",
            )
        return Placed(image, f"{self._folder}/.env")

    def need_idle(self) -> None:
        self._ask(IDLE)

    def difference(self, image: str) -> Sequence[Mapping[str, str]]:
        now = self.placed()
        return [{"where": f"{now.definition}: {VARIABLE}", "was": now.image, "becomes": image}]

    def prepare(self, image: str) -> Placed:
        """Pull it: a machine without the image would be without servers while it comes."""
        self._ask(PULL, image, timeout_s=self._wait_s)
        return Placed(image, f"{self._folder}/.env")

    def place(self, what: Placed, *, instead_of: Placed) -> None:
        self._ask(PLACE, VARIABLE, instead_of.image, what.image)

    def settle(self, what: Placed, tell: Callable[[str], None]) -> None:
        tell(f"docker compose up {self._service}")
        limit = str(max(1, int(self._wait_s)))
        lines = self._ask(UP, self._service, limit, timeout_s=self._wait_s + 60).split()
        runs = lines[-1] if lines else "nothing"
        if (now := self.placed()).image != what.image:
            raise self._superseded(now.image)
        if runs != what.image:
            raise Refused(
                f"{runs} runs, where .env says {what.image}",
                where=self.target,
                hint=f"the compose file takes its image from elsewhere: image: ${{{VARIABLE}}}",
            )

    def discard(self, what: Placed) -> None:
        """A pulled image that does not run harms nobody: `docker image prune` takes it."""

    def tunnel(self, port: int) -> tuple[str, Callable[[], None]]:
        """(address on this machine, what ends it) of a port that the host listens on at loopback."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            here = int(free.getsockname()[1])
        forward = ["-N", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{here}:127.0.0.1:{port}"]
        ssh = self._started([*forward, "--", self._host])

        def end() -> None:
            ssh.terminate()
            ssh.communicate()

        until = time.monotonic() + 20
        while time.monotonic() < until:
            if ssh.poll() is not None:
                raise self._unreached(ssh.communicate()[1])
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", here), timeout=1):
                return f"http://127.0.0.1:{here}", end
            time.sleep(0.05)
        end()
        raise OutsideFailed("no tunnel to the host came up", where=self._host, hint="see the network between")

    def _ask(self, script: str, *told: str, timeout_s: float = _QUICK_S) -> str:
        """What the script prints on the host, as `sh -s -- FOLDER told...`."""
        command = shlex.join(["sh", "-c", script, "sh", self._folder, *told])
        ssh = self._started(["--", self._host, command])
        try:
            out, err = ssh.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise OutsideFailed(
                f"the host was not done after {timeout_s:g} s", where=self._host, hint="see what it is at"
            ) from error
        finally:
            if ssh.poll() is None:
                ssh.kill()
                ssh.communicate()
        if ssh.returncode == 0:
            return out
        raise self._said_no(ssh.returncode, out, err)

    def _started(self, words: Sequence[str]) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(
                ["ssh", *self._options.words(), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C is for whoever rolls back, not for its hands
            )
        except FileNotFoundError as error:
            raise OutsideFailed(
                "there is no program ssh", hint="apt-get install openssh-client", retry_may_help=False
            ) from error

    def _said_no(self, code: int, out: str, err: str) -> BadUsage | Refused | OutsideFailed:
        words = _last_words(err)
        if code == 255:
            return self._unreached(err)
        if code == _NO_FILE:
            return BadUsage(
                "no compose project is there: the folder or its .env is missing",
                where=self.target,
                hint="--folder names the folder of compose.yaml and .env on the host",
            )
        if code == _OTHER:
            return self._superseded(out.strip())
        if code == _BUSY:
            return Busy("a deployment is under way on the host", where=self.target, hint="wait until it has ended")
        for pattern, kind, hint in _DOCKER_SAYS:
            if re.search(pattern, err, re.IGNORECASE):
                return kind(words, where=self.target, hint=hint)
        if code == 127:
            return Refused(
                words, where=self.target, hint="the host needs docker with its compose plugin, flock and awk"
            )
        return Refused(
            words or f"exit code {code}",
            where=self.target,
            hint=f"see its log on the host: docker compose logs {self._service}",
        )

    def _unreached(self, err: str) -> Refused | OutsideFailed:
        words = _last_words(err)
        if "host key" in err.lower() or "IDENTIFICATION HAS CHANGED" in err:
            return Refused(
                f"the host's key is not known, or is another one: {words}",
                where=self._host,
                hint="ssh-keyscan HOST > FILE; compare ssh-keygen -lf FILE with the host's own; --known-hosts FILE",
            )
        if "Permission denied" in err:
            return OutsideFailed(
                words, where=self._host, hint="give the key by --identity FILE, or ssh-add it", retry_may_help=False
            )
        return OutsideFailed(
            f"the host was not reached: {words}", where=self._host, hint="see its name, port and network"
        )

    def _superseded(self, now: str) -> Superseded:
        return Superseded(f"{now} was put in place meanwhile", where=self.target, hint="see who else deploys this host")


_DOCKER_SAYS: tuple[tuple[str, type[Refused] | type[OutsideFailed], str], ...] = (
    (r"manifest unknown|not found: manifest|no such image|manifest for \S+ not found", Refused,
     "push the image first; see its repository and digest"),
    (r"unauthorized|authentication required|pull access denied", Refused, "docker login on the host, for its user"),
    (r"permission denied.*docker\.sock", Refused, "the user has to be in the host's group docker"),
    (r"no space left", OutsideFailed, "docker image prune on the host, or a larger disk"),
    (r"cannot connect to the docker daemon", OutsideFailed, "systemctl start docker on the host"),
    (r"is not a docker command|unknown shorthand flag", Refused, "the host needs docker's compose plugin"),
)  # fmt: skip


def _last_words(err: str) -> str:
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no word of why"
