"""Decisions of a book and what was heard of their loans, out of the decision store and the deliveries."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.config import Outcomes
from creditrisk.kinds import Verdict
from creditrisk.monitoring.deliveries import Words
from creditrisk.monitoring.heard import Delivered, heard_of
from creditrisk.monitoring.matured import Decided, Heard, Seen
from creditrisk.monitoring.outcomes import Loans
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.outcome_store import Delivery, OutcomeStore
from creditrisk.ports import DECIDED, OUTLINE, DecisionStore


@dataclass(frozen=True)
class BookLoans:
    """Every loan that any model decided, until `seen.as_of`."""

    loans: Loans
    bundle: NDArray[np.str_]
    """Which model decided, shape (n,)."""
    models: Mapping[str, Mapping[str, Any]]
    """{bundle: {version, decisions, first, last}}, all decisions counted."""
    seen: Seen
    deliveries: list[Delivery]
    merged: int
    """Decisions that are not looked at, because another of the same entity made its loan."""
    lost_words: list[str]

    def of(self, bundle_sha256: str) -> Loans:
        here = self.bundle == bundle_sha256
        place = np.cumsum(here) - 1
        told = self.loans.heard
        theirs = here[told.loan]
        decided = self.loans.decided
        return Loans(
            Decided(decided.day[here], decided.pd[here], decided.window_months[here], decided.approved[here]),
            Heard(place[told.loan[theirs]], told.day[theirs], told.meaning[theirs], told.bucket[theirs]),
            self.loans.grade[here],
            self.loans.answer[here],
        )


def loans_of(
    context: Context, store: DecisionStore, *, as_of: dt.date | None = None, since: dt.date | None = None
) -> BookLoans:
    """What is known on that day (else today) of the loans decided since then, by the book's own rules.

    Raises as the decision store and `OutcomeStore` do.
    """
    said = context.book.portfolio.monitoring.outcomes
    day = as_of or context.clock.now().astimezone(dt.UTC).date()
    table = _decisions(store, context.book.name, since, day, said.term_feature)
    outcomes = OutcomeStore(context.folder)
    deliveries = outcomes.deliveries(as_of=day)
    told_until = [each.complete_until for each in deliveries if each.complete_until is not None]
    seen = Seen(day, min(max(told_until), day) if told_until else None, said.known_after_months)
    chosen, loan_of = _one_for_each_entity(table)
    heard, lost = heard_of(_delivered(outcomes, table, loan_of), Words(said), np.datetime64(day, "D"))
    kept = table.take(pa.array(chosen))
    answer = kept["answer"].to_numpy(zero_copy_only=False).astype(np.str_)
    decided = Decided(
        kept["time"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[D]"),
        kept["pd"].to_numpy(),
        _windows(kept, said),
        np.ones(len(answer), dtype=np.bool_) if said.granted == "all" else answer == Verdict.APPROVE.value,
    )
    grade = kept["grade"].to_numpy(zero_copy_only=False).astype(np.str_)
    bundle = kept["bundle_sha256"].to_numpy(zero_copy_only=False).astype(np.str_)
    loans = Loans(decided, heard, grade, answer)
    return BookLoans(loans, bundle, _models(table), seen, deliveries, table.num_rows - len(chosen), lost)


def _decisions(store: DecisionStore, book: str, since: dt.date | None, until: dt.date, term: str | None) -> pa.Table:
    """Every decision of the book up to that day, oldest first, with `answer`, the last word by then, and the `term`."""
    start = None if since is None else dt.datetime.combine(since, dt.time(), dt.UTC)
    end = dt.datetime.combine(until, dt.time(), dt.UTC) + dt.timedelta(days=1)
    parts: list[pa.Table] = []
    overruled: dict[str, str] = {}
    read = store.outlines if term is None else store.batches  # the term stands in the payload
    for batch in read(book, since=start, until=end):
        kinds = batch.column("kind")
        overruled.update(_pairs(batch.filter(pc.equal(kinds, "override"))))
        rows = batch.filter(pc.is_in(kinds, value_set=pa.array(DECIDED)))
        rows = rows.filter(pc.is_valid(rows.column("pd")))
        part = pa.Table.from_batches([rows.select(OUTLINE)])
        parts.append(part.append_column("term", _terms(rows, term)))
    if not parts:
        return _empty().append_column("answer", pa.array([], pa.string()))
    table = pa.concat_tables(parts)
    return table.append_column("answer", _answers(table, overruled))


def _empty() -> pa.Table:
    types = {"time": pa.timestamp("us", "UTC"), "pd": pa.float64()}
    fields = [(name, types.get(name, pa.string())) for name in OUTLINE]
    return pa.schema([*fields, ("term", pa.float64())]).empty_table()


def _pairs(overrides: pa.RecordBatch) -> list[tuple[str, str]]:
    return list(zip(overrides.column("about").to_pylist(), overrides.column("decision").to_pylist(), strict=True))


def _answers(table: pa.Table, overruled: Mapping[str, str]) -> pa.Array:
    if not overruled:
        return table["decision"].combine_chunks()
    ids = pa.array(list(overruled), pa.string())
    place = pc.index_in(table["decision_id"].combine_chunks(), value_set=ids)
    last_word = pa.array(list(overruled.values()), pa.string()).take(place)
    return pc.coalesce(last_word, table["decision"].combine_chunks())


def _terms(rows: pa.RecordBatch, term: str | None) -> pa.Array:
    """The contract's months, out of the features; NULL where they are gone or do not hold it."""
    if term is None:
        return pa.nulls(rows.num_rows, pa.float64())
    told = [None if text is None else json.loads(text).get(term) for text in rows.column("features").to_pylist()]
    return pa.array([each if isinstance(each, int | float) else None for each in told], pa.float64())


def _windows(table: pa.Table, said: Outcomes) -> NDArray[np.int64]:
    terms = table["term"].to_numpy(zero_copy_only=False).astype(np.float64)
    windows = np.where(np.isnan(terms), said.window_months, np.nan_to_num(terms) + said.months_after_term)
    return windows.astype(np.int64)


def _one_for_each_entity(table: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that made a loan, oldest first, and for each row the place of its entity's among them.

    Of an entity's decisions the first that was approved made its loan, else the last. A correction stands for the
    decision that it corrects. A decision whose entity is gone stands for itself.
    """
    n = table.num_rows
    ids, entity = table["decision_id"].combine_chunks(), table["entity_id"].combine_chunks()
    corrected = pc.index_in(table["about"].combine_chunks(), value_set=ids)
    whose = entity.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.float64)
    whose = np.where(np.isnan(whose), n + np.arange(n), whose).astype(np.int64)
    approved = table["answer"].to_numpy(zero_copy_only=False) == Verdict.APPROVE.value
    replaced = np.zeros(n, dtype=np.bool_)
    replaced[corrected.drop_null().to_numpy().astype(np.int64)] = True
    at = np.arange(n)
    # The best comes last: one that was not replaced, approved; of the approved the first, of the others the last.
    order = np.lexsort((np.where(approved, -at, at), approved, ~replaced, whose))
    best = np.append(whose[order][1:] != whose[order][:-1], True)[:n]
    chosen = np.sort(order[best])
    place_of = np.empty(n, dtype=np.int64)
    place_of[chosen] = np.arange(len(chosen))
    group = np.cumsum(np.append(False, best[:-1]))[:n]
    loan_of = np.empty(n, dtype=np.int64)
    loan_of[order] = place_of[order[best]][group] if n else 0
    return chosen, loan_of


def _delivered(outcomes: OutcomeStore, table: pa.Table, loan_of: NDArray[np.int64]) -> Delivered:
    ids = table["decision_id"].combine_chunks()
    loans, days, knowns, numbers, words = [], [], [], [], []
    for delivery in outcomes.deliveries():
        rows = outcomes.rows(delivery)
        place = pc.index_in(rows["decision_id"].combine_chunks(), value_set=ids)
        at = place.to_numpy(zero_copy_only=False).astype(np.float64)
        found = ~np.isnan(at)
        loan = np.full(len(at), -1, dtype=np.int64)
        loan[found] = loan_of[at[found].astype(np.int64)]
        loans.append(loan)
        days.append(rows["day"].to_numpy().astype("datetime64[D]"))
        known = rows["known"].fill_null(delivery.delivered.date())
        knowns.append(known.to_numpy().astype("datetime64[D]"))
        numbers.append(np.full(rows.num_rows, delivery.number, dtype=np.int64))
        words.append(rows["status"].combine_chunks())
    if not loans:
        nothing, never = np.zeros(0, dtype=np.int64), np.zeros(0, dtype="datetime64[D]")
        return Delivered(nothing, never, never, nothing, nothing, [])
    coded = pa.chunked_array(words).combine_chunks().dictionary_encode()
    return Delivered(
        np.concatenate(loans), np.concatenate(days), np.concatenate(knowns), np.concatenate(numbers),
        coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), coded.dictionary.to_pylist(),
    )  # fmt: skip


def _models(table: pa.Table) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    grouped = table.group_by(["bundle_sha256"]).aggregate([("time", "count"), ("time", "min"), ("time", "max")])
    versions = table.group_by(["bundle_sha256"]).aggregate([("model_version", "max")])
    version_of = dict(
        zip(versions["bundle_sha256"].to_pylist(), versions["model_version_max"].to_pylist(), strict=True)
    )
    for row in sorted(grouped.to_pylist(), key=lambda row: (row["time_min"], row["bundle_sha256"])):
        found[row["bundle_sha256"]] = {
            "version": version_of[row["bundle_sha256"]],
            "decisions": row["time_count"],
            "first": row["time_min"].date().isoformat(),
            "last": row["time_max"].date().isoformat(),
        }
    return found
