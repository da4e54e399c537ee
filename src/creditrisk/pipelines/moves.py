"""Aliases move: announced, made, recorded in ledger, tags, audit chain and report. A killed move is finished or undone.

The announcement is on disk before anything changes and goes when everything is recorded. Whoever finds one looks which
side of the decisive step it ended on: that alias has moved, then the rest is made up for; or it has not, then nothing
was done.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from creditrisk.errors import Refused
from creditrisk.files import write_json
from creditrisk.governance import ledger
from creditrisk.governance.agreement import GUARDED, Records, aliases_of, disagreements
from creditrisk.governance.audit import Act, acts_about
from creditrisk.governance.ledger import Entry, Move
from creditrisk.pipelines.context import Context
from creditrisk.ports import CANDIDATE, DEPLOYED_TAG, PRODUCTION, ModelVersion

TRANSITION = "registry_transition.json"


def new_move(
    context: Context, act: Act, version: ModelVersion, note: str, aliases: Mapping[str, int | None], **resting: Any
) -> Move:
    """A move of this version that is not begun.

    aliases: {alias: version that it will mean, None = it goes}.  resting: what it rests on, fields of `Move`.
    """
    now = aliases_of(context.registry.versions(context.book.name))
    after = {alias: number for alias, number in {**now, **aliases}.items() if number is not None}
    return Move(
        id=uuid.uuid4().hex,
        act=act,
        by=context.actor,
        note=note,
        effective_at=ledger.in_utc(context.clock.now()),
        version=version.version,
        bundle=version.bundle_sha256,
        before=now,
        aliases=after,
        **resting,
    )


def make(context: Context, move: Move) -> dict[str, Any]:
    """Make the move and record it everywhere; returns registry_transition.json.

    Ended half-way, by a kill or by a registry that went away, it is finished or undone by the next command.
    """
    write_json(context.folder.unfinished_move, asdict(move))
    if move.aliases.get(PRODUCTION) != move.before.get(PRODUCTION):
        _mark(context, {move.aliases.get(PRODUCTION, 0): move.id}, of=[move.aliases.get(PRODUCTION, 0)])
    _set(context, move, [_decisive(move)])
    return _finish(context, move)


def settle(context: Context) -> str | None:
    """Finish or undo what a killed command left behind; None where nothing was. Says in a sentence what was done.

    Raises Refused where somebody else moved the same alias meanwhile.
    """
    move = unfinished(context)
    if move is None:
        return None
    what = f"the move that {move.by} began ({move.act.value}, version {move.version})"
    now, decisive = aliases_of(context.registry.versions(context.book.name)), _decisive(move)
    if now.get(decisive) == move.aliases.get(decisive):
        _finish(context, move)
        return f"{what} was finished"
    if now.get(decisive) == move.before.get(decisive):
        _undo(context, move)
        return f"{what} had not taken effect and was undone"
    raise Refused(
        f"{decisive} means version {now.get(decisive)}: it was moved by hand while {what} was under way",
        where=str(context.folder.unfinished_move),
        hint=repair_hint(context),
    )


def unfinished(context: Context) -> Move | None:
    """The move that was announced and is not recorded everywhere. Raises BrokenFile for what is no announcement."""
    return ledger.announced(context.folder.unfinished_move)


def recorded(context: Context) -> list[Entry]:
    """The moves of this book, without what was only found."""
    return ledger.by_the_rules(ledger.entries(context.folder.ledger))


def disagreeing(context: Context) -> list[str]:
    """Where registry and ledger differ, each in a sentence."""
    records = Records(context.folder.ledger, context.folder.unfinished_move)
    return records.disagreements(context.registry.versions(context.book.name))


def need_agreed(context: Context) -> list[Entry]:
    """The ledger, after what was left unfinished is settled. Raises Refused where the registry was edited by hand."""
    settle(context)
    if told := disagreeing(context):
        raise Refused(
            f"the registry was changed behind the ledger's back: {'; '.join(told)}",
            where=f"models:/{context.book.name}",
            hint=repair_hint(context),
        )
    return recorded(context)


def put_back(context: Context, note: str) -> dict[str, Any] | None:
    """Give every guarded alias and mark the meaning that it has in the ledger; None where nothing has to be done.

    What was found is written down as it was found: since when it was so, nobody can tell.
    Raises Refused where the registry has lost a version that an alias must mean.
    """
    moves, versions = recorded(context), context.registry.versions(context.book.name)
    known = ledger.standing(moves)
    if not disagreements(versions, known):
        context.folder.unfinished_move.unlink(missing_ok=True)
        return None
    wanted = {alias: known.aliases.get(alias) for alias in GUARDED}
    by_number = {version.version: version for version in versions}
    for alias, number in wanted.items():
        if number is not None and number not in by_number:
            raise Refused(
                f"the registry has no version {number}, which was {alias}",
                where=f"models:/{context.book.name}",
                hint="restore the registry from a copy",
            )
    resting = {} if known.production is None else _what_it_rests_on(known.production.move)
    now = aliases_of(versions)
    found = new_move(context, Act.FOUND_MOVED, by_number[now.get(PRODUCTION, max(by_number))], note, {})
    ledger.record(context.folder.ledger, replace(found, before=known.aliases), clock=context.clock)
    _act_once(context, Act.FOUND_MOVED, found)
    about = by_number[known.aliases.get(PRODUCTION, max(by_number))]
    move = new_move(context, Act.REPAIRED, about, note, wanted, **resting)
    write_json(context.folder.unfinished_move, asdict(move))
    return _finish(context, move)


def record_registration(context: Context, version: ModelVersion) -> None:
    """A candidate was registered: the ledger knows that alias too, and what the others mean by its own word."""
    known = ledger.standing(recorded(context))
    if known.aliases.get(CANDIDATE) == version.version:
        return
    move = replace(
        new_move(context, Act.REGISTERED, version, "", {}),
        before=known.aliases,
        aliases={**known.aliases, CANDIDATE: version.version},
    )
    ledger.record(context.folder.ledger, move, clock=context.clock)


def repair_hint(context: Context) -> str:
    return f"creditrisk repair {context.book.name} --by NAME --note TEXT puts it back; --dry-run tells what it would do"


def _decisive(move: Move) -> str:
    """The alias whose step makes the move: production if it moves, else the first that does."""
    moved = [alias for alias in (*GUARDED, *sorted({**move.before, **move.aliases}))
             if move.before.get(alias) != move.aliases.get(alias)]  # fmt: skip
    return moved[0] if moved else PRODUCTION


def _set(context: Context, move: Move, aliases: list[str]) -> None:
    for alias in aliases:
        number = move.aliases.get(alias)
        if number is None:
            context.registry.remove_alias(context.book.name, alias)
        else:
            context.registry.set_alias(context.book.name, alias, number)


def _finish(context: Context, move: Move) -> dict[str, Any]:
    """Everything after the decisive step. What is done already is not done again."""
    now = aliases_of(context.registry.versions(context.book.name))
    _set(context, move, [alias for alias in GUARDED if now.get(alias) != move.aliases.get(alias)])
    entry = _record_once(context, move)
    live = ledger.standing(recorded(context)).production
    marks = {} if live is None else {live.move.aliases[PRODUCTION]: live.move.id}
    _mark(context, marks)
    _act_once(context, move.act, move, ledger=entry.line)
    report = context.report(
        TRANSITION,
        {
            "model": context.book.name,
            "move": {**asdict(move), "act": move.act.value},
            "ledger": entry.line,
        },
        inputs={"bundle": move.bundle, **({"evidence_pack": move.evidence} if move.evidence else {})},
    )
    context.folder.unfinished_move.unlink(missing_ok=True)
    return report


def _undo(context: Context, move: Move) -> None:
    live = ledger.standing(recorded(context)).production
    _mark(context, {} if live is None else {live.move.aliases[PRODUCTION]: live.move.id})
    _act_once(context, Act.REPAIRED, move, undone=move.act.value)
    context.folder.unfinished_move.unlink(missing_ok=True)


def _record_once(context: Context, move: Move) -> Entry:
    for entry in recorded(context):
        if entry.move.id == move.id:
            return entry
    return ledger.record(context.folder.ledger, move, clock=context.clock)


def _mark(context: Context, marks: Mapping[int, str], of: list[int] | None = None) -> None:
    """{version: id of the move that put it into production}; every other version loses its mark."""
    for version in context.registry.versions(context.book.name):
        wanted = marks.get(version.version, "")
        if (of is None or version.version in of) and version.tags.get(DEPLOYED_TAG, "") != wanted:
            context.registry.tag(context.book.name, version.version, {DEPLOYED_TAG: wanted})


def _act_once(context: Context, act: Act, move: Move, **more: str) -> None:
    if acts_about(context.workspace.audit, act, move=move.id):
        return
    from_bundle = _bundle_of(context, move.before.get(PRODUCTION))
    hashes = {
        "move": move.id,
        "version": str(move.version),
        "bundle": move.bundle,
        **({"from_bundle": from_bundle} if from_bundle else {}),
        **({"evidence": move.evidence} if move.evidence else {}),
        **more,
    }
    context.act(act, hashes)


def _bundle_of(context: Context, number: int | None) -> str:
    return next(
        (one.bundle_sha256 for one in context.registry.versions(context.book.name) if one.version == number), ""
    )


def _what_it_rests_on(move: Move) -> dict[str, Any]:
    return {name: getattr(move, name) for name in ("evidence", "cut_offs", "approvals", "waivers", "canary")}
