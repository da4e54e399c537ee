"""What ingestion brought in, as data for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from creditrisk.contracts.bronze import BronzeTable
from creditrisk.kinds import Finding

if TYPE_CHECKING:
    from creditrisk.sources import Landed


def ingestion_summary(
    landed: Mapping[str, Landed],
    bronze: Mapping[str, BronzeTable],
    findings: Sequence[Finding] = (),
    seconds: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The body of ingestion_summary.json; by logical name of the table.

    findings: beyond those of the bronze tables, e.g. of missing tables or rows in quarantine.
    seconds: by table; they differ from run to run, so they stand under `meta`.
    """
    every = [*findings, *(finding for table in bronze.values() for finding in table.findings)]
    body: dict[str, Any] = {
        "tables": {name: _table(landed[name], bronze[name]) for name in bronze},
        "findings": [finding.as_json() for finding in every],
    }
    if seconds:
        body["meta"] = {"seconds": {name: round(value, 3) for name, value in seconds.items()}}
    return body


def _table(landed: Landed, bronze: BronzeTable) -> dict[str, Any]:
    return {
        "file": landed.name,
        "format": landed.format,
        "bytes": landed.size,
        "md5": landed.md5,
        "sha256": landed.sha256,
        "rows": bronze.rows,
        "rejected": bronze.rejected,
        "columns": bronze.columns,
        "bronze_sha256": bronze.sha256,
    }
