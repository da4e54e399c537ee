"""Moves of versions in words, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from creditrisk.pages.formats import waived


def promotion_lines(told: Mapping[str, Any]) -> list[str]:
    """What `promote` did, would do, or would be refused."""
    what, objections = f"{told['book']} version {told['version']}", told["objections"]
    if told["moved"]:
        return [f"{what} is in {told['to']} now", *_aliases(told["transition"]["move"]["aliases"])]
    if objections:
        return [f"{what} may not go to {told['to']}:", *(f"  - {each}" for each in objections)]
    if told["there"]:
        return [f"{what} is in {told['to']} already: nothing to do"]
    return [f"{what} may go to {told['to']}: nothing stands against it"]


def rollback_lines(told: Mapping[str, Any]) -> list[str]:
    what = f"from version {told['from_version']} to version {told['version']}"
    back = told["previous"]
    then = f"; one further back is version {back}" if back is not None else "; nothing is further back"
    if not told["moved"]:
        return [f"{told['book']} would go {what}{then}"]
    return [f"{told['book']} went {what}{then}", "a server takes it with its next look, or POST /admin/reload"]


def repair_lines(told: Mapping[str, Any], *, dry_run: bool) -> list[str]:
    if not told["found"]:
        return [f"{told['book']}: registry and ledger agree, nothing to do"]
    lines = [f"{told['book']}:", *(f"  found: {each}" for each in told["found"])]
    if told["settled"]:
        lines.append(f"  {told['settled']}")
    if told["put_back"]:
        lines += ["  put back to what the ledger says", *_aliases(told["put_back"]["move"]["aliases"])]
    return [*lines, "  nothing was changed (--dry-run)"] if dry_run else lines


def planned_lines(told: Mapping[str, Any]) -> list[str]:
    """What `deploy --dry-run` found."""
    where = f"{told['platform']} {told['target']}"
    lines = [f"{told['book']} on {where}, to decide by version {told['version']}"]
    for change in told["changes"]:
        lines += [f"  {change['where']}", f"    - {change['was']}", f"    + {change['becomes']}"]
    if not told["changes"]:
        lines.append(f"  {told['image']} is in place already")
    if told["unfinished"]:
        lines.append("  an earlier deployment was left unfinished: the next one finishes it, or rolls it back, first")
    return [*lines, "  nothing was changed (--dry-run)"]


def deployment_lines(told: Mapping[str, Any]) -> list[str]:
    """How `deploy` ended."""
    lines = [told["left_unfinished"]] if told["left_unfinished"] else []
    after = told["after"] or {"image": "nothing known", "definition": "?"}
    what = told["outcome"].replace("_", " ")
    if told.get("unchanged"):
        what = "there already, and passes the smoke test"
    lines.append(f"{told['book']} on {told['platform']} {told['target']}: {what}")
    lines += [f"  runs {after['image']}", f"  by {after['definition']}, before {told['before']['definition']}"]
    return [*lines, f"  deciding by version {told['version']}, bundle {told['bundle_sha256'][:16]}"]


def asof_lines(told: Mapping[str, Any]) -> list[str]:
    lines = [f"{told['book']} at {told['at']}", *_standing(told), *_servers(told)]
    then, compared = told["as_known_then"], ("version", "aliases", "servers")
    if {key: then.get(key) for key in compared} == {key: told.get(key) for key in compared}:
        lines.append(f"as known at {told['known_at']}: the same")
    else:
        lines += [f"as known at {told['known_at']}:", *_standing(then), *_servers(then)]
    today = told["disagreements_today"]
    if today is None:
        return [*lines, "today's registry could not be asked whether its aliases still mean that"]
    return [*lines, *(f"NOT AS RECORDED today: {each}" for each in today)]


def _standing(told: Mapping[str, Any]) -> list[str]:
    if told["version"] is None:
        return ["  nothing was in production", *_aliases(told["aliases"])]
    lines = [
        f"  production was version {told['version']}, bundle {told['bundle_sha256'][:16]}, since {told['since'][:19]}",
        f"  {told['act'].replace('_', ' ')} by {told['by']}" + (f": {told['note']}" if told["note"] else ""),
        f"  evidence {told['evidence_sha256'][:16]}" if told["evidence_sha256"] else "  without evidence",
        "  cut-offs " + ", ".join(f"{name.replace('_', ' ')} {pd:.4f}" for name, pd in told["cut_offs"].items()),
    ]
    lines += [f"  approved by {one['by']} at {one['at'][:19]}" for one in told["approvals"]]
    lines += [f"  waived: {answer}" for answer in waived(told["waivers"])]
    return [*lines, *_aliases(told["aliases"])]


def _servers(told: Mapping[str, Any]) -> list[str]:
    return [
        f"  {one['platform']} {one['target']} ran {one['image']} ({one['definition']}), "
        f"{one['outcome'].replace('_', ' ')} by {one['by']} at {one['since'][:19]}"
        for one in told["servers"]
    ]


def _aliases(aliases: Mapping[str, int]) -> Sequence[str]:
    return ["  " + ", ".join(f"{alias} = {number}" for alias, number in sorted(aliases.items()))] if aliases else []
