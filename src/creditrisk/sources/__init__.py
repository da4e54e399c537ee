"""Bytes arrive: a raw table is found, proved to be what it claims to be, and laid where it can be read."""

from creditrisk.sources.base import Bringer, Landed, Remote
from creditrisk.sources.file import FileSource
from creditrisk.sources.registry import CONNECTORS, connect, fetch
from creditrisk.sources.unpack import Limits

__all__ = ["CONNECTORS", "Bringer", "FileSource", "Landed", "Limits", "Remote", "connect", "fetch"]
