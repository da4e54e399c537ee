"""The stack of deploy/compose: its file, its settings and secrets, and (by hand) the stack itself, started and asked.

The official images of Postgres and Prometheus are stood in for by Debian's packages under the same names; Grafana's
cannot be had here, so what provisions it is compared with what is mounted, and never loaded by Grafana itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from creditrisk.adapters.compose_host import PLACE, UP, VARIABLE
from creditrisk.serving.keys import read_keys
from tests.support.airflow_server import Airflow
from tests.support.components import require
from tests.support.compose_stack import Stack, cloned_stack
from tests.support.engine import Engine

OURS = ("api", "mlflow", "batch", "airflow")


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "deploy" / "compose"


@pytest.fixture(scope="module")
def stack(folder: Path, tool: Callable[[str], str]) -> dict[str, Any]:
    """The file as compose itself reads it, with all profiles and no settings."""
    command = [
        tool("docker-compose"),
        "--file",
        str(folder / "compose.yaml"),
        "--profile",
        "*",
        "config",
        "--format",
        "json",
    ]
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_PORT")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=clean)
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


@pytest.fixture
def made(folder: Path, tmp_path: Path) -> Path:
    secrets = tmp_path / "secrets"
    subprocess.run([sys.executable, str(folder / "make_secrets.py"), str(secrets)], check=True, capture_output=True)
    return secrets


def test_the_file_is_what_the_specification_of_compose_allows(folder: Path, tool: Callable[[str], str]) -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(folder / "compose.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_example_of_settings_has_what_the_file_uses_and_its_defaults(folder: Path, repository: Path) -> None:
    text = (folder / "compose.yaml").read_text(encoding="utf-8")
    within = r"[^${}]*(?:\$\{\w+:-[^}]*\})?"  # a default may be another setting
    used = dict(re.findall(rf"\$\{{(\w+):-({within})\}}", text) + re.findall(r"\$\{(\w+):-([^${}]*)\}", text))
    example = (repository / ".env.example").read_text(encoding="utf-8")
    assert dict(re.findall(r"^#(\w+)=(.*)$", example, re.MULTILINE)) == used
    explained = re.split(r"\n(?:\n|(?=# ))", example)
    assert [block for block in explained if not re.search(r"^# ", block)] == []


def test_each_service_of_ours_may_write_nowhere_and_do_nothing_special(stack: dict[str, Any]) -> None:
    services = {name: of for name, of in stack["services"].items() if str(of["image"]).startswith("creditrisk-")}
    assert len(services) >= 7
    for name, of in services.items():
        assert (of["read_only"], of["cap_drop"], of["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"]), (
            name
        )


def test_every_port_is_of_this_host_alone(stack: dict[str, Any]) -> None:
    ports = [port for of in stack["services"].values() for port in of.get("ports", [])]
    assert len(ports) == 5
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_no_secret_stands_in_an_environment(stack: dict[str, Any]) -> None:
    named = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY|_URL|CONN")
    told = {
        f"{service}: {name}"
        for service, of in stack["services"].items()
        for name, value in (of.get("environment") or {}).items()
        if named.search(name) and "/run/secrets/" not in str(value)
    }
    # where Airflow answers, and a file that is made at its start from a secret
    assert told == {
        f"{name}: AIRFLOW__CORE__{what}"
        for name in stack["services"] if name.startswith("airflow")
        for what in ("EXECUTION_API_SERVER_URL", "SIMPLE_AUTH_MANAGER_PASSWORDS_FILE")
    }  # fmt: skip


def test_every_service_waits_for_what_it_needs_to_be_healthy(stack: dict[str, Any]) -> None:
    waits = {
        (name, needed): condition["condition"]
        for name, of in stack["services"].items()
        for needed, condition in (of.get("depends_on") or {}).items()
    }
    assert waits[("api", "postgres")] == waits[("api", "mlflow")] == waits[("mlflow", "postgres")] == "service_healthy"
    for _, needed in waits:
        of = stack["services"][needed]
        assert str(of["image"]).startswith("creditrisk-") or of["healthcheck"]["test"], needed


def test_every_secret_is_made_at_random_and_for_its_owner_alone(made: Path, stack: dict[str, Any]) -> None:
    assert {Path(secret["file"]).name for secret in stack["secrets"].values()} <= {file.name for file in made.iterdir()}
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    texts = [file.read_text(encoding="ascii") for file in made.iterdir()]
    assert len(set(texts)) == len(texts)
    assert min(map(len, texts)) >= 40
    assert {len(base64.b64decode((made / name).read_text())) for name in ("signing_key", "payload_key")} == {32}


def test_a_secret_that_is_there_is_left_alone_and_none_is_shown(made: Path, folder: Path) -> None:
    before = {file.name: file.read_text(encoding="ascii") for file in made.iterdir()}
    (made / "payload_key").unlink()
    command = [sys.executable, str(folder / "make_secrets.py"), str(made)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert told == f"made {made / 'payload_key'}\n"
    after = {file.name: file.read_text(encoding="ascii") for file in made.iterdir()}
    assert {name for name, text in after.items() if before[name] != text} == {"payload_key"}


def test_the_server_takes_the_keys_that_are_made(made: Path) -> None:
    known = {each.sha256: each.caller for each in read_keys((made / "api_keys").read_text("ascii"), where="api_keys")}
    key = (made / "prometheus_key").read_text(encoding="ascii")
    assert known[hashlib.sha256(key.encode()).hexdigest()].roles == {"read"}
    assert {caller.name for caller in known.values()} == {"prometheus", "admin"}


def test_git_takes_neither_secrets_nor_settings(repository: Path) -> None:
    names = ["deploy/compose/secrets/postgres_password", ".env"]
    done = subprocess.run(["git", "check-ignore", *names], cwd=repository, capture_output=True, text=True, check=False)
    assert done.stdout.split() == names


def test_prometheus_is_told_to_scrape_the_api_with_its_key(folder: Path, stack: dict[str, Any]) -> None:
    configured = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    mounted = {volume["target"] for volume in stack["services"]["prometheus"]["volumes"]}
    assert set(configured["rule_files"]) <= mounted
    scraped = configured["scrape_configs"][0]
    assert scraped["static_configs"][0]["targets"] == ["api:8080"]
    assert Path(scraped["authorization"]["credentials_file"]).name in stack["secrets"]
    command = [require("promtool"), "check", "config", "--syntax-only", str(folder / "prometheus.yml")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_grafana_finds_its_source_and_the_dashboards(folder: Path, repository: Path, stack: dict[str, Any]) -> None:
    mounted = {volume["target"]: Path(volume["source"]) for volume in stack["services"]["grafana"]["volumes"]}
    provider = yaml.safe_load((folder / "grafana/dashboards/creditrisk.yaml").read_text(encoding="utf-8"))["providers"][
        0
    ]
    assert mounted[provider["options"]["path"]] == repository / "deploy" / "grafana"
    assert mounted["/etc/grafana/provisioning/datasources"] == folder / "grafana" / "datasources"
    assert mounted["/etc/grafana/provisioning/dashboards"] == folder / "grafana" / "dashboards"
    source = yaml.safe_load((folder / "grafana/datasources/prometheus.yaml").read_text(encoding="utf-8"))[
        "datasources"
    ][0]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    for file in (repository / "deploy" / "grafana").glob("*.json"):
        wanted = json.loads(file.read_text(encoding="utf-8"))["templating"]["list"]
        assert {each["query"] for each in wanted if each["type"] == "datasource"} == {"prometheus"}, file.name


@pytest.fixture
def scripted(folder: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """troubleshoot.sh where `docker`, `compose` and `df` answer what a test says: name=what bash does."""
    here = tmp_path / "deploy" / "compose"
    here.mkdir(parents=True)
    for name in ("compose.yaml", "troubleshoot.sh"):
        shutil.copy2(folder / name, here / name)
    command = [sys.executable, str(folder / "make_secrets.py"), str(here / "secrets")]
    subprocess.run(command, check=True, capture_output=True)
    programs = tmp_path / "programs"
    programs.mkdir()
    well = {"docker": "echo 1", "compose": "true", "df": "echo 99999999"}

    def troubleshoot(**does: str) -> subprocess.CompletedProcess[str]:
        for name, what in {**well, **does}.items():
            (programs / name).write_text(f"#!/bin/bash\n{what}\n", encoding="utf-8")
            (programs / name).chmod(0o755)
        environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "COMPOSE": "compose"}
        script = [str(here / "troubleshoot.sh")]
        done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode == 0) == ("WRONG" not in done.stdout), done.stdout
        assert done.stderr == ""
        return done

    return troubleshoot


ALL_IS_WELL = "[[ $3 != ps ]] || echo 'postgres|p|running|healthy|0'"


def test_troubleshoot_finds_nothing_where_all_is_well(scripted: Callable[..., Any]) -> None:
    assert scripted(compose=ALL_IS_WELL).stdout.splitlines()[-1] == "ok       postgres: running (healthy)"


PS = "[[ $3 != ps ]] || echo"
IMAGES = "[[ $4 != --images ]] || echo"
BROKEN: list[tuple[dict[str, str], str, str]] = [
    ({"docker": "echo 'Cannot connect' >&2; exit 1"}, "the engine does not answer: Cannot connect", "DOCKER_HOST"),
    ({"compose": "exit 1"}, "there is no compose", "compose plugin"),
    (
        {"compose": "[[ $3 != config ]] || { echo 'invalid port'; exit 1; }"},
        "compose cannot read its file or .env",
        "invalid port",
    ),
    ({"df": "echo 1999999"}, "less than 2 GB are free", "docker system df"),
    (
        {"compose": f"{IMAGES} creditrisk-api:latest", "docker": "[[ $1 != image ]]"},
        "no image creditrisk-api:latest",
        "make images IMAGES=api",
    ),
    ({"compose": f"{IMAGES} postgres:17", "docker": "[[ $1 != image ]]"}, "no image postgres:17", "docker pull"),
    ({}, "nothing of it was started", "make up"),
    (
        {"compose": f"{PS} 'api|a|running|starting|0'", "docker": "echo '7|true|'"},
        "api: running (starting)",
        "it took more memory than there is",
    ),
    (
        {"compose": f"{PS} 'api|a|running|starting|0'", "docker": "echo '7|false|'"},
        "api: running (starting)",
        "it ends as soon as it is started, 7 times now",
    ),
    (
        {
            "compose": f"{PS} 'mlflow|a|running|unhealthy|0'",
            "docker": "[[ $1 == logs ]] && echo 'No space left on device' || echo '0|false|'",
        },
        "mlflow: running (unhealthy)",
        "a disk is full",
    ),
]
"""What the programs do, what is told to be wrong, and a word of the hint."""


@pytest.mark.parametrize(("does", "wrong", "hint"), BROKEN)
def test_troubleshoot_names_what_is_wrong_and_what_to_do(
    scripted: Callable[..., Any], does: dict[str, str], wrong: str, hint: str
) -> None:
    said = scripted(**does).stdout
    assert f"WRONG    {wrong}" in said
    assert hint in said


def test_troubleshoot_names_a_secret_that_is_missing_and_one_that_is_empty(
    scripted: Callable[..., Any], tmp_path: Path
) -> None:
    secrets = tmp_path / "deploy" / "compose" / "secrets"
    (secrets / "api_keys").unlink()
    (secrets / "decisions_url").write_text("")
    said = scripted(compose=ALL_IS_WELL).stdout
    assert "WRONG    missing in deploy/compose/secrets: api_keys\n" in said
    assert "WRONG    the secret decisions_url is empty\n" in said


def test_troubleshoot_names_a_port_that_another_program_has(scripted: Callable[..., Any]) -> None:
    with listening() as port:
        said = scripted(compose=f"[[ $* != *config ]] || echo '        published: \"{port}\"'").stdout
    assert f"WRONG    port {port} is taken by another program\n           choose another one in .env" in said


def test_a_key_that_is_made_anew_beside_others_is_warned_of(made: Path, folder: Path) -> None:
    command = [sys.executable, str(folder / "make_secrets.py"), str(made)]
    (made / "payload_key").unlink()
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    assert told.startswith("warning: payload_key was missing beside others and is new now: ")
    assert subprocess.run(command, check=True, capture_output=True, text=True).stderr == ""


def test_our_images_may_be_named_whole_as_deploy_vm_names_the_api_s(folder: Path, tool: Callable[[str], str]) -> None:
    named = {f"CREDITRISK_{name.upper()}_IMAGE": f"registry.example/{name}@sha256:{'a' * 64}" for name in OURS}
    assert VARIABLE in named
    command = [tool("docker-compose"), "--file", str(folder / "compose.yaml"), "--profile", "*", "config", "--images"]
    done = subprocess.run(command, env={**os.environ, **named}, capture_output=True, text=True, check=True)
    assert set(named.values()) <= set(done.stdout.split())
    assert "creditrisk-" not in done.stdout


@pytest.fixture(scope="module")
def running(
    engine: Engine, repository: Path, tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Without the API: images of this commit, and `make up`."""
    with cloned_stack(engine, repository, tmp_path_factory.mktemp("stack"), tool("docker-compose")) as made:
        told = made.make("images", within_s=1500)
        assert len(re.findall(r"^creditrisk-\w+:latest  ", told, re.MULTILINE)) == len(OURS)
        made.make("up")
        yield made


@pytest.fixture(scope="module")
def serving(running: Stack) -> Stack:
    """Both books learnt in the stack, by the batch image, and the API, which has to fetch its bundle from MLflow."""
    running.make("batch", "RUN=demo --rows 2000", within_s=900)
    forget = "rm -r /workspace/*/models"
    running.compose("run", "--rm", "--no-deps", "--entrypoint", "sh", "batch", "-c", forget)
    running.make("up-serve")
    return running


@pytest.mark.by_hand
def test_the_core_and_those_who_watch_become_healthy(running: Stack) -> None:
    assert running.wrong() == []
    told = running.made("troubleshoot").stdout
    for service in ("postgres", "mlflow", "airflow", "airflow-scheduler", "airflow-dags", "airflow-triggers",
                    "prometheus", "grafana"):  # fmt: skip
        assert f"ok       {service}: running (healthy)\n" in told
    assert "ok       airflow-database: did its work\n" in told
    read = running.ask("GRAFANA_PORT", "/read")  # by what stands in for Grafana, from where Grafana reads
    assert (read["sources"], len(read["dashboards"])) == (["prometheus"], 5)
    until(lambda: "10 DAGs, no import error" in running.make("ask"), within_s=240)  # they are read one after the other


@pytest.mark.by_hand
def test_a_model_goes_through_the_stack_from_training_to_a_decision_in_postgres(serving: Stack) -> None:
    key = {"X-API-Key": serving.secret("api_admin_key")}
    described = serving.ask("API_PORT", "/openapi.json", **key)
    example = described["components"]["examples"]["applications"]["value"]
    decided = serving.ask("API_PORT", "/predict", example, **key)
    kept = serving.rows("select decision_id from decision_records where pd is not null")
    assert {each["decision_id"] for each in decided["decisions"]} <= set(kept)
    told = serving.make("ask")
    assert "mlflow: registered models: home_credit, lending_club\n" in told
    asked = re.search(r"api: home_credit 1: \w+, PD 0\.\d+, kept in Postgres as (\S+)\n", told)
    assert asked is not None, told
    assert set(serving.rows("select decision_id from decision_records where pd is not null")) == {*kept, asked[1]}
    assert "prometheus: 1 of 1 targets up" in told


@pytest.mark.by_hand
def test_airflow_of_the_stack_decides_a_day_s_applications_into_postgres(serving: Stack) -> None:
    day = (datetime.now(UTC) - timedelta(days=1)).date()
    folder = f"/workspace/incoming/lending_club/{day}"
    few = f"mkdir -p {folder} && head -n 21 /workspace/demo/lending_club/accepted.csv > {folder}/accepted.csv"
    serving.compose("exec", "-T", "airflow-scheduler", "sh", "-c", few)
    login = {"username": "keeper", "password": json.loads(serving.secret("airflow_passwords"))["keeper"]}
    airflow = Airflow(serving.url("AIRFLOW_PORT"), serving.ask("AIRFLOW_PORT", "/auth/token", login)["access_token"])
    airflow.unpause("batch_prediction__lending_club")
    airflow.start("batch_prediction__lending_club", "by_hand")
    assert airflow.ended("batch_prediction__lending_club", "by_hand", limit_s=480) == "success"
    assert airflow.states("batch_prediction__lending_club", "by_hand")["score"] == "success"
    counted = "select count(*) from decision_records where book = 'lending_club' and pd is not null"
    assert serving.rows(counted) == ["20"]


@pytest.mark.by_hand
def test_make_logs_follows_what_all_of_them_say(running: Stack) -> None:
    environment = {**os.environ, **running.settings, "PATH": f"{running.programs}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen(
        ["make", "logs"], cwd=running.folder, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as following:
        awaited = {"postgres-1", "mlflow-1", "airflow-1", "airflow-scheduler-1", "prometheus-1"}
        assert following.stdout is not None
        while awaited:
            awaited.discard(following.stdout.readline().partition(" ")[0])
        assert following.poll() is None
        os.killpg(following.pid, signal.SIGTERM)


@pytest.mark.by_hand
def test_make_troubleshoot_names_what_is_broken_and_what_heals_it_does(serving: Stack) -> None:
    serving.compose("stop", "prometheus")
    assert serving.wrong() == ["prometheus: exited, exit code 0"]
    serving.compose("start", "prometheus")

    with listening() as port:
        refused = serving.made("up", GRAFANA_PORT=str(port))
        assert refused.returncode
        assert "make troubleshoot tells what is wrong" in refused.stderr
        told = serving.made("troubleshoot", GRAFANA_PORT=str(port)).stdout
    assert "WRONG    grafana: created" in told
    assert "its port is taken; then choose another in .env" in told
    assert "address already in use" in told

    (serving.folder / "deploy/compose/secrets/mlflow_database_password").unlink()
    assert serving.wrong()[0].endswith("missing in deploy/compose/secrets: mlflow_database_password")
    assert "warning: mlflow_database_password was missing beside others and is new now" in serving.make("secrets")
    serving.compose("restart", "--timeout", "2", "mlflow")
    until(lambda: "password authentication failed" in serving.compose("logs", "--tail", "20", "mlflow"))
    told = serving.made("troubleshoot").stdout
    assert "lay the former deploy/compose/secrets/mlflow_database_password back" in told
    new = serving.secret("mlflow_database_password")
    psql = ("exec", "-T", "postgres", "psql", "--username", "postgres")
    serving.compose(*psql, given=f"alter role mlflow password '{new}'")

    serving.compose("kill", "postgres")
    found = serving.wrong()
    assert found[0] == "postgres: exited, exit code 137"
    assert "make up starts it again" in serving.made("troubleshoot").stdout
    serving.make("up-serve")
    assert serving.wrong() == []
    assert "kept in Postgres" in serving.make("ask")


@pytest.mark.by_hand
def test_what_deploy_vm_does_on_the_host_places_the_api_alone(serving: Stack) -> None:
    """The steps of creditrisk.adapters.compose_host, by the shell, in the folder of the stack."""
    folder = serving.folder / "deploy" / "compose"
    (folder / ".env").write_text("CREDITRISK_API_IMAGE=creditrisk-api:latest\n", encoding="utf-8")
    others = serving.compose("ps", "--quiet", "airflow", "mlflow", "postgres")
    serving.engine.docker("tag", "creditrisk-api:latest", "registry.example/creditrisk-api:next")
    environment = {**os.environ, **serving.settings, "PATH": f"{serving.programs}{os.pathsep}{os.environ['PATH']}"}
    try:
        for step, arguments in (
            (PLACE, [VARIABLE, "creditrisk-api:latest", "registry.example/creditrisk-api:next"]),
            (UP, ["api", "120"]),
        ):
            done = subprocess.run(
                ["sh", "-c", step, "sh", str(folder), *arguments],
                env=environment, capture_output=True, text=True, timeout=200, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "registry.example/creditrisk-api:next"
        assert serving.compose("ps", "--quiet", "airflow", "mlflow", "postgres") == others
    finally:
        (folder / ".env").unlink()


@contextmanager
def listening() -> Iterator[int]:
    """A port that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def until(holds: Callable[[], bool], within_s: float = 60) -> None:
    last = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < last
        time.sleep(2)
