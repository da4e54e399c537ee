"""What is personal in a record, as bytes that can be committed to, encrypted, and deleted without breaking a chain."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from creditrisk.errors import BadUsage, BrokenFile
from creditrisk.kinds import canonical_json

SALT_BYTES = 32
NONCE_BYTES = 12
MOST_BYTES = 256 * 2**20
"""A payload that unpacks to more than this was not written by this project."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The deletable part of a record.

    stored: the payload, compressed, and encrypted where there is a key.   entity: the entity's key as text.
    """

    salt: bytes
    stored: bytes
    entity: str | None

    @property
    def commitment(self) -> str:
        """sha256 over salt, entity and stored bytes: tells nothing of them once the salt is gone."""
        named = b"" if self.entity is None else b"\1" + self.entity.encode("utf-8")
        inner = hashlib.sha256(named).digest() + hashlib.sha256(self.stored).digest()
        return hashlib.sha256(self.salt + inner).hexdigest()


class PayloadKeys:
    """AES-256-GCM keys: the first encrypts, all of them read. None at all = payloads are stored in the clear."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._keys = {key_id(key): key for key in keys}

    @property
    def current(self) -> str | None:
        """Id of the key that encrypts."""
        return next(iter(self._keys), None)

    def seal(self, entity: int | str | None, payload: Mapping[str, Any], *, about: str) -> Sealed:
        """about: the record's id, which an encrypted payload is bound to. Raises BadUsage for what is not JSON."""
        if entity is not None and (isinstance(entity, bool) or not isinstance(entity, int | str)):
            raise BadUsage("an entity is named by a whole number or by text", where="decision store")
        stored = zlib.compress(_spelled({"entity_id": entity, "payload": payload}), 1)
        if self.current is not None:
            nonce = os.urandom(NONCE_BYTES)
            stored = nonce + self._cipher(self.current).encrypt(nonce, stored, about.encode("utf-8"))
        return Sealed(os.urandom(SALT_BYTES), stored, None if entity is None else str(entity))

    def opens(self, wanted: str | None) -> bool:
        """Is the key here that a record names? None: it needs none."""
        return wanted is None or wanted in self._keys

    def unseal(self, sealed: Sealed, wanted: str | None, *, about: str) -> tuple[int | str | None, dict[str, Any]]:
        """Entity and payload. Raises BrokenFile where the bytes are not what was written."""
        from cryptography.exceptions import InvalidTag

        try:
            packed = sealed.stored
            if wanted is not None:
                nonce, packed = packed[:NONCE_BYTES], packed[NONCE_BYTES:]
                packed = self._cipher(wanted).decrypt(nonce, packed, about.encode("utf-8"))
            told = json.loads(_unpacked(packed))
            return told["entity_id"], told["payload"]
        except (InvalidTag, zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
            raise BrokenFile(
                "the payload was altered",
                where=f"decision {about}",
                hint="`creditrisk decisions verify` names what else was; restore the store from a copy",
            ) from error

    def _cipher(self, wanted: str) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._keys[wanted])


def key_id(key: bytes) -> str:
    """Names a key without telling it: 16 hex digits."""
    return hashlib.sha256(b"creditrisk payload key\n" + key).hexdigest()[:16]


def _spelled(value: Any) -> bytes:
    """JSON that reads back as the same bits. Ten times as fast as canonical JSON, which a payload does not need to be:
    what is committed to are the bytes that are stored."""
    import orjson

    with suppress(TypeError):  # whole numbers of more than 64 bits
        content = orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS)
        if orjson.loads(content) == value:  # it writes null for NaN
            return content
    return canonical_json(value)


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(packed, MOST_BYTES)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("torn")
    return content
