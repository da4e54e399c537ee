"""A planted leak that no name gives away is kept from the features until somebody answers for it, and then told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from rich.console import Console

from creditrisk.config import load_book
from creditrisk.errors import BadConfig, ExitCode, Refused
from creditrisk.files import read_json, write_text
from creditrisk.governance import Act, acts_about
from creditrisk.modelling import load_bundle
from creditrisk.pages.terminal import run_table
from creditrisk.pipelines import build_feature_store, check_data, ingest_data
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stages
from creditrisk.pipelines.summary import write_summary
from tests.support.schemas import faults_in
from tests.support.tiny_book import APPLICATION, FEATURE_TABLE, REASONS, write_tiny_book
from tests.support.tiny_run import tiny_context, write_tiny_raw

RELEASE = {"column": "code", "by": "ann", "because": "stands on the application form"}


def write_leaky_book(folder: Path, *, read: bool = True) -> Path:
    """The tiny book with a column `code` that its contract takes for a fact of the application."""
    write_tiny_book(folder)
    extra = "  - {name: code, type: text, available: application}\nunique:"
    write_text(folder / "contracts" / "application.yaml", APPLICATION.replace("unique:", extra))
    if read:
        reading = FEATURE_TABLE.replace("a.town as town", "coalesce(a.code, a.town) as town")
        write_text(folder / "sql" / "feature_table.sql", reading)
    write_text(folder / "reasons.yaml", REASONS)
    return folder


def leaky_context(folder: Path, *, read: bool = True, **settings: Any) -> Context:
    """`code` is filled in for one in three of those who turned out bad, and for nobody else."""
    raw = write_tiny_raw(folder / "raw")
    table = pa.csv.read_csv(raw / "applications.csv")
    bad = table["bad"].to_numpy() == 1
    code = pa.array(np.where(np.arange(len(bad)) % 3 == 0, "k2", "m7"), mask=~(bad & (np.arange(len(bad)) % 3 < 1)))
    pa.csv.write_csv(table.append_column("code", code), raw / "applications.csv")
    chosen = {"training.parameters.xgboost.min_child_weight": 1, **settings}
    book = load_book(write_leaky_book(folder / "leaky", read=read), chosen)
    return replace(tiny_context(folder, raw), book=book)


def checked(context: Context) -> Context:
    ingest_data.run(context)
    check_data.run(context)
    return context


def column(context: Context, name: str) -> dict[str, Any]:
    (told,) = (
        each for each in read_json(context.folder.report("leak_report.json"))["columns"] if each["column"] == name
    )
    return dict(told)


def test_a_clean_book_has_no_suspect_and_its_report_keeps_to_the_schema(finished: Context) -> None:
    report = read_json(finished.folder.report("leak_report.json"))
    assert report["counts"]["suspect"] == 0
    assert report["leaks_released"] == []
    verdicts = {(each["table"], each["column"]): each["verdict"] for each in report["columns"]}
    assert verdicts["application", "recovered"] == verdicts["application", "bad"] == "known_after_origination"
    assert verdicts["payments", "payment_id"] == "identifier"
    assert verdicts["application", "town"] == verdicts["payments", "days_late"] == "clear"
    assert list(faults_in(finished.folder.reports)) == []


def test_a_planted_leak_that_no_name_gives_away_is_found_and_refused_with_the_remedies(tmp_path: Path) -> None:
    context = checked(leaky_context(tmp_path))
    told = column(context, "code")
    assert told["verdict"] == "suspect"
    assert {signal["kind"] for signal in told["signals"]} >= {"extreme_rate"}
    with pytest.raises(Refused) as caught:
        build_feature_store.run(context)
    assert caught.value.exit_code == ExitCode.REFUSED
    assert "application.code" in caught.value.what
    assert "where it has a value" in caught.value.what
    assert caught.value.where.endswith("feature_table.sql")
    for remedy in ("take it out of the SQL", "post_origination", "leak_radar: {released: [{column: code, by: NAME"):
        assert remedy in caught.value.hint
    assert not context.folder.feature_store.exists()


def test_a_suspect_that_no_sql_reads_is_told_and_stops_nothing(tmp_path: Path) -> None:
    context = checked(leaky_context(tmp_path, read=False))
    assert column(context, "code")["verdict"] == "suspect"
    build_feature_store.run(context)
    assert context.folder.feature_store.is_file()
    write_summary(context, {})
    page = context.folder.report("run_summary.html").read_text(encoding="utf-8")
    assert "Columns that may know the outcome" in page
    assert "application.<wbr>code" in page


def test_a_release_lets_it_through_and_everything_says_in_red_who_answers(tmp_path: Path) -> None:
    context = leaky_context(tmp_path, **{"leak_radar.released": [RELEASE]})
    run = run_stages(context)
    assert column(context, "code")["verdict"] == "released"
    told = [{"table": "application", **RELEASE}]
    for path in context.folder.reports.glob("*.json"):
        assert read_json(path)["leaks_released"] == told, path.name
    sha256 = read_json(context.folder.report("metrics.json"))["bundle_sha256"]
    assert load_bundle(context.folder.bundle(sha256)).manifest["leaks_released"] == told
    page = context.folder.report("run_summary.html").read_text(encoding="utf-8")
    assert '<div class="released" role="note"><strong>1 column released from the leak radar</strong>' in page
    assert "<code>application.code</code>, released by ann: stands on the application form" in page
    console = Console(force_terminal=True, color_system="standard", no_color=False, width=100, record=True)
    with console.capture() as caught:
        console.print(run_table([run]))
    red = next(line for line in caught.get().splitlines() if "application.code, by ann" in line)
    assert "\x1b[1;31m" in red
    assert list(faults_in(context.folder.reports)) == []


def test_a_release_is_an_act_once_for_each_wording(tmp_path: Path) -> None:
    def told(**changes: str) -> list[dict[str, Any]]:
        book = load_book(tmp_path / "leaky", {"leak_radar.released": [{**RELEASE, **changes}]})
        context = checked(replace(first, book=book))
        return [act["hashes"] for act in acts_about(context.workspace.audit, Act.LEAK_RELEASED)]

    first = leaky_context(tmp_path)
    (one,) = told()
    assert (one["column"], one["by"], one["book"]) == ("application.code", "ann", "tiny")
    assert told() == [one]
    assert [act["by"] for act in told(by="bob")] == ["ann", "bob"]


def test_a_release_that_no_suspect_needs_is_no_act(tmp_path: Path) -> None:
    context = leaky_context(tmp_path, **{"leak_radar.released": [{**RELEASE, "column": "town"}]})
    assert acts_about(checked(context).workspace.audit, Act.LEAK_RELEASED) == []


def test_no_report_or_one_of_other_rules_refuses_the_features(tmp_path: Path) -> None:
    context = checked(leaky_context(tmp_path))
    eased = replace(
        context, book=load_book(tmp_path / "leaky", {"leak_radar.released": [RELEASE]})
    )  # released after the check: the check has to be made again
    with pytest.raises(Refused, match="has not searched these tables, under these rules") as caught:
        build_feature_store.run(eased)
    assert caught.value.hint == "creditrisk check tiny"
    context.folder.report("leak_report.json").unlink()
    with pytest.raises(Refused, match="has not searched"):
        build_feature_store.run(context)


@pytest.mark.parametrize(
    ("release", "told"),
    [
        ({**RELEASE, "column": "towm"}, 'did you mean "town"'),
        ({**RELEASE, "table": "payment"}, 'did you mean "payments"'),
        ({**RELEASE, "by": ""}, "by: String should have at least 1 character"),
        ({"column": "town", "by": "ann"}, "because"),
    ],
)
def test_a_release_names_a_column_that_exists_a_person_and_a_reason(
    tmp_path: Path, release: dict[str, str], told: str
) -> None:
    with pytest.raises(BadConfig) as caught:
        load_book(write_tiny_book(tmp_path), {"leak_radar.released": [release]})
    assert told in str(caught.value)


@pytest.mark.parametrize("moment", ["post_origination", "outcome", "identifier"])
def test_no_preset_lets_in_what_comes_to_exist_after_the_loan(tmp_path: Path, moment: str) -> None:
    presets = {"application": {"sql": ["feature_table.sql"], "available": ["application", moment]}}
    with pytest.raises(BadConfig, match=f"{moment} can never be features"):
        load_book(write_tiny_book(tmp_path), {"features.presets": presets})


def test_a_key_that_arises_after_the_loan_is_hidden_like_everything_else_of_then(tmp_path: Path) -> None:
    folder = write_tiny_book(tmp_path)
    path = folder / "contracts" / "payments.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace(
        "payment_id, type: integer, available: identifier", "payment_id, type: integer, available: outcome"
    )
    write_text(path, text)
    assert "payment_id" not in load_book(folder).feature_columns["payments"]
