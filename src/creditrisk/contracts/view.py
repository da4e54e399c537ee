"""One bronze table under a connection, and what its file already says of itself without a row being read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from creditrisk.config import Contract, Portfolio
from creditrisk.contracts.promises import NUMBERS
from creditrisk.duck import Connection, named, quoted


@dataclass(frozen=True)
class BronzeView:
    """ends: {column of numbers: (smallest, largest)}; nulls: {column: how many}; columns: those of the file.

    key: columns that name a row; () when there are none.  hidden: columns whose values no finding may show.
    """

    con: Connection
    contract: Contract
    source: str
    rows: int
    ends: Mapping[str, tuple[object, object]]
    nulls: Mapping[str, int]
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()

    @classmethod
    def opened(
        cls, con: Connection, contract: Contract, path: Path, portfolio: Portfolio, extra: Sequence[str] = ()
    ) -> BronzeView:
        """extra: columns of the file besides the contract's (an entity key made by us)."""
        source = parquet(path)
        names = (*extra, *contract.names)
        numbers = [column.name for column in contract.columns if column.type.startswith(NUMBERS)]
        # Asked in two queries, DuckDB answers from the file's footer and reads no row; asked in one, it reads them.
        counted = ", ".join(f"count({named(name)})" for name in names)
        rows, *known = con.sql(f"select count(*), {counted} from {source}").fetchall()[0]  # noqa: S608
        limits = ", ".join(f"min({named(name)}), max({named(name)})" for name in numbers) or "null"
        ends = con.sql(f"select {limits} from {source}").fetchall()[0]  # noqa: S608
        return cls(
            con,
            contract,
            source,
            rows,
            dict(zip(numbers, zip(ends[::2], ends[1::2], strict=False), strict=False)),
            {name: rows - count for name, count in zip(names, known, strict=True)},
            names,
            key=tuple(extra) or portfolio.tables[contract.table].key,
            hidden=hidden_columns(contract, portfolio),
        )

    def holds(self, column: str, value: str) -> bool:
        """May this number stand in the column, by the column's ends?"""
        low, high = self.ends.get(column, (None, None))
        if low is None or high is None:
            return column not in self.ends
        return float(low) <= float(value) <= float(high)  # type: ignore[arg-type]


def hidden_columns(contract: Contract, portfolio: Portfolio) -> frozenset[str]:
    """Columns whose values are no examples: those that may not decide about people, and people's own words."""
    words = {column.name for column in contract.columns if column.type == "text" and not column.categories}
    table = portfolio.tables[contract.table]
    return frozenset((words - {*table.key, table.foreign_key}) | set(portfolio.policy.kept_apart))


def parquet(path: Path) -> str:
    return f"read_parquet({quoted(str(path.resolve()))})"


def key_text(keys: Sequence[str]) -> str:
    """SQL: a row's key as a person reads it, "SK_ID_PREV=1, MONTHS_BALANCE=-3"."""
    return "concat_ws(', ', " + ", ".join(f"{quoted(key + '=')} || cast({named(key)} as varchar)" for key in keys) + ")"
