"""Reports against their JSON Schemas in docs/schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"


def faults(report: Path) -> list[str]:
    """What is wrong with a report: it has no schema, or the places where it breaks it."""
    schema = SCHEMAS / f"{report.stem}.schema.json"
    if not schema.is_file():
        return [f"{report.name}: no schema in docs/schemas"]
    validator = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    told = json.loads(report.read_text(encoding="utf-8"))
    return [f"{report.name}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(told)]


def faults_in(reports: Path) -> Iterator[str]:
    for path in sorted(reports.glob("*.json")):
        yield from faults(path)
