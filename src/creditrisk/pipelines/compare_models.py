"""Beside the stages: other ways to make the book's model, on the same rows and folds, and what each rule costs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import Portfolio
from creditrisk.config.training import Balance
from creditrisk.errors import BadData, CreditRiskError
from creditrisk.features import check_sql, compute, links_of
from creditrisk.files import PARTIAL
from creditrisk.kinds import Available, sha256_of
from creditrisk.modelling import COMPARED, ESTIMATORS, estimator_named
from creditrisk.modelling.comparison import (
    Judged,
    Way,
    calibrated_by,
    failed_row,
    judge,
    own_row,
    row,
    with_training,
    without_directions,
)
from creditrisk.modelling.train import NOT_FEATURES
from creditrisk.pipelines.check_data import need_checked
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.development import DEVELOPMENT, development_rows
from creditrisk.pipelines.leak_check import readable_schema
from creditrisk.pipelines.lineage import add_step, need_unchanged

REPORT = "comparison.json"

COMMON_FROM = 0.01
"""Share of the rows from which a word of a column that is put back stands for itself."""

CANNOT_BE_FITTED = (CreditRiskError, ArithmeticError, RuntimeError, ValueError)
"""One way that fails does not take the others along: its row says why."""


@dataclass(frozen=True)
class Question:
    """One row of the report. way: made when it is its turn, since it may need work of its own."""

    name: str
    what: str
    way: Callable[[], Way]


def run(context: Context, *, estimators: Sequence[str] | None = None) -> dict[str, Any]:
    """comparison.json: estimators, balance, calibration and prices, each a list of rows.

    estimators: only these, beside the book's own. Only development rows are read, never the test part.
    Raises what training raises when the book's own model cannot be made.
    """
    names = [estimator_named(name).name for name in estimators or sorted(ESTIMATORS)]
    files = {part: context.folder.part(part) for part in DEVELOPMENT}
    need_unchanged(context, "split", {**files, "audit": context.folder.audit_table})
    with TemporaryDirectory(prefix=f"{PARTIAL}compare-", dir=context.folder.root) as scratch:
        comparison = _Comparison(context, Path(scratch))
        body = comparison.body(names)
    report = context.report(REPORT, body, inputs={**files, "audit": context.folder.audit_table})
    add_step(context, "compare", {})
    return report


class _Comparison:
    """The questions of one book, and every way that was judged already, so that none is fitted twice."""

    def __init__(self, context: Context, scratch: Path) -> None:
        self.context = context
        self.scratch = scratch
        self.portfolio = context.book.portfolio
        self.own_way = Way(self.portfolio, *development_rows(context))
        self.judged: dict[str, Judged | str] = {}
        self.done = 0
        self.steps = 1

    def body(self, estimators: Sequence[str]) -> dict[str, Any]:
        questions = {
            "estimators": list(self.estimators(estimators)),
            "balance": list(self.balance()),
            "prices": list(self.prices()),
        }
        self.steps = 1 + sum(map(len, questions.values()))
        own = self.judge("the book's own model", self.own_way)
        if isinstance(own, str):
            raise BadData(own, where="comparison", hint="train the book's own model first")
        rows = {section: [self.row(asked, own) for asked in listed] for section, listed in questions.items()}
        training = self.portfolio.training
        return {
            "rows_are": "development rows, each scored by a model and a calibrator that never saw its fold",
            "own": own_row(training.estimator, f"the book's own model, preset {self.preset}", own),
            **rows,
            "calibration": self.calibrations(own),
            "n": len(own.rows.target),
            "bads": int(own.rows.target.sum()),
            "folds": len(own.rows.folds),
            "settings": {
                "estimator": training.estimator,
                "balance": training.balance.method,
                "calibration": list(training.calibration),
                "preset": self.preset,
                "seed": training.seed,
            },
        }

    @property
    def preset(self) -> str:
        return self.portfolio.features.preset

    def row(self, asked: Question, own: Judged) -> dict[str, Any]:
        try:
            way = asked.way()
        except CANNOT_BE_FITTED as error:
            self.done += 1
            return failed_row(asked.name, asked.what, _reason(error))
        if self.mark(way) == self.mark(self.own_way):
            self.done += 1
            return own_row(asked.name, asked.what, own)
        found = self.judge(asked.name, way)
        if isinstance(found, str):
            return failed_row(asked.name, asked.what, found)
        return row(asked.name, asked.what, found, own, seed=self.portfolio.training.seed)

    def judge(self, title: str, way: Way) -> Judged | str:
        """The way on the development rows, or why it cannot be made; known already where an equal one was judged."""
        mark = self.mark(way)
        if mark not in self.judged:
            try:
                self.judged[mark] = judge(way, self.progress(title))
            except CANNOT_BE_FITTED as error:
                if way is self.own_way:
                    raise
                self.judged[mark] = _reason(error)
        self.done += 1
        return self.judged[mark]

    @staticmethod
    def mark(way: Way) -> str:
        portfolio = way.portfolio
        return sha256_of(
            {
                "training": portfolio.training.model_dump(mode="json"),
                "monotone": portfolio.policy.monotone,
                "preset": portfolio.features.preset,
                "features": list(way.features),
            }
        )

    def progress(self, title: str) -> Callable[[str, float], None]:
        start = self.done / self.steps
        return lambda what, share: self.context.progress("compare", f"{title}: {what}", start + share / self.steps)

    def estimators(self, names: Sequence[str]) -> Iterator[Question]:
        for name in names:
            way = replace(self.own_way, portfolio=with_training(self.portfolio, estimator=name))
            yield Question(name, f"the same rows and features, learnt by {name}", lambda way=way: way)  # type: ignore[misc]

    def balance(self) -> Iterator[Question]:
        own = self.portfolio.training.balance
        for method in get_args(Balance.model_fields["method"].annotation):
            balance = own.model_copy(update={"method": method})
            way = replace(self.own_way, portfolio=with_training(self.portfolio, balance=balance))
            what = f"the rows to fit balanced by {method}, the PD calibrated on rows as they are"
            yield Question(method, what, lambda way=way: way)  # type: ignore[misc]

    def calibrations(self, own: Judged) -> list[dict[str, Any]]:
        """The book's own margins by every method; judged by log loss, since none changes the order much."""
        rows = []
        for method in COMPARED:
            what = f"the book's own margins, calibrated by {method}"
            if method == own.calibration:
                rows.append(own_row(method, what, own))
                rows += self.without_levels(own)
                continue
            try:
                other = calibrated_by(self.portfolio, own, method)
            except CANNOT_BE_FITTED as error:
                rows.append(failed_row(method, what, _reason(error)))
            else:
                rows.append(row(method, what, other, own, seed=self.portfolio.training.seed, verdict_on="log_loss"))
        return rows

    def without_levels(self, own: Judged) -> list[dict[str, Any]]:
        """What calibrating by level is worth: the same method with one curve for all rows."""
        training = self.portfolio.training
        if training.calibration_by is None:
            return []
        one_curve = calibrated_by(with_training(self.portfolio, calibration_by=None), own, own.calibration)
        name = f"{own.calibration}_without_levels"
        what = f"the book's own margins, calibrated by {own.calibration} for all rows, not by {training.calibration_by}"
        return [row(name, what, one_curve, own, seed=training.seed, verdict_on="log_loss")]

    def prices(self) -> Iterator[Question]:
        """What each rule costs: the model without it, beside the book's own."""
        yield Question(
            "prohibited_columns_put_back",
            "the columns that may not decide about people join the features, for this comparison alone",
            self.with_prohibited,
        )
        free = replace(self.own_way, portfolio=without_directions(self.portfolio))
        yield Question("directions_removed", "the PD may rise and fall with every feature", lambda: free)
        for preset in sorted(set(self.portfolio.features.presets) - {self.preset}):
            yield Question(f"preset_{preset}", self.words_of(preset), lambda preset=preset: self.with_preset(preset))  # type: ignore[misc]
        card = replace(self.own_way, portfolio=with_training(self.portfolio, estimator="scorecard"))
        yield Question("scorecard", "a scorecard in place of the book's own estimator", lambda: card)

    def with_prohibited(self) -> Way:
        key, barred = self.context.book.key, self.portfolio.policy.kept_apart
        audit = pq.read_table(self.context.folder.audit_table)
        names = [name for name in dict.fromkeys(barred) if name in audit.column_names]
        if not names:
            raise BadData("the book's policy keeps no column of the main table apart")
        table = self.own_way.table
        beside = audit.take(pc.index_in(table[key], value_set=pc.unique(audit[key])))
        for name in names:
            table = table.append_column(name, _common_words(beside[name]))
        return replace(self.own_way, table=table, features=(*self.own_way.features, *names))

    def with_preset(self, preset: str) -> Way:
        """The same applications with the features of another preset, computed here and thrown away."""
        portfolio = _with_preset(self.portfolio, preset)
        context = replace(self.context, book=replace(self.context.book, portfolio=portfolio))
        features = check_sql(context.book)
        tables, hashes = need_checked(context)
        out = self.scratch / preset / "features.parquet"
        key = context.book.key
        schema, links = readable_schema(context, hashes), links_of(context.book)
        compute(tables, context.book.sql, schema, key=key, out=out, settings=context.duck, links=links)
        made = pq.read_table(out)
        own = self.own_way.table
        table = made.take(pc.index_in(own[key], value_set=made[key]))
        for name in NOT_FEATURES:
            table = table.append_column(name, own[name])
        return Way(portfolio, table, tuple(name for name in features if name in made.column_names))

    def words_of(self, preset: str) -> str:
        own, other = (Available.LENDER_DECISION in self.portfolio.features.presets[name].available
                      for name in (self.preset, preset))  # fmt: skip
        if own == other:
            return f"the features of the preset {preset}"
        return f"{'with' if other else 'without'} what the lender itself set for the loan: the preset {preset}"


def _with_preset(portfolio: Portfolio, preset: str) -> Portfolio:
    return portfolio.model_copy(update={"features": portfolio.features.model_copy(update={"preset": preset})})


def _common_words(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """Text with its rare words as one: trees learn 800 postcodes by heart, which would tell nothing of their worth."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    counts = column.drop_null().value_counts().to_pylist()
    common = pa.array([each["values"] for each in counts if each["counts"] >= COMMON_FROM * len(column)], column.type)
    kept = pc.or_kleene(pc.is_null(column), pc.is_in(column, value_set=common))
    return pc.if_else(kept, column, pa.scalar("any other", column.type))


def _reason(error: BaseException) -> str:
    if isinstance(error, CreditRiskError):
        return error.what
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')[:300]}"


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("compare"))
