"""Does a factor matter? It is replaced by approved people's, the features are made anew, and the row is scored again.

The raw tables are somebody else's to read: what replacing does to the features is handed in, so that this room needs
no database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.errors import BadData
from creditrisk.modelling import Bundle
from creditrisk.modelling.preprocess import Preprocess

type Floats = NDArray[np.float64]
type Values = NDArray[np.float32]

LEAST_FALL = 1e-6
"""In log-odds: what the mean margin must fall by, so that rounding proves nothing."""

APPLICANTS_AT_ONCE = 128
PEOPLE_AT_ONCE = 2000
"""Whose raw rows are held in memory together."""

ROWS_AT_ONCE = 8192
"""Scored together: the trees cost half a millisecond a call, whatever it is about."""


class Step(Protocol):
    """What replacing one factor does to the features; `features.substitution.Step`."""

    @property
    def code(self) -> str: ...
    @property
    def copied(self) -> Sequence[str]: ...
    @property
    def computed(self) -> Sequence[tuple[Any, Sequence[str]]]: ...


class Applicants(Protocol):
    """People with their raw tables at hand; `features.substitution.Applicants`."""

    @property
    def keys(self) -> pa.ChunkedArray[Any]: ...
    @property
    def steps(self) -> Sequence[Step]: ...
    @property
    def peers(self) -> pa.Table: ...
    def computed(self, places: NDArray[np.int64]) -> tuple[pa.Table, Mapping[Any, slice]]: ...
    def once[T](self, make: Callable[[], T]) -> T: ...


type Find = Callable[[pa.Array[Any]], Applicants]
"""Given keys, those people's raw tables."""


@dataclass(frozen=True)
class Falls:
    """margin: as the calibrator takes it, shape (n,).

    fall: of the mean margin when a group's factor is replaced, shape (n, groups).
    Groups in the order of the policy; NaN where the group cannot be proved (its table was not asked for).
    """

    margin: Floats
    fall: Floats

    @property
    def proved(self) -> NDArray[np.bool_]:
        return np.nan_to_num(self.fall, nan=-np.inf) > LEAST_FALL


def falls(bundle: Bundle, values: Values, keys: pa.Array[Any], find: Find, margin: Floats | None = None) -> Falls:
    """How far the margin of each row falls, group by group.

    values: preprocessed rows, shape (n, features).  keys: of these rows.  margin: as the calibrator takes it, where it
    is known already.
    Raises BadData when the raw tables hold no such person, or other facts than the rows were made from.
    """
    margin = bundle.margin(values) if margin is None else margin
    fall = np.full((len(values), len(bundle.policy.reasons)), np.nan)
    for start in range(0, len(values), PEOPLE_AT_ONCE):
        rows = slice(start, start + PEOPLE_AT_ONCE)
        fall[rows] = _falls(bundle, values[rows], margin[rows], keys[rows], find)
    return Falls(margin, fall)


def _falls(bundle: Bundle, values: Values, margin: Floats, keys: pa.Array[Any], find: Find) -> Floats:
    groups = [words.code for words in bundle.policy.reasons]
    people = find(keys)
    places = pc.index_in(keys, value_set=people.keys.combine_chunks().cast(keys.type))
    if places.null_count:
        raise BadData(
            "the raw tables lack an applicant whose features are there",
            where=bundle.key,
            hint="score from the raw tables that the features were made from",
        )
    where = places.to_numpy().astype(np.int64)
    plan = people.once(lambda: _plan(bundle, people))
    fall = np.full((len(values), len(groups)), np.nan)
    for start in range(0, len(values), APPLICANTS_AT_ONCE):
        rows = slice(start, start + APPLICANTS_AT_ONCE)
        for job, mean in _means(bundle, values[rows], people, plan, where[rows]):
            for code in job.codes:
                fall[rows, groups.index(code)] = margin[rows] - mean
    return fall


@dataclass(frozen=True, slots=True)
class _Job:
    """What becomes of a row when a factor is replaced. Columns are places in the matrix.

    codes: of the groups that come to this, often the factors of one child table.
    copied: columns that become a peer's, their values once for each different set of them: a flag has two, however many
    people have it.  same: place of each peer's set.  computed: (variant, column, its place among those computed).
    """

    codes: tuple[str, ...]
    columns: tuple[int, ...]
    copied: Values
    same: NDArray[np.int64]
    computed: tuple[tuple[Any, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the steps and the peers come to. part: of the features that are computed."""

    jobs: tuple[_Job, ...]
    part: Preprocess


def _plan(bundle: Bundle, people: Applicants) -> _Plan:
    peers = bundle.preprocess.matrix(people.peers).values
    place = {name: column for column, name in enumerate(bundle.preprocess.names)}
    read = bundle.reads()
    alike: dict[Any, list[str]] = {}
    for step in people.steps:
        copied = tuple(place[name] for name in step.copied if place[name] in read)
        made = tuple((one, name) for one, names in step.computed for name in names if place[name] in read)
        alike.setdefault((copied, made), []).append(step.code)
    wanted = {name for _, made in alike for _, name in made}
    part = Preprocess(tuple(one for one in bundle.preprocess.features if one.name in wanted))
    among = {name: column for column, name in enumerate(part.names)}
    jobs = []
    for (copied, made), codes in alike.items():
        taken, same = np.ascontiguousarray(peers[:, copied]), np.arange(len(peers))
        if not copied and not made:
            taken, same = taken[:1], same[:1]
        elif not made:
            _, first, same = np.unique(taken.view(np.uint32), axis=0, return_index=True, return_inverse=True)
            taken = taken[first]
        computed = tuple((variant, place[name], among[name]) for variant, name in made)
        jobs.append(_Job(tuple(codes), copied, taken, same.ravel(), computed))
    return _Plan(tuple(jobs), part)


def _means(
    bundle: Bundle, values: Values, people: Applicants, plan: _Plan, where: NDArray[np.int64]
) -> Iterator[tuple[_Job, Floats]]:
    """Each row's mean margin over the peers whose factor it is given."""
    table, rows = people.computed(where)
    computed = plan.part.matrix(table).values
    waiting: list[tuple[_Job, Values]] = []
    count = 0
    for job in plan.jobs:
        waiting.append((job, _changed(values, job, computed, rows)))
        count += len(values) * len(job.copied)
        if count >= ROWS_AT_ONCE:
            yield from _scored(bundle, waiting, len(values))
            waiting, count = [], 0
    yield from _scored(bundle, waiting, len(values))


def _changed(values: Values, job: _Job, computed: Values, rows: Mapping[Any, slice]) -> Values:
    """Each row once for each different replacement: replacements run faster."""
    changed = np.repeat(values, len(job.copied), axis=0)
    changed[:, job.columns] = np.tile(job.copied, (len(values), 1))
    for variant, column, place in job.computed:
        changed[:, column] = computed[rows[variant], place]
    return changed


def _scored(bundle: Bundle, waiting: Sequence[tuple[_Job, Values]], count: int) -> Iterator[tuple[_Job, Floats]]:
    if not waiting:
        return
    margins = bundle.margin(np.concatenate([changed for _, changed in waiting]))
    start = 0
    for job, changed in waiting:
        own = margins[start : start + len(changed)].reshape(count, -1)
        start += len(changed)
        # Picked columns lie the other way round in memory, where a row's sum would depend on the number of rows.
        yield job, np.mean(np.ascontiguousarray(own[:, job.same]), axis=1)
