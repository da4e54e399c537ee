"""A decision made again from its raw record, with the bundle of that day: the same bits, or what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from creditrisk.decisions.decide import Decider
from creditrisk.decisions.intake import Intake
from creditrisk.decisions.passport import environment_sha256, payload_of, sent
from creditrisk.kinds import PASSPORT_SCHEMA_VERSION, canonical_json
from creditrisk.modelling import Bundle
from creditrisk.modelling.environment import environment_lock

CLOSE = 1e-9
"""How far a number may be off where other versions of libraries compute it."""

COMPARED = ("features", "answer", "reasons", "warnings", "policy")


@dataclass(frozen=True, slots=True)
class Replayed:
    """differences: places of the payload that differ, "features.income"; never a value.

    environment_differences: what is not as in the bundle's lock, "duckdb 2.0.0, now 2.1.0"; then numbers are compared
    to 1e-9, else to the last bit.
    """

    same: bool
    differences: tuple[str, ...]
    environment_differences: tuple[str, ...] = ()


def replay(payloads: Sequence[Mapping[str, Any]], bundle: Bundle, intake: Intake, decider: Decider) -> list[Replayed]:
    """Each payload's decision again, offline. intake, decider: of that bundle and the book in its folder.

    The payloads are those of passports that this bundle decided; those with reasons and those without may be mixed.
    """
    now, others = environment_sha256(), environment_differences(bundle)
    found: list[Replayed | None] = [None] * len(payloads)
    again: dict[bool, list[tuple[int, Any]]] = {True: [], False: []}
    for place, payload in enumerate(payloads):
        lacking = _lacking(payload, bundle)
        read = intake.read([sent(payload["raw"])]) if lacking is None else None
        if read is None or read.problems:
            found[place] = Replayed(False, (str(lacking) if read is None else f"raw: {read.problems[0].where}",))
        else:
            again[bool(payload.get("with_reasons", True))].append((place, read.applications[0]))
    for with_reasons, some in again.items():
        decided = decider.decide([one for _, one in some], with_reasons=with_reasons)
        for (place, application), one in zip(some, decided, strict=True):
            before, after = payloads[place], payload_of(application, one, bundle, with_reasons=with_reasons)
            exact = before["environment_sha256"] == now
            differs = tuple(at for name in COMPARED for at in differences(before[name], after[name], name, exact))
            found[place] = Replayed(not differs, differs, () if exact else others)
    return [one for one in found if one is not None]


def environment_differences(bundle: Bundle) -> tuple[str, ...]:
    """What this process runs with otherwise than the bundle's lock says."""
    then, now = _versions(bundle.files["environment.lock"].decode()), _versions(environment_lock())
    told = [
        f"{name} {then.get(name, 'absent')}, now {now.get(name, 'absent')}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    return tuple(told) or ("the decision was made with other versions than the bundle's lock",)


def differences(before: Any, after: Any, where: str, exact: bool) -> Iterator[str]:
    """Places where two JSON values differ; where numbers do by more than 1e-9 unless `exact`."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            if (name in before) != (name in after):
                yield f"{where}.{name}"
            else:
                yield from differences(before[name], after[name], f"{where}.{name}", exact)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{where}[{number}]", exact)
    elif not _same(before, after, exact):
        yield where


def _same(before: Any, after: Any, exact: bool) -> bool:
    if not exact and _is_number(before) and _is_number(after):
        return bool(abs(before - after) <= CLOSE * max(1.0, abs(before)))
    return canonical_json(before) == canonical_json(after)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _lacking(payload: Mapping[str, Any], bundle: Bundle) -> str | None:
    """What keeps the payload from being replayed with this bundle."""
    version = payload.get("schema_version")
    if not isinstance(version, int) or version > PASSPORT_SCHEMA_VERSION:
        return "schema_version"
    missing = {"raw", "environment_sha256", *COMPARED} - set(payload)
    if missing:
        return min(missing)
    return None if payload.get("bundle_sha256") == bundle.sha256 else "bundle_sha256"


def _versions(lock: str) -> dict[str, str]:
    lines = [line for line in lock.splitlines() if line]
    told = dict(line.split("==", 1) for line in lines if "==" in line)
    return told | {line.removeprefix("# ").split(" ")[0]: line.split(" ")[-1] for line in lines if line.startswith("#")}
