"""People who sign: a name, its public key, and the audit chain's word for when that key was made here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from creditrisk.errors import BadUsage
from creditrisk.signatures import PUBLIC

_NAME = re.compile(r"\w(?:[\w.@+-]{0,62}\w)?")


def checked_name(name: str) -> str:
    """The name, fit for a file. Raises BadUsage for another."""
    if not _NAME.fullmatch(name):
        raise BadUsage(
            f"{name!r} is no name for a key",
            hint="up to 64 letters, digits and . _ - + @, with a letter or digit at both ends: for example ann.smith",
        )
    return name


def known_keys(folder: Path, acts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """{name: public key} of the `.pub` files whose making the audit chain tells; a file laid there does not count.

    acts: every `key_made`.
    """
    made = {(act["hashes"]["name"], act["hashes"]["public_key"]) for act in acts}
    found = {path.stem: path.read_text(encoding="utf-8", errors="replace").strip() for path in public_files(folder)}
    return {name: key for name, key in found.items() if (name, key) in made}


def public_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{PUBLIC}")) if folder.is_dir() else []
