"""The audit chain on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from creditrisk.pages.formats import minute


def audit_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Is it unbroken; and what of it is covered by checkpoints, since when."""
    if not report["unbroken"]:
        yield f"BROKEN: {report['file']}: {report['problem']}"
        return
    yield f"{report['acts']:,} acts, each as it was written"
    if not report["checkpoints"]:
        yield "no checkpoints: acts may be missing at the end; `creditrisk audit checkpoint` begins them"
        return
    covered = f"{report['covered_acts']:,} of them are covered by {report['checkpoints']:,} signed checkpoints"
    yield f"{covered}, since {minute(report['covered_since'])} and up to {minute(report['covered_until'])}"
    if bare := report["acts"] - report["covered_acts"]:
        yield f"the last {bare:,} could be cut off unnoticed until the next checkpoint"
    yield f"head {report['head']}"


def checkpoint_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Up to where, by which key; and what was made up for on the way."""
    if report["overrides_told"]:
        yield f"{report['overrides_told']:,} overrides stood in the decision store without an act: they have one now"
    yield f"vouched for {report['acts']:,} acts in {report['file']}, key {report['public_key'][:16]}"
    yield "copy that file to where nobody who writes this workspace can write"
