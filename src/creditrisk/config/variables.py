"""Which environment variables are secrets, and which plain settings somebody gave: names from the settings classes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import get_args
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from creditrisk.config.decision_store import DecisionStoreSettings
from creditrisk.config.deploying import DeploySettings
from creditrisk.config.notifications import SinkSettings
from creditrisk.config.serving import ServingSettings
from creditrisk.config.settings import Settings

SETTINGS: tuple[type[BaseSettings], ...] = (
    Settings,
    ServingSettings,
    DecisionStoreSettings,
    SinkSettings,
    DeploySettings,
)
HASHES_OF_SECRETS = ("api_keys",)
"""No secrets as they stand, and nobody else's business."""
OF_ONE_MACHINE = ("actor", "memory_limit", "threads", "spill_folder", "spill_limit", "spark_master", "spark_conf")
"""Say nothing of a release."""


def secret_variables() -> list[str]:
    """Every variable whose value must not be told, or that names a file with such a value; sorted."""
    return sorted(variable for variable, _, secret in _variables() if secret)


def settings_given() -> dict[str, str]:
    """{variable: value} of the plain settings that this process's environment gives; a password in an address goes."""
    given = {
        variable: os.environ[variable]
        for variable, name, secret in _variables()
        if not secret and name not in OF_ONE_MACHINE and variable in os.environ
    }
    return {variable: _without_password(value) for variable, value in sorted(given.items())}


def _variables() -> Iterator[tuple[str, str, bool]]:
    """(variable, field, is it secret)"""
    for settings in SETTINGS:
        fields = settings.model_fields
        secret = {name for name, field in fields.items() if _is_secret(field)} | set(HASHES_OF_SECRETS)
        for name, field in fields.items():
            alias = field.validation_alias
            variable = (
                alias if isinstance(alias, str) else f"{settings.model_config.get('env_prefix', '')}{name}".upper()
            )
            yield variable, name, name in secret or name.removesuffix("_file") in secret


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _without_password(value: str) -> str:
    parts = urlsplit(value)
    if "@" not in parts.netloc:
        return value
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
