"""Where outcomes are kept: a file of rows for each delivery, and a chain that names them; nothing is overwritten.

<book>/outcomes.jsonl has one line for each delivery: who, when, the sha256 of the file that was sent and of the rows
that were taken. The rows lie in <book>/outcomes/<first 16 of their sha256>.parquet. A delivery counts from its line on:
a writer that is killed before leaves a file that nobody reads, and the same delivery made again finds it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import BookFolder, plain_word
from creditrisk.errors import BrokenFile, MissingInput
from creditrisk.files import held, whole_file
from creditrisk.governance.audit import Act, acts_about, append_act
from creditrisk.governance.chain_file import append_line, hash_of_line, lines_of
from creditrisk.kinds import sha256_of_file
from creditrisk.monitoring.deliveries import Row, Told
from creditrisk.ports import Clock

RESTORE = "restore outcomes.jsonl and the folder outcomes from a copy"

ROWS = pa.schema([("decision_id", pa.string()), ("day", pa.date32()), ("status", pa.string()), ("known", pa.date32())])
"""known: NULL where the lender did not say; then it was known when it was delivered."""


@dataclass(frozen=True)
class Delivery:
    """What a line of the chain says. line: its sha256."""

    number: int
    by: str
    delivered: dt.datetime
    file: str
    file_sha256: str
    rows_sha256: str | None
    """None where only `complete_until` was said."""
    taken: int
    corrected: int
    already: int
    refused: int
    complete_until: dt.date | None
    line: str

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        until = self.complete_until
        return {**told, "delivered": self.delivered.isoformat(), "complete_until": until and until.isoformat()}


class OutcomeStore:
    """The outcomes of one book."""

    def __init__(self, folder: BookFolder) -> None:
        self._folder = folder

    @contextmanager
    def adding(self) -> Iterator[None]:
        """While nobody else adds: what is read is still so when it is added to."""
        with held(self._folder.root / ".outcomes.lock"):
            yield

    def deliveries(self, *, as_of: dt.date | None = None) -> list[Delivery]:
        """Oldest first; as_of: those made up to that day. Raises BrokenFile for a chain that was altered."""
        chain = self._folder.outcome_deliveries
        try:
            found = [_delivery(line) for line in lines_of(chain, remedy=RESTORE) if "torn" not in line]
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenFile("this is no chain of outcomes", where=str(chain), hint=RESTORE) from error
        return [each for each in found if as_of is None or each.delivered.date() <= as_of]

    def told(self, decision_ids: Collection[str] | None = None) -> Iterator[Told]:
        """Every row that was taken, oldest delivery first; of these decisions only, where they are named."""
        wanted = None if decision_ids is None else pa.array(sorted(decision_ids), pa.string())
        for delivery in self.deliveries():
            for row in self.rows(delivery, wanted).to_pylist():
                yield Told(
                    row["decision_id"], row["day"], plain_word(row["status"]), row["known"],
                    delivery.delivered.date(), delivery.number, delivery.file_sha256,
                )  # fmt: skip

    def rows(self, delivery: Delivery, wanted: pa.Array | None = None) -> pa.Table:
        """What was taken of a delivery, as `ROWS` says. Raises BrokenFile where the file is gone or was altered."""
        if delivery.rows_sha256 is None:
            return ROWS.empty_table()
        path = self._path(delivery.rows_sha256)
        if not path.is_file() or sha256_of_file(path) != delivery.rows_sha256:
            what = "was altered" if path.is_file() else "is gone"
            raise BrokenFile(f"the outcomes of delivery {delivery.number} {what}", where=str(path), hint=RESTORE)
        table = pq.read_table(path, schema=ROWS)
        return table if wanted is None else table.filter(pc.is_in(table["decision_id"], value_set=wanted))

    def add(
        self,
        rows: Sequence[Row],
        counts: Mapping[str, int],
        *,
        by: str,
        file: str,
        file_sha256: str,
        complete_until: dt.date | None,
        clock: Clock,
    ) -> Delivery:
        """Keep the rows; they count once this returns. Only while `adding`."""
        rows_sha256 = self._write(rows) if rows else None
        line = {
            "actor": by,
            "file": file,
            "file_sha256": file_sha256,
            "rows_sha256": rows_sha256,
            "complete_until": None if complete_until is None else complete_until.isoformat(),
            **counts,
        }
        chain = self._folder.outcome_deliveries
        return _delivery(append_line(chain, line, torn=lambda kept: {"torn": dict(kept)}, clock=clock))

    def _write(self, rows: Sequence[Row]) -> str:
        ordered = sorted(rows, key=lambda row: (row.decision_id or "", row.day, row.known or dt.date.max))
        columns = {
            "decision_id": [row.decision_id for row in ordered],
            "day": [row.day for row in ordered],
            "status": [row.status for row in ordered],
            "known": [row.known for row in ordered],
        }
        table = pa.table(columns, schema=ROWS)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        content = sink.getvalue().to_pybytes()
        sha256 = hashlib.sha256(content).hexdigest()
        with whole_file(self._path(sha256)) as partial:
            partial.write_bytes(content)
        return sha256

    def _path(self, sha256: str) -> Path:
        return self._folder.outcomes / f"{sha256[:16]}.parquet"

    def tell_audit(self, audit: Path, book: str, *, clock: Clock) -> int:
        """An act for each delivery that the audit chain was not told of; how many there were.

        A command that was killed between its delivery and its act leaves that to the next one.
        """
        told = {act["hashes"]["delivery"] for act in acts_about(audit, Act.OUTCOMES_ADDED, book=book)}
        missing = [each for each in self.deliveries() if each.line not in told]
        for each in missing:
            hashes = {"book": book, "delivery": each.line, "file": each.file_sha256}
            append_act(audit, each.by, Act.OUTCOMES_ADDED, hashes | _rows_hash(each), clock=clock)
        return len(missing)


def need_deliveries(deliveries: Sequence[Delivery], book: str) -> None:
    """Raises MissingInput where nothing was ever delivered."""
    if not deliveries:
        raise MissingInput(
            "no outcomes were delivered", where=book, hint=f"creditrisk outcomes add {book} --input FILE"
        )


def _rows_hash(delivery: Delivery) -> dict[str, str]:
    return {} if delivery.rows_sha256 is None else {"rows": delivery.rows_sha256}


def _delivery(line: Mapping[str, Any]) -> Delivery:
    until = line["complete_until"]
    return Delivery(
        number=int(line["seq"]),
        by=line["actor"],
        delivered=dt.datetime.fromisoformat(line["time"]),
        file=line["file"],
        file_sha256=line["file_sha256"],
        rows_sha256=line["rows_sha256"],
        taken=line["taken"],
        corrected=line["corrected"],
        already=line["already"],
        refused=line["refused"],
        complete_until=None if until is None else dt.date.fromisoformat(until),
        line=hash_of_line(line),
    )
