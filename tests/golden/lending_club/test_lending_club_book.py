"""The book as a whole: what its SQL may see, the same bits in any order, words for every feature."""

from __future__ import annotations

import datetime as dt
import math
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import MAIN
from creditrisk.duck import DuckSettings, locked_room
from creditrisk.errors import BadConfig
from creditrisk.features import bound_columns, check_sql, compute, compute_one_query, table_schema
from creditrisk.kinds import Available
from tests.golden.lending_club.loans import Row, arrow_type, book, bronze, loan

PRESETS = ("application", "with_price")
LATER_THAN_FUNDING = {Available.POST_ORIGINATION, Available.OUTCOME, Available.IDENTIFIER}


def invented(rows: int) -> list[Row]:
    """Loans with a value, a NULL or a 0 in every column that the features' SQL can see."""
    draw = random.Random(7)
    columns = [column for column in book().contracts[MAIN].columns if column.available not in LATER_THAN_FUNDING]
    return [
        loan(f"{number:04d}", **{column.name: _value(column, draw) for column in columns if draw.random() < 0.7})
        for number in range(rows)
    ]


def _value(column: Any, draw: random.Random) -> Any:
    if column.name == "issue_d":
        return dt.date(draw.randint(2007, 2018), draw.randint(1, 12), 1)
    if column.null and draw.random() < 0.2:
        return None
    if column.categories:
        return draw.choice(column.categories)
    if column.type == "date":
        return dt.date(draw.randint(1950, 2018), draw.randint(1, 12), draw.randint(1, 28))
    number = draw.choice([0, 1, draw.randint(0, 999), round(draw.uniform(0, 1e7), 2)])
    if column.type == "integer":
        return int(number)
    if column.type == "text":
        return f"text {number}"
    return float(number) if column.type == "double" else f"{number:.3f}"


def from_file(folder: Path, table: pa.Table, preset: str, *, threads: int) -> pa.Table:
    the_book = book(preset)
    folder.mkdir()
    pq.write_table(table, folder / "application.parquet", row_group_size=64)
    out = folder / "feature_store.parquet"
    settings = DuckSettings(memory_limit="500MB", threads=threads)
    compute({MAIN: folder / "application.parquet"}, the_book.sql, table_schema(the_book), key="loan_key", out=out,
            settings=settings)  # fmt: skip
    return pq.read_table(out)


@pytest.mark.parametrize("preset", PRESETS)
def test_rows_in_any_order_on_any_threads_and_alone_give_the_same_bits(tmp_path: Path, preset: str) -> None:
    rows = invented(300)
    expected = from_file(tmp_path / "sorted", bronze(rows), preset, threads=1)
    shuffled = random.Random(1).sample(rows, len(rows))
    assert from_file(tmp_path / "shuffled", bronze(shuffled), preset, threads=2).equals(expected)
    few = from_file(tmp_path / "few", bronze(rows[10:13]), preset, threads=2)
    assert few.to_pylist() == expected.slice(10, 3).to_pylist()
    with locked_room(DuckSettings(threads=1)) as con:
        request = compute_one_query(
            con, {MAIN: bronze(rows[10:11])}, book(preset).sql, table_schema(book(preset)), key="loan_key"
        )
    assert request.to_pylist() == expected.slice(10, 1).to_pylist()


@pytest.mark.parametrize("preset", PRESETS)
def test_no_feature_is_infinite_or_nan(tmp_path: Path, preset: str) -> None:
    made = from_file(tmp_path / "invented", bronze(invented(300)), preset, threads=2)
    for name in made.column_names:
        for value in made.column(name).to_pylist():
            assert not isinstance(value, float) or math.isfinite(value), name


@pytest.mark.parametrize("preset", PRESETS)
def test_the_sql_obeys_the_rules_and_every_feature_has_words_of_one_group(preset: str) -> None:
    assert len(check_sql(book(preset))) == {"application": 87, "with_price": 92}[preset]


def test_no_reason_speaks_of_a_feature_that_does_not_exist() -> None:
    features = check_sql(book("with_price"))
    for code, group in book().reasons.groups.items():
        for pattern in group.features:
            fits = [name for name in features if name == pattern or name.startswith(pattern.removesuffix("*") + "_")
                    or (pattern.endswith("*") and name.startswith(pattern[:-1]))]  # fmt: skip
            assert fits, f"{code}: {pattern}"


def test_what_came_after_funding_is_not_there_for_the_features() -> None:
    contract = book().contracts[MAIN]
    for preset in PRESETS:
        visible = set(table_schema(book(preset))[MAIN])
        later = {column.name for column in contract.columns if column.available in LATER_THAN_FUNDING}
        assert not visible & (later | {"zip_code", "addr_state"})


@pytest.mark.parametrize(
    "column", ["recoveries", "total_pymnt", "last_fico_range_low", "loan_status", "id", "zip_code", "addr_state",
               "int_rate", "grade", "installment", "verification_status", "funded_amnt", "initial_list_status"]
)  # fmt: skip
def test_reading_a_barred_column_is_an_error(column: str) -> None:
    with pytest.raises(BadConfig, match=column):
        bound_columns(f"select loan_key, {column} from application", "a.sql", table_schema(book()), {MAIN})


def test_free_text_location_and_the_date_itself_are_read_by_no_feature() -> None:
    """issue_d may only appear beside another date, to take its age."""
    for file in book("with_price").sql:
        code = "\n".join(line.split("--")[0] for line in file.text.splitlines())
        for column in (
            "emp_title",
            "title",
            "desc",
            "zip_code",
            "addr_state",
            "verification_status",
            "policy_code",
            "funded_amnt",
            "funded_amnt_inv",
            "initial_list_status",
            "disbursement_method",
            "loan_status",
        ):
            assert column not in code.replace(",", " ").split()
        for line in (line.strip() for line in code.splitlines() if "issue_d" in line):
            assert line.startswith("loan_key, issue_d") or "cr_line" in line, line


def test_the_date_of_the_loan_moves_no_feature_but_the_ages() -> None:
    later, earlier = dt.date(2011, 2, 1), dt.date(2009, 2, 1)
    opened = {"sec_app_earliest_cr_line": dt.date(2001, 5, 1)}
    with locked_room(DuckSettings(threads=1)) as con:
        table = compute_one_query(
            con, {MAIN: bronze([loan("a", issue_d=later, **opened), loan("b", issue_d=earlier, **opened)])},
            book().sql, table_schema(book()), key="loan_key",
        )  # fmt: skip
    one, other = table.to_pylist()
    moved = {name for name in one if one[name] != other[name]} - {"loan_key"}
    assert moved == {"credit_age_months", "credit_age_months_per_account", "second_credit_age_months"}


def test_the_key_of_a_loan_is_made_of_what_was_known_and_its_month() -> None:
    entity = book().portfolio.entity
    assert (entity.key, entity.hash_also) == ("loan_key", ("issue_d",))
    assert set(entity.hash_of) == {Available.APPLICATION, Available.BUREAU}


def test_the_contract_has_the_151_official_columns_and_types_that_bronze_knows() -> None:
    columns = book().contracts[MAIN].columns
    assert len(columns) == 151
    assert all(arrow_type(column.type) for column in columns)
    assert all(column.meaning for column in columns)
    assert all(column.optional for column in columns if column.available is Available.POST_ORIGINATION)
