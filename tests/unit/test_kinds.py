"""Canonical JSON has one spelling, so that its hash is a name; findings and intervals are data."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from uuid import UUID

import pytest

from creditrisk.errors import CreditRiskError
from creditrisk.kinds import (
    Finding,
    Interval,
    Severity,
    canonical_json,
    finite_or_none,
    new_decision_id,
    refusals,
    sha256_of,
    sha256_of_file,
    sha256_of_folder,
)


def test_canonical_json_has_sorted_keys_no_spaces_and_plain_letters() -> None:
    assert canonical_json({"b": [1, 0.1], "a": "ü"}) == '{"a":"ü","b":[1,0.1]}'.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, b"bytes"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(CreditRiskError, match="canonical JSON"):
        canonical_json({"value": value})


def test_meta_does_not_count_in_a_hash_but_only_at_the_top() -> None:
    assert (
        sha256_of({"a": 1, "meta": {"at": "now"}})
        == sha256_of({"a": 1, "meta": {"at": "later"}})
        == sha256_of({"a": 1})
    )
    assert sha256_of({"a": {"meta": 1}}) != sha256_of({"a": {"meta": 2}})


def test_a_files_hash_is_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of_file(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_a_folders_hash_does_not_depend_on_the_order_of_its_files() -> None:
    assert sha256_of_folder({"a": "1", "b": "2"}) == sha256_of_folder({"b": "2", "a": "1"})
    assert sha256_of_folder({"a": "1", "b": "2"}) != sha256_of_folder({"a": "2", "b": "1"})


def test_decision_ids_are_unique_and_sort_by_time() -> None:
    import time

    first = new_decision_id()
    time.sleep(0.002)
    later = [new_decision_id() for _ in range(100)]
    assert len(set(later)) == 100
    assert all(first < one for one in later)
    assert UUID(first).version == 7


def test_a_finding_tells_its_place_and_at_most_three_examples() -> None:
    finding = Finding("loans", "range", Severity.WARN, "outside", column="pd", line=7, examples=("1", "2", "3", "4"))
    assert finding.where == "loans, line 7, column pd"
    assert finding.as_json()["examples"] == ["1", "2", "3"]
    assert finding.as_json()["severity"] == "warn"


def test_only_findings_that_refuse_are_refusals() -> None:
    findings = [Finding("loans", "a rule", severity, "x") for severity in Severity]
    assert [one.severity for one in refusals(findings)] == [Severity.REFUSE]


def test_an_interval_is_four_numbers() -> None:
    assert Interval(0.7, 0.6, 0.8).as_json() == {"value": 0.7, "low": 0.6, "high": 0.8, "level": 0.95}


@pytest.mark.parametrize(("number", "told"), [(1, 1.0), (None, None), (math.nan, None), (-math.inf, None)])
def test_what_is_no_number_becomes_none(number: float | None, told: float | None) -> None:
    assert finite_or_none(number) == told
