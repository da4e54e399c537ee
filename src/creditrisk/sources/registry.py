"""Which connectors there are, and the one way to call them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from creditrisk.config import Table
from creditrisk.errors import BadConfig, MissingInput, did_you_mean
from creditrisk.sources.base import Landed
from creditrisk.sources.file import FileSource, look_for

CONNECTORS: Mapping[str, type[FileSource]] = {"file": FileSource}


def fetch(table: Table, stem: str, raw: Path, landing: Path) -> Landed | None:
    """The raw file of one table through the connector that the book names; None when a table that may be absent is.

    stem: `table.file`, or `table.score_file` to score.
    Raises BadConfig for an unknown connector, MissingInput when a table is absent that may not be, BrokenFile when
    the file is damaged or not the one promised, BadUsage when it is not clear which file is meant.
    """
    kind = table.source.kind
    if kind not in CONNECTORS:
        raise BadConfig(f'no connector "{kind}" for table "{stem}"', hint=did_you_mean(kind, CONNECTORS))
    landed = CONNECTORS[kind]().fetch(table, stem, raw, landing)
    if landed is None and (table.required or table.parent is None):
        raise MissingInput(f'the table "{stem}" is missing', where=str(raw), hint=look_for(stem, raw))
    return landed
