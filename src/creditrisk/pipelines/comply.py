"""compliance_report.json: the duties of regulation profiles, on one model and one day. No legal advice."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from creditrisk.config import Book, load_book
from creditrisk.errors import CreditRiskError, Refused
from creditrisk.files import read_json
from creditrisk.governance import Act, acts_about, find_bundle, verify_audit
from creditrisk.governance.duties import Facts, Result, judged
from creditrisk.governance.inventory import next_due, review_months, tier_of
from creditrisk.governance.regulation import NOTICE, Profile, load_profile
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.pipelines.model_document import DOCUMENT
from creditrisk.pipelines.validate_model import VALIDATION
from creditrisk.ports import CANDIDATE, PRODUCTION, ModelVersion

COMPLIANCE = "compliance_report.json"


def run(
    context: Context, profiles: Sequence[str], *, on: date | None = None, version: int | None = None
) -> dict[str, Any]:
    """compliance_report.json for a version: else the one behind production, else the candidate.

    on: the day that is asked about; else today.
    Raises BadUsage for an unknown profile or version, and what a registry that is away raises.
    """
    chosen, day = [load_profile(name) for name in profiles], on or context.clock.now().date()
    found = find_bundle(_reference(context, version), context.registry, own_copy=context.folder.bundle)
    assert found.version is not None  # a reference by name always has one
    bundle = load_bundle(found.folder, expected=found.version.bundle_sha256, threads=context.duck.threads)
    made_by = load_book(found.folder)
    facts, looked_at = gathered(context, bundle, made_by)
    told = [_profile(profile, facts, day) for profile in chosen]
    results = Counter(duty["result"] for profile in told for duty in profile["duties"])
    return context.report(
        COMPLIANCE,
        {
            "notice": NOTICE,
            "on": day.isoformat(),
            "version": found.version.version,
            "aliases": list(found.version.aliases),
            "bundle_sha256": bundle.sha256,
            "counts": {result.value: results[result.value] for result in Result},
            "profiles": told,
        },
        inputs={"bundle": bundle.sha256, **{path.name: path for path in looked_at}},
    )


def _profile(profile: Profile, facts: Facts, day: date) -> dict[str, Any]:
    return {
        "name": profile.name,
        "title": profile.title,
        "scope": profile.scope,
        "notes": list(profile.notes),
        "not_covered": list(profile.not_covered),
        "duties": judged(profile, facts, day),
    }


def need_met(report: Mapping[str, Any]) -> None:
    """Raises Refused, with every duty in force that fails."""
    failed = [
        duty["id"] for profile in report["profiles"] for duty in profile["duties"] if duty["result"] == Result.FAIL
    ]
    if failed:
        raise Refused(
            f"{len(failed)} of the duties that software can check fail on {report['on']}: {', '.join(failed)}",
            where=f"{report['book']}, version {report['version']}",
            hint=f"{COMPLIANCE} tells what was looked at, and how to go on",
        )


def _reference(context: Context, version: int | None) -> str:
    """A version by its number, else what decides, else what might."""
    name = context.book.name
    if version is not None:
        return f"models:/{name}/{version}"
    aliases = {alias for each in _versions(context) for alias in each.aliases}
    return f"models:/{name}@{PRODUCTION if PRODUCTION in aliases else CANDIDATE}"


def _versions(context: Context) -> Sequence[ModelVersion]:
    return context.registry.versions(context.book.name)


def gathered(context: Context, bundle: Bundle, made_by: Book) -> tuple[Facts, list[Path]]:
    """What the checks look at, and the reports that it was read from."""
    today, looked_at, chain = context.book.portfolio, [], _chain_problem(context)
    gates: dict[str, Mapping[str, Any]] = {}
    sections: dict[str, bool] | None = None
    folder = None if chain else _evidence(context, bundle.sha256)
    if folder is not None:
        validation, document = folder / VALIDATION, folder / DOCUMENT
        gates = {gate["name"]: gate for gate in read_json(validation)["gates"]}
        looked_at.append(validation)
        if document.is_file():
            sections = sections_of(document.read_text(encoding="utf-8"))
            looked_at.append(document)
    validated = None if chain else _validated_at(context, bundle.sha256)
    months = review_months(today.inventory)
    facts = Facts(
        policy=made_by.portfolio.policy,
        max_reasons=made_by.portfolio.decision.max_reasons,
        wordless=tuple(name for name in bundle.preprocess.names if not made_by.reasons.text_of(name)),
        read_by=_read_by(bundle),
        gates=gates,
        sections=sections,
        bases={str(basis): columns for basis, columns in today.inventory.bases.items()},
        retention=today.retention,
        review=today.review,
        document=today.document,
        tier=tier_of(today.inventory),
        validated=validated,
        due=next_due(validated, months) if validated and months else None,
        chain=chain,
    )
    return facts, looked_at


def _evidence(context: Context, bundle_sha256: str) -> Path | None:
    """Where the frozen reports about this bundle lie; None where it was never validated here.

    Raises BrokenFile for evidence that is not what it was.
    """
    frozen = acts_about(context.workspace.audit, Act.EVIDENCE_FROZEN, book=context.book.name, bundle=bundle_sha256)
    return current_pack(context, bundle_sha256).folder if frozen else None


def _validated_at(context: Context, bundle_sha256: str) -> datetime | None:
    acts = acts_about(context.workspace.audit, Act.VALIDATED, book=context.book.name, bundle=bundle_sha256)
    return datetime.fromisoformat(acts[-1]["time"]) if acts else None


def _read_by(bundle: Bundle) -> dict[str, tuple[str, ...]] | None:
    if not bundle.lineage:
        return None
    readers: dict[str, list[str]] = {}
    for feature in bundle.preprocess.names:
        for columns in bundle.lineage.get(feature, {}).values():
            for column in columns:
                readers.setdefault(column, []).append(feature)
    return {column: tuple(dict.fromkeys(features)) for column, features in readers.items()}


def _chain_problem(context: Context) -> str:
    try:
        return verify_audit(context.workspace.audit).problem
    except CreditRiskError as error:
        return error.what


def sections_of(page: str) -> dict[str, bool]:
    """{section of the model document: does it say more than that its report is missing?}"""
    reader = _Sections()
    reader.feed(page)
    return {name: name in reader.said or name not in reader.missing for name in reader.names}


class _Sections(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.said: set[str] = set()
        self.missing: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "section":
            self.names.append(told.get("aria-labelledby") or "")
        elif self.names and "not-run" in (told.get("class") or "").split():
            self.missing.add(self.names[-1])
        elif self.names and tag in ("p", "table", "ul", "dl"):
            self.said.add(self.names[-1])


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("comply"))
