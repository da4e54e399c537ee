"""A raw file seen through its contract: which of its columns are which, and the SQL that reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from creditrisk.config import Column, Contract
from creditrisk.contracts.parquet_columns import parquet_types
from creditrisk.contracts.raw_csv import Rejected
from creditrisk.contracts.readings import Reading, csv_reading, parquet_reading
from creditrisk.duck import named, parquet, quoted, sql_type
from creditrisk.errors import BadData, did_you_mean
from creditrisk.kinds import Available, Finding, Severity

if TYPE_CHECKING:
    from creditrisk.sources import Landed

_AFTERWARDS = (Available.OUTCOME, Available.POST_ORIGINATION)


@dataclass(frozen=True)
class RawTable:
    """types: {name in the file: type that the file itself gives it}, in file order; text everywhere for CSV.

    read_carefully: columns of the contract whose numbers are read as text.  strictly: ... and looked at letter by
    letter.  left_out, left_out_rows: rows that were rejected before this table was made, the first of them and all.
    hidden: columns whose values no finding may show.
    """

    landed: Landed
    contract: Contract
    types: Mapping[str, str]
    findings: tuple[Finding, ...] = ()
    read_carefully: frozenset[str] = frozenset()
    strictly: bool = False
    has_header: bool = True
    left_out: tuple[Rejected, ...] = ()
    left_out_rows: int = 0
    may_be_tidied: bool = False
    hidden: frozenset[str] = frozenset()

    @property
    def is_csv(self) -> bool:
        return self.landed.format != "parquet"

    @cached_property
    def positions(self) -> dict[str, int]:
        """{column of the contract: its position in the file}, of those the file has."""
        places = {name: position for position, name in enumerate(self.types)}
        return {name: places[name] for name in self.contract.names if name in places}

    @cached_property
    def readings(self) -> dict[str, Reading]:
        """By column of the contract, of those the file has."""
        return {name: self._reading(self.contract.column(name)) for name in self.positions}

    @property
    def numbers(self) -> frozenset[str]:
        """Columns that are read as DOUBLE and could be read carefully instead."""
        return frozenset(name for name, reading in self.readings.items() if reading.raw == "DOUBLE")

    def careful(self, columns: frozenset[str]) -> RawTable:
        return replace(self, read_carefully=self.read_carefully | columns)

    def raw_name(self, column: str) -> str:
        """The raw column as an SQL identifier."""
        return f"c{self.positions[column]}" if self.is_csv else named(column)

    @property
    def rows(self) -> str:
        """The raw rows as an SQL table function."""
        if not self.is_csv:
            return parquet(self.landed.path)
        raw = dict.fromkeys(range(len(self.types)), "VARCHAR")
        raw |= {position: self.readings[name].raw for name, position in self.positions.items()}
        columns = ", ".join(f"'c{position}': {quoted(kind)}" for position, kind in raw.items())
        compression = "gzip" if self.landed.format == "csv.gz" else "none"
        return (
            f"read_csv({quoted(str(self.landed.path.resolve()))}, columns = {{{columns}}}, auto_detect = false, "
            f"header = {str(self.has_header).lower()}, delim = ',', quote = '\"', "
            f"escape = '\"', compression = '{compression}', store_rejects = true, rejects_line_size_limit = 200)"
        )

    @property
    def values(self) -> str:
        """The contract's columns, typed, in its order; NULL where the file has none."""
        found = {name: reading.value for name, reading in self.readings.items()}
        return ", ".join(
            f"{found.get(column.name, _null(column))} as {named(column.name)}" for column in self.contract.columns
        )

    @property
    def make_counters(self) -> str:
        """Statements that make what `counted_condition` counts with."""
        return "; ".join(
            ["create sequence bad", *(f"create sequence rounded_{place}" for place in self._rounding.values())]
        )

    @property
    def counted_condition(self) -> str:
        """True for rows that can be read. On its way it counts the others, and by column the values it rounds.

        The counters stand in branches that only the rows concerned enter, so a clean file pays for one comparison
        a number.
        """
        exact = [reading.exact for reading in self.readings.values() if reading.exact]
        if not exact:
            return "true"
        good = " and ".join(reading.good for reading in self.readings.values() if reading.good)
        rounded = " + ".join(
            f"case when {self.readings[name].exact} then 0 else nextval('rounded_{place}') end"
            for name, place in self._rounding.items()
        )
        return (
            f"case when {' and '.join(exact)} then true "
            f"when {good} then ({rounded or '0'}) >= 0 else nextval('bad') is null end"
        )

    @cached_property
    def _rounding(self) -> dict[str, int]:
        return {name: self.positions[name] for name, reading in self.readings.items() if reading.rounds}

    @property
    def rounding(self) -> Mapping[str, int]:
        """{column: number of its counter}."""
        return self._rounding

    def _reading(self, column: Column) -> Reading:
        if self.is_csv:
            careful = column.name in self.read_carefully or self.strictly
            return csv_reading(
                column, self.raw_name(column.name), careful=careful, strict=self.strictly,
                dates=self.contract.reading.dates,
            )  # fmt: skip
        return parquet_reading(column, self.raw_name(column.name), self.types[column.name])


def open_text(landed: Landed, contract: Contract, names: Sequence[str], *, scoring: bool) -> RawTable:
    """Match the names of a text's columns ("" where there is none) with the contract's.

    Raises BadData when a column is missing that has to be there.
    """
    named = [name or f"column {place} (no name)" for place, name in enumerate(names, start=1)]
    unique = [f"{name} (again, {place})" if name in named[:place] else name for place, name in enumerate(named)]
    _refuse_missing(landed, contract, unique, scoring=scoring)
    types = dict.fromkeys(unique, "VARCHAR")
    return RawTable(
        landed, contract, types, tuple(_extra(landed, contract, unique)), strictly=landed.survey.odd_numbers
    )


def open_parquet(landed: Landed, contract: Contract, *, scoring: bool) -> RawTable:
    """Match the file's columns with the contract's by name.

    Raises BadData when a column is missing that has to be there or cannot be what the contract says, BrokenFile when
    the file cannot be opened.
    """
    types = parquet_types(landed, contract)
    _refuse_missing(landed, contract, list(types), scoring=scoring)
    remarks = [Finding(contract.table, "file kind", Severity.WARN, what, file=landed.name) for what in landed.remarks]
    return RawTable(landed, contract, types, (*remarks, *_extra(landed, contract, list(types))))


def _refuse_missing(landed: Landed, contract: Contract, header: Sequence[str], *, scoring: bool) -> None:
    missing = [
        column.name
        for column in contract.columns
        if column.name not in header and not column.optional and not (scoring and column.available in _AFTERWARDS)
    ]
    if missing:
        more = f" (and {len(missing) - 1} more: {', '.join(missing[1:6])})" if missing[1:] else ""
        raise BadData(
            f"the column {missing[0]} is missing{more}",
            where=str(landed.source),
            hint=did_you_mean(missing[0], set(header) - set(contract.names)) + "; or mark it optional in the contract",
        )


def _extra(landed: Landed, contract: Contract, header: Sequence[str]) -> list[Finding]:
    extra = [name for name in header if name not in contract.names]
    if not extra:
        return []
    return [
        Finding(
            contract.table,
            "unknown columns",
            Severity.WARN,
            f"{len(extra)} columns that the contract does not know were left out: {', '.join(extra[:12])}",
            file=landed.name,
            examples=tuple(extra[:3]),
            hint="add them to the contract if they matter",
        )
    ]


def _null(column: Column) -> str:
    return f"cast(null as {sql_type(column.type)})"
