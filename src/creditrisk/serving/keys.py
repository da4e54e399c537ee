"""API keys: 256 random bits that the caller holds, and their hash that the server holds.

A key of that many random bits cannot be guessed from its sha256, so no slow hash is needed; what is compared are
hashes, in constant time and against every known one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from creditrisk.errors import BadConfig, BadUsage

ROLES = {
    "score": "validate, predict, explain, correct, and MLflow's invocations",
    "read": "look decisions up, replay and disclose them, read metrics",
    "review": "override decisions and correct their input",
    "admin": "everything, and change the model",
}
"""What each role of a caller may do."""

PREFIX = "crk_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. name: goes into passports, logs and metrics."""

    name: str
    roles: frozenset[str]

    def may(self, *roles: str) -> bool:
        return "admin" in self.roles or not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class Key:
    caller: Caller
    sha256: str


def new_key(name: str, roles: Sequence[str]) -> tuple[str, str]:
    """A new key, to be told once, and the line for the server's file. Raises BadUsage for a bad name or role."""
    if not _NAME.fullmatch(name):
        raise BadUsage(f'"{name}" is no name for a key', hint="letters, digits, dot, dash and underscore; at most 64")
    if not roles or set(roles) - set(ROLES):
        raise BadUsage("no such role", hint=f"known: {', '.join(ROLES)}")
    key = PREFIX + secrets.token_urlsafe(32)
    return key, f"{name} {','.join(roles)} sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def read_keys(text: str, *, where: str) -> tuple[Key, ...]:
    """One key a line: name, roles separated by commas, sha256. Blank lines and those with # do not count.

    Raises BadConfig with the number of the line and never its text: somebody may have put the key itself there.
    """
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        told = _HASH.fullmatch(words[-1])
        roles = words[1].split(",") if len(words) == 3 else []
        if told is None or not roles or set(roles) - set(ROLES) or not _NAME.fullmatch(words[0]):
            raise BadConfig(
                "not a key's line",
                where=f"{where}, line {number}",
                hint=f"NAME ROLE[,ROLE] sha256:HEX, as `creditrisk serve-key` prints it; roles: {', '.join(ROLES)}",
            )
        keys.append(Key(Caller(words[0], frozenset(roles)), told[1]))
    return tuple(keys)


class KeyRing:
    """The keys that are valid now. A file that changes is read again; one that is damaged changes nothing."""

    def __init__(self, file: Path | None, text: str | None) -> None:
        self._file = file
        self._keys: tuple[Key, ...] = () if text is None else read_keys(text.replace(";", "\n"), where="environment")
        self._stamp: tuple[int, int, int] | None = None
        self._lock = threading.Lock()
        if file is not None:
            self.refresh()

    def __bool__(self) -> bool:
        return self._file is not None or bool(self._keys)

    def refresh(self) -> bool:
        """Read the file again where it changed; True when it did. Raises BadConfig when it cannot be read."""
        if self._file is None:
            return False
        with self._lock:
            try:
                stat = self._file.stat()
                stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                if stamp == self._stamp:
                    return False
                keys = read_keys(self._file.read_text(encoding="utf-8"), where=str(self._file))
            except (OSError, UnicodeDecodeError) as error:
                raise BadConfig(
                    "the file of API keys cannot be read", where=str(self._file), hint="CREDITRISK_API_KEYS_FILE"
                ) from error
            self._keys, self._stamp = keys, stamp
            return True

    def caller_of(self, key: str) -> Caller | None:
        """Who holds this key. Every known key is compared, so that the time tells nothing."""
        told = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        found: Caller | None = None
        for known in self._keys:
            if hmac.compare_digest(known.sha256, told):
                found = known.caller
        return found
