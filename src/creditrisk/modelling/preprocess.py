"""From a feature table to the numbers an estimator sees, by a vocabulary fitted on training rows only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.errors import BadData, BrokenFile, did_you_mean
from creditrisk.ports import FeatureKind

MOST_CATEGORIES = 1000
ROWS_AT_ONCE = 8192
"""A block of a column that stays in the processor's cache between being read and being put in its place."""

type Sort = Literal["null", "number", "cast", "text", "other"]
SORTS: dict[int, Sort] = {
    pa.null().id: "null",
    **{
        pa.type_for_alias(name).id: "number"
        for name in ("int8", "int16", "int32", "int64", "float16", "float32", "float64")
    },
    **{pa.type_for_alias(name).id: "number" for name in ("uint8", "uint16", "uint32", "uint64")},
    pa.bool_().id: "cast",
    pa.decimal128(1).id: "cast",
    pa.decimal256(1).id: "cast",
    pa.string().id: "text",
    pa.large_string().id: "text",
    pa.string_view().id: "text",
}
"""What can be done with a column, by the id of its Arrow type; "cast" is a number after a cast. A look-up, because one
row of 300 columns must not spend its milliseconds on asking for types."""

UNSEEN = "unseen_category"
NOT_FINITE = "not_finite"


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of a model. `categories` are the words seen in training, sorted; a word's place is its code.

    blank: the number that a missing value is read as, the worst one seen in training; None = it stays missing.
    """

    name: str
    kind: FeatureKind
    categories: tuple[str, ...] = ()
    blank: float | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """What an estimator sees.

    values: float32, shape (n, features): numbers, category codes, NaN = missing.
    warnings: {"unseen_category:<feature>" or "not_finite:<feature>": rows it holds for, bool, shape (n,)}.
    """

    values: NDArray[np.float32]
    warnings: Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Order, kind and vocabulary of the features of one model."""

    features: tuple[Feature, ...]
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _blank_places: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    _blank_values: NDArray[np.float32] = field(init=False, repr=False, compare=False)
    _codes: Mapping[int, Mapping[str, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(feature.name for feature in self.features))
        blanks = {place: one.blank for place, one in enumerate(self.features) if one.blank is not None}
        object.__setattr__(self, "_blank_places", np.array(list(blanks), dtype=np.int64))
        codes = {
            place: {word: code for code, word in enumerate(one.categories)}
            for place, one in enumerate(self.features)
            if one.kind == "category"
        }
        object.__setattr__(self, "_codes", codes)
        object.__setattr__(self, "_blank_values", np.array(list(blanks.values()), dtype=np.float32))

    @property
    def kinds(self) -> dict[str, FeatureKind]:
        return {feature.name: feature.kind for feature in self.features}

    @classmethod
    def fit(
        cls,
        table: pa.Table,
        names: Sequence[str],
        rows: NDArray[np.bool_] | None = None,
        *,
        blanks: Mapping[str, int] = MappingProxyType({}),
    ) -> Self:
        """Kinds, and vocabularies from the training rows: those where `rows` (shape (n,)) is true, or all.

        blanks: {feature: 1 when PD rises with it, -1 when it falls}: a missing value of these is read as the highest or
        lowest one of the training rows, so that hiding a value never pays.
        Raises BadData for a column that is absent, neither number, boolean nor text, or of too many different words.
        """
        columns = _columns(table, names)
        kept = None if rows is None else pa.array(rows)
        return cls(tuple(_fit_feature(columns[name], name, kept, blanks.get(name, 0)) for name in names))

    def matrix(self, table: pa.Table) -> Matrix:
        """The table's rows as numbers. A row's numbers do not depend on the other rows.

        A word that training did not see, and an infinite number, become missing, with a warning.
        Raises BadData for an absent column or one whose type has changed.
        """
        columns = _columns(table, self.names)
        for feature in self.features:
            _refuse_changed_type(columns[feature.name].type, feature)
        values = np.empty((table.num_rows, len(self.features)), dtype=np.float32)
        warnings: dict[str, NDArray[np.bool_]] = {}
        for start in range(0, table.num_rows, ROWS_AT_ONCE):
            block = slice(start, start + ROWS_AT_ONCE)
            columns_here = [columns[name].slice(start, ROWS_AT_ONCE) for name in self.names]
            for code, rows in _fill(values[block], columns_here, self.features).items():
                warnings.setdefault(code, np.zeros(table.num_rows, dtype=np.bool_))[block] = rows
        return self._finished(values, warnings)

    def matrix_of(self, rows: Sequence[Sequence[Any]]) -> Matrix:
        """The same numbers and warnings, of a few rows in memory: each the features' values in order, None = missing.

        A wide table of a few rows costs a hundred times what its numbers do. The values are those of a table that
        `matrix` takes; nothing is looked at here but the words of categories.
        """
        made = [list(row) for row in rows]
        warnings: dict[str, NDArray[np.bool_]] = {}
        for place, codes in self._codes.items():
            words = [row[place] for row in made]
            for row, word in zip(made, words, strict=True):
                row[place] = codes.get(word)
            unseen = [word is not None and word not in codes for word in words]
            if any(unseen):
                warnings[f"{UNSEEN}:{self.features[place].name}"] = np.array(unseen)
        with np.errstate(over="ignore"):
            values = np.array(made, np.float64).reshape(len(made), len(self.features)).astype(np.float32)
        return self._finished(values, warnings | _infinite_to_missing(values, self.features))

    def _finished(self, values: NDArray[np.float32], warnings: dict[str, NDArray[np.bool_]]) -> Matrix:
        if len(self._blank_places):
            own = values[:, self._blank_places]
            values[:, self._blank_places] = np.where(np.isnan(own), self._blank_values, own)
        place = {name: number for number, name in enumerate(self.names)}
        return Matrix(values, dict(sorted(warnings.items(), key=lambda item: place[item[0].partition(":")[2]])))

    def to_json(self) -> dict[str, Any]:
        return {
            "features": [
                {"name": feature.name, "kind": feature.kind}
                | ({"categories": list(feature.categories)} if feature.kind == "category" else {})
                | ({"blank": feature.blank} if feature.blank is not None else {})
                for feature in self.features
            ]
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises BrokenFile for anything `to_json` does not write."""
        try:
            features = tuple(
                Feature(str(item["name"]), item["kind"], tuple(item.get("categories", ())), _blank(item.get("blank")))
                for item in value["features"]
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BrokenFile(f"not a list of features: {error!r}", where="preprocess.json") from error
        if any(feature.kind not in ("number", "category") for feature in features):
            raise BrokenFile("a feature is neither number nor category", where="preprocess.json")
        return cls(features)


def numbers(column: pa.ChunkedArray[Any]) -> NDArray[np.float64]:
    """A number or boolean column as float64, shape (n,), NaN where NULL; false 0, true 1.

    Always by way of float64, so that an integer gives the same bits whether or not its neighbours are NULL.
    """
    sort = _sort_of(column.type)
    if sort == "null":
        return np.full(len(column), np.nan)
    if sort == "cast":
        column = column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column.cast(pa.uint8())
    values: NDArray[Any] = column.to_numpy()
    return values.astype(np.float64, copy=False)


def _sort_of(kind: pa.DataType) -> Sort:
    if pa.types.is_dictionary(kind):
        return "text" if _sort_of(kind.value_type) == "text" else "other"
    return SORTS.get(kind.id, "other")


def _columns(table: pa.Table, names: Sequence[str]) -> dict[str, pa.ChunkedArray[Any]]:
    """By name; looking each one up in a wide table costs more than its numbers."""
    columns = dict(zip(table.column_names, table.columns, strict=True))
    for name in names:
        if name not in columns:
            raise BadData(f'the feature table has no column "{name}"', hint=did_you_mean(name, columns))
    return columns


def _blank(told: Any) -> float | None:
    value = None if told is None else float(told)
    if value is not None and not np.isfinite(value):
        raise ValueError("a blank is read as no number")
    return value


def _worst(column: pa.ChunkedArray[Any], rows: Any, direction: int) -> float | None:
    """The finite float32 on the unfavourable side of the training rows; None where they state none."""
    if not direction:
        return None
    with np.errstate(over="ignore"):
        values = numbers(column if rows is None else column.filter(rows)).astype(np.float32)
    stated = values[np.isfinite(values)]
    return float(np.max(stated) if direction > 0 else np.min(stated)) if len(stated) else None


def _fit_feature(column: pa.ChunkedArray[Any], name: str, rows: Any, direction: int = 0) -> Feature:
    sort = _sort_of(column.type)
    if sort == "other":
        raise BadData(
            f"a feature of type {column.type} cannot be learnt from",
            where=f"feature {name}",
            hint="features are numbers, booleans or text: derive one in the book's SQL",
        )
    if sort != "text":
        return Feature(name, "number", blank=_worst(column, rows, direction))
    text = column.cast(pa.string()) if rows is None else column.cast(pa.string()).filter(rows)
    words = sorted(str(word) for word in pc.unique(text).to_pylist() if word is not None)
    refuse_too_many(words, name)
    return Feature(name, "category", tuple(words))


def refuse_infinite(table: pa.Table, features: Sequence[str]) -> None:
    for name in features:
        column = table.column(name)
        if pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py():
            raise BadData("infinite numbers", where=f"feature {name}", hint="guard its ratio with nullif in the SQL")


def refuse_too_many(words: Sequence[str], name: str) -> None:
    if len(words) > MOST_CATEGORIES:
        raise BadData(
            f"{len(words)} different words; a category has at most {MOST_CATEGORIES}",
            where=f"feature {name}",
            hint="is it an identifier or free text? group its words in the book's SQL",
        )


def _refuse_changed_type(kind: pa.DataType, feature: Feature) -> None:
    sort = _sort_of(kind)
    if sort == "other" or (sort != "null" and (sort == "text") != (feature.kind == "category")):
        raise BadData(
            f"the model learnt a {feature.kind}, this table holds {kind}",
            where=f"feature {feature.name}",
            hint="score features made by the bundle's own SQL",
        )


def _fill(
    out: NDArray[np.float32], columns: Sequence[pa.ChunkedArray[Any]], features: Sequence[Feature]
) -> dict[str, NDArray[np.bool_]]:
    """Put the columns' numbers into `out`, shape (rows, features); returns each warning with the rows it holds for."""
    warnings: dict[str, NDArray[np.bool_]] = {}
    with np.errstate(over="ignore"):  # a number beyond float32's range becomes infinite, and is then missing
        for place, (column, feature) in enumerate(zip(columns, features, strict=True)):
            if feature.kind == "number":
                out[:, place] = numbers(column)
            else:
                out[:, place], unseen = _codes(column, feature)
                if unseen is not None:
                    warnings[f"{UNSEEN}:{feature.name}"] = unseen
    return warnings | _infinite_to_missing(out, features)


def _infinite_to_missing(out: NDArray[np.float32], features: Sequence[Feature]) -> dict[str, NDArray[np.bool_]]:
    infinite = np.isinf(out)
    places = np.flatnonzero(infinite.any(axis=0)).tolist()
    out[infinite] = np.nan
    return {f"{NOT_FINITE}:{features[place].name}": infinite[:, place] for place in places}


def _codes(column: pa.ChunkedArray[Any], feature: Feature) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """The words' codes, and where a word is unseen; None where none is."""
    words = column.cast(pa.string())
    index: Any = pc.index_in(words, value_set=pa.array(feature.categories, pa.string()))
    codes = numbers(index)
    if index.null_count == words.null_count:
        return codes, None
    return codes, np.isnan(codes) & words.is_valid().to_numpy()
