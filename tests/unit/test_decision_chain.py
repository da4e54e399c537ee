"""A chain holds as it was written; whatever is changed in it is found, and told with its place."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk import decision_chain as chain
from creditrisk.decision_chain import Entry, Found, Head, Record, Verifying
from creditrisk.errors import BadUsage, CreditRiskError, DuplicateKey
from creditrisk.kinds import canonical_json
from creditrisk.ports import Idempotency, Verification
from creditrisk.sealing import PayloadKeys
from creditrisk.signatures import Signer, new_signer
from tests.support.passports import START, passport

SIGNER = new_signer()
KEYS = PayloadKeys()


def written(
    count: int = 6, *, name: str = "c1", signer: Signer = SIGNER, witnessed: tuple[Head, ...] = ()
) -> list[Entry]:
    """An opening record, `count` decisions in groups of two, and a closing record."""
    first = chain.opened(name, signer, at=START, software="test", witnessed=witnessed)
    head, entries = chain.extended(chain.before_first(name), [first], signer)
    for number in range(0, count, 2):
        group = chain.entries_of([passport(number), passport(number + 1)], KEYS)
        head, placed = chain.extended(head, group, signer)
        entries += placed
    return entries + chain.extended(head, [chain.closed(head, at=START)], signer)[1]


def head_of(entries: list[Entry]) -> Head:
    last = entries[-1].record
    return Head(last.chain_id, last.sequence, last.link)


def verified(
    *chains: list[Entry], heads: list[Head] | None = None, trusted: Signer = SIGNER, seen: int = -1
) -> Verification:
    """seen: how far the store says that others saw the first chain."""
    verifying = Verifying(frozenset({trusted.public}))
    verifying.hear(entries[0].record for entries in chains if entries)
    for number, entries in enumerate(chains):
        deleted = {entry.record.about for entry in entries if entry.record.kind == chain.DELETION}
        found = [Found(each.record, each.sealed, each.record.decision_id in deleted) for each in entries]
        head = heads[number] if heads else head_of(entries)
        verifying.read(head, found, witnessed=-1 if number else seen)
    return verifying.finish()


def whats(told: Verification) -> list[str]:
    return [each.what for each in told.breaks]


def test_a_chain_is_whole_from_its_opening_to_its_closing() -> None:
    told = verified(written())
    assert told.unbroken
    assert (told.records, told.payloads, told.deleted) == (8, 6, 0)
    state = told.chains[0]
    assert (state.records, state.closed, state.public_key) == (8, True, SIGNER.public)


def test_a_chain_without_closing_is_open_or_cut_off_and_says_when_it_was_written_last() -> None:
    told = verified(written()[:5])
    assert told.unbroken
    assert not told.chains[0].closed
    assert told.chains[0].last_written == "2026-01-02T03:07:05.000000+00:00"


def test_only_the_last_record_of_a_group_is_signed() -> None:
    assert [entry.record.signed for entry in written()] == [True, False, True, False, True, False, True, True]


@pytest.mark.parametrize("name", [each.name for each in fields(Record)])
def test_every_column_is_covered(name: str) -> None:
    entries = written()
    for place in range(len(entries)):
        value = getattr(entries[place].record, name)
        other: Any = (not value) if isinstance(value, bool) else value + 1 if isinstance(value, int | float) else "else"
        changed = list(entries)
        changed[place] = Entry(replace(entries[place].record, **{name: other}), entries[place].sealed)
        told = verified(changed, heads=[head_of(entries)])
        assert told.broken, (name, place)


def test_rewritten_links_do_not_hide_an_altered_record_from_whoever_has_no_key() -> None:
    entries = written()
    forged = [Entry(replace(each.record, grade="A") if number == 3 else each.record, each.sealed)
              for number, each in enumerate(entries)]  # fmt: skip
    _, forged = chain.extended(chain.before_first("c1"), forged, new_signer())
    forged[0] = Entry(replace(forged[0].record, signature=entries[0].record.signature), None)
    told = verified(forged)
    assert any("not that of the chain's key" in what for what in whats(told))


def test_a_chain_signed_anew_from_the_start_names_an_unknown_key() -> None:
    told = verified(written(signer=new_signer()))
    assert told.broken == 1
    assert "not known here" in told.breaks[0].what


def test_a_missing_record_is_told_with_its_place() -> None:
    entries = written()
    told = verified(entries[:3] + entries[4:])
    assert told.breaks[0].what == "records 3 to 3 are missing"
    assert (told.breaks[0].sequence, told.breaks[0].decision_id) == (4, passport(3).decision_id)


def test_swapped_and_inserted_records_are_found() -> None:
    entries = written()
    swapped = [*entries[:2], entries[3], entries[2], *entries[4:]]
    twice = [*entries[:3], entries[2], *entries[3:]]
    assert verified(swapped).broken
    assert "a record was added or moved" in whats(verified(twice))


def test_the_cut_off_end_of_a_closed_chain_is_found_by_its_head() -> None:
    entries = written()
    told = verified(entries[:5], heads=[head_of(entries)])
    assert whats(told) == ["records 5 to 7 are missing: the end was cut off"]


def test_the_cut_off_end_of_a_chain_is_found_by_those_that_saw_it_although_its_head_was_set_back() -> None:
    first = written()
    second = written(name="c2", witnessed=(head_of(first),))
    assert verified(first, second, seen=7).unbroken
    assert whats(verified(first, second)) == ["other chains did not see as much of it as the store says"]
    cut = verified(first[:5], second, seen=7)
    assert whats(cut) == ["chain c2 saw a record here that is gone: the end was cut off"]
    assert whats(verified(second)) == ["chain c2 saw this chain, and it is gone"]
    other = verified(written(), second, seen=7)
    assert whats(other) == ["chain c2 saw another record here"]


def test_nothing_comes_after_the_closing_record() -> None:
    entries = written()
    more = chain.extended(head_of(entries), chain.entries_of([passport(9)], KEYS), SIGNER)[1]
    assert "a record comes after the chain was closed" in whats(verified(entries + more))


def test_a_chain_that_lost_all_its_records_is_told() -> None:
    assert whats(verified([], heads=[Head("c1", 7, "ab" * 32)])) == ["all its records are missing"]


def test_a_payload_may_go_with_a_record_of_it_and_not_otherwise() -> None:
    entries = written()
    without = [*entries[:2], Entry(entries[2].record, None), *entries[3:]]
    gone = passport(1).decision_id
    assert whats(verified(without)) == ["its payload is gone and no record says who deleted it"]
    note = chain.act_upon(chain.DELETION, gone, at=START, by="ann", note="asked", rule="by id")
    before_closing = Head("c1", 6, without[-2].record.link)
    deleted = without[:-1] + chain.extended(before_closing, [note], SIGNER)[1]
    told = verified(deleted)
    assert told.unbroken
    assert (told.payloads, told.deleted) == (5, 1)
    back = [*deleted[:2], entries[2], *deleted[3:]]
    assert whats(verified(back)) == ["its payload was deleted and is there again"]


def test_a_payload_that_was_swapped_or_added_is_found() -> None:
    entries = written()
    swapped = [entries[0], Entry(entries[1].record, entries[2].sealed), *entries[2:]]
    assert whats(verified(swapped)) == ["its payload, entity or salt was altered"]
    added = [Entry(entries[0].record, entries[2].sealed), *entries[1:]]
    assert whats(verified(added)) == ["a payload was added to a record that has none"]


def test_breaks_are_counted_when_they_are_too_many_to_tell() -> None:
    entries = [Entry(each.record, None) for each in written(count=140)]
    told = verified(entries)
    assert (told.broken, len(told.breaks)) == (140, chain.MOST_BREAKS)


def test_an_opening_record_that_is_garbage_is_a_break_and_no_crash() -> None:
    for act in ("", "[]", "null", "{", '{"witnessed": [[1]]}', '{"witnessed": 3, "public_key": 7}'):
        entries = written()
        entries[0] = Entry(replace(entries[0].record, act=act), None)
        verifying = Verifying(frozenset({SIGNER.public}))
        verifying.hear([entries[0].record])
        verifying.read(head_of(entries), [Found(each.record, each.sealed, False) for each in entries])
        assert verifying.finish().broken


def test_two_requests_with_one_key_in_a_group_are_refused_and_one_request_numbers_its_parts() -> None:
    key = Idempotency("k1", "ab" * 32)
    one, two = passport(0, idempotency=key, request_id="r1"), passport(1, idempotency=key, request_id="r1")
    assert [entry.record.idempotency_part for entry in chain.entries_of([one, two], KEYS)] == [0, 1]
    with pytest.raises(DuplicateKey) as caught:
        chain.entries_of([one, replace(two, request_id="r2")], KEYS)
    assert caught.value.repeated == {("underwriting", "k1")}
    other = replace(two, caller="branch")
    assert [entry.record.idempotency_part for entry in chain.entries_of([one, other], KEYS)] == [0, 0]


@pytest.mark.parametrize(
    "change",
    [
        {"pd": float("nan")}, {"pd": float("inf")}, {"caller": "a\0b"}, {"request_id": "\ud800"}, {"kind": "opened"},
        {"time": datetime(2026, 1, 1)},  # noqa: DTZ001
    ],
)  # fmt: skip
def test_what_no_database_keeps_as_it_is_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadUsage):
        chain.entries_of([passport(**change)], KEYS)


def test_times_sort_as_text() -> None:
    times = [START + timedelta(microseconds=number) for number in (0, 1, 999_999, 86_400_000_000)]
    assert sorted(map(chain.utc_text, times)) == list(map(chain.utc_text, times))
    assert chain.utc_text(START.astimezone(UTC)) == "2026-01-02T03:04:05.000000+00:00"


def test_an_act_needs_a_name_and_a_note() -> None:
    for by, note in (("", "x"), ("ann", " ")):
        with pytest.raises(BadUsage, match="needs --"):
            chain.act_upon(chain.HOLD, "d1", at=START, by=by, note=note)


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters(codec="ascii"))


@given(st.dictionaries(st.sampled_from(chain.LINKED), ANYTHING))
def test_a_link_is_the_hash_of_the_records_canonical_json_whatever_stands_in_it(columns: dict[str, Any]) -> None:
    record = replace(Record("c1", 0, "decision", "2026-01-01"), **columns)
    told = {name: value for name, value in asdict(record).items() if name not in ("link", "signature")}
    try:
        expected = hashlib.sha256(canonical_json({"version": 1, **told})).hexdigest()
    except CreditRiskError:
        with pytest.raises(CreditRiskError):
            chain.link_of(record)
    else:
        assert chain.link_of(record) == expected
