"""Drift of the tiny book from the command line: real decisions in a real store, a real registry, a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from creditrisk.cli import main
from tests.support.schemas import faults
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw

pytestmark = pytest.mark.integration

DRIFT = ("drift_report.json", "production_drift_report.json", "drift_metrics.json")


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a registered model of the tiny book and 150 recorded decisions of it; the book lies beside."""
    root = tmp_path_factory.mktemp("drift")
    book = write_tiny_book(root / "book")
    workspace = ["--workspace", str(root / "workspace")]
    small = ["--set", "training.parameters.xgboost.min_child_weight=1"]
    assert main(["run", str(book), "--raw", str(write_tiny_raw(root / "raw")), *workspace, *small]) == 0
    batch = ["--input", str(write_tiny_raw(root / "batch", 150, seed=9)), "--output", str(root / "decided.parquet")]
    assert main(["score", str(book), *batch, *workspace, "--alias", "candidate", "--record", "--no-reasons"]) == 0
    return root


def run(root: Path, *words: str) -> int:
    return main(["monitor", words[0], str(root / "book"), "--workspace", str(root / "workspace"), *words[1:]])


def test_both_reports_are_made_and_keep_their_schemas(decided: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(decided, "drift") == 0
    assert "test part of the last run against the development rows" in capsys.readouterr().out
    assert run(decided, "production", "--alias", "candidate", "--by", "week", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"]["now"] == 150
    assert all(sum(row["bins"]["now"]) == 150 for row in report["columns"])
    assert report["findings"] == []
    reports = decided / "workspace" / "tiny" / "reports"
    assert [fault for name in DRIFT for fault in faults(reports / name)] == []
    metrics = json.loads((reports / "drift_metrics.json").read_text())
    assert metrics["untold"] == {}
    assert metrics["production"]["rows"] == 150


def test_the_decisions_that_were_written_to_a_file_are_told_alike(
    decided: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(decided, "production", "--alias", "candidate", "--by", "one", "--json") == 0
    stored = {row["column"]: row["bins"]["now"] for row in json.loads(capsys.readouterr().out)["columns"]}
    file = str(decided / "decided.parquet")
    assert run(decided, "production", "--alias", "candidate", "--current", file, "--json") == 0
    told = {row["column"]: row["bins"]["now"] for row in json.loads(capsys.readouterr().out)["columns"]}
    for name in ("pd", "score", "grade", "decision"):
        assert told[name] == stored[name]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("production",), 1, "no version of tiny has been promoted"),
        (("production", "--alias", "candidate", "--by", "year"), 2, 'no period "year"'),
        (("production", "--alias", "candidate", "--since", "soon"), 2, '"soon" is no time'),
        (("production", "--alias", "candidate", "--current", "nowhere.csv"), 2, "there is no such file"),
    ],
)
def test_what_cannot_be_told_is_refused_in_words(
    decided: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, told: str
) -> None:
    assert run(decided, *words) == code
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_opens_from_a_file_without_a_complaint(
    decided: Path, component: Callable[[str], str], width: int
) -> None:
    assert run(decided, "drift") == 0
    from playwright.sync_api import sync_playwright

    complaints: list[Any] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=component("chromium"), args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda asked: None if asked.url.startswith("file:") else complaints.append(asked.url))
        page.goto((decided / "workspace" / "tiny" / "reports" / "drift_report.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_role("heading", name="What the model answers").is_visible()
        browser.close()
    assert [one for one in complaints if not str(one).startswith("data:")] == []
