"""Whatever is changed in the tables of recorded decisions, in one place, is found."""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.decision_stores import open_store
from tests.support.passports import passport

type Connection = sqlite3.Connection

TABLES = ("decision_records", "decision_payloads", "decision_chains")
EXAMPLES = 90


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two closed chains and one that was not: decisions in groups, a payload deleted, another held."""
    path = tmp_path_factory.mktemp("store") / "decisions.db"
    first = open_store(f"sqlite:///{path}")
    first.append([passport(number) for number in range(3)])
    first.append([passport(3)])
    first.delete([passport(1).decision_id], by="ann", note="asked", rule="named")
    first.close()
    second = open_store(f"sqlite:///{path}")
    second.hold(passport(0).decision_id, by="counsel", note="case 7")
    second.append([passport(4, kind="override", about=passport(0).decision_id)])
    second.close()
    third = open_store(f"sqlite:///{path}")
    third.append([passport(5), passport(6)])
    assert third.verify().unbroken
    third._database.close()
    return path


def changed(path: Path, folder: Path, change: Callable[[Connection], bool]) -> bool:
    """Is the change found in a copy? True also where `change` says that it changed nothing."""
    copy = folder / "copy.db"
    for leftover in folder.glob("copy.db*"):
        leftover.unlink()
    shutil.copy(path, copy)
    with closing(sqlite3.connect(copy)) as connection:
        did = change(connection)
        connection.commit()
    store = open_store(f"sqlite:///{copy}")
    try:
        return not did or not store.verify().unbroken
    finally:
        store._database.close()


def other_value(old: Any, draw: int) -> Any:
    match old:
        case None:
            return ["x", 1, b"x"][draw % 3]
        case int():
            return [old + 1, old - 1, 1 - old][draw % 3]
        case float():
            return [math.nextafter(old, 1), None, 1 - old][draw % 3]
        case bytes():
            place = draw % len(old)
            return old[:place] + bytes([old[place] ^ 1]) + old[place + 1 :]
        case _:
            return [old + "x", old[:-1], None, old.swapcase() + " "][draw % 4]


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_any_altered_cell_is_found(written: Path, tmp_path: Path, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(TABLES))

    def change(connection: Connection) -> bool:
        columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
        row = data.draw(st.sampled_from([row[0] for row in connection.execute(f"select rowid from {table}")]))
        column = data.draw(st.sampled_from(columns))
        old = connection.execute(f"select {column} from {table} where rowid = ?", [row]).fetchone()[0]
        new = other_value(old, data.draw(st.integers(0, 10_000)))
        try:
            connection.execute(f"update {table} set {column} = ? where rowid = ?", [new, row])
        except sqlite3.IntegrityError:  # the table itself does not let it
            return False
        now = connection.execute(f"select {column} from {table} where rowid = ?", [row]).fetchone()[0]
        return (type(now), now) != (type(old), old)

    assert changed(written, tmp_path, change)


@settings(max_examples=EXAMPLES // 3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_row_that_was_taken_away_is_found(written: Path, tmp_path: Path, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(TABLES))

    def change(connection: Connection) -> bool:
        row = data.draw(st.sampled_from([row[0] for row in connection.execute(f"select rowid from {table}")]))
        connection.execute(f"delete from {table} where rowid = ?", [row])
        return True

    assert changed(written, tmp_path, change)


@settings(max_examples=EXAMPLES // 3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_two_rows_that_changed_places_are_found(written: Path, tmp_path: Path, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(TABLES[:2]))

    def change(connection: Connection) -> bool:
        places = connection.execute(f"select rowid, chain_id, sequence from {table}").fetchall()
        one, two = data.draw(st.lists(st.sampled_from(places), min_size=2, max_size=2, unique=True))
        for row, chain, sequence in ((one[0], "none", -7), (two[0], one[1], one[2]), (one[0], two[1], two[2])):
            connection.execute(f"update {table} set chain_id = ?, sequence = ? where rowid = ?", [chain, sequence, row])
        return True

    assert changed(written, tmp_path, change)


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_was_added_is_found(written: Path, tmp_path: Path, table: str) -> None:
    def change(connection: Connection) -> bool:
        columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
        copied = [name for name in columns if name not in ("decision_id", "idempotency_key", "chain_id", "sequence")]
        place = "'another', 900" if table == "decision_chains" else "chain_id, 900"
        connection.execute(
            f"insert into {table} (chain_id, sequence, {', '.join(copied)}) "
            f"select {place}, {', '.join(copied)} from {table} limit 1"
        )
        return True

    assert changed(written, tmp_path, change)


def test_a_chain_that_lost_its_end_and_whose_head_was_set_back_is_found_by_the_next_one(
    written: Path, tmp_path: Path
) -> None:
    def change(connection: Connection) -> bool:
        chain, end = connection.execute("select chain_id, sequence from decision_chains order by chain_id").fetchone()
        for table in TABLES[:2]:
            connection.execute(f"delete from {table} where chain_id = ? and sequence > ?", [chain, end - 2])
        connection.execute(
            "update decision_chains set (sequence, link) = (select sequence, link from decision_records r "
            "where r.chain_id = :chain and r.sequence = :last) where chain_id = :chain",
            {"chain": chain, "last": end - 2},
        )
        return True

    assert changed(written, tmp_path, change)
