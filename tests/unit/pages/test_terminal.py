import io
import re

import pytest
from rich.console import Console

from creditrisk.pages.context import RunContext
from creditrisk.pages.terminal import run_table
from tests.support.runs import full_run


def printed(*runs: RunContext, width: int = 80) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(run_table(runs))
    return stream.getvalue()


@pytest.fixture(scope="module")
def run() -> RunContext:
    return full_run()


def test_the_table_tells_quality_and_seconds(run: RunContext) -> None:
    text = printed(run)
    metrics = run["metrics"]
    auc = metrics["roc_auc"]
    for line in (
        r"rows +23,520",
        r"tested on +3,000",
        r"features +96",
        rf"AUC.* {auc['value']:.3f} \({auc['low']:.3f} to {auc['high']:.3f}\)",
        rf"Brier +{metrics['brier']['value']:.4f} \(mean {metrics['brier_of_mean']:.4f}\)",
        rf"mean PD +{100 * metrics['mean_pd']:.2f}%",
        rf"default rate +{100 * metrics['default_rate']['value']:.2f}%",
        rf"approved +{100 * metrics['approval_rate']['value']:.1f}%",
        r"train +21.9 s",
        r"validation +FAIL \(1 pass, 1 FAIL, 1 too few\)",
        r"all stages +46.8 s",
    ):
        assert re.search(line, text), line


def test_invented_data_are_said_above_and_in_the_books_own_column(run: RunContext) -> None:
    real: RunContext = {**run, "invented": False, "book": {"name": "real_book"}}
    both = printed(run, real)
    assert both.lower().count("invented data") == 2
    assert "nvented" not in printed(real)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(run: RunContext, width: int) -> None:
    assert max(len(line) for line in printed(run, run, width=width).splitlines()) <= width


def test_two_books_stand_side_by_side_unbroken_at_eighty_columns(run: RunContext) -> None:
    auc = run["metrics"]["roc_auc"]
    line = next(line for line in printed(run, run).splitlines() if line.lstrip().startswith("AUC"))
    assert line.count(f"{auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})") == 2


def test_a_stage_that_one_book_did_not_run_is_a_dash(run: RunContext) -> None:
    short: RunContext = {"book": {"name": "other"}, "stages": [{"stage": "ingest", "seconds": 1.0}]}
    text = printed(run, short)
    train = next(line for line in text.splitlines() if line.startswith((" train", "train")))
    assert train.rstrip().endswith("–")


def test_a_run_that_stopped_early_shows_what_there_is() -> None:
    text = printed({"book": {"name": "book"}, "stages": [{"stage": "ingest", "seconds": 2.5}]})
    assert "ingest" in text
    assert "AUC" not in text


def test_markup_in_a_name_is_shown_as_it_is() -> None:
    text = printed({"book": {"name": "[red]x[/red]"}, "stages": [{"stage": "[link=evil]y", "seconds": 1.0}]})
    assert "[red]x[/red]" in text
    assert "[link=evil]y" in text
