"""Ed25519 signatures: who wrote a chain of decisions. A private key is made at first use, for its owner's eyes only."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.errors import BadConfig, BrokenFile
from creditrisk.files import held, sync, whole_file, write_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PRIVATE, PUBLIC = ".key", ".pub"
KEY_BYTES = 32


@dataclass(frozen=True)
class Signer:
    """A private key that is never shown."""

    _private: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"Signer(public={self.public!r})"

    @property
    def public(self) -> str:
        """64 hex digits."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        """128 hex digits."""
        return self._private.sign(message).hex()

    def secret(self) -> str:
        """What `signer_from_text` reads: for whoever keeps the key, and for nobody else."""
        return base64.b64encode(self._private.private_bytes_raw()).decode("ascii")


def is_signed_by(public: str, message: bytes, signature: str) -> bool:
    """False also for what is no key or no signature at all, or one that is spelled otherwise than `sign` does."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        told = bytes.fromhex(signature)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(told, message)
    except (InvalidSignature, ValueError):
        return False
    return told.hex() == signature


def new_signer() -> Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Signer(Ed25519PrivateKey.generate())


def signer_from_text(text: str, *, where: str) -> Signer:
    """From 32 bytes in base64. Raises BadConfig without quoting them."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Signer(Ed25519PrivateKey.from_private_bytes(key_bytes(text, where=where)))


def key_bytes(text: str, *, where: str) -> bytes:
    """32 bytes from base64, plain or URL-safe. Raises BadConfig without quoting them."""
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise BadConfig(
            f"the key is not {KEY_BYTES} bytes in base64", where=where, hint="`openssl rand -base64 32` makes one"
        )
    return key


def signer_in(folder: Path, name: str) -> Signer:
    """The key `<name>.key` of the folder, made with mode 0600 if it is not there, its public half beside it.

    Raises BrokenFile where the file is no key, or can be read by others.
    """
    private = folder / f"{name}{PRIVATE}"
    if not private.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with held(folder / f".{name}.lock"):
            if not private.exists():
                _make(private)
    return signer_from_file(private)


def signer_from_file(private: Path) -> Signer:
    """Raises BrokenFile where the file is no key, or can be read by others."""
    if private.stat().st_mode & 0o077:
        raise BrokenFile("others may read this private key", where=str(private), hint=f"chmod 600 {private}")
    try:
        return signer_from_text(private.read_text(encoding="ascii"), where=str(private))
    except (BadConfig, UnicodeDecodeError) as error:
        raise BrokenFile(
            "this is no private key",
            where=str(private),
            hint="restore it from a copy; chains it signed need it no more",
        ) from error


def remember(folder: Path, signer: Signer) -> None:
    """Put the public half of a key that comes from elsewhere into the folder, so that its chains are known here."""
    if signer.public not in public_keys_in(folder):
        keep_public(folder, signer.public)


def keep_public(folder: Path, public: str) -> None:
    """Put a public key into the folder under a name of its own, so that no new key takes its place."""
    write_text(folder / f"{public[:16]}{PUBLIC}", public + "\n")


def public_keys_in(folder: Path) -> frozenset[str]:
    """Of every `*.pub` in the folder: the writers that are known here."""
    return frozenset(path.read_text(encoding="ascii").strip() for path in sorted(folder.glob(f"*{PUBLIC}")))


def _make(private: Path) -> None:
    signer = new_signer()
    with whole_file(private.with_suffix(PUBLIC)) as partial:
        partial.write_text(signer.public + "\n", encoding="ascii")
    with whole_file(private) as partial:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(signer.secret() + "\n")
    sync(private.parent)
