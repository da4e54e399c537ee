"""A waiver names a gate that does not pass, a person, a reason and a last day, and is part of new evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from creditrisk.errors import BadUsage, Refused
from creditrisk.files import read_json, write_json
from creditrisk.governance import Act, acts_about
from creditrisk.governance.standing import objections
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines import validate_model, waive_gate
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from tests.support.approving import as_person, today
from tests.support.schemas import faults

GATE = "auc_floor"


def bundle_of(context: Context) -> str:
    return str(read_json(context.folder.report("metrics.json"))["bundle_sha256"])


def soon(context: Context, days: int = 30) -> date:
    return today(context) + timedelta(days=days)


def test_it_is_told_wherever_the_model_is_shown(own: Context) -> None:
    before = current_pack(own, bundle_of(own))
    carl, until = as_person(own, "carl"), soon(own)
    told = waive_gate.run(carl, [GATE], "a pilot of 50 loans", until)
    pack = current_pack(own, bundle_of(own))
    assert (pack.sha256, pack.body["before"]) == (told["evidence_sha256"], before.sha256)
    (waiver,) = pack.body["waivers"]
    assert (waiver["gate"], waiver["by"], waiver["until"]) == (GATE, "carl", until.isoformat())
    assert "are needed" in waiver["found"]
    assert faults(own.folder.report("evidence_pack.json")) == []
    page = own.folder.report("model_document.html")
    assert "a pilot of 50 loans" in page.read_text(encoding="utf-8")
    assert "a pilot of 50 loans" in own.folder.report("run_summary.html").read_text(encoding="utf-8")
    assert sha256_of_file(page) == pack.body["files"]["model_document.html"]
    (version,) = own.registry.versions("tiny")
    assert version.tags["waivers"] == f"{GATE} by carl until {until.isoformat()}"
    assert version.tags["evidence_sha256"] == pack.sha256
    (act,) = acts_about(own.workspace.audit, Act.WAIVED, bundle=bundle_of(own))
    assert (act["actor"], act["hashes"]["gate"]) == ("carl", GATE)
    assert not any(f"gate {GATE}:" in one for one in objections(pack, today(own), "production"))


def test_judged_again_the_same_finding_stays_waived(own: Context) -> None:
    waive_gate.run(own, [GATE], "a test", soon(own))
    before = current_pack(own, bundle_of(own))
    validate_model.run(own)
    assert current_pack(own, bundle_of(own)) == before


def test_another_finding_of_the_gate_was_not_waived(own: Context) -> None:
    waive_gate.run(own, [GATE, "slope"], "a test", soon(own))
    assert len(current_pack(own, bundle_of(own)).body["waivers"]) == 2
    limits = own.book.portfolio.gates
    stricter = limits.model_copy(update={"bads_min": limits.bads_min.model_copy(update={"value": 60})})
    portfolio = own.book.portfolio.model_copy(update={"gates": stricter})
    validate_model.run(replace(own, book=replace(own.book, portfolio=portfolio)))
    assert current_pack(own, bundle_of(own)).body["waivers"] == []


def test_waived_again_the_later_word_counts(own: Context) -> None:
    for days in (30, 60):
        waive_gate.run(own, [GATE], f"for {days} days", soon(own, days))
    (waiver,) = current_pack(own, bundle_of(own)).body["waivers"]
    assert waiver["because"] == "for 60 days"


@pytest.mark.parametrize(
    ("gate", "days", "because", "error", "why"),
    [
        ("auc_flor", 30, "x", BadUsage, "no gate"),
        ("canary_flips", 30, "x", BadUsage, "no gate"),
        ("lineage", 30, "x", Refused, "cannot be waived"),
        ("reports", 30, "x", Refused, "cannot be waived"),
        ("leaks", 30, "x", Refused, "passes"),
        (GATE, -1, "x", BadUsage, "is past"),
        (GATE, 181, "x", Refused, "may last 180 days"),
        (GATE, 30, "  ", BadUsage, "needs a reason"),
    ],
)
def test_what_is_no_waiver_is_refused_and_changes_nothing(
    finished: Context, gate: str, days: int, because: str, error: type[Exception], why: str
) -> None:
    before = finished.workspace.audit.read_bytes()
    with pytest.raises(error, match=why):
        waive_gate.run(finished, [gate], because, soon(finished, days))
    assert finished.workspace.audit.read_bytes() == before


def test_the_closest_gate_is_offered_and_a_missing_canary_is_told(finished: Context) -> None:
    with pytest.raises(BadUsage) as caught:
        waive_gate.run(finished, ["auc_flor"], "x", soon(finished))
    assert 'did you mean "auc_floor"?' in caught.value.hint
    with pytest.raises(BadUsage) as caught:
        waive_gate.run(finished, ["canary_flips"], "x", soon(finished))
    assert "creditrisk canary tiny" in caught.value.hint


def test_a_gate_of_the_canary_is_waived_by_its_own_name(own: Context) -> None:
    report = {"gates": [{"name": "flips", "verdict": "fail", "reason": "9 % are flipped"}]}
    write_json(own.folder.bundle(bundle_of(own)).parent / "canary_report.json", report)
    told = waive_gate.run(own, ["canary_flips"], "wanted", soon(own), 1)
    assert told["given"][0]["found"] == "9 % are flipped"
    validate_model.run(own)
    assert [one["gate"] for one in current_pack(own, bundle_of(own)).body["waivers"]] == ["canary_flips"]


def test_an_earlier_version_is_waived_from_its_own_frozen_reports(own: Context) -> None:
    """Whatever lies among the reports now."""
    before = own.folder.report("model_document.html").read_bytes()
    for name in ("metrics.json", "post_training_validation.json"):
        path = own.folder.report(name)
        write_json(path, {**read_json(path), "bundle_sha256": "cd" * 32})
    told = waive_gate.run(own, [GATE], "a test", soon(own), 1)
    assert own.folder.report("model_document.html").read_bytes() == before
    pack = current_pack(own, told["bundle_sha256"])
    assert b"a test" in (pack.folder / "model_document.html").read_bytes()
