"""Rows that a lender sends about loans: which can be believed, which correct what was said, which say nothing new.

Three times belong to a row: `day`, when it was so; `known`, when the lender knew; and when it was delivered. Nothing is
overwritten: of several rows on one day of a loan the one that was known last holds, and what was known earlier can be
asked for.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from creditrisk.config import Outcomes, plain_word
from creditrisk.errors import did_you_mean
from creditrisk.kinds import Finding, Severity, Verdict
from creditrisk.monitoring.matured import Meaning

TABLE = "outcomes"
RETRACTED = None
"""Meaning of a word that takes back what was said."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file. line: of the file, from 1."""

    line: int
    decision_id: str | None
    entity: str | None
    day: dt.date
    status: str
    known: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What must be known of a decision to say which loan an outcome is about. answer: the last word, a person's or the
    model's."""

    decision_id: str
    day: dt.date
    answer: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """One row as it is kept. delivery: number of the delivery; file_sha256: of the file it came in."""

    decision_id: str
    day: dt.date
    word: str
    known: dt.date | None
    delivered: dt.date
    delivery: int
    file_sha256: str

    @property
    def order(self) -> tuple[dt.date, int]:
        """The greatest of a loan's day holds."""
        return self.known or self.delivered, self.delivery


class Words:
    """What the book's status words mean."""

    def __init__(self, said: Outcomes) -> None:
        self.meanings: dict[str, Meaning | None] = {plain_word(word): RETRACTED for word in said.retracted}
        self.buckets: dict[str, int] = {}
        for meaning, words in ((Meaning.BAD, said.bad), (Meaning.GOOD, said.good), (Meaning.NO_LOAN, said.no_loan)):
            self.meanings |= {plain_word(word): meaning for word in words}
        for place, words in enumerate(said.open.values()):
            self.meanings |= {plain_word(word): Meaning.OPEN for word in words}
            self.buckets |= {plain_word(word): place for word in words}


@dataclass(frozen=True)
class Checked:
    """What a file's rows come to. taken: rows to keep, their decision found; corrects: how many of them replace another
    status of the same day; already: rows that were delivered before.
    """

    taken: Sequence[Row]
    corrects: int
    already: int
    findings: Sequence[Finding]

    @property
    def refused(self) -> int:
        return sum(1 for finding in self.findings if finding.severity is Severity.REFUSE)


def check(
    rows: Sequence[Row],
    decisions: Mapping[str, Decision],
    of_entity: Mapping[str, Sequence[Decision]],
    told: Iterable[Told],
    words: Words,
    *,
    today: dt.date,
    file_sha256: str,
) -> Checked:
    """Which rows can be believed.

    decisions: by id, at least those that the rows name.  of_entity: an entity's, oldest first.  told: what was kept
    before of these decisions.  today: in UTC.
    """
    findings: list[Finding] = []
    placed = [row for row in rows if _placed(row, decisions, of_entity, words, today, findings)]
    placed = [_named(row, of_entity) for row in placed]
    once = _each_once(placed, findings)
    history: dict[str, list[Told]] = defaultdict(list)
    for each in told:
        history[each.decision_id].append(each)
    new = [row for row in once if not _said_before(row, history[row.decision_id or ""], file_sha256)]
    already = len(once) - len(new)
    sound = _without_contradictions(new, history, words, findings)
    corrects = sum(1 for row in sound if _corrects(row, history[row.decision_id or ""]))
    findings += _one_class(sound, words)
    return Checked(sound, corrects, already, sorted(findings, key=lambda finding: (finding.line or 0, finding.rule)))


def holding(told: Iterable[Told], *, as_of: dt.date | None = None) -> dict[tuple[str, dt.date], Told]:
    """{(decision, day): the row that holds}, of what was known on that day; retractions are among them."""
    held: dict[tuple[str, dt.date], Told] = {}
    for row in told:
        if as_of is not None and (row.known or row.delivered) > as_of:
            continue
        place = (row.decision_id, row.day)
        if place not in held or row.order >= held[place].order:
            held[place] = row
    return held


def refused(rule: str, what: str, line: int | None, hint: str, *, column: str | None = None) -> Finding:
    return Finding(TABLE, rule, Severity.REFUSE, what, column=column, line=line, rows=1, hint=hint)


def by_rule(findings: Iterable[Finding]) -> dict[str, int]:
    """Rows by what is wrong with them."""
    return dict(sorted(Counter(finding.rule for finding in findings if finding.severity is Severity.REFUSE).items()))


def _placed(
    row: Row,
    decisions: Mapping[str, Decision],
    of_entity: Mapping[str, Sequence[Decision]],
    words: Words,
    today: dt.date,
    findings: list[Finding],
) -> bool:
    """Can the row be believed by itself? Else a finding says why not."""
    word = plain_word(row.status)
    if word not in words.meanings:
        hint = f"{did_you_mean(word, words.meanings)}; monitoring.outcomes in portfolio.yaml says what words mean"
        findings.append(refused("status", "its status is no word of this book", row.line, hint, column="status"))
    elif row.day > today:
        findings.append(refused("future", "it has not happened yet", row.line, "send it again after that day"))
    elif row.known is not None and not row.day <= row.known <= today:
        what = "it was known before it happened" if row.known < row.day else "it is not known yet"
        findings.append(refused("known", what, row.line, "`known` lies between `date` and today", column="known"))
    elif (found := _decisions_of(row, decisions, of_entity)) is None:
        what = "no decision of this book has this id" if row.decision_id else "nothing was decided about this entity"
        findings.append(refused("unknown", what, row.line, "see that the file belongs to this book and workspace"))
    elif row.day < loan_of(found).day:
        findings.append(refused("before", "it happened before the decision", row.line, "see which date is right"))
    elif (
        row.decision_id
        and row.entity
        and row.decision_id not in {each.decision_id for each in of_entity.get(row.entity, ())}
    ):
        findings.append(refused("who", "the decision is about another entity", row.line, "give one of the two"))
    else:
        return True
    return False


def _decisions_of(
    row: Row, decisions: Mapping[str, Decision], of_entity: Mapping[str, Sequence[Decision]]
) -> Sequence[Decision] | None:
    if row.decision_id is not None:
        found = decisions.get(row.decision_id)
        return None if found is None else (found,)
    return of_entity.get(row.entity or "") or None


def loan_of(decisions: Sequence[Decision]) -> Decision:
    """Which of an entity's decisions, oldest first, made its loan: the first that was approved, else the last."""
    return next((each for each in decisions if each.answer == Verdict.APPROVE), decisions[-1])


def _named(row: Row, of_entity: Mapping[str, Sequence[Decision]]) -> Row:
    if row.decision_id is not None:
        return row
    return replace(row, decision_id=loan_of(of_entity[row.entity or ""]).decision_id)


def _each_once(rows: Sequence[Row], findings: list[Finding]) -> list[Row]:
    """A row that comes twice counts once; two statuses of one day, known at the same time, count neither."""
    by_place: dict[tuple[str | None, dt.date, dt.date | None], list[Row]] = defaultdict(list)
    for row in rows:
        by_place[row.decision_id, row.day, row.known].append(row)
    kept: list[Row] = []
    for same in by_place.values():
        if len({plain_word(row.status) for row in same}) > 1:
            findings += [
                refused(
                    "contradicting",
                    f"it says otherwise than line {(same[0] if row is not same[0] else same[1]).line} of the same day",
                    row.line,
                    "keep the one that is right; a correction has a later `known`",
                )
                for row in same
            ]
            continue
        kept.append(same[0])
        findings += [
            Finding(TABLE, "twice", Severity.WARN, f"it says the same as line {same[0].line}; it counts once",
                    line=row.line, rows=1)
            for row in same[1:]
        ]  # fmt: skip
    return sorted(kept, key=lambda row: row.line)


def _said_before(row: Row, history: Sequence[Told], file_sha256: str) -> bool:
    """The same row again, or a status that holds anyway. An old file that comes again corrects nothing back."""
    same = [each for each in history if each.day == row.day]
    word = plain_word(row.status)
    if any(
        (each.word, each.known) == (word, row.known) and (row.known or each.file_sha256 == file_sha256) for each in same
    ):
        return True
    return row.known is None and bool(same) and max(same, key=lambda each: each.order).word == word


def _corrects(row: Row, history: Sequence[Told]) -> bool:
    held = max((each for each in history if each.day == row.day), key=lambda each: each.order, default=None)
    if held is None or held.word == plain_word(row.status):
        return False
    return row.known is None or row.known > held.order[0]


def _without_contradictions(
    rows: Sequence[Row], history: Mapping[str, Sequence[Told]], words: Words, findings: list[Finding]
) -> list[Row]:
    """Rows that fit what else is said of their loans: one that ended well has no later status, and one that was never
    paid out has no other."""
    of_loan: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_loan[row.decision_id or ""].append(row)
    wrong: dict[int, str] = {}
    for decision_id, new in of_loan.items():
        wrong |= _contradictions(new, history.get(decision_id, ()), words)
    hint = "correct the other row first: the same date with the right status, or `retracted`"
    findings += [refused("contradicting", what, line, hint) for line, what in sorted(wrong.items())]
    return [row for row in rows if row.line not in wrong]


def _contradictions(new: Sequence[Row], told: Sequence[Told], words: Words) -> dict[int, str]:
    """{line: what is wrong with it}."""
    latest: dict[dt.date, tuple[tuple[dt.date, int], str, int | None]] = {}
    rows: list[tuple[dt.date, tuple[dt.date, int], str, int | None]]
    rows = [(each.day, each.order, each.word, None) for each in told]
    rows += [(row.day, (row.known or dt.date.max, 1 << 60), plain_word(row.status), row.line) for row in new]
    wrong: dict[int, str] = {}
    for day, order, word, line in rows:
        there = latest.get(day)
        if there is not None and line is not None and order[0] == there[0][0] and word != there[1]:
            wrong[line] = "another status of the same day was known on the same day"
            continue
        if there is None or order >= there[0]:
            latest[day] = (order, word, line)
    timeline = [
        (day, words.meanings.get(word), line)
        for day, (_, word, line) in sorted(latest.items())
        if words.meanings.get(word) is not RETRACTED
    ]
    ended = next((day for day, meaning, _ in timeline if meaning is Meaning.GOOD), None)
    lines_of_end = [line for _, meaning, line in timeline if meaning is Meaning.GOOD]
    after = [(line, meaning) for day, meaning, line in timeline if ended is not None and day > ended]
    if any(meaning is not Meaning.GOOD for _, meaning in after):
        guilty = [line for line, meaning in after if meaning is not Meaning.GOOD] + lines_of_end
        wrong |= {line: "the loan had ended well, and something happened later" for line in guilty if line is not None}
    if len({meaning is Meaning.NO_LOAN for _, meaning, _ in timeline}) > 1:
        wrong |= {
            line: "the loan was never paid out, and something happened to it"
            for *_, line in timeline
            if line is not None
        }
    return wrong


def _one_class(rows: Sequence[Row], words: Words) -> list[Finding]:
    """A file in which every loan ended the same way may lack the others."""
    ended = {words.meanings[plain_word(row.status)] for row in rows} - {RETRACTED, Meaning.NO_LOAN}
    if ended == {Meaning.BAD}:
        what = "every status is a bad one: without the good ones no loan can be judged"
        hint = "send those too, or say until when all bads were told: --complete-until DATE"
        return [Finding(TABLE, "one_class", Severity.WARN, what, rows=len(rows), hint=hint)]
    if ended == {Meaning.GOOD}:
        what = "every loan ended well: where bads are missing the rest looks better than it is"
        return [Finding(TABLE, "one_class", Severity.WARN, what, rows=len(rows), hint="send every status")]
    return []
