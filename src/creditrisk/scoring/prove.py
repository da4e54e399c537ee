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

LEAST_FALL = 1e-6
"""In log-odds: what the mean margin must fall by, so that rounding proves nothing."""

APPLICANTS_AT_ONCE = 128
PEOPLE_AT_ONCE = 2000
"""Whose raw rows are held in memory together."""


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
    def computed(self, places: NDArray[np.int64]) -> Mapping[Any, pa.Table]: ...


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


def falls(bundle: Bundle, values: Values, keys: pa.Array[Any], find: Find) -> Falls:
    """How far the margin of each row falls, group by group.

    values: preprocessed rows, shape (n, features).  keys: of these rows.
    Raises BadData when the raw tables hold no such person, or other facts than the rows were made from.
    """
    margin = bundle.margin(values)
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
    peers = bundle.preprocess.matrix(people.peers).values
    fall = np.full((len(values), len(groups)), np.nan)
    for start in range(0, len(values), APPLICANTS_AT_ONCE):
        rows = slice(start, start + APPLICANTS_AT_ONCE)
        for code, mean in _means(bundle, values[rows], peers, people, where[rows]).items():
            fall[rows, groups.index(code)] = margin[rows] - mean
    return fall


def _means(
    bundle: Bundle, values: Values, peers: Values, people: Applicants, where: NDArray[np.int64]
) -> dict[str, Floats]:
    """{group: each row's mean margin over the peers whose factor it is given}."""
    computed = {variant: _matrix(bundle.preprocess, table) for variant, table in people.computed(where).items()}
    place = {name: column for column, name in enumerate(bundle.preprocess.names)}
    read = bundle.reads()
    repeated = np.repeat(values, len(peers), axis=0)
    means: dict[str, Floats] = {}
    alike: dict[Any, Floats] = {}
    for step in people.steps:
        copied = tuple(place[name] for name in step.copied if place[name] in read)
        made = tuple((one, tuple(name for name in names if place[name] in read)) for one, names in step.computed)
        made = tuple((variant, names) for variant, names in made if names)
        if (copied, made) not in alike:  # factors of one child table often come to the same rows
            new = {place[name]: computed[variant][name] for variant, names in made for name in names}
            alike[copied, made] = (
                _mean(bundle, repeated, len(peers), new | {one: np.tile(peers[:, one], len(values)) for one in copied})
                if new
                else _mean_of_copies(bundle, values, peers, copied)
            )
        means[step.code] = alike[copied, made]
    return means


def _mean(bundle: Bundle, repeated: Values, peers: int, new: Mapping[int, Values]) -> Floats:
    """`repeated`, each row once a peer, has these columns while it is scored."""
    columns = list(new)
    own = repeated[:, columns]
    repeated[:, columns] = np.column_stack(list(new.values()))
    margins = bundle.margin(repeated).reshape(-1, peers)
    repeated[:, columns] = own
    return np.mean(margins, axis=1)


def _mean_of_copies(bundle: Bundle, values: Values, peers: Values, columns: Sequence[int]) -> Floats:
    """Peers with the same values are scored once: of a flag there are two, however many people have it."""
    if not columns:
        return bundle.margin(values)
    taken = np.ascontiguousarray(peers[:, columns])
    _, first, same = np.unique(taken.view(np.uint32), axis=0, return_index=True, return_inverse=True)
    changed = np.repeat(values, len(first), axis=0)
    changed[:, columns] = np.tile(taken[first], (len(values), 1))
    margins = bundle.margin(changed).reshape(len(values), len(first))
    # Picked columns lie the other way round in memory, where a row's sum would depend on the number of rows.
    return np.mean(np.ascontiguousarray(margins[:, same.ravel()]), axis=1)


def _matrix(preprocess: Preprocess, table: pa.Table) -> dict[str, Values]:
    there = set(table.column_names)
    part = Preprocess(tuple(one for one in preprocess.features if one.name in there))
    values = part.matrix(table).values
    return {name: values[:, column] for column, name in enumerate(part.names)}
