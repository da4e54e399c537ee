"""Alarms ring for what is large, lasts and is not there by chance; and stay the same from run to run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from creditrisk.config import Alarm, Alarms
from creditrisk.monitoring.alarms import (
    Episode,
    Watched,
    doubt_of,
    episodes,
    level_of,
    main_features,
    rung,
    unwatched,
    watched_in,
    watched_outcomes,
)
from creditrisk.monitoring.counts import Counted
from creditrisk.monitoring.matured import Matured

PERIODS = tuple(f"2026-{month:02}" for month in range(1, 9))
REFERENCE = {
    "features": {
        "income": {"edges": [1.0, 2.0], "counts": [4000, 3000, 2900, 100], "importance": 0.5},
        "purpose": {"categories": ["car", "home"], "counts": [6000, 3990, 10, 0], "importance": 0.3},
        "bureau_debt": {"edges": [5.0], "counts": [5000, 4000, 1000], "importance": 0.2},
    },
    "score": {"edges": [500, 600], "counts": [3000, 4000, 3000, 0]},
    "decisions": {"categories": ["approve", "refer", "decline"], "counts": [7000, 1000, 2000, 0, 0]},
}
GROUPS = {"application": ["feature:income", "feature:purpose"], "bureau": ["feature:bureau_debt"]}


def counts_like_before(rows: int = 1000) -> dict[str, NDArray[np.int64]]:
    def months(counts: list[int]) -> NDArray[np.int64]:
        return np.tile(np.array(counts) * rows // 10_000, (len(PERIODS), 1))

    features = {f"feature:{name}": months(of["counts"]) for name, of in REFERENCE["features"].items()}  # type: ignore[index]
    score, decision = REFERENCE["score"]["counts"], REFERENCE["decisions"]["counts"]  # type: ignore[index]
    return {**features, "score": months(score), "decision": months(decision)}


def look(counts: dict[str, NDArray[np.int64]], alarms: Alarms | None = None) -> list[Watched]:
    counted = Counted(PERIODS[: len(counts["score"])], np.sum(counts["score"], axis=1), counts)
    return watched_in(counted, REFERENCE, alarms or Alarms(), groups=GROUPS, looks=60)


def alarms_of(counts: dict[str, NDArray[np.int64]], **rules: Any) -> list[tuple[str, str, str]]:
    found = rung(look(counts, Alarms.model_validate(rules)), book="tiny", bundle_sha256="ab" * 32, owner="ann")
    return [(one.kind, one.what, one.since) for one in found]


def outcomes(bads: list[int], rows: int = 3000, pd: float = 0.1) -> Matured:
    n = len(bads)
    whole = np.full(n, rows)
    return Matured(PERIODS[:n], whole, np.array(bads), whole * pd, whole * pd * (1.0 - pd))


def test_nothing_rings_while_nothing_moves() -> None:
    assert alarms_of(counts_like_before()) == []


def test_a_shift_rings_in_its_second_month_and_tells_since_when() -> None:
    counts = counts_like_before()
    counts["score"][4:] = [450, 350, 200, 0]
    (alarm,) = rung(look(counts), book="tiny", bundle_sha256="ab" * 32, owner="ann")
    assert (alarm.kind, alarm.since, alarm.certain, alarm.is_open) == ("score", "2026-05", "2026-06", True)
    assert alarm.owner == "ann"
    assert alarm.chance <= alarm.level
    assert alarm.figures["size"] > alarm.figures["limit"]


def test_one_wild_month_is_no_alarm() -> None:
    counts = counts_like_before()
    counts["score"][4] = [900, 50, 50, 0]
    assert alarms_of(counts) == []
    assert alarms_of(counts, score={"periods": 1, "of": 1}) == [("score", "score", "2026-05")]


def test_a_small_shift_is_no_alarm_however_many_rows_prove_it() -> None:
    counts = counts_like_before(rows=1_000_000)
    counts["score"][2:, 0] += 5_000
    assert alarms_of(counts) == []


def test_a_large_shift_of_few_rows_may_be_chance_and_is_no_alarm() -> None:
    counts = counts_like_before()
    counts["score"][2:] = [14, 14, 7, 0]
    assert alarms_of(counts) == []


def test_an_alarm_ends_when_its_shift_has_and_the_next_one_is_another() -> None:
    counts = counts_like_before()
    counts["score"][[0, 1, 5, 6, 7]] = [450, 350, 200, 0]
    found = rung(look(counts), book="tiny", bundle_sha256="ab" * 32, owner=None)
    assert [(one.since, one.ended) for one in found] == [("2026-06", None), ("2026-01", "2026-04")]
    assert len({one.id for one in found}) == 2


def test_a_month_without_decisions_neither_rings_nor_ends_an_alarm() -> None:
    counts = counts_like_before()
    counts["score"][2:4] = [450, 350, 200, 0]
    counts["score"][4:] = 0
    (alarm,) = rung(look(counts), book="tiny", bundle_sha256="ab" * 32, owner=None)
    assert (alarm.since, alarm.is_open) == ("2026-03", True)


def test_an_open_alarm_keeps_its_name_when_months_are_added() -> None:
    counts = counts_like_before()
    counts["score"][2:] = [450, 350, 200, 0]
    fewer = {name: of[:5] for name, of in counts.items()}
    then, now = (rung(look(of), book="tiny", bundle_sha256="ab" * 32, owner=None) for of in (fewer, counts))
    assert [one.id for one in then] == [one.id for one in now]
    (other,) = rung(look(counts), book="tiny", bundle_sha256="cd" * 32, owner=None)
    assert other.id != now[0].id


def test_a_dead_feed_is_told_by_its_table_with_the_columns_that_went() -> None:
    counts = counts_like_before()
    counts["feature:bureau_debt"][3:] = [300, 200, 500]
    found = rung(look(counts), book="tiny", bundle_sha256="ab" * 32, owner=None)
    (feed,) = [one for one in found if one.kind == "missing"]
    assert (feed.what, feed.since) == ("bureau", "2026-04")
    assert feed.figures["columns"] == ["feature:bureau_debt"]
    assert (feed.figures["before"], feed.figures["now"]) == (0.1, 0.5)


def test_a_word_that_nobody_knows_rings_and_one_that_gets_rarer_does_not() -> None:
    counts = counts_like_before()
    counts["feature:purpose"][3:, 2] += 30
    assert ("new_categories", "feature:purpose", "2026-04") in alarms_of(counts)
    counts["feature:purpose"][:, 2] = 0
    assert alarms_of(counts) == []


@pytest.mark.parametrize(("bads", "too"), [(390, "low"), (210, "high")])
def test_pds_that_are_wrong_ring_either_way(bads: int, too: str) -> None:
    (quick, _) = watched_outcomes(outcomes([300, 300, 300, bads, bads, bads]), Alarms(), doubt=0.0, looks=60)
    (episode,) = episodes(quick)
    assert PERIODS[episode.onset] == "2026-04"
    assert (quick.figures(episode.onset, episode.rung)["ratio"] > 1) == (too == "low")


def test_doubt_about_the_calibration_itself_makes_an_alarm_later_or_none() -> None:
    told = outcomes([350] * 6)
    (sure, _), (unsure, _) = (
        watched_outcomes(told, Alarms(), doubt=doubt, looks=60) for doubt in (0.0, doubt_of(100, 1000))
    )
    assert episodes(sure)
    assert not episodes(unsure)


def test_months_without_known_outcomes_are_no_months_without_bads() -> None:
    told = outcomes([300, 300, 0, 0, 0])
    told = Matured(told.periods, np.array([3000, 3000, 0, 0, 0]), told.bads, told.expected * [1, 1, 0, 0, 0],
                   told.variance * [1, 1, 0, 0, 0])  # fmt: skip
    assert [episodes(one) for one in watched_outcomes(told, Alarms(), doubt=0.0, looks=60)] == [[], []]


def test_all_false_alarms_together_are_what_the_book_allows() -> None:
    alarms = Alarms()
    kinds = [name for name, rule in alarms if isinstance(rule, Alarm)]
    assert sum(level_of(alarms, kind, 60) for kind in kinds) * 60 == pytest.approx(alarms.false_alarm_max)
    watched = [*look(counts_like_before()), *watched_outcomes(outcomes([300]), alarms, doubt=0.0, looks=60)]
    assert sum(one.level for one in watched) * 60 == pytest.approx(alarms.false_alarm_max)


def test_features_that_weigh_more_get_more_of_the_false_alarms_and_all_of_them_their_whole() -> None:
    parts = main_features(REFERENCE, Alarms())
    assert list(parts) == ["feature:income", "feature:purpose", "feature:bureau_debt"]
    assert sum(parts.values()) == pytest.approx(1.0)
    assert parts["feature:income"] > parts["feature:bureau_debt"]
    few = Alarms.model_validate({"features": {"most": 1, "also": ["bureau_debt"]}})
    assert list(main_features(REFERENCE, few)) == ["feature:income", "feature:bureau_debt"]


def test_what_cannot_be_watched_is_told_and_is_never_a_zero() -> None:
    counts = counts_like_before()
    del counts["feature:income"]
    counted = Counted(PERIODS, np.sum(counts["score"], axis=1), counts, faults={"feature:income": "gone"})
    older = {key: value for key, value in REFERENCE.items() if key != "decisions"}
    told = unwatched(older, counted, Alarms())
    assert set(told) == {"decisions", "approval", "features feature:income"}
    assert told["features feature:income"] == "gone"
    assert "train again" in told["approval"]
    kinds = {one.kind for one in watched_in(counted, older, Alarms(), groups=GROUPS, looks=60)}
    assert not kinds & {"decisions", "approval"}


def test_what_the_book_does_not_want_watched_never_rings() -> None:
    counts = counts_like_before()
    counts["score"][2:] = [450, 350, 200, 0]
    assert alarms_of(counts, score={"watched": False}) == []


@given(
    large=st.lists(st.booleans(), max_size=30),
    periods=st.integers(1, 4),
    more=st.integers(0, 3),
    added=st.lists(st.booleans(), max_size=5),
)
def test_months_that_come_later_change_nothing_about_what_rang(
    large: list[bool], periods: int, more: int, added: list[bool]
) -> None:
    rule = Alarm.model_validate({"limit": {"value": 0.5, "because": "test"}, "periods": periods, "of": periods + more})

    def of(months: list[bool]) -> list[Episode]:
        effect = np.array(months, dtype=np.float64)
        names = tuple(map(str, range(len(months))))
        return episodes(Watched("score", "score", rule, 0.01, names, effect, lambda *_: 0.0, lambda *_: {}))

    before, after = of(large), of([*large, *added])
    closed = [episode for episode in before if episode.ended is not None]
    assert after[: len(closed)] == closed
    assert [(one.onset, one.rung) for one in after[: len(before)]] == [(one.onset, one.rung) for one in before]
    assert all(large[one.onset] for one in before)
