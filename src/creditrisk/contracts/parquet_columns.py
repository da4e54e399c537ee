"""Which columns a Parquet file has, and whether they can be what the contract says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from creditrisk.config import Column, Contract
from creditrisk.duck import first_line, parquet, quoted
from creditrisk.errors import BadData, BrokenFile

if TYPE_CHECKING:
    from creditrisk.sources import Landed

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")
_FITS = {
    "text": ("VARCHAR", "ENUM", "UUID", *_WHOLE),
    "integer": ("VARCHAR", "BOOLEAN", *_WHOLE, *_FRACTIONS),
    "double": ("VARCHAR", "BOOLEAN", *_WHOLE, *_FRACTIONS),
    "decimal": ("VARCHAR", "BOOLEAN", *_WHOLE, *_FRACTIONS),
    "date": ("VARCHAR", "DATE", "TIMESTAMP"),
    "boolean": ("VARCHAR", "BOOLEAN", *_WHOLE),
}


def parquet_types(landed: Landed, contract: Contract) -> dict[str, str]:
    """{name: DuckDB's type}, in file order.

    Raises BrokenFile when the file cannot be opened, BadData when a column of the contract stands twice, is nested,
    or is of a type that cannot become the contract's without a guess.
    """
    path = quoted(str(landed.path.resolve()))
    con = duckdb.connect(":memory:")
    try:
        types = {row[0]: row[1] for row in con.sql(f"describe from {parquet(landed.path)}").fetchall()}
        roots = con.sql(  # the names as the file gives them: DuckDB renames the second of two
            f"select name from parquet_schema({path}) where name is not null"  # noqa: S608
        ).fetchall()
    except duckdb.Error as error:
        raise BrokenFile(_told(error), where=str(landed.source), hint="fetch it again") from error
    finally:
        con.close()
    names = [row[0] for row in roots]
    doubled = [name for name in contract.names if names.count(name) > 1]
    nested = any(kind.endswith("]") or kind.startswith(("STRUCT", "MAP")) for kind in types.values())
    if doubled and not nested:
        raise BadData(
            f"the column {doubled[0]} stands twice", where=str(landed.source), hint="rename or remove one of them"
        )
    for column in contract.columns:
        if column.name in types and not _fits(column, types[column.name]):
            raise _wrong(column, types[column.name], landed)
    return types


def _fits(column: Column, kind: str) -> bool:
    return not kind.endswith("]") and kind.startswith(_FITS[column.type.partition("(")[0]])


def _wrong(column: Column, kind: str, landed: Landed) -> BadData:
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP"))
    return BadData(
        f"the column holds {'nested values' if nested else kind}, which cannot become {column.type} without a guess",
        where=f"{landed.source}, column {column.name}",
        hint="write the table with one plain value a cell, in the contract's type",
    )


def _told(error: duckdb.Error) -> str:
    text = first_line(error)
    if "ncrypt" in text:
        return "the Parquet file is encrypted"
    return f"not a readable Parquet file: {text}"
