"""Approvals: people's signatures over the hash of an evidence pack, as files beside it, each an act of the audit chain.

An approval counts when its file is to the byte what the audit chain noted, its signature is by the key that is known
for that name, and it is about this evidence, not expired, not by whoever trained the model, and given after the last
time this version was rolled back from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from creditrisk.config.approval import Approval
from creditrisk.errors import CreditRiskError
from creditrisk.files import whole_file
from creditrisk.governance.evidence import Pack
from creditrisk.kinds import canonical_json
from creditrisk.signatures import Signer, is_signed_by


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a model when its approvals are weighed.

    keys: {name: public key}.  trainers: every name that trained it.  acts: `approved` of this bundle, oldest first,
    whatever the evidence.  rolled_back: `rolled_back` from this bundle.
    """

    rules: Approval
    keys: Mapping[str, str]
    trainers: frozenset[str]
    acts: Sequence[Mapping[str, Any]]
    rolled_back: Sequence[Mapping[str, Any]]
    now: datetime


@dataclass(frozen=True, slots=True)
class Weighed:
    """counted: {by, at, expires, sha256} of each.  ignored: why others do not count.  broken: what was altered."""

    counted: list[dict[str, str]]
    ignored: list[str]
    broken: list[str]


def same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def objections(pack: Pack, known: Known) -> list[str]:
    """Why the approvals do not suffice, each in a sentence; [] when they do. What was tampered with always objects."""
    weighed = weigh(pack, known)
    missing = known.rules.needed - len(weighed.counted)
    if missing <= 0:
        return weighed.broken
    people = ", ".join(one["by"] for one in weighed.counted)
    told = f"{len(weighed.counted)} of {known.rules.needed} approvals of the evidence {pack.sha256[:16]} count"
    return [*weighed.broken, told + (f" ({people})" if people else ""), *weighed.ignored]


def weigh(pack: Pack, known: Known) -> Weighed:
    """Every approval that the audit chain or the pack's folder knows."""
    weighed = Weighed([], [], [])
    if not known.trainers:
        weighed.broken.append("the audit chain names nobody who trained this model, so nobody is known to be another")
    of_this = {act["hashes"]["file"]: act for act in known.acts if act["hashes"]["evidence"] == pack.sha256}
    for act in known.acts:
        if act["hashes"]["evidence"] != pack.sha256:
            other = act["hashes"]["evidence"][:16]
            weighed.ignored.append(f"{act['actor']} approved other evidence, {other}, not {pack.sha256[:16]}")
    for name, act in of_this.items():
        _weigh_file(pack, name, act, known, weighed)
    for path in files_in(pack):
        if path.name not in of_this:
            weighed.ignored.append(f"{path}: the audit chain knows no such approval; approve again")
    return weighed


def files_in(pack: Pack) -> list[Path]:
    return sorted(pack.approvals.glob("*.json")) if pack.approvals.is_dir() else []


def message(pack: Pack, by: str, note: str, *, at: datetime, rules: Approval) -> dict[str, str]:
    """What is signed."""
    return {
        "book": pack.body["book"],
        "bundle": pack.body["bundle_sha256"],
        "evidence": pack.sha256,
        "by": by,
        "note": note,
        "at": at.isoformat(timespec="microseconds"),
        "expires": (at + timedelta(days=rules.valid_days)).isoformat(timespec="microseconds"),
    }


def write(pack: Pack, told: Mapping[str, str], signer: Signer, sequence: int) -> tuple[Path, str]:
    """The approval as a file; (its path, the sha256 of its bytes). It counts once the audit chain names both."""
    signed = {"message": told, "public_key": signer.public, "signature": signer.sign(canonical_json(told))}
    content = canonical_json(signed) + b"\n"
    path = pack.approvals / f"{sequence}-{told['by']}.json"
    with whole_file(path) as partial:
        partial.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def why_not(told: Mapping[str, Any], public_key: str, pack: Pack, known: Known) -> list[str]:
    """Every reason for which an approval that says so, by that key, does not count."""
    by, reasons = told["by"], []
    if told["evidence"] != pack.sha256:
        reasons.append(f"it is about other evidence, {told['evidence'][:16]}, not {pack.sha256[:16]}")
    if told["bundle"] != pack.body["bundle_sha256"] or told["book"] != pack.body["book"]:
        reasons.append("it is about another model")
    if any(same_person(by, trainer) for trainer in known.trainers):
        reasons.append(f"{by} trained this model, and nobody approves their own")
    expected = next((key for name, key in known.keys.items() if name == by), None)
    if expected is None:
        reasons.append(f"the key of {by} is not known here; known: {', '.join(sorted(known.keys)) or 'none'}")
    elif expected != public_key:
        reasons.append(f"it was signed with another key than the one that is known for {by} now")
    at, expires = datetime.fromisoformat(told["at"]), datetime.fromisoformat(told["expires"])
    ends = min(expires, at + timedelta(days=known.rules.valid_days))
    if known.now > ends:
        reasons.append(f"it expired on {ends.date().isoformat()}")
    if at > known.now:
        reasons.append(f"it was given at {told['at']}, which is still to come: is the clock right?")
    return reasons


def _weigh_file(pack: Pack, name: str, act: Mapping[str, Any], known: Known, weighed: Weighed) -> None:
    path = pack.approvals / name
    if not path.is_file():
        weighed.broken.append(f"{path}: the approval by {act['actor']} is missing, though the audit chain names it")
        return
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != act["hashes"]["approval"]:
        weighed.broken.append(f"{path}: the approval by {act['actor']} was altered")
        return
    signed = _signed(content)
    if signed is None:
        weighed.broken.append(f"{path}: this is no approval, or its signature does not hold")
        return
    told = signed["message"]
    reasons = why_not(told, signed["public_key"], pack, known)
    if any(back["seq"] > act["seq"] for back in known.rolled_back):
        reasons.append("it was given before this version was rolled back from")
    if any(same_person(told["by"], one["by"]) for one in weighed.counted):
        reasons.append("the same person approved it before, and counts once")
    if reasons:
        weighed.ignored.append(f"the approval by {told['by']} does not count: {'; '.join(reasons)}")
    else:
        sha256 = act["hashes"]["approval"]
        weighed.counted.append({"by": told["by"], "at": told["at"], "expires": told["expires"], "sha256": sha256})


def _signed(content: bytes) -> dict[str, Any] | None:
    """None unless it is spelled as `write` does and its own key made its signature."""
    try:
        signed = json.loads(content)
        genuine = canonical_json(signed) + b"\n" == content and is_signed_by(
            signed["public_key"], canonical_json(signed["message"]), signed["signature"]
        )
        return dict(signed) if genuine else None
    except (ValueError, KeyError, TypeError, CreditRiskError):
        return None
