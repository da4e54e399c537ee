"""Recorded decisions on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

FACTS = (
    "decision_id", "kind", "about", "time", "book", "model_version", "bundle_sha256", "caller", "request_id",
    "entity_id", "pd", "score", "grade", "decision",
)  # fmt: skip


def decision_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """One decision: its facts, why its payload is not there or the payload itself, and what came after it."""
    for name in FACTS:
        if told[name] is not None:
            yield f"{name.replace('_', ' '):<14} {told[name]}"
    yield f"{'chain':<14} {told['chain']['chain_id']}, record {told['chain']['sequence']}"
    if told["held"]:
        yield "under legal hold: nothing of it is deleted"
    if told["deleted"]:
        yield "what is personal was deleted"
    elif told["key_wanted"]:
        yield f"encrypted with the key {told['key_wanted']}, which is not here: set CREDITRISK_PAYLOAD_KEY"
    for act in told.get("acts", ()):
        rule = f" ({act['rule']})" if act["rule"] else ""
        yield f"{act['kind']:<14} {act['time']} by {act['by']}: {act['note']}{rule}"
    for other in told.get("about_it", ()):
        yield f"{other['kind']:<14} {other['time']} by {other['caller']}: {other['decision']} ({other['decision_id']})"
    if told["payload"] is not None:
        yield json.dumps(told["payload"], indent=2, ensure_ascii=False)


def verification_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """What was read, chains that nobody closed, and what is broken."""
    chains = report["chains"]
    yield (
        f"{report['records']:,} records in {len(chains):,} chains; {report['payloads']:,} payloads as they were, "
        f"{report['deleted']:,} deleted by rule"
    )
    for chain in chains:
        if not chain["closed"]:
            yield f"open or cut off: chain {chain['chain_id']}, last written {chain['last_written']}"
    for each in report["breaks"]:
        where = "" if each["sequence"] is None else f", record {each['sequence']}"
        who = "" if each["decision_id"] is None else f", decision {each['decision_id']}"
        yield f"BROKEN: chain {each['chain_id']}{where}{who}: {each['what']}"
    if report["broken"] > len(report["breaks"]):
        yield f"... and {report['broken'] - len(report['breaks']):,} more"
    if report["unbroken"]:
        yield "every record is as it was written" if report["records"] else "there is nothing to verify yet"


def override_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """How many decisions people overruled, in which direction, who did and why."""
    span = [f"{word} {report[word]}" for word in ("since", "until") if report[word] is not None]
    yield (
        f"{report['book']}{', '.join(['', *span])}: {report['overrides']:,} overrides of "
        f"{report['decisions_overruled']:,} decisions; {report['decisions']:,} were made{_per_hundred(report['share'])}"
    )
    for row in report["by_direction"]:
        of_these = "" if row["share_of_from"] is None else f", {row['share_of_from']:.1%} of what the model so answered"
        yield f"  {_named(row['from'])} -> {_named(row['to'])}: {row['overrides']:,}{of_these}"
    for name, word in (("by_user", "by"), ("by_code", "code")):
        for row in report[name]:
            yield f"  {word} {_named(row[word])}: {row['overrides']:,}{_per_hundred(row['share'])}"
    for why, count in report["unreadable"].items():
        if count:
            yield f"who and why is not known of {count:,}: their payloads are {why}"


def _named(word: str | None) -> str:
    return "(not known)" if word is None else word


def _per_hundred(share: float | None) -> str:
    return "" if share is None else f" ({share:.1%} of decisions)"


def replay_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """How many decisions were made again, to which digit, and which were not."""
    yield f"{report['replayed']:,} decisions made again: {report['same']:,} the same, {report['different']:,} not"
    for why, count in report["left_out"].items():
        yield f"{count:,} left out: {why}"
    if report["environment_differences"]:
        yield f"compared to {report['compared_to']}, since this environment is another: " + "; ".join(
            report["environment_differences"]
        )
    for each in report["told"]:
        yield f"DIFFERENT: decision {each['decision_id']}: {', '.join(each['differences'])}"
    if report["different"] > len(report["told"]):
        yield f"... and {report['different'] - len(report['told']):,} more"
