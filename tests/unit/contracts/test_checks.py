"""Every kind of promise, broken on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from creditrisk.config import Book, Contract, load_book
from creditrisk.contracts import check, examine, quarantine, refuse_if_needed
from creditrisk.errors import BadConfig, BadData
from creditrisk.kinds import Finding, Severity
from tests.support.small_tables import SETTINGS, contract, rows
from tests.support.tiny_book import write_tiny_book

APPLICATIONS = (
    "loan_id bigint, bad bigint, income decimal(18,3), debt decimal(18,3), town varchar, sex varchar, "
    "recovered decimal(18,3)"
)
PAYMENTS = "payment_id bigint, loan_id bigint, day bigint, days_late bigint, paid decimal(18,3)"
GOOD_LOANS = ["(1, 0, 10, 1, 'big', 'F', null)", "(2, 1, 20, 2, 'small', 'M', null)"]
GOOD_PAYMENTS = ["(1, 1, -5, 0, 1)", "(2, 1, -4, 0, 1)", "(3, 2, 0, 0, 1)"]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return load_book(write_tiny_book(tmp_path / "book"))


def _table(path: Path, columns: str, values: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute(f"create table t ({columns})")
        if values:
            con.execute(f"insert into t values {', '.join(values)}")
        con.execute(f"copy t to '{path}' (format parquet)")
    return path


def _tables(folder: Path, loans: list[str] = GOOD_LOANS, payments: list[str] = GOOD_PAYMENTS) -> dict[str, Path]:
    return {
        "application": _table(folder / "b" / "application.parquet", APPLICATIONS, loans),
        "payments": _table(folder / "b" / "payments.parquet", PAYMENTS, payments),
    }


def _changed(book: Book, table: str, **changes: Any) -> dict[str, Contract]:
    """The book's contracts, with changes to columns {name: {...}} or to the contract itself."""
    old = book.contracts[table]
    columns = tuple(
        type(column).model_validate({**column.model_dump(exclude_unset=True), **changes.pop(column.name, {})})
        for column in old.columns
    )
    return {**book.contracts, table: old.model_copy(update={"columns": columns, **changes})}


def _check(book: Book, tables: dict[str, Path], contracts: Any = None, **options: Any) -> list[Finding]:
    return check(tables, contracts or book.contracts, book.portfolio, settings=SETTINGS, **options)


def test_a_footer_that_counts_no_nulls_changes_nothing(book, tmp_path):
    tables = _tables(tmp_path, [*GOOD_LOANS, "(3, 1, null, null, null, 'F', null)"])
    told = examine(tables, book.contracts, book.portfolio, settings=SETTINGS)
    for path in tables.values():
        pq.write_table(pq.read_table(path), path, write_statistics=["loan_id"])
    again = examine(tables, book.contracts, book.portfolio, settings=SETTINGS)
    assert told.profiles["application"].nulls["income"] == 1
    assert again == told


def _one(findings: list[Finding]) -> tuple[str, str, str | None, Severity, int]:
    (finding,) = findings
    return finding.table, finding.rule, finding.column, finding.severity, finding.rows


def test_tables_that_keep_every_promise_give_no_finding(book, tmp_path):
    findings = _check(book, _tables(tmp_path))
    assert findings == []
    refuse_if_needed(findings)


def test_missing_value_in_a_key_refuses(book, tmp_path):
    tables = _tables(tmp_path, payments=[*GOOD_PAYMENTS, "(null, 1, -1, 0, 1)"])
    assert _one(_check(book, tables)) == ("payments", "not null", "payment_id", Severity.REFUSE, 1)


def test_missing_value_elsewhere_has_the_columns_severity(book, tmp_path):
    contracts = _changed(book, "application", income={"null": False, "severity": "quarantine"})
    tables = _tables(tmp_path, loans=[*GOOD_LOANS, "(3, 1, null, 2, 'big', 'M', null)"])
    assert _one(_check(book, tables, contracts)) == ("application", "not null", "income", Severity.QUARANTINE, 1)


def test_value_outside_its_range_is_counted_with_examples(book, tmp_path):
    tables = _tables(
        tmp_path, loans=[*GOOD_LOANS, "(3, 1, -7, -8, 'big', 'M', null)", "(4, 1, -9, 1, 'big', 'M', null)"]
    )
    income, debt = _check(book, tables)
    assert (income.rule, income.column, income.rows, income.severity) == ("range", "income", 2, Severity.WARN)
    assert income.examples == ("-9.000", "-7.000")
    assert (debt.column, debt.rows) == ("debt", 1)


def test_sentinel_is_counted_and_breaks_no_range_and_is_no_event(book, tmp_path):
    contracts = _changed(book, "payments", day={"sentinels": {"365243": "never"}, "max": 0})
    tables = _tables(tmp_path, payments=[*GOOD_PAYMENTS, "(4, 2, 365243, 0, 1)"])
    assert _one(_check(book, tables, contracts)) == ("payments", "sentinel", "day", Severity.WARN, 1)


def test_event_after_the_application_is_refused(book, tmp_path):
    findings = _check(book, _tables(tmp_path, payments=[*GOOD_PAYMENTS, "(4, 2, 3, 0, 1)"]))
    assert _one(findings) == ("payments", "event after application", "day", Severity.REFUSE, 1)
    with pytest.raises(BadData, match=r"the event lies after the application, in 1 rows, e\.g\. 3") as caught:
        refuse_if_needed(findings)
    assert caught.value.where == "payments, column day"


def test_event_after_the_application_has_the_severity_that_the_contract_writes_down(book, tmp_path):
    tables = _tables(tmp_path, payments=[*GOOD_PAYMENTS, "(4, 2, 3, 0, 1)"])
    for severity in Severity:
        contracts = _changed(book, "payments", day={"severity": severity.value, "max": 0})
        assert _one(_check(book, tables, contracts)) == ("payments", "event after application", "day", severity, 1)


def test_schedule_may_lie_ahead(book, tmp_path):
    contracts = _changed(book, "payments", day={"time": "schedule"})
    assert _check(book, _tables(tmp_path, payments=[*GOOD_PAYMENTS, "(4, 2, 300, 0, 1)"]), contracts) == []


def test_new_category_is_a_warning_with_the_commonest_first(book, tmp_path):
    new = [f"({10 + i}, 1, 10, 1, '{town}', 'F', null)" for i, town in enumerate(["wide", "tall", "wide"])]
    (finding,) = _check(book, _tables(tmp_path, loans=[*GOOD_LOANS, *new]))
    assert (finding.rule, finding.column, finding.rows, finding.severity) == ("new category", "town", 3, Severity.WARN)
    assert finding.examples == ("wide", "tall")


def test_missing_category_is_not_a_new_one(book, tmp_path):
    assert _check(book, _tables(tmp_path, loans=[*GOOD_LOANS, "(3, 1, 10, 1, null, 'F', null)"])) == []


def test_doubled_key_refuses_with_its_number_of_rows(book, tmp_path):
    tables = _tables(tmp_path, payments=[*GOOD_PAYMENTS, *GOOD_PAYMENTS[:2]])
    assert _one(_check(book, tables)) == ("payments", "duplicate rows", "payment_id", Severity.REFUSE, 2)


def test_entity_key_is_unique_even_when_the_contract_forgets_to_say_so(book, tmp_path):
    contracts = _changed(book, "application", unique=())
    findings = _check(book, _tables(tmp_path, loans=[*GOOD_LOANS, GOOD_LOANS[0]]), contracts)
    assert _one(findings) == ("application", "duplicate rows", "loan_id", Severity.REFUSE, 1)


@pytest.mark.parametrize("keys", [("loan_id", "day"), ("paid", "loan_id")])
def test_key_of_several_columns_is_compared_whole(book, tmp_path, keys):
    contracts = _changed(book, "payments", unique=(keys,), unique_severity=Severity.WARN)
    payments = ["(1, 1, -5, 0, 1)", "(2, 1, -4, 0, 2)", "(3, 2, -5, 0, 1)"]
    assert _check(book, _tables(tmp_path, payments=payments), contracts) == []
    tables = _tables(tmp_path, payments=[*payments, "(4, 2, -5, 0, 1)"])
    assert _one(_check(book, tables, contracts))[1:] == ("contradicting rows", None, Severity.WARN, 2)


def test_orphans_are_counted(book, tmp_path):
    tables = _tables(tmp_path, payments=[*GOOD_PAYMENTS, "(4, 99, -1, 0, 1)", "(5, 98, -1, 0, 1)"])
    assert _one(_check(book, tables)) == ("payments", "orphans", "loan_id", Severity.WARN, 2)


def test_rule_over_several_columns_is_checked_row_by_row_and_unknown_counts_as_kept(book, tmp_path):
    rule = {"name": "debt_below_income", "sql": "debt < income", "what": "debt is below income", "severity": "refuse"}
    contracts = {**book.contracts}
    old = book.contracts["application"].model_dump(exclude_unset=True)
    contracts["application"] = Contract.model_validate({**old, "rules": [rule]})
    loans = [*GOOD_LOANS, "(3, 1, 10, 11, 'big', 'M', null)", "(4, 1, null, 11, 'big', 'M', null)"]
    findings = _check(book, _tables(tmp_path, loans=loans), contracts)
    assert _one(findings) == ("application", "debt_below_income", None, Severity.REFUSE, 1)


def test_rule_that_names_no_column_of_the_table_is_told_with_its_place(book, tmp_path):
    rule = {"name": "wrong", "sql": "dept < income", "what": "x"}
    old = book.contracts["application"].model_dump(exclude_unset=True)
    contracts = {**book.contracts, "application": Contract.model_validate({**old, "rules": [rule]})}
    with pytest.raises(BadConfig) as caught:
        _check(book, _tables(tmp_path), contracts)
    assert caught.value.where == "contracts/application.yaml, rule wrong"


def test_absent_child_table_is_a_warning_and_absent_main_table_refuses(book, tmp_path):
    tables = _tables(tmp_path)
    assert _one(_check(book, {"application": tables["application"]}))[:4] == (
        "payments",
        "missing table",
        None,
        Severity.WARN,
    )
    assert _one(_check(book, {"payments": tables["payments"]}))[:4] == (
        "application",
        "missing table",
        None,
        Severity.REFUSE,
    )


@pytest.mark.parametrize(
    ("targets", "rule", "says"),
    [
        (["0", "1", "2"], "target values", "values other than 0 and 1"),
        (["0", "0"], "one class", "only 0"),
        (["1", "1", "null"], "one class", "only 1"),
        (["null"], "one class", "no value at all"),
        ([], "no rows", "no rows"),
    ],
)
def test_target_that_cannot_be_learnt_from_refuses_in_plain_words(book, tmp_path, targets, rule, says):
    loans = [f"({i}, {value}, 10, 1, 'big', 'F', null)" for i, value in enumerate(targets)]
    findings = [
        finding for finding in _check(book, _tables(tmp_path, loans=loans, payments=[])) if finding.rule == rule
    ]
    assert findings[0].severity is Severity.REFUSE
    with pytest.raises(BadData, match=says):
        refuse_if_needed(findings)


def test_unknown_outcomes_beside_both_classes_are_fine(book, tmp_path):
    assert _check(book, _tables(tmp_path, loans=[*GOOD_LOANS, "(3, null, 10, 1, 'big', 'F', null)"])) == []


def test_nothing_is_asked_of_the_target_when_scoring(book, tmp_path):
    loans = ["(1, null, 10, 1, 'big', 'F', null)", "(2, null, 10, 1, 'big', 'F', null)"]
    assert _check(book, _tables(tmp_path, loans=loans, payments=[]), scoring=True) == []


def test_findings_come_in_the_same_order_every_time(book, tmp_path):
    loans = [*GOOD_LOANS, "(3, 2, -7, -8, 'wide', 'M', null)", "(3, 1, -9, 1, 'tall', 'M', null)"]
    tables = _tables(tmp_path, loans=loans, payments=[*GOOD_PAYMENTS, "(3, 77, 5, 0, 1)"])
    assert _check(book, tables) == _check(book, tables)


def test_the_first_refusal_is_raised_and_the_others_are_told_with_it():
    bad = [Finding("t", "r", Severity.REFUSE, f"what {i}", rows=i, hint=f"mend {i}") for i in (1, 2, 3)]
    with pytest.raises(BadData, match=r"r: what 1, in 1 rows \(and 2 more refusals\)") as caught:
        refuse_if_needed([Finding("t", "r", Severity.WARN, "harmless"), *bad])
    assert caught.value.hint == "mend 1\nalso t: r: what 2, in 2 rows\nalso t: r: what 3, in 3 rows"


def test_quarantine_takes_rows_out_keeps_the_order_and_is_then_content(book, tmp_path):
    contracts = _changed(book, "payments", day={"severity": "quarantine"}, paid={"min": 0, "severity": "quarantine"})
    payments = ["(9, 1, -5, 0, 1)", "(2, 1, 4, 0, 1)", "(3, 2, 0, 0, -1)", "(4, 2, 1, 0, -1)", "(1, 1, null, 0, null)"]
    tables = _tables(tmp_path, payments=payments)
    findings = quarantine(tables, contracts, book.portfolio, settings=SETTINGS)
    assert [(finding.rule, finding.column, finding.rows) for finding in findings] == [
        ("event after application", "day", 2),
        ("range", "paid", 2),
    ]
    assert [row[0] for row in rows(tables["payments"])] == [9, 1]
    assert quarantine(tables, contracts, book.portfolio, settings=SETTINGS) == []
    assert _check(book, tables, contracts) == []


def test_quarantine_leaves_a_sound_table_untouched(book, tmp_path):
    tables = _tables(tmp_path)
    before = {name: (path.stat().st_ino, path.read_bytes()) for name, path in tables.items()}
    assert quarantine(tables, book.contracts, book.portfolio, settings=SETTINGS) == []
    assert before == {name: (path.stat().st_ino, path.read_bytes()) for name, path in tables.items()}


def test_quarantine_keeps_the_first_copy_and_neither_contradicting_rows_nor_orphans(book, tmp_path):
    update = {"unique_severity": Severity.QUARANTINE, "orphans_severity": Severity.QUARANTINE}
    contracts = _changed(book, "payments", **update)
    payments = ["(5, 2, -5, 0, 1)", "(1, 1, -4, 0, 2)", "(5, 2, -3, 0, 3)", "(7, 99, -3, 0, 4)", "(2, 1, -1, 0, 5)"]
    payments += ["(1, 1, -4, 0, 2)", "(5, 2, -3, 0, 3)"]
    tables = _tables(tmp_path, payments=payments)
    findings = quarantine(tables, contracts, book.portfolio, settings=SETTINGS)
    assert {(finding.rule, finding.rows) for finding in findings} == {
        ("orphans", 1), ("contradicting rows", 2), ("duplicate rows", 2),
    }  # fmt: skip
    assert [row[0] for row in rows(tables["payments"])] == [1, 2]
    assert _check(book, tables, contracts) == []


def test_child_of_a_row_taken_out_is_an_orphan(book, tmp_path):
    contracts = _changed(book, "application", income={"severity": "quarantine"})
    contracts["payments"] = contracts["payments"].model_copy(update={"orphans_severity": Severity.QUARANTINE})
    tables = _tables(tmp_path, loans=[*GOOD_LOANS, "(3, 1, -1, 1, 'big', 'F', null)"], payments=["(1, 3, -5, 0, 1)"])
    quarantine(tables, contracts, book.portfolio, settings=SETTINGS)
    assert rows(tables["payments"]) == []


def test_event_given_as_a_date_is_compared_with_the_books_as_of_date(book, tmp_path):
    promised = contract(
        loan_id={"type": "integer", "null": False},
        bad={"type": "integer", "available": "outcome"},
        issued={"type": "date"},
        first_line={"type": "date", "time": "event"},
    )
    split = book.portfolio.split.model_copy(update={"date": "issued"})
    portfolio = book.portfolio.model_copy(update={"split": split})
    columns = "loan_id bigint, bad bigint, issued date, first_line date"
    values = ["(1, 0, '2011-01-01', '2001-01-01')", "(2, 1, '2011-01-01', '2012-01-01')"]
    tables = {"application": _table(tmp_path / "a.parquet", columns, values)}
    findings = check(tables, {**book.contracts, "application": promised}, portfolio, settings=SETTINGS)
    late = [finding for finding in findings if finding.rule != "missing table"]
    assert _one(late) == ("application", "event after application", "first_line", Severity.REFUSE, 1)
