"""Bytes arrive: a raw table is found, proved to be what it claims to be, and laid where it can be read."""

from creditrisk.sources.base import Bringer, Landed, Remote
from creditrisk.sources.download import Patience
from creditrisk.sources.file import ENDINGS, FileSource
from creditrisk.sources.raw_folder import RawFolder, Wanted
from creditrisk.sources.registry import CONNECTORS, connect, fetch
from creditrisk.sources.unpack import Limits

__all__ = [
    "CONNECTORS",
    "ENDINGS",
    "Bringer",
    "FileSource",
    "Landed",
    "Limits",
    "Patience",
    "RawFolder",
    "Remote",
    "Wanted",
    "connect",
    "fetch",
]
