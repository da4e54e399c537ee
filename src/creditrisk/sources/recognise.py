"""What a file is, by its bytes and never by its name."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from creditrisk.errors import BrokenFile

HEAD = 4096
"""Bytes that are enough to recognise whatever is recognised here."""


class Content(StrEnum):
    """What can be read."""

    TEXT = "text"
    GZIP = "gzip"
    ZIP = "zip"
    PARQUET = "Parquet"


_READ = {b"\x1f\x8b": Content.GZIP, b"PK\x03\x04": Content.ZIP, b"PK\x05\x06": Content.ZIP, b"PAR1": Content.PARQUET}

_UNPACK = "unpack it, and give the table as .csv, .csv.gz, .zip or .parquet"
_EXPORT = "export the table as CSV (UTF-8) or Parquet"
_ANOTHER = "give the table itself, as CSV or Parquet"

_REFUSED = (
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", "a bzip2 archive", _UNPACK),
    (rb"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (rb"7z\xbc\xaf'\x1c", "a 7z archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (rb"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (rb"\x04\x22\x4d\x18", "an LZ4 archive", _UNPACK),
    (rb"\x1f[\x9d\xa0]", "a Unix compress archive", _UNPACK),
    (rb"(?s).{257}ustar", "a tar archive", _UNPACK),
    (rb"PARE", "an encrypted Parquet file", "write it without encryption; keys are not taken here"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls) or another old Office document", _EXPORT),
    (rb"%PDF-", "a PDF document", _EXPORT),
    (rb"SQLite format 3\x00", "an SQLite database", _EXPORT),
    (rb"(?s).{8}DUCK", "a DuckDB database", _EXPORT),
    (rb"ORC", "an ORC file", _EXPORT),
    (rb"Obj\x01", "an Avro file", _EXPORT),
    (rb"(ARROW1|FEA1)", "an Arrow (Feather) file", _EXPORT),
    (rb"\x89HDF\r\n", "an HDF5 file", _EXPORT),
    (rb"\x80[\x02-\x05][\x8c\x95\]}(c]", "a Python pickle, which is never opened here", _EXPORT),
    (rb"(\x89PNG|\xff\xd8\xff|GIF8)", "a picture", _ANOTHER),
    (rb"version https://git-lfs", "a Git LFS pointer, not the file itself", "fetch the file with `git lfs pull`"),
)  # fmt: skip

_REFUSED_TEXTS = (
    (rb"(?i)<(!doctype html|html|head|body|meta|script)\b", "an HTML page",
     "probably a login or error page was saved instead of the file: sign in and fetch it again"),
    (rb"<(\?xml|!--|[A-Za-z]+[ >])", "an XML document", "if it is a server's error message, fetch the file again"),
    (rb"(?s)(\{\s*[\"}]|\[\s*[\[{\"\d\]])", "a JSON document", _EXPORT),
)  # fmt: skip


def content_of(head: bytes, *, where: str) -> Content:
    """What the first bytes of a file say it is. Raises BrokenFile, with what to do, for what cannot be a table."""
    for magic, content in _READ.items():
        if head.startswith(magic):
            return content
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    refused = next((told for told in _REFUSED if re.match(told[0], head)), None) or next(
        (told for told in _REFUSED_TEXTS if re.match(told[0], text)), None
    )
    if refused is not None:
        raise BrokenFile(f"this is {refused[1]}, not a table", where=where, hint=refused[2])
    return Content.TEXT


def head_of(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(HEAD)


def office_document(names: set[str]) -> str | None:
    """What a zip with these entries really is, when it is no archive of tables."""
    if "[Content_Types].xml" in names:
        for folder, called in (("xl/", "an Excel workbook"), ("word/", "a Word document"), ("ppt/", "a presentation")):
            if any(name.startswith(folder) for name in names):
                return called
    if "mimetype" in names and "content.xml" in names:
        return "an OpenDocument file"
    return None
