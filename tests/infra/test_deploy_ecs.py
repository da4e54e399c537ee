"""`creditrisk deploy ecs` against moto whose deployments go somewhere: each ends in one image that the ledger names."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import ecs_service
from tests.support.api_lookalike import Lookalike, lookalike
from tests.support.deploying import BUNDLE, VERSION, DeployDesk, deploy_desk, waited_for
from tests.support.ecs_service import DEFINITION, OLD, REPOSITORY, Aws
from tests.support.fake_ecs import REGION, FakeEcs

type Runs = Callable[[], tuple[str, str, int]]

RIGHT = (str(VERSION), BUNDLE)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeEcs]:
    with ecs_service.cloud() as fake:
        yield fake


@pytest.fixture(scope="module")
def aws(server: FakeEcs) -> Aws:
    return ecs_service.clients(server)


@pytest.fixture
def ecs(server: FakeEcs, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> FakeEcs:
    """A cluster with one stable service of two tasks, and two newer images."""
    for name, value in ecs_service.environment(server).items():
        monkeypatch.setenv(name, value)
    ecs_service.furnish(server, aws)
    return server


@pytest.fixture
def new(ecs: FakeEcs) -> str:
    return ecs.pushed[0]


@pytest.fixture
def api(ecs: FakeEcs) -> Iterator[Lookalike]:
    with lookalike(lambda: ecs.serving("creditrisk-api")) as answering:
        answering.bundles = {OLD: RIGHT, ecs.pushed[0]: RIGHT, ecs.pushed[1]: RIGHT}
        yield answering


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> DeployDesk:
    return deploy_desk(tmp_path, capsys)


@pytest.fixture
def runs(aws: Aws) -> Runs:
    """(definition, state, deployments) of the service."""
    return lambda: ecs_service.runs(aws)


def test_the_new_image_and_nothing_else_is_deployed(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str, runs: Runs, aws: Aws
) -> None:
    code, told, err = desk.asked("ecs", "--image", new, "--url", api.url, "--note", "release 1.1")
    assert code == 0, err
    assert (told["outcome"], told["after"]["definition"]) == ("deployed", "creditrisk-api:2")
    assert runs() == ("creditrisk-api:2", "COMPLETED", 1)
    assert desk.ended() == [("deployed", new)]
    assert "2 of 2 tasks run" in err
    before, after = (
        aws("ecs").describe_task_definition(taskDefinition=f"creditrisk-api:{number}", include=["TAGS"])
        for number in (1, 2)
    )
    assert after["tags"] == DEFINITION["tags"]
    was, now = before["taskDefinition"], after["taskDefinition"]
    for each in (was, now):
        for name in ("taskDefinitionArn", "revision", "registeredAt"):
            each.pop(name, None)
    was["containerDefinitions"][0]["image"] = new
    assert was == now
    assert api.request_ids[0].startswith(f"deploy-{told['id']}")


def test_twice_the_same_changes_nothing_the_second_time(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str
) -> None:
    assert desk.asked("ecs", "--image", new, "--url", api.url)[0] == 0
    ecs.calls.clear()
    code, told, _ = desk.asked("ecs", "--image", new, "--url", api.url)
    assert (code, told["unchanged"]) == (0, True)
    assert {"UpdateService", "RegisterTaskDefinition"}.isdisjoint(ecs.calls)
    assert desk.ended() == [("deployed", new)]


def test_a_dry_run_shows_the_difference_and_changes_nothing(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str
) -> None:
    code, told, _ = desk.asked("ecs", "--image", new, "--url", api.url, "--dry-run")
    where = "creditrisk-api:1: containerDefinitions[api].image"
    assert (code, told["changes"]) == (0, [{"where": where, "was": OLD, "becomes": new}])
    assert {"UpdateService", "RegisterTaskDefinition"}.isdisjoint(ecs.calls)
    assert desk.ended() == []


@pytest.mark.parametrize(
    ("enable", "rollback"),
    [
        (True, True),
        pytest.param(True, False, marks=pytest.mark.by_hand),
        pytest.param(False, False, marks=pytest.mark.by_hand),
    ],
)
def test_an_unhealthy_task_brings_back_what_ran(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str, enable: bool, rollback: bool,
    monkeypatch: pytest.MonkeyPatch, runs: Runs, aws: Aws) -> None:  # fmt: skip
    """By ECS' own circuit breaker, by us once that gave up, and by us when the time is over."""
    breaker = {"deploymentCircuitBreaker": {"enable": enable, "rollback": rollback}}
    client = aws("ecs")
    client.update_service(cluster="creditrisk", service="creditrisk-api", deploymentConfiguration=breaker,
                          taskDefinition="creditrisk-api:1")  # fmt: skip
    while runs() != ("creditrisk-api:1", "COMPLETED", 1):
        pass
    ecs.images[new] = "unhealthy"
    if not enable:
        monkeypatch.setenv("CREDITRISK_DEPLOY_WAIT_MINUTES", "0.02")
    code, told, err = desk.asked("ecs", "--image", new, "--url", api.url)
    assert (code, told["outcome"]) == (1, "rolled_back"), err
    assert ("failed to start" if enable else "not stable after 1.2 s") in told["failure"]
    assert runs() == ("creditrisk-api:1", "COMPLETED", 1)
    assert (
        aws("ecs").describe_task_definition(taskDefinition="creditrisk-api:2")["taskDefinition"]["status"] == "INACTIVE"
    )
    assert desk.ended() == [("rolled_back", OLD)]


@pytest.mark.parametrize("fault", ["status", "version"])
def test_a_failed_smoke_test_brings_back_what_ran(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str, fault: str, runs: Runs
) -> None:
    if fault == "status":
        api.broken[new] = 500
    else:
        api.bundles[new] = ("9", "ef" * 32)
    code, told, err = desk.asked("ecs", "--image", new, "--url", api.url)
    assert (code, told["outcome"]) == (1, "rolled_back"), err
    assert ("status 500" if fault == "status" else "version 9 decided") in told["failure"]
    assert runs() == ("creditrisk-api:1", "COMPLETED", 1)
    assert desk.ended() == [("rolled_back", OLD)]


@pytest.mark.parametrize("effective", [False, True])
@pytest.mark.parametrize("call", [pytest.param("RegisterTaskDefinition", marks=pytest.mark.by_hand), "UpdateService"])
def test_an_api_that_fails_half_way_brings_back_what_ran(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str, call: str, effective: bool, runs: Runs
) -> None:
    """AWS' own client tries five times. Whether the call took effect before it failed, nobody can tell."""
    ecs.fail(call, "AccessDeniedException", effective=effective)
    code, told, err = desk.asked("ecs", "--image", new, "--url", api.url)
    assert (code, told["outcome"]) == (3, "rolled_back"), err
    assert f"ecs:{call}" in err
    assert runs() == ("creditrisk-api:1", "COMPLETED", 1)
    assert desk.ended() == [("rolled_back", OLD)]


def test_throttling_and_short_outages_are_waited_out(ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str) -> None:
    ecs.fail("RegisterTaskDefinition", "ThrottlingException")
    ecs.fail("UpdateService", "ServerException", 500, effective=True)
    ecs.fail("DescribeServices", "ServerException", 500, times=1, skip=4)
    code, told, err = desk.asked("ecs", "--image", new, "--url", api.url)
    assert (code, told["outcome"]) == (0, "deployed"), err
    assert desk.ended() == [("deployed", new)]


def test_an_api_that_refuses_the_rollback_too_leaves_a_note_and_the_next_run_ends_it(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str, runs: Runs
) -> None:
    api.broken[new] = 500
    ecs.fail("UpdateService", "AccessDeniedException", times=1, skip=1)
    code, _, err = desk.asked("ecs", "--image", new, "--url", api.url)
    assert code == 3
    assert "could not be rolled back" in err
    assert "creditrisk-api:1 ran before" in err
    assert runs()[0] == "creditrisk-api:2"
    code, told, err = desk.asked("ecs", "--image", ecs.pushed[1], "--url", api.url)
    assert code == 0, err
    assert "found unfinished: rolled back" in told["left_unfinished"]
    assert desk.ended() == [("rolled_back", OLD), ("deployed", ecs.pushed[1])]


def test_after_kill_9_the_next_run_finishes(ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str) -> None:
    ecs.images[new] = "stuck"
    process = desk.started("ecs", "--image", new, "--url", api.url)
    waited_for(lambda: "UpdateService" in ecs.calls, process)
    process.kill()
    process.communicate()
    ecs.images[new] = "healthy"
    code, told, err = desk.asked("ecs", "--image", new, "--url", api.url)
    assert code == 0, err
    assert "found unfinished: deployed" in told["left_unfinished"]
    assert desk.ended() == [("deployed", new)]


def test_sigterm_rolls_back_and_a_second_deployment_meanwhile_is_refused(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str, runs: Runs
) -> None:
    ecs.images[new] = "stuck"
    process = desk.started("ecs", "--image", new, "--url", api.url)
    waited_for(lambda: "UpdateService" in ecs.calls, process)
    code, _, err = desk.asked("ecs", "--image", ecs.pushed[1], "--url", api.url)
    assert (code, "another deployment of this book is under way" in err) == (1, True)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "stopped by SIGTERM; rolled back" in err
    assert "rolled back" in out
    assert runs() == ("creditrisk-api:1", "COMPLETED", 1)
    assert desk.ended() == [("rolled_back", OLD)]


def test_a_deployment_from_another_machine_is_seen(
    ecs: FakeEcs,
    api: Lookalike,
    desk: DeployDesk,
    new: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    aws: Aws,
) -> None:
    ecs.images[new] = "stuck"
    client = aws("ecs")
    other = json.loads(json.dumps(DEFINITION).replace(OLD, new))
    client.register_task_definition(**other)
    client.update_service(cluster="creditrisk", service="creditrisk-api", taskDefinition="creditrisk-api:2")
    code, _, err = desk.asked("ecs", "--image", ecs.pushed[1], "--url", api.url)
    assert (code, "creditrisk-api:2 is under way" in err) == (1, True)
    assert desk.ended() == []


def test_what_another_machine_deployed_meanwhile_is_left_there(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str, aws: Aws
) -> None:
    ecs.images[new] = "stuck"

    theirs = aws("ecs").register_task_definition(**{**DEFINITION, "family": "theirs"})["taskDefinition"]
    ecs.on["UpdateService"] = lambda: ecs.begin("creditrisk-api", theirs, 2)
    code, told, err = desk.asked("ecs", "--image", new, "--url", api.url)
    assert (code, told["outcome"]) == (1, "superseded"), err
    assert told["after"]["definition"] == "theirs:1"
    assert desk.ended() == [("superseded", OLD)]


def test_an_image_that_is_not_there_changes_nothing(ecs: FakeEcs, api: Lookalike, desk: DeployDesk, runs: Runs) -> None:
    code, told, err = desk.asked("ecs", "--image", f"{REPOSITORY}@sha256:{'0' * 64}", "--url", api.url)
    assert (code, told["outcome"]) == (1, "rolled_back")
    assert "push the image first" in err
    assert {"UpdateService", "RegisterTaskDefinition"}.isdisjoint(ecs.calls)
    assert runs() == ("creditrisk-api:1", "COMPLETED", 1)


def test_a_key_is_sent_and_one_that_is_not_taken_is_told(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    api.key = "crk_right"
    (tmp_path / "key").write_text("crk_right\n")
    code, told, err = desk.asked("ecs", "--image", new, "--url", api.url)
    assert (code, told["outcome"]) == (1, "rolled_back")
    assert "the key is not taken" in told["failure"]
    assert "CREDITRISK_DEPLOY_API_KEY" in err
    monkeypatch.setenv("CREDITRISK_DEPLOY_API_KEY_FILE", str(tmp_path / "key"))
    code, told, err = desk.asked("ecs", "--image", new, "--url", api.url)
    assert code == 0, err
    assert "crk_right" not in err + json.dumps(told) + desk.workspace.audit.read_text()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--service", "none"], 2, "there is no service none"),
        (["--cluster", "none"], 2, "no such cluster"),
        (["--container", "ap"], 2, 'did you mean "api"'),
        (["--family", "other"], 1, "give --family creditrisk-api"),
        (["--image", f"{REPOSITORY.replace(REGION, 'us-east-1')}@sha256:{'1' * 64}"], 1, "the image is in us-east-1"),
        (["--image", f"{REPOSITORY}:1.1"], 1, "no digest"),
    ],
)
def test_what_cannot_be_deployed_is_told_with_the_next_thing_to_do(
    ecs: FakeEcs, api: Lookalike, desk: DeployDesk, new: str, words: list[str], code: int, told: str
) -> None:
    options = ["--image", new, *words] if words[0] != "--image" else words
    found, _, err = desk.asked("ecs", *options, "--url", api.url)
    assert found == code, err
    assert told in err
    assert "hint:" in err
    assert {"UpdateService", "RegisterTaskDefinition"}.isdisjoint(ecs.calls)
