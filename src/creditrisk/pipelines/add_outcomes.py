"""What later happened to loans, taken from a lender's file: all of it, or nothing and why."""

from __future__ import annotations

import datetime as dt
import sys
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditrisk.errors import BadData, BadUsage
from creditrisk.kinds import Severity, sha256_of_file
from creditrisk.monitoring.deliveries import Checked, Decision, Row, Words, by_rule, check
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.outcome_file import read_outcomes
from creditrisk.pipelines.outcome_store import OutcomeStore
from creditrisk.ports import DECIDED, DecisionStore

MOST_FINDINGS = 100
"""Findings that are told one by one; all of them are counted."""


def run(
    context: Context,
    decisions: DecisionStore,
    file: Path,
    *,
    complete_until: dt.date | None = None,
    skip_bad: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """What was taken of the file, what was not and why. Nothing is taken where one row is bad, unless skip_bad.

    complete_until: everything that happened to the book's loans until this day has been delivered.
    Raises as `read_outcomes`, as the decision store does, and BadUsage for a day that has not come.
    """
    today = context.clock.now().astimezone(dt.UTC).date()
    if complete_until is not None and complete_until > today:
        raise BadUsage(
            f"{complete_until} has not come", where="--complete-until", hint="until then nobody can know everything"
        )
    sent, file_sha256 = read_outcomes(file, context.book.key), sha256_of_file(file)
    named = _named(decisions, context.book.name, sent.rows)
    store = OutcomeStore(context.folder)
    with store.adding():
        words = Words(context.book.portfolio.monitoring.outcomes)
        told = store.told(named.all_ids)
        checked = check(sent.rows, named.by_id, named.of_entity, told, words, today=today, file_sha256=file_sha256)
        findings = sorted([*sent.findings, *checked.findings], key=lambda finding: finding.line or 0)
        refused = by_rule(findings)
        takes = skip_bad or not refused
        counts = _counts(checked, sum(refused.values()), takes=takes)
        before = max((each.complete_until for each in store.deliveries() if each.complete_until), default=dt.date.min)
        says_more = complete_until is not None and complete_until > before
        kept = None
        if not dry_run and takes and (checked.taken or says_more):
            kept = store.add(
                checked.taken, counts, by=context.actor, file=file.name, file_sha256=file_sha256,
                complete_until=complete_until, clock=context.clock,
            )  # fmt: skip
        if not dry_run:
            store.tell_audit(context.workspace.audit, context.book.name, clock=context.clock)
    return {
        "book": context.book.name,
        "file": file.name,
        "file_sha256": file_sha256,
        "dry_run": dry_run,
        "rows": len(sent.rows) + len(sent.findings),
        **counts,
        "refused_by_rule": refused,
        "findings": [finding.as_json() for finding in findings[:MOST_FINDINGS]],
        "findings_in_all": len(findings),
        "ignored_columns": list(sent.ignored),
        "complete_until": None if complete_until is None else complete_until.isoformat(),
        "delivery": None if kept is None else kept.number,
    }


def need_taken(report: Mapping[str, Any], *, skip_bad: bool) -> None:
    """Raises BadData where a row was refused and nothing was taken for it."""
    if skip_bad or not report["refused"]:
        return
    first = next(finding for finding in report["findings"] if finding["severity"] == Severity.REFUSE)
    more = f", and {report['refused'] - 1:,} more rows" if report["refused"] > 1 else ""
    raise BadData(
        f"nothing was taken: {first['what']}{more}",
        where=f"{report['file']}, line {first['line']}",
        hint=f"{first['hint']}; or take the other rows: --skip-bad",
    )


@dataclass(frozen=True)
class _Named:
    """The decisions that a file is about."""

    by_id: Mapping[str, Decision]
    of_entity: Mapping[str, Sequence[Decision]]

    @property
    def all_ids(self) -> Collection[str]:
        return {*self.by_id, *(each.decision_id for found in self.of_entity.values() for each in found)}


def _named(decisions: DecisionStore, book: str, rows: Sequence[Row]) -> _Named:
    """Every decision of the book is looked at once; those that the file is not about are let go."""
    ids, entities = {row.decision_id for row in rows}, {row.entity for row in rows} - {None}
    days: dict[str, dt.date] = {}
    answers: dict[str, str | None] = {}
    entity_of: dict[str, str] = {}
    wanted = ("decision_id", "kind", "about", "time", "decision", "entity_id")
    for batch in decisions.outlines(book):
        for one, kind, about, time, answer, entity in zip(
            *(batch.column(name).to_pylist() for name in wanted), strict=True
        ):
            if kind == "override" and about in answers:
                answers[about] = answer
            elif kind in DECIDED and (one in ids or entity in entities):
                days[one], answers[one] = time.astimezone(dt.UTC).date(), answer
                if entity is not None:
                    entity_of[one] = entity
    by_id = {one: Decision(one, day, answers[one]) for one, day in days.items()}
    of_entity: dict[str, list[Decision]] = defaultdict(list)
    for one, entity in entity_of.items():
        of_entity[entity].append(by_id[one])
    return _Named(by_id, of_entity)


def _counts(checked: Checked, refused: int, *, takes: bool) -> dict[str, int]:
    return {
        "taken": len(checked.taken) if takes else 0,
        "corrected": checked.corrects if takes else 0,
        "already": checked.already,
        "refused": refused,
    }


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("outcomes add"))
