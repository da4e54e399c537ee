"""Recorded decisions are made again in another process, from a workspace that was moved, to the same bits."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.csv
import pytest

from creditrisk.adapters.in_memory import InMemoryDecisionStore, InMemoryRegistry
from creditrisk.cli import main
from creditrisk.config import Workspace, load_book
from creditrisk.decisions.decide import Decider
from creditrisk.decisions.intake import Intake
from creditrisk.decisions.passport import payload_of
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadUsage, BrokenFile, MissingInput, Refused
from creditrisk.kinds import new_decision_id
from creditrisk.modelling import load_bundle
from creditrisk.pages.decisions import replay_lines
from creditrisk.pipelines import replay_decisions
from creditrisk.pipelines.context import Context
from creditrisk.ports import Passport
from creditrisk.wiring import decision_store_for

SETTINGS = DuckSettings("300MB", 1)


@pytest.fixture(scope="module")
def passports(finished: Context) -> list[Passport]:
    """Of forty applications, as a server would keep them."""
    (folder,) = finished.folder.models.glob("*/bundle")
    bundle, book = load_bundle(folder), load_book(folder)
    loans = pyarrow.csv.read_csv(finished.raw / "applications.csv").to_pylist()[:40]
    payments = pyarrow.csv.read_csv(finished.raw / "payments.csv").to_pylist()[:40]
    sent = [
        {"application": {name: loan[name] for name in ("loan_id", "income", "debt", "town")}, "payments": [payment]}
        for loan, payment in zip(loans, payments, strict=True)
    ]
    read = Intake(book).read(sent)
    with closing(Decider(bundle, book, SETTINGS)) as decider:
        decided = decider.decide(read.applications)
    return [
        Passport(
            decision_id=new_decision_id(), request_id="r", caller="c", time=datetime(2026, 1, 1, tzinfo=UTC),
            book=book.name, bundle_sha256=bundle.sha256, model_version="1", entity_id=one.key, pd=one.pd,
            score=one.score, grade=one.grade, decision=one.decision, payload=payload_of(application, one, bundle),
        )
        for application, one in zip(read.applications, decided, strict=True)
    ]  # fmt: skip


@pytest.fixture
def store(passports: list[Passport]) -> InMemoryDecisionStore:
    store = InMemoryDecisionStore()
    store.append(passports)
    return store


def all_again(store: InMemoryDecisionStore, workspace: Workspace) -> dict[str, Any]:
    return replay_decisions.replay_all(
        store, workspace, InMemoryRegistry(), ["tiny"], settings=SETTINGS, progress=lambda *_: None
    )


def test_every_decision_of_a_moved_workspace_is_made_again_by_the_command(
    finished: Context, passports: list[Passport], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = tmp_path / "elsewhere" / "ws"
    shutil.copytree(finished.workspace.root, moved)
    with closing(decision_store_for(moved)) as store:
        store.append(passports)
    assert main(["decisions", "replay", "--all", "--workspace", str(moved), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["replayed"], report["same"], report["different"]) == (40, 40, 0)
    assert report["compared_to"] == "the last bit"
    assert main(["decisions", "replay", passports[3].decision_id, "--workspace", str(moved)]) == 0
    assert "1 decisions made again: 1 the same" in capsys.readouterr().out


def test_a_decision_that_was_altered_is_told_with_its_place(finished: Context, passports: list[Passport]) -> None:
    store, one = InMemoryDecisionStore(), passports[0]
    answer = {**one.payload["answer"], "score": one.payload["answer"]["score"] + 1}
    store.append([replace(one, payload={**one.payload, "answer": answer}), passports[1]])
    report = all_again(store, finished.workspace)
    assert (report["same"], report["different"]) == (1, 1)
    assert report["told"] == [{"decision_id": one.decision_id, "differences": ["answer.score", "record.score"]}]
    with pytest.raises(BrokenFile, match=r"1 of 2 decisions are not made again; the first differs in answer\.score"):
        replay_decisions.need_same(report)
    assert any("DIFFERENT" in line for line in replay_lines(report))


def test_what_was_deleted_is_left_out_and_refused_when_it_is_asked_for(
    finished: Context, store: InMemoryDecisionStore, passports: list[Passport]
) -> None:
    gone = passports[0].decision_id
    store.delete([gone], by="ann", note="asked to", rule="named")
    report = all_again(store, finished.workspace)
    assert report["left_out"] == {"its payload was deleted": 1}
    assert report["same"] == 39
    with pytest.raises(Refused, match="its payload was deleted"):
        replay_decisions.replay_one(store, finished.workspace, InMemoryRegistry(), gone, settings=SETTINGS)


def test_an_unknown_decision_and_a_bundle_that_is_not_here_are_refused(
    finished: Context, store: InMemoryDecisionStore, passports: list[Passport], tmp_path: Path
) -> None:
    with pytest.raises(BadUsage, match="no such decision"):
        replay_decisions.replay_one(store, finished.workspace, InMemoryRegistry(), "x", settings=SETTINGS)
    with pytest.raises(MissingInput, match="that decided is not here"):
        all_again(store, Workspace(tmp_path))


def test_which_decision_has_to_be_said(tmp_path: Path) -> None:
    assert main(["decisions", "replay", "--workspace", str(tmp_path)]) == 2
    assert main(["decisions", "replay", "x", "--all", "--workspace", str(tmp_path)]) == 2
