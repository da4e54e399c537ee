"""Asks each service of the compose stack that runs what it is there for, the API for a decision: `make ask`.

COMPOSE: the command with its files. Prints a line for each answer; ends with 1 and what was wrong at the first that is
not as it should be. No key is printed or stands in an argument. Needs Python's own library only.
"""

import base64
import json
import os
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = [
    *shlex.split(os.environ.get("COMPOSE", "docker compose --file deploy/compose/compose.yaml")),
    "--profile",
    "*",
]
SCRAPED_WITHIN_S = 60
READ_WITHIN_S = 120
"""DAGs, after a first start."""


def compose(*arguments: str, given: str = "") -> str:
    done = subprocess.run([*COMPOSE, *arguments], cwd=ROOT, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"error: {shlex.join(arguments)}: {done.stderr.strip()[-500:]}")
    return done.stdout


def secret(name: str) -> str:
    return (ROOT / "deploy" / "compose" / "secrets" / name).read_text(encoding="ascii").strip()


class Stack:
    def __init__(self) -> None:
        read = json.loads(compose("config", "--format", "json"))["services"]
        self.ports = {name: of["ports"][0]["published"] for name, of in read.items() if of.get("ports")}
        self.book = read["api"]["command"][1]
        self.running = set(compose("ps", "--services", "--status", "running").split())

    def ask(self, service: str, path: str, body: object = None, **headers: str) -> Any:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[service]}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            sys.exit(f"error: {service} {path}: {error.code} {error.read(500).decode(errors='replace')}")
        except (OSError, ValueError) as error:
            sys.exit(f"error: {service} {path}: {error}")


def ask_api(stack: Stack) -> None:
    """One decision on the example that the API describes, found again by its id and in Postgres."""
    key = {"X-API-Key": secret("api_admin_key")}
    ready = stack.ask("api", "/ready", **key)
    expect(ready["ready"] and ready["model"]["name"] == stack.book, "api", f"ready: {ready}")
    examples = stack.ask("api", "/openapi.json", **key)["components"]["examples"]
    example = (examples.get("applications") or examples["records"])["value"]
    decided = stack.ask("api", "/predict", example, **key)["decisions"][0]
    kept = stack.ask("api", f"/decisions/{decided['decision_id']}", **key)
    expect(json.dumps(kept).count(decided["decision_id"]) > 0, "api", f"decision {decided['decision_id']} not found")
    psql = (
        "exec",
        "-T",
        "postgres",
        "psql",
        "--username",
        "postgres",
        "--tuples-only",
        "--set",
        f"id={decided['decision_id']}",
    )
    rows = compose(*psql, "decisions", given="select count(*) from decision_records where decision_id = :'id'")
    expect(rows.strip() == "1", "postgres", f"decision {decided['decision_id']}: {rows.strip()} rows")
    told = f"{stack.book} {ready['model']['version']}: {decided['decision']}, PD {decided['pd']:.4f}"
    well("api", f"{told}, kept in Postgres as {decided['decision_id']}")


def ask_mlflow(stack: Stack) -> None:
    login = base64.b64encode(f"{os.environ.get('MLFLOW_ADMIN', 'keeper')}:{secret('mlflow_admin_password')}".encode())
    found = stack.ask("mlflow", "/api/2.0/mlflow/registered-models/search", Authorization=f"Basic {login.decode()}")
    versions = {model["name"]: model.get("aliases", []) for model in found.get("registered_models", [])}
    well("mlflow", f"registered models: {', '.join(versions) or 'none yet'}")


def ask_airflow(stack: Stack) -> None:
    """Its parts live, and somebody who logs in sees the DAGs."""
    health = stack.ask("airflow", "/api/v2/monitor/health")
    sick = [part for part, of in health.items() if of["status"] != "healthy"]
    expect(not sick, "airflow", f"not healthy: {', '.join(sick)}")
    login = {"username": "keeper", "password": json.loads(secret("airflow_passwords"))["keeper"]}
    token = stack.ask("airflow", "/auth/token", login)["access_token"]
    until = time.monotonic() + READ_WITHIN_S
    while not (dags := stack.ask("airflow", "/api/v2/dags?limit=1", Authorization=f"Bearer {token}")["total_entries"]):
        expect(time.monotonic() < until, "airflow", "there is no DAG")
        time.sleep(3)
    broken = stack.ask("airflow", "/api/v2/importErrors", Authorization=f"Bearer {token}")["import_errors"]
    expect(not broken, "airflow", "\n".join(error["stack_trace"] for error in broken))
    well("airflow", f"{dags} DAGs, no import error")


def ask_prometheus(stack: Stack) -> None:
    until = time.monotonic() + SCRAPED_WITHIN_S
    while True:
        targets = stack.ask("prometheus", "/api/v1/targets")["data"]["activeTargets"]
        down = [f"{each['scrapeUrl']} {each['lastError']}" for each in targets if each["health"] != "up"]
        if not down or "api" not in stack.running:
            break
        expect(time.monotonic() < until, "prometheus", f"not scraped: {'; '.join(down)}")
        time.sleep(3)
    rules = stack.ask("prometheus", "/api/v1/rules")["data"]["groups"]
    well(
        "prometheus",
        f"{len(targets) - len(down)} of {len(targets)} targets up, {sum(len(g['rules']) for g in rules)} rules",
    )


def ask_grafana(stack: Stack) -> None:
    expect(stack.ask("grafana", "/api/health")["database"] == "ok", "grafana", "its database is not well")
    well("grafana", "healthy")


ASKED = {
    "mlflow": ask_mlflow,
    "airflow": ask_airflow,
    "api": ask_api,
    "prometheus": ask_prometheus,
    "grafana": ask_grafana,
}


def expect(right: bool, service: str, otherwise: str) -> None:
    if not right:
        sys.exit(f"error: {service}: {otherwise}")


def well(service: str, told: str) -> None:
    print(f"ok       {service}: {told}", flush=True)


if __name__ == "__main__":
    asked = Stack()
    if not asked.running:
        sys.exit("error: nothing of the stack runs; hint: make up, make up-serve")
    for name, ask in ASKED.items():
        if name in asked.running:
            ask(asked)
