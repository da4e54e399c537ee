"""The images of deploy/containers, built from the unchanged Dockerfiles by a Docker engine of the test's own, on a base
that stands in for the official one (Debian's Python 3.13 under its name), and run as docs/containers.md says.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from creditrisk.serving import new_key
from tests.support.engine import BASE, Engine, inspected
from tests.support.server_process import free_port

BOOKS = ("home_credit", "lending_club")
MOST_MB = 420
"""Of the API's image, unpacked, on top of its base."""
DAGS = {"batch_prediction", "monitoring", "promote_model", "train_pipeline", "tune_hyperparams"}
IMPORTS_ALL = """
import importlib, json, pkgutil, creditrisk
lacking = {}
for module in pkgutil.walk_packages(creditrisk.__path__, "creditrisk."):
    try:
        # the one is a program; the other is run by Alembic alone
        module.name.endswith(("__main__", "_migrations.env")) or importlib.import_module(module.name)
    except ImportError as error:
        lacking[module.name] = str(error)
print(json.dumps(lacking))
"""
LOADS_DAGS = """
import json, sys
sys.path.insert(0, "/opt/dags")
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("/opt/dags")
print(json.dumps({"errors": bag.import_errors, "dags": sorted(bag.dags)}))
"""
PACKAGES = "/opt/creditrisk/lib/python3.13/site-packages"


@pytest.fixture(scope="module")
def api(engine: Engine, repository: Path) -> str:
    return engine.build(repository, "api", "--build-arg", "REVISION=abc123")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version of each shipped book in production, learnt from a few invented applications."""
    folder = tmp_path_factory.mktemp("demo") / "workspace"
    command = [Path(sys.executable).parent / "creditrisk", "demo", "--rows", "2000", "--workspace", folder]
    subprocess.run([*map(str, command)], check=True, capture_output=True, timeout=900)
    subprocess.run(["chown", "-R", "10001:10001", str(folder)], check=True)
    return folder


@pytest.fixture(params=BOOKS)
def served(
    request: pytest.FixtureRequest, engine: Engine, api: str, workspace: Path, tmp_path: Path
) -> Iterator[Callable[..., Any]]:
    """ask(path, body) of a hardened container that serves the book."""
    key, line = new_key("tester", ["admin"])
    keys = tmp_path / "keys"
    keys.write_text(line + "\n", encoding="utf-8")
    keys.chmod(0o644)
    port = free_port()
    container = engine.run(
        api, "serve", request.param, "--workspace", "/workspace", "--host", "0.0.0.0", "--port", "8080",
        options=["--volume", f"{workspace}:/workspace", "--volume", f"{keys}:/run/secrets/api_keys:ro",
                 "--env", "CREDITRISK_API_KEYS_FILE=/run/secrets/api_keys", "--publish", f"127.0.0.1:{port}:8080"],
    )  # fmt: skip
    engine.wait_until_healthy(container)

    def ask(path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-API-Key": key, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    yield ask
    engine.docker("stop", container)
    assert engine.docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0"
    engine.docker("rm", container)


def example(ask: Callable[..., Any], path: str) -> Any:
    """The first example that the server's own description gives for the route."""
    described = ask("/openapi.json")
    node = next(
        iter(described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"].values())
    )
    for part in node.get("$ref", "").lstrip("#/").split("/") if "$ref" in node else []:
        described = described[part]
        node = described
    return node["value"]


def test_the_api_decides_explains_and_replays_with_a_read_only_file_system(served: Callable[..., Any]) -> None:
    decided = served("/predict", example(served, "/predict"))["decisions"][0]
    assert 0.0 < decided["pd"] < 1.0
    assert decided["decision"] in {"approve", "refer", "decline"}
    replayed = served(f"/decisions/{decided['decision_id']}/replay", {})
    assert (replayed["same"], replayed["differences"]) == (True, [])
    explained = served("/explain", example(served, "/explain"))["decisions"][0]
    assert explained["pd"] == decided["pd"]
    assert served("/invocations", example(served, "/invocations"))["predictions"]


def test_the_api_s_image_is_small(engine: Engine, api: str, told: Callable[[str], None]) -> None:
    size_mb = engine.size_mb(api) - engine.size_mb(BASE)
    told(f"creditrisk-api: {size_mb:.0f} MB on top of its base of {engine.size_mb(BASE):.0f} MB")
    assert 0 < size_mb <= MOST_MB


def test_the_api_s_image_has_nothing_to_train_to_compile_or_to_install_with(engine: Engine, api: str) -> None:
    installed = set(engine.inside(api, "ls", PACKAGES).split())
    assert {"creditrisk", "xgboost", "lightgbm", "duckdb"} <= installed
    assert installed & {"sklearn", "pandas", "optbinning", "mlflow", "optuna", "polars", "imblearn", "pip"} == set()
    rooms = [f"{PACKAGES}/creditrisk/{room}" for room in ("modelling", "pipelines")]
    assert (
        engine.inside(api, "find", *rooms, "-name", "*train*", "-o", "-name", "tun*", "-o", "-name", "balance*") == ""
    )
    compilers = engine.inside(api, "sh", "-c", "command -v gcc cc clang g++ make ld as || true")
    assert compilers == ""


def test_the_api_s_image_has_the_libraries_of_every_model_and_store(engine: Engine, api: str) -> None:
    libraries = "import alembic.command, lightgbm, numpy, psycopg, jwt, xgboost; print(psycopg.pq.__impl__)"
    assert engine.inside(api, "python", "-c", libraries) == "binary"


def test_a_command_that_the_image_leaves_out_says_so(engine: Engine, api: str) -> None:
    with pytest.raises(AssertionError, match=r"this installation leaves out creditrisk\.pipelines\.stages"):
        engine.docker("run", "--rm", "--tmpfs", "/workspace:uid=10001", api, "train", "home_credit")


def test_the_image_says_who_it_runs_as_and_what_it_is_made_of(engine: Engine, api: str) -> None:
    told: Any = inspected(engine, api)
    assert told["User"] == "10001:10001"
    assert engine.inside(api, "id", "-u") == "10001"
    assert told["Healthcheck"]["Test"][0] == "CMD"
    assert told["Labels"]["org.opencontainers.image.revision"] == "abc123"


@pytest.mark.by_hand
def test_two_builds_give_the_same_files(engine: Engine, api: str, repository: Path) -> None:
    first = engine.files_of(api, "/opt/creditrisk")
    engine.build(repository, "api", "--no-cache")
    second = engine.files_of("creditrisk-api:latest", "/opt/creditrisk")
    assert set(first.splitlines()) ^ set(second.splitlines()) == set()


@pytest.fixture(scope="module")
def batch(engine: Engine, repository: Path) -> str:
    return engine.build(repository, "batch")


@pytest.mark.by_hand
def test_the_batch_image_has_every_module_and_what_it_imports(
    engine: Engine, batch: str, told: Callable[[str], None]
) -> None:
    told(f"creditrisk-batch: {engine.size_mb(batch) - engine.size_mb(BASE):.0f} MB on its base")
    assert json.loads(engine.inside(batch, "python", "-c", IMPORTS_ALL)) == {}
    assert engine.inside(batch, "sh", "-c", "command -v gcc cc clang g++ make ld as pip || true") == ""
    sources = "import adlfs, apprise, boto3, gcsfs, kagglesdk, psycopg, s3fs; print(psycopg.pq.__impl__)"
    assert engine.inside(batch, "python", "-c", sources) == "binary"


@pytest.mark.by_hand
def test_the_batch_image_scores_with_a_read_only_file_system(engine: Engine, batch: str, workspace: Path) -> None:
    raw = next((workspace / "demo").rglob("*application_test*")).parent
    inside = Path("/workspace") / raw.relative_to(workspace)
    container = engine.run(
        batch, "score", "home_credit", "--input", str(inside), "--output", "/workspace/scored.json",
        options=["--volume", f"{workspace}:/workspace"],
    )  # fmt: skip
    assert engine.docker("wait", container, within_s=600) == "0", engine.docker("logs", container)
    engine.docker("rm", container)
    with (raw / "application_test.csv").open(encoding="utf-8") as file:
        applications = [int(row["SK_ID_CURR"]) for row in csv.DictReader(file)]
    scored = [json.loads(line) for line in (workspace / "scored.json").read_text(encoding="utf-8").splitlines()]
    assert sorted(row["SK_ID_CURR"] for row in scored) == sorted(applications)
    assert all(0.0 < row["pd"] < 1.0 for row in scored)


@pytest.mark.by_hand
def test_airflow_s_image_imports_our_dags_and_runs_the_product_beside_it(
    engine: Engine, batch: str, repository: Path, told: Callable[[str], None]
) -> None:
    airflow = engine.build(repository, "airflow")
    told(f"creditrisk-airflow: {engine.size_mb(airflow) - engine.size_mb(BASE):.0f} MB on its base")
    told = engine.inside(airflow, "python", "-c", LOADS_DAGS).splitlines()[-1]
    loaded = json.loads(told)
    assert loaded["errors"] == {}
    assert len(loaded["dags"]) == 2 * len(DAGS)
    assert {dag.partition("__")[0] for dag in loaded["dags"]} == DAGS
    assert json.loads(engine.inside(airflow, "/opt/creditrisk/bin/python", "-c", IMPORTS_ALL)) == {}
    assert engine.inside(airflow, "id", "-u") == "10001"
    assert engine.files_of(airflow, "/opt/creditrisk") == engine.files_of(batch, "/opt/creditrisk")


@pytest.mark.by_hand
def test_mlflow_s_image_says_what_it_wants(engine: Engine, repository: Path, told: Callable[[str], None]) -> None:
    mlflow = engine.build(repository, "mlflow")
    told(f"creditrisk-mlflow: {engine.size_mb(mlflow) - engine.size_mb(BASE):.0f} MB on its base")
    with pytest.raises(AssertionError, match="error: MLFLOW_DATABASE_PASSWORD_FILE names no file"):
        engine.docker("run", "--rm", mlflow)


def test_airflow_s_image_builds_the_product_word_for_word_as_that_for_batches(repository: Path) -> None:
    """So that the engine builds it once for both."""

    def builder(name: str) -> str:
        text = (repository / "deploy" / "containers" / f"Dockerfile.{name}").read_text(encoding="utf-8")
        return text[text.index("FROM ${BASE_IMAGE} AS builder") :].partition("\nFROM ")[0].strip()

    assert builder("airflow") == builder("batch")
    assert len(builder("batch").splitlines()) > 10


@pytest.mark.parametrize("name", ["airflow", "api", "batch", "mlflow"])
def test_dockerfiles_keep_the_rules_of_hadolint(name: str, repository: Path, tool: Callable[[str], str]) -> None:
    file = repository / "deploy" / "containers" / f"Dockerfile.{name}"
    done = subprocess.run([tool("hadolint"), str(file)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_what_is_sent_to_the_engine_holds_no_data_and_no_secret(repository: Path) -> None:
    listed = (repository / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in listed if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert [rule for rule in rules if re.search(r"secret|workspace|raw|\.git\b|\.env", rule)] == []


def test_the_scripts_of_images_and_stack_keep_the_rules_of_shellcheck(repository: Path) -> None:
    scripts = sorted((repository / "deploy" / "containers").glob("*.sh")) + sorted(
        (repository / "deploy" / "compose").glob("*.sh")
    )
    assert len(scripts) >= 4
    program = shutil.which("shellcheck")
    assert program, "apt-get install shellcheck"
    done = subprocess.run([program, *map(str, scripts)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
