"""Raw records are trusted: decoded JSON becomes typed rows by the contracts of the book, or a list of what is wrong.

A record is read as ingestion reads the same row of a file, and is held to the same promises. What a file would be
refused for, or a row taken out for, refuses the application; what a report would warn of becomes a warning code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from creditrisk.config import MAIN, Book
from creditrisk.contracts.checks import parent_key, unique_sets
from creditrisk.contracts.values import text_writer
from creditrisk.decisions.rows import Problem, Row, TableReader, Told, code, place
from creditrisk.errors import did_you_mean
from creditrisk.kinds import Severity

MOST_PROBLEMS = 100
"""Told of one call; whoever sends more than these wrong is not helped by the rest."""


@dataclass(frozen=True, slots=True)
class Application:
    """What is known of one application. raw: as sent.

    rows: typed rows by table, columns in the order of the contract, a decimal as a whole number of its last place; a
    table that was not asked for is not among them. The main table has one row.  warnings: codes, each once.
    """

    key: int | str
    raw: Mapping[str, Any]
    warnings: tuple[str, ...]
    rows: Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Read:
    """applications: those that nothing is wrong with.  problems: what is wrong with the others."""

    applications: Sequence[Application]
    problems: Sequence[Problem]


class Intake:
    """Made once from a book (a bundle's own folder is one); knows no database and may be shared between threads."""

    def __init__(self, book: Book) -> None:
        self._key = book.key
        self._entity = book.portfolio.entity
        self._tables = {name: TableReader(book, name) for name in book.portfolio.tables}
        self._links = {name: _Link.of(book, name) for name in self._tables if name != MAIN}
        self._unique = {
            name: [_Unique.of(book, name, *one) for one in unique_sets(book.contracts[name], book.portfolio)]
            for name in self._tables
            if name != MAIN
        }
        self._required = [name for name, table in book.portfolio.tables.items() if table.required and name != MAIN]
        self._silent = {name for name in self._tables if book.portfolio.is_off(name, "missing table")}
        self._as_of = book.portfolio.split.date
        self._hashed = [
            (place, text_writer(column))
            for place, column in enumerate(book.contracts[MAIN].columns)
            if column.available in self._entity.hash_of or column.name in self._entity.hash_also
        ]

    def read(self, applications: Sequence[object], *, at: date | None = None) -> Read:
        """applications: decoded JSON, each {"application": {...}, "<child table>": [{...}], ...}.

        Numbers are int, and Decimal or float for anything with a point; a float stands for its shortest digits. A child
        table that is absent was not asked for, an empty list means none. at: the day of the request; an as-of date
        after it is refused.
        """
        sound: list[Application] = []
        problems: list[Problem] = []
        for number, given in enumerate(applications):
            before = len(problems)
            one = self._read(given, f"applications[{number}]", at, problems)
            if one is not None and len(problems) == before:
                sound.append(one)
            if len(problems) >= MOST_PROBLEMS:
                break
        return Read(sound, problems[:MOST_PROBLEMS])

    def _read(self, given: object, where: str, at: date | None, problems: list[Problem]) -> Application | None:
        if not isinstance(given, Mapping):
            problems.append(Problem(where, "not an object", "an application is an object of tables"))
            return None
        if not self._shaped(given, where, problems):
            return None
        told: Told = {}
        rows: dict[str, Sequence[Row]] = {}
        main = self._tables[MAIN].read(given[MAIN], f"{where}.{MAIN}", told, problems)
        if main is None:
            return None
        rows[MAIN] = [main]
        key = self._key_of(main)
        if not isinstance(key, int | str):
            problems.append(Problem(f"{where}.{MAIN}.{self._key}", "required", "the key of the application"))
            return None
        self._check_as_of(main, where, at, problems)
        for name, link in self._links.items():
            if name in given:
                rows[name] = self._children(name, link, key, given[name], where, told, problems)
            elif name not in self._silent:
                told[f"not_asked:{name}"] = None
        self._check_children(rows, where, told, problems)
        return Application(key, given, tuple(told), rows)

    def _shaped(self, given: Mapping[Any, Any], where: str, problems: list[Problem]) -> bool:
        before = len(problems)
        for name, value in given.items():
            if name not in self._tables:
                problems.append(
                    Problem(place(where, name), "unknown table", did_you_mean(str(name)[:64], self._tables))
                )
            elif name == MAIN and not isinstance(value, Mapping):
                problems.append(
                    Problem(f"{where}.{name}", "not an object", "one object with the application's columns")
                )
            elif name != MAIN and not isinstance(value, list | tuple):
                hint = "a list of objects; leave it out if it was not asked for"
                problems.append(Problem(f"{where}.{name}", "not a list", hint))
        missing = [name for name in (MAIN, *self._required) if name not in given]
        problems.extend(Problem(f"{where}.{name}", "required", "the table has to be there") for name in missing)
        return len(problems) == before

    def _key_of(self, main: Row) -> Any:
        if not self._entity.hash_of:
            return main[self._tables[MAIN].place_of(self._key)]
        joined = "|".join(["~" if (value := main[place]) is None else text(value) for place, text in self._hashed])
        return hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest()

    def _check_as_of(self, main: Row, where: str, at: date | None, problems: list[Problem]) -> None:
        if at is None or self._as_of is None:
            return
        as_of = main[self._tables[MAIN].place_of(self._as_of)]
        if isinstance(as_of, date) and as_of > at:
            hint = "the day of the application lies after the day of the request"
            problems.append(Problem(f"{where}.{MAIN}.{self._as_of}", "future-dated", hint))

    def _children(
        self,
        name: str,
        link: _Link,
        key: int | str,
        given: Sequence[object],
        where: str,
        told: Told,
        problems: list[Problem],
    ) -> list[Row]:
        reader, rows = self._tables[name], []
        for number, one in enumerate(given):
            if len(problems) >= MOST_PROBLEMS:
                break
            here = f"{where}.{name}[{number}]"
            if not isinstance(one, Mapping):
                problems.append(Problem(here, "not an object", "a row is an object of columns"))
                continue
            row = reader.read(one, here, told, problems, own=key if link.to_main else None)
            if row is None:
                continue
            if link.to_main and row[link.place] != key:
                hint = "the key of this application, or leave it out"
                problems.append(Problem(f"{here}.{link.column}", "foreign key", hint))
            rows.append(row)
        return rows

    def _check_children(
        self, rows: Mapping[str, Sequence[Row]], where: str, told: Told, problems: list[Problem]
    ) -> None:
        """What several rows can break together: keys that stand twice, rows without their parent."""
        for name, own in rows.items():
            if name == MAIN or not own:
                continue
            for unique in self._unique[name]:
                for number, rule, severity in unique.broken(own):
                    self._tell(f"{where}.{name}[{number}]", rule, name, severity, unique.hint, told, problems)
            link = self._links[name]
            if link.asked and link.parent in rows and not link.to_main:
                known = {row[link.parent_place] for row in rows[link.parent]}
                for number, row in enumerate(own):
                    if row[link.place] is not None and row[link.place] not in known:
                        here, hint = f"{where}.{name}[{number}].{link.column}", f"no row of {link.parent} has it"
                        self._tell(here, "orphans", name, link.severity, hint, told, problems)

    def _tell(
        self,
        where: str,
        rule: str,
        table: str,
        severity: Severity,
        hint: str,
        told: Told,
        problems: list[Problem],
    ) -> None:
        if severity is Severity.WARN:
            told[f"{code(rule)}:{table}"] = None
        else:
            problems.append(Problem(where, rule, hint))


@dataclass(frozen=True, slots=True)
class _Link:
    """How a child row leads to its parent. asked: does anybody ask whether the parent is there?"""

    parent: str
    column: str
    place: int
    parent_place: int
    severity: Severity
    asked: bool

    @property
    def to_main(self) -> bool:
        return self.parent == MAIN

    @classmethod
    def of(cls, book: Book, name: str) -> _Link:
        found = parent_key(book.portfolio, book.contracts, name)
        parent, column, key = found if found else (MAIN, book.key, book.key)
        contract = book.contracts[name]
        above = book.contracts[parent].names
        asked = not contract.orphans_share_max and not book.portfolio.is_off(name, "orphans", column)
        parent_place = above.index(key) if key in above else -1
        return cls(parent, column, contract.names.index(column), parent_place, contract.orphans_severity, asked)


@dataclass(frozen=True, slots=True)
class _Unique:
    """Columns that name a row of a child table, and what happens to rows that share them."""

    places: tuple[int, ...]
    of_contradictions: Severity
    of_duplicates: Severity
    hint: str
    off: frozenset[str]

    @classmethod
    def of(
        cls, book: Book, table: str, names: tuple[str, ...], of_contradictions: Severity, of_duplicates: Severity
    ) -> _Unique:
        places = tuple(book.contracts[table].names.index(name) for name in names)
        column = names[0] if len(names) == 1 else None
        rules = ("contradicting rows", "duplicate rows")
        off = frozenset(rule for rule in rules if book.portfolio.is_off(table, rule, column))
        return cls(places, of_contradictions, of_duplicates, f"{', '.join(names)} names a row: send it once", off)

    def broken(self, rows: Sequence[Row]) -> Iterator[tuple[int, str, Severity]]:
        """(number of the row, rule, severity) of each row whose key an earlier one has. No NULL is like another."""
        first: dict[tuple[Any, ...], Row] = {}
        for number, row in enumerate(rows):
            key = tuple([row[place] for place in self.places])
            if None in key:
                continue
            before = first.setdefault(key, row)
            if before is row:
                continue
            same = before == row
            rule = "duplicate rows" if same else "contradicting rows"
            if rule not in self.off:
                yield number, rule, self.of_duplicates if same else self.of_contradictions


__all__ = ["Application", "Intake", "Problem", "Read"]
