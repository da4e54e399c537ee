"""What every decision store must do, whichever system is behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from creditrisk.adapters.decision_store_statements import Statements
from creditrisk.adapters.in_memory import InMemoryDecisionStore
from creditrisk.errors import BadUsage, CreditRiskError, DuplicateKey, Refused
from creditrisk.ports import OUTLINE, DecisionStore, Idempotency
from tests.support.decision_stores import open_store
from tests.support.passports import START, passport

ONE = passport(0).decision_id


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DecisionStore]:
    if request.param == "memory":
        opened: DecisionStore = InMemoryDecisionStore()
    elif request.param == "sqlite":
        opened = open_store(f"sqlite:///{tmp_path / 'decisions.db'}")
    else:
        opened = open_store(request.getfixturevalue("postgres").empty_database())
    yield opened
    opened.close()


def ids(store: DecisionStore, **window: Any) -> list[str]:
    return [kept.passport.decision_id for kept in store.kept("tiny", **window)]


def test_what_was_appended_is_found_as_it_was(store: DecisionStore) -> None:
    asked = [
        passport(0, idempotency=Idempotency("k", "cd" * 32)),
        passport(1, entity_id="A-7", pd=0.1 + 0.2, model_version=None),
        passport(2, pd=None, score=None, grade=None, decision=None, kind="override", about=ONE, entity_id=None),
    ]
    store.append(asked)
    for each in asked:
        kept = store.find(each.decision_id)
        assert kept is not None
        assert kept.passport == each
        assert (kept.deleted, kept.locked_by, kept.held) == (False, None, False)
    assert store.find("nobody") is None
    assert [kept.passport for kept in store.about(ONE)] == [asked[2]]


def test_records_of_a_store_are_one_chain(store: DecisionStore) -> None:
    for number in range(3):
        store.append([passport(2 * number), passport(2 * number + 1)])
    kept = list(store.kept("tiny"))
    assert [each.sequence for each in kept] == [1, 2, 3, 4, 5, 6]
    assert len({each.chain_id for each in kept}) == 1
    told = store.verify()
    assert told.unbroken
    assert (told.records, told.payloads, len(told.chains), told.chains[0].closed) == (7, 6, 1, False)
    store.close()
    assert store.verify().chains[0].closed


def test_nothing_appended_is_no_chain(store: DecisionStore) -> None:
    store.append([])
    store.check()
    assert (store.verify().records, len(store.verify().chains)) == (0, 0)


def test_a_closed_store_takes_nothing_more_and_is_closed_twice_without_harm(store: DecisionStore) -> None:
    store.append([passport(0)])
    store.close()
    store.close()
    with pytest.raises(BadUsage, match="closed"):
        store.append([passport(1)])


def test_a_repeated_idempotency_key_appends_nothing_of_the_group(store: DecisionStore) -> None:
    first, second = Idempotency("k1", "cd" * 32), Idempotency("k2", "ef" * 32)
    request = [passport(number, request_id="r1", idempotency=first) for number in range(2)]
    store.append(request)
    with pytest.raises(DuplicateKey) as caught:
        store.append([passport(5, idempotency=second), passport(6, request_id="r9", idempotency=first)])
    assert caught.value.repeated == {("underwriting", "k1")}
    assert store.find(passport(5).decision_id) is None
    assert [kept.passport for kept in store.answered("underwriting", "k1")] == request
    assert list(store.answered("underwriting", "k2")) == []
    store.append([passport(5, idempotency=second), passport(7, caller="branch", idempotency=first)])
    assert store.verify().unbroken


def test_a_passport_that_cannot_be_kept_leaves_the_store_as_it_was(store: DecisionStore) -> None:
    store.append([passport(0)])
    for wrong in (passport(2, pd=float("nan")), passport(2, payload={"x": float("inf")}), passport(2, caller="\0")):
        with pytest.raises(CreditRiskError):
            store.append([passport(1), wrong])
    assert ids(store) == [ONE]
    store.append([passport(1)])
    assert store.verify().unbroken


def test_passports_are_read_by_book_and_time_oldest_first(store: DecisionStore) -> None:
    store.append([passport(2), passport(0), passport(1), passport(3, book="other")])
    at = [passport(number).decision_id for number in range(3)]
    assert ids(store) == at
    assert ids(store, since=passport(1).time) == at[1:]
    assert ids(store, until=passport(1).time) == at[:1]
    assert ids(store, since=passport(1).time, until=passport(2).time) == at[1:2]


def test_monitoring_reads_arrow_rows_with_nothing_where_it_was_deleted(store: DecisionStore) -> None:
    store.append([passport(0), passport(1)])
    store.delete([ONE], by="ann", note="asked", rule="by id")
    table = pa.Table.from_batches(list(store.batches("tiny")))
    rows = table.to_pylist()
    assert [row["deleted"] for row in rows] == [True, False]
    assert (rows[0]["entity_id"], rows[0]["features"], rows[0]["pd"]) == (None, None, 0.1)
    assert (rows[1]["entity_id"], rows[1]["features"]) == ("100001", '{"income":1234.5,"months":null}')
    assert rows[1]["time"] == START + timedelta(minutes=1)
    assert list(store.batches("nobody")) == []


def test_an_outline_is_the_same_rows_without_what_stands_in_payloads(store: DecisionStore) -> None:
    store.append([passport(2), passport(0), passport(1), passport(3, book="other")])
    store.append([passport(7, kind="override", about=ONE, pd=None, score=None, grade=None, entity_id=None)])
    store.delete([ONE], by="ann", note="asked", rule="by id")
    outlines = pa.Table.from_batches(list(store.outlines("tiny", since=passport(0).time, until=passport(8).time)))
    whole = pa.Table.from_batches(list(store.batches("tiny")))
    assert outlines.schema.names == list(OUTLINE)
    assert outlines.equals(whole.select(OUTLINE))
    assert outlines["entity_id"].to_pylist() == [None, "100001", "100002", None]
    assert [batch.num_rows for batch in store.outlines("tiny", since=passport(2).time)] == [2]
    assert list(store.outlines("nobody")) == []


def test_outlines_are_read_a_page_at_a_time(store: DecisionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Statements, "outline_page", Statements.outline_page.limit(2))
    store.append([passport(number) for number in range(5)])
    table = pa.Table.from_batches(list(store.outlines("tiny")))
    assert table["decision_id"].to_pylist() == [passport(number).decision_id for number in range(5)]


def test_a_deleted_payload_is_gone_and_its_record_stays(store: DecisionStore) -> None:
    store.append([passport(0), passport(1)])
    store.delete([ONE, ONE], by="ann", note="asked for by letter", rule="by id")
    kept = store.find(ONE)
    assert kept is not None
    assert kept.deleted
    assert (kept.passport.entity_id, kept.passport.payload, kept.passport.grade) == (None, {}, "B")
    told = store.verify()
    assert told.unbroken
    assert (told.records, told.payloads, told.deleted) == (4, 1, 1)
    with pytest.raises(Refused, match="deleted before"):
        store.delete([passport(1).decision_id, ONE], by="ann", note="again", rule="by id")
    left = store.find(passport(1).decision_id)
    assert left is not None
    assert not left.deleted


def test_what_is_held_is_not_deleted_and_neither_is_what_is_about_it(store: DecisionStore) -> None:
    override = passport(9, kind="override", about=ONE)
    store.append([passport(0), override])
    store.hold(ONE, by="counsel", note="case 7")
    for each in (ONE, override.decision_id):
        kept = store.find(each)
        assert kept is not None
        assert kept.held
        with pytest.raises(Refused, match="legal hold"):
            store.delete([each], by="ann", note="due", rule="by id")
    with pytest.raises(Refused, match="already"):
        store.hold(ONE, by="counsel", note="case 7")
    store.release(ONE, by="counsel", note="settled")
    with pytest.raises(Refused, match="not under"):
        store.release(ONE, by="counsel", note="settled")
    store.delete([ONE], by="ann", note="due", rule="by id")
    assert [(act.kind, act.by, act.note, act.rule) for act in store.acts(ONE)] == [
        ("hold", "counsel", "case 7", None),
        ("release", "counsel", "settled", None),
        ("deletion", "ann", "due", "by id"),
    ]
    assert list(store.acts(override.decision_id)) == []
    assert store.verify().unbroken


def test_what_is_not_there_cannot_be_deleted_held_or_released(store: DecisionStore) -> None:
    store.append([passport(0)])
    with pytest.raises(BadUsage, match="no such decision"):
        store.delete(["nobody"], by="ann", note="x", rule="by id")
    with pytest.raises(BadUsage, match="no such decision"):
        store.hold("nobody", by="ann", note="x")
    with pytest.raises(BadUsage, match="no such decision"):
        store.release("nobody", by="ann", note="x")
    with pytest.raises(BadUsage, match="needs --note"):
        store.hold(ONE, by="ann", note="")


def test_due_are_records_with_payload_of_that_decision_before_that_time_and_not_held(store: DecisionStore) -> None:
    store.append([passport(number) for number in range(6)])
    declined = [passport(number).decision_id for number in (2, 5)]
    everything = START + timedelta(days=1)
    assert list(store.due("tiny", {"decline": everything})) == declined
    assert list(store.due("tiny", {"decline": passport(5).time})) == declined[:1]
    assert list(store.due("other", {"decline": everything})) == []
    assert list(store.due("tiny", {})) == []
    store.hold(declined[1], by="counsel", note="case 7")
    store.delete(declined[:1], by="ann", note="due", rule="retention")
    assert list(store.due("tiny", {"decline": everything})) == []
    assert len(list(store.due("tiny", {"approve": everything, "decline": everything}))) == 4


def test_verification_tells_how_far_it_is(store: DecisionStore) -> None:
    store.append([passport(number) for number in range(5)])
    told: list[tuple[int, int]] = []
    store.verify(lambda done, total: told.append((done, total)))
    assert told[-1] == (6, 6)


def test_the_same_decision_is_not_kept_twice(store: DecisionStore) -> None:
    store.append([passport(0)])
    with pytest.raises(BadUsage, match="kept already"):
        store.append([passport(1), replace(passport(0), grade="A")])
    assert ids(store) == [ONE]
    with pytest.raises(BadUsage, match="kept already"):
        store.append([passport(2), passport(2)])
    assert store.verify().unbroken


def test_records_are_counted_by_kind_and_decision_without_their_payloads(store: DecisionStore) -> None:
    override = passport(9, kind="override", about=ONE, decision="decline")
    store.append([passport(0), passport(1), passport(2), override, passport(3, book="other")])
    store.hold(ONE, by="counsel", note="case 7")
    assert store.counted("tiny") == {("decision", "approve"): 2, ("decision", "decline"): 1, ("override", "decline"): 1}
    assert store.counted("tiny", since=START + timedelta(minutes=2), until=START + timedelta(minutes=9)) == {
        ("decision", "decline"): 1
    }
    assert [kept.passport for kept in store.kept("tiny", kind="override")] == [override]
