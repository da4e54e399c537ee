"""Aliases move whole or not at all, and what was done by hand is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from creditrisk.adapters.in_memory import InMemoryRegistry, SteppingClock
from creditrisk.errors import Refused
from creditrisk.governance import ledger
from creditrisk.governance.agreement import Records, aliases_of, need_recorded
from creditrisk.governance.audit import Act, acts_about
from creditrisk.governance.chain_file import verify_chain
from creditrisk.governance.ledger import standing
from creditrisk.pipelines import moves, repair_registry
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.deployed_then import run as deployed_then
from creditrisk.ports import CANDIDATE, PREVIOUS, PRODUCTION, STAGING, LoggedRun, ModelVersion
from tests.support.crashing import Killed, counted_writes
from tests.support.tiny_run import tiny_context

type World = tuple[Context, InMemoryRegistry]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three versions, the third is the candidate, none was ever promoted."""
    registry = InMemoryRegistry()
    context = replace(tiny_context(tmp_path, raw=tmp_path), registry=registry)
    for number in (1, 2, 3):
        run = LoggedRun(f"run-{number}", str(tmp_path), f"{number:064x}")
        moves.record_registration(context, registry.register("tiny", run, alias=CANDIDATE, tags={}))
    return context, registry


def version(context: Context, number: int) -> ModelVersion:
    return context.registry.versions("tiny")[number - 1]


def promote(context: Context, number: int) -> dict[str, Any]:
    live = aliases_of(context.registry.versions("tiny")).get(PRODUCTION)
    aliases = {PRODUCTION: number, PREVIOUS: live}
    return moves.make(context, moves.new_move(context, Act.PROMOTED, version(context, number), "a test", aliases))


def guarded(context: Context) -> dict[str, int]:
    found = aliases_of(context.registry.versions("tiny"))
    return {alias: number for alias, number in found.items() if alias != CANDIDATE}


def test_a_move_is_told_by_registry_ledger_chain_mark_and_report_alike(world: World) -> None:
    context, _ = world
    promote(context, 1)
    report = promote(context, 3)
    assert guarded(context) == {PRODUCTION: 3, PREVIOUS: 1}
    now = standing(moves.recorded(context))
    assert now.aliases == {CANDIDATE: 3, PRODUCTION: 3, PREVIOUS: 1}
    assert now.production is not None
    assert report["move"]["id"] == now.production.move.id == version(context, 3).tags["deployed"]
    assert version(context, 1).tags["deployed"] == ""
    (act,) = acts_about(context.workspace.audit, Act.PROMOTED, version="3")
    assert act["hashes"]["ledger"] == report["ledger"] == now.production.line
    assert act["hashes"]["from_bundle"] == version(context, 1).bundle_sha256
    assert moves.disagreeing(context) == []
    assert not context.folder.unfinished_move.exists()


@pytest.mark.parametrize("kind", ["first promotion", "second promotion", "to staging", "back"])
def test_killed_between_any_two_writes_a_move_is_finished_or_undone_by_the_next_command(
    kind: str, tmp_path: Path
) -> None:
    made: list[dict[str, int]] = []
    for die_before in range(40):
        folder = tmp_path / str(die_before)
        folder.mkdir()
        registry = InMemoryRegistry()
        context = replace(tiny_context(folder, raw=folder), registry=registry)
        context.act(Act.TRAINED, {})
        for number in (1, 2):
            run = LoggedRun(f"run-{number}", str(folder), f"{number:064x}")
            moves.record_registration(context, registry.register("tiny", run, alias=CANDIDATE, tags={}))
        begin = _begin(kind, context)
        before = guarded(context)
        with counted_writes(registry) as writes:
            writes.die_before = die_before
            try:
                begin()
            except Killed:
                pass
            else:
                assert die_before >= 6, "a move writes its announcement, alias, ledger line, act, report, and its end"
                after = guarded(context)
                break
        moves.need_agreed(context)
        assert moves.disagreeing(context) == []
        assert not context.folder.unfinished_move.exists()
        assert verify_chain(context.folder.ledger).unbroken
        assert verify_chain(context.workspace.audit).unbroken
        made.append(guarded(context))
        recorded = {alias: n for alias, n in standing(moves.recorded(context)).aliases.items() if alias != CANDIDATE}
        assert recorded == made[-1]
        ids = [entry.move.id for entry in ledger.entries(context.folder.ledger)]
        assert len(ids) == len(set(ids))
    assert {tuple(sorted(one.items())) for one in made} == {tuple(sorted(before.items())), tuple(sorted(after.items()))}
    assert made == sorted(made, key=lambda one: one == after), "once it has taken effect it is never undone"


def _begin(kind: str, context: Context) -> Callable[[], object]:
    if kind == "first promotion":
        return lambda: promote(context, 1)
    if kind == "to staging":
        move = moves.new_move(context, Act.STAGED, version(context, 2), "", {STAGING: 2})
        return lambda: moves.make(context, move)
    promote(context, 1)
    if kind == "second promotion":
        return lambda: promote(context, 2)
    promote(context, 2)
    back = moves.new_move(context, Act.ROLLED_BACK, version(context, 1), "", {PRODUCTION: 1, PREVIOUS: None})
    return lambda: moves.make(context, back)


@pytest.mark.parametrize(
    ("alias", "number", "told"),
    [
        (PRODUCTION, 2, "production means version 2 in the registry, and the ledger says version 3"),
        (STAGING, 2, "staging means version 2 in the registry, and the ledger knows of none"),
        (PREVIOUS, None, "previous is gone from the registry, and the ledger says version 1"),
    ],
)
def test_an_alias_moved_by_hand_is_named_refused_and_put_back(
    world: World, alias: str, number: int | None, told: str
) -> None:
    context, registry = world
    promote(context, 1)
    promote(context, 3)
    before = guarded(context)
    registry.remove_alias("tiny", alias) if number is None else registry.set_alias("tiny", alias, number)
    records = Records(context.folder.ledger, context.folder.unfinished_move)
    with pytest.raises(Refused, match=told):
        moves.need_agreed(context)
    with pytest.raises(Refused, match=told):
        need_recorded(alias, registry.versions("tiny"), records)
    dry = repair_registry.run(context, "put back", dry_run=True)
    assert told in dry["found"][0]
    assert moves.disagreeing(context) != []
    repaired = repair_registry.run(context, "put back")
    assert repaired["found"] == dry["found"]
    assert guarded(context) == before
    assert moves.disagreeing(context) == []
    assert repair_registry.run(context, "again")["found"] == []
    need_recorded(alias, registry.versions("tiny"), records)
    (found,) = acts_about(context.workspace.audit, Act.FOUND_MOVED)
    assert found["hashes"]["version"]


def test_a_mark_that_was_edited_is_named(world: World) -> None:
    context, registry = world
    promote(context, 1)
    registry.tag("tiny", 2, {"deployed": "x"})
    assert moves.disagreeing(context) == [
        "version 2 is marked as put into production by a move that is over: a tag was edited"
    ]
    repair_registry.run(context, "put back")
    assert moves.disagreeing(context) == []


def test_where_no_ledger_is_at_hand_production_needs_its_mark(world: World, tmp_path: Path) -> None:
    context, registry = world
    elsewhere = Records(tmp_path / "none.jsonl", tmp_path / "none.json")
    registry.set_alias("tiny", PRODUCTION, 1)
    with pytest.raises(Refused, match="which no recorded move put there"):
        need_recorded(PRODUCTION, registry.versions("tiny"), elsewhere)
    registry.remove_alias("tiny", PRODUCTION)
    promote(context, 1)
    need_recorded(PRODUCTION, registry.versions("tiny"), elsewhere)


def test_an_alias_moved_by_hand_while_a_killed_move_waits_is_repaired_by_the_ledger(world: World) -> None:
    context, registry = world
    promote(context, 1)
    with counted_writes(registry) as writes:
        writes.die_before = 2
        with pytest.raises(Killed):
            promote(context, 2)
    registry.set_alias("tiny", PRODUCTION, 3)
    with pytest.raises(Refused, match="moved by hand while the move that ann began"):
        moves.need_agreed(context)
    assert "the ledger decides" in str(repair_registry.run(context, "put back")["settled"])
    assert guarded(context) == {PRODUCTION: 1}
    assert moves.disagreeing(context) == []


def test_a_version_that_the_registry_lost_cannot_be_put_back(world: World) -> None:
    context, _ = world
    promote(context, 3)
    lost = InMemoryRegistry()
    run = LoggedRun("run-1", "x", f"{1:064x}")
    lost.register("tiny", run, alias=CANDIDATE, tags={})
    with pytest.raises(Refused, match="no version 3, which was production"):
        repair_registry.run(replace(context, registry=lost), "put back")


def test_what_was_live_then_and_what_was_known_of_it_then(world: World) -> None:
    context, registry = world
    assert isinstance(context.clock, SteppingClock)
    empty = context.clock.now()
    promote(context, 1)
    first = context.clock.now()
    promote(context, 3)
    second = context.clock.now()
    registry.set_alias("tiny", PRODUCTION, 2)
    repair_registry.run(context, "somebody clicked")
    third = context.clock.now()
    assert deployed_then(context, empty)["version"] is None
    assert deployed_then(context, first)["version"] == 1
    told = deployed_then(context, second)
    assert (told["version"], told["aliases"][PREVIOUS], told["by"]) == (3, 1, "ann")
    assert deployed_then(context, third)["version"] == 3
    early = deployed_then(context, second, first)
    assert (early["version"], early["as_known_then"]["version"]) == (3, 1)
    found = [entry for entry in ledger.entries(context.folder.ledger) if entry.move.act is Act.FOUND_MOVED]
    assert deployed_then(context, found[0].effective_at)["version"] == 2, "found so, and told so"
