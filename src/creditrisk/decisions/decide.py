"""Typed applications in, decisions out, in process: the batch's own SQL and the batch's own scoring function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from creditrisk.config import MAIN, Book
from creditrisk.decisions.intake import Application
from creditrisk.decisions.proofs import substitution_of
from creditrisk.decisions.tables import Tables
from creditrisk.duck import DuckSettings, locked_room
from creditrisk.features import PreparedFeatures, mentioned, rows_among
from creditrisk.kinds import finite_or_none
from creditrisk.modelling import Bundle
from creditrisk.scoring import Find, score


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


class Decider:
    """Holds a connection of its own, so it is used by one thread at a time. Close it when it is not needed any more."""

    def __init__(self, bundle: Bundle, book: Book, settings: DuckSettings) -> None:
        """book: the one in the bundle's folder."""
        self._bundle, self._book, self._settings = bundle, book, settings
        self._children = [name for name in book.portfolio.tables if name != MAIN]
        self._schema = mentioned(book)
        self._tables = Tables(book, self._schema)
        self._proofs = substitution_of(bundle, book, settings)
        self._room = ExitStack()
        con = self._room.enter_context(locked_room(settings))
        self._features = PreparedFeatures(
            con,
            self._tables.of([], frozenset(self._children)),
            book.sql,
            self._schema,
            key=book.key,
            features=bundle.preprocess.names,
        )

    def close(self) -> None:
        self._room.close()

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
        features = self._features.of(tables)
        scored = score(self._bundle, features, with_reasons=with_reasons, find=self._finder(tables))
        made = features.drop_columns([self._book.key]).to_pylist()
        return [
            Decided(
                key=one.key,
                features={name: _told(value) for name, value in own.items()},
                pd=row["pd"],
                score=row["score"],
                grade=row["grade"],
                decision=row["decision"],
                reasons=row["reasons"],
                warnings=[*one.warnings, *row["warnings"]],
            )
            for one, own, row in zip(applications, made, scored.to_pylist(), strict=True)
        ]

    def _finder(self, tables: Mapping[str, pa.Table]) -> Find | None:
        if self._proofs is None:
            return None
        proofs = self._proofs
        return lambda keys: proofs.over(rows_among(tables, self._book, keys))


def _told(value: Any) -> float | str | None:
    return finite_or_none(value) if isinstance(value, float) else value
