"""People with keys in a context's workspace, and a model whose gates stand in nobody's way."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from creditrisk.adapters.key_files import KeyFiles
from creditrisk.kinds import Judgement
from creditrisk.pipelines import approve_model, canary_validation, promote_model, waive_gate
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.pipelines.people import new_key
from creditrisk.ports import PRODUCTION
from creditrisk.signatures import Signer


def as_person(context: Context, name: str) -> Context:
    """The same desk with somebody else at it."""
    return replace(context, actor=name, written={})


def with_key(context: Context, name: str) -> Context:
    """That person at the desk, with a key made now."""
    new_key(context.workspace, name, store=KeyFiles(context.workspace.people), by=name, clock=context.clock)
    return as_person(context, name)


def own_key(context: Context) -> Signer:
    found = KeyFiles(context.workspace.people).find(context.actor)
    assert found is not None
    return found


def approved(context: Context, number: int = 1, note: str = "looked at it all") -> dict[str, object]:
    return approve_model.run(context, number, note, lambda: own_key(context))


def all_waived(context: Context, number: int = 1, days: int = 30) -> None:
    """A waiver for each gate of the version that does not pass and may be waived, all in one pack."""
    (version,) = [one for one in context.registry.versions(context.book.name) if one.version == number]
    pack = current_pack(context, version.bundle_sha256)
    until = today(context) + timedelta(days=days)
    gates = [gate for gate in pack.body["gates"] if gate["verdict"] != Judgement.PASS and gate["can_be_waived"]]
    waive_gate.run(context, [gate["name"] for gate in gates], "a test", until, number)


def promoted(context: Context) -> None:
    """Version 1 to production by everything that the rules ask for."""
    all_waived(context)
    canary_validation.run(context)
    approved(with_key(context, "ben"))
    told = promote_model.run(context, 1, PRODUCTION, "a test")
    assert told["moved"], told["objections"]


def today(context: Context) -> date:
    return context.clock.now().date()
