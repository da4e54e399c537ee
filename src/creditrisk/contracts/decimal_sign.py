"""Is 1,234 a thousand or a little more than one? Told from the other numbers of the same file, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from creditrisk.config import Contract
from creditrisk.config.reading import Sign
from creditrisk.errors import BadData

_ONE_SIGN = re.compile(r"[+-]?(\d*)([.,])(\d*)([eE][+-]?\d+)?")
_POINT_STYLE = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_COMMA_STYLE = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?")

SIGNS: dict[Sign, str] = {"point": ".", "comma": ","}
_GROUPS = {
    "none": "", "point": r"\.", "comma": ",", "blank": "[ \u00a0\u2007\u2009\u202f]", "apostrophe": "['\u2019]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number stands, to be shown."""

    line: int
    column: str
    text: str


@dataclass(slots=True)
class Evidence:
    """Of each kind the first number seen: its sign is a decimal point, a decimal comma, or could be either.

    grouped: the first with a sign between groups of digits for certain.
    """

    point: Place | None = None
    comma: Place | None = None
    either_point: Place | None = None
    either_comma: Place | None = None
    grouped: Place | None = None

    def add(self, kind: str | None, line: int, column: str, text: str) -> None:
        if kind is not None and getattr(self, kind) is None:
            setattr(self, kind, Place(line, column, text.strip()))
        if self.grouped is None and (kind, "," in text, "." in text) in (("point", True, True), ("comma", True, True)):
            self.grouped = Place(line, column, text.strip())


@dataclass(frozen=True, slots=True)
class Written:
    """How numbers are written. groups: the name of the sign between groups of three digits."""

    decimal: Sign = "point"
    groups: str = "none"
    rewrite: Callable[[str], str | None] | None = field(default=None, compare=False)
    """The number as DuckDB reads it, None when it is not written like this; None = nothing is to be done."""


def kind_of(text: str) -> str | None:
    """Which of Evidence's kinds a number belongs to; None when it has neither sign, or is no number.

    >>> kind_of("12,5"), kind_of("1.234,5"), kind_of("1,234"), kind_of("12")
    ('comma', 'comma', 'either_comma', None)
    """
    if "," not in text and "." not in text:
        return None
    text = text.strip().removesuffix("%").rstrip()
    one = _ONE_SIGN.fullmatch(text)
    if one is not None:
        whole, sign, places, exponent = one.groups()
        called = "point" if sign == "." else "comma"
        grouped = len(places) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0") and not exponent
        return f"either_{called}" if grouped else called if whole or places else None
    if _POINT_STYLE.fullmatch(text):
        return "point"
    return "comma" if _COMMA_STYLE.fullmatch(text) else None


def written(contract: Contract, evidence: Evidence, *, separator: str, file: str) -> Written:
    """How the file writes its numbers. Raises BadData, with a number, when that cannot be told."""
    said = contract.reading
    if said.decimal is not None:
        other = "comma" if said.decimal == "point" else "point"
        return _rewriting(said.decimal, said.thousands or other)
    if evidence.point and evidence.comma:
        if separator == "," and not evidence.either_comma:
            return Written()  # the rows with a comma are rejected one by one
        raise _doubt(
            contract, evidence.comma, file,
            f'"{evidence.comma.text}" has a decimal comma, but "{evidence.point.text}" on line {evidence.point.line} '
            "a decimal point",
        )  # fmt: skip
    if evidence.point or evidence.comma:
        return (
            _rewriting("point", said.thousands or "comma")
            if evidence.point
            else _rewriting("comma", said.thousands or "point")
        )
    doubtful = evidence.either_comma or (evidence.either_point if separator != "," else None)
    if doubtful is not None:
        text = doubtful.text
        raise _doubt(
            contract, doubtful, file,
            f'"{text}" can be {re.sub("[.,]", "", text)} or {text.replace(",", ".")}, and no number of the file tells',
        )  # fmt: skip
    return _rewriting("point", said.thousands) if said.thousands else Written()


def _doubt(contract: Contract, place: Place, file: str, what: str) -> BadData:
    return BadData(
        what,
        where=f"{file}, line {place.line}, column {place.column}",
        hint=f"say which in contracts/{contract.table}.yaml: reading: {{decimal: point}} or {{decimal: comma}}",
    )


def _rewriting(decimal: Sign, groups: str) -> Written:
    group = _GROUPS[groups]
    whole = rf"\d{{1,3}}(?:{group}\d{{3}})+|\d*" if group else r"\d*"
    form = re.compile(rf"(\s*[+-]?)({whole})(?:{re.escape(SIGNS[decimal])}(\d*))?((?:[eE][+-]?\d+)?\s*%?\s*)")
    digits = re.compile(r"\D")

    def rewrite(text: str) -> str | None:
        found = form.fullmatch(text)
        if found is None:
            return None
        sign, before, places, rest = found.groups()
        return f"{sign}{digits.sub('', before)}{'.' + places if places is not None else ''}{rest}"

    return Written(decimal, groups, rewrite)
