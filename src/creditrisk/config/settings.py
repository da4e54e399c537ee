"""Runtime settings from the environment, read once at the edge (wiring)."""

from __future__ import annotations

import getpass

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"


class Settings(BaseSettings):
    """CREDITRISK_ACTOR, CREDITRISK_MEMORY_LIMIT, CREDITRISK_THREADS, MLFLOW_TRACKING_URI."""

    model_config = SettingsConfigDict(env_prefix="CREDITRISK_", frozen=True)

    actor: str = Field(default_factory=_system_user)
    """Who acts, where `--by` does not say; else the system's user."""
    memory_limit: str = "1500MB"
    """Of each DuckDB connection."""
    threads: int = Field(default=2, ge=1)
    """Of each DuckDB connection."""
    tracking_uri: str | None = Field(default=None, validation_alias="MLFLOW_TRACKING_URI")
    """Of MLflow; empty = SQLite in the workspace."""
