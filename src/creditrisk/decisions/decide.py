"""Typed applications in, decisions out, in process: the batch's own SQL and the batch's own scoring function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from creditrisk.config import MAIN, Book
from creditrisk.decisions.intake import Application
from creditrisk.decisions.proofs import substitution_for_changes, substitution_of
from creditrisk.decisions.tables import Tables
from creditrisk.duck import DuckSettings
from creditrisk.features import PreparedFeatures, mentioned, rows_among
from creditrisk.kinds import Verdict, finite_or_none
from creditrisk.modelling import Bundle
from creditrisk.scoring import Find, counterfactuals, falls, knocked_out, score_matrix


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision. features: those of the model, as its SQL made them; None = missing.

    reasons: {"code", "text", "feature", "contribution", "pd_without"}, of what is not approved.  warnings: codes, of
    the record first, then of the model.
    """

    key: int | str
    features: Mapping[str, float | str | None]
    pd: float
    score: int
    grade: str
    decision: str
    reasons: list[dict[str, Any]]
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class Explained:
    """contributions: {feature: what it adds to the margin (log-odds before calibration)}; with `base`, from which every
    application starts, they sum to `margin`.

    counterfactual: {"changes": [{"column", "old", "new"}], "decision", "pd", "says"}: the nearest change of changeable
    facts that betters the decision; None where it is approved, or where the bundle cannot tell.
    """

    decided: Decided
    base: float
    contributions: Mapping[str, float]
    margin: float
    counterfactual: Mapping[str, Any] | None


class Decider:
    """Holds a connection of its own, so it is used by one thread at a time. Close it when it is not needed any more."""

    def __init__(self, bundle: Bundle, book: Book, settings: DuckSettings) -> None:
        """book: the one in the bundle's folder."""
        self._bundle, self._book = bundle, book
        self._children = [name for name in book.portfolio.tables if name != MAIN]
        self._schema = mentioned(book)
        self._tables = Tables(book, self._schema)
        self._proofs = substitution_of(bundle, book, settings)
        self._changes = substitution_for_changes(bundle, book, settings) if bundle.lineage else None
        self._features = PreparedFeatures(
            settings,
            self._tables.of([], frozenset(self._children)),
            book.sql,
            self._schema,
            key=book.key,
            features=bundle.preprocess.names,
        )
        # Planned before the first request, and of the kinds that the model learnt.
        bundle.preprocess.matrix(self._features.of(self._tables.of([], frozenset(self._children))))

    def close(self) -> None:
        self._features.close()

    def warm_up(self, applications: Sequence[Application]) -> None:
        """Do once what the first caller would wait for: plan, load, and work out what concerns the peers."""
        self.decide(applications)
        for present, places in self._alike(applications).items():
            some = [applications[place] for place in places]
            tables = self._tables.of(some, present)
            find = self._finder(tables)
            if find is not None:
                values = self._bundle.preprocess.matrix(self._features.of(tables)).values
                falls(self._bundle, values, tables[MAIN][self._book.key].combine_chunks(), find)

    def tables_of(self, applications: Sequence[Application]) -> dict[str, pa.Table]:
        """Typed raw tables of applications that were asked for the same tables, their keys replaced by numbers."""
        (present,) = self._alike(applications)
        return self._tables.of(applications, present)

    def features_of(self, tables: Mapping[str, pa.Table]) -> pa.Table:
        """Key and features of everybody in these typed raw tables, by the query that every request takes."""
        return self._features.of(tables)

    def decide(self, applications: Sequence[Application], *, with_reasons: bool = True) -> list[Decided]:
        """Decisions in the order of the applications; the same key may stand among them more than once.

        One's answer has the same bits alone, among others and in any order, and is the batch's.
        """
        answers: dict[int, Decided] = {}
        for present, places in self._alike(applications).items():
            some = [applications[place] for place in places]
            answers.update(zip(places, self._decide(some, present, with_reasons=with_reasons), strict=True))
        return [answers[place] for place in range(len(applications))]

    def explain(self, applications: Sequence[Application]) -> list[Explained]:
        """Decisions with what each feature did, and what would have had to be different."""
        answers: dict[int, Explained] = {}
        for present, places in self._alike(applications).items():
            some = [applications[place] for place in places]
            answers.update(zip(places, self._explain(some, present), strict=True))
        return [answers[place] for place in range(len(applications))]

    def _explain(self, applications: Sequence[Application], present: frozenset[str]) -> list[Explained]:
        tables = self._tables.of(applications, present)
        rows = self._features.rows_of(tables)
        decided = self._decided(applications, tables, rows, with_reasons=True)
        values = self._bundle.preprocess.matrix_of([row[1:] for row in rows]).values
        parts = self._bundle.contributions(values)
        margins = self._bundle.margin(values)
        told = self._counterfactuals(decided, tables, self._features.as_table(rows))
        names = self._bundle.preprocess.names
        return [
            Explained(one, float(part[-1]), dict(zip(names, map(float, part[:-1]), strict=True)), float(margin), other)
            for one, part, margin, other in zip(decided, parts, margins, told, strict=True)
        ]

    def _counterfactuals(
        self, decided: Sequence[Decided], tables: Mapping[str, pa.Table], features: pa.Table
    ) -> list[Mapping[str, Any] | None]:
        told: list[Mapping[str, Any] | None] = [None] * len(decided)
        places = [place for place, one in enumerate(decided) if one.decision != Verdict.APPROVE.value]
        if self._changes is None or not places:
            return told
        some = features.take(pa.array(places))
        people = self._changes.over(rows_among(tables, self._book, some[self._book.key].combine_chunks()))
        for place, one in zip(places, counterfactuals(self._bundle, some, people).to_pylist(), strict=True):
            told[place] = one
        return told

    def _alike(self, applications: Sequence[Application]) -> dict[frozenset[str], list[int]]:
        """Places of the applications that were asked for the same tables."""
        places: dict[frozenset[str], list[int]] = defaultdict(list)
        for place, one in enumerate(applications):
            places[frozenset(name for name in self._children if name in one.rows)].append(place)
        return places

    def _decide(
        self, applications: Sequence[Application], present: frozenset[str], *, with_reasons: bool
    ) -> list[Decided]:
        tables = self._tables.of(applications, present)
        return self._decided(applications, tables, self._features.rows_of(tables), with_reasons=with_reasons)

    def _decided(
        self,
        applications: Sequence[Application],
        tables: Mapping[str, pa.Table],
        rows: Sequence[tuple[Any, ...]],
        *,
        with_reasons: bool,
    ) -> list[Decided]:
        """rows: key and features, in the applications' order."""
        bundle, rules = self._bundle, self._bundle.policy.knock_out
        read_by_rules = self._features.as_table(rows, list(dict.fromkeys(rule.feature for rule in rules)))
        scored = score_matrix(
            bundle,
            read_by_rules.column(bundle.key),
            bundle.preprocess.matrix_of([row[1:] for row in rows]),
            knocked_out(rules, read_by_rules),
            with_reasons=with_reasons,
            find=self._finder(tables),
        )
        return answers(bundle, applications, [row[1:] for row in rows], scored)

    def _finder(self, tables: Mapping[str, pa.Table]) -> Find | None:
        if self._proofs is None:
            return None
        proofs, everybody = self._proofs, len(tables[MAIN])
        return lambda keys: proofs.over(tables if len(keys) == everybody else rows_among(tables, self._book, keys))


def answers(
    bundle: Bundle, applications: Sequence[Application], features: Iterable[Sequence[Any]], scored: pa.Table
) -> list[Decided]:
    """What is answered, and kept, of each application, in their order.

    features: values of the model's features.  scored: as `score` tells.
    """
    names = bundle.preprocess.names
    return [
        Decided(
            key=one.key,
            features={name: _told(value) for name, value in zip(names, own, strict=True)},
            pd=row["pd"],
            score=row["score"],
            grade=row["grade"],
            decision=row["decision"],
            reasons=row["reasons"],
            warnings=[*one.warnings, *row["warnings"]],
        )
        for one, own, row in zip(applications, features, scored.to_pylist(), strict=True)
    ]


def _told(value: Any) -> float | str | None:
    if isinstance(value, Decimal):
        value = float(value)
    return finite_or_none(value) if isinstance(value, float) else value
