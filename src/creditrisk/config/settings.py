"""Runtime settings from the environment, read once at the edge (wiring)."""

from __future__ import annotations

import getpass
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from creditrisk.config.from_environment import from_environment


def read_settings() -> Settings:
    """The settings of this process's environment. Raises BadConfig naming the variable."""
    return from_environment(Settings, tell_value=True)


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"


class Settings(BaseSettings):
    """CREDITRISK_ACTOR, _MEMORY_LIMIT, _THREADS, _SPILL_…, _UNPACK_MAX_…, _SPARK_…, and MLFLOW_TRACKING_URI."""

    model_config = SettingsConfigDict(env_prefix="CREDITRISK_", frozen=True)

    actor: str = Field(default_factory=_system_user)
    """Who acts, where `--by` does not say; else the system's user."""
    memory_limit: str = Field(default="1500MB", pattern=r"(?i)^\d+(\.\d+)? ?[kmgt]i?b$")
    """Of each DuckDB connection."""
    threads: int = Field(default=2, ge=1)
    """Of each DuckDB connection."""
    spill_folder: Path | None = None
    """For what does not fit into memory; empty = beside what is written. A local disk, and a fast one."""
    spill_limit: str | None = Field(default=None, pattern=r"(?i)^\d+(\.\d+)? ?[kmgt]i?b$")
    """Of what one connection spills; empty = nine tenths of what the disk has left."""
    unpack_max_gb: float = Field(default=200, gt=0)
    """An archive that unpacks to more GiB than this is refused."""
    unpack_max_ratio: float = Field(default=250, gt=1)
    """... or, from 64 MiB on, to more than so many times its own size. The emptiest real table reaches 60."""
    unpack_max_entries: int = Field(default=1000, ge=1)
    """An archive with more files than this is refused."""
    spark_master: str | None = None
    """Of the engine spark, where `--master` does not say; empty = this machine, CREDITRISK_THREADS of its cores."""
    spark_conf: Path | None = None
    """File of Spark's properties, as spark-defaults.conf, where `--spark-conf` does not name one."""
    tracking_uri: str | None = Field(default=None, validation_alias="MLFLOW_TRACKING_URI")
    """Of MLflow; empty = SQLite in the workspace."""
