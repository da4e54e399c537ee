"""The report of what came in."""

from __future__ import annotations

from creditrisk.contracts import ingestion_summary, to_bronze
from creditrisk.kinds import Finding, Severity, canonical_json, sha256_of
from tests.support.small_tables import SETTINGS, contract, landed, written


def test_summary_tells_file_hashes_rows_and_findings_and_keeps_seconds_apart(tmp_path):
    raw = landed(written(tmp_path / "loans.csv", "a,zzz\n1,2\n"))
    table = to_bronze(raw, contract(a="integer"), tmp_path / "a.parquet", settings=SETTINGS)
    missing = Finding("payments", "missing table", Severity.WARN, "not there")
    body = ingestion_summary({"application": raw}, {"application": table}, [missing], {"application": 1.23456})
    assert body["tables"]["application"] == {
        "file": "loans.csv", "format": "csv", "bytes": 10, "md5": None, "sha256": raw.sha256, "rows": 1, "rejected": 0,
        "columns": 1, "bronze_sha256": table.sha256,
    }  # fmt: skip
    assert [finding["rule"] for finding in body["findings"]] == ["missing table", "unknown columns"]
    assert body["meta"] == {"seconds": {"application": 1.235}}
    slower = ingestion_summary({"application": raw}, {"application": table}, [missing], {"application": 9.0})
    assert sha256_of(body) == sha256_of(slower)
    assert canonical_json(body)
