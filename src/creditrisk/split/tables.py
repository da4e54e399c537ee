"""Writes the parts: features beside the target, and apart from them the groups that fairness looks at."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.config import MAIN, Book
from creditrisk.duck import PARQUET, Connection, DuckSettings, locked_room, named, parquet, quoted, translated
from creditrisk.files import whole_file
from creditrisk.split.parts import PARTS

NOT_FEATURES = ("target", "date", "fold")
"""Columns of a part's file that stand between the key and the features."""


def write_parts(feature_store: Path, parts: pa.Table, folder: Path, key: str, settings: DuckSettings) -> dict[str, int]:
    """<folder>/{train,calibration,test}.parquet: key, target, date, fold, features, sorted by key.

    Of those who are in the feature store. Returns rows.
    """
    rows: dict[str, int] = {}
    for part in PARTS:
        with (
            whole_file(folder / f"{part}.parquet") as partial,
            locked_room(settings, reads=[feature_store], writes=folder) as con,
            translated(part),
        ):
            con.register("parts", parts)
            _copy(
                con,
                f"""select p.key as {named(key)}, p.target, p.date, p.fold, f.* exclude ({named(key)})
                    from parts as p join {parquet(feature_store)} as f on f.{named(key)} = p.key
                    where p.part = {quoted(part)} order by p.key""",  # noqa: S608
                partial,
            )
            rows[part] = pq.read_metadata(partial).num_rows
    return rows


def write_audit(book: Book, main: Path, out: Path, settings: DuckSettings) -> None:
    """<out>: key and the main table's prohibited, rebuilding and restricted columns; never features."""
    policy = book.portfolio.policy
    known = set(book.contracts[MAIN].names)
    barred = [item.column for item in (*policy.prohibited, *policy.rebuilders, *policy.restricted)]
    columns = ", ".join(named(column) for column in dict.fromkeys([book.key, *(c for c in barred if c in known)]))
    with (
        whole_file(out) as partial,
        locked_room(settings, reads=[main], writes=out.parent) as con,
        translated(str(main)),
    ):
        _copy(con, f"select {columns} from {parquet(main)} order by {named(book.key)}", partial)  # noqa: S608


def _copy(con: Connection, query: str, out: Path) -> None:
    con.execute(f"copy ({query}) to {quoted(str(out.resolve()))} ({PARQUET})")
