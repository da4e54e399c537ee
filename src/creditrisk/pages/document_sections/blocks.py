"""What a section is made of. The template knows how each block looks on a screen and on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from creditrisk.pages import formats

VERDICTS = {"pass": "pass", "fail": "fail", "not_enough_evidence": "not enough evidence"}


@dataclass(frozen=True)
class Cell:
    """One cell of a table. kind: "" (words), "code", or a verdict of `VERDICTS`."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    kind: ClassVar[str] = "words"
    text: str


@dataclass(frozen=True)
class Care:
    """What a reader must not miss."""

    kind: ClassVar[str] = "care"
    text: str


@dataclass(frozen=True)
class Heading:
    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Bullets:
    kind: ClassVar[str] = "bullets"
    items: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Names and what they are; those without a value are left out."""

    kind: ClassVar[str] = "facts"
    rows: Sequence[tuple[str, Any]]

    @property
    def told(self) -> list[tuple[str, Cell]]:
        return [(name, cell(value)) for name, value in self.rows if value not in (None, "")]


@dataclass(frozen=True)
class Table:
    """columns: headings; one that ends in # holds figures.  note: under the table."""

    kind: ClassVar[str] = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""

    @property
    def headings(self) -> list[str]:
        return [column.removesuffix("#") for column in self.columns]

    @property
    def figures(self) -> list[bool]:
        return [column.endswith("#") for column in self.columns]

    @property
    def cells(self) -> list[list[Cell]]:
        return [[cell(value) for value in row] for row in self.rows]


@dataclass(frozen=True)
class Blank:
    """What only the lender can say, and has not said yet."""

    kind: ClassVar[str] = "blank"
    name: str
    asks: str
    key: str


@dataclass(frozen=True)
class NotRun:
    """A report that is not there, and the command that makes it."""

    kind: ClassVar[str] = "not_run"
    report: str
    command: str
    why: str = ""


@dataclass(frozen=True)
class Commands:
    """command: what it shows."""

    kind: ClassVar[str] = "commands"
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Pictures:
    """Plots of the evaluation by name; those that were not drawn are left out."""

    kind: ClassVar[str] = "pictures"
    names: Sequence[str]


@dataclass(frozen=True)
class Drawing:
    """The way from raw files to reports."""

    kind: ClassVar[str] = "drawing"


@dataclass(frozen=True)
class Links:
    """Where to find what."""

    kind: ClassVar[str] = "links"
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    """(name of a section, the other cells)."""


type Block = Words | Care | Heading | Bullets | Facts | Table | Blank | NotRun | Commands | Pictures | Drawing | Links


@dataclass(frozen=True)
class Section:
    """name: in links.  verdict: of its gates together, where it has any."""

    name: str
    title: str
    blocks: Sequence[Block]
    verdict: str = ""


def cell(value: Any) -> Cell:
    """A cell of any value: figures as they are told, nothing as a dash."""
    if isinstance(value, Cell):
        return value
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, int):
        return Cell(formats.count(value))
    if isinstance(value, float):
        return Cell(formats.decimals(value, 4))
    return Cell(formats.plain(value))


def code(value: Any) -> Cell:
    return Cell(formats.plain(value), "code")


def verdict(value: Any) -> Cell:
    return Cell(VERDICTS.get(str(value), formats.plain(value)), str(value) if str(value) in VERDICTS else "")


def number(value: Any, places: int = 3) -> str:
    """A figure, with its interval where it has one.

    >>> number({"value": 0.7, "low": 0.68, "high": 0.72}), number(None), number(0.25, 2)
    ('0.700 (0.680 to 0.720)', '–', '0.25')
    """
    limits = formats.interval(value, places)
    return formats.decimals(value, places) + (f" ({limits})" if limits else "")


def share(value: Any, places: int = 1) -> str:
    """
    >>> share({"value": 0.081, "low": 0.07, "high": 0.09}), share(0.5)
    ('8.1% (7.0 to 9.0%)', '50.0%')
    """
    limits = formats.interval(value, places, as_percent=True)
    return formats.percent(value, places) + (f" ({limits})" if limits else "")


def difference(value: Any, places: int = 4) -> str:
    """A signed figure with its interval: what a candidate has more, or less, than the book's own model."""
    number_of = formats.as_number(value)
    if number_of is None:
        return formats.NONE
    limits = formats.interval_of(value)
    between = f" ({limits[0]:+.{places}f} to {limits[1]:+.{places}f})" if limits else ""
    return f"{number_of:+.{places}f}{between}"


def worst_of(verdicts: Iterable[Any]) -> str:
    found = set(verdicts)
    return next((one for one in ("fail", "not_enough_evidence", "pass") if one in found), "")


def verdicts_in(value: Any, place: str = "") -> list[tuple[str, Mapping[str, Any]]]:
    """Every mapping with a verdict of the three words, with its place in the report; what lies inside one comes after.

    >>> [place for place, _ in verdicts_in({"a": {"verdict": "pass", "tests": [{"name": "t", "verdict": "fail"}]}})]
    ['a', 'a, t']
    """
    found: list[tuple[str, Mapping[str, Any]]] = []
    if isinstance(value, Mapping):
        if value.get("verdict") in VERDICTS and place:
            found.append((place, value))
        for key, inner in value.items():
            if key != "meta":
                found += verdicts_in(inner, f"{place}, {key}" if place else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number_of, inner in enumerate(value, start=1):
            name = _name(inner) or str(number_of)
            found += verdicts_in(inner, f"{place.removesuffix(', tests')}, {name}" if place else name)
    return found


def _name(value: Any) -> str:
    if not isinstance(value, Mapping):
        return ""
    return next(
        (
            str(value[key])
            for key in ("name", "test", "grade", "group", "level", "feature", "column")
            if isinstance(value.get(key), str)
        ),
        "",
    )
