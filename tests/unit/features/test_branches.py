"""The SQL without the columns that nobody wants gives the same rows as the whole SQL."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from creditrisk.features.branches import Branch, Cut, TrunkFile, branch_sql, pruned, trunk_sql

LOANS = "select range as k, range % 3 as a, range % 2 as b, range * 1.5 as c, 'w' || range as w from range(7)"


def _rows(query: str) -> list[Any]:
    with duckdb.connect() as con:
        con.execute(f"create view application as {LOANS}")
        return sorted(con.execute(query).fetchall(), key=repr)


def _cut(*files: tuple[str, str]) -> Cut:
    return Cut((), tuple(TrunkFile(name, query, frozenset({"application"})) for name, query in files))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("with x as (select k, a, b, c + 1 as d from application) select k, a, d, b as e from x", ["d"]),
        ("select k, a as p, p + 1 as q, b from application", ["q"]),
        ("select k, a, b from application qualify row_number() over (partition by a order by c) = 1", ["b"]),
        ("with x as (select k, a, b from application), y as (select k, c from application) "
         "select k, b, c from x join y using (k)", ["c"]),
        ("with x as (select a, max(c) as top, min(k) as k from application group by a) select k, top, a from x", ["a"]),
        ("with x as (select distinct a, b from application) select a * 10 + b as k, a from x", ["a"]),
        ("with x as (select k, a from application union all select k, b from application where b = 1) "
         "select k, count(*) as n from x group by k", ["n"]),
        ("with x as (select k, b, a from application) select * from x", ["a"]),
        ("select a as k, b, count(*) as n from application group by 1, 2", ["n"]),
        ("select a as k, b, count(*) as n from application group by all", ["n"]),
        ("with x as (select count(*) as n, 1 as one from application) select k, one, n from application, x", ["one"]),
        ("with x as (select 1 as one, count(*) as n from application), y as (select one from x) "
         "select k, one from application, y", ["one"]),
        ("select k, a, unnest([b, b + 1]) as u from application", ["a"]),
        ("with x as (select k, a from application), y as (select k, a, c from application) "
         "select k, c from x natural join y", ["c"]),
        ("select k, case when exists (select 1 from application as o where o.b = p.a) then c end as f, w "
         "from application as p", ["f"]),
    ],
)  # fmt: skip
def test_what_is_wanted_of_a_query_stays_the_same(query: str, wanted: list[str]) -> None:
    whole = _cut(("first", query))
    less = pruned(whole, wanted, "k")
    assert _rows(trunk_sql(less, [], wanted, "k")) == _rows(trunk_sql(whole, [], wanted, "k"))


def test_files_lose_what_later_files_do_not_read() -> None:
    whole = _cut(
        ("first", "select k, a, b, c from application"),
        ("second", "select k, a + b as s, c * 2 as t from first"),
    )
    less = pruned(whole, ["s"], "k")
    assert "c" not in less.trunk[0].query.lower().replace("select", "").replace("application", "")
    assert _rows(trunk_sql(less, [], ["s"], "k")) == _rows(trunk_sql(whole, [], ["s"], "k"))


def test_a_file_that_keeps_only_different_rows_keeps_every_column_below_it() -> None:
    whole = _cut(
        ("first", "select a as k, b, c from application"),
        ("second", "select distinct * from first"),
        ("third", "select k, count(*) as n from second group by k"),
    )
    less = pruned(whole, ["n"], "k")
    assert _rows(trunk_sql(less, [], ["n"], "k")) == _rows(trunk_sql(whole, [], ["n"], "k"))


def test_a_branch_aggregates_only_what_the_trunk_reads() -> None:
    steps = {"sums": ("select k, sum(c) as s, max(a) as m, count(*) as n from application group by k",
                      frozenset({"payments"}))}  # fmt: skip
    branch = Branch("branch__sums", steps, 'select * from "sums"', frozenset({"payments"}), "k")
    whole = Cut((branch,), (TrunkFile("out", "select k, s, m, n from branch__sums", frozenset()),))
    less = pruned(whole, ["m"], "k").branches[0]
    assert "sum(" not in less.steps["sums"][0].lower()
    assert _rows(branch_sql(less, ["payments"])) == [(k, m) for k, _, m, _ in _rows(branch_sql(branch, ["payments"]))]
