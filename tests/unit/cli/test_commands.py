"""Words in, an exit code out: help where it helps, errors in three lines, results as words or JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from creditrisk import __version__
from creditrisk.cli import main
from creditrisk.pipelines.stages import STAGES
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    """Book, raw tables and workspace as words of a command."""
    book, raw = write_tiny_book(tmp_path / "book"), write_tiny_raw(tmp_path / "raw", rows=200)
    return [str(book), "--raw", str(raw), "--workspace", str(tmp_path / "ws")]


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"creditrisk {__version__}\n"


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_names_every_stage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    told = capsys.readouterr().out
    assert all(f" {command} " in told for command in (*STAGES, "demo", "run", "score", "doctor"))


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["ran"], "creditrisk --help"),
        (["--wrong"], "creditrisk --help"),
        (["run"], "creditrisk run --help"),
        (["train", "tiny", "--wrong"], "creditrisk train --help"),
    ],
)
def test_a_wrong_command_is_told_where_help_is(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.endswith(f"  hint:  {hint}\n")


def test_a_comparison_of_no_estimator_is_not_one_of_all(tiny: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", tiny[0], "--workspace", tiny[-1], "--estimators", " , "]) == 2
    assert "--estimators names none" in capsys.readouterr().err


def test_an_empty_workspace_is_told_what_makes_its_files(tiny: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", tiny[0], "--workspace", tiny[-1]]) == 1
    assert "there is no train.parquet: the stage split makes it" in capsys.readouterr().err
    assert main(["validate", tiny[0], "--workspace", tiny[-1]]) == 2
    assert "hint:  creditrisk train tiny" in capsys.readouterr().err


def test_a_stage_tells_where_its_reports_are(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", *tiny]) == 0
    told = capsys.readouterr()
    assert told.out == f"ingest: done; reports in {tmp_path / 'ws' / 'tiny' / 'reports'}\n"
    assert told.err.splitlines()[0].endswith(": ingest ...")


def test_json_is_alone_on_stdout(tiny: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *tiny, "--until", "check", "--by", "ann", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["runs"][0]["meta"]["actor"] == "ann"
    assert [stage["stage"] for stage in told["runs"][0]["stages"]] == ["ingest", "check"]


def test_a_set_value_is_read_as_yaml(tiny: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *tiny, "--until", "ingest", "--set", "currency=CHF", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["book"]["currency"] == "CHF"


def test_debug_shows_the_error_itself(tmp_path: Path) -> None:
    from creditrisk.errors import BadUsage

    with pytest.raises(BadUsage):
        main(["run", "nobody", "--debug", "--workspace", str(tmp_path)])


@pytest.mark.parametrize(
    ("fault", "code", "told"),
    [
        (
            ModuleNotFoundError("No module named 'creditrisk.demo'", name="creditrisk.demo"),
            2,
            "error: this installation leaves out creditrisk.demo, which the command needs",
        ),
        (ZeroDivisionError("boom"), 3, "error: a fault in creditrisk itself: ZeroDivisionError: boom"),
        (OSError(28, "No space left on device", "/disk/file"), 3, "error: the system says no: No space left on device"),
        (KeyboardInterrupt(), 130, "error: stopped"),
    ],
)
def test_a_fault_is_one_message_and_no_traceback(
    fault: BaseException,
    code: int,
    told: str,
    tiny: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr("creditrisk.wiring.load_book", fail)
    assert main(["ingest", *tiny]) == code
    said = capsys.readouterr().err
    assert told in said.splitlines()
    assert "  hint:  " in said
    assert "Traceback" not in said


def test_the_doctor_answers_three_when_something_needed_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("creditrisk.doctor.shipped_books", list)
    assert main(["doctor", "--workspace", str(tmp_path)]) == 0
    monkeypatch.setattr("creditrisk.doctor.LIBRARIES", ("no-such-library",))
    assert main(["doctor", "--workspace", str(tmp_path), "--json"]) == 3
    told = capsys.readouterr().out
    assert '"found": "not installed"' in told


def test_invented_tables_come_alone_and_the_same_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        assert main(["invent", "lending_club", "--into", str(tmp_path / name), "--rows", "30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n}\n")[0] + "}")["rows"] == {"accepted": 30}
    assert (tmp_path / "one" / "accepted.csv").read_bytes() == (tmp_path / "two" / "accepted.csv").read_bytes()


def test_no_tables_are_invented_for_a_book_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["invent", "tiny", "--into", str(tmp_path / "raw")]) == 2
    assert 'no invented data for a book "tiny"' in capsys.readouterr().err
