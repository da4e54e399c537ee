"""A folder on this machine that holds <stem>.csv, .csv.gz, .zip or .parquet."""

from __future__ import annotations

import hashlib
from pathlib import Path

from creditrisk.config import Table
from creditrisk.errors import BadData, BadUsage, BrokenFile, MissingInput, did_you_mean
from creditrisk.kinds import sha256_of_file
from creditrisk.sources.base import Landed, TableFormat
from creditrisk.sources.unpack import check_gzip, unpack_zip

ENDINGS = (".csv", ".csv.gz", ".zip", ".parquet")

_MAGIC = {b"\x1f\x8b": ".csv.gz", b"PK\x03\x04": ".zip", b"PK\x05\x06": ".zip", b"PAR1": ".parquet"}


class FileSource:
    """The connector `file`: the raw folder itself. It takes no options."""

    def fetch(self, table: Table, stem: str, raw: Path, landing: Path) -> Landed | None:
        if not raw.is_dir():
            raise MissingInput("no such folder of raw tables", where=str(raw), hint="give one with --raw DIR")
        found = [path for ending in ENDINGS if (path := raw / f"{stem}{ending}").is_file()]
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise BadUsage(
                f'several files could be the table "{stem}": {names}', where=str(raw), hint="keep one of them"
            )
        return _land(found[0], table.md5, landing) if found else None


def look_for(stem: str, raw: Path) -> str:
    """The hint for a table that is not there: what was looked for, what is there, what was probably meant."""
    there = sorted(path.name for path in raw.iterdir() if path.is_file() and path.name.endswith(ENDINGS))
    looked = ", ".join(f"{stem}{ending}" for ending in ENDINGS)
    return f"looked for {looked}; {did_you_mean(stem, {_stem(name) for name in there})}"


def _land(source: Path, md5: str | None, landing: Path) -> Landed:
    size = source.stat().st_size
    if size == 0:
        raise BadData("the file is empty", where=str(source), hint="fetch it again, or remove it")
    ending = _checked_ending(source)
    found = _checked_md5(source, md5)
    path, kind = _unpacked(source, ending, landing)
    return Landed(path, kind, source, size, sha256_of_file(source), found)


def _unpacked(source: Path, ending: str, landing: Path) -> tuple[Path, TableFormat]:
    if ending == ".zip":
        path = unpack_zip(source, landing)
        return path, "parquet" if _checked_ending(path) == ".parquet" else "csv"
    if ending == ".csv.gz":
        check_gzip(source)
        return source, "csv.gz"
    return source, "parquet" if ending == ".parquet" else "csv"


def _checked_ending(path: Path) -> str:
    """The ending of the name, when the first bytes do not contradict it."""
    named = next(ending for ending in sorted(ENDINGS, key=len, reverse=True) if path.name.endswith(ending))
    with path.open("rb") as stream:
        head = stream.read(4)
    real = next((ending for magic, ending in _MAGIC.items() if head.startswith(magic)), ".csv")
    if named != real:
        raise BrokenFile(
            f"the name says {named}, the bytes say {real}" if real != ".csv" else f"this is not a {named} file",
            where=str(path),
            hint=f"rename it to {_stem(path.name)}{real}" if real != ".csv" else "fetch it again",
        )
    return named


def _checked_md5(path: Path, expected: str | None) -> str | None:
    if expected is None:
        return None
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "md5").hexdigest()
    if found != expected.lower():
        raise BrokenFile(
            f"the checksum differs: md5 expected {expected.lower()}, found {found}",
            where=str(path),
            hint="fetch the file again; if the new content is right, correct md5 in portfolio.yaml",
        )
    return found


def _stem(name: str) -> str:
    return next(name.removesuffix(ending) for ending in sorted(ENDINGS, key=len, reverse=True) if name.endswith(ending))
