"""A book's SQL is looked at as a whole, every preset and the target, without a table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from creditrisk.cli import main
from creditrisk.config import load_book
from creditrisk.features import lint_book
from tests.support.tiny_book import write_tiny_book


@pytest.mark.parametrize("name", ["home_credit", "lending_club"])
def test_the_shipped_books_mean_the_same_on_both_engines(name: str) -> None:
    assert lint_book(load_book(name)) == []


def test_findings_of_every_preset_and_of_the_target_are_told_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = write_tiny_book(tmp_path / "book")
    portfolio = book / "portfolio.yaml"
    text = portfolio.read_text(encoding="utf-8")
    text = text.replace("    application: {sql:", "    other: {sql: [other.sql]}\n    application: {sql:")
    portfolio.write_text(text.replace("  column: bad\n", "  sql: sql/target.sql\n"), encoding="utf-8")
    (book / "sql" / "other.sql").write_text(
        "-- other: one row per loan.\nselect loan_id,\n  upper(town) as town\nfrom application\n"
    )
    (book / "sql" / "target.sql").write_text(
        "-- target: one row per loan; $observed_until bounds it.\n"
        "select loan_id, bad as target,\n  case when list(bad) is null then $observed_until end as label_state\n"
        "from application group by loan_id, bad\n"
    )
    found = lint_book(load_book(book))
    assert [line.split(": ")[:2] for line in found] == [
        [f"{book}/sql/other.sql:3", "function"],
        [f"{book}/sql/target.sql:3", "list"],
    ]
    assert main(["check", str(book), "--sql-only"]) == 2
    assert f"{book}/sql/other.sql:3: function: upper" in capsys.readouterr().out
    assert main(["check", str(book), "--sql-only", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["findings"] == found


def test_sql_that_does_not_bind_is_a_finding_among_others(tmp_path: Path) -> None:
    book = write_tiny_book(tmp_path / "book")
    file = book / "sql" / "payment_features.sql"
    file.write_text(file.read_text(encoding="utf-8").replace("p.days_late", "p.nothing"), encoding="utf-8")
    (first, *_) = lint_book(load_book(book))
    assert "nothing" in first


def test_a_look_at_the_sql_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", "lending_club", "--sql-only"]) == 0
    assert list(tmp_path.iterdir()) == []
