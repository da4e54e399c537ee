"""Odd text files: what is read and told, what is refused because it could be two things."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from creditrisk.config import Contract
from creditrisk.errors import BadConfig, BadData
from tests.support.small_tables import bronze, contract, rows

LOAN = contract(
    loan_id={"type": "integer", "available": "identifier"},
    income="decimal(18,3)",
    town={"type": "text", "categories": ["Köln", "Ulm"]},
    job="text",
)
ROWS = [
    (1, Decimal("1000.500"), "Köln", "Bäcker"), (2, Decimal("-492.000"), "Ulm", "a, b"), (3, None, None, None),
]  # fmt: skip
CLEAN = 'loan_id,income,town,job\n1,1000.5,Köln,Bäcker\n2,-492.0,Ulm,"a, b"\n3,,,\n'
SEMICOLON = "loan_id;income;town;job\n1;1000.5;Köln;Bäcker\n2;-492.0;Ulm;a, b\n3;;;\n"
COMMA = "loan_id;income;town;job\n1;1.000,5;Köln;Bäcker\n2;-492,0;Ulm;a, b\n3;;;\n"


def _declared(**reading: object) -> Contract:
    return Contract.model_validate({**LOAN.model_dump(mode="json"), "reading": reading})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CLEAN, []),
        ("\ufeff" + CLEAN, ["byte order mark"]),
        (CLEAN.encode("utf-16"), ["encoding"]),
        (b"\xfe\xff" + CLEAN.encode("utf-16-be"), ["encoding"]),
        (CLEAN.encode("utf-32"), ["encoding"]),
        (CLEAN.encode("cp1252"), ["encoding"]),
        (CLEAN.encode("mac-roman"), ["encoding"]),
        (CLEAN.replace("\n", "\r"), ["line ends"]),
        (SEMICOLON, ["separator"]),
        (SEMICOLON.replace(";", "\t"), ["separator"]),
        (SEMICOLON.replace(";", "|"), ["separator"]),
        (COMMA, ["separator", "decimal sign"]),
        (CLEAN.replace("1000.5", '"1,000.5"'), ["decimal sign"]),
        ("Loans of May\nsep=,\n\n" + CLEAN, ["notes"]),
        (CLEAN + "Total rows: 3\n", ["notes"]),
        (CLEAN + "Total,508.5,,\n", ["notes"]),
        (CLEAN + CLEAN, ["repeated header"]),
        (CLEAN.replace("2,", "\ufeff2,"), ["byte order mark"]),
        (CLEAN.replace("\n3", ",\n3").replace("er\n", "er,\n"), ["trailing separator"]),
        (CLEAN.replace("\n2", "\n   \n\n2"), []),
    ],
)
def test_what_leaves_no_doubt_is_read_like_the_plain_file_and_told(tmp_path, text, told):
    table = bronze(tmp_path, text, LOAN)
    assert rows(table.path) == ROWS * (2 if told == ["repeated header"] else 1)
    assert [finding.rule for finding in table.findings] == told
    assert list(table.path.parent.iterdir()) == [table.path]


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("loan_id;income;town;job\n1;7;Ulm;x\n2;1,234;Ulm;y\n", "line 3, column income", '"1,234" can be 1234'),
        ("loan_id\tincome\ttown\tjob\n1\t1.234\tUlm\tx\n", "line 2, column income", '"1.234" can be 1234 or 1.234'),
        ('loan_id,income,town,job\n1,"1,234",Ulm,x\n', "line 2, column income", '"1,234" can be 1234 or 1.234'),
        ("loan_id;income;town;job\n1;1,5;Ulm;x\n2;2.5;Ulm;y\n", "line 2, column income", '"2.5" on line 3'),
        ('loan_id;income;town;job\n1;2;"Ulm;x\n3;4;Ulm;y\n', "line 2", "never closed"),
        ('loan_id;income;town;job\n1;2;"Ulm"s;x\n', "line 2", "follows a closing quote"),
    ],
)  # fmt: skip
def test_what_leaves_a_doubt_is_refused_with_its_place_and_an_example(tmp_path, text, where, says):
    with pytest.raises(BadData) as caught:
        bronze(tmp_path, text, LOAN)
    assert says in caught.value.what
    assert caught.value.where.endswith(where)
    assert caught.value.hint
    assert not (tmp_path / "bronze").exists() or not list((tmp_path / "bronze").iterdir())


@pytest.mark.parametrize(
    ("reading", "text"),
    [
        ({"decimal": "comma"}, "loan_id;income;town;job\n1;1000,500;Köln;Bäcker\n2;-492,000;Ulm;a, b\n3;;;\n"),
        ({"decimal": "point"}, "loan_id;income;town;job\n1;1000.500;Köln;Bäcker\n2;-492.000;Ulm;a, b\n3;;;\n"),
        ({"thousands": "blank"}, "loan_id;income;town;job\n1;1\u202f000.5;Köln;Bäcker\n2;-492;Ulm;a, b\n3;;;\n"),
        ({"thousands": "apostrophe"}, "loan_id;income;town;job\n1;1'000.5;Köln;Bäcker\n2;-492;Ulm;a, b\n3;;;\n"),
        ({"encoding": "utf-16-le"}, CLEAN.encode("utf-16-le")),
        ({"encoding": "cp850"}, CLEAN.encode("cp850")),
        ({"header": False}, CLEAN.partition("\n")[2]),
        ({"separator": "semicolon", "header": False}, SEMICOLON.partition("\n")[2]),
    ],
)
def test_a_doubt_has_its_remedy_in_the_contract(tmp_path, reading, text):
    assert rows(bronze(tmp_path, text, _declared(**reading)).path) == ROWS


def test_a_declared_form_of_dates_is_read_and_another_one_is_not(tmp_path):
    promised = contract(day="date", n="integer")
    text = "day,n\n03/04/2011,1\n31/12/2011,2\n"
    with pytest.raises(BadData, match='"03/04/2011" is not a date'):
        bronze(tmp_path, text, promised)
    promised = Contract.model_validate({**promised.model_dump(mode="json"), "reading": {"dates": "%d/%m/%Y"}})
    assert rows(bronze(tmp_path, text, promised).path) == [(dt.date(2011, 4, 3), 1), (dt.date(2011, 12, 31), 2)]


@pytest.mark.parametrize("day", ["infinity", "epoch", "11-01-05", "2011-01-05 10:00", "2011-01-05 (BC)", "-2011-01-05"])
def test_what_only_looks_like_a_date_is_rejected(tmp_path, day):
    table = bronze(tmp_path, f"day,n\n2011-01-05 00:00:00,1\n{day},2\n", contract(day="date", n="integer"))
    assert rows(table.path) == [(dt.date(2011, 1, 5), 1)]
    assert (table.findings[1].line, table.findings[1].column) == (3, "day")


@pytest.mark.parametrize("kind", ["integer", "double", "decimal(18,3)"])
@pytest.mark.parametrize("value", ["1_000", "+-5", "1e5_0", "0x10", "1\x00", "١٢", "１", "1\u202f000", "1\u00a0000"])
def test_what_is_plainly_no_number_is_rejected_with_its_line(tmp_path, kind, value):
    table = bronze(tmp_path, f"n,x\n1,a\n{value},b\n3,c\n", contract(n=kind, x="text"))
    assert [row[1] for row in rows(table.path)] == ["a", "c"]
    assert [(finding.line, finding.column) for finding in table.findings[1:]] == [(3, "n")]


def test_text_with_a_nul_is_rejected_with_its_line(tmp_path):
    table = bronze(tmp_path, 'n,x\n1,"a\nb"\n2,c\x00d\n3,e\n', contract(n="integer", x="text"))
    assert rows(table.path) == [(1, "a\nb"), (3, "e")]
    assert (table.findings[1].line, table.findings[1].column) == (4, "x")
    assert table.findings[1].what == "the value holds a NUL byte"


def test_damage_among_utf8_letters_is_rejected_row_by_row(tmp_path):
    table = bronze(tmp_path, CLEAN.encode().replace(b"Ulm", b"U\xe4m"), LOAN)
    assert rows(table.path) == [ROWS[0], ROWS[2]]
    assert (table.findings[1].line, table.findings[1].column) == (3, "town")


def test_rows_are_counted_whatever_the_file_is_like(tmp_path):
    text = COMMA.replace("\n", "\r\n") + "x;1,5;Ulm;late\r\n4;5;Ulm\r\n"
    table = bronze(tmp_path, text, LOAN)
    assert rows(table.path) == ROWS
    assert [finding.line for finding in table.findings if finding.rule == "unreadable row"] == [5, 6]


@pytest.mark.parametrize(
    "reading", [{"encoding": "klingon"}, {"encoding": "rot13"}, {"separator": ","}, {"dates": "%d.%m.%y"}]
)
def test_a_reading_that_makes_no_sense_is_refused(tmp_path, reading):
    from creditrisk.config.yaml_reader import read_yaml

    path = tmp_path / "loans.yaml"
    path.write_text(f"table: application\ngrain: a row\ncolumns: []\nreading: {reading}\n")
    with pytest.raises(BadConfig, match="reading"):
        read_yaml(path, Contract)
