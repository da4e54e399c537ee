"""The canary: a second model against the first, in both orders, and what cannot be compared."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pytest

from creditrisk.config import load_book
from creditrisk.errors import BadUsage, Refused
from creditrisk.files import read_json
from creditrisk.governance import Act, acts_about
from creditrisk.pipelines.canary_validation import kept_report, need_passed, objections, run
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stage
from creditrisk.ports import PRODUCTION, ModelVersion
from tests.support.schemas import faults
from tests.support.tiny_run import copied

EASY = {
    "rows_min": 20, "bads_min": 5, "mean_pd_change_max": 1.0, "quantile_change_max": 2.0, "approval_change_max": 1.0,
    "grades_moved_max": 1.0, "decisions_flipped_max": 1.0, "auc_fall_max": 0.5, "brier_skill_fall_max": 1.0,
    "grade_default_rate_change_max": 1.0,
}  # fmt: skip


def with_settings(context: Context, folder: Path, **settings: Any) -> Context:
    """The same workspace, and the book as it reads with these; __ for the dots."""
    told = {name.replace("__", "."): value for name, value in settings.items()}
    return replace(context, book=load_book(folder, {"training.parameters.xgboost.min_child_weight": 1, **told}))


def easily(context: Context, folder: Path | None = None, **limits: float) -> Context:
    """With limits that any two models of the tiny book keep, but for those given."""
    told = {f"canary__{name}": {"value": value, "because": "a test"} for name, value in {**EASY, **limits}.items()}
    return with_settings(context, folder or context.book.folder, **told)


def in_production(context: Context, version: int) -> Context:
    context.registry.set_alias(context.book.name, PRODUCTION, version)
    return context


def version(context: Context, number: int) -> ModelVersion:
    return context.registry.versions(context.book.name)[number - 1]


def trained_again(context: Context) -> Context:
    for stage in ("train", "evaluate", "validate", "register"):
        run_stage(context, stage)
    return context


@pytest.fixture(scope="module")
def two(finished: Context, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Version 1 in production, and version 2 with another seed and another cut-off. To read only."""
    own = copied(finished, tmp_path_factory.mktemp("two") / "workspace")
    changed = {"training__seed": 9, "decision__decline_from_pd": {"value": 0.35, "because": "a test", "owner": "tests"}}
    trained_again(with_settings(own, own.book.folder, **changed))
    return in_production(own, 1)


@pytest.fixture
def pair(two: Context, tmp_path: Path) -> Context:
    return copied(two, tmp_path / "workspace")


def gates(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {gate["name"]: gate for gate in report["gates"]}


def test_the_first_model_of_a_book_passes_and_the_report_says_why(own: Context) -> None:
    report = run(own)
    assert report["verdict"] == "pass"
    assert report["production"] is None
    assert "first model" in gates(report)["comparable"]["reason"]
    assert faults(own.folder.report("canary_report.json")) == []
    (act,) = acts_about(own.workspace.audit, Act.CANARIED)
    assert (act["hashes"]["against"], act["hashes"]["verdict"]) == ("none", "pass")
    assert objections(own, version(own, 1)) == []


def test_the_bundle_in_production_does_not_differ_from_itself(own: Context) -> None:
    report = run(in_production(own, 1))
    assert report["verdict"] == "pass"
    assert "this very bundle" in gates(report)["comparable"]["reason"]
    assert report["pd"] is None


def test_a_second_model_is_compared_gate_by_gate(pair: Context) -> None:
    report = run(easily(pair))
    assert report["verdict"] == "pass", report["gates"]
    assert set(gates(report)) == {
        "comparable", "mean_pd", "pd_quantiles", "approval_rate", "decisions_flipped", "grades_moved", "auc", "brier",
        "grade_default_rates",
    }  # fmt: skip
    assert [
        g for g in report["gates"] if g["figure"] is not None and not g["low"] - 1e-12 <= g["figure"] <= g["high"]
    ] == []
    assert all(gate["because"] and gate["limit"] for gate in report["gates"])
    assert report["candidate"]["version"] == 2
    assert report["production"]["version"] == 1
    assert report["reference"]["rows"] == report["reference"]["outcomes_known"] > 100
    assert faults(pair.folder.report("canary_report.json")) == []
    assert objections(pair, version(pair, 2)) == []


def test_other_cut_offs_are_told_and_the_flips_they_make(pair: Context) -> None:
    report = run(easily(pair))
    assert report["differences"]["cut_offs"]
    assert any(one.startswith("other cut-offs: declined from a PD of 0.35 (production 0.3)")
               for one in report["differences"]["says"])  # fmt: skip
    told = report["decisions"]["explained"]
    assert told["from_cut_offs"] > 0
    assert told["from_pds"] + told["from_cut_offs"] == report["decisions"]["flipped"]["rows"]


def test_whoever_changes_sides_is_told_with_the_reasons(pair: Context) -> None:
    report = run(easily(pair))
    for who in ("newly_declined", "no_longer_declined"):
        group = report["reasons"][who]
        assert group["rows"] == report["decisions"][who]
        assert sum(one["first"] for one in group["codes"]) == group["looked_at"]
    assert report["reasons"]["no_longer_declined"]["rows"] > 0


def test_in_the_other_order_the_same_figures_come_out(pair: Context) -> None:
    ahead = run(easily(pair), 2)
    back = run(easily(in_production(pair, 2)), 1)
    assert back["pd"]["mean"]["value"] == pytest.approx(-ahead["pd"]["mean"]["value"], abs=1e-12)
    assert back["decisions"]["flipped"] == ahead["decisions"]["flipped"]
    assert back["reasons"]["newly_declined"] == ahead["reasons"]["no_longer_declined"]
    assert np.array(back["grades"]["table"]["counts"]).T.tolist() == ahead["grades"]["table"]["counts"]
    assert back["outcomes"]["auc"]["value"] == pytest.approx(-ahead["outcomes"]["auc"]["value"], abs=1e-12)
    assert back["candidate"]["alone"] == ahead["production"]["alone"]


def test_the_same_canary_again_writes_the_same_report(pair: Context) -> None:
    first, second = (run(easily(pair)) for _ in range(2))
    assert {**first, "meta": None} == {**second, "meta": None}


def test_a_limit_that_is_broken_fails_and_names_its_waiver(pair: Context) -> None:
    report = run(easily(pair, decisions_flipped_max=0.0))
    assert report["verdict"] == "fail"
    with pytest.raises(Refused, match="decisions_flipped") as told:
        need_passed(report)
    assert "--gate canary_decisions_flipped" in told.value.hint
    (said,) = objections(pair, version(pair, 2))
    assert said.startswith("canary, gate canary_decisions_flipped: fail: ")


def test_too_few_rows_are_no_pass(pair: Context) -> None:
    report = run(easily(pair, rows_min=10_000))
    assert report["verdict"] == "not_enough_evidence"
    need_passed(report)
    assert len(objections(pair, version(pair, 2))) == report["counts"]["not_enough_evidence"] > 3


@pytest.mark.parametrize("spoil", ["remove", "alter"])
def test_a_production_model_that_cannot_be_read_fails_with_the_remedy(pair: Context, spoil: str) -> None:
    folder = pair.folder.bundle(version(pair, 1).bundle_sha256)
    if spoil == "remove":
        shutil.rmtree(folder)
        pair.registry._folders[version(pair, 1).bundle_sha256] = folder  # type: ignore[attr-defined]
    else:
        (folder / "calibration.json").write_text("{}", encoding="utf-8")
    report = run(easily(pair))
    told = gates(report)["comparable"]
    assert told["verdict"] == "fail"
    assert "creditrisk rollback tiny" in told["reason"]
    assert report["production"]["version"] == 1
    assert faults(pair.folder.report("canary_report.json")) == []


def test_other_features_and_sql_are_told_and_compared_all_the_same(pair: Context, tmp_path: Path) -> None:
    book = shutil.copytree(pair.book.folder, tmp_path / "book")
    sql, reasons = book / "sql" / "feature_table.sql", book / "reasons.yaml"
    sql.write_text(sql.read_text().replace("a.town as town", "a.town as place"), encoding="utf-8")
    reasons.write_text(reasons.read_text().replace("features: [town]", "features: [place]"), encoding="utf-8")
    context = with_settings(pair, book, assessment__segments={})
    for stage in ("features", "split", "train", "evaluate", "validate", "register"):
        run_stage(context, stage)
    report = run(easily(context, book))
    assert report["differences"]["features_added"] == ["place"]
    assert report["differences"]["features_removed"] == ["town"]
    assert report["production"]["own_sql_ran"]
    assert not report["candidate"]["own_sql_ran"]
    assert report["decisions"] is not None


def test_another_key_column_fails(pair: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    from creditrisk.pipelines import canary_validation

    def load(context: Context, kept: ModelVersion) -> Any:
        model = canary_validation_load(context, kept)
        if kept.version == 1:
            entity = {**model.bundle.manifest["entity"], "key": "other_id"}
            return replace(model, bundle=replace(model.bundle, manifest={**model.bundle.manifest, "entity": entity}))
        return model

    canary_validation_load = canary_validation.load_model
    monkeypatch.setattr(canary_validation, "load_model", load)
    report = run(easily(pair))
    assert gates(report)["comparable"]["verdict"] == "fail"
    assert "other_id" in gates(report)["comparable"]["reason"]


def test_raw_tables_may_be_given_with_outcomes_and_without(pair: Context, tmp_path: Path) -> None:
    raw = shutil.copytree(pair.raw, tmp_path / "given")
    report = run(easily(pair), source=raw)
    assert report["reference"]["source"] == "raw tables that were given"
    assert report["reference"]["rows"] == report["reference"]["outcomes_known"] == 600
    assert report["candidate"]["own_sql_ran"]
    applications = pyarrow.csv.read_csv(raw / "applications.csv").drop_columns(["bad"])
    pyarrow.csv.write_csv(applications, raw / "applications.csv")
    without = run(easily(pair), source=raw)
    assert without["outcomes"] is None
    assert without["no_outcomes"]
    assert "auc" not in gates(without)
    assert without["decisions"] == report["decisions"]


def test_rows_in_another_order_give_the_same_figures(pair: Context, tmp_path: Path) -> None:
    raw = shutil.copytree(pair.raw, tmp_path / "given")
    first = run(easily(pair), source=raw)
    applications = pyarrow.csv.read_csv(raw / "applications.csv")
    order = np.random.default_rng(1).permutation(applications.num_rows)
    pyarrow.csv.write_csv(applications.take(order), raw / "applications.csv")
    second = run(easily(pair), source=raw)
    assert all(first[part] == second[part] for part in ("pd", "decisions", "grades", "outcomes", "reasons"))


def test_before_a_canary_there_is_an_objection_with_the_command(pair: Context) -> None:
    (told,) = objections(pair, version(pair, 2))
    assert "creditrisk canary tiny --version 2" in told


@pytest.mark.parametrize("spoil", ["remove", "alter", "promote"])
def test_a_canary_counts_for_what_it_saw(pair: Context, spoil: str) -> None:
    run(easily(pair))
    path = kept_report(pair, version(pair, 2).bundle_sha256)
    if spoil == "remove":
        path.unlink()
        words = "is missing"
    elif spoil == "alter":
        path.write_text(path.read_text().replace('"pass"', '"pazz"'), encoding="utf-8")
        words = "was altered"
    else:
        in_production(pair, 2)
        words = "production is"
    (told,) = objections(pair, version(pair, 2))
    assert words in told


def test_an_unknown_version_is_bad_usage(own: Context) -> None:
    with pytest.raises(BadUsage, match="no version 7"):
        run(own, 7)


def test_rows_that_the_split_did_not_make_are_refused(own: Context) -> None:
    path = own.folder.part("test")
    path.write_bytes(own.folder.part("train").read_bytes())
    with pytest.raises(Refused, match=r"test\.parquet is not what"):
        run(own)


def test_the_kept_copy_is_the_report_to_the_byte(own: Context) -> None:
    run(own)
    kept = kept_report(own, version(own, 1).bundle_sha256)
    assert kept.read_bytes() == own.folder.report("canary_report.json").read_bytes()
    assert read_json(kept)["bundle_sha256"] == json.loads(kept.read_text())["bundle_sha256"]
