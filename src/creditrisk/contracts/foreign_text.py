"""Bytes that are not UTF-8: which letters they are, told by the contract's own words, or not at all."""

from __future__ import annotations

import re

from creditrisk.config import Column, Contract
from creditrisk.errors import BadData
from creditrisk.kinds import Available, Finding, Severity

_USUAL = "cp1252"
_CANDIDATES = {
    "cp1252": "Windows-1252", "iso8859-15": "ISO 8859-15", "cp1250": "Windows-1250", "cp850": "code page 850",
    "mac-roman": "Mac Roman",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z][\u00c0-\u00ff\u0160\u0161\u0178\u017d\u017e\u0152\u0153]|[\u00c0-\u00ff][A-Za-z]")


class Letters:
    """Sees every value with a letter beyond ASCII, then says how those that are not UTF-8 are read."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._possible = set(_CANDIDATES)
        self._chosen: str | None = None
        self._utf8 = False
        self._first: tuple[int, str, bytes] | None = None
        self._seen = 0

    def see(self, column: Column, line: int, cell: str) -> None:
        raw = _foreign(cell)
        if raw is None:
            self._utf8 = True
            return
        words = _words(column)
        if words is None:
            possible = {name for name in _CANDIDATES if _plausible(_decoded(raw, name))}
            if not possible:
                return
            self._possible &= possible
        elif words:
            known = {name: text for name in _CANDIDATES if (text := _decoded(raw, name)) in words}
            if not known:
                return
            self._possible &= set(known)
            if len(set(known.values())) > 1:
                self._possible.discard(_USUAL)  # the words themselves leave a doubt
        else:
            return
        self._seen += 1
        self._first = self._first or (line, column.name, raw)

    def choose(self, encoding: str, file: str) -> None:
        """Settle it. Raises BadData when the values can be read in several ways.

        A file in which letters are UTF-8 elsewhere is UTF-8; what is not is damaged, row by row.
        """
        if self._first is None or self._utf8 or not encoding.startswith("utf-8") or self._contract.reading.encoding:
            return
        if _USUAL in self._possible:
            self._chosen = _USUAL
        elif len(self._possible) == 1:
            self._chosen = min(self._possible)
        else:
            line, column, raw = self._first
            read = sorted(
                {f"{text} ({called})" for name, called in _CANDIDATES.items() if (text := _decoded(raw, name))}
            )
            raise BadData(
                f"a value is not UTF-8, and its bytes {raw[:20].hex(' ')} can be {'; '.join(read[:3])}",
                where=f"{file}, line {line}, column {column}",
                hint=f"say which in contracts/{self._contract.table}.yaml: reading: {{encoding: …}}",
            )

    def read(self, column: Column | None, cell: str) -> str | None:
        """The value in proper letters; None when it is damaged."""
        raw = _foreign(cell)
        if column is None:  # the contract does not know it, so it is left out anyway
            return cell.encode("ascii", "replace").decode()
        if raw is None or self._chosen is None:
            return None
        words = _words(column)
        text = _decoded(raw, self._chosen)
        return text if (words is None and _plausible(text)) or (words and text in words) else None

    def findings(self, file: str) -> list[Finding]:
        if self._chosen is None or self._first is None:
            return []
        line, column, raw = self._first
        return [
            Finding(
                self._contract.table,
                "encoding",
                Severity.WARN,
                f"{self._seen:,} values are not UTF-8 and were read as {_CANDIDATES[self._chosen]}",
                column=column,
                file=file,
                line=line,
                rows=self._seen,
                examples=((_decoded(raw, self._chosen) or "")[:40],),
                hint=f"say reading: {{encoding: …}} in contracts/{self._contract.table}.yaml if that is not right",
            )
        ]


def _words(column: Column) -> set[str] | None:
    """What a value may be; None for free text, empty where no foreign letter can be right."""
    if column.type != "text" or column.available is Available.IDENTIFIER:
        return set()
    return {*column.categories, *column.missing} if column.categories else None


def _foreign(cell: str) -> bytes | None:
    """The bytes of a value that is not UTF-8."""
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        return cell.encode("utf-8", "surrogateescape")
    return None


def _decoded(raw: bytes, name: str) -> str | None:
    try:
        return raw.decode(name)
    except UnicodeDecodeError:
        return None


def _plausible(text: str | None) -> bool:
    """Letters inside words, as in names and towns; anything else is damage."""
    return text is not None and all(_WORD.search(word) for word in text.split() if not word.isascii())
