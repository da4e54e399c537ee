"""Archives are opened with suspicion: bounded, inside the landing folder, and whole or not at all."""

from __future__ import annotations

import gzip
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, cast

from creditrisk.errors import BadData, BrokenFile, OutsideFailed
from creditrisk.files import whole_file

MAX_RATIO = 250
"""Unpacked to packed bytes. The emptiest real table reaches 60; deflate cannot pass 1032."""

RATIO_FROM_BYTES = 64 * 2**20
"""Below this size a high ratio harms nobody."""

MAX_BYTES = 200 * 2**30
MAX_ENTRIES = 1000

_CHUNK = 2**20
_TABLE_ENDINGS = (".csv", ".parquet")


def unpack_zip(archive: Path, landing: Path) -> Path:
    """The one table file of a zip, as <stem of the zip>.csv or .parquet in `landing`.

    Raises BrokenFile when it is damaged, locked, escapes the folder or is a bomb, BadData when it holds no table or
    several, OutsideFailed when the disk has no room.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entry = _one_table(opened, archive)
            _check_room(entry.file_size, landing, archive)
            target = landing / f"{archive.stem}{PurePosixPath(entry.filename).suffix.lower()}"
            with whole_file(target) as partial, opened.open(entry) as packed, partial.open("wb") as out:
                _copy(packed, out, archive.stat().st_size, archive)
            return target
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise _damaged(archive, error) from error
    except RuntimeError as error:  # zipfile's way to ask for a password
        raise BrokenFile("the archive is encrypted", where=str(archive), hint="unpack it yourself") from error


def check_gzip(archive: Path) -> None:
    """Raises BrokenFile unless the whole file unpacks and its own checksums agree.

    DuckDB reads .csv.gz itself, but without comparing checksums: a flipped byte would pass as another number.
    """
    try:
        with gzip.open(archive) as packed:
            _copy(cast("IO[bytes]", packed), None, archive.stat().st_size, archive)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(archive, error) from error


def _one_table(opened: zipfile.ZipFile, archive: Path) -> zipfile.ZipInfo:
    entries = [entry for entry in opened.infolist() if not entry.is_dir()]
    if len(entries) > MAX_ENTRIES:
        raise BrokenFile(f"{len(entries)} files in one archive", where=str(archive), hint="pack one table, alone")
    for entry in entries:
        place = PurePosixPath(entry.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in place.parts[0]:
            raise BrokenFile(
                f'the entry "{entry.filename[:80]}" points outside the archive',
                where=str(archive),
                hint="do not use it",
            )
    # Packing on macOS adds __MACOSX/._name beside every file.
    tables = [
        entry
        for entry in entries
        if entry.filename.lower().endswith(_TABLE_ENDINGS)
        and not entry.filename.startswith("__MACOSX/")
        and not PurePosixPath(entry.filename).name.startswith(".")
    ]
    if len(tables) != 1:
        names = ", ".join(entry.filename[:60] for entry in (tables or entries)[:5]) or "nothing"
        raise BadData(
            f"the archive holds {len(tables)} tables (.csv or .parquet), not one: {names}",
            where=str(archive),
            hint="pack each table into a zip of its own, or unpack them into the folder",
        )
    return tables[0]


def _check_room(needed: int, landing: Path, archive: Path) -> None:
    landing.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(landing).free
    if min(needed, MAX_BYTES) > free:
        raise OutsideFailed(
            f"unpacking needs {needed / 2**30:.1f} GB, the disk has {free / 2**30:.1f} GB free",
            where=str(archive),
            hint="free disk space, or give another --workspace",
        )


def _copy(packed: IO[bytes], out: IO[bytes] | None, packed_size: int, archive: Path) -> None:
    """Copy, or only read; what the archive says about its own size is not believed."""
    written = 0
    while chunk := packed.read(_CHUNK):
        written += len(chunk)
        if written > MAX_BYTES or (written > RATIO_FROM_BYTES and written > MAX_RATIO * packed_size):
            raise BrokenFile(
                f"unpacks to more than {written / 2**20:.0f} MB from {packed_size / 2**20:.1f} MB: an archive bomb",
                where=str(archive),
                hint="unpack it yourself if you trust it",
            )
        if out is not None:
            out.write(chunk)


def _damaged(archive: Path, error: BaseException) -> BrokenFile:
    return BrokenFile(f"the archive is damaged: {error}", where=str(archive), hint="fetch it again")
