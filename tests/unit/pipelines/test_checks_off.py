"""What was switched off is told by every report, the bundle, the page and the terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from creditrisk.errors import BadData
from creditrisk.files import read_json
from creditrisk.modelling import load_bundle
from creditrisk.pages.terminal import run_table
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stages
from creditrisk.pipelines.summary import gather
from tests.support.schemas import faults_in
from tests.support.tiny_run import tiny_context

OFF = {"table": "payments", "rule": "event after application", "column": "day", "because": "the day is not sure"}


@pytest.fixture(scope="module")
def exploring(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A run over payments that lie after the application, with that check off."""
    folder = tmp_path_factory.mktemp("off")
    context = tiny_context(folder, checks_off=[OFF])
    _spoil(context.raw / "payments.csv")
    run_stages(context)
    return context


def _spoil(payments: Path) -> None:
    head, *rows = payments.read_text(encoding="utf-8").splitlines()
    payments.write_text("\n".join([head, *(row.replace("-", "") for row in rows)]) + "\n", encoding="utf-8")


def test_with_the_check_on_the_same_tables_are_refused(fresh: Callable[..., Context]) -> None:
    context = fresh()
    _spoil(context.raw / "payments.csv")
    with pytest.raises(BadData, match="after the application"):
        run_stages(context, last="ingest")


def test_every_report_says_what_was_off(exploring: Context) -> None:
    for path in exploring.folder.reports.glob("*.json"):
        assert read_json(path)["checks_off"] == [OFF], path.name
    assert list(faults_in(exploring.folder.reports)) == []


def test_the_bundle_says_what_was_off(exploring: Context) -> None:
    sha256 = read_json(exploring.folder.report("metrics.json"))["bundle_sha256"]
    assert load_bundle(exploring.folder.bundle(sha256)).manifest["checks_off"] == [OFF]


def test_the_page_and_the_terminal_say_what_was_off(exploring: Context, finished: Context) -> None:
    page = exploring.folder.report("run_summary.html").read_text(encoding="utf-8")
    assert "1 check was switched off" in page
    assert "the day is not sure" in page
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(run_table([gather(exploring, {})]))
    assert "checks switched off (1): payments: event after application" in console.export_text()
    clean = finished.folder.report("run_summary.html").read_text(encoding="utf-8")
    assert "switched off" not in clean
