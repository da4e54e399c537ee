"""Settings as this process's environment gives them, or the name of the variable that is wrong."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from creditrisk.errors import BadConfig, did_you_mean

FROM_FILES = (
    "CREDITRISK_DECISIONS_URL",
    "CREDITRISK_PUSHGATEWAY_URL",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_USERNAME",
)
"""Secrets that a container gets as files: where NAME is not set, NAME_FILE names the file that holds it."""


def take_secrets_from_files() -> None:
    """Into this process's environment, for whoever reads it there, MLflow's own client among them.

    Raises BadConfig naming the variable, never what stands in the file.
    """
    for name in FROM_FILES:
        file = os.environ.get(f"{name}_FILE")
        if not file or os.environ.get(name):
            continue
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfig(
                f"the file of {name} cannot be read",
                where=file,
                hint=f"see whether {name}_FILE names it, and may this user read it?",
            ) from error
        os.environ[name] = text


def from_environment[Read: BaseSettings](settings: type[Read], *, tell_value: bool = False) -> Read:
    """Raises BadConfig naming the variable.  tell_value: and what stands in it, where none of them is a secret.

    What `take_secrets_from_files` brings counts as the environment. A variable that begins as only these settings do
    and is none of them would be a setting that nobody keeps, so it is refused.
    """
    take_secrets_from_files()
    _refuse_unknown(settings)
    try:
        return settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=tell_value)[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"{settings.model_config['env_prefix']}{name.upper()}"
        got = f", got {str(first.get('input'))[:40]!r}" if tell_value else ""
        raise BadConfig(
            f"{variable}: {first['msg']}{got}",
            where="environment",
            hint="docs/reference/settings.md lists every variable",
        ) from error


def _refuse_unknown(settings: type[BaseSettings]) -> None:
    prefix = settings.model_config["env_prefix"]
    if prefix == "CREDITRISK_":  # others begin so too: images, books and tags of the deployments
        return
    known = {f"{prefix}{name.upper()}" for name, field in settings.model_fields.items() if not field.validation_alias}
    unknown = sorted(name for name in os.environ if name.startswith(prefix) and name not in known)
    if unknown:
        raise BadConfig(
            f"{unknown[0]} is no setting",
            where="environment",
            hint=f"{did_you_mean(unknown[0], known)}; docs/reference/settings.md lists every variable",
        )
