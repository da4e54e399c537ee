"""What can be said of a CSV file without reading it whole: its header, and the line on which a byte stands."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import IO, cast

from creditrisk.errors import BadData

_CHUNK = 2**20
_HEADER_MAX = 2**20


def read_header(path: Path) -> list[str]:
    """Names of the columns, outer blanks removed; "" for a column without a name.

    Raises BadData when the first line is no header that can be read with certainty.
    """
    text = _head(path).decode("utf-8-sig", errors="replace")
    try:
        names = [name.strip() for name in next(csv.reader(StringIO(text, newline="")), [])]
    except csv.Error as error:
        raise BadData(
            f"no header can be read: {error}", where=f"{path}, line 1", hint="fetch the file again"
        ) from error
    if any("\ufffd" in name or "\x00" in name for name in names):
        raise BadData("the header is not UTF-8 text", where=f"{path}, line 1", hint="save the file as UTF-8")
    if not any(names):
        raise BadData("the file has no header", where=f"{path}, line 1", hint="the first line names the columns")
    _refuse_other_separator(names, path)
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise BadData(
            f"the header names {', '.join(doubled[:5])} twice", where=f"{path}, line 1", hint="rename or remove one"
        )
    return names


def line_of_byte(path: Path, positions: Sequence[int]) -> dict[int, int]:
    """{position: line it stands on, from 1}. Reads up to the largest position.

    DuckDB's own line number counts a quoted line break as none.
    """
    lines: dict[int, int] = {}
    waiting = sorted(set(positions), reverse=True)
    read, line = 0, 1
    with _opened(path) as stream:
        while waiting and (chunk := stream.read(_CHUNK)):
            start = 0
            while waiting and waiting[-1] < read + len(chunk):
                end = waiting[-1] - read
                line += chunk.count(b"\n", start, end)
                start = end
                lines[waiting.pop()] = line
            line += chunk.count(b"\n", start)
            read += len(chunk)
    return lines


def rows_with(path: Path, wanted: Mapping[int, set[str]], limit: int) -> list[tuple[int, int, str]]:
    """The first rows that hold one of the wanted texts: (line, position of the column, text), at most `limit`.

    wanted: {position of a column: texts}.
    """
    found: list[tuple[int, int, str]] = []
    with _opened(path) as stream, TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="") as text:
        reader = csv.reader(text)
        before = 0
        try:
            for row in reader:
                for position, texts in wanted.items():
                    if position < len(row) and row[position] in texts and before:
                        found.append((before + 1, position, row[position]))
                if len(found) >= limit:
                    break
                before = reader.line_num
        except csv.Error:  # a cell longer than Python's reader takes: the rows found so far will do
            pass
    return found[:limit]


def _head(path: Path) -> bytes:
    with _opened(path) as stream:
        return stream.read(_HEADER_MAX)


def _refuse_other_separator(names: Sequence[str], path: Path) -> None:
    if len(names) > 1:
        return
    for separator, called in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if separator in names[0]:
            raise BadData(
                f"the columns are separated by {called}", where=f"{path}, line 1", hint="save the file with commas"
            )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as stream:
        yield cast("IO[bytes]", stream)
