"""What is written into a CSV file comes out of it, digit by digit."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.small_tables import bronze, contract, rows

INTEGERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-(10**6), 10**6))
MONEY = st.one_of(
    st.decimals(-(10**15) + 1, 10**15 - 1, places=3, allow_nan=False), st.decimals(-(10**6), 10**6, places=2)
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def _through(values, kind):
    """The values after a trip through a CSV file with a column of this type."""
    text = "a,b\n" + "".join(f"{'' if value is None else value},1\n" for value in values)
    with tempfile.TemporaryDirectory() as folder:
        table = bronze(Path(folder), text, contract(a=kind, b="integer"))
        assert table.rejected == 0
        return [row[0] for row in rows(table.path)]


@settings(max_examples=25)
@given(st.lists(st.one_of(st.none(), INTEGERS), min_size=1, max_size=20))
def test_integers_keep_every_digit(values):
    assert _through(values, "integer") == values


@settings(max_examples=25)
@given(st.lists(st.one_of(st.none(), MONEY), min_size=1, max_size=20))
def test_decimals_keep_every_digit(values):
    assert _through([None if value is None else f"{value:f}" for value in values], "decimal(18,3)") == [
        None if value is None else Decimal(value) for value in values
    ]


@settings(max_examples=25)
@given(st.lists(st.one_of(st.none(), NUMBERS), min_size=1, max_size=20))
def test_doubles_keep_every_bit(values):
    assert _through([None if value is None else repr(value) for value in values], "double") == values
