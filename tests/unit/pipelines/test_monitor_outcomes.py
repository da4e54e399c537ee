from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.adapters.in_memory import InMemoryDecisionStore
from creditrisk.errors import BadUsage, MissingInput
from creditrisk.files import write_json
from creditrisk.pages.outcomes import delivery_lines, outcomes_table
from creditrisk.pipelines.add_outcomes import run as add
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.monitor_outcomes import matured_of, run
from creditrisk.ports import Passport
from tests.support.outcomes import decision, id_of, lived_book, outcome_context, stored, write_outcomes
from tests.support.schemas import faults

BUNDLE = "ab" * 32


def deliver(
    context: Context,
    store: InMemoryDecisionStore,
    rows: Sequence[Sequence[object]],
    header: str = "decision_id,date,status",
    **how: Any,
) -> None:
    file = write_outcomes(context.workspace.root / "sent.csv", rows, header)
    add(context, store, file, **how)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Context, InMemoryDecisionStore]:
    """A book of 600 loans and all their statuses, delivered."""
    context = outcome_context(tmp_path_factory.mktemp("lived"))
    passports, told = lived_book()
    store = stored(passports)
    deliver(context, store, told)
    return context, store


@pytest.fixture(scope="module")
def report(lived: tuple[Context, InMemoryDecisionStore]) -> dict[str, Any]:
    return run(*lived)


def vintage(report: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in report["vintages"] if row["vintage"] == name)
    return found


def test_only_loans_whose_window_has_passed_are_judged(report: dict[str, Any]) -> None:
    counts = report["counts"]
    assert counts["decisions"] == 600 == sum(counts[name] for name in ("not_yet", "unheard", "judged", "no_loan"))
    assert (counts["not_yet"] > 0, counts["unheard"]) == (True, 0)
    assert report["performance"]["n"] == counts["judged"]
    assert report["performance"]["roc_auc"]["low"] < 0.77 < report["performance"]["roc_auc"]["high"]


def test_an_immature_vintage_has_no_number_and_the_day_when_it_will(report: dict[str, Any]) -> None:
    row = vintage(report, "2026-01")
    figures = (
        "bads",
        "expected_bads",
        "mean_pd",
        "default_rate",
        "roc_auc",
        "normalized_gini",
        "ks",
        "brier",
        "log_loss",
    )
    assert [row[name] for name in figures] == [None] * len(figures)
    assert row["why_not"].startswith("the window of")
    assert row["observable_from"] == "2027-02-28"
    assert row["estimated"]["default_rate"] == pytest.approx(0.2, abs=0.1)
    assert vintage(report, "2024-06")["default_rate"] is not None


def test_a_vintage_curve_ends_where_not_all_loans_are_so_old(report: dict[str, Any]) -> None:
    curves = {row["vintage"]: row["bad_share"] for row in report["vintage_curves"]}
    assert len(curves["2024-06"]) == 12
    assert len(curves["2026-01"]) == 7  # decided until 28 January, known a month later, asked on 15 October
    assert all(share == sorted(share) for share in curves.values())


def test_early_months_on_book_rank_more_loans_than_the_whole_window(report: dict[str, Any]) -> None:
    by_age = {row["months_on_book"]: row for row in report["months_on_book"]}
    assert set(by_age) == {3, 6, 9}
    assert by_age[3]["loans"] > report["counts"]["judged"]
    assert by_age[3]["bad_share"] < by_age[9]["bad_share"]


def test_roll_rates_are_shares_of_loans_with_statuses_of_two_months_running(report: dict[str, Any]) -> None:
    current, late, *never = report["roll_rates"]["all"]
    assert current["to"]["current"] == pytest.approx(0.89, abs=0.02)
    assert sum(late["to"].values()) == pytest.approx(1.0)
    assert [row["to"] for row in never] == [None, None]


@pytest.mark.usefixtures("report")
def test_the_report_is_what_its_schema_says(lived: tuple[Context, InMemoryDecisionStore]) -> None:
    assert faults(lived[0].folder.report("outcomes_report.json")) == []


def test_a_terminal_shows_it(report: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console(width=170, file=StringIO())
    console.print(outcomes_table(report))
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert "loans with a known outcome" in text
    assert "an estimate: no outcome is in it" in text
    assert "from 2027-02-28" in text


def test_what_alarms_judge_by_is_what_the_report_says(
    lived: tuple[Context, InMemoryDecisionStore], report: dict[str, Any]
) -> None:
    counts = matured_of(*lived, BUNDLE, by="decision")
    told = [(row["vintage"], row["judged"], row["bads"]) for row in report["vintages"] if not row["why_not"]]
    seen = zip(counts.periods, counts.rows.tolist(), counts.bads.tolist(), strict=True)
    assert [each for each in seen if each[0] not in counts.why_not] == told


def test_an_earlier_day_is_told_as_it_was_known_then(tmp_path: Path) -> None:
    context = outcome_context(tmp_path)
    store = stored(decision(number, "2025-01-10", pd=0.2) for number in range(40))
    header = "decision_id,date,status,known"
    rows = [(number, "2026-01-10", "current" if number % 4 else "bad", "2026-02-01") for number in range(40)]
    deliver(context, store, rows, header)
    deliver(context, store, [(0, "2026-01-10", "current", "2026-06-01")], header)
    assert run(context, store)["counts"]["bads"] == 9
    then = run(context, store, as_of=dt.date(2026, 3, 1))
    assert (then["as_of"], then["counts"]["bads"]) == ("2026-03-01", 10)
    assert run(context, store, as_of=dt.date(2026, 1, 31))["counts"]["not_yet"] == 40
    with pytest.raises(BadUsage, match="has not come"):
        run(context, store, as_of=dt.date(2030, 1, 1))


def test_silence_is_no_good_outcome_unless_everything_was_told(tmp_path: Path) -> None:
    context = outcome_context(tmp_path)
    store = stored(decision(number, "2025-01-10", pd=0.2) for number in range(40))
    bads = [(number, "2025-06-01", "bad") for number in range(12)]
    deliver(context, store, bads)
    report = run(context, store)
    assert report["performance"]["roc_auc"] is report["performance"]["default_rate"] is None
    assert "28 of 40 loans were not heard of" in report["performance"]["why_not"]
    assert report["bounds"] == {"default_rate_low": 0.3, "default_rate_high": 1.0}
    deliver(context, store, bads, complete_until=dt.date(2026, 6, 30))
    report = run(context, store)
    assert report["performance"]["default_rate"]["value"] == pytest.approx(0.3)
    assert report["complete_until"] == "2026-06-30"


def test_where_no_window_has_passed_the_first_day_is_told(tmp_path: Path) -> None:
    context = outcome_context(tmp_path)
    store = stored([decision(0, "2026-05-10"), decision(1, "2026-06-10")])
    report = run(context, store)
    assert report["performance"]["why_not"] == "no window has passed"
    assert report["performance"]["observable_from"] == "2027-06-10"
    assert report["grades"] is None
    assert faults(context.folder.report("outcomes_report.json")) == []
    assert [finding["rule"] for finding in report["findings"]] == ["none"]


def test_a_decision_is_made_at_a_microsecond_and_counts_for_its_day(tmp_path: Path) -> None:
    context = outcome_context(tmp_path)
    late = dt.datetime(2026, 6, 10, 23, 59, 59, 999_999, tzinfo=dt.UTC)
    store = stored([replace(decision(0, "2026-06-10"), time=late)])
    assert run(context, store)["performance"]["observable_from"] == "2027-07-10"


def test_of_an_entity_one_decision_made_the_loan(tmp_path: Path) -> None:
    context = outcome_context(tmp_path)
    store = stored(
        [
            decision(0, "2025-01-10", entity_id="A", decision="refer", pd=0.3),
            decision(1, "2025-01-12", entity_id="A", pd=0.1),
            decision(2, "2025-07-12", entity_id="A", pd=0.5),  # scored again while the loan runs
            decision(3, "2025-01-10", entity_id="B", decision="decline", pd=0.6),
            decision(4, "2025-01-11", kind="override", about=id_of(3), entity_id=None, pd=None, decision="approve"),
            decision(5, "2025-01-10", entity_id="C", pd=0.2),
            decision(6, "2025-01-15", entity_id="C", kind="correction", about=id_of(5), pd=0.25),
        ]
    )
    rows = [("A", "2026-02-01", "current"), ("B", "2026-02-01", "bad"), ("C", "2026-02-01", "current")]
    deliver(context, store, rows, "loan_id,date,status")
    report = run(context, store)
    assert (report["counts"]["decisions"], report["merged_decisions"]) == (3, 3)
    assert (report["counts"]["judged"], report["counts"]["unheard"]) == (3, 0)
    assert report["performance"]["expected_bads"] == pytest.approx(0.1 + 0.6 + 0.25)
    assert [(row["answer"], row["decisions"]) for row in report["selection"]["answers"]] == [
        ("approve", 3), ("refer", 0), ("decline", 0),
    ]  # fmt: skip


def test_who_was_not_approved_is_no_loan_and_what_that_does_to_the_auc_is_told(tmp_path: Path) -> None:
    context = outcome_context(tmp_path)
    store = stored(
        decision(number, "2025-01-10", pd=0.01 + number / 500, decision="approve" if number < 200 else "decline")
        for number in range(400)
    )
    deliver(context, store, [(number, "2026-02-10", "current") for number in range(200)])
    selection = run(context, store)["selection"]
    assert selection["granted_share"] == 0.5
    assert selection["estimated_auc_all"]["value"] > selection["estimated_auc_granted"]["value"]
    assert selection["estimated_auc_lost"] > 0.01
    assert [row["judged"] for row in selection["answers"]] == [200, 0, 0]


def test_where_every_decision_became_a_loan_the_model_s_answer_does_not_count(tmp_path: Path) -> None:
    context = outcome_context(tmp_path, monitoring__outcomes__granted="all")
    store = stored(decision(number, "2025-01-10", decision="decline") for number in range(20))
    deliver(context, store, [(0, "2025-06-01", "bad"), (1, "2025-06-01", "paid")], complete_until=dt.date(2026, 9, 1))
    report = run(context, store)
    assert (report["counts"]["judged"], report["counts"]["no_loan"]) == (20, 0)
    assert "whatever the model answered" in report["selection"]["says"]


def test_a_window_follows_the_contract_s_term_where_the_book_says_so(tmp_path: Path) -> None:
    settings = {"monitoring__outcomes__term_feature": "term", "monitoring__outcomes__months_after_term": 1}
    context = outcome_context(tmp_path, **settings)
    store = stored(
        [
            decision(0, "2025-01-10", payload={"features": {"term": 6}}),
            decision(1, "2025-01-10", payload={"features": {"term": 36}}),
            decision(2, "2025-01-10", payload={"features": {}}),
        ]
    )
    deliver(context, store, [(number, "2026-09-10", "current") for number in range(3)])
    report = run(context, store)
    assert (report["counts"]["judged"], report["counts"]["not_yet"]) == (2, 1)


def test_the_development_figures_of_the_same_model_stand_beside(tmp_path: Path) -> None:
    context = outcome_context(tmp_path)
    passports, told = lived_book(300)
    store = stored(passports)
    deliver(context, store, told)
    figure = {"value": 0.9, "low": 0.88, "high": 0.92, "level": 0.95}
    then = {
        "bundle_sha256": BUNDLE,
        "n": 500,
        "roc_auc": figure,
        "default_rate": {**figure, "value": 0.2},
        "grades": [],
    }
    write_json(context.folder.report("test_metrics.json"), then)
    report = run(context, store)
    assert report["development"] == {"from": "reports/test_metrics.json", "why_not": "", "n": 500, "bads": 100}
    auc = report["against_development"][0]
    assert auc["difference"]["high"] < 0.0
    write_json(context.folder.report("test_metrics.json"), {**then, "bundle_sha256": "cd" * 32})
    assert run(context, store)["development"]["from"] is None


def test_each_model_is_judged_by_its_own_decisions(tmp_path: Path) -> None:
    context = outcome_context(tmp_path)
    one = [decision(number, "2025-01-10") for number in range(3)]
    two = [decision(number, "2025-02-10", bundle_sha256="cd" * 32, model_version="2") for number in range(3, 8)]
    store = stored([*one, *two])
    deliver(context, store, [(number, "2026-09-01", "current") for number in range(8)])
    report = run(context, store)
    assert (report["bundle_sha256"], report["model_chosen"], report["counts"]["judged"]) == (
        "cd" * 32,
        "decided last",
        5,
    )
    assert run(context, store, model="1")["counts"]["judged"] == 3
    assert run(context, store, model="cdcdcdcd")["model_version"] == "2"
    with pytest.raises(BadUsage, match="not one model that decided"):
        run(context, store, model="3")
    assert run(context, store, since=dt.date(2025, 2, 1))["models"][0]["version"] == "2"


def test_an_empty_period_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="nothing was decided"):
        run(outcome_context(tmp_path), InMemoryDecisionStore())


def test_a_status_word_that_the_book_no_longer_knows_is_a_finding(tmp_path: Path) -> None:
    context = outcome_context(tmp_path)
    store = stored([decision(0, "2025-01-10")])
    deliver(context, store, [(0, "2026-09-01", "paid off")])
    poorer = outcome_context(tmp_path, monitoring__outcomes__good=["paid"])
    report = run(poorer, store)
    assert report["counts"]["unheard"] == 1
    assert report["findings"][0]["examples"] == ["paid off"]


def passports_of_a_small_book() -> list[Passport]:
    return [decision(number, f"2025-0{1 + number % 3}-10", pd=0.05 + number / 50) for number in range(12)]


SMALL: tuple[tuple[object, ...], ...] = (
    *((number, "2025-06-01", "late", "2025-06-05") for number in range(12)),
    *((number, "2025-09-01", "bad", "2025-09-20") for number in (3, 7, 11)),
    *((number, "2026-05-01", "current", "2026-05-02") for number in range(9) if number not in (3, 7)),
    (3, "2025-09-01", "current", "2026-02-01"),  # corrects what was known in September
    (3, "2026-05-01", "paid", "2026-05-02"),
    (9, "2026-04-20", "paid", "2026-04-21"),
    (10, "2026-05-11", "paid", "2026-05-11"),
)


def body_of(report: dict[str, Any]) -> str:
    """All that does not say how it was delivered."""
    return json.dumps({key: value for key, value in report.items() if key not in ("meta", "inputs", "deliveries")})


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> str:
    context, store = outcome_context(tmp_path_factory.mktemp("once")), stored(passports_of_a_small_book())
    deliver(context, store, SMALL, "decision_id,date,status,known")
    return body_of(run(context, store))


@settings(max_examples=12)
@given(order=st.permutations(range(len(SMALL))), cuts=st.sets(st.integers(1, len(SMALL) - 1), max_size=3))
def test_the_same_outcomes_in_any_order_and_any_cut_give_the_same_report(
    tmp_path_factory: pytest.TempPathFactory, at_once: str, order: list[int], cuts: set[int]
) -> None:
    context, store = outcome_context(tmp_path_factory.mktemp("cut")), stored(passports_of_a_small_book())
    ends = [0, *sorted(cuts), len(order)]
    for begin, end in itertools.pairwise(ends):
        deliver(context, store, [SMALL[place] for place in order[begin:end]], "decision_id,date,status,known")
    assert body_of(run(context, store)) == at_once


def test_what_a_terminal_says_of_a_delivery_names_lines_and_counts(tmp_path: Path) -> None:
    context, store = outcome_context(tmp_path), stored([decision(0, "2025-01-10")])
    rows = [(0, "2024-01-01", "bad"), *((0, "2030-01-01", "bad") for _ in range(12))]
    lines = delivery_lines(add(context, store, write_outcomes(tmp_path / "sent.csv", rows)))
    assert lines[0] == "sent.csv: 13 rows, 0 taken (0 of them corrections), 0 told before, 13 refused"
    assert "  refused for before: 1" in lines
    assert "  line 2: it happened before the decision (see which date is right)" in lines
    assert "  line 4: it has not happened yet" in lines  # the hint stands at line 3
    assert lines[-1] == "  and 3 more findings; --json tells the first hundred"
