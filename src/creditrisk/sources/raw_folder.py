"""The raw folder of a workspace: what is fetched into it, from where, and what need not be fetched again."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

from creditrisk.config import Promised, Source, Table
from creditrisk.errors import BadUsage, BrokenFile
from creditrisk.files import PARTIAL, Checksums, checksums, hashes_of, held, read_json, sync, write_json
from creditrisk.ports import Storage
from creditrisk.sources.base import Bringer, Remote
from creditrisk.sources.download import Arrived, Patience, Told, discard, download, forget_note
from creditrisk.sources.file import ENDING, ENDINGS, FileSource
from creditrisk.sources.recognise import content_of, head_of
from creditrisk.sources.registry import connect

SOURCES = ".sources.json"
"""{file name: {uri, size, md5, sha256, version, modified, fetched_at, promised}} of what was fetched."""

UNFINISHED = ".fetching-"
"""Prefix of what is still on its way. Another one than `files.PARTIAL`: it outlives a run, to be resumed."""


@dataclass(frozen=True)
class Wanted:
    """One file that a book asks for: a table's, or the one to score."""

    table: str
    stem: str
    source: Source

    @property
    def promised(self) -> dict[str, str]:
        """The checksums that the book states, in lower case."""
        options = self.source.options
        stated = {"md5": options.md5, "sha256": options.sha256} if isinstance(options, Promised) else {}
        return {name: value.lower() for name, value in stated.items() if value}


@dataclass(frozen=True)
class RawFolder:
    """Where fetched files lie. `storage` for kinds of buckets, `now` for the time of fetching."""

    path: Path
    storage: Storage | None = None
    patience: Patience = field(default_factory=Patience)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def bring(self, wanted: Wanted, told: Told) -> bool:
        """Have the file here, whole and as promised. Says whether it had to be fetched.

        Raises MissingObject when the source has no such file, BrokenFile when another one arrived than was promised,
        BadUsage when a file of that name is here that nobody fetched, OutsideFailed.
        """
        remote = connect(wanted.source, self.storage)
        if remote is None:
            return False
        part = self.path / f"{UNFINISHED}{wanted.stem}"
        with held(part.with_name(f"{part.name}.lock")):
            if self.is_here(wanted, remote) is not None:
                return False
            arrived = download(remote, part, told, self.patience)
            try:
                self._land(wanted, remote, part, arrived)
            except BrokenFile:
                discard(part)
                raise
        return True

    def is_here(self, wanted: Wanted, remote: Remote | Bringer) -> Path | None:
        """The file, if it need not be fetched: its bytes are those promised, or those that the source has now."""
        known = self.fetched()
        for path in self._candidates(wanted.stem):
            entry, promised = known.get(path.name), wanted.promised
            found = checksums(path)
            if promised and _kept(promised, path, found, entry):
                return path
            if entry is None:
                raise BadUsage(
                    "a file of that name lies here that was not fetched"
                    + (", and it is not the one that the book promises" if promised else ""),
                    where=str(path),
                    hint="move it away to have it fetched, or name its folder with --raw DIR to use it as it is",
                )
            if not promised and found.sha256 == entry["sha256"] and _is_current(entry, remote):
                return path
        return None

    def find(self, stem: str) -> Path | None:
        """The file of that stem, wherever it came from."""
        return next(iter(self._candidates(stem)), None)

    def fetched(self) -> dict[str, Any]:
        """What was fetched into this folder, by file name."""
        file = self.path / SOURCES
        return read_json(file) if file.is_file() else {}

    def _land(self, wanted: Wanted, remote: Remote | Bringer, part: Path, arrived: Arrived) -> None:
        ending = _ending(part, remote.uri)
        if wanted.promised and not _kept(wanted.promised, part, arrived.checksums, None):
            stated = ", ".join(f"{name} expected {value}" for name, value in wanted.promised.items())
            found = ", ".join(f"{getattr(arrived.checksums, name)}" for name in wanted.promised)
            raise BrokenFile(
                f"the checksum differs: {stated}, found {found}",
                where=remote.uri,
                hint="ask its owner which is right; if the new content is, correct it under source in portfolio.yaml",
            )
        path = self.path / f"{wanted.stem}{ending}"
        older = [other for other in self._candidates(wanted.stem) if other != path and other.name in self.fetched()]
        # First the note, then the name: killed in between, the next run finds its own file and not a stranger's.
        self._note({path.name: self._entry(wanted, arrived)})
        part.replace(path)
        sync(self.path)
        forget_note(part)
        for other in older:
            other.unlink()
        self._note({other.name: None for other in older})

    def _entry(self, wanted: Wanted, arrived: Arrived) -> dict[str, Any]:
        stat = arrived.stat
        return {
            "uri": stat.uri,
            "size": arrived.size,
            "md5": arrived.checksums.md5,
            "sha256": arrived.checksums.sha256,
            "version": stat.version,
            "modified": stat.modified.isoformat() if stat.modified else None,
            "fetched_at": self.now().isoformat(),
            "promised": wanted.promised,
        }

    def _note(self, changes: Mapping[str, dict[str, Any] | None]) -> None:
        """Change entries by file name; None takes one out."""
        if changes:
            with held(self.path / f"{SOURCES}.lock"):
                after = {**self.fetched(), **changes}
                write_json(self.path / SOURCES, {name: entry for name, entry in after.items() if entry is not None})

    def _candidates(self, stem: str) -> list[Path]:
        return [path for ending in ENDINGS if (path := self.path / f"{stem}{ending}").is_file()]


def _is_current(entry: Mapping[str, Any], remote: Remote | Bringer) -> bool:
    stat = remote.stat()
    return stat.version is not None and entry["uri"] == stat.uri and entry["version"] == stat.version


def _kept(promised: Mapping[str, str], path: Path, found: Checksums, entry: Mapping[str, Any] | None) -> bool:
    """Are these the bytes promised, of the file itself or of the one table in it?

    entry: what was noted when it was fetched; it saves the unpacking.
    """
    if _agree(promised, found):
        return True
    if entry is not None and entry["sha256"] == found.sha256:
        return bool(entry["promised"] == promised)
    inside = _table_inside(path)
    return inside is not None and _agree(promised, inside)


def _agree(promised: Mapping[str, str], found: Checksums) -> bool:
    return all(getattr(found, name) == value for name, value in promised.items())


def _table_inside(path: Path) -> Checksums | None:
    """Of the one table in a zip or gzip file; None for everything else."""
    ending = _ending(path, str(path))
    if ending not in (".zip", ".csv.gz"):
        return None
    with TemporaryDirectory(prefix=PARTIAL, dir=path.parent) as folder:
        named = Path(folder) / f"table{ending}"
        named.hardlink_to(path)
        landed = FileSource().fetch(Table(file="table"), "table", Path(folder), Path(folder) / "unpacked")
        if landed is None:
            return None
        if landed.format == "csv.gz":
            with gzip.open(landed.path) as stream:  # its own checksums have been looked at
                return hashes_of(cast("IO[bytes]", stream)).checksums()
        return checksums(landed.path)


def _ending(path: Path, where: str) -> str:
    """The ending of a name for it, by its bytes. Raises BrokenFile when they are no table's, such as a web page's."""
    if path.stat().st_size == 0:
        raise BrokenFile("the file is empty", where=where, hint="ask its owner")
    return ENDING[content_of(head_of(path), where=where)]
