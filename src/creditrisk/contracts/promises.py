"""What a contract promises of each row, as SQL that is true for the rows that break it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from creditrisk.config import MAIN, Column, Contract, Portfolio, Rule
from creditrisk.duck import named, quoted, sql_type
from creditrisk.kinds import Available, Severity

_AFTERWARDS = (Available.OUTCOME, Available.POST_ORIGINATION)
NUMBERS = ("integer", "double", "decimal")


@dataclass(frozen=True, slots=True)
class Promise:
    """broken: SQL, true for a row that breaks it (false or NULL else).

    low, high: limits of the column between which nothing can be broken; both None = every row has to be looked at.
    """

    rule: str
    column: str | None
    severity: Severity
    what: str
    broken: str
    hint: str = ""
    low: float | None = None
    high: float | None = None
    never_null: bool = False

    def kept_by(self, low: object, high: object, nulls: int) -> bool:
        """Do the column's smallest and largest value and its number of NULLs already prove it?"""
        if self.never_null:
            return nulls == 0
        if self.low is None and self.high is None:
            return False
        above = self.low is None or low is None or float(low) >= self.low  # type: ignore[arg-type]
        return above and (self.high is None or high is None or float(high) <= self.high)  # type: ignore[arg-type]


def promises_of(contract: Contract, portfolio: Portfolio, *, scoring: bool) -> list[Promise]:
    """Everything that one row can break by itself."""
    table = portfolio.tables[contract.table]
    keys = {*table.key, table.foreign_key, *(name for names in contract.unique for name in names)}
    as_of = portfolio.split.date if contract.table == MAIN else None
    made: list[Promise] = []
    for column in contract.columns:
        if not (scoring and column.available in _AFTERWARDS):
            made.extend(_of_column(column, is_key=column.name in keys, as_of=as_of))
    every = [*made, *(_of_rule(rule) for rule in contract.rules)]
    return [promise for promise in every if not portfolio.is_off(contract.table, promise.rule, promise.column)]


def sentinel_condition(column: Column, value: str | None = None) -> str:
    """SQL that is true for this sentinel of the column, or for any of them; "false" when it has none."""
    wanted = column.sentinels if value is None else (value,)
    values = ", ".join(f"cast({quoted(one)} as {sql_type(column.type)})" for one in wanted)
    return f"{named(column.name)} in ({values})" if values else "false"


def _of_column(column: Column, *, is_key: bool, as_of: str | None) -> Iterator[Promise]:
    name = named(column.name)
    if not column.null and not column.optional:
        severity = Severity.REFUSE if is_key else column.severity
        yield Promise(
            "not null", column.name, severity, "the value is missing", f"{name} is null", never_null=True,
            hint="a row without it cannot be used; correct the file",
        )  # fmt: skip
    if column.time == "event":
        yield from _of_event(column, as_of)
    if column.type.startswith(NUMBERS):
        yield from _of_range(column)


def _of_event(column: Column, as_of: str | None) -> Iterator[Promise]:
    """An event after the application was not known on that day: refused unless the contract says otherwise."""
    severity = column.severity if "severity" in column.model_fields_set else Severity.REFUSE
    name = named(column.name)
    what = "the event lies after the application"
    hint = "remove these rows; if the value may lie ahead, declare the column `time: schedule`"
    if column.type.startswith(NUMBERS):
        broken = f"{name} > 0 and not {sentinel_condition(column)}"
        yield Promise("event after application", column.name, severity, what, broken, hint, high=0)
    elif column.type == "date" and as_of is not None and column.name != as_of:
        yield Promise("event after application", column.name, severity, what, f"{name} > {named(as_of)}", hint)


def _of_range(column: Column) -> Iterator[Promise]:
    if column.min is None and column.max is None:
        return
    name = named(column.name)
    # What lies after the application is told once, as that.
    high = None if column.time == "event" and column.max is not None and column.max <= 0 else column.max
    outside = [f"{name} < {column.min!r}"] if column.min is not None else []
    outside += [f"{name} > {high!r}"] if high is not None else []
    if outside:
        limits = " to ".join("…" if limit is None else f"{limit:,.10g}" for limit in (column.min, high))
        broken = f"({' or '.join(outside)}) and not {sentinel_condition(column)}"
        hint = "if the value means something else, list it under sentinels"
        yield Promise(
            "range", column.name, column.severity, f"outside {limits}", broken, hint, low=column.min, high=high
        )


def _of_rule(rule: Rule) -> Promise:
    return Promise(rule.name, None, rule.severity, f"not so: {rule.what}", f"not ({rule.sql})")
