"""No row is lost, doubled or moved when tables are cut anew."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.chunks import of_size


def pieces_of(sizes: list[int]) -> list[pa.Table]:
    numbers = iter(range(sum(sizes)))
    return [pa.table({"n": pa.array([next(numbers) for _ in range(size)], pa.int64())}) for size in sizes]


@given(sizes=st.lists(st.integers(0, 12), min_size=1), rows=st.integers(1, 7))
def test_every_chunk_but_the_last_is_full_and_the_rows_stay_in_their_order(sizes: list[int], rows: int) -> None:
    chunks = list(of_size(pieces_of(sizes), rows))
    assert [number for chunk in chunks for number in chunk["n"].to_pylist()] == list(range(sum(sizes)))
    assert all(chunk.num_rows == rows for chunk in chunks[:-1])
    assert 0 < chunks[-1].num_rows <= rows or (sum(sizes) == 0 and len(chunks) == 1)


def test_no_pieces_give_no_chunk_and_an_empty_piece_gives_its_columns() -> None:
    assert list(of_size([], 3)) == []
    (chunk,) = of_size(pieces_of([0, 0]), 3)
    assert chunk.column_names == ["n"]


def test_a_chunk_is_given_before_the_next_piece_is_asked_for() -> None:
    asked: list[int] = []

    def coming() -> object:
        for number, piece in enumerate(pieces_of([4, 4])):
            asked.append(number)
            yield piece

    chunks = of_size(coming(), 4)  # type: ignore[arg-type]
    next(chunks)
    assert asked == [0]
