"""deploy_manifest.json in the words of a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from creditrisk.pages.formats import waived


def manifest_lines(manifest: Mapping[str, Any], path: str) -> list[str]:
    """What is deployed, on whose word, and the steps; the file has the rest."""
    model, move = manifest["model"], manifest["move"]
    approved = ", ".join(f"{one['by']} ({one['at'][:10]})" for one in manifest["approvals"])
    answered = "; ".join(waived({**one, "because": ""} for one in manifest["waivers"]))
    return [
        f"{manifest['alias']}: version {model['version']} of {model['name']}, bundle {model['bundle_sha256'][:16]}",
        f"since {move['effective_at'][:16]} by {move['by']}",
        f"evidence {manifest['evidence']['sha256'][:16]}",
        f"approved by {approved or 'nobody'}; waived: {answered or 'nothing'}",
        *(f"image {one['reference']}" for one in manifest["images"]),
        "rollout:",
        *(f"  {step['step']}. {step['does']}: {step['command']}" for step in manifest["rollout"]),
        "rollback:",
        *(f"  {step['step']}. {step['does']}: {step['command']}" for step in manifest["rollback"]),
        f"secrets it needs, by name: {', '.join(manifest['secrets'])}",
        f"written: {path}",
    ]
