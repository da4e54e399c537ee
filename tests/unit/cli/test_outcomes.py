"""`creditrisk outcomes ...` and `creditrisk monitor outcomes`, as they are typed."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from creditrisk.cli import main
from creditrisk.wiring import decision_store_for
from tests.support.outcomes import decision, write_outcomes

BOOK = "lending_club"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Thirty loans of January 2015, decided by a model of LendingClub's book."""
    features = {"features": {"term_months": 36.0}}
    with closing(decision_store_for(tmp_path / "ws")) as store:
        store.append([decision(number, "2015-01-10", book=BOOK, payload=features) for number in range(30)])
    return tmp_path / "ws"


def test_outcomes_are_added_listed_and_reported(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(number, "2016-06-01", "Charged Off" if number < 3 else "Fully Paid") for number in range(30)]
    file = str(write_outcomes(workspace / "sent.csv", rows))
    common = ["--workspace", str(workspace), "--json"]
    assert main(["outcomes", "add", BOOK, "--input", file, "--by", "ann", "--dry-run", *common]) == 0
    assert json.loads(capsys.readouterr().out)["delivery"] is None
    assert (
        main(["outcomes", "add", BOOK, "--input", file, "--by", "ann", "--complete-until", "2018-12-31", *common]) == 0
    )
    assert json.loads(capsys.readouterr().out)["taken"] == 30
    assert main(["outcomes", "list", BOOK, *common]) == 0
    (delivery,) = json.loads(capsys.readouterr().out)["deliveries"]
    assert (delivery["by"], delivery["taken"], delivery["complete_until"]) == ("ann", 30, "2018-12-31")
    assert main(["monitor", "outcomes", BOOK, *common]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["counts"]["judged"], report["counts"]["bads"]) == (30, 3)
    assert main(["outcomes", "list", BOOK, "--workspace", str(workspace)]) == 0
    assert "2018-12-31" in capsys.readouterr().out
    assert main(["monitor", "outcomes", BOOK, "--workspace", str(workspace)]) == 0
    assert "3 bads and 27 goods" in capsys.readouterr().out


def test_a_bad_row_ends_with_1_and_says_where_and_what_to_do(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(0, "2016-06-01", "Charged Off"), (1, "2014-06-01", "Fully Paid")]
    add = ["outcomes", "add", BOOK, "--workspace", str(workspace)]
    file = str(write_outcomes(workspace / "sent.csv", rows))
    assert main([*add, "--input", file]) == 1
    told = capsys.readouterr()
    assert "refused: nothing was taken: it happened before the decision" in told.err
    assert "sent.csv, line 3" in told.err
    assert main([*add, "--input", file, "--skip-bad"]) == 0
    assert "1 taken" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["outcomes", "add", BOOK, "--input", "no.csv"], "there is no such file"),
        (["outcomes", "add", BOOK, "--input", "no.csv", "--complete-until", "soon"], '"soon" is no date'),
        (["monitor", "outcomes", BOOK, "--as-of", "2015-13-01"], '"2015-13-01" is no date'),
        (["monitor", "outcomes", BOOK, "--as-of", "2015-01-01"], "nothing was decided in this time"),
        (["monitor", "outcomes", BOOK, "--model", "9"], '"9" is not one model that decided'),
    ],
)
def test_what_makes_no_sense_ends_with_2(
    workspace: Path, capsys: pytest.CaptureFixture[str], words: list[str], what: str
) -> None:
    assert main([*words, "--workspace", str(workspace)]) == 2
    assert what in capsys.readouterr().err


def test_without_a_decision_store_there_is_nothing_to_add_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(write_outcomes(tmp_path / "sent.csv", [(0, "2016-06-01", "Fully Paid")]))
    assert main(["outcomes", "add", BOOK, "--input", file, "--workspace", str(tmp_path / "none")]) == 2
    assert "hint:" in capsys.readouterr().err
