"""Settings as this process's environment gives them, or the name of the variable that is wrong."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from creditrisk.errors import BadConfig


def from_environment[Read: BaseSettings](settings: type[Read], *, tell_value: bool = False) -> Read:
    """Raises BadConfig naming the variable.  tell_value: and what stands in it, where none of them is a secret."""
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
