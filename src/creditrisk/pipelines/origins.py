"""Where each raw file came from, and when its source last changed it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from creditrisk.ports import StoredObject
from creditrisk.sources import Landed
from creditrisk.sources.raw_folder import SOURCES


def origin_of(landed: Landed) -> StoredObject:
    """What was noted of the file when it was fetched; of a file that nobody fetched, or that was exchanged since,
    its own place and modification time."""
    note = _note(landed.source)
    if note.get("sha256") != landed.sha256 or not isinstance(note.get("uri"), str):
        changed = datetime.fromtimestamp(landed.source.stat().st_mtime, UTC)
        return StoredObject(landed.source.resolve().as_uri(), landed.size, modified=changed)
    version = note.get("version")
    return StoredObject(
        note["uri"],
        landed.size,
        version=None if version is None else str(version),
        modified=time_of(note.get("modified")),
    )


def was_fetched(origin: StoredObject) -> bool:
    """From somewhere else than a folder of this machine?"""
    return not origin.uri.startswith("file:")


def time_of(text: Any) -> datetime | None:
    """A time as reports spell it, in UTC; None for what is none. Without a time zone it is not known when it was."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return None if time.tzinfo is None else time.astimezone(UTC)


def _note(source: Path) -> Mapping[str, Any]:
    """{} where there is none: the notes explain files, they do not vouch for them."""
    try:
        notes = json.loads((source.parent / SOURCES).read_text(encoding="utf-8"))
        note = notes[source.name]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return note if isinstance(note, Mapping) else {}
