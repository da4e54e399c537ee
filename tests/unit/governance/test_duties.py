"""Each check of a duty: what makes it pass, fail, or a question to the lender."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from creditrisk.config import Document, Policy, Retention, Review
from creditrisk.governance.duties import Facts, judged
from creditrisk.governance.regulation import Profile

ON = date(2026, 12, 1)
VALIDATED = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEPT = {"months": 30, "because": "the law"}
PASSED = {"verdict": "pass", "reason": "fine"}
GATES = {name: PASSED for name in ("reasons_proved", "reasons_principal", "proxies", "never_worse")}
FACTS = Facts(
    policy=Policy.model_validate(
        {
            "never_worse": [
                {"who": "old", "ground": "law", "protected": "age > 62", "columns": ["age"], "values": [[30]]}
            ]
        }
    ),
    max_reasons=4,
    wordless=(),
    read_by={"age": ("age_years",), "income": ("income", "income_share")},
    gates=GATES,
    sections={"purpose": True, "data": True, "limits": False},
    bases={"sex": ("sex",), "race": (), "age": ("age",)},
    retention=Retention.model_validate({"approve": KEPT, "refer": KEPT, "decline": KEPT}),
    review=Review(contact="the desk"),
    document=Document(overrides="team leads", owner="risk"),
    tier=1,
    validated=VALIDATED,
    due=datetime(2027, 6, 1, tzinfo=UTC),
    chain="",
)


def looked(check: dict[str, Any], facts: Facts = FACTS, on: date = ON) -> tuple[str, str]:
    """(result, everything that was seen) of one duty."""
    duty = {"id": "one", "text": "t", "source": "s", "read": "text", "source_date": "2026-01-01", "check": check}
    profile = Profile.model_validate({"name": "here", "title": "t", "scope": "s", "duties": [duty]})
    (told,) = judged(profile, facts, on)
    return told["result"], "; ".join(seen["what"] for seen in told["seen"])


def gates(name: str, verdict: str) -> Facts:
    return replace(FACTS, gates={**GATES, name: {"verdict": verdict, "reason": "so it is"}})


REASONS = {"kind": "reasons_coverage", "most": 4}
BASES = {"kind": "prohibited_bases", "bases": ["sex", "race"]}
AGE = {"kind": "prohibited_bases", "bases": ["sex"], "within_rule": {"age": "never_worse"}}
KEEP = {"kind": "retention", "decisions": ["decline"], "months": 25}
STATED = {"kind": "retention", "decisions": ["decline"]}
REVIEW = {"kind": "human_review"}
LOGS = {"kind": "log_retention", "months": 6}
PAPER = {"kind": "documentation_headings", "sections": ["purpose", "data"], "stated": ["owner"]}
TIER = {"kind": "tier_present"}


@pytest.mark.parametrize("check", [REASONS, BASES, AGE, KEEP, STATED, REVIEW, LOGS, PAPER, TIER])
def test_a_lender_who_did_everything_passes(check: dict[str, Any]) -> None:
    result, seen = looked(check)
    assert (result, bool(seen)) == ("pass", True)


@pytest.mark.parametrize(
    ("check", "facts", "seen"),
    [
        (REASONS, gates("reasons_proved", "fail"), "gate reasons_proved: so it is"),
        (REASONS, replace(FACTS, gates={}), "not judged; creditrisk validate"),
        (REASONS, replace(FACTS, wordless=("income",)), "no words for income"),
        (REASONS, replace(FACTS, max_reasons=5), "up to 5 reasons are told"),
        (BASES, replace(FACTS, bases={**FACTS.bases, "sex": ("income",)}), "sex: income, income_share read income"),
        (BASES, replace(FACTS, read_by=None), "does not tell which features read sex"),
        (BASES, gates("proxies", "fail"), "gate proxies: so it is"),
        (AGE, gates("never_worse", "fail"), "age_years read age; gate never_worse: so it is"),
        (
            KEEP,
            replace(FACTS, retention=Retention.model_validate({"decline": KEPT | {"months": 24}})),
            "after 24 months, 25",
        ),
        (REVIEW, replace(FACTS, review=Review()), "review.contact is empty"),
        (REVIEW, replace(FACTS, review=Review(contact="x", override_codes={})), "nobody can overrule"),
        (LOGS, replace(FACTS, chain="line 3 was altered"), "audit chain: line 3 was altered"),
        (PAPER, replace(FACTS, sections=None), "no model document"),
        ({**PAPER, "sections": ["purpose", "fate"]}, FACTS, "no section fate"),
        ({**PAPER, "sections": ["limits"]}, FACTS, "lack their report: limits"),
        (TIER, replace(FACTS, tier=None), "state inventory.exposure"),
        (TIER, replace(FACTS, validated=None, due=None), "no validation of it stands"),
        (TIER, replace(FACTS, due=datetime(2026, 11, 30, tzinfo=UTC)), "due again on 2026-11-30: overdue"),
    ],
)
def test_what_is_missing_or_wrong_fails_and_is_told(check: dict[str, Any], facts: Facts, seen: str) -> None:
    result, told = looked(check, facts)
    assert result == "fail"
    assert seen in told


@pytest.mark.parametrize(
    ("check", "facts", "seen"),
    [
        (REASONS, gates("reasons_principal", "not_enough_evidence"), "how is it shown otherwise?"),
        (BASES, replace(FACTS, bases={"sex": ("sex",)}), "does any table tell race? The book does not say"),
        ({**AGE, "within_rule": {"age": "justified"}}, FACTS, "by which objective reason?"),
        (AGE, replace(FACTS, policy=Policy()), "no promise of policy.never_worse is about it"),
        (STATED, replace(FACTS, retention=Retention()), "no period stands under retention.decline"),
        (REVIEW, replace(FACTS, document=Document()), "who may override"),
        (PAPER, replace(FACTS, document=Document()), "blank in the model document: document.owner"),
        ({"kind": "lender_states", "ask": "who signs?"}, FACTS, "who signs?"),
    ],
)
def test_what_only_the_lender_knows_is_asked(check: dict[str, Any], facts: Facts, seen: str) -> None:
    result, told = looked(check, facts)
    assert result == "lender_states"
    assert seen in told


def test_what_is_never_deleted_by_age_is_kept_long_enough() -> None:
    assert looked(KEEP, replace(FACTS, retention=Retention()))[0] == "pass"


def test_a_fail_outweighs_a_question() -> None:
    assert looked(REVIEW, replace(FACTS, review=Review(), document=Document()))[0] == "fail"


def test_a_duty_of_another_day_is_told_as_such() -> None:
    check = {"kind": "lender_states", "ask": "who?"}
    duty = {"id": "one", "text": "t", "source": "s", "in_force_from": "2027-01-01", "check": check}
    past = {**duty, "id": "two", "in_force_from": None, "in_force_until": "2026-11-19"}
    profile = Profile.model_validate({"name": "here", "title": "t", "scope": "s", "duties": [duty, past]})
    told = judged(profile, FACTS, ON)
    assert [one["result"] for one in told] == ["not_in_force", "not_in_force"]
    assert [one["seen"][0]["what"] for one in told] == ["from 2027-01-01 on", "until 2026-11-19"]
