"""Who decides otherwise than the model, why, in which direction, and how often."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from creditrisk.adapters.in_memory import InMemoryDecisionStore
from creditrisk.cli import main
from creditrisk.errors import BadUsage
from creditrisk.pages.decisions import override_lines
from creditrisk.pipelines.override_rates import rates
from creditrisk.ports import Passport
from creditrisk.sealing import PayloadKeys
from creditrisk.wiring import decision_store_for
from tests.support.passports import START, passport
from tests.support.tiny_book import write_tiny_book

ROWS = (
    (20, 2, "ann", "COLLATERAL", "decline", "approve"),
    (21, 5, "ann", "COLLATERAL", "decline", "approve"),
    (22, 0, "bob", "FRAUD_SUSPECTED", "approve", "decline"),
    (23, 2, "bob", "COLLATERAL", "approve", "refer"),
)
"""Number of the override and of its decision, who, why, from, to; the last overrules the first."""


def records() -> list[Passport]:
    """Ten decisions, three of them declined, and four overrides."""
    return [passport(number) for number in range(10)] + [
        passport(
            number, kind="override", about=passport(about).decision_id, decision=to,
            payload={"override": {"by": by, "code": code, "decision": to, "overruled": before, "text": "t"}},
        )
        for number, about, by, code, before, to in ROWS
    ]  # fmt: skip


@pytest.fixture
def store() -> InMemoryDecisionStore:
    store = InMemoryDecisionStore()
    store.append([*records(), passport(30, kind="shadow", about=passport(1).decision_id), passport(31, book="other")])
    return store


def test_overrides_are_counted_by_direction_user_and_code_beside_all_decisions(store: InMemoryDecisionStore) -> None:
    told = rates(store, "tiny")
    assert json.loads(json.dumps(told)) == told
    assert told["decisions_by_answer"] == {"approve": 7, "decline": 3}
    assert (told["decisions"], told["overrides"], told["decisions_overruled"], told["share"]) == (10, 4, 3, 0.4)
    assert told["by_direction"] == [
        {"from": "decline", "to": "approve", "overrides": 2, "share": 0.2, "share_of_from": 2 / 3},
        {"from": "approve", "to": "decline", "overrides": 1, "share": 0.1, "share_of_from": 1 / 7},
        {"from": "approve", "to": "refer", "overrides": 1, "share": 0.1, "share_of_from": 1 / 7},
    ]
    assert told["by_user"] == [
        {"by": "ann", "overrides": 2, "share": 0.2}, {"by": "bob", "overrides": 2, "share": 0.2},
    ]  # fmt: skip
    assert told["by_code"] == [
        {"code": "COLLATERAL", "overrides": 3, "share": 0.3}, {"code": "FRAUD_SUSPECTED", "overrides": 1, "share": 0.1},
    ]  # fmt: skip
    first = {"by": "ann", "code": "COLLATERAL", "from": "decline", "to": "approve", "overrides": 2, "share": 0.2}
    assert told["by_all"][0] == first
    assert sum(row["overrides"] for row in told["by_all"]) == 4


def test_only_what_was_made_in_the_time_asked_for_is_counted(store: InMemoryDecisionStore) -> None:
    told = rates(store, "tiny", since=START + timedelta(minutes=5), until=START + timedelta(minutes=22))
    assert (told["decisions"], told["overrides"], told["share"]) == (5, 2, 0.4)
    assert told["until"] == (START + timedelta(minutes=22)).isoformat()
    later = rates(store, "tiny", since=START + timedelta(minutes=20))
    assert (later["decisions"], later["overrides"], later["share"]) == (0, 4, None)
    assert "%" not in "\n".join(override_lines(later))
    with pytest.raises(BadUsage, match="ends before it begins"):
        rates(store, "tiny", since=START, until=START)


def test_an_override_whose_payload_is_gone_counts_without_who_and_why(store: InMemoryDecisionStore) -> None:
    store.delete([passport(22).decision_id], by="dpo", note="asked", rule="named")
    told = rates(store, "tiny")
    assert (told["overrides"], told["unreadable"]) == (4, {"deleted": 1, "encrypted": 0})
    assert {"by": None, "overrides": 1, "share": 0.1} in told["by_user"]
    assert "who and why is not known of 1: their payloads are deleted" in list(override_lines(told))


def test_an_override_whose_key_is_not_here_counts_without_who_and_why() -> None:
    store = InMemoryDecisionStore(keys=PayloadKeys([bytes(32)]))
    store.append(records())
    store._keys = PayloadKeys()
    assert rates(store, "tiny")["unreadable"] == {"deleted": 0, "encrypted": 4}


def test_the_command_tells_people_and_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book, workspace = str(write_tiny_book(tmp_path / "book")), str(tmp_path / "ws")
    with closing(decision_store_for(tmp_path / "ws")) as store:
        store.append(records())

    def told(*words: str, code: int = 0) -> str:
        assert main(["decisions", "overrides", book, "--workspace", workspace, *words]) == code
        return capsys.readouterr().out

    report: dict[str, Any] = json.loads(told("--json", "--until", "2030-01-01"))
    assert (report["book"], report["overrides"], report["until"]) == ("tiny", 4, "2030-01-01T00:00:00+00:00")
    words = told()
    assert words.startswith("tiny: 4 overrides of 3 decisions; 10 were made (40.0% of decisions)")
    assert "  decline -> approve: 2, 66.7% of what the model so answered\n" in words
    assert "  by ann: 2 (20.0% of decisions)\n" in words
    assert "  code COLLATERAL: 3 (30.0% of decisions)\n" in words
    assert json.loads(told("--since", "yesterday", "--json", code=2))["error"]["where"] == "--since"
