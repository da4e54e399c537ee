"""A folder on this machine that holds <stem>.csv, .csv.gz, .zip or .parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from creditrisk.config import Table
from creditrisk.errors import BadData, BadUsage, BrokenFile, CreditRiskError, MissingInput, did_you_mean
from creditrisk.kinds import sha256_of_file
from creditrisk.sources.base import Landed, TableFormat
from creditrisk.sources.recognise import Content, content_of, head_of
from creditrisk.sources.survey import Survey, survey_of
from creditrisk.sources.unpack import (
    DEPTH_MAX,
    Limits,
    bytes_behind,
    check_gzip,
    gzip_content,
    plain_gzip,
    unpack_gzip,
    unpack_zip,
)

ENDING = {Content.TEXT: ".csv", Content.GZIP: ".csv.gz", Content.ZIP: ".zip", Content.PARQUET: ".parquet"}
"""What a file of this content is called."""

ENDINGS = tuple(ENDING.values())

_CALLED = {
    Content.TEXT: "a plain text", Content.GZIP: "a gzip", Content.ZIP: "a zip", Content.PARQUET: "a Parquet file",
}  # fmt: skip


class FileSource:
    """The connector `file`: the raw folder itself. It takes no options."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()

    def fetch(self, table: Table, stem: str, raw: Path, landing: Path) -> Landed | None:
        if not raw.is_dir():
            raise MissingInput(
                "no such folder of raw tables",
                where=str(raw),
                hint="name one that is there: --raw DIR, to score --input DIR",
            )
        found = [path for ending in ENDINGS if (path := raw / f"{stem}{ending}").is_file()]
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise BadUsage(
                f'several files could be the table "{stem}": {names}', where=str(raw), hint="keep one of them"
            )
        return _land(found[0], table.md5, landing, self._limits) if found else None


def look_for(stem: str, raw: Path) -> str:
    """The hint for a table that is not there: what was looked for, what is there, what was probably meant."""
    there = sorted(path.name for path in raw.iterdir() if path.is_file() and path.name.endswith(ENDINGS))
    looked = ", ".join(f"{stem}{ending}" for ending in ENDINGS)
    return f"looked for {looked}; {did_you_mean(stem, {_stem(name) for name in there})}"


def _land(source: Path, md5: str | None, landing: Path, limits: Limits) -> Landed:
    size = source.stat().st_size
    if size == 0:
        raise BadData("the file is empty", where=str(source), hint="fetch it again, or remove it")
    _need_md5(source, md5)
    taken = _opened(source, landing, limits)
    stated = md5.lower() if md5 else None
    return Landed(
        taken.path, taken.format, source, size, taken.sha256, stated, survey=taken.survey, remarks=tuple(taken.remarks)
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is read of a source, in which format; sha256 is of the source."""

    path: Path
    format: TableFormat
    sha256: str
    survey: Survey
    remarks: list[str]


def _opened(source: Path, landing: Path, limits: Limits) -> _Taken:
    """Open archives, and archives in archives, until there is a table; only bytes say what is what."""
    stem, path = _stem(source.name), source
    remarks: list[str] = []
    try:
        for depth in range(DEPTH_MAX + 1):
            unpacked = landing / f"{stem}.unpacked-{depth}"
            content = content_of(head_of(path), where=str(source))
            if path is source:
                remarks += _name_remark(source, content)
            if content is Content.ZIP:
                remarks += _behind_remark(path)
                path = _replaced(path, source, unpack_zip(path, unpacked, limits))
            elif content is Content.GZIP and (gzip_content(path) is not Content.TEXT or not plain_gzip(path)):
                path = _replaced(path, source, unpack_gzip(path, unpacked, limits))
            else:
                return _table(path, content, source, landing, limits, remarks)
    except CreditRiskError as error:
        error.where = str(source) if path is source else f"{source}, the file inside"
        raise
    raise BrokenFile(
        f"an archive in an archive, more than {DEPTH_MAX} deep", where=str(source), hint="unpack it, and see what it is"
    )


def _table(path: Path, content: Content, source: Path, landing: Path, limits: Limits, remarks: list[str]) -> _Taken:
    if path.stat().st_size == 0:
        raise BadData("the file is empty", where=str(path), hint="fetch it again, or remove it")
    if path is source and content is Content.TEXT:
        digest = hashlib.sha256()
        survey = survey_of(path, digest)
        return _Taken(path, "csv", digest.hexdigest(), survey, remarks)
    survey = Survey()
    if content is Content.GZIP:
        survey = check_gzip(path, limits).result()
    elif content is Content.TEXT:
        survey = survey_of(path)
    if path is not source:
        path = path.rename(landing / f"{_stem(source.name)}{ENDING[content]}")
    return _Taken(path, _FORMAT[content], sha256_of_file(source), survey, remarks)


_FORMAT: Mapping[Content, TableFormat] = {Content.TEXT: "csv", Content.GZIP: "csv.gz", Content.PARQUET: "parquet"}


def _replaced(old: Path, source: Path, new: Path) -> Path:
    """The newly unpacked file; the archive it came from goes, unless it is the source itself."""
    if old is not source:
        old.unlink()
    return new


def _name_remark(source: Path, content: Content) -> list[str]:
    named = next(ending for ending in sorted(ENDINGS, key=len, reverse=True) if source.name.endswith(ending))
    if named == ENDING[content]:
        return []
    return [f"the name ends in {named}, the bytes are {_CALLED[content]}: read as {_CALLED[content]}"]


def _behind_remark(archive: Path) -> list[str]:
    behind = bytes_behind(archive)
    return [f"{behind:,} bytes follow the end of the archive and were not read"] if behind > 0 else []


def _need_md5(path: Path, expected: str | None) -> None:
    if expected is None:
        return
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "md5").hexdigest()
    if found != expected.lower():
        raise BrokenFile(
            f"the checksum differs: md5 expected {expected.lower()}, found {found}",
            where=str(path),
            hint="fetch the file again; if the new content is right, correct md5 in portfolio.yaml",
        )


def _stem(name: str) -> str:
    return next(name.removesuffix(ending) for ending in sorted(ENDINGS, key=len, reverse=True) if name.endswith(ending))
