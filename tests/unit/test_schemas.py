"""Every report's schema is a schema, closed and explained, and tells a wrong report from a right one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from creditrisk.pipelines.tracked_run import REPORTS
from tests.support.schemas import SCHEMAS, faults

FILES = sorted(SCHEMAS.glob("*.schema.json"))
SPLIT = {
    "schema_version": 1, "book": "tiny", "code_version": "0.1.0", "invented_data": True, "checks_off": [],
    "leaks_released": [],
    "inputs": {"feature_store": "ab" * 32}, "meta": {"actor": "ann", "created_at": "2026-01-01T00:00:00+00:00"},
    "method": "hash", "seed": 1, "folds": 5, "test_from": None, "test_before": None, "observed_until": None,
    "label_states": {"observed": 3, "indeterminate": 0, "immature": 0}, "after_test_window": 0,
    "parts": {
        part: {"n": 2, "bads": 1, "default_rate": 0.5, "first_date": None, "last_date": None}
        for part in ("train", "calibration", "test")
    },
    "balance": {"development_default_rate": 0.5, "test_default_rate": 0.5, "z": 0.0, "differs": False},
    "knowledge": {
        "test_from": None, "bads": None, "knowable": None, "without_date": None, "column": None, "months_later": None,
        "says": "Not counted.", "reason": "the split is not by time",
    },
}  # fmt: skip


def schema(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def written(folder: Path, name: str, **changes: Any) -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps({**SPLIT, **changes}), encoding="utf-8")
    return path


def test_every_report_of_a_run_has_a_schema() -> None:
    assert {path.name.removesuffix(".schema.json") for path in FILES} >= {
        *(name.removesuffix(".json") for name in REPORTS),
        "post_training_validation",
        "evidence_pack",
        "registry_promotion",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_schema_is_valid_closed_and_explained(path: Path) -> None:
    told = schema(path)
    Draft202012Validator.check_schema(told)
    assert told["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert told["title"] == path.name.replace(".schema", "")
    assert told["description"]
    assert told["additionalProperties"] is False
    unexplained = [
        key for key, inner in told["properties"].items() if not {"title", "description", "type"} <= inner.keys()
    ]
    assert unexplained == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_report_must_say_what_it_is_made_of(path: Path) -> None:
    common = {
        "schema_version",
        "book",
        "code_version",
        "invented_data",
        "checks_off",
        "leaks_released",
        "inputs",
        "meta",
    }
    assert common <= set(schema(path)["required"])


def test_a_right_report_has_no_faults(tmp_path: Path) -> None:
    assert faults(written(tmp_path, "split")) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"surplus": 1}, "surplus"),
        ({"seed": "one"}, "seed"),
        ({"inputs": {"feature_store": "short"}}, "feature_store"),
        ({"schema_version": 2}, "schema_version"),
        ({"test_from": "January 2011"}, "test_from"),
    ],
)
def test_a_wrong_report_is_told_with_its_place(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    (fault,) = faults(written(tmp_path, "split", **changes))
    assert told in fault


def test_a_report_without_a_schema_is_a_fault(tmp_path: Path) -> None:
    assert faults(written(tmp_path, "surprise")) == ["surprise.json: no schema in docs/schemas"]
