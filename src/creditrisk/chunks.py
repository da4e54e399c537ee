"""Tables in chunks of one size, whatever the sizes of the pieces that they come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def of_size(pieces: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The pieces' rows in their order: so many in each chunk, and what is left in the last one.

    Pieces without a row give one chunk without a row, so that their columns are not lost; no pieces give none.
    """
    waiting, given = None, 0
    for piece in pieces:
        waiting = piece if waiting is None else pa.concat_tables([waiting, piece])
        while waiting.num_rows >= rows:
            yield waiting.slice(0, rows)
            waiting, given = waiting.slice(rows), given + 1
    if waiting is not None and (waiting.num_rows or not given):
        yield waiting
