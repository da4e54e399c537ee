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
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from creditrisk.serving.keys import read_keys
from tests.support.components import require
from tests.support.engine import Engine
from tests.support.server_process import free_port

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
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (folder / "compose.yaml").read_text(encoding="utf-8")))
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


class Stack:
    """The stack on the test's own engine, with ports and secrets of its own."""

    def __init__(self, engine: Engine, repository: Path, compose: str) -> None:
        self.engine, self.repository, self.compose = engine, repository, compose
        names = ("API_PORT", "MLFLOW_PORT", "AIRFLOW_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT")
        self.ports = {name: str(free_port()) for name in names}
        self.environment = {**engine.environment, **self.ports, "PROMETHEUS_RETENTION": "1d"}

    def __call__(self, *arguments: str, within_s: float = 300) -> str:
        file = self.repository / "deploy" / "compose" / "compose.yaml"
        command = [self.compose, "--file", str(file), "--profile", "*", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=within_s, check=False
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-3000:]}{done.stderr[-5000:]}"
        return done.stdout

    def secret(self, name: str) -> str:
        return (self.repository / "deploy" / "compose" / "secrets" / name).read_text(encoding="ascii").strip()

    def troubleshoot(self) -> subprocess.CompletedProcess[str]:
        script = self.repository / "deploy" / "compose" / "troubleshoot.sh"
        file = self.repository / "deploy" / "compose" / "compose.yaml"
        environment = {**self.environment, "COMPOSE": f"{self.compose} --file {file}"}
        return subprocess.run([str(script)], env=environment, capture_output=True, text=True, timeout=120, check=False)

    def ask(self, port: str, path: str, body: object = None, **headers: str) -> Any:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[port]}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def running(engine: Engine, repository: Path, tool: Callable[[str], str]) -> Iterator[Stack]:
    made = Stack(engine, repository, tool("docker-compose"))
    secrets = repository / "deploy" / "compose" / "secrets"
    subprocess.run([sys.executable, str(secrets.parent / "make_secrets.py"), str(secrets)], check=True)
    for image in ("api", "mlflow"):
        engine.build(repository, image)
    standins = Path(__file__).parent / "standins"
    for name, tag in (("postgres", "postgres:17"), ("prometheus", "prom/prometheus:v3.5.0")):
        file = standins / f"Dockerfile.{name}"
        engine.docker("build", "--file", file, "--tag", tag, standins, within_s=600)
    yield made
    made("down", "--volumes", "--timeout", "10")


@pytest.mark.by_hand
def test_a_model_goes_through_the_stack_from_training_to_a_decision_in_postgres(running: Stack, tmp_path: Path) -> None:
    running("up", "--detach", "--wait", "--no-build", "postgres", "mlflow")
    workspace = tmp_path / "workspace"
    train(running, workspace)
    give(running, workspace)
    running("up", "--detach", "--wait", "--no-build", "api", "prometheus")
    key = {"X-API-Key": running.secret("api_admin_key")}
    described = running.ask("API_PORT", "/openapi.json", **key)
    example = described["components"]["examples"]["applications"]["value"]
    decided = running.ask("API_PORT", "/predict", example, **key)
    kept = running("exec", "-T", "postgres", "psql", "--username", "postgres", "--tuples-only", "--command",
                   "select decision_id from decision_records", "decisions")  # fmt: skip
    assert decided["decisions"][0]["decision_id"] in kept
    assert running.troubleshoot().returncode == 1  # Airflow's and Grafana's images are not here
    scraped = running.ask("PROMETHEUS_PORT", "/api/v1/targets")
    assert [target["labels"]["job"] for target in scraped["data"]["activeTargets"]] == ["creditrisk-api"]
    running("kill", "postgres")
    told = running.troubleshoot().stdout
    assert "WRONG    postgres: exited" in told
    assert "docs/troubleshooting.md" in told


def train(running: Stack, workspace: Path) -> None:
    """Both books, from this machine, with the stack's MLflow as tracker and registry."""
    address = {
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{running.ports['MLFLOW_PORT']}",
        "MLFLOW_TRACKING_USERNAME": "keeper",
        "MLFLOW_TRACKING_PASSWORD": running.secret("mlflow_admin_password"),
    }
    command = [str(Path(sys.executable).parent / "creditrisk"), "demo", "--rows", "2000", "--workspace", str(workspace)]
    done = subprocess.run(
        command, env={**os.environ, **address}, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def give(running: Stack, workspace: Path) -> None:
    """The workspace, without its bundles: the API has to fetch its own from MLflow."""
    copy = "cp -a /from/. /workspace/ && rm -rf /workspace/*/models && chown -R 10001:10001 /workspace"
    volumes = ["--volume", f"{workspace}:/from:ro", "--volume", "creditrisk_workspace:/workspace"]
    running.engine.docker(
        "run", "--rm", "--user", "0", *volumes, "--entrypoint", "sh", "creditrisk-api:latest", "-c", copy
    )
