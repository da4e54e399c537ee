"""Whether the gates of an evidence pack forbid a move, with the waivers that are open on that day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from creditrisk.governance.evidence import Pack
from creditrisk.kinds import Judgement

type Target = Literal["staging", "production"]


def objections(pack: Pack, on: date, to: Target) -> list[str]:
    """Why the gates forbid the move, each in a sentence; [] when they do not.

    production: each gate must pass or be waived. staging: only a fail forbids that nobody waived.
    """
    gates = pack.body["gates"]
    if not gates:
        return ["the evidence names no gate at all"]
    return [_told(pack, gate, on) for gate in gates if _forbids(gate, to) and not is_waived(pack, gate["name"], on)]


def open_waivers(pack: Pack, on: date) -> list[dict[str, Any]]:
    """Those that count on that day: a waiver holds through its last day, `until`."""
    return [dict(waiver) for waiver in pack.body["waivers"] if date.fromisoformat(waiver["until"]) >= on]


def is_waived(pack: Pack, gate: str, on: date) -> bool:
    """Also of a canary's gate, which is no gate of the pack: canary_<name>."""
    known = {one["name"]: one for one in pack.body["gates"]}
    if gate in known and not known[gate]["can_be_waived"]:
        return False
    return any(waiver["gate"] == gate for waiver in open_waivers(pack, on))


def _forbids(gate: Mapping[str, Any], to: Target) -> bool:
    if to == "production":
        return bool(gate["verdict"] != Judgement.PASS)
    return bool(gate["verdict"] not in (Judgement.PASS, Judgement.NOT_ENOUGH_EVIDENCE))


def _told(pack: Pack, gate: Mapping[str, Any], on: date) -> str:
    ended = [one["until"] for one in pack.body["waivers"] if one["gate"] == gate["name"]]
    verdict = str(gate["verdict"]).replace("_", " ")
    if ended:
        note = f"; its waiver ended on {max(ended)}, before {on.isoformat()}"
    else:
        note = "" if gate["can_be_waived"] else "; this gate cannot be waived"
    return f"gate {gate['name']}: {verdict}: {gate['reason']}{note}"
