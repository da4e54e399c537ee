"""Every rule of the lint stands for a difference that is really there, and every portable form gives the same.

docs/portable-sql.md shows the answers of both engines beside each other; REFRESH_PORTABLE=1 writes them there again.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import sqlglot

from creditrisk.config import SqlFile
from creditrisk.features.lint import lint_sql
from creditrisk.features.spark_engine import spark_query
from tests.support.portable_cases import ALIKE, COLUMNS, REFUSED, ROWS, SET_RIGHT, Refused, SetRight

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SCHEMA = {"t": COLUMNS}
EACH_RUN_ITS_OWN = {"clock", "unordered"}
"""Rules whose answers no page can show."""


class Engines:
    """The same four rows in two files under both engines."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.folder, self.spark = folder, spark.newSession()
        self.con = duckdb.connect(config={"threads": 1})
        self.con.execute("set TimeZone = 'UTC'")
        typed = ", ".join(f"cast(c{place} as {kind}) as {name}" for place, (name, kind) in enumerate(COLUMNS.items()))
        names = ", ".join(f"c{place}" for place in range(len(COLUMNS)))
        for half, condition in enumerate(("id < 3", "id >= 3")):
            self.con.execute(
                f"copy (select {typed} from (values {ROWS}) as v({names}) where c0 is not null and "
                f"{condition.replace('id', 'c0')}) to '{folder}/{half}.parquet' (format parquet)"
            )
        self.con.execute(f"create view t as select * from read_parquet('{folder}/*.parquet')")
        self.spark.read.parquet(str(folder / "0.parquet"), str(folder / "1.parquet")).createOrReplaceTempView("t")

    def duck(self, sql: str, *, through_a_file: bool = False) -> list[tuple[Any, ...]] | str:
        try:
            if not through_a_file:
                return ordered(self.con.sql(sql).fetchall())
            self.con.execute(f"copy ({sql}) to '{self.folder}/step' (format parquet)")
            return self.con.sql(f"select * from read_parquet('{self.folder}/step')").fetchall()
        except duckdb.Error as error:
            return "error: " + str(error).split(":")[0].lower()

    def plain(self, sql: str) -> list[tuple[Any, ...]] | str:
        """What sqlglot makes of it, alone."""
        from pyspark.errors import PySparkException

        try:
            return ordered(
                map(tuple, self.spark.sql(sqlglot.transpile(sql, read="duckdb", write="spark")[0]).collect())
            )
        except PySparkException as error:
            return f"error: {(error.getCondition() or 'no such form').partition('.')[0].lower().replace('_', ' ')}"

    def ours(self, sql: str) -> list[tuple[Any, ...]]:
        query = spark_query(SqlFile("q", f"-- q: one row.\n{sql}", "q.sql"), SCHEMA)
        return ordered(map(tuple, self.spark.sql(query.sql).collect()))


def ordered(rows: Any) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: [(value is None, str(type(value)), str(value)) for value in row])


def alike(this: Any, that: Any) -> bool:
    """The same values of the same kind; doubles to the bit."""
    if isinstance(this, list) and isinstance(that, list):
        return len(this) == len(that) and all(map(alike, this, that))
    if isinstance(this, tuple) and isinstance(that, tuple):
        return len(this) == len(that) and all(map(alike, this, that))
    if isinstance(this, float) and isinstance(that, float) and math.isnan(this) and math.isnan(that):
        return True
    return type(this) is type(that) and this == that


@pytest.fixture(scope="module")
def engines(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    made = Engines(spark, tmp_path_factory.mktemp("t"))
    yield made
    made.con.close()


def told(sql: str) -> set[str]:
    found = lint_sql(SqlFile("q", f"-- q: one row.\n{sql}", "q.sql"), SCHEMA, ["id"])
    return {line.split(": ")[1] for line in found}


def line_of(case: Refused, engines: Engines) -> str:
    here = engines.duck(case.sql, through_a_file=case.rule == "hugeint")
    there = "another" if case.rule in EACH_RUN_ITS_OWN else shown(engines.plain(case.sql))
    here_shown = "one" if case.rule in EACH_RUN_ITS_OWN else shown(here)
    cells = (f"`{case.rule}`", f"`{case.sql}`", here_shown, there, case.why, f"`{case.portable}`")
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def shown(answer: Any) -> str:
    if isinstance(answer, str):
        return answer
    rows = [" ".join(_cell(value) for value in row) for row in answer]
    return "; ".join(rows) or "no row"


def _cell(value: Any) -> str:
    if isinstance(value, float | Decimal | int) and not isinstance(value, bool):
        return f"{value}"
    if isinstance(value, dt.timedelta):
        return f"{value.days} days as an interval"
    return "NULL" if value is None else f"{value}"


@pytest.mark.parametrize("case", REFUSED, ids=[case.rule for case in REFUSED])
def test_what_the_lint_refuses_is_answered_differently_and_its_portable_form_alike(
    case: Refused, engines: Engines
) -> None:
    assert told(case.sql) == {case.rule}
    assert not alike(engines.duck(case.sql, through_a_file=case.rule == "hugeint"), engines.plain(case.sql))
    assert told(case.portable) == set()
    assert alike(engines.duck(case.portable), engines.ours(case.portable))


@pytest.mark.parametrize("case", SET_RIGHT, ids=[case.why for case in SET_RIGHT])
def test_what_would_differ_in_silence_is_set_right(case: SetRight, engines: Engines) -> None:
    assert told(case.sql) == set()
    here = engines.duck(case.sql)
    assert alike(here, engines.ours(case.sql))
    assert not alike(here, engines.plain(case.sql))


@pytest.mark.parametrize("sql", ALIKE)
def test_what_may_be_written_is_answered_alike(sql: str, engines: Engines) -> None:
    assert told(sql) == set()
    assert alike(engines.duck(sql), engines.ours(sql))


def test_the_page_shows_the_answers_that_the_engines_give(engines: Engines, repository: Path) -> None:
    page = repository / "docs" / "portable-sql.md"
    refused = [line_of(case, engines) for case in REFUSED]
    right = [
        f"| `{case.sql}` | {shown(engines.duck(case.sql))} | {shown(engines.plain(case.sql))} | {case.why} |"
        for case in SET_RIGHT
    ]
    text = page.read_text(encoding="utf-8")
    for name, lines in (("refused", refused), ("set right", right)):
        shown_there = re.search(rf"<!-- {name} -->\n.*?\n\|[-|]+\|\n(.*?)<!-- end -->", text, re.DOTALL)
        assert shown_there is not None
        if os.environ.get("REFRESH_PORTABLE"):
            text = text[: shown_there.start(1)] + "\n".join(lines) + "\n" + text[shown_there.end(1) :]
            page.write_text(text, encoding="utf-8")
        else:
            assert shown_there[1].strip().splitlines() == lines
