"""The leak radar at the end of the check stage, and what the features may read after it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from creditrisk.config import MAIN, Book
from creditrisk.contracts.leak_radar import figures, people
from creditrisk.contracts.leak_tables import Child
from creditrisk.contracts.leak_verdicts import leak_report
from creditrisk.errors import Refused
from creditrisk.features import files_reading, table_schema
from creditrisk.files import read_json
from creditrisk.governance import Act, acts_about
from creditrisk.kinds import sha256_of
from creditrisk.pipelines.context import Context
from creditrisk.split import read_labels

REPORT = "leak_report.json"


def search(context: Context, tables: Mapping[str, Path], hashes: Mapping[str, str]) -> list[str]:
    """leak_report.json for these tables, whose sha256 are `hashes`. Returns the suspects, worst first."""
    book, limits = context.book, context.book.portfolio.leak_radar
    labels = read_labels(book, tables[MAIN], context.duck).rows
    who = people(labels["key"], labels["target"], labels["date"], most=limits.sample_rows)
    every = figures(
        tables,
        who,
        main=MAIN,
        key=book.key,
        children=_children(book),
        rows_min=int(limits.rows_min.value),
        bad_rate_high=limits.bad_rate_high.value,
        settings=context.duck,
        progress=context.stage_progress("check"),
    )
    report = context.report(REPORT, leak_report(every, book, who), inputs={**hashes, "leak_radar": _rules(book)})
    _tell_released(
        context, {(told["table"], told["column"]) for told in report["columns"] if told["verdict"] == "released"}
    )
    return [f"{told['table']}.{told['column']}" for told in report["columns"] if told["verdict"] == "suspect"]


def readable_schema(context: Context, hashes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What the features' SQL may see of each table, whose sha256 are `hashes`: never a column under suspicion.

    Raises Refused when the radar has not looked at these tables, or when the SQL reads a suspect.
    """
    book = context.book
    path = context.folder.report(REPORT)
    told = read_json(path) if path.is_file() else {}
    if told.get("inputs") != {**hashes, "leak_radar": _rules(book)}:
        raise Refused(
            "the leak radar has not searched these tables, under these rules, for columns that know the outcome",
            where=str(path),
            hint=f"creditrisk check {book.name}",
        )
    suspects = [column for column in told["columns"] if column["verdict"] == "suspect"]
    _refuse_if_read(book, suspects)
    schema = table_schema(book)
    for suspect in suspects:
        schema.get(suspect["table"], {}).pop(suspect["column"], None)
    return schema


def _tell_released(context: Context, let_through: Set[tuple[str, str]]) -> None:
    """An act for each suspect that somebody answers for; once for each wording."""
    for release in context.book.portfolio.leak_radar.released:
        if (release.table, release.column) not in let_through:
            continue
        told = {
            "column": f"{release.table}.{release.column}",
            "by": release.by,
            "wording": sha256_of(release.model_dump(mode="json")),
        }
        if not acts_about(context.workspace.audit, Act.LEAK_RELEASED, book=context.book.name, **told):
            context.act(Act.LEAK_RELEASED, told)


def _refuse_if_read(book: Book, suspects: list[dict[str, Any]]) -> None:
    signals = {(told["table"], told["column"]): told["signals"] for told in suspects}
    read = files_reading(book, signals)
    if not read:
        return
    (table, column), files = next((place, read[place]) for place in signals if place in read)  # the worst one
    more = [".".join(place) for place in signals if place in read and place != (table, column)]
    also = f" (and {len(more)} more: {', '.join(more[:10])})" if more else ""
    release = f"{{column: {column}, {f'table: {table}, ' if table != MAIN else ''}by: NAME, because: REASON}}"
    raise Refused(
        f"the features read {table}.{column}, which may know the outcome: "
        + "; ".join(signal["says"] for signal in signals[table, column])
        + also,
        where=", ".join(files),
        hint=f"take it out of the SQL; or mark it `available: post_origination` in contracts/{table}.yaml; or, if it "
        f"was known when the loan was granted, answer for it in portfolio.yaml: leak_radar: {{released: [{release}]}}, "
        f"then creditrisk check {book.name}",
    )


def _children(book: Book) -> list[Child]:
    """The tables that hang on the main one, parents first."""
    found: list[Child] = []
    reached = [MAIN]
    for parent in reached:
        for name, table in book.portfolio.tables.items():
            if table.parent == parent and table.foreign_key is not None:
                keys = book.portfolio.tables[parent].key
                same = table.foreign_key in keys or parent == MAIN
                found.append(Child(name, parent, table.foreign_key, table.foreign_key if same else keys[0]))
                reached.append(name)
    return found


def _rules(book: Book) -> str:
    """sha256 of everything but the tables that a verdict depends on."""
    target = book.portfolio.target
    return sha256_of(
        {
            "leak_radar": book.portfolio.leak_radar.model_dump(mode="json"),
            "target": target.model_dump(mode="json"),
            "target_sql": book.sql_file(target.sql.removeprefix("sql/")).sha256 if target.sql else None,
            "date": book.portfolio.split.date,
            "key": book.key,
            "children": [vars(child) for child in _children(book)],
            "available": {
                table: {column.name: column.available.value for column in contract.columns}
                for table, contract in book.contracts.items()
            },
        }
    )
