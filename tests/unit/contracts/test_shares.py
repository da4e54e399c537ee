"""Shares, units, and what moved since the last accepted ingestion: told when planted, silent when it may be chance."""

from __future__ import annotations

from typing import Any

import pytest

from creditrisk.config import Contract
from creditrisk.contracts import TableProfile
from creditrisk.contracts.shares import largest_moves, moved, outside_bands, unlike_their_unit
from tests.support.small_tables import contract


def profile(rows: int, empty: int = 0, **more: Any) -> TableProfile:
    return TableProfile(rows, nulls={"x": empty}, **more)


def promised(**column: Any) -> Contract:
    return contract(x={"type": "integer", **column})


@pytest.mark.parametrize(("empty", "rule"), [(400, "null share"), (500, None), (600, None), (700, "null share")])
def test_empty_cells_outside_their_band_are_told_with_their_number(empty: int, rule: str | None) -> None:
    found = list(outside_bands(promised(null_share=[0.5, 0.6]), profile(1000, empty)))
    assert [(one.rule, one.rows) for one in found] == ([(rule, empty)] if rule else [])


def test_one_number_is_the_highest_share() -> None:
    told = promised(null_share=0.1)
    assert list(outside_bands(told, profile(1000, 0))) == []
    (found,) = outside_bands(told, profile(1000, 200))
    assert "20% of the cells are empty; expected 0% to 10%" in found.what


def test_ten_rows_raise_no_alarm_that_ten_thousand_raise() -> None:
    told = promised(null_share=[0.2, 0.3])
    assert list(outside_bands(told, profile(10, 5))) == []
    assert len(list(outside_bands(told, profile(10_000, 5_000)))) == 1


def test_a_column_that_must_never_be_empty_needs_one_empty_cell() -> None:
    assert len(list(outside_bands(promised(null_share=0), profile(10, 1)))) == 1


def test_an_optional_column_that_the_file_lacks_has_no_share() -> None:
    assert list(outside_bands(promised(null_share=0.1, optional=True), profile(1000, 1000))) == []


def test_rows_of_few_applications_count_for_few() -> None:
    told = promised(null_share=[0.2, 0.3])
    assert list(outside_bands(told, profile(10_000, 5_000), weight=0.001)) == []


@pytest.mark.parametrize(("count", "rule"), [(180, None), (500, "sentinel share"), (0, "sentinel share")])
def test_a_sentinel_has_its_expected_share(count: int, rule: str | None) -> None:
    told = promised(sentinels={"365243": {"means": "not employed", "share": [0.12, 0.25]}})
    found = list(outside_bands(told, profile(1000, sentinels={"x": {"365243": count}})))
    assert [(one.rule, one.rows) for one in found] == ([(rule, count)] if rule else [])


def test_a_sentinel_without_an_expected_share_is_counted() -> None:
    told = promised(sentinels={"365243": "not employed"})
    (found,) = outside_bands(told, profile(1000, sentinels={"x": {"365243": 3}}))
    assert (found.rule, found.rows, found.what) == ("sentinel", 3, "365243 means not employed")


@pytest.mark.parametrize(
    ("unit", "ends", "says"),
    [
        ("percent", (0.0, 0.4), "is it a share"),
        ("share", (0.0, 40.0), "is it in percent"),
        ("count of visits", (-3, 4), "go down to -3"),
        ("percent", (0.0, 40.0), ""),
        ("share", (0.0, 1.0), ""),
        ("days before the application", (-3, 4), ""),
    ],
)
def test_numbers_that_do_not_look_like_their_unit_are_doubted(unit: str, ends: tuple[float, float], says: str) -> None:
    found = list(unlike_their_unit(promised(unit=unit), profile(1000), {"x": ends}))
    assert says in found[0].what if says else found == []


def test_few_values_are_not_doubted() -> None:
    assert list(unlike_their_unit(promised(unit="percent"), profile(50), {"x": (0.0, 0.4)})) == []


@pytest.mark.parametrize(("rows", "told"), [(500, True), (700, False), (1400, False), (2000, True)])
def test_a_table_that_halves_or_swells_is_told(rows: int, told: bool) -> None:
    found = [one.rule for one in moved(promised(), profile(1000), profile(rows))]
    assert found == (["rows changed"] if told else [])


def test_a_table_of_four_rows_may_halve() -> None:
    assert list(moved(promised(), profile(4), profile(2))) == []


def test_empty_cells_that_jump_are_told_and_those_that_wander_are_not() -> None:
    (found,) = moved(promised(), profile(10_000, 100), profile(10_000, 2_000))
    assert (found.rule, found.column, found.rows) == ("share changed", "x", 2_000)
    assert "from 1.0% to 20.0%" in found.what
    assert list(moved(promised(), profile(10_000, 100), profile(10_000, 500))) == []
    assert list(moved(promised(), profile(20, 1), profile(20, 5))) == []


def test_a_category_that_vanishes_is_told_by_name() -> None:
    before = profile(1000, categories={"x": {"a": 500, "b": 500}})
    now = profile(1000, categories={"x": {"a": 1000, "b": 0}})
    found = list(moved(promised(), before, now))
    assert [(one.rule, one.examples, one.rows) for one in found] == [
        ("share changed", ("a",), 1000), ("share changed", ("b",), 0),
    ]  # fmt: skip
    assert [move[2:] for move in largest_moves(before, now)] == [("a", 0.5, 1.0), ("b", 0.5, 0.0)]


def test_bands_of_the_contract_decide() -> None:
    wide = promised().model_copy(update={"since_last": promised().since_last.model_copy(update={"rows": (0.1, 9.0)})})
    assert list(moved(wide, profile(1000), profile(500))) == []


def test_optional_columns_that_came_or_went_are_one_finding_each() -> None:
    told = contract(**{name: {"type": "integer", "optional": True} for name in ("a", "b", "c")})
    before = TableProfile(1000, nulls={"a": 1000, "b": 1000, "c": 10})
    now = TableProfile(1000, nulls={"a": 0, "b": 300, "c": 1000})
    assert [(one.rule, one.column, one.examples) for one in moved(told, before, now)] == [
        ("share changed", None, ("a", "b")), ("share changed", None, ("c",)),
    ]  # fmt: skip
