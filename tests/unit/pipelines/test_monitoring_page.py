"""monitoring.html: what every report says of the model in use, what each lacks, and nothing of another model."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from creditrisk.adapters.in_memory import InMemoryDecisionStore, SteppingClock
from creditrisk.files import read_json, write_json
from creditrisk.pipelines import batch_predict, monitoring_page
from creditrisk.pipelines.add_outcomes import run as add_outcomes
from creditrisk.pipelines.context import Context
from tests.support.tiny_run import copied, write_tiny_raw

BEGIN, TODAY = datetime(2024, 9, 2, tzinfo=UTC), datetime(2026, 8, 3, tzinfo=UTC)
DECISIONS, DAYS = 600, 690


@pytest.fixture(scope="module")
def watched(deployed: Context, tmp_path_factory: pytest.TempPathFactory) -> tuple[Context, InMemoryDecisionStore]:
    """Two years of decisions by the model in production, and what was heard of the loans. To read only."""
    folder, made, draw = tmp_path_factory.mktemp("watched"), InMemoryDecisionStore(), np.random.default_rng(3)
    context = replace(copied(deployed, folder / "workspace"), clock=SteppingClock(TODAY))
    batch_predict.run(
        context, write_tiny_raw(folder / "raw", DECISIONS, seed=11), folder / "decisions.parquet",
        reference="models:/tiny@candidate", with_reasons=False, store=made,
    )  # fmt: skip
    passports, told = [], ["decision_id,date,status"]
    for number, kept in enumerate(made.kept("tiny")):
        time = BEGIN + timedelta(days=number * DAYS / DECISIONS)
        one = replace(kept.passport, time=time, decision="approve", idempotency=None)
        passports.append(one)
        bad = draw.random() < (one.pd or 0.0)
        end = time + timedelta(days=int(draw.integers(20, 360)) if bad else 366)
        if end < TODAY:
            told.append(f"{one.decision_id},{end:%Y-%m-%d},{'bad' if bad else 'current'}")
    file = folder / "outcomes.csv"
    file.write_text("\n".join(told), encoding="utf-8")
    store = InMemoryDecisionStore()
    store.append(passports)
    add_outcomes(context, store, file)
    return context, store


def test_the_page_shows_each_part_and_needs_no_network(watched: tuple[Context, InMemoryDecisionStore]) -> None:
    told = monitoring_page.run(*watched)
    assert told["left_out"] == []
    page = Path(told["page"]).read_text(encoding="utf-8")
    assert page.count("<polyline") > 3  # vintage curves
    assert page.count('<circle class="now"') >= 2  # grades
    weeks = re.findall(r'<th scope="col" class="n">(\d{4}-W\d\d)</th>', page)
    assert len(weeks) == len(told["drift"]["periods"]) > 90
    waiting = [row for row in told["outcomes"]["vintages"] if row["why_not"]]
    assert waiting
    assert all(row["observable_from"] in page for row in waiting if row["observable_from"])
    assert "http" not in re.sub(r"http-equiv", "", page)
    assert "nan" not in re.findall(r"[a-z]+", page)


def test_nothing_decided_yet_is_said_and_shown_as_nothing(deployed: Context, tmp_path: Path) -> None:
    context = copied(deployed, tmp_path / "workspace")
    told = monitoring_page.run(context, None)
    assert told["drift"] is told["outcomes"] is None
    assert told["left_out"] == ["drift: nothing was ever decided here", "outcomes: nothing was ever decided here"]
    page = Path(told["page"]).read_text(encoding="utf-8")
    assert "creditrisk monitor production tiny" in page
    assert "<polyline" not in page


def test_a_report_on_another_model_is_named_and_left_out(
    watched: tuple[Context, InMemoryDecisionStore], tmp_path: Path
) -> None:
    context = copied(watched[0], tmp_path / "workspace")
    monitoring_page.run(context, watched[1])
    path = context.folder.report("outcomes_report.json")
    write_json(path, {**read_json(path), "bundle_sha256": "cd" * 32})
    page = monitoring_page.write_page(context).read_text(encoding="utf-8")
    assert "outcomes_report.json is about another model (cdcdcdcdcdcdcdcd)" in page
    assert "<polyline" not in page
    assert "No report on outcomes yet" in page
