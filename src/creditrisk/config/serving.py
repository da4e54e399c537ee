"""How a server answers: limits, keys, tokens, which model. Read once from the environment when a server starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from creditrisk.config.from_environment import from_environment

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that a token may have: with a public key. HS256 would let whoever checks a token make one."""


def read_serving_settings() -> ServingSettings:
    """The server's settings of this process's environment. Raises BadConfig naming the variable, never its value."""
    return from_environment(ServingSettings)


class ServingSettings(BaseSettings):
    """CREDITRISK_SERVE_…, CREDITRISK_API_KEYS(_FILE), CREDITRISK_OIDC_…, MODEL_NAME, MODEL_ALIAS."""

    model_config = SettingsConfigDict(env_prefix="CREDITRISK_SERVE_", frozen=True)

    model_name: str | None = Field(default=None, validation_alias="MODEL_NAME")
    """The registered model that is served; empty = the book's own."""
    model_alias: str | None = Field(default=None, validation_alias="MODEL_ALIAS")
    """The alias that is served, where `--alias` does not say; empty = `production`."""
    shadow_alias: str | None = None
    """A challenger's alias: it scores the same requests after they were answered; empty = none."""
    watch_seconds: float = Field(default=15.0, ge=0.0)
    """How often the alias is looked up for another version; 0 = never."""

    mlflow_window_minutes: int = Field(default=0, ge=0, le=1440)
    """MLflow gets one run for each window of so many minutes with its counts; 0 = none."""

    api_keys_file: Path | None = Field(default=None, validation_alias="CREDITRISK_API_KEYS_FILE")
    """File with one key a line: name, roles, sha256 of the key. Read again whenever it changes."""
    api_keys: str | None = Field(default=None, validation_alias="CREDITRISK_API_KEYS")
    """The same lines, separated by `;`, where there is no file."""
    oidc_issuer: str | None = Field(default=None, validation_alias="CREDITRISK_OIDC_ISSUER")
    """Who must have issued a token."""
    oidc_audience: str | None = Field(default=None, validation_alias="CREDITRISK_OIDC_AUDIENCE")
    """For whom it must be."""
    oidc_jwks_file: Path | None = Field(default=None, validation_alias="CREDITRISK_OIDC_JWKS_FILE")
    """The issuer's public keys; tokens are taken when this, the issuer and the audience are given."""
    oidc_algorithms: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("RS256", "ES256"), validation_alias="CREDITRISK_OIDC_ALGORITHMS"
    )
    """Signatures that are taken, separated by commas; never a shared secret's."""
    oidc_roles_claim: str = Field(default="roles", validation_alias="CREDITRISK_OIDC_ROLES_CLAIM")
    """The claim that lists roles."""

    body_max_bytes: int = Field(default=2 * 2**20, ge=1024)
    """A longer body is refused while it arrives."""
    applications_max: int = Field(default=100, ge=1)
    """In one request."""
    requests_at_once: int = Field(default=256, ge=1)
    """More than so many under way are told to come back, in each worker."""
    rate_per_second: float = Field(default=0.0, ge=0.0)
    """Requests that one caller may send, on average, to all workers together; 0 = no limit."""
    rate_burst: int = Field(default=100, ge=1)
    """... and at once."""
    timeout_seconds: float = Field(default=30.0, gt=0.0)
    """A request that takes longer is told to come back."""
    shutdown_seconds: int = Field(default=30, ge=1)
    """How long a server that is told to stop goes on answering what it took in."""
    waiting_max: int = Field(default=1000, ge=1)
    """Applications that may wait for a decision, in each worker; more are told to come back."""
    group_max: int = Field(default=128, ge=1)
    """Applications that are scored together at most."""

    @field_validator("oidc_algorithms", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else given

    @field_validator("oidc_algorithms")
    @classmethod
    def _with_public_keys(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if not given or set(given) - set(ALGORITHMS):
            raise ValueError(f"known: {', '.join(ALGORITHMS)}")
        return given
