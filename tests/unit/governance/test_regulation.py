"""Regulation profiles: dated data with sources, strict, and read before they are judged."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from creditrisk.config.yaml_reader import read_yaml
from creditrisk.errors import BadConfig, BadUsage
from creditrisk.governance.duties import CHECKS
from creditrisk.governance.regulation import Duty, Profile, load_profile, profile_names
from creditrisk.pages.document_sections import (
    conduct,
    data,
    evidence,
    formula,
    performance,
    purpose,
    stability,
    training,
)

DUTY = """\
name: here
title: Here
scope: lenders
duties:
  - id: kept
    text: Records are kept.
    source: Act 1, section 2
    read: text
    source_date: 2026-11-22
    in_force_from: 2026-01-01
    in_force_until: 2026-12-31
    check: {kind: retention, months: 12, decisions: [decline]}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "here.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_profiles_are_the_five_places() -> None:
    assert profile_names() == ["eu", "uk", "us-co", "us-fed", "us-ma"]


@pytest.mark.parametrize("name", profile_names())
def test_every_duty_of_a_shipped_profile_can_be_checked(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert {duty.check.kind for duty in profile.duties} <= CHECKS.keys()
    assert all(
        any(character.isdigit() for character in duty.source) or "PRIN" in duty.source for duty in profile.duties
    )


@pytest.mark.parametrize("name", profile_names())
def test_profiles_ask_for_sections_that_the_model_document_has(name: str) -> None:
    files = (conduct, data, evidence, formula, performance, purpose, stability, training)
    code = "".join(Path(str(module.__file__)).read_text(encoding="utf-8") for module in files)
    asked = {
        section
        for duty in load_profile(name).duties
        if duty.check.kind == "documentation_headings"
        for section in duty.check.sections
    }
    assert [section for section in sorted(asked) if f'"{section}"' not in code] == []


@pytest.mark.parametrize(
    ("duty", "first", "last"),
    [
        ("us-fed/ecoa_effects_test", None, "2026-07-20"),
        ("us-fed/ecoa_proxies_by_intent", "2026-07-21", None),
        ("us-co/co_records", "2027-01-01", None),
        ("eu/eu_ai_logs", "2027-12-02", None),
        ("eu/ccd_2008_creditworthiness", None, "2026-11-19"),
        ("eu/ccd_human_intervention", "2026-11-20", None),
        ("uk/uk_article_22", None, "2026-02-04"),
        ("uk/uk_safeguards", "2026-02-05", None),
    ],
)
def test_laws_that_changed_of_late_hold_from_and_until_their_days(
    duty: str, first: str | None, last: str | None
) -> None:
    name, _, wanted = duty.partition("/")
    (found,) = [one for one in load_profile(name).duties if one.id == wanted]
    if first is not None:
        assert found.in_force_from == date.fromisoformat(first)
    if last is not None:
        assert found.in_force_until == date.fromisoformat(last)


def test_a_duty_holds_on_its_first_and_on_its_last_day(tmp_path: Path) -> None:
    (duty,) = read_yaml(written(tmp_path, DUTY), Profile).duties
    told = {
        day: duty.holds_on(date.fromisoformat(day)) for day in ("2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01")
    }
    assert told == {"2025-12-31": False, "2026-01-01": True, "2026-12-31": True, "2027-01-01": False}


def test_a_duty_without_dates_holds_always() -> None:
    duty = Duty.model_validate(
        {"id": "a", "text": "t", "source": "s", "check": {"kind": "lender_states", "ask": "who?"}}
    )
    assert duty.holds_on(date(1900, 1, 1))
    assert duty.holds_on(date(2100, 1, 1))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("months: 12", "month: 12", 'unknown key "month"'),
        ("kind: retention", "kind: retentoin", 'did you mean "retention"'),
        ("    read: text\n    source_date: 2026-11-22\n", "", "a source that nobody read can only be asked about"),
        ("    source_date: 2026-11-22\n", "", "read and source_date go together"),
        ("in_force_until: 2026-12-31", "in_force_until: 2025-12-31", "it ends before it begins"),
        ("title: Here\n", "title: Here\ntitel: Here\n", 'did you mean "title"'),
    ],
)
def test_a_wrong_profile_is_told_with_its_line(old: str, new: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        read_yaml(written(tmp_path, DUTY.replace(old, new)), Profile)
    assert told in str(caught.value)
    assert "here.yaml, line" in str(caught.value)


def test_an_unknown_profile_offers_the_known_ones() -> None:
    with pytest.raises(BadUsage, match='no regulation profile "us-feb"') as caught:
        load_profile("us-feb")
    assert caught.value.hint == 'did you mean "us-fed"? known: eu, uk, us-co, us-fed, us-ma'
