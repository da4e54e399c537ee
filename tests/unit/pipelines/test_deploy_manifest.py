"""The deploy manifest: of what is in production, on evidence that is whole, and no longer than that holds."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from creditrisk.errors import BadUsage, BrokenFile, MissingInput, Refused
from creditrisk.files import write_json
from creditrisk.governance import Act, acts_about
from creditrisk.governance.evidence import folder_of
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines import rollback_model, waive_gate
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.deploy_manifest import MANIFEST, check, need_no_faults, run
from creditrisk.ports import PRODUCTION
from tests.support.approving import today
from tests.support.schemas import faults
from tests.support.tiny_run import copied

IMAGE = "api=registry.example.org/pd/api:1.4@sha256:" + "ab" * 32


@pytest.fixture
def live(deployed: Context, tmp_path: Path) -> Context:
    return copied(deployed, tmp_path / "workspace")


def written(context: Context, **changes: Any) -> Path:
    """The manifest, with these of its keys changed afterwards."""
    run(context, images=[IMAGE], endpoints=["https://pd.example.org"])
    path = context.folder.report(MANIFEST)
    if changes:
        write_json(path, {**json.loads(path.read_text()), **changes})
    return path


def test_it_names_the_model_its_evidence_and_who_approved_it(live: Context) -> None:
    report = run(live, images=[IMAGE], endpoints=["https://pd.example.org"])
    path = live.folder.report(MANIFEST)
    assert faults(path) == []
    (version,) = live.registry.versions("tiny")
    assert report["model"]["bundle_sha256"] == version.bundle_sha256
    assert report["model"]["uri"] == "models:/tiny/1"
    (promotion,) = acts_about(live.workspace.audit, Act.PROMOTED)
    assert report["evidence"]["sha256"] == promotion["hashes"]["evidence"]
    assert report["move"]["id"] == promotion["hashes"]["move"]
    assert [one["by"] for one in report["approvals"]] == ["ben"]
    assert report["waivers"]
    assert report["cut_offs"] == {"decline_from_pd": 0.3, "refer_from_pd": pytest.approx(0.24)}
    assert report["previous"] is None
    assert report["settings"]["MODEL_ALIAS"] == "production"
    (act,) = acts_about(live.workspace.audit, Act.MANIFESTED)
    assert act["hashes"]["manifest"] == sha256_of_file(path)


def test_it_holds_until_the_next_move(live: Context) -> None:
    path = written(live)
    need_no_faults(check(live, path))
    live.registry.tag("tiny", 1, {"deployed": "another move"})
    (fault,) = check(live, path)["faults"]
    assert "a tag was edited" in fault


def test_before_a_promotion_there_is_nothing_to_write(own: Context) -> None:
    with pytest.raises(Refused, match="no version of tiny has been promoted"):
        run(own)
    assert not own.folder.report(MANIFEST).exists()


def test_an_alias_moved_by_hand_is_refused_with_the_remedy(own: Context) -> None:
    own.registry.set_alias("tiny", PRODUCTION, 1)
    with pytest.raises(Refused, match="moved by hand") as told:
        run(own)
    assert "creditrisk repair tiny" in told.value.hint


def test_an_alias_that_no_move_with_evidence_set_is_refused(live: Context) -> None:
    with pytest.raises(Refused, match="no recorded move with evidence"):
        run(live, alias="candidate")


@pytest.mark.parametrize("what", ["evidence", "bundle"])
def test_one_byte_of_the_evidence_altered_is_refused_and_named(live: Context, what: str) -> None:
    (version,) = live.registry.versions("tiny")
    model = live.folder.bundle(version.bundle_sha256).parent
    (promotion,) = acts_about(live.workspace.audit, Act.PROMOTED)
    folder = folder_of(model, promotion["hashes"]["evidence"]) if what == "evidence" else model / "bundle"
    file = folder / ("test_metrics.json" if what == "evidence" else "policy.json")
    path = written(live)
    content = bytearray(file.read_bytes())
    content[7] ^= 1
    file.write_bytes(content)
    with pytest.raises(BrokenFile, match="altered") as told:
        run(live)
    assert told.value.where == str(file)
    (fault,) = check(live, path)["faults"]
    assert str(file) in fault


def test_an_image_without_digest_writes_nothing(live: Context) -> None:
    with pytest.raises(Refused, match="no digest"):
        run(live, images=["api=registry.example.org/pd/api:1.4"])
    assert not live.folder.report(MANIFEST).exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secrets": ["CREDITRISK_SIGNING_KEY", "password=1"]}, "$.secrets[1]"),
        ({"images": [{"name": "api", "reference": "api:1", "digest": "sha256:1"}]}, "$.images[0]"),
        ({"surplus": 1}, "surplus"),
        ({"settings": {"MODEL_NAME": "tiny", "MODEL_ALIAS": "production", "OTHER": "1"}}, "to the byte"),
        ({"book": "other"}, "about the book other"),
    ],
)
def test_a_manifest_that_was_edited_is_found(live: Context, changes: dict[str, Any], words: str) -> None:
    told = check(live, written(live, **changes))
    assert any(words in fault for fault in told["faults"]), told["faults"]
    with pytest.raises(Refused):
        need_no_faults(told)


def test_another_model_or_version_is_a_fault(live: Context) -> None:
    path = written(live)
    told = json.loads(path.read_text())
    for change in ({"version": 2}, {"bundle_sha256": "cd" * 32}):
        write_json(path, {**told, "model": {**told["model"], **change}})
        assert check(live, path)["faults"]


def test_a_file_that_is_not_there_or_no_json_is_told(live: Context, tmp_path: Path) -> None:
    with pytest.raises(MissingInput):
        check(live, tmp_path / "none.json")
    (tmp_path / "torn.json").write_text("{", encoding="utf-8")
    with pytest.raises(BrokenFile):
        check(live, tmp_path / "torn.json")


def test_where_only_the_registry_is_at_hand_it_can_be_checked_all_the_same(live: Context, tmp_path: Path) -> None:
    from dataclasses import replace

    from creditrisk.config import Workspace

    path = written(live)
    elsewhere = replace(live, workspace=Workspace(tmp_path / "elsewhere").open())
    assert check(elsewhere, path)["faults"] == []
    with pytest.raises(Refused, match="no recorded move"):
        run(elsewhere)


def test_a_later_waiver_leaves_the_evidence_of_the_move(live: Context) -> None:
    before = run(live)["evidence"]
    gate = next(iter(run(live)["waivers"]))["gate"]
    waive_gate.run(live, [gate], "for longer", today(live) + timedelta(days=60), 1)
    assert run(live)["evidence"] == before


def test_without_a_version_before_there_is_no_way_back_but_an_end(live: Context) -> None:
    assert [step["command"] for step in run(live, images=[IMAGE])["rollback"]] == ["docker stop creditrisk-api"]
    with pytest.raises((Refused, BadUsage)):
        rollback_model.run(live, "a test")
