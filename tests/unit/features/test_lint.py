"""Each rule of the lint finds its breach, with line and remedy, and leaves the exact form alone."""

from __future__ import annotations

import pytest

from creditrisk.config import SqlFile
from creditrisk.features import lint_sql
from creditrisk.features.lint import REMEDIES
from tests.support.portable_cases import COLUMNS, REFUSED, Refused

SCHEMA = {"t": {"id": "BIGINT", "x": "DOUBLE", "y": "DECIMAL(18,3)", "n": "BIGINT", "d": "DATE", "e": "DATE"}}


def rules(body: str, header: str = "-- t: one row per id.\n") -> list[str]:
    file = SqlFile("q", header + body, "q.sql")
    return [line.split(": ")[1] for line in lint_sql(file, SCHEMA, ["id"])]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("select avg(n) as a from t", "average"),
        ("select stddev_samp(n) as a from t", "average"),
        ("select median(n) as a from t", "quantile"),
        ("select sum(x) as a from t", "float-sum"),
        ("select sum(y / nullif(x, 0)) as a from t", "float-sum"),
        ("select any_value(n) as a from t", "unordered"),
        ("select arg_max(n, d) as a from t", "tie"),
        ("select row_number() over (partition by n order by d) as a from t", "tie"),
        ("select row_number() over (partition by n) as a from t", "tie"),
        ("select current_date as a from t", "clock"),
        ("select date_diff('month', d, e) as a from t", "month"),
        ("select x / n as a from t", "division"),
        ("select n // 2 as a from t", "integer-division"),
        ("select n % 2 as a from t", "integer-division"),
        ("select list(n) as a from t", "list"),
        ("select * from t", "star"),
    ],
)
def test_a_breach_is_found(body: str, rule: str) -> None:
    assert rules(body) == [rule]


@pytest.mark.parametrize(
    "body",
    [
        "select sum(y) / nullif(count(y), 0) as a, count(*) as c from t",
        "select sum(cast(y / nullif(x, 0) as decimal(18,6))) as a from t",
        "select cast(sum(cast(n > 3 as integer)) as bigint) as a from t",
        "select row_number() over (partition by n order by d desc, id) as a from t",
        "select arg_max(n, n * 10 + id) as a from t",
        "select date_diff('day', d, e) / 30 as a from t",
    ],
)
def test_the_exact_form_passes(body: str) -> None:
    assert rules(body) == []


@pytest.mark.parametrize("case", REFUSED, ids=[case.rule for case in REFUSED])
def test_each_rule_of_the_page_finds_its_breach_and_leaves_the_portable_form_alone(case: Refused) -> None:
    """That the engines really differ is shown by tests/integration/spark/test_portable_sql.py."""
    for sql, expected in ((case.sql, [case.rule]), (case.portable, [])):
        found = lint_sql(SqlFile("q", f"-- q: one row.\n{sql}", "q.sql"), {"t": COLUMNS}, ["id"])
        assert [line.split(": ")[1] for line in found] == expected


def test_every_rule_has_a_breach_in_a_test() -> None:
    tried = {case.rule for case in REFUSED} | {"star", "header"}
    assert set(REMEDIES) == tried


def test_a_file_without_header_is_told() -> None:
    assert rules("select id from t", header="") == ["header"]


def test_line_and_remedy_are_named() -> None:
    file = SqlFile("q", "-- t\nselect id,\n  avg(n) as a\nfrom t group by id", "sql/q.sql")
    assert lint_sql(file, SCHEMA, ["id"]) == [
        "sql/q.sql:3: average: AVG(n) (write sum(x) / nullif(count(x), 0) over an integer or decimal x)"
    ]
