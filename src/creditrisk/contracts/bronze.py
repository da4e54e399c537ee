"""A raw file becomes a typed Parquet file, row for row; what cannot be read is told with its place, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq

from creditrisk.config import MAIN, Contract
from creditrisk.config.portfolio import Entity
from creditrisk.contracts.layout import Layout, look
from creditrisk.contracts.raw_table import RawTable, open_parquet, open_text
from creditrisk.contracts.readings import largest_exact
from creditrisk.contracts.rejects import SHOWN, Counts, refused_rows, rejected_findings
from creditrisk.contracts.tidy import tidied, worth_tidying
from creditrisk.duck import PARQUET, DuckSettings, first_line, locked_room, named, parquet, quoted
from creditrisk.errors import BadData, BrokenFile, OutsideFailed
from creditrisk.files import whole_file
from creditrisk.kinds import Finding, Severity, sha256_of_file

if TYPE_CHECKING:
    from creditrisk.sources import Landed

BRONZE_PARQUET = f"{PARQUET}, use_tmp_file false"


@dataclass(frozen=True, slots=True)
class BronzeTable:
    """A table that was read. `rows` were kept, `rejected` could not be read."""

    table: str
    path: Path
    rows: int
    rejected: int
    columns: int
    sha256: str
    findings: tuple[Finding, ...]


def to_bronze(
    landed: Landed,
    contract: Contract,
    out: Path,
    *,
    settings: DuckSettings,
    entity: Entity | None = None,
    scoring: bool = False,
    hidden: frozenset[str] = frozenset(),
) -> BronzeTable:
    """Read a raw file as its contract says and write `out`: contract's columns and order, the file's row order.

    entity: of the main table; where it is a hash, it becomes the first column.
    scoring: outcomes and what comes to exist after origination may be absent.
    hidden: columns whose values no finding may show.
    The same input gives the same bytes, so one thread reads; run tables side by side to use more.
    Raises BadData (with the first places) when the header does not fit, when more rows than `rejected_share_max`
    cannot be read, or when the main table has no row; BrokenFile when it is damaged; OutsideFailed when memory or
    disk run out. `out` is whole or not there.
    """
    with ExitStack() as room:
        raw = replace(_opened(landed, contract, out.parent, room, scoring=scoring), hidden=hidden)
        try:
            return _written(raw, out, entity, settings)
        except _TidyFirst as reason:
            raw = _tidied(landed, contract, look(landed, contract), out.parent, room, scoring=scoring)
            raw = replace(raw, findings=(*raw.findings, *reason.findings), hidden=hidden)
            return _written(raw, out, entity, settings)


class _TidyFirst(Exception):
    """No failure: the file is read again, as a plain copy."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__()
        self.findings = findings


def _opened(landed: Landed, contract: Contract, folder: Path, room: ExitStack, *, scoring: bool) -> RawTable:
    """The file as it lies where DuckDB reads it rightly, else a plain copy of it."""
    if landed.format == "parquet":
        return open_parquet(landed, contract, scoring=scoring)
    layout = look(landed, contract)
    raw = open_text(landed, contract, layout.names, scoring=scoring)
    if layout.odd:
        return _tidied(landed, contract, layout, folder, room, scoring=scoring)
    return replace(raw, findings=(*layout.findings, *raw.findings), may_be_tidied=True)


def _tidied(
    landed: Landed, contract: Contract, layout: Layout, folder: Path, room: ExitStack, *, scoring: bool
) -> RawTable:
    copy = room.enter_context(tidied(landed, layout, contract, folder))
    raw = open_text(landed, contract, layout.names, scoring=scoring)
    names = raw.types if len(copy.names) == len(raw.types) else {**raw.types, "": "VARCHAR"}
    return replace(
        raw,
        landed=copy.landed,
        types=names,
        has_header=copy.has_header,
        findings=(*layout.findings, *copy.findings, *raw.findings),
        left_out=copy.shown,
        left_out_rows=copy.rejected,
    )


def _written(raw: RawTable, out: Path, entity: Entity | None, settings: DuckSettings) -> BronzeTable:
    contract = raw.contract
    with whole_file(out) as partial:
        counts = _write_exactly(raw, partial, entity, settings)
        if raw.may_be_tidied and counts.rejected and worth_tidying(raw, counts):
            raise _TidyFirst()
        kept = pq.read_metadata(partial).num_rows
        if counts.runs_away or counts.rejected > contract.rejected_share_max * (kept + counts.rejected):
            raise refused_rows(raw, counts, kept)
        if kept == 0 and contract.table == MAIN:
            raise BadData(
                "the main table has no rows", where=str(raw.landed.source), hint="give a file with applications"
            )
    read = (_without_values(finding) if finding.column in raw.hidden else finding for finding in raw.findings)
    findings = (*read, *_rounded(raw, counts), *rejected_findings(raw, counts))
    columns = len(contract.columns) + bool(entity and entity.hash_of)
    return BronzeTable(contract.table, out, kept, counts.rejected, columns, sha256_of_file(out), findings)


def _without_values(finding: Finding) -> Finding:
    return replace(finding, what=re.sub(r'"[^"]*"', "a value", finding.what), examples=())


def entity_key_sql(contract: Contract, entity: Entity) -> str:
    """The key of an application without one of its own, as SQL over its bronze columns: lower-case hex md5.

    Over the columns that exist at `entity.hash_of` and those of `hash_also`, in contract order, each as DuckDB
    writes its typed value, NULL as ~, joined by |.
    """
    columns = [
        column.name
        for column in contract.columns
        if column.available in entity.hash_of or column.name in entity.hash_also
    ]
    texts = ", ".join(f"coalesce(cast({named(name)} as varchar), '~')" for name in columns)
    return f"md5(concat_ws('|', {texts}))"


def _write_exactly(raw: RawTable, partial: Path, entity: Entity | None, settings: DuckSettings) -> Counts:
    """Write with the fast readings, and once more with the careful ones where those do not hold a value."""
    counts = _write(raw, partial, entity, settings)
    if counts.bad:
        raw = raw.careful(raw.numbers)
    elif wide := _too_wide(raw, partial):
        raw = raw.careful(wide)
    else:
        return counts
    partial.unlink()
    return _write(raw, partial, entity, settings)


def _write(raw: RawTable, partial: Path, entity: Entity | None, settings: DuckSettings) -> Counts:
    one_thread = replace(settings, threads=1)
    with (
        _translated(raw),
        locked_room(one_thread, reads=[raw.landed.path], writes=partial.parent) as con,
    ):
        con.execute(raw.make_counters)
        con.execute(f"copy ({_select(raw, entity)}) to {quoted(str(partial.resolve()))} ({BRONZE_PARQUET})")
        return Counts.taken(con, raw, shown=SHOWN)


def _select(raw: RawTable, entity: Entity | None) -> str:
    rows = f"select {raw.values} from {raw.rows} where {raw.counted_condition}"  # noqa: S608
    if entity is None or not entity.hash_of:
        return rows
    return f"select {entity_key_sql(raw.contract, entity)} as {named(entity.key)}, * from ({rows})"  # noqa: S608


def _too_wide(raw: RawTable, written: Path) -> frozenset[str]:
    """Columns with values that a DOUBLE cannot tell from their neighbours; answered by the file's own statistics."""
    columns = [raw.contract.column(name) for name in sorted(raw.numbers)]
    limits = {column.name: limit for column in columns if (limit := largest_exact(column))}
    if not limits:
        return frozenset()
    ends = ", ".join(f"min({named(name)}), max({named(name)})" for name in limits)
    con = duckdb.connect(":memory:")
    try:
        row = con.sql(f"select {ends} from {parquet(written)}").fetchall()[0]  # noqa: S608
    finally:
        con.close()
    pairs = zip(limits.items(), row[::2], row[1::2], strict=True)
    return frozenset(
        name for (name, limit), low, high in pairs if low is not None and max(abs(low), abs(high)) >= limit
    )


def _rounded(raw: RawTable, counts: Counts) -> list[Finding]:
    return [
        Finding(
            raw.contract.table,
            "rounded",
            Severity.WARN,
            f"{rows:,} values have more decimals than {raw.contract.column(name).type} and were rounded",
            column=name,
            file=raw.landed.name,
            rows=rows,
            hint="give the column a wider decimal in the contract if the digits matter",
        )
        for name, rows in counts.rounded.items()
    ]


@contextmanager
def _translated(raw: RawTable) -> Iterator[None]:
    """DuckDB's errors as ours: the machine is too small, or the file is not what it should be."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise OutsideFailed(
            first_line(error), where=str(raw.landed.source), hint="give more with CREDITRISK_MEMORY_LIMIT"
        ) from error
    except duckdb.IOException as error:
        if raw.may_be_tidied and "GZIP" in str(error):  # Python reads members and fields that DuckDB does not
            raise _TidyFirst() from error
        raise OutsideFailed(
            first_line(error), where=str(raw.landed.source), hint="free disk space, or see whether the file is whole"
        ) from error
    except duckdb.Error as error:
        if raw.may_be_tidied and "state machine" in str(error):
            what = "different line ends are mixed; each was read as one"
            table, file = raw.contract.table, raw.landed.name
            raise _TidyFirst(Finding(table, "line ends", Severity.WARN, what, file=file)) from error
        if not raw.is_csv:
            raise BrokenFile(
                f"the Parquet file is damaged: {first_line(error)}", where=str(raw.landed.source), hint="fetch it again"
            ) from error
        raise BrokenFile(_told(error), where=str(raw.landed.source), hint="save it again as plain CSV") from error


def _told(error: duckdb.Error) -> str:
    """DuckDB's first line, without its advice about options that nobody here can set."""
    if "state machine" in str(error):
        return "different line ends are mixed, or quotes stand where none may be, so the rows cannot be told apart"
    return f"cannot be read: {first_line(error).removeprefix('Invalid Input Error: ')}"
