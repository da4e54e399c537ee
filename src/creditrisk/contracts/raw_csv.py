"""Where something stands in a CSV file: the line of a byte, the rows with a value, the cells of a line."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

_CHUNK = 2**20
_LINE_MAX = 2**16


@dataclass(frozen=True)
class Rejected:
    """One row. line: in the file, None where the format has none. example: the value, shortened."""

    line: int | None
    column: str | None
    reason: str
    example: str = ""


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
    # DuckDB puts a last line of one byte behind the end of the file.
    return lines | dict.fromkeys(waiting, line)


def cells_at(path: Path, lines: set[int]) -> dict[int, list[str]]:
    """{line: its cells}, of lines up to 64 KB, each taken for itself."""
    found: dict[int, list[str]] = {}
    with _opened(path) as stream:
        number = 0
        while len(found) < len(lines) and (line := stream.readline(_LINE_MAX)):
            if number + 1 in lines and number + 1 not in found:
                text = line.decode("utf-8", errors="replace")
                try:
                    found[number + 1] = next(csv.reader([text.rstrip("\r\n")]), [])
                except csv.Error:
                    found[number + 1] = []
            number += line.endswith(b"\n")
    return found


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


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as stream:
        yield cast("IO[bytes]", stream)
