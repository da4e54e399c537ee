"""An odd text file is copied, row by row, into the plain CSV that DuckDB reads: UTF-8, commas, line feeds.

Every row keeps the line it stands on, so whatever is found later is told with the line of the original.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING

from creditrisk.config import Contract
from creditrisk.contracts.decimal_sign import SIGNS, Evidence, Written, kind_of, written
from creditrisk.contracts.foreign_text import Letters
from creditrisk.contracts.layout import LINE_MAX, Layout, opened
from creditrisk.contracts.promises import NUMBERS
from creditrisk.contracts.raw_csv import Rejected, cells_at
from creditrisk.contracts.raw_table import RawTable
from creditrisk.contracts.rejects import SHOWN, Counts
from creditrisk.errors import BadData
from creditrisk.files import PARTIAL
from creditrisk.kinds import Finding, Severity

if TYPE_CHECKING:
    from creditrisk.sources import Landed

_NOTES_MAX = 50
_ESCAPED = re.compile("[\udc80-\udcff]")
_WORDS = re.compile(r"[^\W\d_]{2}|[#*(\[]")
_TOTAL = re.compile(r"(?i)((grand|sub)?[ -]?total|sum|summe|gesamt|average|mean|count)\b")


@dataclass(frozen=True, slots=True)
class Tidied:
    """The plain copy. rejected: rows that are not in it, the first of them told one by one."""

    landed: Landed
    names: tuple[str, ...]
    has_header: bool
    rejected: int
    shown: tuple[Rejected, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Row:
    line: int
    cells: list[str]


class _Shape:
    """Where what stands in a row of this table."""

    def __init__(self, layout: Layout, contract: Contract) -> None:
        self.names = list(layout.names)
        self.width = len(layout.names)
        known = {name: place for place, name in reversed(list(enumerate(layout.names)))}
        columns = {known[column.name]: column for column in contract.columns if column.name in known}
        self.columns = columns
        self.numbers = {
            place: column.name
            for place, column in columns.items()
            if column.type.startswith(NUMBERS) and column.format in ("plain", "percent")
        }
        self.missing = {place: set(column.missing) for place, column in columns.items()}

    def is_header(self, cells: list[str]) -> bool:
        return len(cells) >= self.width and [cell.strip("\ufeff \t") for cell in cells[: self.width]] == self.names

    def is_note(self, cells: list[str]) -> bool:
        """Is it a remark or a total rather than a row? Words stand where its first number belongs."""
        first = next((place for place, cell in enumerate(cells) if cell.strip()), None)
        if first is None or first not in self.numbers or cells[first] in self.missing[first]:
            return False
        words = cells[first].strip()
        if len(cells) != self.width:
            return bool(_WORDS.match(words))
        alone = not any(cell.strip() for cell in cells[first + 1 :])
        return bool(_TOTAL.match(words)) or (alone and self.width > 2 and " " in words and bool(_WORDS.match(words)))


@contextmanager
def tidied(landed: Landed, layout: Layout, contract: Contract, folder: Path) -> Iterator[Tidied]:
    """The copy lies in `folder` as long as it is needed.

    Raises BadData, with line, column and example, for what can be read in more than one way.
    """
    shape = _Shape(layout, contract)
    evidence, letters = Evidence(), Letters(contract)
    for row in _records(landed, layout):
        _take_evidence(row, shape, evidence, letters)
    letters.choose(layout.encoding, str(landed.source))
    numbers = written(contract, evidence, separator=layout.separator, file=str(landed.source))
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{PARTIAL}tidy-", dir=folder) as place:
        path = Path(place) / "table.csv"
        copy = _Copy(landed, contract, shape, numbers, letters)
        with path.open("w", encoding="utf-8", newline="") as out:
            copy.write(_records(landed, layout), out, layout.header_line)
        yield Tidied(
            replace(landed, path=path, format="csv"),
            layout.names if len(layout.names) > 1 else (*layout.names, ""),
            layout.header_line > 0,
            copy.rejected,
            tuple(copy.shown),
            tuple(
                [*_told_numbers(landed, contract, numbers, evidence), *letters.findings(landed.name), *copy.findings]
            ),
        )


def worth_tidying(raw: RawTable, counts: Counts) -> bool:
    """Would a plain copy help: is there, among the first rejected rows, one that is rejected for its looks only?"""
    if counts.foreign:
        return True
    layout = Layout("utf-8", ",", tuple(raw.types), 1, odd=False, findings=())
    shape = _Shape(layout, raw.contract)
    rows = cells_at(raw.landed.path, {row.line for row in counts.shown if row.line is not None})
    return any(
        not "".join(cells).strip(" \t\x1a\ufeff")
        or shape.is_header(cells)
        or shape.is_note(cells)
        or any(place < len(cells) and "," in cells[place] and kind_of(cells[place]) for place in shape.numbers)
        for cells in rows.values()
    )


def _records(landed: Landed, layout: Layout) -> Iterator[_Row]:
    """Every record below the header's line, blank lines too. Bytes that are no text arrive as lone surrogates."""
    with opened(landed) as stream, io.TextIOWrapper(stream, layout.encoding, _errors(layout), newline="") as text:
        lines = _bounded(text, landed)
        for _ in range(max(0, layout.header_line - 1)):
            next(lines, "")
        reader = csv.reader(lines, delimiter=layout.separator, strict=True)
        if layout.header_line:
            next(reader, None)
        skipped = max(0, layout.header_line - 1)
        while True:
            line = skipped + reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise _torn(error, landed, line) from error
            except UnicodeError as error:
                raise BadData(
                    f"the text breaks off: {error}", where=f"{landed.source}, line {line}", hint="fetch it again"
                ) from error
            yield _Row(line, cells)


def _errors(layout: Layout) -> str:
    return "strict" if layout.encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"


def _bounded(text: io.TextIOWrapper, landed: Landed) -> Iterator[str]:
    number = 0
    while line := text.readline(LINE_MAX):
        number += 1
        if len(line) >= LINE_MAX:
            raise BadData(
                f"a line is longer than {LINE_MAX:,} characters",
                where=f"{landed.source}, line {number}",
                hint="this is no table, or its line ends were lost: fetch it again",
            )
        yield line


def _torn(error: csv.Error, landed: Landed, line: int) -> BadData:
    what = "a quote is opened and never closed, so what follows cannot be told from text"
    if "expected after" in str(error):
        what = "text follows a closing quote, so nobody can tell where the value ends"
    return BadData(what, where=f"{landed.source}, line {line}", hint="correct the file, or fetch it again")


def _take_evidence(row: _Row, shape: _Shape, evidence: Evidence, letters: Letters) -> None:
    cells = row.cells
    if shape.is_header(cells):
        return
    for place, name in shape.numbers.items():
        if place < len(cells) and ("," in cells[place] or "." in cells[place]):
            evidence.add(kind_of(cells[place]), row.line, name, cells[place])
    for place, cell in enumerate(cells):
        if place in shape.columns and not cell.isascii():
            letters.see(shape.columns[place], row.line, cell)


class _Copy:
    """Writes the rows that are rows, and keeps account of everything else."""

    def __init__(self, landed: Landed, contract: Contract, shape: _Shape, numbers: Written, letters: Letters) -> None:
        self._landed, self._contract, self._shape = landed, contract, shape
        self._rewrite, self._letters = numbers.rewrite, letters
        self._decimal = numbers.decimal
        self._line = 1
        self._held: list[_Row] = []
        self._lines: dict[str, list[int]] = {}
        self.rejected = 0
        self.shown: list[Rejected] = []

    def write(self, rows: Iterator[_Row], out: IO[str], header_line: int) -> None:
        writer = csv.writer(out, lineterminator="\n")
        self._widened = len(self._shape.names) == 1
        if header_line:
            writer.writerow([f"c{place}" for place in range(max(2, self._shape.width))])
            self._line = 2
        for row in rows:
            kept = self._kept(row)
            if kept is None:
                continue
            for held in self._held:
                self._rejected(held, None, _RAGGED.format(self._shape.width, len(held.cells)))
            self._held.clear()
            out.write("\n" * (row.line - self._line))
            writer.writerow([*kept, ""] if self._widened else kept)
            self._line = row.line + 1 + sum(cell.count("\n") for cell in kept)
        if self._held:
            first = self._held[0]
            self._lines["notes"] = [held.line for held in self._held]
            self._note = ", ".join(cell.strip() for cell in first.cells if cell.strip())[:60]

    def _kept(self, row: _Row) -> list[str] | None:
        """The row as it is to be written; None when it is none, is held back, or is rejected."""
        shape, cells = self._shape, row.cells
        if cells and cells[0].startswith("\ufeff"):
            cells[0] = cells[0].lstrip("\ufeff")
            self._lines.setdefault("mark", []).append(row.line)
        if not cells or (len(cells) == 1 and shape.width > 1 and not cells[0].strip(" \t\x1a")):
            return None
        if shape.is_header(cells):
            self._lines.setdefault("header", []).append(row.line)
            return None
        if len(cells) > shape.width and not any(cell.strip() for cell in cells[shape.width :]):
            del cells[shape.width :]
        if shape.is_note(cells) and len(self._held) < _NOTES_MAX:
            self._held.append(row)
            return None
        if len(cells) != shape.width:
            return self._rejected(row, None, _RAGGED.format(shape.width, len(cells)))
        return self._translated(row)

    def _translated(self, row: _Row) -> list[str] | None:
        cells, shape = row.cells, self._shape
        for place, cell in enumerate(cells):
            if not cell.isascii() and _ESCAPED.search(cell):
                read = self._letters.read(shape.columns.get(place), cell)
                if read is None:
                    return self._rejected(row, place, f"{_shown(cell)} is no text in this encoding", cell)
                cells[place] = read
            if "\0" in cell:
                return self._rejected(row, place, "the value holds a NUL byte", cell)
        if self._rewrite is not None:
            for place in shape.numbers:
                if not cells[place] or cells[place] in shape.missing[place]:
                    continue
                number = self._rewrite(cells[place])
                if number is None:
                    what = f'"{cells[place][:40]}" is not a number with a decimal {self._decimal}'
                    return self._rejected(row, place, what, cells[place])
                cells[place] = number
        return cells

    def _rejected(self, row: _Row, place: int | None, reason: str, example: str = "") -> list[str] | None:
        """None: there is nothing to write."""
        self.rejected += 1
        if len(self.shown) < SHOWN:
            name = None if place is None or place >= self._shape.width else self._shape.names[place] or None
            self.shown.append(Rejected(row.line, name, reason, _shown(example)[:40]))
        return None

    @property
    def findings(self) -> list[Finding]:
        told = {
            "header": ("repeated header", "the header stands again between the rows; it was left out"),
            "mark": ("byte order mark", "a byte order mark stands inside the file; it was left out"),
            "notes": ("notes", "lines below the table are no rows of it and were left out"),
        }
        return [
            Finding(
                self._contract.table, told[kind][0], Severity.WARN, told[kind][1], file=self._landed.name,
                line=lines[0], rows=len(lines), examples=(self._note,) if kind == "notes" else (),
            )
            for kind, lines in self._lines.items()
        ]  # fmt: skip


_RAGGED = "Expected Number of Columns: {} Found: {}"


def _shown(text: str) -> str:
    """A text as it may stand in a report: bytes that are none as \\xNN."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def _told_numbers(landed: Landed, contract: Contract, numbers: Written, evidence: Evidence) -> list[Finding]:
    if numbers.rewrite is None or contract.reading.decimal is not None:
        return []
    grouped = evidence.grouped or evidence.either_comma if numbers.decimal == "point" else None
    place = evidence.comma if numbers.decimal == "comma" else grouped
    proof = evidence.comma if numbers.decimal == "comma" else evidence.point
    if place is None or proof is None:
        return []
    return [
        Finding(
            contract.table,
            "decimal sign",
            Severity.WARN,
            f'numbers were read with a decimal {numbers.decimal}, as "{proof.text}" on line {proof.line} proves; '
            f'"{SIGNS["point" if numbers.decimal == "comma" else "comma"]}" only groups digits',
            column=place.column,
            file=landed.name,
            line=place.line,
            examples=(place.text,),
        )
    ]
