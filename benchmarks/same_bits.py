"""Are the features the same bits when every table's rows are shuffled and two threads race?

python -m benchmarks.same_bits [--quick] [--raw FOLDER] [--rows 307511]
Computes Home Credit's feature table twice from the files as they are, and once from the same rows in random order.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from creditrisk.config import MAIN, Book, load_book
from creditrisk.contracts import to_bronze
from creditrisk.demo import write_demo
from creditrisk.duck import PARQUET, DuckSettings, locked_room, quoted
from creditrisk.features import compute, table_schema
from creditrisk.kinds import sha256_of_file
from creditrisk.sources import fetch

FULL_ROWS = 307_511
QUICK_ROWS = 5_000
SETTINGS = DuckSettings(threads=2)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} applications")
    options.add_argument("--raw", type=Path, help="a folder that holds the seven tables already")
    options.add_argument("--rows", type=int, default=FULL_ROWS)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="creditrisk-bits-") as folder:
        raw = chosen.raw
        if raw is None:
            raw = Path(folder) / "raw"
            write_demo("home_credit", raw, rows=QUICK_ROWS if chosen.quick else chosen.rows)
        marks = fingerprints(raw, Path(folder))
    for name, mark in marks.items():
        print(f"{name:<10}{mark}")
    same = len(set(marks.values())) == 1
    print("the same bits" if same else "DIFFERENT BITS")
    return 0 if same else 1


def fingerprints(raw: Path, folder: Path) -> dict[str, str]:
    """sha256 of the feature table: twice as the files are, once with the rows of every table shuffled."""
    book = load_book("home_credit")
    tables = {}
    for name, table in book.portfolio.tables.items():
        landed = fetch(table, table.file, raw, folder / "unpacked")
        if landed is not None:
            entity = book.portfolio.entity if name == MAIN else None
            out = folder / "bronze" / f"{name}.parquet"
            tables[name] = to_bronze(landed, book.contracts[name], out, settings=SETTINGS, entity=entity).path
    mixed = {name: shuffled(path, folder / "shuffled" / path.name) for name, path in tables.items()}
    return {
        "first": fingerprint(book, tables, folder / "first.parquet"),
        "again": fingerprint(book, tables, folder / "again.parquet"),
        "shuffled": fingerprint(book, mixed, folder / "mixed.parquet"),
    }


def shuffled(table: Path, out: Path) -> Path:
    out.parent.mkdir(exist_ok=True)
    rows = f"read_parquet({quoted(str(table))}, file_row_number = true)"
    with locked_room(SETTINGS, reads=[table], writes=out.parent) as con:
        query = f"select * exclude (file_row_number) from {rows} order by md5(cast(file_row_number as varchar))"
        con.execute(f"copy ({query}) to {quoted(str(out))} ({PARQUET})")
    return out


def fingerprint(book: Book, tables: dict[str, Path], out: Path) -> str:
    compute(tables, book.sql, table_schema(book), key=book.key, out=out, settings=SETTINGS)
    return sha256_of_file(out)


if __name__ == "__main__":
    sys.exit(main())
