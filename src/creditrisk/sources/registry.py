"""Which connectors there are, and the one way to call them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from creditrisk.config import Source, Table
from creditrisk.errors import BadConfig, MissingInput, did_you_mean
from creditrisk.ports import Storage
from creditrisk.sources.azure import azure
from creditrisk.sources.base import Bringer, Connector, Landed, Remote
from creditrisk.sources.dvc import DvcFile
from creditrisk.sources.file import FileSource, look_for
from creditrisk.sources.gcs import gcs
from creditrisk.sources.http import HttpRemote
from creditrisk.sources.kaggle import KaggleRemote
from creditrisk.sources.s3 import s3
from creditrisk.sources.unpack import Limits

CONNECTORS: Mapping[str, Connector | None] = {
    "file": None,  # lies in the raw folder already
    "http": lambda options, _: HttpRemote(options),
    "https": lambda options, _: HttpRemote(options),
    "kaggle": lambda options, _: KaggleRemote(options),
    "s3": s3,
    "azure": azure,
    "gcs": gcs,
    "dvc": lambda options, _: DvcFile(options),
}
"""Kind -> what makes a Remote (or a Bringer) of its options. Optional libraries are imported when it is used."""


def connect(source: Source, storage: Storage | None = None) -> Remote | Bringer | None:
    """The file that a table's `source:` names; None for kind `file`, which is not fetched from anywhere.

    Raises BadConfig for a kind that nothing is known of.
    """
    if source.kind not in CONNECTORS:
        raise BadConfig(f'no connector "{source.kind}"', hint=did_you_mean(source.kind, CONNECTORS))
    connector = CONNECTORS[source.kind]
    return connector(source.options, storage) if connector else None


def fetch(table: Table, stem: str, raw: Path, landing: Path, limits: Limits | None = None) -> Landed | None:
    """The file of one table in the raw folder, checked and unpacked; None when a table that may be absent is.

    stem: `table.file`, or `table.score_file` to score.  limits: of archives.
    Raises MissingInput when a table is absent that may not be, BrokenFile when the file is damaged or not the one
    promised, BadUsage when it is not clear which file is meant.
    """
    landed = FileSource(limits).fetch(table, stem, raw, landing)
    if landed is None and (table.required or table.parent is None):
        raise MissingInput(f'the table "{stem}" is missing', where=str(raw), hint=look_for(stem, raw))
    return landed
