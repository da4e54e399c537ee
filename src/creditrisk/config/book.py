"""A book is a folder: `load_book` reads and cross-checks all of it, and nothing outside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from creditrisk.config.contract import CHECKS, NEVER_OFF, Contract, Reasons
from creditrisk.config.gates import BESIDE_THE_MODEL
from creditrisk.config.portfolio import CheckOff, Portfolio, Preset
from creditrisk.config.yaml_reader import read_yaml
from creditrisk.errors import BadConfig, BadUsage, did_you_mean
from creditrisk.kinds import Available, sha256_of

SHIPPED = Path(__file__).resolve().parent.parent / "portfolios"
MAIN = "application"


@dataclass(frozen=True)
class SqlFile:
    """One file of the book's SQL. `name` is the stem, under which later files read its result."""

    name: str
    text: str
    path: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Book:
    """A lending book, read whole: configuration, contracts, SQL, reasons."""

    folder: Path
    portfolio: Portfolio
    contracts: Mapping[str, Contract]
    reasons: Reasons

    @property
    def name(self) -> str:
        return self.portfolio.name

    @property
    def key(self) -> str:
        return self.portfolio.entity.key

    @property
    def preset(self) -> Preset:
        return self.portfolio.features.presets[self.portfolio.features.preset]

    @cached_property
    def sql(self) -> tuple[SqlFile, ...]:
        """The SQL of the chosen preset, in order; the last file makes the feature table."""
        return tuple(self.sql_file(name) for name in self.preset.sql)

    def sql_file(self, name: str) -> SqlFile:
        path = self.folder / "sql" / name
        if not path.is_file():
            known = [file.name for file in (self.folder / "sql").glob("*.sql")]
            raise BadConfig(f'no SQL file "{name}"', where=str(self.folder / "sql"), hint=did_you_mean(name, known))
        return SqlFile(path.stem, path.read_text(encoding="utf-8"), str(path))

    @cached_property
    def feature_columns(self) -> dict[str, tuple[str, ...]]:
        """What the features' SQL can see of each table: nothing else exists for it.

        Columns that exist at the preset's moments, keys to join by and the as-of date; never a prohibited column,
        one that rebuilds it, the target, or anything that comes to exist after the loan was granted.
        """
        barred = set(self.portfolio.policy.kept_apart) | {self.portfolio.target.column}
        visible: dict[str, tuple[str, ...]] = {}
        for name in self.portfolio.tables:
            joins = {*self.joins(name), self.portfolio.split.date}
            columns = [
                column.name
                for column in self.contracts[name].columns
                if (column.available in self.preset.available or column.name in joins)
                and column.name not in barred
                and column.available not in (Available.POST_ORIGINATION, Available.OUTCOME)
            ]
            if name == MAIN and self.key not in columns:
                columns.insert(0, self.key)
            visible[name] = tuple(columns)
        return visible

    def joins(self, name: str) -> set[str]:
        """Columns of a table that name its rows or lead to another table's."""
        table = self.portfolio.tables[name]
        children = {child.foreign_key for child in self.portfolio.tables.values() if child.parent == name}
        return {column for column in (*table.key, table.foreign_key, self.key, *children) if column}

    @cached_property
    def sha256(self) -> str:
        """Of everything in the folder that can change a model or a score."""
        return sha256_of(
            {
                "portfolio": self.portfolio.model_dump(mode="json", exclude=set(BESIDE_THE_MODEL)),
                "contracts": {name: contract.model_dump(mode="json") for name, contract in self.contracts.items()},
                "reasons": self.reasons.model_dump(mode="json"),
                "sql": {file.name: file.sha256 for file in self.sql},
            }
        )


def load_book(name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> Book:
    """The shipped book of that name, or the one in that folder.

    Raises BadUsage when there is no such book, BadConfig (file, line, remedy) when its files are wrong.
    """
    folder = find_book(name_or_path)
    portfolio = read_yaml(folder / "portfolio.yaml", Portfolio, overrides)
    contracts = {table: read_yaml(_contract_path(folder, table), Contract) for table in portfolio.tables}
    reasons = read_yaml(folder / "reasons.yaml", Reasons)
    _check_names(folder, portfolio, contracts)
    return Book(folder, portfolio, contracts, reasons)


def shipped_books() -> list[str]:
    return sorted(path.parent.name for path in SHIPPED.glob("*/portfolio.yaml"))


def find_book(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if (path / "portfolio.yaml").is_file():
        return path.resolve()
    shipped = SHIPPED / str(name_or_path)
    if path.name == str(name_or_path) and (shipped / "portfolio.yaml").is_file():
        return shipped
    raise BadUsage(
        f'no book "{name_or_path}"',
        hint=did_you_mean(str(name_or_path), shipped_books()) + "; or give a folder that holds a portfolio.yaml",
    )


def _contract_path(folder: Path, table: str) -> Path:
    path = folder / "contracts" / f"{table}.yaml"
    if not path.is_file():
        raise BadConfig(f"table {table} has no contract", where=str(path), hint="write it, or remove the table")
    return path


def _check_names(folder: Path, portfolio: Portfolio, contracts: Mapping[str, Contract]) -> None:
    """Names that one file uses and another one defines."""
    main = set(contracts[MAIN].names)
    place = str(folder / "portfolio.yaml")

    def must_be(name: str | None, known: set[str], what: str) -> None:
        if name is not None and name not in known:
            raise BadConfig(f'{what} names the column "{name}"', where=place, hint=did_you_mean(name, known))

    for barred in (*portfolio.policy.prohibited, *portfolio.policy.rebuilders, *portfolio.policy.restricted):
        must_be(barred.column, {name for contract in contracts.values() for name in contract.names}, "policy")
    for raw in (
        *portfolio.policy.raw_directions,
        *(column for promise in portfolio.policy.never_worse for column in promise.columns),
        *(column for one in portfolio.policy.accepted for column in one.columns),
    ):
        must_be(raw, main, "policy")
    for release in portfolio.leak_radar.released:
        if release.table not in contracts:
            hint = did_you_mean(release.table, contracts)
            raise BadConfig(f'leak_radar.released names the table "{release.table}"', where=place, hint=hint)
        must_be(release.column, set(contracts[release.table].names), "leak_radar.released")
    for basis, column in portfolio.inventory.columns:
        must_be(
            column, {name for contract in contracts.values() for name in contract.names}, f"inventory.bases.{basis}"
        )
    must_be(portfolio.target.column, main, "target.column")
    if portfolio.target.bad_known_from is not None:
        must_be(portfolio.target.bad_known_from.column, main, "target.bad_known_from")
    must_be(portfolio.split.date, main, "split.date")
    must_be(portfolio.split.term, main, "split.term")
    if not portfolio.entity.hash_of:
        must_be(portfolio.entity.key, main, "entity.key")
    for key, columns in {
        "decision.changeable": portfolio.decision.changeable,
        "target.observed_until_latest_of": portfolio.target.observed_until_latest_of,
        "entity.hash_also": portfolio.entity.hash_also,
    }.items():
        for column in columns:
            must_be(column, main, key)
    for name, table in portfolio.tables.items():
        for column in (*table.key, *([table.foreign_key] if table.foreign_key else [])):
            known = set(contracts[name].names) | ({portfolio.entity.key} if name == MAIN else set())
            must_be(column, known, f"tables.{name}")
    for off in portfolio.checks_off:
        _need_known_check(off, portfolio, contracts, place)


def _need_known_check(off: CheckOff, portfolio: Portfolio, contracts: Mapping[str, Contract], place: str) -> None:
    """Raises BadConfig when the check is not known, or is one that nobody can switch off."""

    def refused(what: str, hint: str) -> BadConfig:
        return BadConfig(f"checks_off: {what}", where=place, hint=hint)

    if off.table not in portfolio.tables:
        raise refused(f'no table "{off.table}"', did_you_mean(off.table, portfolio.tables))
    contract = contracts[off.table]
    known = {*CHECKS, *(rule.name for rule in contract.rules)}
    why = NEVER_OFF.get(off.rule, "")
    if off.table == MAIN and off.rule == "missing table":
        why = NEVER_OFF["no rows"]
    if off.table == MAIN and off.rule in ("duplicate rows", "contradicting rows"):
        why = "a score is one row an application; `duplicates_severity: quarantine` takes surplus copies out"
    if why:
        raise refused(f'"{off.rule}" of {off.table} cannot be switched off', why)
    if off.rule not in known:
        raise refused(f'no rule "{off.rule}" in {off.table}', did_you_mean(off.rule, known))
    if off.column is not None and off.column not in contract.names:
        raise refused(f'{off.table} has no column "{off.column}"', did_you_mean(off.column, contract.names))
