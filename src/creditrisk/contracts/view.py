"""One bronze table under a connection, and what its file already says of itself without a row being read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from creditrisk.config import Contract, Portfolio, Rule
from creditrisk.contracts.promises import NUMBERS
from creditrisk.contracts.uniqueness import Doubles, doubled_rows, key_text, told_apart
from creditrisk.duck import Connection, first_line, named, parquet, quoted
from creditrisk.errors import BadConfig


@dataclass(frozen=True)
class Categories:
    """rows: {value that the contract knows: how many}; other: rows with other values, `kinds` of them, `seen` most."""

    rows: Mapping[str, int]
    other: int
    kinds: int
    seen: tuple[str, ...]


@dataclass(frozen=True)
class BronzeView:
    """What contracts ask of a table, answered by DuckDB; `spark_view` answers the same on a cluster.

    ends: {column of numbers: (smallest, largest)}; nulls: {column: how many}; columns: those of the file.

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
        rows, nulls = _counted(con, path, names)
        # Asked for nothing else, DuckDB answers from the file's footer and reads no row.
        limits = ", ".join(f"min({named(name)}), max({named(name)})" for name in numbers) or "null"
        ends = con.sql(f"select {limits} from {source}").fetchall()[0]  # noqa: S608
        return cls(
            con,
            contract,
            source,
            rows,
            dict(zip(numbers, zip(ends[::2], ends[1::2], strict=False), strict=False)),
            nulls,
            names,
            key=tuple(extra) or portfolio.tables[contract.table].key,
            hidden=hidden_columns(contract, portfolio),
        )

    def need_sound(self, rule: Rule) -> None:
        """Raises BadConfig for a rule whose SQL does not fit the table."""
        import duckdb

        try:
            self.con.sql(f"select cast(({rule.sql}) as boolean) from {self.source} limit 0").fetchall()  # noqa: S608
        except duckdb.Error as error:
            raise unsound(self.contract, rule, first_line(error)) from error

    def counted(self, conditions: Sequence[str]) -> list[int]:
        """How many rows each condition is true for, in one pass."""
        if not conditions or not self.rows:
            return [0] * len(conditions)
        counts = ", ".join(f"count(*) filter ({condition})" for condition in conditions)
        return list(self.con.sql(f"select {counts} from {self.source}").fetchall()[0])  # noqa: S608

    def values_where(self, column: str, condition: str) -> list[object]:
        """The three smallest values of the column among these rows."""
        query = f"select distinct {named(column)} from {self.source} where {condition} order by 1 limit 3"  # noqa: S608
        return [row[0] for row in self.con.sql(query).fetchall()]

    def keys_where(self, keys: Sequence[str], condition: str) -> list[str]:
        """The three first keys of these rows, as a person reads them."""
        order = ", ".join(map(named, keys))
        query = f"select {key_text(keys)} from {self.source} where {condition} order by {order} limit 3"  # noqa: S608
        return [str(row[0]) for row in self.con.sql(query).fetchall()]

    def categories(self, column: str, known: Sequence[str]) -> Categories:
        name, listed = named(column), ", ".join(map(quoted, known))
        counted = f"select {name} as v, count(*) as n from {self.source} where {name} is not null group by {name}"  # noqa: S608
        told = self.con.sql(
            f"select case when v in ({listed}) then v end as k, sum(n), count(*), list(v order by n desc, v)[1:3] "  # noqa: S608
            f"from ({counted}) group by k"
        ).fetchall()
        rows = {value: int(count) for value, count, _, _ in told}
        new: tuple[int, int, Sequence[str]]
        new = next(((int(count), kinds, seen) for value, count, kinds, seen in told if value is None), (0, 0, []))
        return Categories({value: rows.get(value, 0) for value in known}, new[0], new[1], tuple(new[2]))

    def values(self, column: str) -> list[tuple[object, int]]:
        """(value, rows) of each value, NULL last."""
        name = named(column)
        query = f"select {name}, count(*) from {self.source} group by 1 order by 1 nulls last"  # noqa: S608
        return list(self.con.sql(query).fetchall())

    def doubled(self, keys: Sequence[str]) -> Doubles | None:
        """Rows that share this key, duplicates apart from contradictions; None where no two do."""
        if not doubled_rows(self.con, self.source, keys, self.ends, self.rows):
            return None
        return told_apart(self.con, self.source, keys, self.columns)

    def orphans(self, parent: Path, foreign_key: str, key: str) -> int:
        """Rows whose parent is not there."""
        return count_orphans(self.con, self.source, parquet(parent), foreign_key, key)

    def holds(self, column: str, value: str) -> bool:
        """May this number stand in the column, by the column's ends?"""
        low, high = self.ends.get(column, (None, None))
        if low is None or high is None:
            return column not in self.ends
        return float(low) <= float(value) <= float(high)  # type: ignore[arg-type]


def _counted(con: Connection, path: Path, names: Sequence[str]) -> tuple[int, dict[str, int]]:
    """(rows, {column: NULLs}) by the file's footer; asked for them, DuckDB would read the columns."""
    footer = pq.read_metadata(path)
    place = {footer.schema.column(index).name: index for index in range(footer.num_columns)}
    groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
    nulls: dict[str, int] = {}
    for name in names:
        told = [group.column(place[name]).statistics for group in groups]
        if all(one is not None and one.has_null_count for one in told):
            nulls[name] = sum(one.null_count for one in told)
        else:
            query = f"select count(*) - count({named(name)}) from {parquet(path)}"  # noqa: S608
            nulls[name] = int(con.sql(query).fetchall()[0][0])
    return footer.num_rows, nulls


def hidden_columns(contract: Contract, portfolio: Portfolio) -> frozenset[str]:
    """Columns whose values are no examples: those that may not decide about people, and people's own words."""
    words = {column.name for column in contract.columns if column.type == "text" and not column.categories}
    table = portfolio.tables[contract.table]
    return frozenset((words - {*table.key, table.foreign_key}) | set(portfolio.policy.kept_apart))


def count_orphans(con: Connection, child: str, parent: str, foreign_key: str, key: str) -> int:
    """Rows of `child` whose parent is not there."""
    return int(
        con.sql(
            f"select count(*) from {child} as c anti join {parent} as p on c.{named(foreign_key)} = p.{named(key)} "  # noqa: S608
            f"where c.{named(foreign_key)} is not null"
        ).fetchall()[0][0]
    )


def unsound(contract: Contract, rule: Rule, what: str) -> BadConfig:
    return BadConfig(
        what,
        where=f"contracts/{contract.table}.yaml, rule {rule.name}",
        hint="a rule is a condition over the columns of this contract",
    )
