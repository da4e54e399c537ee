"""The gates rest on reports of this model as their stages wrote them, and fail closed on anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from creditrisk.cli import main
from creditrisk.config import Workspace, load_book
from creditrisk.errors import Refused
from creditrisk.files import read_json, write_json
from creditrisk.kinds import sha256_of
from creditrisk.pipelines import register_model, validate_model
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stages
from creditrisk.pipelines.validate_model import BEFORE_THE_MODEL, OF_THE_MODEL, gathered, need_passed
from tests.support.schemas import faults


def bundle_of(context: Context) -> str:
    return str(read_json(context.folder.report("metrics.json"))["bundle_sha256"])


def test_a_run_ends_with_a_verdict_on_its_own_model(finished: Context) -> None:
    path = finished.folder.report("post_training_validation.json")
    report = read_json(path)
    assert faults(path) == []
    assert report["problems"] == {}
    assert report["bundle_sha256"] == bundle_of(finished)
    assert set(report["inputs"]) == {"bundle", *BEFORE_THE_MODEL, *OF_THE_MODEL}
    assert sum(report["counts"].values()) == len(report["gates"])
    (version,) = finished.registry.versions("tiny")
    assert version.tags["validation"] == report["verdict"]


def test_few_rows_are_no_pass_and_no_nonsense(finished: Context) -> None:
    """150 test rows with some 40 bads."""
    report = read_json(finished.folder.report("post_training_validation.json"))
    of_the_test_rows = [gate for gate in report["gates"] if gate["place"].startswith("test_metrics.json")]
    assert {gate["verdict"] for gate in of_the_test_rows} == {"not_enough_evidence"}
    assert all("are needed" in gate["reason"] for gate in of_the_test_rows)


def test_the_same_reports_give_the_same_verdict_to_the_byte(own: Context) -> None:
    first, second = validate_model.run(own), validate_model.run(own)
    assert sha256_of(first) == sha256_of(second)


def _gone(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_text(path.read_text()[:-20])


def _not_a_number(path: Path) -> None:
    path.write_text(json.dumps({**read_json(path), "note": {"deep": [float("nan")]}}))


def _altered(path: Path) -> None:
    write_json(path, {**read_json(path), "note": 1})


def _of_another_book(path: Path) -> None:
    write_json(path, {**read_json(path), "book": "other"})


def _of_another_schema(path: Path) -> None:
    write_json(path, {**read_json(path), "schema_version": 99})


@pytest.mark.parametrize("name", [*BEFORE_THE_MODEL, *OF_THE_MODEL])
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_gone, "missing"),
        (_cut, "not JSON"),
        (_not_a_number, "NaN"),
        (_altered, "altered"),
        (_of_another_book, "book other"),
        (_of_another_schema, "schema is 99"),
    ],
)
def test_a_spoilt_report_is_not_believed(own: Context, name: str, spoil: Callable[[Path], None], why: str) -> None:
    bundle = bundle_of(own)
    spoil(own.folder.report(name))
    evidence = gathered(own, bundle)
    assert why in evidence.problems[name]
    assert name not in evidence.reports
    assert set(evidence.problems) == {name}


@pytest.mark.parametrize("name", OF_THE_MODEL)
def test_a_report_about_another_model_is_not_believed(finished: Context, name: str) -> None:
    assert "not 0000" in gathered(finished, "0" * 64).problems[name]


def test_what_cannot_be_believed_fails_and_is_told_in_one_message(own: Context) -> None:
    _altered(own.folder.report("leak_report.json"))
    report = validate_model.run(own)
    assert report["verdict"] == "fail"
    with pytest.raises(Refused) as caught:
        need_passed(report)
    assert "leaks: it is not what its stage wrote" in caught.value.what
    assert "reports: leak_report.json: it is not" in caught.value.what
    assert "leak_report.json" not in report["inputs"]


def test_a_fail_that_somebody_answers_for_is_no_refusal_of_the_command() -> None:
    def failing(name: str, *, can_be_waived: bool = True) -> dict[str, object]:
        return {"name": name, "verdict": "fail", "reason": "x", "can_be_waived": can_be_waived}

    report = {"book": "tiny", "bundle_sha256": "ab" * 32, "verdict": "fail"}
    need_passed({**report, "gates": [failing("slope")]}, [{"gate": "slope"}])
    for gates in ([failing("slope"), failing("brier")], [failing("slope", can_be_waived=False)], []):
        with pytest.raises(Refused):
            need_passed({**report, "gates": gates}, [{"gate": "slope"}])


def test_not_enough_evidence_is_no_refusal(finished: Context) -> None:
    need_passed(
        {**read_json(finished.folder.report("post_training_validation.json")), "verdict": "not_enough_evidence"}
    )


def test_judged_by_other_limits_the_model_keeps_its_name(own: Context, fresh: Callable[..., Context]) -> None:
    stricter = fresh(
        gates__auc_min={"value": 0.99, "because": "a test"}, gates__bads_min={"value": 5, "because": "a test"}
    )
    context = replace(own, book=stricter.book)
    report = validate_model.run(context)
    assert own.book.sha256 == stricter.book.sha256
    assert next(gate for gate in report["gates"] if gate["name"] == "auc_floor")["verdict"] == "fail"
    register_model.run(context)
    (version,) = context.registry.versions("tiny")
    assert version.tags["validation"] == "fail"


def test_a_model_is_not_registered_on_the_validation_of_another(own: Context) -> None:
    path = own.folder.report("post_training_validation.json")
    write_json(path, {**read_json(path), "bundle_sha256": "ab" * 32})
    with pytest.raises(Refused) as caught:
        register_model.run(own)
    assert "creditrisk validate tiny" in caught.value.hint


def told_by(context: Context, *words: str) -> list[str]:
    """The command on this context's book and workspace."""
    return ["validate", str(context.book.folder), "--workspace", str(context.workspace.root), *words]


def test_the_command_exits_with_one_where_a_gate_fails_and_lists_it(
    own: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    _altered(own.folder.report("leak_report.json"))
    assert main(told_by(own)) == 1
    told = capsys.readouterr()
    assert "FAIL" in told.out
    assert "model_document.html" in told.out.replace("\n", "")
    assert "refused: the model fails reports" in told.err
    assert "Traceback" not in told.err


def test_without_a_fail_the_command_exits_with_zero(own: Context, capsys: pytest.CaptureFixture[str]) -> None:
    lenient = "gates.reasons_proved_min={value: 0.0, because: a test}"
    code = main(told_by(own, "--json", "--set", lenient))
    report = json.loads(capsys.readouterr().out)
    assert code == (1 if report["verdict"] == "fail" else 0)
    assert report["bundle_sha256"] == bundle_of(own)


def test_the_document_is_written_from_the_reports_of_the_run_and_again_to_the_byte(own: Context) -> None:
    page = own.folder.report("model_document.html")
    first = page.read_bytes()
    text = first.decode("utf-8")
    assert bundle_of(own) in text
    assert "Tiny book" in text
    assert "Not run" in text  # compare and tune are run apart
    validate_model.run(own)
    assert page.read_bytes() == first


def test_a_spoilt_report_is_not_told_in_the_document(own: Context) -> None:
    _altered(own.folder.report("fairness.json"))
    own.folder.report("calibration_report.json").unlink()
    validate_model.run(own)
    text = own.folder.report("model_document.html").read_text(encoding="utf-8")
    assert "<strong>Not to be believed</strong>: <code>fairness.json</code>" in text
    assert "creditrisk evaluate tiny" in text


def test_the_bundle_trains_itself_again_to_the_same_model(own: Context, tmp_path: Path) -> None:
    """What the document tells to type: run the bundle's own folder as a book, elsewhere."""
    book = load_book(own.folder.bundle(bundle_of(own)))
    again = replace(own, book=book, workspace=Workspace(tmp_path / "again").open(), found={}, written={})
    run_stages(again, last="train")
    assert bundle_of(again) == bundle_of(own)
