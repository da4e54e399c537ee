"""SQL that two engines answer differently, and the forms that they answer alike; docs/portable-sql.md is made of it."""

from __future__ import annotations

from typing import NamedTuple

ROWS = """
    (1, 0, null, 7, 1.0, 2.675, date '2024-01-31', date '2024-03-01', '1.0', null),
    (2, 5, 9007199254740993, -7, 9007199254740992.0, 0.5, date '2024-01-15', date '2024-02-29', '1d', true),
    (3, 5, 4, 2, 1.005, 1.5, date '2023-12-31', date '2024-01-01', ' 1', false),
    (4, 2, -1, 5, -9007199254740992.0, 2.5, null, date '2024-02-29', 'x', true)
"""
COLUMNS = {
    "id": "BIGINT", "k": "BIGINT", "n": "BIGINT", "i": "INTEGER", "x": "DOUBLE", "y": "DECIMAL(18,3)", "d": "DATE",
    "e": "DATE", "s": "VARCHAR", "b": "BOOLEAN",
}  # fmt: skip


class Refused(NamedTuple):
    """What the lint refuses; plain = as sqlglot alone would translate it."""

    rule: str
    sql: str
    portable: str
    why: str


class SetRight(NamedTuple):
    """What the translation gives the meaning that DuckDB has."""

    sql: str
    why: str


REFUSED = [
    Refused("average", "select avg(y) as a from t where id < 4",
            "select sum(y) / nullif(count(y), 0) as a from t where id < 4",
            "the mean of decimals is a double in one engine, a rounded decimal in the other"),
    Refused("quantile", "select quantile_cont(i, 0.5) as a from t",
            "select max(case when p * 2 in (c, c + 1) then i end) as a from"
            " (select i, row_number() over (order by i, id) as p, count(*) over () as c from t) as numbered",
            "the function is not there, or goes by other names and other interpolation"),
    Refused("float-sum", "select sum(x) as a from t",
            "select sum(cast(x as decimal(18, 1))) as a from t where x < 1e15",
            "a sum of doubles depends on the order in which parts of a table are added"),
    Refused("unordered", "select n, random() as a from t", "select n, id as a from t",
            "any, first, last and random ones depend on the order in which parts of a table come"),
    Refused("tie", "select arg_max(i, k) as a from t", "select arg_max(i, k * 100 + id) as a from t",
            "of rows with the same key, whoever comes first or last"),
    Refused("clock", "select extract(year from d) as a, current_timestamp as now from t",
            "select extract(year from d) as a, e as now from t", "each run has another now"),
    Refused("month", "select date_diff('month', d, e) as a from t",
            "select (extract(year from e) - extract(year from d)) * 12 + extract(month from e) - extract(month from d)"
            " as a from t", "first days of months passed, or whole months"),
    Refused("division", "select i / k as a from t", "select i / nullif(k, 0) as a from t",
            "infinity here, an error there"),
    Refused("integer-division", "select x // 2 as a from t",
            "select floor(x / 2) as a from t", "rounded down or towards zero"),
    Refused("list", "select list(n order by id) as a from t", "select count(n) as a from t",
            "NULL is kept or left out"),
    Refused("type", "select try_cast(n as ubigint) as a from t", "select case when n >= 0 then n end as a from t",
            "unsigned numbers and other types have no equal"),
    Refused("hugeint", "select sum(n) as a from t", "select cast(sum(n) as bigint) as a from t",
            "128 bits go through a file of DuckDB's as a double"),
    Refused("conversion", "select try_cast(s as double) as a from t", "select try_cast(trim(s) as integer) as a from t"
            " where s in (' 1', 'x')", "text is read as a number by two grammars"),
    Refused("mixed", "select id, s = 1 as a from t where s <> 'x' and s <> '1d'",
            "select id, s = '1' as a from t where s <> 'x' and s <> '1d'", "text becomes a number by another grammar"),
    Refused("round", "select round(x, 2) as a from t where x < 10 and x > 0",
            "select cast(x as decimal(18, 2)) as a from t where x < 10 and x > 0",
            "one rounds the double, the other its shortest spelling"),
    Refused("date", "select extract(dow from d) as a from t",
            "select d - date '2024-01-07' as a from t", "days of the week count from 0 or 1"),
    Refused("text", "select substr(s, 0, 2) as a from t", "select substr(s, 1, 2) as a from t",
            "position 0 is before the text, or its beginning"),
    Refused("function", "select upper('straße') as a from t", "select 'STRASSE' as a from t",
            "letters of other languages have two capital forms"),
    Refused("clause", "select a.id, b.n from t as a asof join t as b on a.id >= b.id",
            "select a.id, b.n from t as a inner join t as b on a.id = b.id", "not every engine has it"),
    Refused("window", "select id, max(i) over (order by id rows between 9 preceding and current row exclude group)"
            " as a from t", "select id, max(i) over (order by id rows between 9 preceding and 1 preceding) as a from t",
            "not every engine has it"),
]  # fmt: skip

SET_RIGHT = [
    SetRight("select cast(y as integer) as a from t", "decimals round half away from zero"),
    SetRight("select cast(cast(y as double) as integer) as a from t", "doubles round half to even"),
    SetRight("select try_cast(x as decimal(18, 2)) as a from t", "a double rounds as it is, not as it is spelt"),
    SetRight("select y / 3 as a from t", "a quotient is a double"),
    SetRight("select ceil(x * 1e10) as a from t", "the next whole number of a large double fits no BIGINT"),
    SetRight("select arg_max(n, id * -1) as a from t", "NULL is no answer"),
    SetRight("select e - d as a from t", "days, not an interval"),
    SetRight("select d + (k + 1) * interval '1 month' as a from t", "a timestamp, not a date"),
    SetRight("select cast(sum(case when n > 4 then 9223372036854775807 else n end) as double) as a from t",
             "a sum has 128 bits"),
    SetRight("select trim('\u00a0' || s) as a from t", "every kind of space is one"),
]  # fmt: skip

ALIKE = [
    "select id, row_number() over (order by n, id) as a, rank() over (partition by k order by i desc) as b from t",
    "select id, lag(n) over (order by id) as a, max(i) over (partition by k) as b, count(n) over () as c from t",
    "select y * 0.000001 * 0.000001 as a, y + i as b, y - 0.5 as c, -y as d, abs(y) as e from t",
    "select try_cast(trim(s) as integer) as a from t where s in (' 1', 'x')",
    "select extract(year from d) as a, extract(quarter from e) as b, last_day(d) as c, date_diff('day', e, d) as f"
    " from t",
    "select d + i as a, d - 1 as b, e - interval '2 weeks' as c, e + interval 1 year as f from t",
    "select greatest(i, y) as a, coalesce(n, x) as b, least(d, e) as c, nullif(i, y) as f, nullif(y, 0.5) as g from t",
    "select cast(b as integer) as a, s like '1%' as c, b is not true as f, i is distinct from n as g from t",
    "select case k when 0 then y when 5 then i end as a, if(b, x, y) as c, case when n > 0.5 then 'x' end as f from t",
    "select id from t where (n is null or i between -7.5 and 2) and not (k in (0, 2.0) and y >= x)",
    "select k, count(*) as a, count(distinct i) as b, max(s) as c, min(d) as f, bool_or(b) as g, arg_min(s, id) as h"
    " from t group by k having count(*) > 0",
    "select count(*) filter (where i > 0) as a, max(x) filter (where b) as c, arg_max(i, id) filter (where b) as f"
    " from t",
    "select floor(x / 7) as a, ceil(y) as b, floor(y) as c, round(y, 1) as f, round(x) as g, sqrt(k) as h from t",
    "select substr(s, 2, 1) as a, replace(s, '1', '2') as b, length(s) as c, s || '!' as f, starts_with(s, '1') as g"
    " from t",
    "select distinct k, x * 0 as a from t",
    "select a.id, b.i from t as a left join (select id, i from t where i > 0) as b on a.id = b.id and a.k <> 2",
    "select a.id from t as a semi join t as b on a.id = b.k",
    "select a.id from t as a anti join t as b on a.id = b.k",
    "with w as (select k, sum(y) as total from t group by k) select t.id, cast(w.total as double) / nullif(t.k, 0) as a"
    " from t inner join w on w.k = t.k",
]
"""What may be written, as a reader would."""
