"""A caller's rate is a bucket that fills again."""

from __future__ import annotations

from creditrisk.serving.limits import CALLERS_REMEMBERED, Rates


def test_without_a_rate_nobody_waits() -> None:
    assert all(Rates(0.0, 1).wait_s("a", now=0.0) == 0 for _ in range(100))


def test_a_burst_is_allowed_and_then_the_rate_holds() -> None:
    rates = Rates(0.5, 3)
    assert [rates.wait_s("a", now=0.0) for _ in range(4)] == [0, 0, 0, 2]
    assert rates.wait_s("a", now=1.0) == 1
    assert rates.wait_s("a", now=2.0) == 0


def test_one_callers_rate_is_not_anothers() -> None:
    rates = Rates(1.0, 1)
    assert rates.wait_s("a", now=0.0) == 0
    assert rates.wait_s("b", now=0.0) == 0
    assert rates.wait_s("a", now=0.0) == 1


def test_a_crowd_of_callers_takes_no_more_memory_than_is_allowed() -> None:
    rates = Rates(1.0, 1)
    for number in range(CALLERS_REMEMBERED + 10):
        rates.wait_s(str(number), now=0.0)
    assert len(rates._left) == CALLERS_REMEMBERED
