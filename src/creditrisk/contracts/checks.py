"""Every promise of every contract, checked on the bronze tables. Findings are data; nothing is raised for them.

One query a table counts what rows break by themselves, one a column of categories; the rest is answered from the file's
own statistics, from the keys sorted, and by plain arithmetic on the table's profile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from creditrisk.config import MAIN, Contract, Portfolio
from creditrisk.contracts import shares
from creditrisk.contracts.profile import TableProfile
from creditrisk.contracts.promises import Promise, promises_of, sentinel_condition
from creditrisk.contracts.uniqueness import Doubles
from creditrisk.contracts.view import BronzeView
from creditrisk.duck import DuckSettings, locked_room, translated
from creditrisk.errors import BadData
from creditrisk.kinds import Finding, Severity, refusals

type Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Checked:
    """What the contracts found, and what the tables look like: {table: profile}."""

    findings: list[Finding]
    profiles: dict[str, TableProfile]


def check(
    tables: Mapping[str, Path],
    contracts: Mapping[str, Contract],
    portfolio: Portfolio,
    *,
    settings: DuckSettings,
    scoring: bool = False,
    progress: Progress | None = None,
) -> list[Finding]:
    """The findings of `examine`, with nothing to compare with."""
    return examine(tables, contracts, portfolio, settings=settings, scoring=scoring, progress=progress).findings


def examine(
    tables: Mapping[str, Path],
    contracts: Mapping[str, Contract],
    portfolio: Portfolio,
    *,
    settings: DuckSettings,
    last: Mapping[str, TableProfile] | None = None,
    scoring: bool = False,
    progress: Progress | None = None,
) -> Checked:
    """Check bronze tables {logical name: file}; a table of the book that is not among them is a finding.

    last: profiles of the last accepted ingestion; None = there was none.
    scoring: no outcome is expected, so nothing is asked of the target, nor of shares: whoever applies today is no
    sample of anything.
    Raises BadConfig when a rule's SQL is wrong, OutsideFailed when memory or disk run out.
    """

    @contextmanager
    def opened(name: str) -> Iterator[BronzeView]:
        own = own_columns(contracts[name], portfolio)
        with locked_room(settings, reads=files_read(name, tables, portfolio)) as con, translated(f"contract of {name}"):
            yield BronzeView.opened(con, contracts[name], tables[name], portfolio, own)

    return examined(opened, tables, contracts, portfolio, last=last, scoring=scoring, progress=progress)


def examined(
    opened: Callable[[str], AbstractContextManager[BronzeView]],
    tables: Mapping[str, Any],
    contracts: Mapping[str, Contract],
    portfolio: Portfolio,
    *,
    last: Mapping[str, TableProfile] | None = None,
    scoring: bool = False,
    progress: Progress | None = None,
) -> Checked:
    """`examine` on any engine. opened: gives a table's view by name."""
    findings = missing_tables(tables, portfolio)
    profiles: dict[str, TableProfile] = {}
    for index, name in enumerate(tables):
        if progress:
            progress(name, index / len(tables))
        with opened(name) as view:
            found, profiles[name] = _check_table(view, tables, contracts, portfolio, scoring=scoring)
            findings += found
    if not scoring:
        findings += _of_whole_tables(profiles, contracts, last or {})
    return Checked(
        [finding for finding in findings if not portfolio.is_off(finding.table, finding.rule, finding.column)],
        profiles,
    )


def missing_tables(tables: Mapping[str, Any], portfolio: Portfolio) -> list[Finding]:
    return [
        Finding(
            name,
            "missing table",
            Severity.REFUSE if name == MAIN or table.required else Severity.WARN,
            f'the table "{table.file}" is missing; what is made from it is not known' if name != MAIN
            else "the main table is missing",
            hint=f"add {table.file}.csv, .csv.gz, .zip or .parquet to the raw folder",
        )
        for name, table in portfolio.tables.items()
        if name not in tables
    ]  # fmt: skip


def refuse_if_needed(findings: Sequence[Finding]) -> None:
    """Raises BadData with the first finding that refuses, how many more there are, and those (at most twenty)."""
    refused = refusals(findings)
    if refused:
        first = refused[0]
        more = f" (and {len(refused) - 1} more refusals)" if refused[1:] else ""
        others = "".join(f"\nalso {other.where}: {_in_words(other)}" for other in refused[1:20])
        raise BadData(f"{_in_words(first)}{more}", where=first.where, hint=f"{first.hint}{others}")


def _in_words(finding: Finding) -> str:
    rows = f", in {finding.rows:,} rows" if finding.rows else ""
    seen = f", e.g. {', '.join(finding.examples)}" if finding.examples else ""
    return f"{finding.rule}: {finding.what}{rows}{seen}"


def files_read(name: str, tables: Mapping[str, Path], portfolio: Portfolio) -> list[Path]:
    """The bronze file of a table and, where there is one, of its parent."""
    parent = portfolio.tables[name].parent
    return [tables[table] for table in (name, parent) if table is not None and table in tables]


def broken_promises(view: BronzeView, promises: Sequence[Promise]) -> list[Finding]:
    """One pass over the columns concerned; promises that the footer already proves are not looked at."""
    still_open = open_promises(view, promises)
    return _told(view, still_open, view.counted([promise.broken for promise in still_open]))


def open_promises(view: BronzeView, promises: Sequence[Promise]) -> list[Promise]:
    """Those that the table's own statistics do not prove."""
    return [promise for promise in promises if not _proved(promise, view)]


def need_sound_rules(view: BronzeView) -> None:
    """Raises BadConfig for the first rule whose SQL does not fit the table."""
    for rule in view.contract.rules:
        view.need_sound(rule)


def parent_key(portfolio: Portfolio, contracts: Mapping[str, Contract], name: str) -> tuple[str, str, str] | None:
    """(parent, foreign key, the parent's key) of a child table."""
    table = portfolio.tables[name]
    if table.parent is None or table.foreign_key is None:
        return None
    known = {*contracts[table.parent].names, portfolio.entity.key}
    keys = portfolio.tables[table.parent].key
    key = table.foreign_key if table.foreign_key in known or not keys else keys[0]
    return table.parent, table.foreign_key, key


def unique_sets(contract: Contract, portfolio: Portfolio) -> list[tuple[tuple[str, ...], Severity, Severity]]:
    """(columns that name a row, severity of contradictions, of duplicates).

    The entity's key always names a row of the main table: no contract lets two rows of it through.
    """
    copies = contract.duplicates_severity or contract.unique_severity
    sets = [(names, contract.unique_severity, copies) for names in contract.unique]
    key = (portfolio.entity.key,)
    if contract.table == MAIN:
        taken_out = Severity.QUARANTINE if contract.duplicates_severity is Severity.QUARANTINE else Severity.REFUSE
        sets = [(key, Severity.REFUSE, taken_out), *(one for one in sets if one[0] != key)]
    return sets


def doubles(view: BronzeView, portfolio: Portfolio, keys: tuple[str, ...]) -> Doubles | None:
    """Rows that share this key, duplicates apart from contradictions; None where no two do, or nobody asks."""
    table = view.contract.table
    if all(portfolio.is_off(table, rule, keys[0]) for rule in ("duplicate rows", "contradicting rows")):
        return None
    return view.doubled(keys)


def own_columns(contract: Contract, portfolio: Portfolio) -> tuple[str, ...]:
    """Columns of the bronze file that the contract does not list: the hashed key."""
    hashed = contract.table == MAIN and portfolio.entity.hash_of
    return (portfolio.entity.key,) if hashed else ()


def _check_table(
    view: BronzeView,
    tables: Mapping[str, Any],
    contracts: Mapping[str, Contract],
    portfolio: Portfolio,
    *,
    scoring: bool,
) -> tuple[list[Finding], TableProfile]:
    contract, name = view.contract, view.contract.table
    need_sound_rules(view)
    promises = open_promises(view, promises_of(contract, portfolio, scoring=scoring))
    sentinels = [
        (column, value) for column in contract.columns for value in column.sentinels if view.holds(column.name, value)
    ]
    conditions = [promise.broken for promise in promises]
    conditions += [sentinel_condition(column, value) for column, value in sentinels]
    counts = view.counted(conditions)
    findings = _told(view, promises, counts[: len(promises)])
    categories = {column.name: _categories(view, column.name, column.categories) for column in contract.columns
                  if column.categories and view.nulls[column.name] < view.rows}  # fmt: skip
    findings += [finding for _, finding in categories.values() if finding]
    findings += _doubled(view, portfolio)
    orphans = _orphans(view, tables, contracts, portfolio)
    if orphans and (not scoring or not contract.orphans_share_max):
        findings += _orphans_found(view, portfolio, orphans)
    if name == MAIN:
        findings += _target(view, portfolio, scoring=scoring)
    seen = dict(zip([(column.name, value) for column, value in sentinels], counts[len(promises) :], strict=True))
    profile = TableProfile(
        rows=view.rows,
        nulls={column: view.nulls[column] for column in contract.names},
        categories={column: known for column, (known, _) in categories.items()},
        sentinels={
            column.name: {value: seen.get((column.name, value), 0) for value in column.sentinels}
            for column in contract.columns if column.sentinels
        },
        orphans=orphans,
    )  # fmt: skip
    if not scoring:
        findings += shares.unlike_their_unit(contract, profile, view.ends)
    return [_without_hidden(finding, view.hidden) for finding in findings], profile


def _of_whole_tables(
    profiles: Mapping[str, TableProfile], contracts: Mapping[str, Contract], last: Mapping[str, TableProfile]
) -> Iterator[Finding]:
    for name, profile in profiles.items():
        weight = _weight(profiles, name)
        found = list(shares.outside_bands(contracts[name], profile, weight))
        if name in last:
            found += shares.moved(contracts[name], last[name], profile, (_weight(last, name), weight))
        yield from found


def _weight(profiles: Mapping[str, TableProfile], name: str) -> float:
    """Independent rows to rows: the rows of one application are alike."""
    applications = profiles[MAIN].rows if MAIN in profiles else profiles[name].rows
    return min(1.0, applications / profiles[name].rows) if profiles[name].rows else 1.0


def _without_hidden(finding: Finding, hidden: frozenset[str]) -> Finding:
    return replace(finding, examples=()) if finding.column in hidden else finding


def _proved(promise: Promise, view: BronzeView) -> bool:
    if promise.column is None:
        return False
    low, high = view.ends.get(promise.column, (None, None))
    return promise.kept_by(low, high, view.nulls[promise.column])


def _told(view: BronzeView, promises: Sequence[Promise], counts: Sequence[int]) -> list[Finding]:
    return [
        Finding(
            view.contract.table, promise.rule, promise.severity, promise.what, column=promise.column, rows=rows,
            examples=_examples(view, promise), hint=promise.hint,
        )
        for promise, rows in zip(promises, counts, strict=True)
        if rows
    ]  # fmt: skip


def _examples(view: BronzeView, promise: Promise) -> tuple[str, ...]:
    """Values of the column; keys where the rule looks at more than one column, or there is no value."""
    if promise.column is None or promise.never_null:
        keys = [key for key in view.key if key != promise.column]
        if not keys:
            return ()
        return tuple(view.keys_where(keys, promise.broken))
    return tuple(str(value) for value in view.values_where(promise.column, promise.broken))


def _categories(view: BronzeView, column: str, known: Sequence[str]) -> tuple[Mapping[str, int], Finding | None]:
    """({value that the contract knows: rows}, the finding about the others)."""
    told = view.categories(column, known)
    if not told.other:
        return told.rows, None
    return told.rows, Finding(
        view.contract.table, "new category", Severity.WARN, f"{told.kinds} values that the contract does not know",
        column=column, rows=told.other, examples=tuple(value[:60] for value in told.seen),
        hint="a model treats them as missing; add them to the contract's categories when they stay",
    )  # fmt: skip


def _doubled(view: BronzeView, portfolio: Portfolio) -> Iterator[Finding]:
    for keys, of_contradictions, of_duplicates in unique_sets(view.contract, portfolio):
        found = doubles(view, portfolio, keys)
        named_by, column = ", ".join(keys), keys[0] if len(keys) == 1 else None
        if found and found.contradictions:
            yield Finding(
                view.contract.table, "contradicting rows", of_contradictions,
                f"different rows have the same {named_by} ({found.contradicting:,} of them)", column=column,
                rows=found.contradictions, examples=found.contradiction_examples,
                hint="find out which row is right; nobody can tell from the table",
            )  # fmt: skip
        if found and found.duplicates:
            yield Finding(
                view.contract.table, "duplicate rows", of_duplicates,
                f"rows stand more than once, alike in every column ({named_by})", column=column,
                rows=found.duplicates, examples=found.duplicate_examples,
                hint="remove the copies, or let the contract do it: duplicates_severity: quarantine",
            )  # fmt: skip


def _orphans(
    view: BronzeView, tables: Mapping[str, Any], contracts: Mapping[str, Contract], portfolio: Portfolio
) -> int | None:
    """Rows without a parent; None where there is no parent table, or nobody asks."""
    related = parent_key(portfolio, contracts, view.contract.table)
    if related is None or related[0] not in tables:
        return None
    parent, foreign_key, key = related
    if portfolio.is_off(view.contract.table, "orphans", foreign_key):
        return None
    return view.orphans(tables[parent], foreign_key, key)


def _orphans_found(view: BronzeView, portfolio: Portfolio, orphans: int) -> list[Finding]:
    contract, table = view.contract, portfolio.tables[view.contract.table]
    if orphans <= contract.orphans_share_max * view.rows:
        return []
    expected = (
        f"; up to {shares.as_percent(contract.orphans_share_max)} are expected" if contract.orphans_share_max else ""
    )
    share = shares.as_percent(orphans / view.rows)
    return [
        Finding(
            contract.table, "orphans", contract.orphans_severity,
            f"{share} of the rows have no row of {table.parent}{expected}", column=table.foreign_key, rows=orphans,
            hint=f"normal when the file also serves other rows of {table.parent}: say so with orphans_share_max",
        )
    ]  # fmt: skip


def _target(view: BronzeView, portfolio: Portfolio, *, scoring: bool) -> Iterator[Finding]:
    column = portfolio.target.column
    if view.rows == 0:
        yield _refused(MAIN, "no rows", None, "the main table has no rows", "give a file with applications")
    if scoring or column is None or view.rows == 0:
        return
    classes = {value: rows for value, rows in view.values(column) if value is not None}
    other = {value: rows for value, rows in classes.items() if value not in (0, 1)}
    if other:
        yield _refused(
            MAIN, "target values", column, "the target has values other than 0 and 1",
            "1 = bad, 0 = good, empty = not known; see target in portfolio.yaml",
            sum(other.values()), tuple(str(value) for value in list(other)[:3]),
        )  # fmt: skip
    elif len(classes) < 2:
        seen = f"only {next(iter(classes))}" if classes else "no value at all"
        yield _refused(
            MAIN, "one class", column, f"the target has {seen}: there is nothing to tell apart",
            "give a file with good and bad loans whose outcomes are known",
        )  # fmt: skip


def _refused(
    table: str, rule: str, column: str | None, what: str, hint: str, rows: int = 0, examples: tuple[str, ...] = ()
) -> Finding:
    return Finding(table, rule, Severity.REFUSE, what, column=column, rows=rows, examples=examples, hint=hint)
