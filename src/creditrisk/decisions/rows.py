"""One table's records: typed value by value, held to what its contract promises of a row."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from creditrisk.config import MAIN, Book, Column, Contract
from creditrisk.contracts.conditions import Condition, condition_of, database_condition, limit_in_rows
from creditrisk.contracts.promises import Promise, promises_of
from creditrisk.contracts.values import NotReadable, Read, Rounded, Value, value_reader
from creditrisk.errors import did_you_mean
from creditrisk.kinds import Available, Severity

type Row = list[Value]
type Told = dict[str, None]
"""Warning codes, each once, in order."""

AFTERWARDS = (Available.OUTCOME, Available.POST_ORIGINATION)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what was sent. No part of it holds a value of a field.

    where: "applications[3].bureau[0].DAYS_CREDIT".  rule: of the contract, or what the shape of a request must be.
    """

    where: str
    rule: str
    hint: str


class TableReader:
    """Reads the records of one table of a book."""

    def __init__(self, book: Book, table: str) -> None:
        contract = book.contracts[table]
        columns = contract.columns
        self.table = table
        self._width = len(columns)
        self._places = {column.name: place for place, column in enumerate(columns)}
        self._readers: dict[object, tuple[int, Read]] = {
            column.name: (place, value_reader(column, contract.reading.dates)) for place, column in enumerate(columns)
        }
        link = book.portfolio.tables[table]
        self._own = self._places[str(link.foreign_key)] if link.parent == MAIN else None
        own_name = link.foreign_key if link.parent == MAIN else None
        may_be_absent = {column.name for column in columns if _may_be_absent(column) or column.name == own_name}
        barred = set(book.portfolio.policy.kept_apart)
        self._required = {column.name for column in columns if not column.null} - may_be_absent
        self._expected = set(self._places) - may_be_absent - barred
        afterwards = {column.name for column in columns if column.available in AFTERWARDS}
        self._unused = {name: f"not_used:{table}.{name}" for name in barred & set(self._places)}
        self._unused |= dict.fromkeys(afterwards, f"after_origination:{table}")
        self._known = [
            (place, frozenset(column.categories), f"new_category:{table}.{column.name}")
            for place, column in enumerate(columns)
            if column.categories
            and column.type == "text"
            and not book.portfolio.is_off(table, "new category", column.name)
        ]
        promises = promises_of(contract, book.portfolio, scoring=True)
        self._filled = [_Check.of(one, contract) for one in promises if one.never_null]
        bounded = [one for one in promises if not one.never_null and _is_bounded(one)]
        self._bounded = [(_Check.of(one, contract), *_limits(one, contract)) for one in bounded]
        self._others = [_Check.of(one, contract) for one in promises if not one.never_null and one not in bounded]

    def place_of(self, column: str) -> int:
        return self._places[column]

    def read(
        self, given: Mapping[Any, Any], where: str, told: Told, problems: list[Problem], *, own: Value = None
    ) -> Row | None:
        """The typed row; None where it cannot be read. own: key of the application that a child belongs to."""
        row: Row = [None] * self._width
        before = len(problems)
        readers = self._readers
        for name, value in given.items():
            found = readers.get(name)
            if found is None:
                problems.append(
                    Problem(place(where, name), "unknown column", did_you_mean(str(name)[:64], self._places))
                )
            elif value is not None:
                at, read = found
                try:
                    row[at] = read(value)
                except NotReadable as error:
                    problems.append(Problem(f"{where}.{name}", "not readable", str(error)))
                except Rounded as kept:
                    row[at] = kept.value
                    told[f"rounded:{self.table}.{name}"] = None
        self._look_at_names(given, where, told, problems)
        if len(problems) > before:
            return None
        if self._own is not None and row[self._own] is None:
            row[self._own] = own
        self._check(row, where, told, problems)
        return row

    def _look_at_names(self, given: Mapping[Any, Any], where: str, told: Told, problems: list[Problem]) -> None:
        names = given.keys()
        if not names >= self._required:
            missing = sorted(self._required - names)
            problems.extend(Problem(f"{where}.{name}", "required", "the column has to be there") for name in missing)
        if not names >= self._expected:
            told[f"left_out:{self.table}"] = None
        if self._unused and not names.isdisjoint(self._unused):
            unused = self._unused
            told |= {unused[name]: None for name, value in given.items() if value is not None and name in unused}

    def _check(self, row: Row, where: str, told: Told, problems: list[Problem]) -> None:
        for check in self._filled:
            if row[check.place] is None:
                check.tell(where, told, problems)
        for check, at, lowest, highest in self._bounded:
            if (value := row[at]) is not None and not lowest <= value <= highest and check.condition(row):  # type: ignore[operator]
                check.tell(where, told, problems)
        for at, known, warning in self._known:
            if (value := row[at]) is not None and value not in known:
                told[warning] = None
        for check in self._others:
            if check.condition(row):
                check.tell(where, told, problems)


@dataclass(frozen=True, slots=True)
class _Check:
    """A promise, and whether a row breaks it. place: of its column, -1 where it looks at several."""

    rule: str
    column: str
    place: int
    warning: str | None
    hint: str
    condition: Condition

    @classmethod
    def of(cls, promise: Promise, contract: Contract) -> _Check:
        name = promise.column or ""
        told = f"{code(promise.rule)}:{contract.table}" + (f".{name}" if name else "")
        return cls(
            rule=promise.rule,
            column=name,
            place=contract.names.index(name) if name else -1,
            warning=told if promise.severity is Severity.WARN else None,
            hint=_hint(promise),
            condition=condition_of(promise.broken, contract.columns)
            or database_condition(promise.broken, contract.columns),
        )

    def tell(self, where: str, told: Told, problems: list[Problem]) -> None:
        if self.warning is not None:
            told[self.warning] = None
        else:
            problems.append(Problem(f"{where}.{self.column}" if self.column else where, self.rule, self.hint))


def _hint(promise: Promise) -> str:
    if promise.never_null:
        return "a value has to be given"
    if promise.rule == "event after application":
        return "future-dated: an event cannot lie after the application"
    return promise.what


def _is_bounded(promise: Promise) -> bool:
    return promise.column is not None and (promise.low is not None or promise.high is not None)


def _limits(promise: Promise, contract: Contract) -> tuple[int, float, float]:
    """Place of the column, and the limits between which a row's value breaks nothing."""
    column = contract.column(str(promise.column))
    lowest = -math.inf if promise.low is None else limit_in_rows(promise.low, column, lowest=True)
    highest = math.inf if promise.high is None else limit_in_rows(promise.high, column, lowest=False)
    return contract.names.index(column.name), lowest, highest


def _may_be_absent(column: Column) -> bool:
    return column.optional or column.available in AFTERWARDS


def code(rule: str) -> str:
    """A rule's name as the beginning of a warning code."""
    return rule.replace(" ", "_")


def place(where: str, name: object) -> str:
    """A place with a name that the caller made up: only shown when it looks like one."""
    return f"{where}.{name}" if isinstance(name, str) and _NAME.fullmatch(name) else f"{where}.?"
