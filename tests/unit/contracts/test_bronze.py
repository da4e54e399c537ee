"""Raw files, kind and hostile, become typed Parquet or a clear no."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from io import StringIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.config.portfolio import Entity
from creditrisk.contracts import entity_key_sql, to_bronze
from creditrisk.errors import BadData, BrokenFile, CreditRiskError
from creditrisk.kinds import Available, Severity
from tests.support.small_tables import SETTINGS, bronze, contract, landed, rows, types, written

LOAN = contract(loan_id="integer", income="decimal(18,3)", share="double", town="text", day="date", insured="boolean")
CSV = """\
loan_id,income,share,town,day,insured
1,1000.5,0.25,Ulm,2020-01-31,true
2,-492.0,1e-3,"Köln, Süd",,no
3,,,,2021-02-28,
"""


def _reasons(table):
    return [(finding.line, finding.column) for finding in table.findings if finding.rule == "unreadable row"]


def test_every_type_arrives_as_the_contract_says_and_rows_keep_their_order(tmp_path):
    table = bronze(tmp_path, CSV, LOAN)
    assert types(table.path) == {
        "loan_id": "BIGINT", "income": "DECIMAL(18,3)", "share": "DOUBLE", "town": "VARCHAR", "day": "DATE",
        "insured": "BOOLEAN",
    }  # fmt: skip
    assert rows(table.path) == [
        (1, Decimal("1000.500"), 0.25, "Ulm", dt.date(2020, 1, 31), True),
        (2, Decimal("-492.000"), 0.001, "Köln, Süd", None, False),
        (3, None, None, None, dt.date(2021, 2, 28), None),
    ]
    assert (table.rows, table.rejected, table.columns, table.findings) == (3, 0, 6, ())


def test_columns_are_found_by_name_and_written_in_contract_order(tmp_path):
    table = bronze(tmp_path, "b,a\n2,1\n", contract(a="integer", b="integer"))
    assert rows(table.path) == [(1, 2)]


def test_whole_numbers_written_with_a_point_are_integers(tmp_path):
    table = bronze(tmp_path, "a\n-492.0\n7.\n1e3\n+5\n", contract(a="integer"))
    assert rows(table.path) == [(-492,), (7,), (1000,), (5,)]


def test_a_fraction_in_a_column_of_integers_is_rejected_never_rounded(tmp_path):
    table = bronze(tmp_path, "a,b\n1,x\n12.7,y\n3,z\n", contract(a="integer", b="text"))
    assert rows(table.path) == [(1, "x"), (3, "z")]
    assert table.rejected == 1
    total, shown = table.findings
    assert (total.rule, total.rows, total.severity) == ("unreadable rows", 1, Severity.QUARANTINE)
    assert (shown.line, shown.column, shown.examples) == (3, "a", ("12.7",))
    assert shown.what == '"12.7" is not a whole number'


@pytest.mark.parametrize("value", ["9007199254740993", "-9007199254740993", "9223372036854775807"])
def test_integers_that_a_double_cannot_hold_keep_every_digit(tmp_path, value):
    table = bronze(tmp_path, f"a\n1\n{value}\n", contract(a="integer"))
    assert rows(table.path) == [(1,), (int(value),)]
    assert table.rejected == 0


@pytest.mark.parametrize(
    "value", ["9223372036854775808", "1e400", "NaN", "inf", "-Infinity", "twelve", "1 000", "0x10"]
)
def test_what_is_no_integer_is_rejected(tmp_path, value):
    table = bronze(tmp_path, f"a,b\n1,x\n{value},y\n", contract(a="integer", b="text"))
    assert rows(table.path) == [(1, "x")]
    assert _reasons(table) == [(3, "a")]


@pytest.mark.parametrize("kind", ["double", "decimal(18,3)"])
@pytest.mark.parametrize("value", ["NaN", "nan", "inf", "-inf", "Infinity", "1e400", "12,5", "ten"])
def test_what_is_no_finite_number_is_rejected(tmp_path, kind, value):
    table = bronze(tmp_path, f'a,b\n1.5,x\n"{value}",y\n', contract(a=kind, b="text"))
    assert [row[1] for row in rows(table.path)] == ["x"]
    assert _reasons(table) == [(3, "a")]


def test_more_decimals_than_the_type_are_rounded_and_counted(tmp_path):
    table = bronze(tmp_path, "a,b\n1.0004,1\n2.0006,2.5\n3.125,3\n", contract(a="decimal(18,3)", b="decimal(18,3)"))
    assert [row[0] for row in rows(table.path)] == [Decimal("1.000"), Decimal("2.001"), Decimal("3.125")]
    (finding,) = table.findings
    assert (finding.rule, finding.column, finding.rows, finding.severity) == ("rounded", "a", 2, Severity.WARN)


@pytest.mark.parametrize("value", ["123456789012345.678", "-999999999999999.999", "1000000000000.001"])
def test_wide_decimals_keep_every_digit(tmp_path, value):
    table = bronze(tmp_path, f"a\n0.001\n{value}\n", contract(a="decimal(18,3)"))
    assert rows(table.path) == [(Decimal("0.001"),), (Decimal(value),)]
    assert table.findings == ()


def test_a_decimal_too_large_for_its_type_is_rejected(tmp_path):
    table = bronze(tmp_path, "a,b\n1,x\n1234567890123456,y\n", contract(a="decimal(18,3)", b="text"))
    assert [row[1] for row in rows(table.path)] == ["x"]
    assert _reasons(table) == [(3, "a")]


def test_percent_months_and_month_year_are_read_as_declared(tmp_path):
    promised = contract(
        rate={"type": "double", "format": "percent"},
        used={"type": "decimal(9,3)", "format": "percent"},
        term={"type": "integer", "format": "months"},
        issued={"type": "date", "format": "month_year"},
    )
    text = "rate,used,term,issued\n13.56%,83.7%, 36 months,Dec-2011\n 7.5 % ,5,60 months,Jan-2007\n,,,\n8,9,1 month,\n"
    assert rows(bronze(tmp_path, text, promised).path) == [
        (13.56, Decimal("83.700"), 36, dt.date(2011, 12, 1)),
        (7.5, Decimal("5.000"), 60, dt.date(2007, 1, 1)),
        (None, None, None, None),
        (8.0, Decimal("9.000"), 1, None),
    ]


@pytest.mark.parametrize(
    ("says", "value", "reason"),
    [
        ({"type": "double", "format": "percent"}, "%", "a number, in per cent"),
        ({"type": "double", "format": "percent"}, "a%", "a number, in per cent"),
        ({"type": "integer", "format": "months"}, "36 years", "a whole number, in months"),
        ({"type": "integer", "format": "months"}, "36.5", "a whole number, in months"),
        ({"type": "date", "format": "month_year"}, "2011-12", "a date like Dec-2011"),
        ({"type": "date", "format": "month_year"}, "Dez-2011", "a date like Dec-2011"),
    ],
)
def test_a_form_that_was_not_declared_is_rejected(tmp_path, says, value, reason):
    table = bronze(tmp_path, f"x,a\n1,\n2,{value}\n", contract(x="integer", a=says))
    assert rows(table.path) == [(1, None)]
    assert table.findings[1].what == f'"{value}" is not {reason}'


def test_words_for_missing_are_missing_in_their_own_column_only(tmp_path):
    missing = {"missing": ["n/a", "XNA"]}
    promised = contract(
        a={"type": "integer", **missing}, b={"type": "text", **missing}, c="text", d={"type": "date", **missing}
    )
    table = bronze(tmp_path, "a,b,c,d\nn/a,XNA,XNA,n/a\n5,x,n/a,2020-01-01\n", promised)
    assert rows(table.path) == [(None, None, "XNA", None), (5, "x", "n/a", dt.date(2020, 1, 1))]


@pytest.mark.parametrize("value", ["2020-02-30", "31.01.2020", "yesterday"])
def test_what_is_no_date_is_rejected_with_its_line(tmp_path, value):
    table = bronze(tmp_path, f"day,n\n2020-01-31,1\n{value},2\n", contract(day="date", n="integer"))
    assert rows(table.path) == [(dt.date(2020, 1, 31), 1)]
    assert _reasons(table) == [(3, "day")]


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    text = 'a,b\n1,"two\nlines"\n\nbad,x\n2,"3\n4\n5"\n6\n7,y,z\n8.5,w\n9,v\n'
    table = bronze(tmp_path, text, contract(a="integer", b="text"))
    assert rows(table.path) == [(1, "two\nlines"), (2, "3\n4\n5"), (9, "v")]
    assert table.rejected == 4
    assert [line for line, _ in _reasons(table)] == [5, 9, 10, 11]


def test_ragged_rows_are_told_with_their_line(tmp_path):
    table = bronze(tmp_path, 'a,b\n1,"x\ny"\n3\n5,u,v\n6,k\n', contract(a="integer", b="text"))
    assert rows(table.path) == [(1, "x\ny"), (6, "k")]
    assert [finding.line for finding in table.findings[1:]] == [4, 5]
    assert "Columns" in table.findings[1].what


def test_an_open_quote_that_swallows_the_rest_refuses_the_file(tmp_path):
    with pytest.raises(BadData, match="never closed") as caught:
        bronze(tmp_path, 'a,b\n1,x\n2,"oops\n3,y\n4,z\n', contract(a="integer", b="text"))
    assert "line 3" in caught.value.where
    assert not (tmp_path / "bronze" / "loans.parquet").exists()


def test_bytes_that_are_not_utf8_are_rejected_with_their_line(tmp_path):
    table = bronze(tmp_path, b"a,b\n1,x\n2,\xff\xfe\n3,z\n", contract(a="integer", b="text"))
    assert rows(table.path) == [(1, "x"), (3, "z")]
    assert table.findings[1].line == 3


@pytest.mark.parametrize("mark", ["\r\n", "\n", "\r"])
def test_every_line_end_and_a_byte_order_mark_are_read(tmp_path, mark):
    text = "\ufeff" + mark.join(["a,b", "1,x", "2,y"])
    assert rows(bronze(tmp_path, text, contract(a="integer", b="text")).path) == [(1, "x"), (2, "y")]


@pytest.mark.parametrize("text", ["a,b\n1,x\r\n2,y\n", "a,b\r\n1,x\n2,y\r\n", "a,b\n1,x\r2,y\n"])
def test_mixed_line_ends_are_read_and_told(tmp_path, text):
    table = bronze(tmp_path, text, contract(a="integer", b="text"))
    assert rows(table.path) == [(1, "x"), (2, "y")]
    assert [finding.rule for finding in table.findings] == ["line ends"]


def test_column_that_the_contract_does_not_know_is_left_out_with_a_warning(tmp_path):
    table = bronze(tmp_path, "a,zzz\n1,2\n", contract(a="integer"))
    assert rows(table.path) == [(1,)]
    assert (table.findings[0].rule, table.findings[0].examples) == ("unknown columns", ("zzz",))


def test_missing_column_is_refused_with_the_one_that_was_meant(tmp_path):
    with pytest.raises(BadData, match="the column income is missing") as caught:
        bronze(tmp_path, "loan_id,incme\n1,2\n", contract(loan_id="integer", income="double"))
    assert 'did you mean "incme"' in caught.value.hint


def test_optional_column_that_is_absent_is_null_of_its_type(tmp_path):
    table = bronze(tmp_path, "a\n1\n", contract(a="integer", fico={"type": "double", "optional": True}))
    assert rows(table.path) == [(1, None)]
    assert types(table.path)["fico"] == "DOUBLE"


def test_outcomes_may_be_absent_when_scoring_only(tmp_path):
    promised = contract(
        a="integer",
        bad={"type": "integer", "available": "outcome"},
        paid={"type": "double", "available": "post_origination"},
    )
    assert rows(bronze(tmp_path, "a\n1\n", promised, scoring=True).path) == [(1, None, None)]
    with pytest.raises(BadData, match="the column bad is missing"):
        bronze(tmp_path, "a\n1\n", promised)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,a\n1,2\n", "names a twice"),
        ("\n1\n", "no header"),
        (b"a\x00,\x00b\x00\n\x00001\x00,\x002\x00", "UTF-16 without its byte order mark"),
        (b"a,b\xff\n1,2\n", "not UTF-8"),
        ("1,2\n3,4\n", "there is no header"),
        ("a,b\n", "no rows"),
    ],
)
def test_header_that_cannot_be_trusted_is_refused(tmp_path, text, says):
    with pytest.raises(BadData, match=says):
        bronze(tmp_path, text, contract(a="integer", b="integer"))
    assert not (tmp_path / "bronze" / "loans.parquet").exists()


def test_child_table_with_a_header_only_is_a_table_without_rows(tmp_path):
    table = bronze(tmp_path, "a,b\n", contract("payments", a="integer", b="text"))
    assert (table.rows, types(table.path)) == (0, {"a": "BIGINT", "b": "VARCHAR"})


def test_names_that_differ_in_case_only_are_two_columns(tmp_path):
    table = bronze(tmp_path, "id,ID\n1,2\n", contract(ID="integer"))
    assert rows(table.path) == [(2,)]


def test_more_unreadable_rows_than_allowed_refuse_the_file_and_write_nothing(tmp_path):
    text = "a,b\n" + "".join(f"{'x' if i % 10 == 0 else i},1\n" for i in range(100))
    with pytest.raises(BadData, match=r"10 of 100 rows cannot be read \(10\.0%; allowed 5\.0%\)") as caught:
        bronze(tmp_path, text, contract(rejected_share_max=0.05, a="integer", b="integer"))
    assert "line 2, column a" in caught.value.where
    assert not list((tmp_path / "bronze").iterdir())


def test_rejected_rows_are_all_counted_but_only_the_first_are_told(tmp_path):
    text = "a,b\n" + "".join(f"{i}.5,1\n" for i in range(500)) + "1,1\n"
    table = bronze(tmp_path, text, contract(rejected_share_max=1.0, a="integer", b="integer"))
    assert (table.rows, table.rejected, table.findings[0].rows) == (1, 500, 500)
    assert [finding.line for finding in table.findings[1:]] == list(range(2, 22))


@pytest.mark.parametrize("told", ["12,5", "born in Ulm", "\0"])
def test_no_report_shows_a_value_of_a_column_that_may_not_be_seen(tmp_path, told):
    text = f'a,b\n1,2\n"{told}",3\n'
    table = bronze(tmp_path, text, contract(a="integer", b="integer"), hidden=frozenset({"a"}))
    assert [finding.column for finding in table.findings if finding.rule == "unreadable row"] == ["a"]
    assert not any(told in repr(finding) for finding in table.findings)
    with pytest.raises(BadData) as caught:
        bronze(tmp_path, text, contract(rejected_share_max=0.1, a="integer", b="integer"), hidden=frozenset({"a"}))
    assert told not in str(caught.value)
    assert "the value is not a whole number" in str(caught.value)


def test_a_word_in_unknown_letters_is_not_shown_where_it_may_not_be_seen(tmp_path):
    text = "a,b\n1,Müller\n2,Meier\n".encode("cp1252")
    shown = bronze(tmp_path, text, contract(a="integer", b="text"))
    kept_apart = bronze(tmp_path, text, contract(a="integer", b="text"), hidden=frozenset({"b"}))
    assert "Müller" in repr(shown.findings)
    assert "ller" not in repr(kept_apart.findings)


def test_row_with_two_bad_values_is_one_rejected_row(tmp_path):
    table = bronze(tmp_path, "a,b\n1,2\nx,y\n1.5,2.5\n", contract(a="integer", b="integer"))
    assert (table.rows, table.rejected) == (1, 2)


def test_the_same_file_gives_the_same_bytes_whatever_the_threads(tmp_path):
    text = "a,b,c\n" + "".join(f"{i},{i % 7}.25,w{i % 300}\n" for i in range(250_000))
    path = written(tmp_path / "loans.csv", text)
    promised = contract(a="integer", b="decimal(18,3)", c="text")
    hashes = {
        to_bronze(landed(path), promised, tmp_path / f"{run}.parquet", settings=SETTINGS).sha256 for run in range(3)
    }
    assert len(hashes) == 1
    with duckdb.connect() as con:
        ordered = con.sql(
            f"select bool_and(a = file_row_number) from read_parquet('{tmp_path}/0.parquet', file_row_number = true)"
        )
        assert ordered.fetchall() == [(True,)]


def test_gzip_gives_the_same_bytes_as_plain_and_lines_are_found_in_it(tmp_path):
    text = "a,b\n1,x\n2.5,y\nz,w\n" + "".join(f"{i},q\n" for i in range(1000))
    promised = contract(a="integer", b="text")
    plain = to_bronze(landed(written(tmp_path / "l.csv", text)), promised, tmp_path / "p.parquet", settings=SETTINGS)
    packed = to_bronze(
        landed(written(tmp_path / "l.csv.gz", text)), promised, tmp_path / "g.parquet", settings=SETTINGS
    )
    assert plain.sha256 == packed.sha256
    assert [finding.line for finding in packed.findings[1:]] == [3, 4]


def test_parquet_is_cast_as_strictly_as_text(tmp_path):
    path = tmp_path / "loans.parquet"
    with duckdb.connect() as con:
        con.execute(
            "copy (select * from (values "
            "(1.0::double, 5, 2.125::decimal(9,4), 'x', timestamp '2020-01-31', ' 36 months'), "
            "(12.7, 6, 1.1119, 'y', timestamp '2020-01-31', '36'), (3, 7, 0, 'z', timestamp '2020-01-31 10:00', '60'), "
            "('nan'::double, 8, 0, 'w', null, null), (4, 9, 0.5, null, null, null)) "
            f"t(a, b, c, d, e, f)) to '{path}' (format parquet)"
        )
    promised = contract(
        f={"type": "integer", "format": "months"}, a="integer", b="double", c="decimal(18,3)", d="text", e="date"
    )
    table = to_bronze(landed(path), promised, tmp_path / "out.parquet", settings=SETTINGS)
    assert rows(table.path) == [
        (36, 1, 5.0, Decimal("2.125"), "x", dt.date(2020, 1, 31)),
        (None, 4, 9.0, Decimal("0.500"), None, None),
    ]
    assert table.rejected == 3


def _parquet(tmp_path, table, **options):
    path = tmp_path / "loans.parquet"
    pq.write_table(table, path, **options)
    return landed(path)


def test_parquet_of_old_timestamps_wide_decimals_and_empty_row_groups_is_read(tmp_path):
    day = dt.datetime(2020, 1, 31)  # noqa: DTZ001
    table = pa.table(
        {
            "a": pa.array([day, None], pa.timestamp("ns")),
            "b": pa.array([Decimal("12345678901234.5"), None], pa.decimal128(38, 4)),
        }
    )
    path = tmp_path / "loans.parquet"
    with pq.ParquetWriter(path, table.schema, use_deprecated_int96_timestamps=True) as writer:
        for part in (table.slice(0, 0), table.slice(0, 1), table.slice(0, 0), table.slice(1)):
            writer.write_table(part)
    assert pq.ParquetFile(path).num_row_groups == 4
    read = to_bronze(landed(path), contract(a="date", b="decimal(18,3)"), tmp_path / "out.parquet", settings=SETTINGS)
    assert rows(read.path) == [(day.date(), Decimal("12345678901234.500")), (None, None)]
    assert read.rejected == 0


def test_a_parquet_decimal_that_does_not_fit_is_rejected_not_cut(tmp_path):
    found = _parquet(tmp_path, pa.table({"b": pa.array([Decimal("9" * 30), Decimal(1)], pa.decimal128(38, 4))}))
    read = to_bronze(found, contract(b="decimal(18,3)"), tmp_path / "out.parquet", settings=SETTINGS)
    assert (rows(read.path), read.rejected) == ([(Decimal(1),)], 1)


def test_a_parquet_file_with_a_name_twice_is_refused(tmp_path):
    found = _parquet(tmp_path, pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))
    with pytest.raises(BadData, match="twice"):
        to_bronze(found, contract(a="integer"), tmp_path / "out.parquet", settings=SETTINGS)
    assert not (tmp_path / "out.parquet").exists()


def test_a_broken_parquet_file_is_named(tmp_path):
    path = written(tmp_path / "loans.parquet", b"PAR1 and then nonsense PAR1")
    with pytest.raises(BrokenFile, match="Parquet"):
        to_bronze(landed(path), contract(a="integer"), tmp_path / "out.parquet", settings=SETTINGS)
    assert not (tmp_path / "out.parquet").exists()


HASHED = Entity(key="loan_key", hash_of=(Available.APPLICATION,), hash_also=("issued",))
KEYED = contract(
    amount="decimal(18,3)",
    recovered={"type": "double", "available": "post_origination"},
    town="text",
    issued={"type": "date", "available": "lender_decision"},
)


def test_the_hashed_key_is_the_first_column_and_as_documented(tmp_path):
    table = bronze(tmp_path, "town,amount,issued,recovered\nUlm,10.5,2011-12-01,7\n,,,\n", KEYED, entity=HASHED)
    keys = [hashlib.md5(text, usedforsecurity=False).hexdigest() for text in (b"10.500|Ulm|2011-12-01", b"~|~|~")]
    assert list(types(table.path)) == ["loan_key", "amount", "recovered", "town", "issued"]
    assert [row[0] for row in rows(table.path)] == keys
    assert table.columns == 5


def test_the_key_expression_gives_a_single_record_the_same_key(tmp_path):
    table = bronze(tmp_path, "town,amount,issued,recovered\nUlm,10.5,2011-12-01,7\n", KEYED, entity=HASHED)
    with duckdb.connect() as con:
        again = con.sql(
            f"select {entity_key_sql(KEYED, HASHED)} from "
            "(select 10.5::decimal(18,3) as amount, 'Ulm' as town, date '2011-12-01' as issued)"
        )
        assert again.fetchall()[0][0] == rows(table.path)[0][0]


def test_the_key_does_not_change_with_what_happened_after_the_loan(tmp_path):
    one = rows(bronze(tmp_path, "town,amount,issued,recovered\nUlm,1,2011-12-01,7\n", KEYED, entity=HASHED).path)
    two = rows(bronze(tmp_path, "town,amount,issued,recovered\nUlm,1,2011-12-01,9\n", KEYED, entity=HASHED).path)
    assert one[0][0] == two[0][0]


_KILLED = """
import sys
from pathlib import Path
from tests.support.small_tables import SETTINGS, contract, landed
from creditrisk.contracts import to_bronze
print("ready", flush=True)
to_bronze(landed(Path(sys.argv[1])), contract(a="integer", b="text"), Path(sys.argv[2]), settings=SETTINGS)
"""


def test_a_killed_run_leaves_nothing_under_the_final_name(tmp_path, repository):
    path = written(tmp_path / "loans.csv", "a,b\n" + "1,xxxxxxxxxxxxxxxxxxxx\n" * 3_000_000)
    out = tmp_path / "bronze" / "loans.parquet"
    env = {**os.environ, "PYTHONPATH": str(repository)}
    run = subprocess.Popen([sys.executable, "-c", _KILLED, str(path), str(out)], stdout=subprocess.PIPE, env=env)
    assert run.stdout is not None
    run.stdout.readline()
    until = time.monotonic() + 30
    while not (out.parent.exists() and list(out.parent.iterdir())) and time.monotonic() < until:
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    assert not out.exists()
    assert all(left.name.startswith(".partial-") for left in out.parent.iterdir())


_CELLS = st.sampled_from(
    [
        "1",
        "2",
        "-7.0",
        "0.25",
        "",
        "x",
        '"q"',
        '"a,b"',
        '"n\nm"',
        '"x""y"',
        '"',
        "NaN",
        "1e3",
        "\x00",
        "\r",
        "ü",
        "9" * 25,
    ]
)
_LINES = st.lists(st.lists(_CELLS, min_size=1, max_size=4).map(",".join), min_size=1, max_size=6)


@settings(max_examples=40)
@given(_LINES, st.sampled_from(["\n", "\r\n"]))
def test_whatever_the_text_every_row_is_kept_or_counted_or_the_file_is_refused(tmp_path_factory, lines, end):
    text = end.join(["a,b,c", *lines])
    promised = contract("payments", rejected_share_max=1.0, a="integer", b="text", c="decimal(18,3)")
    try:
        table = bronze(tmp_path_factory.mktemp("any"), text, promised)
    except CreditRiskError:
        return
    every = [row for row in csv.reader(StringIO(text, newline="")) if row][1:]
    notes = sum(finding.rows for finding in table.findings if finding.rule == "notes")
    assert table.rows + table.rejected + notes == len(every)
    assert len(rows(table.path)) == table.rows
