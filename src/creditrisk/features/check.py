"""Proves a book's SQL before any data is read: it binds, obeys the lint, and every feature has words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from creditrisk.config import MAIN, Book, Reasons, SqlFile
from creditrisk.duck import DuckSettings, locked_room, sql_type, translated
from creditrisk.errors import BadConfig, did_you_mean
from creditrisk.features.engine import Schema, _empty_view, table_schema, tables_read
from creditrisk.features.lint import lint_sql

FEATURE_TYPES = {"BIGINT", "INTEGER", "SMALLINT", "TINYINT", "DOUBLE", "VARCHAR", "BOOLEAN"}


def check_sql(book: Book) -> dict[str, str]:
    """{feature: type} of the book's chosen preset.

    Raises BadConfig naming file and line when the SQL does not bind to the columns it may see, breaks the lint, does
    not begin with the entity key, gives a type that no model takes, or makes a feature without reason words.
    """
    if book.sha256 not in _PROVED:
        _PROVED[book.sha256] = _proved(book)
    return dict(_PROVED[book.sha256])


_PROVED: dict[str, dict[str, str]] = {}
"""{sha256 of a book: its features}: every stage asks, and the answer depends on nothing else."""


def _proved(book: Book) -> dict[str, str]:
    schema: dict[str, dict[str, str]] = table_schema(book)
    keys = _tie_breakers(book)
    problems: list[str] = []
    for file in book.sql:
        columns = bound_columns(file.text, file.path, schema, tables_read(file))
        problems += lint_sql(file, schema, keys)
        schema[file.name] = columns
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise BadConfig(problems[0] + more, hint="\n".join(["all of them:", *problems[:20]]))
    features = dict(schema[book.sql[-1].name])
    place = book.sql[-1].path
    if next(iter(features)) != book.key:
        raise BadConfig(f"the first column is not the entity key {book.key}", where=place, hint="select it first")
    del features[book.key]
    wrong = {name: kind for name, kind in features.items() if kind not in FEATURE_TYPES}
    if wrong:
        name, kind = next(iter(wrong.items()))
        raise BadConfig(f"{name} is {kind}", where=place, hint=f"cast to one of {', '.join(sorted(FEATURE_TYPES))}")
    unknown = set(book.portfolio.policy.monotone) - set(features)
    if unknown:
        raise BadConfig(
            f'policy.monotone names "{min(unknown)}", which is not a feature',
            where=str(book.folder / "portfolio.yaml"),
            hint=did_you_mean(min(unknown), features),
        )
    reason_groups(book.reasons, features)
    return features


def lint_book(book: Book) -> list[str]:
    """Everything that breaks a rule in the SQL of every preset and of the target, as `lint_sql` tells it."""
    problems: list[str] = []
    keys = _tie_breakers(book)
    for preset in book.portfolio.features.presets:
        features = book.portfolio.features.model_copy(update={"preset": preset})
        one = replace(book, portfolio=book.portfolio.model_copy(update={"features": features}))
        schema: dict[str, dict[str, str]] = table_schema(one)
        for file in one.sql:
            problems += _linted(file, schema, keys)
    if book.portfolio.target.sql is not None:
        whole = {column.name: sql_type(column.type) for column in book.contracts[MAIN].columns}
        known = {MAIN: {book.key: whole.get(book.key, "VARCHAR"), **whole}}
        problems += _linted(book.sql_file(book.portfolio.target.sql.removeprefix("sql/")), known, keys)
    return list(dict.fromkeys(problems))


def _linted(file: SqlFile, schema: dict[str, dict[str, str]], keys: set[str]) -> list[str]:
    """Adds what the file makes to the schema."""
    try:
        text = re.sub(r"\$\w+", "cast(null as date)", file.text)  # bound to a day when it runs
        schema[file.name] = bound_columns(text, file.path, schema, tables_read(file))
        return lint_sql(file, {name: one for name, one in schema.items() if name != file.name}, keys)
    except BadConfig as error:
        return [" ".join(str(error).split())]


def bound_columns(sql: str, path: str, schema: Schema, read: frozenset[str]) -> dict[str, str]:
    """{column: type} that a SELECT gives, by binding it to empty tables."""
    unknown = read - set(schema)
    if unknown:
        raise BadConfig(
            f'reads "{min(unknown)}", which does not exist', where=path, hint=did_you_mean(min(unknown), schema)
        )
    with locked_room(DuckSettings(memory_limit="200MB", threads=1)) as con, translated(path):
        for name in sorted(read):
            con.execute(_empty_view(name, schema[name]))
        rows = con.execute(f"describe {sql}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def files_reading(book: Book, columns: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
    """{(table, column): paths of the book's SQL files that do not bind without it}, for those that any file reads."""
    schema: dict[str, dict[str, str]] = table_schema(book)
    visible = [(table, column) for table, column in columns if column in schema.get(table, {})]
    found: dict[tuple[str, str], list[str]] = {}
    for file in book.sql if visible else ():
        read = tables_read(file)
        for table, column in visible:
            if table in read and column.lower() in file.text.lower():  # no star stands for it: the lint sees to that
                others = {name: kind for name, kind in schema[table].items() if name != column}
                if not _binds(file, {**schema, table: others}, read):
                    found.setdefault((table, column), []).append(file.path)
        schema[file.name] = bound_columns(file.text, file.path, schema, read)
    return found


def _binds(file: SqlFile, schema: Schema, read: frozenset[str]) -> bool:
    try:
        bound_columns(file.text, file.path, schema, read)
    except BadConfig:
        return False
    return True


def reason_groups(reasons: Reasons, features: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """{feature: the reason codes that tell it}. Raises BadConfig for a feature with no words, or with two of them."""
    for feature in features:
        if not reasons.is_clear(feature):
            codes = reasons.codes_of(feature)
            what = f"stands in {len(codes)} groups: {', '.join(codes)}" if codes else "has no words for an applicant"
            hint = "list it in exactly one group, or once under shared"
            raise BadConfig(f"the feature {feature} {what}", where="reasons.yaml", hint=hint)
    return {feature: tuple(reasons.codes_of(feature)) for feature in features}


def _tie_breakers(book: Book) -> set[str]:
    """Columns that name a row of some table."""
    keys = {book.key}
    for name, table in book.portfolio.tables.items():
        keys |= set(table.key)
        keys |= {column for unique in book.contracts[name].unique for column in unique}
    return keys


__all__ = ["FEATURE_TYPES", "bound_columns", "check_sql", "files_reading", "lint_book", "reason_groups"]
