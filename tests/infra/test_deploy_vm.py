"""`creditrisk deploy vm` over a real ssh connection to a compose host whose docker keeps files."""

from __future__ import annotations

import fcntl
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.system_clock import SystemClock
from creditrisk.config import Workspace
from creditrisk.governance import Act, ledger
from creditrisk.governance.ledger import Move
from tests.support.api_lookalike import Lookalike, lookalike
from tests.support.deploying import BUNDLE, VERSION, DeployDesk, deploy_desk, waited_for
from tests.support.ssh_host import SshHost, ssh_host
from tests.support.tiny_server import running, train

OLD = "creditrisk-api:local"
NEW, OTHER = (f"registry.example.org/pd/api@sha256:{digit * 64}" for digit in "ab")
RIGHT = (str(VERSION), BUNDLE)
ENV = f"# of this machine\nPOSTGRES_PASSWORD=not-for-you\nCREDITRISK_API_IMAGE={OLD}\nPORT=8080\n"


@pytest.fixture
def host(component: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshHost]:
    monkeypatch.setenv("CREDITRISK_DEPLOY_SMOKE_SECONDS", "0")
    monkeypatch.setenv("CREDITRISK_DEPLOY_UNDO_SECONDS", "30")
    (folder := tmp_path / "host").mkdir()
    with ssh_host(component("sshd"), folder, OLD) as there:
        there.pullable(NEW, OTHER)
        (there.project / ".env").write_text(ENV)
        (there.project / ".env").chmod(0o600)
        yield there


@pytest.fixture
def api(host: SshHost) -> Iterator[Lookalike]:
    with lookalike(lambda: host.running) as answering:
        answering.bundles = {OLD: RIGHT, NEW: RIGHT, OTHER: RIGHT}
        yield answering


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> DeployDesk:
    return deploy_desk(tmp_path, capsys)


@pytest.fixture
def words(host: SshHost, api: Lookalike) -> list[str]:
    """Of every deployment: the host, and the port that the server listens on there."""
    return ["vm", *host.options, "--port", str(urlsplit(api.url).port)]


def env_with(image: str) -> str:
    return ENV.replace(OLD, image)


def left_on(host: SshHost) -> list[str]:
    return sorted(path.name for path in host.project.iterdir())


def test_one_line_of_env_is_changed_and_the_service_is_replaced(
    host: SshHost, desk: DeployDesk, words: list[str]
) -> None:
    code, told, err = desk.asked(*words, "--image", NEW)
    assert (code, told["outcome"]) == (0, "deployed"), err
    assert host.running == NEW
    path = host.project / ".env"
    assert (path.read_text(), path.stat().st_mode & 0o777) == (env_with(NEW), 0o600)
    assert left_on(host) == [".deploy.lock", ".env"]
    assert f"pull -q {NEW}" in host.calls
    assert desk.ended() == [("deployed", NEW)]
    assert "not-for-you" not in err + str(told) + desk.workspace.book("tiny").ledger.read_text()
    host.state.joinpath("calls").unlink()
    code, told, _ = desk.asked(*words, "--image", NEW)
    assert (code, told["unchanged"]) == (0, True)
    assert not any(call.startswith("pull") for call in host.calls)


def test_a_dry_run_changes_nothing(host: SshHost, desk: DeployDesk, words: list[str]) -> None:
    code, told, err = desk.asked(*words, "--image", NEW, "--dry-run")
    where = f"{host.project}/.env: CREDITRISK_API_IMAGE"
    assert (code, told["changes"]) == (0, [{"where": where, "was": OLD, "becomes": NEW}]), err
    assert host.calls == []


@pytest.mark.parametrize(
    "fault",
    ["unhealthy", "not there", *(pytest.param(name, marks=pytest.mark.by_hand) for name in ("status", "version"))],
)
def test_what_fails_is_rolled_back(
    host: SshHost, api: Lookalike, desk: DeployDesk, words: list[str], fault: str
) -> None:
    told_as = {"unhealthy": "creditrisk-api-1 is unhealthy", "status": "status 500", "version": "version 9 decided",
               "not there": "manifest unknown"}  # fmt: skip
    if fault == "unhealthy":
        host.unhealthy(NEW)
    elif fault == "status":
        api.broken[NEW] = 500
    elif fault == "version":
        api.bundles[NEW] = ("9", "ef" * 32)
    else:
        host.pullable(OTHER)
    code, told, err = desk.asked(*words, "--image", NEW)
    assert (code, told["outcome"]) == (1, "rolled_back"), err
    assert told_as[fault] in told["failure"]
    assert (host.running, (host.project / ".env").read_text()) == (OLD, ENV)
    assert desk.ended() == [("rolled_back", OLD)]


def test_after_kill_9_the_next_run_waits_for_the_host_and_finishes(
    host: SshHost, desk: DeployDesk, words: list[str]
) -> None:
    (host.state / "hang").touch()
    process = desk.started(*words, "--image", NEW)
    waited_for(lambda: any(call.startswith("compose up") for call in host.calls), process)
    process.kill()
    process.communicate()
    (host.state / "hang").unlink()
    code, told, err = desk.asked(*words, "--image", NEW)
    assert code == 0, err
    assert "found unfinished: deployed" in told["left_unfinished"]
    assert (host.running, desk.ended()) == (NEW, [("deployed", NEW)])


def test_sigterm_rolls_back_and_a_second_deployment_meanwhile_is_refused(
    host: SshHost, desk: DeployDesk, words: list[str]
) -> None:
    (host.state / "hang").touch()
    process = desk.started(*words, "--image", NEW)
    waited_for(lambda: any(call.startswith("compose up") for call in host.calls), process)
    code, _, err = desk.asked(*words, "--image", OTHER)
    assert (code, "another deployment of this book is under way" in err) == (1, True)
    process.send_signal(signal.SIGTERM)
    (host.state / "hang").unlink()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "stopped by SIGTERM; rolled back" in err
    assert (host.running, (host.project / ".env").read_text()) == (OLD, ENV)
    assert desk.ended() == [("rolled_back", OLD)]


def test_a_deployment_from_another_machine_is_seen(host: SshHost, desk: DeployDesk, words: list[str]) -> None:
    with (host.project / ".deploy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _, err = desk.asked(*words, "--image", NEW)
    assert (code, "under way on the host" in err) == (1, True)
    assert desk.ended() == []


def test_what_another_machine_deployed_meanwhile_is_left_there(
    host: SshHost, api: Lookalike, desk: DeployDesk, words: list[str]
) -> None:
    """While this one waits for its service, somebody else's line stands in .env, and their image runs."""
    (host.state / "hang").touch()
    process = desk.started(*words, "--image", NEW)
    waited_for(lambda: any(call.startswith("compose up") for call in host.calls), process)
    (host.project / ".env").write_text(env_with(OTHER))
    (host.state / "hang").unlink()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert "left as somebody else put it" in err
    assert (host.running, desk.ended()) == (OTHER, [("superseded", OTHER)])


def test_an_unknown_host_a_wrong_key_and_a_wrong_folder_are_told_with_the_next_thing_to_do(
    host: SshHost, desk: DeployDesk, words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "nobody").touch()
    code, _, err = desk.asked(*words, "--image", NEW, "--known-hosts", str(tmp_path / "nobody"))
    assert (code, "ssh-keyscan" in err) == (1, True), err
    (tmp_path / "no-key").touch(0o600)
    code, _, err = desk.asked(*words, "--image", NEW, "--identity", str(tmp_path / "no-key"))
    assert (code, "--identity FILE" in err) == (3, True), err
    code, _, err = desk.asked(*words, "--image", NEW, "--folder", str(tmp_path / "none"))
    assert (code, "--folder names the folder" in err) == (2, True), err
    code, _, err = desk.asked(*words, "--image", NEW, "--ssh-port", "1")
    assert (code, "the host was not reached" in err) == (3, True), err
    (host.project / ".env").write_text("PORT=8080\n")
    code, _, err = desk.asked(*words, "--image", NEW)
    assert (code, "add CREDITRISK_API_IMAGE=REF to it" in err) == (1, True), err


def test_a_real_server_passes_the_smoke_test_through_the_tunnel_and_another_model_does_not(
    host: SshHost, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDITRISK_DEPLOY_SMOKE_SECONDS", "60")
    trained = train(tmp_path / "trained", rounds=3)
    workspace = Workspace(trained.workspace)
    desk = DeployDesk(trained.book, workspace, capsys)
    (version,) = MlflowRegistry(workspace.tracking_uri, cache=tmp_path / "cache").versions("tiny")

    def in_production(number: int, bundle: str) -> None:
        now = ledger.in_utc(SystemClock().now())
        move = Move(
            id=f"{number:032x}", act=Act.PROMOTED, by="ann", note="", effective_at=now, version=number, bundle=bundle,
            before={}, aliases={"production": number}, evidence="ab" * 32,
        )  # fmt: skip
        ledger.record(workspace.book("tiny").ledger, move, clock=SystemClock())

    with running(trained, tmp_path) as server:
        words = ["vm", *host.options, "--port", str(urlsplit(server.url).port)]
        in_production(1, version.bundle_sha256)
        code, told, err = desk.asked(*words, "--image", NEW)
        assert (code, told["outcome"]) == (0, "deployed"), err
        assert "version 1 decided" in err
        in_production(2, BUNDLE)
        code, told, err = desk.asked(*words, "--image", OTHER)
        assert (code, told["outcome"]) == (1, "rolled_back"), err
        assert "version 1 decided" in told["failure"]
    assert desk.ended() == [("deployed", NEW), ("rolled_back", NEW)]
