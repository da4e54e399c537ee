"""Paths and secrets, from Airflow's Variables and Connections, asked for when a task runs."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

from airflow.sdk import Connection, Variable
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

MLFLOW, DECISIONS, ENVIRONMENT, MESSAGES = (
    "creditrisk_mlflow",
    "creditrisk_decisions",
    "creditrisk_environment",
    "creditrisk_messages",
)
OF_AIRFLOW = re.compile(r"_?AIRFLOW|PYTHON|VIRTUAL_ENV$")
"""Beginnings of names that are about this process; Airflow's own password is among them."""


def program() -> str:
    return Variable.get("creditrisk_cli", default="creditrisk")


def workspace() -> str:
    return Variable.get("creditrisk_workspace", default="workspace")


def environment() -> dict[str, str]:
    """Of a command: this process's own without what is Airflow's, the actor, and what the Connections say."""
    own = {name: value for name, value in os.environ.items() if not OF_AIRFLOW.match(name)}
    actor = Variable.get("creditrisk_actor", default="airflow")
    return {**own, "CREDITRISK_ACTOR": actor, **_mlflow(), **_decisions(), **_further()}


def found(name: str) -> Connection | None:
    """None where nobody made it: each is needed only where its system is used."""
    try:
        return Connection.get(name)
    except AirflowNotFoundException:
        return None


def _mlflow() -> dict[str, str]:
    told = found(MLFLOW)
    if told is None:
        return {}
    # Airflow makes `generic` of a type that none of its providers brings, so the schema says it; a password wants https
    scheme = told.schema or (told.conn_type if told.conn_type in ("http", "https") else "https")
    names = {
        "MLFLOW_TRACKING_URI": f"{scheme}://{told.host}{f':{told.port}' if told.port else ''}",
        "MLFLOW_TRACKING_USERNAME": told.login,
        "MLFLOW_TRACKING_PASSWORD": told.password,
    }
    return {name: value for name, value in names.items() if value}


def _decisions() -> dict[str, str]:
    told = found(DECISIONS)
    if told is None:
        return {}
    password = f":{quote(told.password, safe='')}" if told.password else ""
    address = f"postgresql://{quote(told.login or '', safe='')}{password}@{told.host}:{told.port or 5432}/{told.schema}"
    mask_secret(address)
    return {"CREDITRISK_DECISIONS_URL": address}


def _further() -> dict[str, str]:
    """Extra of creditrisk_environment: {"CREDITRISK_SIGNING_KEY": ..., "AWS_SECRET_ACCESS_KEY": ...}; all secret."""
    told = found(ENVIRONMENT)
    names = {} if told is None else {name: str(value) for name, value in told.extra_dejson.items()}
    for value in names.values():
        mask_secret(value)
    return names
