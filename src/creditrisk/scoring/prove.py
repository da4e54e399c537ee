"""Does a factor matter? It is replaced by approved people's, the features are made anew, and the row is scored again.

The raw tables are somebody else's to read: what replacing does to the features is handed in, so that this room needs
no database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
type Places = NDArray[np.int64]

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
    fall = np.full((len(values), len(bundle.policy.reasons)), np.nan)
    fall[:, plan.idle] = 0.0
    for start in range(0, len(values), APPLICANTS_AT_ONCE):
        rows = slice(start, start + APPLICANTS_AT_ONCE)
        means = _means(bundle, values[rows], people, plan, where[rows])
        fall[rows, plan.groups] = margin[rows, None] - means[:, plan.jobs]
    return fall


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the steps and the peers come to: jobs, each a factor that is replaced by every peer's.

    A job has a row for each different replacement: where it only copies a flag, that is two, however many peers there
    are. Cells are places in such rows laid end to end, of the width of the matrix.

    groups, jobs: places in the policy of the groups that some job proves, often several of one child table, and its
    number.  idle: places of the groups whose factor moves nothing that the trees read.
    rows: of all jobs.  same: the row of each job and peer, shape (jobs, peers).
    copied_to, copied: cells, and the peers' values for them.
    made_to: cells of features that are computed.  variant, peer, column: what goes into each: of which of `variants`
    and of which peer, and its place in `part`.
    """

    groups: Places
    jobs: Places
    idle: Places
    rows: int
    same: Places
    copied_to: Places
    copied: Values
    made_to: Places
    variants: tuple[Any, ...]
    variant: Places
    peer: Places
    column: Places
    part: Preprocess


def _plan(bundle: Bundle, people: Applicants) -> _Plan:
    names, read = bundle.preprocess.names, bundle.reads()
    peers = bundle.preprocess.matrix(people.peers).values
    place = {name: column for column, name in enumerate(names)}
    group = {words.code: number for number, words in enumerate(bundle.policy.reasons)}
    alike: dict[Any, list[int]] = {}
    for step in people.steps:
        copied = tuple(place[name] for name in step.copied if place[name] in read)
        made = tuple((one, name) for one, its in step.computed for name in its if place[name] in read)
        alike.setdefault((copied, made), []).append(group[step.code])
    idle = alike.pop(((), ()), [])
    wanted = {name for _, made in alike for _, name in made}
    part = Preprocess(tuple(one for one in bundle.preprocess.features if one.name in wanted))
    among = {name: column for column, name in enumerate(part.names)}
    variants = tuple(dict.fromkeys(variant for _, made in alike for variant, _ in made))
    everybody, rows = np.arange(len(peers)), 0
    same, copied_to, copied_values = [], [], []
    made_cells: list[tuple[Places, int, int]] = []
    for copied, made in alike:
        taken, own = np.ascontiguousarray(peers[:, copied]), everybody
        if not made:
            _, first, own = np.unique(taken.view(np.uint32), axis=0, return_index=True, return_inverse=True)
            taken = taken[first]
        begins = (rows + np.arange(len(taken))) * len(names)
        same.append(rows + own.ravel())
        copied_to.append((begins[:, None] + np.array(copied, np.int64)).ravel())
        copied_values.append(taken.ravel())
        made_cells += [(begins + place[name], variants.index(variant), among[name]) for variant, name in made]
        rows += len(taken)
    return _Plan(
        groups=_places([own for groups in alike.values() for own in groups]),
        jobs=_places([number for number, groups in enumerate(alike.values()) for _ in groups]),
        idle=_places(idle),
        rows=rows,
        same=np.array(same, np.int64).reshape(len(same), len(peers)),
        copied_to=np.concatenate([_places([]), *copied_to]),
        copied=np.concatenate([np.empty(0, np.float32), *copied_values]),
        made_to=np.concatenate([_places([]), *(cells for cells, _, _ in made_cells)]),
        variants=variants,
        variant=np.repeat(_places([variant for _, variant, _ in made_cells]), len(peers)),
        peer=np.tile(everybody, len(made_cells)),
        column=np.repeat(_places([column for _, _, column in made_cells]), len(peers)),
        part=part,
    )


def _places(of: Sequence[int]) -> Places:
    return np.array(of, np.int64)


def _means(bundle: Bundle, values: Values, people: Applicants, plan: _Plan, where: Places) -> Floats:
    """Each row's mean margin over the peers whose factor it is given, shape (n, jobs)."""
    means = np.empty((len(values), len(plan.same)))
    if not plan.rows:
        return means
    table, rows = people.computed(where)
    computed = plan.part.matrix(table).values
    source = _places([rows[one].start for one in plan.variants])[plan.variant] + plan.peer
    at_once = max(1, ROWS_AT_ONCE // plan.rows)
    for start in range(0, len(values), at_once):
        some = values[start : start + at_once]
        changed = np.repeat(some, plan.rows, axis=0)
        cells = changed.reshape(len(some), -1)
        cells[:, plan.copied_to] = plan.copied
        own = (start + np.arange(len(some)))[:, None] * plan.same.shape[1]  # peers run faster
        cells[:, plan.made_to] = computed[source + own, plan.column]
        margins = bundle.margin(changed).reshape(len(some), -1)
        # Picked columns lie the other way round in memory, where a row's sum would depend on the number of rows.
        means[start : start + at_once] = np.mean(np.ascontiguousarray(margins[:, plan.same]), axis=2)
    return means
