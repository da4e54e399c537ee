"""People's private keys in the system's own keyring (Keychain, Secret Service, Credential Manager)."""

from __future__ import annotations

from typing import Any

from creditrisk.errors import BadConfig, BrokenFile, OutsideFailed
from creditrisk.signatures import Signer, new_signer, signer_from_text

SERVICE = "creditrisk"


class SystemKeyring:
    """One entry a person, for every workspace of this user: a person has one key."""

    name = "keyring"

    def find(self, person: str) -> Signer | None:
        text = _asked(lambda keyring: keyring.get_password(SERVICE, person))
        if text is None:
            return None
        try:
            return signer_from_text(text, where=f"keyring, {SERVICE}: {person}")
        except BadConfig as error:
            raise BrokenFile(error.what, where=error.where, hint="remove the entry and make a new key") from error

    def make(self, person: str) -> Signer:
        signer = new_signer()
        _asked(lambda keyring: keyring.set_password(SERVICE, person, signer.secret()))
        return signer


def _asked(question: Any) -> Any:
    """The keyring's answer. Raises OutsideFailed where there is none, or it is locked."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise OutsideFailed(
            "the system's keyring needs a library that is not installed",
            hint='pip install "creditrisk[keyring]", or keep keys as files: --store file',
            retry_may_help=False,
        ) from error
    try:
        return question(keyring)
    except KeyringError as error:
        raise OutsideFailed(
            f"the system's keyring did not do its part: {type(error).__name__}",
            hint="unlock it, or keep keys as files: --store file",
        ) from error
