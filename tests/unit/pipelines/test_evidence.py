"""What validate freezes: one pack for the same reports, another for others, found by the audit chain alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import InMemoryTracker
from creditrisk.errors import BrokenFile, OutsideFailed, Refused
from creditrisk.files import read_json, write_json
from creditrisk.governance import Act, acts_about
from creditrisk.governance.evidence import Pack
from creditrisk.pipelines import evaluate_model, register_model, validate_model
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.ports import LoggedRun, TrainingRun
from tests.support.schemas import faults


def bundle_of(context: Context) -> str:
    return str(read_json(context.folder.report("metrics.json"))["bundle_sha256"])


def pack_of(context: Context) -> Pack:
    return current_pack(context, bundle_of(context))


def gate(context: Context, name: str) -> dict[str, object]:
    report = validate_model.run(context)
    return next(one for one in report["gates"] if one["name"] == name)


def test_a_run_freezes_its_evidence_and_says_so_in_chain_registry_and_reports(finished: Context) -> None:
    pack = pack_of(finished)
    path = finished.folder.report("evidence_pack.json")
    assert faults(path) == []
    assert path.read_bytes() == (pack.folder / "evidence_pack.json").read_bytes()
    (act,) = acts_about(finished.workspace.audit, Act.EVIDENCE_FROZEN, book="tiny")
    assert act["hashes"] == {
        "book": "tiny", "bundle": bundle_of(finished), "evidence": pack.sha256, "before": "none",
    }  # fmt: skip
    (version,) = finished.registry.versions("tiny")
    assert version.tags["evidence_sha256"] == pack.sha256
    assert version.tags["data_sha256"] == pack.body["data_sha256"]
    assert (version.tags["waivers"], version.tags["approvals"]) == ("", "")
    promotion = finished.folder.report("registry_promotion.json")
    assert faults(promotion) == []
    assert read_json(promotion)["meta"]["evidence_sha256"] == pack.sha256


def test_the_pack_names_everything_that_stands_behind_the_model(finished: Context) -> None:
    body = pack_of(finished).body
    kinds = {node["kind"] for node in body["made_of"].values()}
    assert {"raw", "contract", "sql", "book", "table", "bundle"} == kinds
    assert {"model_document.html", "data_lineage.json", "post_training_validation.json", "fairness.json"} <= set(
        body["files"]
    )
    assert any(name.startswith("test_evaluation/") for name in body["files"])
    assert not any(name.endswith(".parquet") for name in body["files"]), "rows of applicants are not copied"
    assert set(body["bundle"]) == {
        path.relative_to(finished.folder.bundle(bundle_of(finished))).as_posix()
        for path in finished.folder.bundle(bundle_of(finished)).rglob("*")
        if path.is_file()
    }


def test_judged_again_the_same_reports_keep_their_pack(own: Context) -> None:
    before = pack_of(own)
    validate_model.run(own)
    evaluate_model.run(own)  # the same figures, written again at another time
    validate_model.run(own)
    assert pack_of(own) == before


def test_other_reports_are_other_evidence_and_the_old_stays(own: Context) -> None:
    before = pack_of(own)
    stricter = own.book.portfolio.model_copy(
        update={"document": own.book.portfolio.document.model_copy(update={"owner": "Head of lending"})}
    )
    validate_model.run(replace(own, book=replace(own.book, portfolio=stricter)))
    now = pack_of(own)
    assert (now.body["number"], now.body["before"]) == (2, before.sha256)
    assert before.folder.is_dir()


def test_another_training_voids_nothing(own: Context) -> None:
    before, bundle = pack_of(own), bundle_of(own)
    shutil.rmtree(own.folder.reports)
    assert current_pack(own, bundle) == before


def test_evidence_that_lies_there_without_the_chains_word_is_none(own: Context) -> None:
    own.workspace.audit.unlink()
    with pytest.raises(Refused, match="no evidence has been frozen") as caught:
        pack_of(own)
    assert caught.value.hint == "creditrisk validate tiny"


def test_altered_evidence_is_named_and_judged_again_it_is_new(own: Context) -> None:
    before = pack_of(own)
    path = before.folder / "fairness.json"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BrokenFile) as caught:
        pack_of(own)
    assert caught.value.where == str(path)
    validate_model.run(own)
    assert pack_of(own).body["before"] == before.sha256


def test_the_verdict_is_an_act_of_the_chain(own: Context) -> None:
    report = validate_model.run(own)
    act = acts_about(own.workspace.audit, Act.VALIDATED, bundle=bundle_of(own))[-1]
    assert act["hashes"]["verdict"] == report["verdict"]


def test_the_three_things_that_validate_looks_at_itself_pass_after_a_run(finished: Context) -> None:
    report = read_json(finished.folder.report("post_training_validation.json"))
    found = {one["name"]: one for one in report["gates"]}
    assert [found[name]["verdict"] for name in ("lineage", "artefacts", "tracked")] == ["pass"] * 3
    assert report["meta"]["run_id"] == "run-1"
    assert [name for name, one in found.items() if not one["can_be_waived"]] == [
        "reports", "lineage", "artefacts", "tracked",
    ]  # fmt: skip


def test_a_file_that_no_report_speaks_of_is_missed_all_the_same(own: Context) -> None:
    (own.folder.reports / "test_evaluation" / "roc.png").unlink(missing_ok=True)
    next(iter(sorted((own.folder.reports / "evaluation").iterdir()))).write_bytes(b"drawn by hand")
    own.folder.part("train").unlink()
    told = gate(own, "artefacts")
    assert told["verdict"] == "fail"
    assert "reports/evaluation was altered" in str(told["reason"])
    assert "train.parquet is missing" in str(told["reason"])


def test_raw_data_that_are_named_otherwise_than_training_noted_are_found(own: Context) -> None:
    path = own.folder.report("data_lineage.json")
    told = read_json(path)
    told["nodes"]["raw/applications.csv"]["sha256"] = "ab" * 32
    write_json(path, told)
    assert "not what training noted" in str(gate(own, "lineage")["reason"])


def test_without_a_lineage_nothing_is_believed(own: Context) -> None:
    own.folder.report("data_lineage.json").write_text("{}")
    told = gate(own, "lineage")
    assert (told["verdict"], told["reason"]) == ("fail", "1 gaps: there is none")


def test_a_lineage_beside_the_bundle_that_was_altered_is_found(own: Context) -> None:
    path = own.folder.bundle(bundle_of(own)).parent / "data_lineage.json"
    write_json(path, {**read_json(path), "book": "other"})
    assert "altered or removed" in str(gate(own, "lineage")["reason"])


def test_a_figure_that_was_changed_in_the_tracker_is_found(own: Context) -> None:
    tracker = own.tracker
    assert isinstance(tracker, InMemoryTracker)
    (run,) = tracker.runs

    class Edited(InMemoryTracker):
        def figures(self, run_id: str) -> dict[str, float]:  # noqa: ARG002
            return {**run.metrics, "test_roc_auc": 0.99}

    edited = Edited()
    edited.runs = tracker.runs
    told = gate(replace(own, tracker=edited), "tracked")
    assert told["verdict"] == "fail"
    assert "test_roc_auc" in str(told["reason"])
    assert "0.99 in the tracker" in str(told["reason"])


def test_reports_that_cannot_be_believed_are_not_told_to_the_tracker(own: Context) -> None:
    path = own.folder.report("test_metrics.json")
    write_json(path, {**read_json(path), "n": 9})
    tracker = InMemoryTracker()
    told = gate(replace(own, tracker=tracker), "tracked")
    assert "not told to the tracker: test_metrics.json: it is not what its stage wrote" in str(told["reason"])
    assert tracker.runs == []


def test_validating_and_registering_again_is_no_second_run(own: Context) -> None:
    tracker = own.tracker
    assert isinstance(tracker, InMemoryTracker)
    for _ in range(2):
        validate_model.run(own)
        register_model.run(own)
    assert len(tracker.runs) == 1
    assert tracker.attached["run-1"]["validation"] == pack_of(own).body["verdict"]


def test_figures_that_were_changed_after_the_validation_are_not_registered(own: Context) -> None:
    path = own.folder.report("test_metrics.json")
    write_json(path, {**read_json(path), "n": 9})
    with pytest.raises(Refused, match=r"test_metrics\.json is not what was validated"):
        register_model.run(own)


def test_while_the_tracker_is_away_nothing_is_written(own: Context) -> None:
    class Away(InMemoryTracker):
        def log_run(self, run: TrainingRun) -> LoggedRun:  # noqa: ARG002
            raise OutsideFailed("away")

    def everything(root: Path) -> dict[str, bytes]:
        return {path.as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    before = everything(own.workspace.root)
    with pytest.raises(OutsideFailed):
        validate_model.run(replace(own, tracker=Away()))
    assert everything(own.workspace.root) == before


def test_the_frozen_lineage_is_without_what_came_later(finished: Context) -> None:
    told = json.loads((pack_of(finished).folder / "data_lineage.json").read_bytes())
    assert {node["step"] for node in told["nodes"].values()} == {
        "ingest", "check", "features", "split", "train", "evaluate",
    }  # fmt: skip
