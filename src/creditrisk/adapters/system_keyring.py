"""People's private keys in the system's own keyring (Keychain, Secret Service, Credential Manager)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from creditrisk.errors import BadConfig, BrokenFile, OutsideFailed
from creditrisk.signatures import Signer, new_signer, signer_from_text

SERVICE = "creditrisk"
INSTEAD = "or keep keys as files: --store file"


class SystemKeyring:
    """One entry a person, for every workspace of this user: a person has one key."""

    name = "keyring"

    def find(self, person: str) -> Signer | None:
        """None also where the system has no keyring: nothing is kept there."""
        with _keyring() as keyring:
            try:
                text = keyring.get_password(SERVICE, person)
            except keyring.errors.NoKeyringError:
                text = None
        if text is None:
            return None
        try:
            return signer_from_text(text, where=f"keyring, {SERVICE}: {person}")
        except BadConfig as error:
            raise BrokenFile(error.what, where=error.where, hint="remove the entry and make a new key") from error

    def make(self, person: str) -> Signer:
        signer = new_signer()
        with _keyring() as keyring:
            keyring.set_password(SERVICE, person, signer.secret())
        return signer


@contextmanager
def _keyring() -> Iterator[ModuleType]:
    """The library. Raises OutsideFailed where it is not installed, and for whatever the keyring raises inside."""
    try:
        import keyring
    except ImportError as error:
        raise OutsideFailed(
            "the system's keyring needs a library that is not installed",
            hint=f'pip install "creditrisk[keyring]", {INSTEAD}',
            retry_may_help=False,
        ) from error
    try:
        yield keyring
    except keyring.errors.KeyringError as error:
        raise OutsideFailed(
            f"the system's keyring did not do its part: {type(error).__name__}", hint=f"unlock it, {INSTEAD}"
        ) from error
