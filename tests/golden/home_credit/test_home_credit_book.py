"""The book as a whole: what its SQL may see, the same bits in any order, words for every feature."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from creditrisk.config import MAIN, Column
from creditrisk.duck import DuckSettings, locked_room
from creditrisk.errors import BadConfig
from creditrisk.features import bound_columns, check_sql, compute, compute_one_query, table_schema
from tests.golden.home_credit.people import Row, book, typed

type Tables = dict[str, list[Row]]

KEPT_APART = {"CODE_GENDER", "NAME_FAMILY_STATUS", "NAME_TYPE_SUITE", "CNT_FAM_MEMBERS", "CNT_CHILDREN"}
CHILDREN_EACH = {"bureau": 4, "previous_application": 4, "POS_CASH_balance": 9, "credit_card_balance": 5,
                 "installments_payments": 12}  # fmt: skip


def invented(applicants: int) -> Tables:
    """Linked tables that hold a NULL, a zero, a marker or an absurd number wherever a contract lets one through."""
    draw = random.Random(7)
    tables: Tables = {MAIN: [_row(MAIN, draw, SK_ID_CURR=key) for key in range(1, applicants + 1)]}
    for table, most in CHILDREN_EACH.items():
        parents = [key for key in range(1, applicants + 1) for _ in range(draw.randint(0, most))]
        tables[table] = [_row(table, draw, SK_ID_CURR=key, **_child_keys(table, n)) for n, key in enumerate(parents)]
    credits = [row["SK_ID_BUREAU"] for row in tables["bureau"] if draw.random() < 0.6]
    tables["bureau_balance"] = [
        _row("bureau_balance", draw, SK_ID_BUREAU=key, MONTHS_BALANCE=-month)
        for key in credits for month in range(draw.randint(0, 30))
    ]  # fmt: skip
    return tables


def _child_keys(table: str, number: int) -> Row:
    if table == "bureau":
        return {"SK_ID_BUREAU": number}
    if table == "previous_application":
        return {"SK_ID_PREV": number}
    return {"SK_ID_PREV": number // 3}  # several months or payments of one loan, with ties among them


def _row(table: str, draw: random.Random, **keys: Any) -> Row:
    return {column.name: _value(column, draw) for column in book().contracts[table].columns} | keys


def _value(column: Column, draw: random.Random) -> Any:
    if column.null and draw.random() < 0.15:
        return None
    if column.categories:
        return draw.choice([*column.categories, "a word nobody knows"])
    if column.type == "text":
        return "text"
    if column.sentinels and draw.random() < 0.2:
        return int(draw.choice(list(column.sentinels)))
    low, high = column.min if column.min is not None else 0, column.max if column.max is not None else 100
    if column.type == "double":
        return draw.choice([low, high, draw.uniform(low, high), 0.0, 1e300, -1e300])
    if column.type == "integer":
        near = draw.randint(int(low), int(high))
        absurd = [10**18, -(10**18), 40_000] if column.severity.value != "quarantine" and column.null else []
        return draw.choice([near, near, near, int(low), 0, *absurd])
    return draw.choice(["0", "0.001", "999999999999999.999", "-1", *[f"{draw.uniform(low, high):.3f}"] * 6])


def alike(left: pa.Table, right: pa.Table) -> bool:
    """The same columns with the same values, bit for bit. (Whether a column may be NULL is not compared: DuckDB writes
    `not null` where it happens to see none.)"""
    return left.column_names == right.column_names and all(
        left.column(name).combine_chunks().equals(right.column(name).combine_chunks()) for name in left.column_names
    )


def from_files(folder: Path, tables: Mapping[str, list[Row]], *, threads: int) -> pa.Table:
    folder.mkdir()
    for name, rows in tables.items():
        pq.write_table(typed(name, rows), folder / f"{name}.parquet", row_group_size=64)
    out = folder / "feature_store.parquet"
    compute(
        {name: folder / f"{name}.parquet" for name in tables}, book().sql, table_schema(book()), key="SK_ID_CURR",
        out=out, settings=DuckSettings(memory_limit="500MB", threads=threads),
    )  # fmt: skip
    return pq.read_table(out)


def only(tables: Tables, keys: set[int]) -> Tables:
    """The tables of a few applicants."""
    kept = {name: [row for row in rows if row.get("SK_ID_CURR") in keys] for name, rows in tables.items()}
    credits = {row["SK_ID_BUREAU"] for row in kept["bureau"]}
    kept["bureau_balance"] = [row for row in tables["bureau_balance"] if row["SK_ID_BUREAU"] in credits]
    return kept


@pytest.fixture(scope="module")
def tables() -> Tables:
    return invented(200)


@pytest.fixture(scope="module")
def expected(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return from_files(tmp_path_factory.mktemp("book") / "sorted", tables, threads=1)


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_in_any_order_on_any_number_of_threads_give_the_same_bits(
    tmp_path: Path, tables: Tables, expected: pa.Table, threads: int
) -> None:
    draw = random.Random(threads)
    shuffled = {name: draw.sample(rows, len(rows)) for name, rows in tables.items()}
    assert alike(from_files(tmp_path / "shuffled", shuffled, threads=threads), expected)


def test_a_few_applicants_alone_get_the_same_bits_as_among_all(
    tmp_path: Path, tables: Tables, expected: pa.Table
) -> None:
    few = from_files(tmp_path / "few", only(tables, {3, 50, 51, 119}), threads=2)
    assert alike(few, expected.filter(pc.is_in(expected["SK_ID_CURR"], pa.array([3, 50, 51, 119]))))


def test_one_applicant_in_one_query_gets_the_same_bits_as_in_the_batch(tables: Tables, expected: pa.Table) -> None:
    with locked_room(DuckSettings(threads=1)) as con:
        for key in (1, 7, 64):
            asked = {name: typed(name, rows) for name, rows in only(tables, {key}).items()}
            made = compute_one_query(con, asked, book().sql, table_schema(book()), key="SK_ID_CURR")
            assert made.to_pylist() == expected.slice(key - 1, 1).to_pylist()


def test_no_feature_is_infinite_or_nan_whatever_the_tables_hold(expected: pa.Table) -> None:
    for name in expected.column_names:
        for value in expected.column(name).to_pylist():
            assert not isinstance(value, float) or math.isfinite(value), name


def test_every_feature_of_the_book_has_a_figure_for_somebody(expected: pa.Table) -> None:
    empty = {name for name in expected.column_names if expected.column(name).null_count == expected.num_rows}
    assert not empty


def test_the_sql_obeys_the_rules_and_every_feature_has_words_of_exactly_one_group() -> None:
    assert len(check_sql(book())) == 338


def test_no_reason_speaks_of_a_feature_that_does_not_exist() -> None:
    features = set(check_sql(book()))
    for code, group in book().reasons.groups.items():
        for pattern in group.features:
            prefix = pattern.removesuffix("*")
            fits = [name for name in features if name == pattern or (prefix != pattern and name.startswith(prefix))]
            assert fits, f"{code}: {pattern}"


def test_no_two_reasons_say_the_same() -> None:
    texts = [group.text for group in book().reasons.groups.values()]
    assert len(set(texts)) == len(texts)
    assert all(text.endswith(".") for text in texts)


def test_what_is_barred_is_not_there_for_the_features_in_any_table() -> None:
    assert set(book().portfolio.policy.kept_apart) == KEPT_APART
    for columns in table_schema(book()).values():
        assert not set(columns) & (KEPT_APART | {"TARGET"})


@pytest.mark.parametrize("column", sorted(KEPT_APART | {"TARGET"}))
def test_reading_a_barred_column_is_an_error(column: str) -> None:
    with pytest.raises(BadConfig, match=column):
        bound_columns(f"select SK_ID_CURR, {column} from application", "a.sql", table_schema(book()), frozenset({MAIN}))
    if column == "NAME_TYPE_SUITE":
        sql = "select SK_ID_PREV, NAME_TYPE_SUITE from previous_application"
        with pytest.raises(BadConfig, match=column):
            bound_columns(sql, "a.sql", table_schema(book()), frozenset({"previous_application"}))


def test_what_tells_of_health_or_of_other_people_is_read_by_no_feature() -> None:
    code = " ".join(re.sub(r"--[^\n]*", "", file.text) for file in book().sql)
    words = set(re.findall(r"\w+", code))
    unread = {"NAME_CASH_LOAN_PURPOSE", "NAME_GOODS_CATEGORY", "OBS_30_CNT_SOCIAL_CIRCLE", "DEF_30_CNT_SOCIAL_CIRCLE",
              "OBS_60_CNT_SOCIAL_CIRCLE", "DEF_60_CNT_SOCIAL_CIRCLE"}  # fmt: skip
    assert not words & unread


def test_changing_a_barred_column_changes_no_feature(tmp_path: Path, tables: Tables, expected: pa.Table) -> None:
    other = {
        name: [row | {column: None for column in KEPT_APART & set(row)} for row in rows]
        for name, rows in tables.items()
    }  # fmt: skip
    assert alike(from_files(tmp_path / "other", other, threads=2), expected)


def test_the_contracts_have_the_published_columns_in_their_order() -> None:
    counts = {name: len(contract.columns) for name, contract in book().contracts.items()}
    assert counts == {"application": 122, "bureau": 17, "bureau_balance": 3, "previous_application": 37,
                      "POS_CASH_balance": 8, "credit_card_balance": 23, "installments_payments": 8}  # fmt: skip
    for contract in book().contracts.values():
        for column in contract.columns:
            money = column.name.startswith("AMT_") and "REQ_CREDIT_BUREAU" not in column.name
            assert (column.type == "decimal(18,3)") == money, column.name


def test_what_the_pd_is_and_is_not_is_said() -> None:
    target = book().portfolio.target
    assert "not a 12-month default" in target.is_not.lower().replace("\n", " ")
    assert target.column == "TARGET"
