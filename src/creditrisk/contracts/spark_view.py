"""The same promises checked on a cluster: what contracts ask of a table, answered by Spark over Parquet of any size.

Conditions, those of a contract's own rules among them, go through the same translation as the book's features, so the
findings and profiles are those that DuckDB gives.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlglot

from creditrisk.config import Contract, Portfolio, Rule
from creditrisk.contracts.checks import Checked, Progress, examined, own_columns
from creditrisk.contracts.profile import TableProfile
from creditrisk.contracts.promises import NUMBERS
from creditrisk.contracts.uniqueness import Doubles
from creditrisk.contracts.view import BronzeView, Categories, hidden_columns, unsound
from creditrisk.duck import named, sql_type
from creditrisk.errors import BadConfig
from creditrisk.portable import backticked, text, translated_select
from creditrisk.spark import read_parquet, translated, with_sql_conf

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_TABLE = "bronze"


def examine_on_spark(
    spark: SparkSession,
    tables: Mapping[str, str | Path],
    contracts: Mapping[str, Contract],
    portfolio: Portfolio,
    *,
    last: Mapping[str, TableProfile] | None = None,
    scoring: bool = False,
    progress: Progress | None = None,
) -> Checked:
    """`examine` over Parquet files or folders, at a path or URI each. Raises as it does, OutsideFailed for the cluster.

    spark: from `creditrisk.spark.session`; its own views and settings stay as they are.
    """
    spark = with_sql_conf(spark.newSession())

    @contextmanager
    def opened(name: str) -> Iterator[BronzeView]:
        with translated(f"contract of {name}"):
            own = own_columns(contracts[name], portfolio)
            yield SparkView.read(spark, contracts[name], tables[name], portfolio, own)

    return examined(opened, tables, contracts, portfolio, last=last, scoring=scoring, progress=progress)


@dataclass(frozen=True)
class SparkView(BronzeView):
    """types: {column: DuckDB type}."""

    spark: Any = None
    table: Any = None
    types: Mapping[str, str] | None = None

    @classmethod
    def read(
        cls, spark: SparkSession, contract: Contract, path: str | Path, portfolio: Portfolio, extra: Sequence[str] = ()
    ) -> SparkView:
        """extra: columns of the file besides the contract's (an entity key made by us)."""
        names = (*extra, *contract.names)
        types = dict.fromkeys(extra, "VARCHAR") | {one.name: sql_type(one.type) for one in contract.columns}
        table = read_parquet(spark, path).select([backticked(name) for name in names])
        table.createOrReplaceTempView(_TABLE)
        numbers = [column.name for column in contract.columns if column.type.startswith(NUMBERS)]
        asked = ["count(*)", *(f"count({backticked(name)})" for name in names)]
        asked += [f"{function}({backticked(name)})" for name in numbers for function in ("min", "max")]
        told = list(spark.sql(f"select {', '.join(asked)} from {_TABLE}").collect()[0])  # noqa: S608
        rows, known, ends = told[0], told[1 : len(names) + 1], told[len(names) + 1 :]
        return cls(
            None,  # no connection to DuckDB
            contract,
            _TABLE,
            rows,
            dict(zip(numbers, zip(ends[::2], ends[1::2], strict=True), strict=True)),
            {name: rows - count for name, count in zip(names, known, strict=True)},
            names,
            key=tuple(extra) or portfolio.tables[contract.table].key,
            hidden=hidden_columns(contract, portfolio),
            spark=spark,
            table=table,
            types=types,
        )

    def need_sound(self, rule: Rule) -> None:
        try:
            self._asked(f"select cast(({rule.sql}) as boolean) as kept from {_TABLE}")  # noqa: S608
        except BadConfig as error:
            raise unsound(self.contract, rule, error.what) from error

    def counted(self, conditions: Sequence[str]) -> list[int]:
        if not conditions or not self.rows:
            return [0] * len(conditions)
        counts = ", ".join(
            f"count(*) filter (where {condition}) as n{place}" for place, condition in enumerate(conditions)
        )
        return list(self._asked(f"select {counts} from {_TABLE}").collect()[0])  # noqa: S608

    def values_where(self, column: str, condition: str) -> list[object]:
        rows = self._asked(f"select {named(column)} as v from {_TABLE} where {condition}")  # noqa: S608
        return [row[0] for row in rows.distinct().orderBy(rows["v"].asc_nulls_last()).limit(3).collect()]

    def keys_where(self, keys: Sequence[str], condition: str) -> list[str]:
        listed = ", ".join(map(named, keys))
        return _first_keys(self._asked(f"select {listed} from {_TABLE} where {condition}"), keys)  # noqa: S608

    def categories(self, column: str, known: Sequence[str]) -> Categories:
        name, listed = backticked(column), ", ".join(map(text, known))
        counted = f"select {name} as v, count(*) as n from {_TABLE} where {name} is not null group by {name}"  # noqa: S608
        self.spark.sql(counted).createOrReplaceTempView("counted")
        rows = self.spark.sql(f"select v, n from counted where v in ({listed})").collect()  # noqa: S608
        other = f"from counted where v not in ({listed})"
        total, kinds = self.spark.sql(f"select coalesce(sum(n), 0), count(*) {other}").collect()[0]
        seen = self.spark.sql(f"select v {other} order by n desc, v limit 3").collect() if kinds else []
        found = {row[0]: int(row[1]) for row in rows}
        return Categories(
            {one: found.get(one, 0) for one in known}, int(total), int(kinds), tuple(one[0] for one in seen)
        )

    def values(self, column: str) -> list[tuple[object, int]]:
        name = backticked(column)
        told = self.spark.sql(f"select {name}, count(*) from {_TABLE} group by 1 order by 1 nulls last").collect()  # noqa: S608
        return [(row[0], int(row[1])) for row in told]

    def doubled(self, keys: Sequence[str]) -> Doubles | None:
        listed = ", ".join(map(backticked, keys))
        known = " and ".join(f"{backticked(key)} is not null" for key in keys)
        twice = f"select {listed} from {_TABLE} where {known} group by {listed} having count(*) > 1"  # noqa: S608
        if not self.spark.sql(twice).limit(1).collect():
            return None
        every = ", ".join(map(backticked, self.columns))
        held = " and ".join(f"t.{backticked(key)} = d.{backticked(key)}" for key in keys)
        alike = (
            f"select {listed}, count(*) as copies from "  # noqa: S608
            f"(select t.* from {_TABLE} t left semi join ({twice}) d on {held}) group by {every}"
        )
        told = self.spark.sql(f"select {listed}, sum(copies) as n, count(*) as kinds from ({alike}) group by {listed}")  # noqa: S608
        told.createOrReplaceTempView("doubled")
        counts = self.spark.sql(
            "select coalesce(sum(n - kinds), 0), coalesce(sum(kinds) filter (where kinds > 1), 0), "
            "count(*) filter (where kinds > 1) from doubled"
        ).collect()[0]
        copied, contradicted = (
            tuple(_first_keys(self.spark.sql(f"select {listed} from doubled where {condition}"), keys))  # noqa: S608
            for condition in ("n > kinds", "kinds > 1")
        )
        return Doubles(int(counts[0]), int(counts[1]), int(counts[2]), copied, contradicted)

    def orphans(self, parent: str | Path, foreign_key: str, key: str) -> int:
        from pyspark.sql import functions as f

        parents = read_parquet(self.spark, parent).select(f.col(backticked(key)).alias("parent_key"))
        children = self.table.select(f.col(backticked(foreign_key)).alias("child_key")).where("child_key is not null")
        return int(children.join(parents, children.child_key == parents.parent_key, "left_anti").count())

    def _asked(self, query: str) -> DataFrame:
        """A query in DuckDB's SQL. Raises BadConfig for one that has no equal on Spark."""
        try:
            tree = sqlglot.parse_one(query, read="duckdb")
        except sqlglot.errors.SqlglotError as error:
            raise BadConfig(f"not SQL: {str(error).splitlines()[0]}") from error
        found, problems = translated_select(tree, {_TABLE: self.types or {}})
        if found is None or problems:
            rule, what = problems[0][1:]
            raise BadConfig(f"{rule}: {what}", hint="docs/portable-sql.md")
        return self.spark.sql(found.sql)


def _first_keys(rows: DataFrame, keys: Sequence[str]) -> list[str]:
    """As DuckDB writes them: "SK_ID_PREV=1, MONTHS_BALANCE=-3"."""
    first = rows.orderBy([rows[backticked(key)].asc_nulls_last() for key in keys]).limit(3).collect()
    return [", ".join(f"{key}={_as_text(row[key])}" for key in keys if row[key] is not None) for row in first]


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, dt.date) else str(value)
