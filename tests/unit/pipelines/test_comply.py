"""Profiles on a trained model: which version, what was looked at, and what an unmet duty costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from creditrisk.config import Book, load_book
from creditrisk.errors import BadUsage, BrokenFile, Refused
from creditrisk.files import read_json
from creditrisk.governance.regulation import profile_names
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines import comply
from creditrisk.pipelines.context import Context
from tests.support.schemas import faults

DAY = date(2026, 12, 1)


def duty(report: dict[str, Any], wanted: str) -> dict[str, Any]:
    (found,) = [one for profile in report["profiles"] for one in profile["duties"] if one["id"] == wanted]
    return dict(found)


def told(context: Context, *profiles: str, on: date = DAY, **settings: Any) -> dict[str, Any]:
    """The report with other settings in the book of today; the model stays."""
    chosen = {name.replace("__", "."): value for name, value in settings.items()}
    return comply.run(replace(context, book=load_book(context.book.folder, chosen)), profiles, on=on)


def test_every_profile_is_told_in_one_report_that_keeps_its_schema(own: Context) -> None:
    report = comply.run(own, profile_names(), on=DAY)
    assert [profile["name"] for profile in report["profiles"]] == profile_names()
    assert (report["version"], report["aliases"], report["on"]) == (1, ["candidate"], "2026-12-01")
    assert report["notice"].startswith("This is no legal advice.")
    assert faults(own.folder.report(comply.COMPLIANCE)) == []
    assert sum(report["counts"].values()) == sum(len(profile["duties"]) for profile in report["profiles"])


def test_the_same_question_is_answered_with_the_same_bytes(own: Context) -> None:
    def body() -> dict[str, Any]:
        return {key: value for key, value in comply.run(own, ["uk"], on=DAY).items() if key != "meta"}

    assert body() == body()


def test_what_features_read_decides_about_a_prohibited_basis(own: Context) -> None:
    none = {
        "race": [],
        "colour": [],
        "religion": [],
        "national_origin": [],
        "marital_status": [],
        "consumer_rights": [],
    }
    apart = duty(told(own, "us-fed", inventory__bases={**none, "sex": ["sex"]}), "ecoa_prohibited_bases")
    assert "sex: no feature reads sex" in [seen["what"] for seen in apart["seen"]]
    read = duty(told(own, "us-fed", inventory__bases={**none, "sex": ["town"]}), "ecoa_prohibited_bases")
    assert read["result"] == "fail"
    assert any(seen["what"].startswith("sex: town read town") for seen in read["seen"])


def test_a_column_of_a_basis_that_no_table_has_is_refused(own: Context) -> None:
    with pytest.raises(BadUsage, match=r'inventory\.bases\.sex names the column "sx"'):
        load_book(own.book.folder, {"inventory.bases": {"sex": ["sx"]}})


def test_retention_and_review_are_those_of_the_book_today(own: Context) -> None:
    assert duty(told(own, "us-fed"), "ecoa_record_retention")["result"] == "pass"
    short = told(own, "us-fed", retention__decline={"months": 24, "because": "short"})
    assert duty(short, "ecoa_record_retention")["result"] == "fail"
    assert duty(told(own, "eu"), "gdpr_automated_decisions")["result"] == "fail"
    stated = told(own, "eu", review__contact="the desk", document__overrides="team leads")
    assert duty(stated, "gdpr_automated_decisions")["result"] == "pass"


def test_a_tier_needs_exposure_use_and_a_validation_that_is_not_overdue(own: Context) -> None:
    assert duty(told(own, "us-fed"), "model_risk_tier")["result"] == "fail"
    rated = {"inventory__exposure": "high", "inventory__use": "decides"}
    assert duty(told(own, "us-fed", **rated), "model_risk_tier")["result"] == "pass"
    late = duty(told(own, "us-fed", on=date(2027, 6, 1), **rated), "model_risk_tier")
    assert (late["result"], late["seen"][-1]["what"][-7:]) == ("fail", "overdue")


def test_the_document_must_be_that_of_the_model(own: Context) -> None:
    paper = duty(told(own, "uk"), "pra_documentation")
    assert paper["result"] == "lender_states"
    assert "document.owner" in paper["seen"][-1]["what"]
    page = comply.gathered(own, *_model(own))[0].sections
    assert page is not None
    assert page["comparison"] is False


def _model(context: Context) -> tuple[Bundle, Book]:
    folder = context.folder.bundle(context.registry.versions("tiny")[0].bundle_sha256)
    return load_bundle(folder), load_book(folder)


def test_the_frozen_evidence_is_looked_at_and_must_be_what_it_was(own: Context) -> None:
    own.folder.report("model_document.html").unlink()
    own.folder.report("post_training_validation.json").unlink()
    assert duty(told(own, "uk"), "pra_documentation")["result"] == "lender_states"
    (page,) = own.folder.models.glob("*/evidence/*/model_document.html")
    page.unlink()
    with pytest.raises(BrokenFile, match="missing from the evidence"):
        told(own, "uk")


def test_evidence_that_no_act_names_does_not_count(own: Context) -> None:
    own.workspace.audit.unlink()
    report = told(own, "us-fed")
    assert "gate proxies: not judged" in str(duty(report, "ecoa_prohibited_bases"))
    assert duty(report, "model_risk_documentation")["result"] == "fail"


def test_a_broken_audit_chain_fails_the_logs(own: Context) -> None:
    assert duty(told(own, "eu", on=date(2027, 12, 2)), "eu_ai_logs")["result"] == "pass"
    chain = own.workspace.audit
    chain.write_bytes(chain.read_bytes().replace(b'"ann"', b'"bob"', 1))
    assert duty(told(own, "eu", on=date(2027, 12, 2)), "eu_ai_logs")["result"] == "fail"


def test_duties_that_fail_are_named_and_refused(own: Context) -> None:
    report = told(own, "us-fed")
    with pytest.raises(Refused, match="model_risk_tier") as caught:
        comply.need_met(report)
    assert caught.value.where == "tiny, version 1"
    assert read_json(own.folder.report(comply.COMPLIANCE)) == report


def test_a_question_is_no_fail(own: Context) -> None:
    report = told(own, "us-co")
    assert report["counts"]["not_in_force"] == 6
    comply.need_met(report)


def test_an_unknown_version_or_profile_is_bad_usage(own: Context) -> None:
    with pytest.raises(BadUsage, match="no version 7"):
        comply.run(own, ["eu"], version=7)
    with pytest.raises(BadUsage, match='no regulation profile "france"'):
        comply.run(own, ["france"])
