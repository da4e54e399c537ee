"""What a CSV file is like, from a bounded look at its beginning: encoding, separator, header, notes above it."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from creditrisk.config import Contract
from creditrisk.errors import BadData
from creditrisk.kinds import Finding, Severity

if TYPE_CHECKING:
    from creditrisk.sources import Landed

LINE_MAX = 2_000_000
"""Characters; a longer line is no row of a table. DuckDB's own limit."""

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
_HEAD_BYTES = 2**20
_NOTES_MAX = 50
_HEADER_LINES = 20
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)*|[.,]\d+)\s*%?\s*")


@dataclass(frozen=True, slots=True)
class Layout:
    """encoding: for Python.  names: of the columns, "" for one without.  header_line: 0 when there is none.

    odd: DuckDB cannot read the file as it lies.  findings: what is unusual, and how it is read.
    """

    encoding: str
    separator: str
    names: tuple[str, ...]
    header_line: int
    odd: bool
    findings: tuple[Finding, ...]


def look(landed: Landed, contract: Contract) -> Layout:
    """Raises BadData when the beginning leaves a doubt about the encoding or the header."""
    with opened(landed) as stream:
        head = stream.read(_HEAD_BYTES)
    told = _Told(landed, contract)
    encoding = _encoding(head, told)
    lines = list(_lines(head.decode(encoding, errors="replace")))
    header_line, separator, names = _header(lines, told)
    _need_sound_names(names, header_line, told)
    _tell(encoding, separator, header_line, told)
    _tell_trailing(lines[header_line:], separator, len(names), told)
    survey, said = landed.survey, contract.reading
    odd = (
        encoding not in ("utf-8", "utf-8-sig")
        or separator != ","
        or header_line != 1
        or survey.nul
        or survey.inner_mark
        or survey.only_returns
        or said.decimal == "comma"
        or said.thousands not in (None, "none")
    )
    return Layout(encoding, separator, tuple(names), header_line, odd, tuple(told.findings))


@contextmanager
def opened(landed: Landed) -> Iterator[IO[bytes]]:
    """The text's bytes, unpacked."""
    with gzip.open(landed.path) if landed.format == "csv.gz" else landed.path.open("rb") as stream:
        yield cast("IO[bytes]", stream)


class _Told:
    """What is said of one file: findings, and refusals with their place."""

    def __init__(self, landed: Landed, contract: Contract) -> None:
        self.landed, self.contract = landed, contract
        self.findings: list[Finding] = []

    def add(self, rule: str, what: str, **more: int) -> None:
        self.findings.append(
            Finding(self.contract.table, rule, Severity.WARN, what, file=self.landed.name, **more)  # type: ignore[arg-type]
        )

    def refusal(self, what: str, hint: str, *, line: int = 1) -> BadData:
        return BadData(what, where=f"{self.landed.source}, line {line}", hint=hint)

    def in_yaml(self, key: str) -> str:
        return f"say so in contracts/{self.contract.table}.yaml: reading: {{{key}}}"


def _encoding(head: bytes, told: _Told) -> str:
    said = told.contract.reading.encoding
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if marked is not None and (said is None or said.lower().replace("_", "-").startswith(marked[:5])):
        return marked
    if said is not None:
        return said
    if len(head) > 3:
        for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            nul, other = head[offset::2], head[1 - offset :: 2]
            if nul.count(0) > 0.4 * len(nul) and other.count(0) < 0.1 * len(other):
                raise told.refusal(
                    "every second byte is NUL: this looks like UTF-16 without its byte order mark",
                    told.in_yaml(f"encoding: {name}"),
                )
    return "utf-8"


def _lines(text: str) -> Iterator[str]:
    return io.StringIO(text.removeprefix("\ufeff"), newline="")


def _cells(lines: Sequence[str], separator: str) -> list[str] | None:
    """The first record, outer blanks removed; None when its quotes cannot be told apart."""
    try:
        return [cell.strip() for cell in next(csv.reader(lines, delimiter=separator, skipinitialspace=True), [])]
    except csv.Error:
        return None


def _header(lines: list[str], told: _Told) -> tuple[int, str, list[str]]:
    """(line, separator, names): where most of the contract's columns are named; the first line when nowhere."""
    contract, said = told.contract, told.contract.reading
    if not lines:
        raise told.refusal("the file has no header", "the first line names the columns")
    tried = [SEPARATORS[said.separator]] if said.separator else list(SEPARATORS.values())
    if not said.header:
        separator = max(tried, key=lambda sign: len(_cells(lines[:1], sign) or []))
        return 0, separator, list(contract.names)
    known = set(contract.names)
    best = (0, 1, tried[0], _cells(lines[:_HEADER_LINES], tried[0]))
    for index in range(min(_NOTES_MAX, len(lines))):
        for sign in tried:
            cells = _cells(lines[index : index + _HEADER_LINES], sign)
            named = len(known.intersection(cells or ()))
            if named > best[0]:
                best = (named, index + 1, sign, cells)
        if best[0] == len(known):
            break
    needed = sum(not column.optional for column in contract.columns)
    _, line, separator, names = best
    if best[0] * 2 < needed:  # most are not there: what is said next is said of the first line
        line, separator = 1, best[2] if best[1] == 1 else tried[0]
        names = _cells(lines[:_HEADER_LINES], separator)
    if names is None:
        raise told.refusal("no header can be read: its quotes do not pair", "fetch the file again")
    if not any(names):
        raise told.refusal("the file has no header", "the first line names the columns")
    if best[0] == 0 and any(map(_NUMBER.fullmatch, names)):
        example = next(name for name in names if _NUMBER.fullmatch(name))
        raise told.refusal(
            f'the first line holds values ("{example[:40]}"), not names of columns: there is no header',
            told.in_yaml("header: false") + ", if the columns stand in the contract's order",
        )
    return line, separator, names


def _need_sound_names(names: Sequence[str], line: int, told: _Told) -> None:
    if any("\ufffd" in name or "\x00" in name for name in names):
        raise told.refusal(
            "the header is not UTF-8 text", "save the file as UTF-8, or " + told.in_yaml("encoding: …"), line=line
        )
    if any(len(name) > LINE_MAX // 2 for name in names):
        raise told.refusal("the header has a name without end", "fetch the file again", line=line)
    doubled = sorted({name for name in names if name and names.count(name) > 1}) if len(set(names)) < len(names) else []
    if set(doubled) & set(told.contract.names):
        raise told.refusal(
            f"the header names {', '.join(doubled[:5])} twice", "rename or remove one", line=max(line, 1)
        )
    if doubled:
        told.add("doubled names", f"the header names {', '.join(doubled[:5])} twice; the contract knows none of them")


def _tell(encoding: str, separator: str, line: int, told: _Told) -> None:
    said = told.contract.reading
    for remark in told.landed.remarks:
        told.add("file kind", remark)
    if encoding == "utf-8-sig":
        told.add("byte order mark", "the file begins with a UTF-8 byte order mark; it was left out")
    elif encoding != "utf-8" and said.encoding is None:
        told.add("encoding", f"read as {encoding.upper()}, as its byte order mark says")
    if separator != "," and said.separator is None:
        called = next(name for name, sign in SEPARATORS.items() if sign == separator)
        told.add("separator", f"the columns are separated by {called}s, not commas")
    if told.landed.survey.only_returns:
        told.add("line ends", "the lines end with carriage returns alone")
    if line > 1:
        told.add("notes", f"{line - 1} lines above the header were left out", line=1, rows=line - 1)


def _tell_trailing(lines: Iterable[str], separator: str, columns: int, told: _Told) -> None:
    """Rows that end with a separator too many; DuckDB reads them rightly and says nothing."""
    first = _cells(list(lines)[:1], separator) or []
    if columns < len(first) and not any(first[columns:]):
        told.add("trailing separator", f"rows end with {len(first) - columns} separators more than the header has")
