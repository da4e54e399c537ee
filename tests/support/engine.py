"""A Docker engine of a test's own: data, socket and bridge are thrown away with it.

And the base image that stands in for the official one, which cannot be had without the internet: Debian's own Python
3.13, by debootstrap, kept in .cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

BASE = "python:3.13-slim"
BRIDGE, SUBNET, POOL = "crtest0", "10.213.0.1/24", "10.214.0.0/16"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Of this machine: a proxy's own certificate may be the only one that reaches a package registry."""


@dataclass(frozen=True)
class Engine:
    socket: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "1"}

    def docker(self, *arguments: str | Path, within_s: float = 120, cwd: Path | None = None) -> str:
        """What the command prints; a failure is told with all it said."""
        done = subprocess.run(
            ["/usr/bin/docker", *map(str, arguments)],
            env=self.environment, cwd=cwd, capture_output=True, text=True, timeout=within_s, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (
            f"docker {' '.join(map(str, arguments))}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        )
        return done.stdout.strip()

    def build(self, repository: Path, image: str, *options: str) -> str:
        """The Dockerfile of deploy/containers as it is; the name of what it made."""
        file = f"deploy/containers/Dockerfile.{image}"
        name = f"creditrisk-{image}:latest"
        self.docker("build", "--file", file, "--tag", name, *options, ".", within_s=900, cwd=repository)
        return name

    def size_mb(self, image: str) -> float:
        """Unpacked, with its base."""
        return float(self.docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6

    def inside(self, image: str, *command: str) -> str:
        """What a command prints in a container of the image, which is gone afterwards."""
        return self.docker("run", "--rm", "--network", "none", "--entrypoint", command[0], image, *command[1:])

    def run(self, image: str, *command: str, options: Sequence[str | Path] = ()) -> str:
        """Start it as docs/containers.md says: nothing may be written but where `options` say. The container's id."""
        hardened = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
        return self.docker("run", "--detach", *hardened, *options, image, *command)

    def wait_until_healthy(self, container: str, within_s: float = 120) -> None:
        """Polls what the image's own HEALTHCHECK says."""
        until = time.monotonic() + within_s
        state = ""
        while time.monotonic() < until:
            state = self.docker("inspect", "--format", "{{.State.Status}}/{{.State.Health.Status}}", container)
            if state == "running/healthy":
                return
            assert not state.startswith("exited"), self.docker("logs", container)
            time.sleep(0.5)
        raise AssertionError(f"{state} after {within_s} s\n{self.docker('logs', container)}")

    def files_of(self, image: str, folder: str) -> str:
        """A line for each file below the folder: its hash and name."""
        return self.inside(image, "sh", "-c", f"cd {folder} && find . -type f -print0 | sort -z | xargs -0 sha256sum")


@contextmanager
def engine(repository: Path) -> Iterator[Engine]:
    """Started, with the base image under the name that Dockerfiles use; ended with all that it holds."""
    folder = Path(tempfile.mkdtemp(prefix="engine-"))  # short: a socket's name may have 100 letters
    with _bridge(), (folder / "log").open("w") as log:
        command = [
            "dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid",
            "--host", f"unix://{folder / 'socket'}", "--storage-driver", "overlay2", "--bridge", BRIDGE,
            "--default-address-pool", f"base={POOL},size=24",
        ]  # fmt: skip
        process = subprocess.Popen([*map(str, command)], stdout=log, stderr=log, start_new_session=True)
        made = Engine(folder / "socket")
        try:
            _wait(made, process, folder / "log")
            _import_base(made, repository)
            yield made
        finally:
            with suppress(AssertionError, subprocess.TimeoutExpired):
                for container in made.docker("ps", "--quiet", "--all").split():
                    made.docker("rm", "--force", "--volumes", container)
            process.terminate()
            process.wait(60)
            for mounted in (folder / "exec" / "netns").glob("*"):
                subprocess.run(["umount", str(mounted)], capture_output=True, check=False)
            shutil.rmtree(folder, ignore_errors=True)


def _wait(made: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while subprocess.run(
        ["/usr/bin/docker", "version"], env=made.environment, capture_output=True, check=False
    ).returncode:  # fmt: skip
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < until, log.read_text(encoding="utf-8")
        time.sleep(0.2)


@contextmanager
def _bridge() -> Iterator[None]:
    """A bridge of its own: an engine that this machine may have keeps docker0."""
    subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True, check=False)  # of a run that was killed
    subprocess.run(["ip", "link", "add", "name", BRIDGE, "type", "bridge"], check=True)
    subprocess.run(["ip", "addr", "add", SUBNET, "dev", BRIDGE], check=True)
    subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True, check=False)


def _import_base(made: Engine, repository: Path) -> None:
    archive = repository / ".cache" / "base-image" / "trixie.tar"
    if not archive.exists():
        _make_base(archive)
    path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    made.docker("import", "--change", path, "--change", 'CMD ["python3"]', archive, BASE)


def _make_base(archive: Path) -> None:
    """About a minute, once."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        root = Path(folder) / "root"
        packages = "python3,python3-venv,python3-pip,ca-certificates"
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={packages}", "trixie", str(root)],
            check=True, stdout=subprocess.DEVNULL, timeout=600,
        )  # fmt: skip
        for marker in root.glob("usr/lib/python3.*/EXTERNALLY-MANAGED"):
            marker.unlink()
        (root / "usr/bin/python").symlink_to("python3")
        if AUTHORITIES.exists():
            shutil.copy(AUTHORITIES, root / str(AUTHORITIES).lstrip("/"))
            (root / "etc/pip.conf").write_text(f"[global]\ncert = {AUTHORITIES}\n", encoding="utf-8")
        shutil.rmtree(root / "var/lib/apt/lists")
        for package in (root / "var/cache/apt/archives").glob("*.deb"):
            package.unlink()
        partial = Path(folder) / archive.name
        subprocess.run(["tar", "--create", "--file", str(partial), "--directory", str(root), "."], check=True)
        partial.rename(archive)


def inspected(made: Engine, image: str) -> Mapping[str, object]:
    """What the image says of itself."""
    told: list[dict[str, dict[str, object]]] = json.loads(made.docker("image", "inspect", image))
    return told[0]["Config"]


if __name__ == "__main__":
    with engine(Path(__file__).resolve().parents[2]) as kept, suppress(KeyboardInterrupt):
        print(f"export TEST_ENGINE={kept.socket}   # until this is interrupted", flush=True)  # noqa: T201
        while True:
            time.sleep(3600)
