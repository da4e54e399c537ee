"""Small frozen types that every room shares; canonical JSON and its hash."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from creditrisk.errors import CreditRiskError

SCHEMA_VERSION = 1
"""Of every JSON report. A reader refuses a newer one."""

PASSPORT_SCHEMA_VERSION = 1
"""Of a decision's durable record (the passport)."""


class Available(StrEnum):
    """When a column comes to exist in a loan's life."""

    APPLICATION = "application"
    BUREAU = "bureau"
    LENDER_DECISION = "lender_decision"
    POST_ORIGINATION = "post_origination"
    IDENTIFIER = "identifier"
    OUTCOME = "outcome"


class Severity(StrEnum):
    """What a finding does: stop the run, drop the rows, or be reported."""

    REFUSE = "refuse"
    QUARANTINE = "quarantine"
    WARN = "warn"


class Verdict(StrEnum):
    """What the lender does with an application."""

    APPROVE = "approve"
    REFER = "refer"
    DECLINE = "decline"


class Judgement(StrEnum):
    """What a test says. The third is no pass: these rows cannot tell, and the counts say why."""

    PASS = "pass"
    FAIL = "fail"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with the data, and where. `examples` is bounded to three values."""

    table: str
    rule: str
    severity: Severity
    what: str
    column: str | None = None
    file: str | None = None
    line: int | None = None
    rows: int = 0
    examples: tuple[str, ...] = field(default=())
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "severity": self.severity.value, "examples": list(self.examples[:3])}

    @property
    def where(self) -> str:
        place = self.file or self.table
        if self.line is not None:
            place += f", line {self.line}"
        return place + (f", column {self.column}" if self.column else "")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an application was not approved, in words an applicant understands."""

    code: str
    text: str
    feature: str
    contribution: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its confidence interval; `level` is a share, 0.95 unless said otherwise."""

    value: float
    low: float
    high: float
    level: float = 0.95

    def as_json(self) -> dict[str, float]:
        return asdict(self)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> bytes:
    """The one spelling of a JSON value: sorted keys, no spaces, UTF-8, shortest round-trip floats.

    Raises CreditRiskError on NaN and infinities: a number that does not exist is never written as one.
    """
    try:
        return _CANONICAL.encode(value).encode("utf-8")
    except (ValueError, TypeError) as error:
        raise CreditRiskError(
            f"not writable as canonical JSON: {error}", hint="null out what is not a number"
        ) from error


def sha256_of(value: Any) -> str:
    """sha256 over the canonical JSON of a value; the top-level key `meta` of a mapping does not count."""
    if isinstance(value, Mapping):
        value = {key: inner for key, inner in value.items() if key != "meta"}
    return hashlib.sha256(canonical_json(value)).hexdigest()


def sha256_of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_folder(files: Mapping[str, str]) -> str:
    """One hash for a folder, from {relative posix path: sha256 of the file}."""
    return sha256_of({"files": dict(files)})


def new_decision_id() -> str:
    """Sortable by time of making, unique without asking anyone (UUID version 7's layout)."""
    stamp = time.time_ns() // 1_000_000
    chance = int.from_bytes(os.urandom(10))
    bits = (
        (stamp << 80) | (0x7 << 76) | ((chance >> 62 & 0xFFF) << 64) | (0b10 << 62) | (chance & 0x3FFF_FFFF_FFFF_FFFF)
    )
    digits = f"{bits:032x}"
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


def finite_or_none(number: float | None) -> float | None:
    """A float for JSON: None where there is no number to tell."""
    return None if number is None or not math.isfinite(number) else float(number)


def refusals(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.REFUSE]
