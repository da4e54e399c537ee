"""What the sections are told: plain JSON values, gathered by the stage `validate`. Nothing is computed again here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from creditrisk.pages.document_sections.blocks import Blank, Block, Facts, NotRun

MADE_BY = {
    "comparison.json": "compare",
    "tuning.json": "tune",
    "post_training_validation.json": "validate",
    "ingestion_summary.json": "ingest",
    "contract_findings.json": "check",
    "leak_report.json": "check",
    "split.json": "split",
    "metrics.json": "train",
}
"""Report -> the command that makes it; every other one is made by evaluate."""


@dataclass(frozen=True)
class DocumentFacts:
    """portfolio: as the model was made by; what judges and describes it (gates, document) as the book says today.
    features: {name, kind, categories, code, text, direction} in the model's order.
    formula: the model's own file where that is a table (points, coefficients), {} for trees.  calibration: that file.

    tables: {table: {"grain", "columns": {moment: number}}}.  manifest: of the bundle.  environment: {package: version}.
    waivers: {gate, by, because, until, at}.
    reports: {file: content}, those that may be believed.  problems: {file: why it may not}.  Hashes are sha256 in hex.
    """

    portfolio: Mapping[str, Any]
    bundle_sha256: str
    manifest: Mapping[str, Any]
    features: Sequence[Mapping[str, Any]] = ()
    tables: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    formula: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    reports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    waivers: Sequence[Mapping[str, Any]] = ()
    invented: bool = False
    checks_off: Sequence[Mapping[str, Any]] = ()
    leaks_released: Sequence[Mapping[str, Any]] = ()

    @property
    def name(self) -> str:
        return str(self.portfolio["name"])

    def report(self, name: str) -> Mapping[str, Any]:
        """{} where it is missing or may not be believed: `missing` says so in the document."""
        return self.reports.get(name, {})

    def missing(self, name: str) -> list[Block]:
        """A note in place of what the report would tell; [] where it is there."""
        if name in self.reports:
            return []
        return [NotRun(name, f"creditrisk {MADE_BY.get(name, 'evaluate')} {self.name}", self.problems.get(name, ""))]

    def lender(self, key: str, name: str, asks: str) -> Block:
        """What the book says for the lender under `document:`, else a marked blank."""
        told = self.portfolio.get("document", {}).get(key)
        return Facts([(name, told)]) if told else Blank(name, asks, f"document.{key}")

    def gates(self, *names: str) -> list[Mapping[str, Any]]:
        """Results of these gates, of all without names."""
        told = self.report("post_training_validation.json").get("gates", ())
        return [gate for gate in told if not names or gate["name"] in names]
