"""What would have had to be different: the nearest change of changeable raw facts that alters the decision.

Every candidate is scored from the changed raw row, by the book's own SQL; all other facts stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.modelling import Bundle
from creditrisk.modelling.policy import ChangeableColumn
from creditrisk.scoring.knock_out import knocked_out
from creditrisk.scoring.prove import APPLICANTS_AT_ONCE, Applicants
from creditrisk.scoring.score import DECLINED, VERDICTS, verdicts

MOST_COLUMNS = 2
"""Changed together at most."""

COUNTERFACTUAL = pa.struct(
    [
        ("changes", pa.list_(pa.struct([("column", pa.string()), ("old", pa.float64()), ("new", pa.float64())]))),
        ("decision", pa.string()),
        ("pd", pa.float64()),
        ("says", pa.string()),
    ]
)


class Changing(Applicants, Protocol):
    """People whose main rows can be changed; `features.substitution.Applicants`."""

    main: pa.Table

    def changed(self, rows: pa.Table, places: NDArray[np.int64], features: Sequence[str]) -> pa.Table: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """place: of the applicant.  new: {column: value}.  distance: in steps of the development rows' quantiles."""

    place: int
    new: dict[str, float]
    distance: int


def counterfactuals(bundle: Bundle, features: pa.Table, people: Changing) -> pa.Array[Any]:
    """COUNTERFACTUAL of each row of `features` (key and features, as `score` takes them), NULL where it is approved.

    An approval is looked for first, by one column and then by two together; then the next better decision. Among as
    many columns the smallest distance wins; among equals the first column of the book's list, then the smaller change.
    """
    now = _verdicts(bundle, features)
    place = pc.index_in(features[bundle.key].combine_chunks(), value_set=people.keys.combine_chunks())
    found: list[dict[str, Any] | None] = [None] * features.num_rows
    wanted = np.flatnonzero(now > 0)
    for start in range(0, len(wanted), APPLICANTS_AT_ONCE):
        rows = wanted[start : start + APPLICANTS_AT_ONCE]
        for row, told in zip(rows, _nearest(bundle, features, people, rows, place, now), strict=True):
            found[row] = told
    return pa.array(found, COUNTERFACTUAL)


def _nearest(
    bundle: Bundle,
    features: pa.Table,
    people: Changing,
    rows: NDArray[np.int64],
    place: pa.Array[Any],
    now: NDArray[np.int64],
) -> list[dict[str, Any]]:
    best: dict[int, tuple[int, int, int, dict[str, Any]]] = {}
    for columns in range(1, MOST_COLUMNS + 1):
        open_rows = [int(row) for row in rows if best.get(int(row), (1,))[0] > 0]
        tried = [
            (row, one) for row in open_rows for one in _candidates(bundle, people, int(place[row].as_py()), columns)
        ]
        if not tried:
            continue
        verdict, pd = _scored(bundle, features, people, tried)
        for (row, one), after, risk in zip(tried, verdict.tolist(), pd.tolist(), strict=True):
            if after < now[row]:
                rank = (after, columns, one.distance)
                if row not in best or rank < best[row][:3]:
                    best[row] = (*rank, _told(people, one, VERDICTS[after], risk))
    names = ", ".join(one.column for one in bundle.policy.changeable) or "nothing: the book names no changeable fact"
    says = f"no change helps among what can be changed ({names})"
    none: dict[str, Any] = {"changes": [], "decision": None, "pd": None, "says": says}
    return [best[int(row)][3] if int(row) in best else none for row in rows]


def _candidates(bundle: Bundle, people: Changing, place: int, columns: int) -> list[Candidate]:
    moves = {}
    for one in bundle.policy.changeable:
        value = people.main[one.column][place].as_py()
        if value is not None:
            moves[one.column] = _moves(one, float(value))
    return [
        Candidate(place, {name: new for name, (new, _) in zip(names, pair, strict=True)}, sum(far for _, far in pair))
        for names in combinations(moves, columns)
        for pair in product(*(moves[name] for name in names))
    ]


def _moves(column: ChangeableColumn, value: float) -> list[tuple[float, int]]:
    """(new value, steps away) in the allowed directions, nearest first."""
    lower = [(new, far) for far, new in enumerate(sorted((s for s in column.steps if s < value), reverse=True), 1)]
    upper = [(new, far) for far, new in enumerate(sorted(s for s in column.steps if s > value), 1)]
    allowed = (lower if column.direction != "up" else []) + (upper if column.direction != "down" else [])
    return sorted(allowed, key=lambda move: move[1])


def _scored(
    bundle: Bundle, features: pa.Table, people: Changing, tried: Sequence[tuple[int, Candidate]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    places = np.array([one.place for _, one in tried])
    main = changed_rows(people.main, [one for _, one in tried])
    columns = {one.column for one in bundle.policy.changeable}
    touched = [name for name in bundle.preprocess.names if columns & set(bundle.lineage[name].get("application", ()))]
    rows = features.take(pa.array([row for row, _ in tried]))
    for name, column in zip(touched, people.changed(main, places, touched).columns, strict=True):
        rows = rows.set_column(rows.column_names.index(name), name, column)
    pd = bundle.pd(bundle.preprocess.matrix(rows).values)
    return _verdicts(bundle, rows, pd), pd


def changed_rows(main: pa.Table, candidates: Sequence[Candidate]) -> pa.Table:
    """The applicants' main rows, each with its candidate's values; nothing else differs."""
    rows = main.take(pa.array([one.place for one in candidates]))
    for name in sorted({name for one in candidates for name in one.new}):
        kind = rows.schema.field(name).type
        new = pa.array([one.new.get(name) for one in candidates], pa.float64()).cast(kind)
        rows = rows.set_column(rows.column_names.index(name), name, pc.coalesce(new, rows[name]))
    return rows


def _verdicts(bundle: Bundle, features: pa.Table, pd: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
    if pd is None:
        pd = bundle.pd(bundle.preprocess.matrix(features).values)
    broken = knocked_out(bundle.policy.knock_out, features).any(axis=1)
    return np.where(broken, DECLINED, verdicts(pd, bundle.policy))


def _told(people: Changing, one: Candidate, decision: str, pd: float) -> dict[str, Any]:
    changes = [
        {"column": name, "old": float(people.main[name][one.place].as_py()), "new": new}
        for name, new in one.new.items()
    ]
    words = " and ".join(f"{change['column']} {change['old']:g} to {change['new']:g}" for change in changes)
    return {"changes": changes, "decision": decision, "pd": pd, "says": f"{words} would give: {decision}"}
