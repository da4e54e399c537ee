"""Archives are opened with suspicion: bounded, inside the landing folder, and whole or not at all.

No name inside an archive ever becomes a name on this machine.
"""

from __future__ import annotations

import gzip
import io
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from creditrisk.errors import BadData, BrokenFile, CreditRiskError, OutsideFailed
from creditrisk.files import whole_file
from creditrisk.sources.recognise import HEAD, Content, content_of, office_document
from creditrisk.sources.survey import Surveyor

RATIO_FROM_BYTES = 64 * 2**20
"""Below this size a high ratio harms nobody."""

DEPTH_MAX = 3
"""Archives in archives."""

_CHUNK = 2**20
_TABLE_ENDINGS = (".csv", ".parquet", ".csv.gz", ".zip", ".gz", ".tsv", ".txt")
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}
_METHOD_NAMES = {9: "Deflate64", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "WinZip's encryption"}
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")
_DIRECTORY_BYTES_AN_ENTRY = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may unpack to.

    ratio: unpacked to packed bytes. The emptiest real table reaches 60; deflate cannot pass 1032.
    """

    bytes: int = 200 * 2**30
    ratio: float = 250
    entries: int = 1000


def unpack_zip(archive: Path, target: Path, limits: Limits | None = None) -> Path:
    """The one table of a zip, at `target`, byte for byte; what it is, its bytes say.

    Raises BrokenFile when it is damaged, locked, escapes the folder or is a bomb, BadData when it holds no table or
    several, OutsideFailed when the disk has no room.
    """
    limits = limits or Limits()
    with _damage_named(archive):
        _bound_directory(archive, limits)
        with zipfile.ZipFile(archive) as opened:
            entry = _one_table(opened, archive, limits)
            _check_room(entry.file_size, target.parent, archive, limits)
            with whole_file(target) as partial, opened.open(entry) as packed, partial.open("wb") as out:
                written = _copy(packed, out.write, archive.stat().st_size, archive, limits)
                if written != entry.file_size:
                    raise zipfile.BadZipFile(f"{entry.file_size} bytes were promised, {written} are there")
    return target


def unpack_gzip(archive: Path, target: Path, limits: Limits | None = None) -> Path:
    """All members of a gzip, one after the other. Raises as `unpack_zip`."""
    limits = limits or Limits()
    _check_room(0, target.parent, archive, limits)
    with _damage_named(archive), gzip.open(archive) as packed, whole_file(target) as partial, partial.open("wb") as out:
        _copy(cast("IO[bytes]", packed), out.write, archive.stat().st_size, archive, limits)
    return target


def check_gzip(archive: Path, limits: Limits | None = None) -> Surveyor:
    """What the text inside holds. Raises BrokenFile unless the whole file unpacks and its own checksums agree.

    DuckDB reads .csv.gz itself, but without comparing checksums: a flipped byte would pass as another number.
    """
    surveyor = Surveyor()
    with _damage_named(archive), gzip.open(archive) as packed:
        _copy(cast("IO[bytes]", packed), surveyor.feed, archive.stat().st_size, archive, limits or Limits())
    return surveyor


def gzip_content(archive: Path) -> Content:
    """What is inside a gzip, by its first bytes."""
    with _damage_named(archive), gzip.open(archive) as packed:
        return content_of(packed.read(HEAD), where=str(archive))


def plain_gzip(archive: Path) -> bool:
    """Can DuckDB read it? It takes no header field but a name, and no zeros behind the end."""
    with archive.open("rb") as stream:
        flags = stream.read(4)[3:4]
        stream.seek(-min(8, archive.stat().st_size), io.SEEK_END)
        return flags in (b"\x00", b"\x08") and any(stream.read())


def bytes_behind(archive: Path) -> int:
    """How many bytes follow the end that a zip itself states."""
    end = _end_record(archive)
    return 0 if end is None else end.behind


@contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    try:
        yield
    except CreditRiskError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError) as error:
        raise _damaged(archive, error) from error
    except RuntimeError as error:  # zipfile's way to ask for a password
        raise BrokenFile("the archive is encrypted", where=str(archive), hint="unpack it yourself") from error
    except OSError as error:
        if error.errno is not None:  # the machine's fault, not the archive's
            raise OutsideFailed(
                f"cannot be unpacked: {error.strerror}", where=str(archive), hint="free disk space, or see the rights"
            ) from error
        raise _damaged(archive, error) from error


@dataclass(frozen=True, slots=True)
class _End:
    directory_bytes: int
    behind: int


def _end_record(archive: Path) -> _End | None:
    """The end of a zip's central directory; None where there is none to be seen."""
    size = archive.stat().st_size
    with archive.open("rb") as stream:
        stream.seek(max(0, size - 2**16 - 22))
        start, tail = stream.tell(), stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return None
    directory, comment = struct.unpack("<I4xH", tail[at + 12 : at + 22])
    if directory == 0xFFFFFFFF:
        wide = tail.rfind(b"PK\x06\x06", 0, at)
        if wide >= 0 and len(tail) >= wide + 48:
            (directory,) = struct.unpack("<Q", tail[wide + 40 : wide + 48])
    return _End(directory, size - (start + at + 22 + comment))


def _bound_directory(archive: Path, limits: Limits) -> None:
    """Refuse before Python's reader takes a directory of millions of entries into memory."""
    end = _end_record(archive)
    if end is not None and end.directory_bytes > (limits.entries + 1) * _DIRECTORY_BYTES_AN_ENTRY:
        raise _too_many(f"a directory of {end.directory_bytes / 2**20:.1f} MB: too many", archive)


def _too_many(count: str, archive: Path) -> BrokenFile:
    return BrokenFile(f"{count} files in one archive", where=str(archive), hint="pack one table, alone")


def _one_table(opened: zipfile.ZipFile, archive: Path, limits: Limits) -> zipfile.ZipInfo:
    entries = [entry for entry in opened.infolist() if not entry.is_dir()]
    if len(entries) > limits.entries:
        raise _too_many(str(len(entries)), archive)
    office = office_document({entry.filename for entry in entries})
    if office is not None:
        raise BrokenFile(
            f"this is {office}, not a table", where=str(archive), hint="export the table as CSV (UTF-8) or Parquet"
        )
    for entry in entries:
        _refuse_escape(entry, archive)
    # Packing on macOS adds __MACOSX/._name beside every file.
    files = [
        entry
        for entry in entries
        if not entry.filename.startswith("__MACOSX/") and not PurePosixPath(entry.filename).name.startswith(".")
    ]
    tables = [entry for entry in files if entry.filename.lower().endswith((".csv", ".parquet"))]
    tables = tables or [entry for entry in files if entry.filename.lower().endswith(_TABLE_ENDINGS)]
    tables = [entry for entry in tables if not re.match(r"(?i)read.?me", PurePosixPath(entry.filename).name)]
    if len(tables) != 1:
        raise _not_one(tables, entries, archive)
    if tables[0].flag_bits & 1:
        raise BrokenFile("the archive is encrypted", where=str(archive), hint="unpack it yourself")
    if tables[0].compress_type not in _METHODS:
        method = _METHOD_NAMES.get(tables[0].compress_type, f"method {tables[0].compress_type}")
        raise BrokenFile(f"packed with {method}, which is not read", where=str(archive), hint="pack it as usual")
    return tables[0]


def _refuse_escape(entry: zipfile.ZipInfo, archive: Path) -> None:
    place = PurePosixPath(entry.filename.replace("\\", "/"))
    outside = place.is_absolute() or ".." in place.parts or any(":" in part for part in place.parts)
    if outside or stat.S_ISLNK(entry.external_attr >> 16) or any(_DEVICES.match(part) for part in place.parts):
        raise BrokenFile(
            f'the entry "{entry.filename[:80]}" points outside the archive', where=str(archive), hint="do not use it"
        )


def _not_one(tables: list[zipfile.ZipInfo], entries: list[zipfile.ZipInfo], archive: Path) -> BadData:
    told = sorted(entry.filename for entry in tables or entries)
    doubled = next((name for name in told if told.count(name) > 1), None)
    if doubled is not None:
        return BadData(
            f'the entry "{doubled[:60]}" stands {told.count(doubled)} times in the archive',
            where=str(archive),
            hint="nobody can tell which one is meant: pack the right one, alone",
        )
    names = ", ".join(name[:60] for name in told[:5]) or "nothing"
    return BadData(
        f"the archive holds {len(tables)} tables (.csv or .parquet), not one: {names}",
        where=str(archive),
        hint="pack each table into a zip of its own, or unpack them into the folder",
    )


def _check_room(needed: int, landing: Path, archive: Path, limits: Limits) -> None:
    landing.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(landing).free
    if min(needed, limits.bytes) > free:
        raise OutsideFailed(
            f"unpacking needs {needed / 2**30:.1f} GB, the disk has {free / 2**30:.1f} GB free",
            where=str(archive),
            hint="free disk space, or give another --workspace",
        )


def _copy(packed: IO[bytes], take: Callable[[bytes], object], packed_size: int, archive: Path, limits: Limits) -> int:
    """Hand on every byte; what the archive says about its own size is not believed."""
    written = 0
    while chunk := packed.read(_CHUNK):
        written += len(chunk)
        if written > limits.bytes or (written > RATIO_FROM_BYTES and written > limits.ratio * packed_size):
            raise BrokenFile(
                f"unpacks to more than {written / 2**20:.0f} MB from {packed_size / 2**20:.1f} MB: an archive bomb",
                where=str(archive),
                hint="if you trust it, unpack it yourself or raise CREDITRISK_UNPACK_MAX_RATIO or _MAX_GB",
            )
        take(chunk)
    return written


def _damaged(archive: Path, error: BaseException) -> BrokenFile:
    return BrokenFile(f"the archive is damaged: {error}", where=str(archive), hint="fetch it again")
