"""policy_checks.json: does the shipped model keep what the book's policy promises, by proof or by trying it out?

`directions` is proved on the model's own trees. The rest is tried: raw values of real applicants of the test part are
replaced, every feature is computed again by the bundle's SQL, and the bundle scores them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.config import MAIN, Book, Policy, load_book
from creditrisk.config.policy import NeverWorse
from creditrisk.features.variations import Variation, applicants_where, tables_of, varied_features
from creditrisk.modelling.policy import DIRECTIONS
from creditrisk.modelling.preprocess import numbers
from creditrisk.modelling.proxies import LEAST, LIMIT, told_together
from creditrisk.modelling.tree_proof import prove_directions
from creditrisk.pipelines.assessments.tested import Tested
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.proxy_screen import Screened, is_released, screened

type Floats = NDArray[np.float64]
type Section = dict[str, Any]

NAME = "policy_checks.json"

APPLICANTS = 50
"""Of the test part, spread evenly over the sorted keys; and as many protected ones for each promise of never_worse."""

STEPS = (0.1, 0.5, 0.9)
"""Quantiles of a raw input that applicants below them are raised to."""

TOLERANCE = 1e-9
"""Of a PD: a change up to this is none."""


def assess(context: Context, tested: Tested) -> dict[str, Any]:
    trial = _Trial(context, tested)
    screen = screened(context, tested.development, tested.bundle.preprocess.names)
    sections = {
        "directions": _directions(tested),
        "raw_directions": _raw_directions(trial),
        "blanks": _blanks(trial),
        "proxies": _proxies(screen, trial.policy),
        "together": _together(screen),
        "never_worse": _never_worse(trial),
    }
    inputs: dict[str, Path | str] = {"bundle": tested.bundle.sha256, "test": tested.folder.part("test")}
    if tested.folder.audit_table.is_file():
        inputs["audit"] = tested.folder.audit_table
    return context.report(NAME, {"bundle_sha256": tested.bundle.sha256, **sections}, inputs=inputs)


@dataclass(frozen=True)
class _Trial:
    """The bundle as a book, the raw tables, and the sample of applicants on whom changes are tried."""

    context: Context
    tested: Tested

    @cached_property
    def book(self) -> Book:
        return load_book(self.context.folder.bundle(self.tested.bundle.sha256))

    @property
    def policy(self) -> Policy:
        return self.book.portfolio.policy

    @cached_property
    def bronze(self) -> dict[str, Path]:
        tables = {name: self.context.folder.table(name) for name in self.book.portfolio.tables}
        return {name: path for name, path in tables.items() if path.is_file()}

    @cached_property
    def keys(self) -> pa.Array[Any]:
        """Of the test part, sorted."""
        return self.tested.rows[self.book.key].combine_chunks()

    @cached_property
    def sample(self) -> dict[str, pa.Table]:
        return self.tables(self.keys)

    @cached_property
    def columns(self) -> list[str]:
        """Raw columns of the main table that some SQL reads and an applicant or caller states."""
        text = "\n".join(file.text.lower() for file in self.book.sql)
        aside = self.book.joins(MAIN) | {self.book.portfolio.split.date}
        return [
            column
            for column in self.book.feature_columns[MAIN]
            if column not in aside and column.lower() in text and column in self.sample[MAIN].column_names
        ]

    def tables(self, keys: pa.Array[Any]) -> dict[str, pa.Table]:
        return tables_of(self.book, self.bronze, _spread(keys, APPLICANTS), self.context.duck)

    def pds(self, tables: Mapping[str, pa.Table], variations: Sequence[Variation]) -> Floats:
        """Shape (variations, applicants)."""
        bundle = self.tested.bundle
        told = np.empty((len(variations), tables[MAIN].num_rows))
        for number, features in enumerate(varied_features(self.book, tables, variations, self.context.duck)):
            told[number] = bundle.pd(bundle.preprocess.matrix(features).values)
        return told

    def accepted(self, check: str) -> dict[str, str]:
        """{column: who answers for its exceptions, and why}."""
        return {
            column: f"{one.because} ({one.by})"
            for one in self.policy.accepted
            if one.check == check
            for column in one.columns
        }


def _directions(tested: Tested) -> Section:
    bundle = tested.bundle
    proofs = prove_directions(bundle.estimator, bundle.preprocess.features, bundle.policy.directions)
    if proofs is None:
        return _section(
            "not_enough_evidence", f"no proof is known for the estimator {bundle.estimator.name}", checked=0
        )
    if not proofs:
        return _section("not_enough_evidence", "policy.monotone directs no feature of this model", checked=0)
    broken = [proof.as_json() for proof in proofs if not proof.holds]
    reason = (
        f"{len(broken)} of {len(proofs)} directed features have leaves in the wrong order"
        if broken
        else f"all {len(proofs)} directed features keep their direction between any two stated values"
    )
    tried = _levels_in_order(tested)
    if tried:
        reason += f"; {tried['reason']}"
    return _section(
        "fail" if broken or (tried and tried["broken"]) else "pass", reason, checked=len(proofs), exceptions=broken,
        splits=sum(proof.splits for proof in proofs), pairs=sum(proof.pairs for proof in proofs),
        features=[proof.feature for proof in proofs], by_level=tried,
    )  # fmt: skip


def _levels_in_order(tested: Tested) -> Section | None:
    """A directed feature by which the PD is calibrated: each tested row at every level, since their lines may cross.

    None where the book calibrates by no directed feature: lines that rise keep every other direction.
    """
    bundle = tested.bundle
    direction = bundle.policy.directions.get(bundle.levels.feature) if bundle.levels else None
    if bundle.levels is None or not direction:
        return None
    values = bundle.preprocess.matrix(tested.rows).values
    place = bundle.preprocess.names.index(bundle.levels.feature)
    seen = values[:, place]
    levels = sorted({*bundle.levels.lines, *np.unique(seen[~np.isnan(seen)]).tolist()})
    pds = []
    for level in levels:
        values[:, place] = level
        pds.append(bundle.pd(values))
    wrong = -direction * np.diff(pds, axis=0)
    counts = _counted(np.max(wrong, axis=0, initial=0.0), np.ones(len(values), dtype=np.bool_), None)
    name = bundle.levels.feature
    reason = (
        f"{name}, by whose levels the PD is calibrated, "
        + (f"goes the wrong way for {counts['broken']}" if counts["broken"] else "keeps its direction for all")
        + f" of {len(values)} tested rows, each scored at every level"
    )
    return {"feature": name, "levels": levels, "reason": reason, **counts}


def _raw_directions(trial: _Trial) -> Section:
    main = trial.sample[MAIN]
    directed = {column: way for column, way in trial.policy.raw_directions.items() if column in main.column_names}
    if not directed:
        return _section("not_enough_evidence", "policy.raw_directions names no column of the main table", checked=0)
    ladders = {column: _ladder(trial, column) for column in directed}
    variations: list[Variation] = [{}]
    variations += [{column: values} for column, ladder in ladders.items() for _, values in ladder]
    pds = trial.pds(trial.sample, variations)
    accepted, place, rows = trial.accepted("raw_directions"), 1, []
    for column, ladder in ladders.items():
        raised = np.array([step for step, _ in ladder]).reshape(len(ladder), main.num_rows)
        rises, compared = _worst_step(pds[0], pds[place : place + len(ladder)], raised, DIRECTIONS[directed[column]])
        place += len(ladder)
        rows.append({"column": column, "direction": directed[column]} | _counted(rises, compared, accepted.get(column)))
    return _judged(rows, "raised, no PD goes the wrong way", "raised, some PD goes the wrong way")


def _ladder(trial: _Trial, column: str) -> list[tuple[NDArray[np.bool_], pa.Array[Any]]]:
    """For each step: who is raised to it, and the column's values then. Values are those of real applicants."""
    cells = trial.sample[MAIN].column(column).combine_chunks()
    figures = numbers(pa.chunked_array([cells]))
    marks = {float(mark) for mark in _sentinels(trial.book, column)}
    stated = ~np.isnan(figures) & ~np.isin(figures, list(marks))
    if not stated.any():
        return []
    order = np.flatnonzero(stated)[np.argsort(figures[stated], kind="stable")]
    ladder = []
    for place in dict.fromkeys(order[round(step * (len(order) - 1))] for step in STEPS):
        raised = stated & (figures < figures[place])
        values = pc.if_else(pa.array(raised), cells[int(place)], cells)
        ladder.append((raised, values))
    return ladder


def _sentinels(book: Book, column: str) -> Iterable[str]:
    return next(told.sentinels for told in book.contracts[MAIN].columns if told.name == column)


def _worst_step(
    own: Floats, pds: Floats, raised: NDArray[np.bool_], direction: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """How far each applicant's PD goes the wrong way at its worst step (0 = nowhere), and who was raised at all."""
    before, worst = own, np.zeros(len(own))
    for after, moved in zip(pds, raised, strict=True):
        wrong = direction * (before - after)
        worst = np.where(moved, np.maximum(worst, wrong), worst)
        before = np.where(moved, after, before)
    return worst, raised.any(axis=0) if len(raised) else np.zeros(len(own), dtype=np.bool_)


def _blanks(trial: _Trial) -> Section:
    main, contract = trial.sample[MAIN], trial.book.contracts[MAIN]
    refused = {column.name for column in contract.columns if not column.null}
    columns = [column for column in trial.columns if column not in refused]
    variations: list[Variation] = [{}]
    variations += [{column: pa.nulls(main.num_rows, main.schema.field(column).type)} for column in columns]
    pds = trial.pds(trial.sample, variations)
    accepted = trial.accepted("blanks")
    rows = [
        {"column": column} | _counted(pds[0] - blank, main.column(column).is_valid().to_numpy(), accepted.get(column))
        for column, blank in zip(columns, pds[1:], strict=True)
    ]
    told = _judged(rows, "left empty, no PD falls", "left empty, some PD falls")
    return {**told, "refused_when_empty": sorted(refused & set(trial.columns))}


def _counted(better: Floats, compared: NDArray[np.bool_], accepted: str | None) -> Section:
    """How many of the compared applicants break a promise, and by how much PD."""
    broken = compared & (better > TOLERANCE)
    n = int(np.sum(compared))
    return {
        "compared": n,
        "broken": int(np.sum(broken)),
        "share": float(np.sum(broken)) / n if n else None,
        "worst": float(np.max(better[broken])) if broken.any() else None,
        "accepted": accepted,
    }


def _judged(rows: list[Section], keeps: str, breaks: str) -> Section:
    looked_at = [row for row in rows if row["compared"]]
    exceptions = [row for row in looked_at if row["broken"]]
    failing = [row["column"] for row in exceptions if row["accepted"] is None]
    if not looked_at:
        return _section("not_enough_evidence", "no sampled applicant states any of these inputs", checked=0)
    if failing:
        reason = f"{breaks}: {', '.join(failing)}"
    elif exceptions:
        kept = len(looked_at) - len(exceptions)
        reason = f"{keeps}: {kept} of {len(looked_at)} raw inputs; for the other {len(exceptions)} somebody answers"
    else:
        reason = f"{keeps}: all {len(looked_at)} raw inputs"
    return _section(
        "fail" if failing else "pass", reason, checked=len(looked_at), exceptions=exceptions,
        kept=[row["column"] for row in looked_at if not row["broken"]],
        not_stated=[row["column"] for row in rows if not row["compared"]],
    )  # fmt: skip


def _proxies(told: Screened | None, policy: Policy) -> Section:
    if told is None:
        return _section("not_enough_evidence", "the book prohibits no column that audit.parquet holds", checked=0)
    enough = [group for group in told.groups if group.enough]
    found = [one.as_json() | {"released": is_released(one, policy)} for one in told.screen.found]
    refused = [one for one in found if not one["released"]]
    more: Section = {
        "limit": LIMIT,
        "pairs_sifted": told.screen.pairs,
        "closest": [one.as_json() for one in sorted(told.screen.closest, key=lambda one: (-one.auc, one.label))[:10]],
        "too_few": [group.as_json() for group in told.screen.too_few],
        "groups_left_out": told.left_out,
        "released": [release.model_dump(mode="json") for release in policy.released],
    }
    if not enough:
        reason = f"no group of a prohibited attribute has {LEAST} rows inside and outside"
        return _section("not_enough_evidence", reason, checked=0, **more)
    reason = (
        f"{len(refused)} findings rebuild a prohibited attribute"
        if refused
        else f"no feature, sum or difference of two tells one of {len(enough)} groups with an AUC above {LIMIT}"
        + (", but for those released by name" if found else "")
    )
    return _section("fail" if refused else "pass", reason, checked=len(enough), exceptions=found, **more)


def _together(told: Screened | None) -> Section:
    """How far all features together tell each attribute: a figure to know; no limit is set."""
    tried = told_together(told.values, told.groups) if told else []
    if not tried:
        return _section("not_enough_evidence", "no group of a prohibited attribute is large enough", checked=0)
    groups = [one.group.as_json() | {"auc": one.auc.value, "low": one.auc.low, "high": one.auc.high} for one in tried]
    most = max(groups, key=lambda group: group["auc"])
    reason = (
        f"all features together tell {most['column']} = {most['group']} best, with an AUC of {most['auc']:.2f}; "
        "no limit is set, the fairness report shows what follows"
    )
    return _section("pass", reason, checked=len(groups), groups=groups)


def _never_worse(trial: _Trial) -> Section:
    promises = trial.policy.never_worse
    if not promises:
        return _section("not_enough_evidence", "policy.never_worse promises nothing", checked=0)
    told = [_kept_promise(trial, promise, number) for number, promise in enumerate(promises)]
    verdicts = [one["verdict"] for one in told]
    verdict = next((bad for bad in ("fail", "not_enough_evidence") if bad in verdicts), "pass")
    reason = "; ".join(f"{one['who']}: {one['reason']}" for one in told)
    exceptions = [one for one in told if one["verdict"] == "fail"]
    return _section(verdict, reason, checked=len(told), exceptions=exceptions, promises=told)


def _kept_promise(trial: _Trial, promise: NeverWorse, number: int) -> Section:
    where = f"portfolio.yaml, policy.never_worse[{number}]"
    known = trial.keys
    protected = applicants_where(trial.book, trial.bronze, promise.protected, trial.context.duck, where=where)
    protected = protected.filter(pc.is_in(protected, value_set=known))
    others = _replacements(trial, promise, where) if len(protected) else []
    told: Section = {"who": promise.who, "ground": promise.ground, "columns": list(promise.columns)}
    if not len(protected) or not others:
        what = "nobody in the test part is one of them" if not len(protected) else "nobody meets `like`"
        counts = _counted(np.empty(0), np.empty(0, dtype=np.bool_), None)
        return told | {"verdict": "not_enough_evidence", "reason": what, "comparisons": len(others), **counts}
    tables = trial.tables(protected)
    people = tables[MAIN].num_rows
    variations: list[Variation] = [
        {},
        *(
            {column: _repeated(cell, people) for column, cell in zip(promise.columns, row, strict=True)}
            for row in others
        ),
    ]
    pds = trial.pds(tables, variations)
    counts = _counted(pds[0] - np.min(pds[1:], axis=0), np.ones(people, dtype=np.bool_), None)
    reason = (
        f"{counts['broken']} of {people} score worse than the best of {len(others)} others"
        if counts["broken"]
        else f"none of {people} scores worse than the best of {len(others)} others"
    )
    return told | {
        "verdict": "fail" if counts["broken"] else "pass", "reason": reason, "comparisons": len(others), **counts
    }  # fmt: skip


def _replacements(trial: _Trial, promise: NeverWorse, where: str) -> list[tuple[Any, ...]]:
    """Rows of Arrow scalars in the order of the promise's columns, no two alike."""
    if promise.values is not None:
        return [tuple(pa.scalar(cell) for cell in row) for row in promise.values]
    keys = applicants_where(trial.book, trial.bronze, promise.like or "false", trial.context.duck, where=where)
    donors = tables_of(trial.book, {MAIN: trial.bronze[MAIN]}, _spread(keys, promise.donors), trial.context.duck)[MAIN]
    columns = [donors.column(column) for column in promise.columns]
    rows = {tuple(column[place].as_py() for column in columns): place for place in range(donors.num_rows)}
    return [tuple(column[place] for column in columns) for place in rows.values()]


def _repeated(cell: Any, people: int) -> pa.Array[Any]:
    return pa.nulls(people, cell.type) if not cell.is_valid else pa.repeat(cell, people)


def _spread(keys: pa.Array[Any], most: int) -> pa.Array[Any]:
    """At most so many of the sorted keys, evenly spread: the same for the same keys."""
    if len(keys) <= most:
        return keys
    return keys.take(pa.array(np.linspace(0, len(keys) - 1, most).astype(np.int64)))


def _section(verdict: str, reason: str, *, checked: int, exceptions: Sequence[Section] = (), **more: Any) -> Section:
    return {"verdict": verdict, "reason": reason, "checked": checked, "exceptions": list(exceptions), **more}
