"""Recorded decisions, by month, and files against the rows that the model learnt from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from creditrisk.adapters.in_memory import InMemoryDecisionStore
from creditrisk.errors import BadUsage, BrokenFile, MissingInput, Refused
from creditrisk.monitoring.counts import By
from creditrisk.pipelines import batch_predict, monitor_production
from creditrisk.pipelines.context import Context
from creditrisk.ports import Passport
from tests.support.schemas import faults
from tests.support.tiny_run import write_tiny_raw

ROWS = 120
MONTHS = (datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))


@pytest.fixture(scope="module")
def decided(finished: Context, tmp_path_factory: pytest.TempPathFactory) -> list[Passport]:
    """Real decisions of the bundle: half of January, half of March."""
    folder = tmp_path_factory.mktemp("decided")
    store = InMemoryDecisionStore()
    batch_predict.run(
        finished, write_tiny_raw(folder / "raw", ROWS, seed=11), folder / "decisions.parquet",
        reference="models:/tiny@candidate", with_reasons=False, store=store,
    )  # fmt: skip
    passports = [kept.passport for kept in store.kept("tiny")]
    return [replace(one, time=MONTHS[place * 2 // ROWS]) for place, one in enumerate(passports)]


def holding(passports: Sequence[Passport]) -> InMemoryDecisionStore:
    store = InMemoryDecisionStore()
    store.append(passports)
    return store


def watched(context: Context, current: Any, **more: Any) -> dict[str, Any]:
    report = monitor_production.run(context, current, alias="candidate", **more)
    assert faults(context.folder.report("production_drift_report.json")) == []
    return report


def column(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in report["columns"] if row["column"] == name)


def rules(report: dict[str, Any]) -> list[str]:
    return [found["rule"] for found in report["findings"]]


def test_recorded_decisions_are_told_by_month_and_an_empty_one_is_a_finding(
    own: Context, decided: list[Passport]
) -> None:
    report = watched(own, holding(decided))
    assert [(one["period"], one["rows"]) for one in report["periods"]] == [
        ("2026-01", ROWS // 2), ("2026-02", 0), ("2026-03", ROWS // 2),
    ]  # fmt: skip
    assert rules(report) == ["empty period"]
    for name in (
        "feature:income",
        "raw:application.income",
        "raw:application.town",
        "pd",
        "score",
        "grade",
        "decision",
    ):
        assert sum(column(report, name)["bins"]["now"]) == ROWS


def test_features_and_raw_columns_are_those_that_decided(own: Context, decided: list[Passport]) -> None:
    report = watched(own, holding(decided), by=By.ONE)
    feature, raw = column(report, "feature:income"), column(report, "raw:application.income")
    assert feature["bins"]["now"] == raw["bins"]["now"]
    assert raw["verdict"] == "pass"


def test_weeks_are_told_where_they_are_asked_for(own: Context, decided: list[Passport]) -> None:
    periods = [one["period"] for one in watched(own, holding(decided), by=By.WEEK)["periods"]]
    assert (periods[0], periods[-1]) == ("2026-W02", "2026-W11")


def test_only_the_time_that_is_asked_for_counts(own: Context, decided: list[Passport]) -> None:
    report = watched(own, holding(decided), since=MONTHS[1], until=datetime(2026, 4, 1, tzinfo=UTC))
    assert report["rows"]["now"] == ROWS // 2
    assert [one["period"] for one in report["periods"]] == ["2026-03"]
    with pytest.raises(BadUsage, match="is not before"):
        watched(own, holding(decided), since=MONTHS[1], until=MONTHS[0])


def test_decisions_of_other_models_and_kinds_are_left_out_and_counted(own: Context, decided: list[Passport]) -> None:
    other = replace(decided[0], decision_id="other", bundle_sha256="cd" * 32, idempotency=None)
    shadow = replace(decided[1], decision_id="shadow", kind="shadow", about=decided[1].decision_id, idempotency=None)
    report = watched(own, holding([*decided, other, shadow]))
    assert report["rows"]["now"] == ROWS
    assert report["compared"]["other_models"] == {"cd" * 32: 1}


def test_a_decision_whose_payload_is_gone_has_its_answer_only(own: Context, decided: list[Passport]) -> None:
    store = holding([*decided[:-1], replace(decided[-1], payload={})])
    report = watched(own, store, by=By.ONE)
    assert sum(column(report, "score")["bins"]["now"]) == ROWS
    assert sum(column(report, "feature:income")["bins"]["now"]) == ROWS - 1
    (found,) = report["findings"]
    assert (found["rule"], found["rows"]) == ("not readable", 1)


@pytest.mark.parametrize(
    ("features", "why"),
    [
        (lambda told: {k: v for k, v in told.items() if k != "income"}, "no such feature"),
        (lambda told: {**told, "income": "high"}, "several types"),
    ],
)
def test_a_recorded_feature_that_is_gone_or_of_another_type_is_a_finding(
    own: Context, decided: list[Passport], features: Any, why: str
) -> None:
    spoilt = {**decided[5].payload, "features": features(decided[5].payload["features"])}
    store = holding([*decided[:5], replace(decided[5], payload=spoilt), *decided[6:]])
    report = watched(own, store, by=By.ONE)
    assert column(report, "feature:income")["psi"] is None
    (found,) = report["findings"]
    assert found["column"] == "feature:income"
    assert why in found["what"]


def test_a_store_without_decisions_is_told_and_is_no_zero(own: Context) -> None:
    report = watched(own, InMemoryDecisionStore())
    assert (report["verdict"], report["rows"]["now"]) == ("not_enough_evidence", 0)
    assert rules(report) == ["empty period"]
    assert all(row["psi"] is None for row in report["columns"])


def test_a_shifted_month_is_named_with_what_moved(own: Context, decided: list[Passport]) -> None:
    def poorer(one: Passport) -> Passport:
        features = dict(one.payload["features"])
        return replace(one, payload={**one.payload, "features": {**features, "debt_to_income": 9.0}})

    half = ROWS // 2
    report = watched(own, holding([*decided[:half], *map(poorer, decided[half:])]))
    assert "feature:debt_to_income" in report["periods"][2]["moved"]
    assert "feature:debt_to_income" not in report["periods"][0]["moved"]
    assert column(report, "feature:debt_to_income")["rows_above"] == half


def test_production_without_a_promoted_model_is_refused_with_the_way_on(own: Context) -> None:
    with pytest.raises(Refused, match="no version of tiny has been promoted") as told:
        monitor_production.run(own, InMemoryDecisionStore())
    assert "--alias candidate" in told.value.hint


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_of_feature_rows_is_told_against_the_reference(own: Context, tmp_path: Path, suffix: str) -> None:
    rows = pq.read_table(own.folder.part("test"))
    rows = rows.drop_columns([name for name in ("date", "fold") if name in rows.column_names])
    path = tmp_path / f"rows{suffix}"
    if suffix == ".csv":
        pyarrow.csv.write_csv(rows, path)
    else:
        pq.write_table(rows, path)
    report = watched(own, path)
    assert [one["period"] for one in report["periods"]] == [path.name]
    assert sum(column(report, "feature:income")["bins"]["now"]) == rows.num_rows
    assert column(report, "pd")["psi"] is None
    assert rules(report) == ["not counted", "not counted"]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".json"])
def test_a_file_of_decisions_is_told_against_the_reference(own: Context, tmp_path: Path, suffix: str) -> None:
    decisions = pq.read_table(own.folder.report("test_predictions.parquet"))
    decisions = decisions.select(["loan_id", "pd", "score", "grade", "decision"])
    path = tmp_path / f"decisions{suffix}"
    if suffix == ".json":
        path.write_text("".join(json.dumps(row) + "\n" for row in decisions.to_pylist()), encoding="utf-8")
    elif suffix == ".csv":
        pyarrow.csv.write_csv(decisions, path)
    else:
        pq.write_table(decisions, path)
    report = watched(own, path)
    for name in ("pd", "score", "grade", "decision"):
        assert sum(column(report, name)["bins"]["now"]) == decisions.num_rows
    whys = [found["what"] for found in report["findings"]]
    assert len(whys) == 2
    assert "no such column" in whys[1] + whys[0]


def test_a_file_with_times_is_told_by_month(own: Context, tmp_path: Path) -> None:
    rows = pa.table({"pd": [0.1, 0.2, 0.3], "time": pa.array([MONTHS[0], MONTHS[0], MONTHS[1]])})
    pq.write_table(rows, tmp_path / "rows.parquet")
    report = watched(own, tmp_path / "rows.parquet")
    assert [one["rows"] for one in report["periods"]] == [2, 0, 1]


def test_a_column_of_words_where_the_model_learnt_numbers_is_a_finding(own: Context, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("income,town,pd\n12,big,0.1\nhigh,small,0.2\n", encoding="utf-8")
    found = {one["column"]: one["what"] for one in watched(own, path)["findings"]}
    assert "the reference has numbers, here the column is string" in found["feature:income"]


def test_files_that_cannot_be_told_are_refused_in_words(own: Context, tmp_path: Path) -> None:
    with pytest.raises(MissingInput):
        watched(own, tmp_path / "nowhere.parquet")
    (tmp_path / "rows.txt").write_text("x", encoding="utf-8")
    with pytest.raises(BadUsage, match=r"\.txt"):
        watched(own, tmp_path / "rows.txt")
    (tmp_path / "rows.parquet").write_text("no parquet", encoding="utf-8")
    with pytest.raises(BrokenFile, match=r"no \.parquet"):
        watched(own, tmp_path / "rows.parquet")
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    with pytest.raises(BrokenFile):
        watched(own, tmp_path / "empty.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(BadUsage, match="neither a feature"):
        watched(own, tmp_path / "other.csv")


def test_an_extra_page_is_given_recorded_rows_or_those_of_the_file(
    own: Context, decided: list[Passport], tmp_path: Path
) -> None:
    seen: list[tuple[int, list[str]]] = []

    def draw(then: pa.Table, now: pa.Table, page: Path, limit: float) -> list[str]:
        assert page.name == "production_drift_report_evidently.html"
        seen.append((now.num_rows, sorted(now.column_names)))
        return []

    gone = replace(decided[0], payload={})
    watched(own, holding([gone, *decided[1:]]), extra_page=draw)
    pq.write_table(pa.table({"income": [1.0, 2.0]}), tmp_path / "rows.parquet")
    watched(own, tmp_path / "rows.parquet", extra_page=draw)
    assert seen[0] == (ROWS - 1, sorted(decided[1].payload["features"]))
    assert seen[1] == (2, ["income"])


def test_rows_of_then_that_another_run_replaced_are_refused(own: Context, decided: list[Passport]) -> None:
    path = own.folder.report("metrics.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "bundle_sha256": "ef" * 32}), encoding="utf-8")
    with pytest.raises(BadUsage, match="the last run made another model"):
        watched(own, holding(decided), extra_page=lambda *_: [])
