"""How servers are deployed. Read once from the environment when a deployment begins."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from creditrisk.config.from_environment import from_environment
from creditrisk.errors import BadUsage


def read_deploy_settings() -> DeploySettings:
    """The settings of this process's environment. Raises BadConfig naming the variable, never its value."""
    return from_environment(DeploySettings)


class DeploySettings(BaseSettings):
    """CREDITRISK_DEPLOY_..."""

    model_config = SettingsConfigDict(env_prefix="CREDITRISK_DEPLOY_", frozen=True, hide_input_in_errors=True)

    api_key: SecretStr | None = Field(default=None, repr=False)
    """API key, with the role `score`, that the smoke test sends to the server."""
    api_key_file: Path | None = None
    """File with that key."""
    wait_minutes: float = Field(default=15, gt=0)
    """How long a deployment, or its rollback, may take to become stable."""
    poll_seconds: float = Field(default=5, gt=0)
    """Between two looks at a deployment."""
    smoke_seconds: float = Field(default=120, ge=0)
    """How long a server may take to pass the smoke test once it is deployed."""
    undo_seconds: float = Field(default=300, ge=0)
    """How long a rollback that the platform refuses for the moment is tried again."""

    def key(self) -> str | None:
        """The API key; None where none is set."""
        if self.api_key is not None:
            return self.api_key.get_secret_value().strip()
        if self.api_key_file is None:
            return None
        try:
            return self.api_key_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadUsage(
                "the key's file cannot be read",
                where=str(self.api_key_file),
                hint="see whether CREDITRISK_DEPLOY_API_KEY_FILE names it",
            ) from error
