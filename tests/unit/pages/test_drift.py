"""The drift reports as people read them."""

from __future__ import annotations

import io
from copy import deepcopy
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from creditrisk.modelling import Preprocess
from creditrisk.modelling.reference import reference_of, with_answers
from creditrisk.monitoring.counts import By, Counting, bins_of
from creditrisk.monitoring.drift import Limits, drift
from creditrisk.pages.drift import drift_tables, render_drift, says

EVIL = "<script>alert(1)</script>[bold]"


def report_of(rows: int = 4000, *, periods: int = 3) -> dict[str, Any]:
    """income moves in the last period, and 2 % are above anything at development; town has a new word."""
    rng = np.random.default_rng(1)
    then = pa.table({"income": rng.normal(100, 20, rows), EVIL: rng.choice(["big", "small"], rows)})
    pd = rng.beta(1, 9, rows)
    reference = reference_of(
        then, Preprocess.fit(then, ["income", EVIL]), pd, (600 - 100 * pd).astype(np.int32), {"income": 0.9, EVIL: 0.1}
    )
    reference = with_answers(reference, {"A": rows // 2, "B": rows // 2}, {"approve": rows, "decline": 0})
    counting = Counting(bins_of(reference), by=By.MONTH)
    for month in range(1, periods + 1):
        times = pa.array(np.full(rows, np.datetime64(f"2026-{month:02}-03", "us")))
        places = counting.rows(times)
        income = rng.normal(100 + 30 * (month == periods), 20, rows)
        counting.add("feature:income", pa.array(np.where(np.arange(rows) % 50 == 0, 999.0, income)), places)
        counting.add(f"feature:{EVIL}", pa.array(rng.choice(["big", EVIL], rows)), places)
        counting.add("pd", pa.array(pd), places)
        counting.add("score", pa.array(600 - 100 * pd).cast(pa.int64(), safe=False), places)
        counting.add("grade", pa.array(["A", "B"] * (rows // 2)), places)
    counting.fault("decision", "there is no such column")
    told = drift(reference, counting.counted(), Limits(0.1), importance={"income": 0.9, EVIL: 0.1}, place="some rows")
    return {
        "book": "tiny", "code_version": "0.1.0", "invented_data": True, "bundle_sha256": "ab" * 32,
        "compared": {"before": "development rows of the model", "now": "recorded decisions",
                     "other_models": {"cd" * 32: 7}},
        "version": 3, "alias": "production", "meta": {"created_at": "2026-05-01T10:00:00+00:00", "actor": "ann"},
        **told,
    }  # fmt: skip


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return report_of()


def lines(report: dict[str, Any], width: int = 80) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(drift_tables(report))
    return console.export_text()


def test_the_page_tells_what_moved_when_and_by_how_much(report: dict[str, Any]) -> None:
    page = render_drift(report, "Tiny book")
    for told in ("Tiny book: drift", "What moved", "By period", "2026-03", "2.4% above", "Left out", "no such column"):
        assert told in page
    assert 'class="much moved"' in page
    assert "production_drift_report.json" in page
    for label in ("not seen before", "below "):
        assert f">{label}" in page


def test_nothing_that_a_report_says_becomes_markup(report: dict[str, Any]) -> None:
    page = render_drift(report, EVIL)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert EVIL in lines(report, 200)


def test_a_figure_that_is_not_known_is_a_dash_and_never_nan(report: dict[str, Any]) -> None:
    page = render_drift(report, "Tiny book")
    assert "nan" not in page.lower().replace("finance", "")
    assert "None" not in page


def test_one_period_has_no_heat_map() -> None:
    assert "By period" not in render_drift(report_of(periods=1), "Tiny book")


def test_the_terminal_tells_the_verdict_the_periods_and_the_findings_in_80_columns(report: dict[str, Any]) -> None:
    told = lines(report)
    assert "FAIL" in told
    assert "MOVED" in told
    assert "2026-01" in told
    assert "not counted: some rows, decision" in told
    assert max(map(len, told.splitlines())) <= 80


def test_a_change_is_said_in_words(report: dict[str, Any]) -> None:
    row = deepcopy(next(row for row in report["columns"] if row["name"] == "income"))
    row |= {"missing_before": 0.01, "missing_now": 0.2, "rows_below": 1}
    assert says(row).startswith("missing 1.0% before, 20.0% now; 2.4% above ")
    assert "standard deviations" in says(row)
    unknown = next(row for row in report["columns"] if row["name"] == "decision")
    assert says(unknown) == unknown["reason"]


def test_a_report_of_nothing_is_still_a_page() -> None:
    empty = report_of()
    for row in empty["columns"]:
        row |= {"psi": None, "verdict": "not_enough_evidence", "reason": "no rows to compare"}
        row["bins"]["now"] = [0] * len(row["bins"]["now"])
    empty |= {
        "periods": [],
        "counts": {"pass": 0, "fail": 0, "not_enough_evidence": 6},
        "verdict": "not_enough_evidence",
    }
    assert "no rows to compare" in render_drift(empty, "Tiny book")
    assert "CANNOT TELL".lower() in lines(empty).lower()
