"""Small evidence packs with bundles of a few bytes, and people with keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from creditrisk.governance.evidence import Pack, freeze

BUNDLE_FILES = {"manifest.json": b'{"bundle": "ab"}\n', "sql/features.sql": b"select 1"}
BUNDLE = "ab" * 32


def gate(name: str = "auc_floor", verdict: str = "pass", *, can_be_waived: bool = True) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "reason": f"{name} was looked at", "can_be_waived": can_be_waived}


def waiver(gate: str = "auc_floor", until: str = "2026-06-30", by: str = "carl") -> dict[str, Any]:
    return {"gate": gate, "by": by, "because": "a test", "until": until, "at": "2026-01-01T00:00:00+00:00"}


def small_pack_body(
    gates: Sequence[Mapping[str, Any]] = (gate(),), waivers: Sequence[Mapping[str, Any]] = (), **changes: Any
) -> dict[str, Any]:
    """What the rules read of a pack; docs/schemas has the whole."""
    return {
        "book": "tiny",
        "bundle_sha256": BUNDLE,
        "bundle": {name: hashlib.sha256(content).hexdigest() for name, content in BUNDLE_FILES.items()},
        "number": 1,
        "before": None,
        "gates": list(gates),
        "waivers": list(waivers),
        **changes,
    }


def frozen(model: Path, files: Mapping[str, bytes] | None = None, **changes: Any) -> Pack:
    """A pack in that folder, with its bundle beside it."""
    for name, content in BUNDLE_FILES.items():
        (model / "bundle" / name).parent.mkdir(parents=True, exist_ok=True)
        (model / "bundle" / name).write_bytes(content)
    return freeze(model, small_pack_body(**changes), files or {"test_metrics.json": b"{}"})
