"""A decision is made again from its passport, to the bit, and whatever was changed in it shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from creditrisk.decisions.decide import Decider
from creditrisk.decisions.intake import Intake
from creditrisk.decisions.passport import environment_sha256, payload_of, sent, spelt
from creditrisk.decisions.replay import Replayed, replay
from creditrisk.kinds import canonical_json
from creditrisk.modelling import Bundle


@pytest.fixture(scope="module")
def payloads(intake: Intake, decider: Decider, bundle: Bundle, records: list[Any]) -> list[dict[str, Any]]:
    """As a store gives them back; one table was not asked for in every third."""
    some = [one if place % 3 else {"application": one["application"]} for place, one in enumerate(records[:30])]
    read = intake.read(some).applications
    made = [payload_of(*pair, bundle) for pair in zip(read, decider.decide(read), strict=True)]
    return [json.loads(canonical_json(one)) for one in made]


@pytest.fixture(scope="module")
def again(bundle: Bundle, intake: Intake, decider: Decider) -> Callable[..., list[Replayed]]:
    return lambda *payloads: replay(payloads, bundle, intake, decider)


def test_decisions_replay_to_the_same_bits_in_any_group(
    payloads: list[dict[str, Any]], again: Callable[..., list[Replayed]]
) -> None:
    assert again(*reversed(payloads)) == [Replayed(True, ())] * len(payloads)
    assert again(payloads[7]) == [Replayed(True, ())]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("features", "income"), "features.income"),
        (("answer", "pd"), "answer.pd"),
        (("raw", "application", "debt"), "features.debt_to_income"),
    ],
)
def test_one_changed_bit_shows_with_its_place(
    payloads: list[dict[str, Any]], again: Callable[..., list[Replayed]], path: tuple[str, ...], place: str
) -> None:
    changed = deepcopy(payloads[1])
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = inner[path[-1]] * (1 + 2**-52) if path[0] != "raw" else inner[path[-1]] + 1000
    (found,) = again(changed)
    assert not found.same
    assert place in found.differences
    assert again(payloads[1])[0].same


def test_elsewhere_numbers_are_compared_to_the_ninth_place(
    payloads: list[dict[str, Any]], again: Callable[..., list[Replayed]]
) -> None:
    near = {**payloads[1], "environment_sha256": "0" * 64}
    near["answer"] = {**near["answer"], "pd": near["answer"]["pd"] * (1 + 1e-12)}
    (found,) = again(near)
    assert found.same
    assert found.environment_differences
    near["answer"] = {**near["answer"], "pd": near["answer"]["pd"] * 1.001}
    assert again(near)[0].differences == ("answer.pd",)


def test_another_bundles_decision_and_a_record_without_its_facts_are_not_replayed(
    payloads: list[dict[str, Any]], again: Callable[..., list[Replayed]]
) -> None:
    other, without = {**payloads[0], "bundle_sha256": "0" * 64}, {"schema_version": 1}
    assert [found.same for found in again(other, without)] == [False, False]


def test_a_payload_says_what_was_sent_and_what_decided(payloads: list[dict[str, Any]], bundle: Bundle) -> None:
    one = payloads[1]
    assert one["raw"]["application"]["loan_id"] == 2
    assert one["policy"]["decline_from_pd"] == bundle.policy.cut_off.decline_from_pd
    assert one["environment_sha256"] == environment_sha256()
    assert set(one["features"]) == set(bundle.preprocess.names)


@pytest.mark.parametrize("digits", ["1.50", "0.1", "123456789012345.678", "1e-400", "-0.0", "100", "1E+2"])
def test_no_digit_of_a_number_is_lost_on_its_way_through_json(digits: str) -> None:
    number = Decimal(digits)
    back = sent(json.loads(canonical_json(spelt(number))))
    assert back == number
    assert back.is_signed() == number.is_signed()
