"""Another person signs the evidence; what would not count is refused with every reason, what is altered is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.errors import BadUsage, Refused
from creditrisk.governance import Act, acts_about, append_act
from creditrisk.pipelines import approve_model, validate_model
from creditrisk.pipelines.approve_model import counted, objections
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.ports import ModelVersion
from creditrisk.signatures import new_signer
from tests.support.approving import all_waived, approved, as_person, own_key, today, with_key
from tests.support.tiny_run import copied


@pytest.fixture(scope="module")
def waived(finished: Context, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A model that only lacks approvals. To read only."""
    context = copied(finished, tmp_path_factory.mktemp("waived") / "workspace")
    all_waived(as_person(context, "carl"))
    return context


@pytest.fixture
def desk(waived: Context, tmp_path: Path) -> Context:
    return copied(waived, tmp_path / "workspace")


def standing(context: Context) -> list[str]:
    version = version_one(context)
    return objections(context, version, current_pack(context, version.bundle_sha256))


def version_one(context: Context) -> ModelVersion:
    return context.registry.versions("tiny")[0]


def refused(context: Context, number: int = 1) -> str:
    with pytest.raises(Refused) as caught:
        approved(context, number)
    return caught.value.what


def test_another_person_approves_and_chain_file_and_registry_say_so(desk: Context) -> None:
    assert "0 of 1 approvals" in standing(desk)[0]
    bob = with_key(desk, "bob")
    told = approved(bob)
    assert told["approved"]
    assert standing(desk) == []
    version = version_one(desk)
    pack = current_pack(desk, version.bundle_sha256)
    (one,) = counted(desk, version, pack)
    (act,) = acts_about(desk.workspace.audit, Act.APPROVED, book="tiny", evidence=pack.sha256)
    assert (act["actor"], act["hashes"]["file"], act["hashes"]["approval"]) == ("bob", "1-bob.json", one["sha256"])
    assert version.tags["approvals"] == f"bob, {one['at'][:10]}"


def test_a_dry_run_shows_the_same_and_signs_nothing(desk: Context) -> None:
    bob = with_key(desk, "bob")
    told = approve_model.run(bob, 1, "x", lambda: own_key(bob), dry_run=True)
    assert (told["in_the_way"], told["approved"]) == ([], False)
    assert {gate["name"] for gate in told["gates"]} >= {"reports", "auc_floor", "tracked"}
    assert told["waivers"]
    assert told["figures"]["n"]
    assert standing(desk) != []


def test_who_trained_it_cannot_however_the_name_is_spelt(desk: Context) -> None:
    assert "Ann trained this model" in refused(with_key(desk, "Ann"))


def test_the_same_person_says_it_once(desk: Context) -> None:
    bob = with_key(desk, "bob")
    approved(bob)
    assert "bob approved this evidence on 2026-01-01T" in refused(bob)


def test_every_reason_is_told_at_once(finished: Context, tmp_path: Path) -> None:
    own = copied(finished, tmp_path / "workspace")
    told = refused(as_person(own, "ann"))
    assert "ann trained this model" in told
    assert "the key of ann is not known here; known: none" in told
    assert "gate auc_floor: not enough evidence" in told
    path = current_pack(own, version_one(own).bundle_sha256).folder / "fairness.json"
    path.write_text("{}")
    told = refused(as_person(own, "ann"))
    assert "ann trained this model" in told
    assert str(path) in told


def test_a_key_that_nobody_made_here_is_unknown(desk: Context) -> None:
    (desk.workspace.people).mkdir(parents=True)
    (desk.workspace.people / "eve.pub").write_text(new_signer().public + "\n")
    assert "the key of eve is not known here" in refused(as_person(desk, "eve"))


def test_a_private_key_that_is_not_the_known_one_signs_nothing(desk: Context) -> None:
    bob = with_key(desk, "bob")
    with pytest.raises(Refused, match="not the one that is known for bob"):
        approve_model.run(bob, 1, "x", new_signer)
    assert standing(desk) != []


def test_a_book_names_its_approvers_and_nobody_else_counts(desk: Context) -> None:
    bob, carl = with_key(desk, "bob"), with_key(desk, "carla")
    rules = desk.book.portfolio.approval.model_copy(update={"approvers": {"carla": own_key(carl).public}})
    portfolio = desk.book.portfolio.model_copy(update={"approval": rules})
    strict = replace(desk, book=replace(desk.book, portfolio=portfolio))
    assert "the key of bob is not known here; known: carla" in refused(replace(bob, book=strict.book))
    approved(bob)  # by the book as it was
    assert "0 of 1 approvals" in standing(strict)[0]
    approved(replace(carl, book=strict.book))
    assert standing(strict) == []


def test_an_approval_ends_with_its_days(desk: Context) -> None:
    approved(with_key(desk, "bob"))
    later = SteppingClock(desk.clock.now() + timedelta(days=91))
    assert "expired" in " ".join(standing(replace(desk, clock=later)))


def test_other_evidence_asks_for_another_approval(desk: Context) -> None:
    bob = with_key(desk, "bob")
    approved(bob)
    document = desk.book.portfolio.document.model_copy(update={"owner": "Head of lending"})
    portfolio = desk.book.portfolio.model_copy(update={"document": document})
    validate_model.run(replace(desk, book=replace(desk.book, portfolio=portfolio)))
    assert "bob approved other evidence" in " ".join(standing(desk))
    assert version_one(desk).tags["approvals"] == ""
    approved(bob)
    assert standing(desk) == []


def test_after_a_rollback_it_is_approved_anew(desk: Context) -> None:
    bob = with_key(desk, "bob")
    approved(bob)
    hashes = {"book": "tiny", "from_bundle": version_one(desk).bundle_sha256, "bundle": "cd" * 32}
    append_act(desk.workspace.audit, "zoe", Act.ROLLED_BACK, hashes, clock=desk.clock)
    assert "rolled back" in " ".join(standing(desk))
    approved(bob)
    assert standing(desk) == []


def test_what_a_killed_command_left_is_replaced(desk: Context) -> None:
    bob = with_key(desk, "bob")
    audit = desk.workspace.audit.read_bytes()
    approved(bob)
    desk.workspace.audit.write_bytes(audit)  # killed between the file and the act
    assert "audit chain knows no such approval" in " ".join(standing(desk))
    approved(bob)
    assert standing(desk) == []
    (path,) = current_pack(desk, version_one(desk).bundle_sha256).approvals.iterdir()
    assert path.name == "1-bob.json"


@pytest.mark.parametrize("number", [2, 99])
def test_an_unknown_version_is_told_with_the_known_ones(desk: Context, number: int) -> None:
    with pytest.raises(BadUsage, match=f"tiny has no version {number}") as caught:
        approved(as_person(desk, "bob"), number)
    assert "known: 1" in caught.value.hint


def test_an_approval_says_why(desk: Context) -> None:
    with pytest.raises(BadUsage, match="needs a note"):
        approved(as_person(desk, "bob"), note=" ")


def test_a_waiver_that_ended_stands_in_the_way(desk: Context) -> None:
    bob = with_key(desk, "bob")
    later = replace(bob, clock=SteppingClock(desk.clock.now() + timedelta(days=40)))
    assert f"its waiver ended on {(today(desk) + timedelta(days=30)).isoformat()}" in refused(later)
