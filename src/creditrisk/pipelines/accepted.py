"""What the last accepted ingestion looked like: it lies beside its tables, and changes with them or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditrisk.contracts import TableProfile
from creditrisk.files import read_json, write_json
from creditrisk.kinds import SCHEMA_VERSION

PROFILE = "profile.json"


@dataclass(frozen=True)
class Accepted:
    """An ingestion that was accepted. sha256: {bronze/table: hash}; profiles: {table: ...}."""

    sha256: Mapping[str, str]
    profiles: Mapping[str, TableProfile]

    def as_json(self) -> dict[str, Any]:
        return {
            "sha256": dict(self.sha256),
            "tables": {name: profile.as_json() for name, profile in self.profiles.items()},
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Accepted:
        return cls(told["sha256"], {name: TableProfile.from_json(one) for name, one in told["tables"].items()})


def to_compare_with(bronze: Path, hashes: Mapping[str, str]) -> Accepted | None:
    """The accepted ingestion that came before these tables; None where they are the first.

    Tables that are to the byte the accepted ones keep what those were compared with, so that a stage that is run again
    says the same.
    """
    path = bronze / PROFILE
    if not path.is_file():
        return None
    told = read_json(path)
    chosen = told["before"] if told["accepted"]["sha256"] == dict(hashes) else told["accepted"]
    return Accepted.from_json(chosen) if chosen else None


def write_profile(bronze: Path, accepted: Accepted, before: Accepted | None) -> None:
    write_json(
        bronze / PROFILE,
        {
            "schema_version": SCHEMA_VERSION,
            "accepted": accepted.as_json(),
            "before": before.as_json() if before else None,
        },
    )
