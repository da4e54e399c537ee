"""Where decisions are kept and with which keys. Read once from the environment when a store is opened."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from creditrisk.config.from_environment import from_environment
from creditrisk.errors import BadUsage


def read_decision_store_settings() -> DecisionStoreSettings:
    """The store's settings of this process's environment. Raises BadConfig naming the variable, never its value."""
    return from_environment(DecisionStoreSettings)


class DecisionStoreSettings(BaseSettings):
    """CREDITRISK_DECISIONS_URL, _DECISIONS_CONNECTIONS, _SIGNING_KEY(_FILE), _PAYLOAD_KEY(_FILE)."""

    model_config = SettingsConfigDict(env_prefix="CREDITRISK_", frozen=True, hide_input_in_errors=True)

    decisions_url: SecretStr | None = None
    """`postgresql://user@host:5432/name`, or `sqlite:///PATH`; empty = `decisions.db` in the workspace."""
    decisions_connections: int = Field(default=4, ge=1, le=100)
    """To Postgres, of each worker at most: workers times these must stay below its max_connections."""
    signing_key: SecretStr | None = Field(default=None, repr=False)
    """Key that signs the chains this process writes: 32 bytes in base64; empty = `keys/decisions.key` in the workspace,
    made at first use."""
    signing_key_file: Path | None = None
    """File with that key."""
    payload_key: SecretStr | None = Field(default=None, repr=False)
    """Key that encrypts what is personal: 32 bytes in base64. Several, separated by commas: the first encrypts, all of
    them read. Empty = stored in the clear."""
    payload_key_file: Path | None = None
    """File with those keys, one a line."""

    def key_texts(self, name: str) -> tuple[list[str], str]:
        """The keys called `signing_key` or `payload_key`, and where they come from; none where none is set."""
        given, file = getattr(self, name), getattr(self, f"{name}_file")
        variable = f"CREDITRISK_{name.upper()}"
        if given is not None:
            return _parts(given.get_secret_value()), variable
        if file is None:
            return [], variable
        try:
            return _parts(file.read_text(encoding="ascii")), str(file)
        except (OSError, UnicodeDecodeError) as error:
            raise BadUsage(
                "the key's file cannot be read", where=str(file), hint=f"see whether {variable}_FILE names it"
            ) from error


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]
