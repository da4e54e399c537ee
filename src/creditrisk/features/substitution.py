"""Applications with one factor replaced by another person's, and the features that the book's SQL makes of them.

A factor is some raw columns. A column of the main table is replaced by the other person's value; a date keeps its
distance to the as-of date. Rows of two people in a child table do not correspond, so its columns cannot be replaced one
by one: each feature that reads a column of the factor, or that belongs to the factor's reason, sees the other person's
rows of that table (and of the tables that hang on it); every other feature keeps the applicant's own.

A feature all of whose inputs are replaced is the other person's feature; one none of whose inputs are is the
applicant's. Only what lies between is computed, by the trunk of the SQL (`branches`), and the result has the same bits
as the whole SQL over such raw tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.config import MAIN, Book
from creditrisk.duck import DuckSettings, named
from creditrisk.features.branches import Cut, branch_sql, cut, pruned, trunk_sql
from creditrisk.features.engine import table_schema
from creditrisk.features.room import Room

type Places = NDArray[np.int64]
type RawTables = Mapping[str, pa.Table]

OWN = frozenset[str]()
ROW = "row__"
"""Column that tells the place of a person."""


@dataclass(frozen=True, slots=True)
class Factor:
    """code: of the reason.  features: its own.  columns: its raw columns, by table."""

    code: str
    features: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Variant:
    """An application with these main columns of a peer's, and a peer's rows in these families of child tables."""

    columns: frozenset[str]
    families: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """What replacing one factor does. copied: features that become the peer's; computed: features of a variant."""

    code: str
    copied: tuple[str, ...]
    computed: tuple[tuple[Variant, tuple[str, ...]], ...]


class Substitution:
    """Made once for a bundle; `over` once for each batch of applicants.

    reads: {feature: {table: columns that can change it}} (`lineage.feature_lineage`).
    peers: raw tables of people whose factors are put in the place of an applicant's, keyed like the book's.
    """

    def __init__(
        self,
        book: Book,
        *,
        reads: Mapping[str, Mapping[str, Sequence[str]]],
        factors: Sequence[Factor],
        peers: RawTables,
        settings: DuckSettings,
    ) -> None:
        self.book = book
        self.reads = {name: {table: frozenset(of) for table, of in tables.items()} for name, tables in reads.items()}
        self.factors = tuple(factors)
        self.peers = peers
        self.settings = settings
        self._parts: dict[tuple[str, ...], Part] = {}
        self._steps: dict[frozenset[str], tuple[Step, ...]] = {}
        self._features_of_peers: dict[frozenset[str], pa.Table] = {}
        self._peers_like: pa.Table | None = None
        self._once: dict[frozenset[str], Any] = {}

    @cached_property
    def schema(self) -> dict[str, dict[str, str]]:
        """What of the raw tables the SQL mentions."""
        return mentioned(self.book)

    @cached_property
    def cut(self) -> Cut:
        return cut(self.book, self.schema)

    def part(self, features: Sequence[str]) -> Part:
        wanted = tuple(features)
        if wanted not in self._parts:
            self._parts[wanted] = Part(self, wanted)
        return self._parts[wanted]

    @cached_property
    def families(self) -> dict[str, str]:
        return self.cut.families()

    @property
    def as_of(self) -> str | None:
        return self.book.portfolio.split.date

    def over(self, raw: RawTables) -> Applicants:
        """raw: the applicants' rows, with the columns of `schema` at least; an absent child table was not asked for."""
        return Applicants(self, raw)

    def steps(self, present: frozenset[str]) -> tuple[Step, ...]:
        """One for each factor that was asked for: all its child tables are there."""
        if present not in self._steps:
            asked = [one for one in self.factors if set(one.columns) - {MAIN} <= present and one.columns]
            self._steps[present] = tuple(self._step(factor) for factor in asked)
        return self._steps[present]

    def _step(self, factor: Factor) -> Step:
        main = frozenset(factor.columns.get(MAIN, ())) - {self.as_of}
        families = frozenset(self.families[table] for table in factor.columns if table != MAIN)
        copied: list[str] = []
        computed: dict[Variant, list[str]] = {}
        for name, reads in self.reads.items():
            in_main = reads.get(MAIN, frozenset())
            own_families = frozenset(self.families[table] for table in reads if table != MAIN)
            touched = name in factor.features or any(
                of & set(factor.columns.get(table, ())) for table, of in reads.items() if table != MAIN
            )
            replaced = own_families & families if touched else OWN
            if not in_main & main and not replaced:
                continue
            if in_main <= main - self.dates and own_families <= replaced:
                copied.append(name)
            else:
                computed.setdefault(Variant(main, replaced), []).append(name)
        return Step(factor.code, tuple(copied), tuple((one, tuple(names)) for one, names in computed.items()))

    @cached_property
    def dates(self) -> frozenset[str]:
        """Columns whose replaced value depends on the applicant's as-of date too."""
        if self.as_of is None:
            return OWN
        return frozenset(name for name, kind in self.schema[MAIN].items() if kind == "DATE")

    @cached_property
    def computed(self) -> tuple[str, ...]:
        """The features that some variant needs, whichever tables were asked for: one part serves them all."""
        steps = self.steps(frozenset(self.book.portfolio.tables) - {MAIN})
        return tuple(dict.fromkeys(name for step in steps for _, names in step.computed for name in names))

    def features_of_peers(self, present: frozenset[str]) -> pa.Table:
        """The peers' features, where only these tables are asked for."""
        if present not in self._features_of_peers:
            rows = self.peers[MAIN]
            own = {family: np.arange(rows.num_rows) for family in set(self.families.values())}
            part = self.part(list(self.reads))
            self._features_of_peers[present] = part.run(present, part.branches_of_peers(present), rows, own)
        return self._features_of_peers[present]

    def once[T](self, present: frozenset[str], make: Callable[[], T]) -> T:
        if present not in self._once:
            self._once[present] = make()
        return cast(T, self._once[present])

    def peers_like(self, schema: pa.Schema) -> pa.Table:
        """The peers' rows of the main table, with these columns and types."""
        if self._peers_like is None or not self._peers_like.schema.equals(schema):
            self._peers_like = self.peers[MAIN].select(schema.names).cast(schema)
        return self._peers_like


class Applicants:
    """The applicants of one batch, in the order of `keys`."""

    def __init__(self, substitution: Substitution, raw: RawTables) -> None:
        self.of = substitution
        self.main = raw[MAIN]
        self.present = frozenset(name for name in raw if name != MAIN)
        self._raw = raw
        self._branches_of: dict[Part, dict[str, pa.Table]] = {}

    @property
    def keys(self) -> pa.ChunkedArray:
        return self.main[self.of.book.key]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return self.of.steps(self.present)

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        """Every variant that some step computes."""
        return tuple(dict.fromkeys(variant for step in self.steps for variant, _ in step.computed))

    @property
    def peers(self) -> pa.Table:
        """The peers' own features."""
        return self.of.features_of_peers(self.present)

    def computed(self, places: Places) -> tuple[pa.Table, dict[Variant, slice]]:
        """Features of every variant, of each of these applicants with each peer, and which rows are which variant's.

        Peers run faster. Every row has the features of all variants; those wanted of others mean nothing.
        """
        count = self.of.peers[MAIN].num_rows
        if not self.variants:
            return pa.table({}), {}
        applicant = np.repeat(places, count)
        peer = np.tile(np.arange(count), len(places)) + len(self.main)
        rows = {one: slice(start * len(peer), (start + 1) * len(peer)) for start, one in enumerate(self.variants)}
        return self._run(applicant, peer), rows

    def once[T](self, make: Callable[[], T]) -> T:
        """What `make` makes of the steps and the peers: made once for all who were asked for the same tables."""
        return self.of.once(self.present, make)

    def changed(self, rows: pa.Table, places: Places, features: Sequence[str]) -> pa.Table:
        """Features of these rows of the main table, each with the child rows of the applicant at its place."""
        own = {family: places for family in set(self.of.families.values())}
        part = self.of.part(features)
        return part.run(self.present, self._branches(part), rows, own)

    def _branches(self, part: Part) -> dict[str, pa.Table]:
        """Applicants' branches and, below them, the peers'."""
        if part not in self._branches_of:
            theirs = part.branches_of_peers(self.present) if self.of.peers else {}
            self._branches_of[part] = {
                name: pa.concat_tables([table, _moved(theirs[name], len(self.main))]) if name in theirs else table
                for name, table in part.branches(self._raw, self.keys).items()
            }
        return self._branches_of[part]

    def _everybody(self, columns: Sequence[str]) -> pa.Table:
        """The applicants and, below them, the peers."""
        own = self.main.select(columns)
        return pa.concat_tables([own, self.of.peers_like(own.schema)]).combine_chunks()

    def _run(self, applicant: Places, peer: Places) -> pa.Table:
        """Variants run slowest. applicant, peer: places in `_everybody`."""
        part, variants = self.of.part(self.of.computed), self.variants
        everybody = self._everybody(part.columns)
        whose = np.tile(applicant, len(variants))
        changed = frozenset().union(*(one.columns for one in variants)) & set(part.columns)
        kept = everybody.drop_columns(sorted(changed))
        columns = dict(zip(kept.column_names, kept.take(pa.array(whose)).columns, strict=True))
        for name in changed:
            places = np.concatenate([peer if name in one.columns else applicant for one in variants])
            columns[name] = self._taken(everybody, name, pa.array(places), whose)
        families = {
            family: np.concatenate([peer if family in one.families else applicant for one in variants])
            for family in set(self.of.families.values())
        }
        rows = pa.Table.from_arrays([columns[name] for name in part.columns], schema=everybody.schema)
        return part.run(self.present, self._branches(part), rows, families)

    def _taken(self, everybody: pa.Table, name: str, places: pa.Array, whose: Places) -> pa.ChunkedArray:
        taken = everybody[name].take(places)
        if name in self.of.dates and self.of.as_of is not None:
            as_of = everybody[self.of.as_of]
            return _same_distance(taken, as_of.take(places), as_of.take(pa.array(whose)))
        return taken


class Part:
    """What some features need of the book's SQL: of the branches, and of the trunk. For one thread at a time.

    columns: those of the main table that the trunk reads, the key among them.
    """

    def __init__(self, of: Substitution, features: Sequence[str]) -> None:
        self._of, self._features = of, features
        self._cut = pruned(of.cut, features, of.book.key)
        self._branch_room, self._room = Room(of.settings), Room(of.settings)
        words = words_of([*(file.query for file in self._cut.trunk), *features])
        needed = {of.book.key, of.as_of}
        self.columns = [name for name in of.schema[MAIN] if name in needed or name.lower() in words]
        below = words_of(text for branch in self._cut.branches for text, _ in branch.steps.values())
        keys = {branch.key for branch in self._cut.branches}
        whole = {table for branch in self._cut.branches if not branch.steps for table in branch.tables}
        self._below: dict[str, list[str]] = {}
        for name, columns in of.schema.items():
            if name == MAIN:
                continue
            kept = [one for one in columns if name in whole or one in keys or one.lower() in below]
            kept = kept or list(columns)[:1]
            self._below[name] = kept
            self._branch_room.show(f"{name}__rows", self._branch_room.empty({one: columns[one] for one in kept}))
            self._branch_room.define(name, f"select * from {named(name + '__rows')}")  # noqa: S608
            self._room.show(name, self._room.empty(columns))
        self._of_peers: dict[frozenset[str], dict[str, pa.Table]] = {}

    def branches(self, raw: RawTables, keys: pa.ChunkedArray) -> dict[str, pa.Table]:
        """{branch: its rows, with the place of each person among `keys` in the column ROW instead of the key}."""
        found, room = {}, self._branch_room
        known = keys.combine_chunks()
        try:
            for name, columns in self._below.items():
                if name in raw:
                    room.show(f"{name}__rows", raw[name].select(columns))
            for branch in self._cut.branches:
                table = room.ask(branch_sql(branch, raw), where=branch.name)
                place = pc.index_in(table[branch.key], value_set=known.cast(table[branch.key].type))
                table = table.set_column(table.column_names.index(branch.key), ROW, place.cast(pa.int64()))
                found[branch.name] = table.filter(table[ROW].is_valid())
        finally:
            room.forget()
        return found

    def branches_of_peers(self, present: frozenset[str]) -> dict[str, pa.Table]:
        if present not in self._of_peers:
            there = {name: table for name, table in self._of.peers.items() if name == MAIN or name in present}
            self._of_peers[present] = self.branches(there, self._of.peers[MAIN][self._of.book.key])
        return self._of_peers[present]

    def run(
        self,
        present: frozenset[str],
        branches: Mapping[str, pa.Table],
        rows: pa.Table,
        families: Mapping[str, Places],
    ) -> pa.Table:
        """The features of each row of a main table, in its order.

        families: for each row, the place of the person whose child rows it has, by family.
        """
        key, room = self._of.book.key, self._room
        numbers = np.arange(rows.num_rows)
        own_key = pa.array(numbers)
        if "CHAR" in self._of.schema[MAIN][key]:
            own_key = own_key.cast(pa.string())
        rows = rows.select([name for name in self.columns if name != key]).add_column(0, key, own_key)
        try:
            room.show(f"{MAIN}__rows", rows)
            room.define(MAIN, f"select * from {named(MAIN + '__rows')}")  # noqa: S608
            if branches:
                self._show_branches(branches, {ROW: own_key, **{one: pa.array(of) for one, of in families.items()}})
            query = trunk_sql(self._cut, present, self._features, key)
            found = room.ask(query, where=self._cut.trunk[-1].name)
        finally:
            room.forget()
        places = found[key].cast(pa.int64()).to_numpy()
        # Not sorted by the query: for that, DuckDB would hold every column once more.
        in_order = found if np.array_equal(places, numbers) else found.take(pa.array(np.argsort(places)))
        return in_order.drop_columns([key])

    def _show_branches(self, branches: Mapping[str, pa.Table], people: Mapping[str, pa.Array]) -> None:
        """Each branch with the rows of whoever stands for its family in each row of the main table."""
        self._room.show("people__", pa.table(dict(people)))
        for branch in self._cut.branches:
            own, rows = f"{branch.name}__rows", branches[branch.name]
            self._room.show(own, rows)
            listed = ", ".join(f"b.{named(one)}" for one in rows.column_names if one != ROW)
            family = named(self._of.families[min(branch.tables)])
            self._room.define(
                branch.name,
                f"select p.{ROW} as {named(branch.key)}, {listed} "  # noqa: S608
                f"from people__ as p join {named(own)} as b on b.{ROW} = p.{family}",
            )


def mentioned(book: Book) -> dict[str, dict[str, str]]:
    """{table: {column: type}} that the text of the book's SQL names, of what it may see; and the main key."""
    words = words_of(file.text for file in book.sql)
    schema = {}
    for table, columns in table_schema(book).items():
        changed = book.portfolio.decision.changeable if table == MAIN else {}
        kept = {name: kind for name, kind in columns.items() if name.lower() in words or name in changed}
        if table == MAIN or kept:
            schema[table] = {**({book.key: columns[book.key]} if table == MAIN else {}), **kept}
    return schema


def words_of(texts: Iterable[str]) -> set[str]:
    """The words of some SQL, in lower case."""
    text = " ".join(texts).lower()
    return set("".join(one if one.isalnum() or one == "_" else " " for one in text).split())


def _moved(table: pa.Table, by: int) -> pa.Table:
    place = table.column_names.index(ROW)
    return table.set_column(place, ROW, pc.add(table[ROW], by))


def _same_distance(dates: pa.Array, before: pa.Array, after: pa.Array) -> pa.Array:
    """Dates as many whole months before `after` as they were before `before`, on the same day of the month."""
    day, old, new = (one.cast(pa.date32()).to_numpy(zero_copy_only=False).astype("datetime64[D]")
                     for one in (dates, before, after))  # fmt: skip
    month = day.astype("datetime64[M]")
    moved = new.astype("datetime64[M]") - (old.astype("datetime64[M]") - month)
    last = (moved + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    shifted = np.minimum(moved.astype("datetime64[D]") + (day - month.astype("datetime64[D]")), last)
    return pa.array(shifted, pa.date32()).cast(dates.type)
