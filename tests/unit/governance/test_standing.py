"""Production takes a pass or an open waiver; staging refuses a fail that nobody waived; both refuse the unheard of."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.governance.evidence import Pack
from creditrisk.governance.standing import Target, is_waived, objections, open_waivers
from tests.support.evidence import gate, small_pack_body, waiver

DAY = date(2026, 3, 1)
BOTH: tuple[Target, Target] = ("staging", "production")


def pack(gates: list[dict[str, Any]], *waivers: dict[str, Any]) -> Pack:
    return Pack("cd" * 32, small_pack_body(gates, waivers), Path("nowhere"))


@pytest.mark.parametrize(
    ("verdict", "staging", "production"),
    [("pass", 0, 0), ("not_enough_evidence", 0, 1), ("fail", 1, 1), ("perhaps", 1, 1), (None, 1, 1)],
)
def test_a_verdict_forbids_what_it_should(verdict: Any, staging: int, production: int) -> None:
    judged = pack([gate(), gate("slope", verdict)])
    assert [len(objections(judged, DAY, to)) for to in BOTH] == [staging, production]


def test_no_gates_are_no_pass() -> None:
    assert all(objections(pack([]), DAY, to) for to in BOTH)


def test_a_waiver_holds_through_its_last_day_and_its_end_is_told_afterwards() -> None:
    judged = pack([gate("slope", "fail")], waiver("slope", until="2026-03-01"))
    assert objections(judged, DAY, "production") == []
    (told,) = objections(judged, DAY + timedelta(days=1), "production")
    assert "its waiver ended on 2026-03-01" in told
    assert open_waivers(judged, DAY + timedelta(days=1)) == []


def test_a_waiver_of_another_gate_helps_nobody() -> None:
    assert objections(pack([gate("slope", "fail")], waiver("brier")), DAY, "production")


def test_what_cannot_be_waived_is_not_waived_by_a_waiver_that_says_so() -> None:
    judged = pack([gate("reports", "fail", can_be_waived=False)], waiver("reports"))
    (told,) = objections(judged, DAY, "staging")
    assert "cannot be waived" in told or "reports was looked at" in told
    assert not is_waived(judged, "reports", DAY)


def test_a_canary_gate_is_waived_though_the_pack_has_no_such_gate() -> None:
    assert is_waived(pack([gate()], waiver("canary_flips")), "canary_flips", DAY)


@given(
    verdicts=st.lists(st.sampled_from(["pass", "fail", "not_enough_evidence"]), min_size=1, max_size=5),
    waived=st.sets(st.integers(0, 4)),
    left=st.integers(-3, 3),
)
def test_production_is_free_exactly_when_every_gate_passes_or_is_waived(
    verdicts: list[str], waived: set[int], left: int
) -> None:
    gates = [gate(f"gate_{number}", verdict) for number, verdict in enumerate(verdicts)]
    until = (DAY + timedelta(days=left)).isoformat()
    judged = pack(gates, *(waiver(f"gate_{number}", until=until) for number in waived))
    excused = waived if left >= 0 else set()
    free = all(verdict == "pass" or number in excused for number, verdict in enumerate(verdicts))
    assert (objections(judged, DAY, "production") == []) == free
    if free:
        assert objections(judged, DAY, "staging") == []
