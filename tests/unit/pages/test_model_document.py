"""The model document says everything it is told, and what it is not told with the command that tells it."""

from __future__ import annotations

import doctest
import re
from typing import Any

import pytest

from creditrisk.pages.document_sections import blocks, formula
from creditrisk.pages.document_sections.evidence import MAPPED
from creditrisk.pages.model_document import SECTIONS, headings, render_model_document
from creditrisk.pages.run_summary import PLOTS
from tests.support.documents import BUNDLE, PORTFOLIO, document_facts, full_reports
from tests.unit.pages.test_run_summary import HOSTILE, PNG, Page, poisoned

DOCUMENT = render_model_document(document_facts(), dict.fromkeys(PLOTS, PNG))


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(DOCUMENT)


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(blocks).failed == 0
    assert doctest.testmod(formula).failed == 0


def test_every_heading_is_there_in_order_and_is_led_to(page: Page) -> None:
    places = [page.text.rindex(heading) for heading in headings(document_facts())]
    assert len(places) == len(SECTIONS)
    assert places == sorted(places)
    names = {attributes.get("id") for _, attributes in page.elements}
    led_to = {str(link["href"]).removeprefix("#") for link in page.all("a")}
    assert led_to <= names
    assert led_to >= {make(document_facts()).name for make in SECTIONS}


def test_the_table_of_guidance_names_sections_that_exist_and_dated_sources(page: Page) -> None:
    assert {name for name, _ in MAPPED} <= {make(document_facts()).name for make in SECTIONS}
    for source in ("SR 26-2", "17 April 2026", "28 July 2025", "EBA/GL/2017/16", "Annex IV", "no claim of compliance"):
        assert source in page.text


@pytest.mark.parametrize(
    "words",
    [
        BUNDLE,
        "Not a 12-month default.",
        "funded loans only",
        "Head of retail lending",
        "Nothing is known of the seventies.",
        "Of 55 bads 20 could be known by then.",
        "it ranks too well",
        "never worse from 62 on",
        "0.710 (0.680 to 0.740)",
        "2 bads promised",
        "worse by up to 0.02",
        "one class in a fold",
        "four fifths",
        "first model, no swap set",
        "The third model to be tested on these rows.",
        f"creditrisk run workspace/home_loans/models/{BUNDLE[:16]}/bundle --raw DIR",
        "slope 0.710, interval 0.680 to 0.740",
    ],
)
def test_what_it_is_told_stands_in_it(page: Page, words: str) -> None:
    assert words in page.text


CARD: dict[str, Any] = {
    "scaling": {"base_points": 600.0, "base_odds": 50.0, "points_to_double_odds": 20.0},
    "base": {"points": 550, "offset": -0.25},
    "characteristics": [
        {
            "feature": "income",
            "bins": [
                {"below": 7.700000047683716, "points": -9, "rows": 1200, "bads": 60, "woe": 0.4},
                {"from": 7.700000047683716, "below": 50.0, "points": 0, "rows": 90, "bads": 4, "woe": 0.0},
                {"from": 50.0, "points": 12, "rows": 80, "bads": 1, "woe": -0.5},
                {"value": -1.0, "points": 3, "rows": 9, "bads": 0, "woe": -0.1},
                {"missing": True, "points": -4, "rows": 7, "bads": 1, "woe": 0.2},
            ],
        },
        {
            "feature": "town",
            "bins": [
                {"words": ["big", "small"], "points": 1, "rows": 1386, "bads": 66, "woe": 0.0},
                {"missing": True, "points": 0, "rows": 0, "bads": 0, "woe": 0.0},
            ],
        },
    ],
    "left_out": {"debt": "it says what income says"},
}
SUM: dict[str, Any] = {
    "intercept": -2.5,
    "terms": [
        {"feature": "income", "mean": 30.0, "scale": 12.5, "low": 5.0, "high": 90.0, "coefficients": [-0.75]},
        {"feature": "town", "mean": 0.0, "scale": 1.0, "low": 0.0, "high": 0.0, "coefficients": [0.125, 0.0]},
    ],
}
FEATURES = [
    {"name": "income", "kind": "number", "categories": []},
    {"name": "town", "kind": "category", "categories": ["big", "small"]},
]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            {"formula": CARD},
            "income below 7.7 -9 1,200 60 0.400 income 7.7 to below 50 0 90 4 0.000 income from 50 +12",
        ),
        ({"formula": CARD}, "income exactly -1 +3 9 0 -0.100 income missing -4 7 1 0.200 town big, small +1 1,386"),
        ({"formula": CARD}, "Base 550 Highest score 563 Lowest score 541"),
        ({"formula": CARD}, "600 points at odds of 50 good to one bad; 20 points more double the odds"),
        ({"formula": CARD}, "debt it says what income says"),
        ({"formula": SUM}, "income number -0.75 30 12.5 5 to 90 town big +0.125 – – – town small 0"),
        (
            {"formula": SUM, "calibration": {"method": "platt", "slope": 0.9, "intercept": 0.1}},
            "slope 0.9 intercept 0.1",
        ),
        ({"calibration": {"method": "isotonic", "margins": [-3.0, -1.0], "levels": [-2.5, -2.0]}}, "-3 -2.5 -1 -2"),
        ({"calibration": {"method": "beta", "safe": 1.0, "risky": 0.5, "intercept": 0.1, "shift": 0.2}}, "shift 0.2"),
        ({"calibration": {"method": "of another day", "curves": [{}]}}, "Calibration: of another day"),
    ],
)
def test_the_model_itself_stands_in_it_as_far_as_a_page_can_hold_it(told: dict[str, Any], words: str) -> None:
    assert words in Page(render_model_document(document_facts(features=FEATURES, **told))).text


def test_a_line_of_a_level_is_part_of_the_way_to_the_pd() -> None:
    reports = full_reports()
    level = {"level": 36.0, "rows": 9, "bads": 2, "slope": 1.1, "intercept": 0.2, "own_line": True}
    by_level = {"feature": "term", "levels": [level], "loss_saved": 0.01, "standard_error": 0.001}
    reports["metrics.json"]["calibration"]["by_level"] = by_level
    text = Page(render_model_document(document_facts(reports=reports))).text
    assert "Where a level of term has a line of its own, z is then slope × z + intercept" in text


def test_trees_are_not_said_of_a_model_that_has_none() -> None:
    reports = full_reports()
    reports["metrics.json"] |= {"estimator": "logistic", "rounds": 0, "parameters": {"l2": 100.0}, "balance": "smote"}
    reports["metrics.json"]["folds"] = [{"fold": 0, "rounds": 0, "rows_fitted": 480}]
    facts = document_facts(reports=reports, manifest={"estimator": "logistic"}, formula=SUM, features=FEATURES)
    text = Page(render_model_document(facts)).text
    assert "has the sign of its direction or is 0" in text
    assert "Balance of the training rows smote: bads invented" in text
    assert not re.search(r"\b[Tt]rees?\b|\b[Rr]ounds\b|Early stopping", text)


def test_no_table_is_empty_and_nothing_is_called_nan(page: Page) -> None:
    assert re.findall(r"<tbody>\s*</tbody>", DOCUMENT) == []
    assert not re.search(r"\b(nan|None|inf)\b", page.text)


@pytest.mark.parametrize("name", sorted(set(full_reports()) - {"data_lineage.json"}))
def test_a_missing_report_is_told_with_the_command_that_makes_it(name: str) -> None:
    reports = {key: value for key, value in full_reports().items() if key != name}
    page = Page(render_model_document(document_facts(reports=reports)))
    assert re.search(rf"Not run ?: creditrisk \w+ home_loans writes {re.escape(name)}", page.text)
    assert page.text.count("Not run") <= 5


def test_a_report_that_cannot_be_believed_is_told_with_the_reason() -> None:
    reports = {key: value for key, value in full_reports().items() if key != "fairness.json"}
    facts = document_facts(reports=reports, problems={"fairness.json": "altered since"})
    assert "Not to be believed : fairness.json , because altered since" in Page(render_model_document(facts)).text


def test_without_any_report_it_still_stands() -> None:
    page = Page(render_model_document(document_facts(reports={}, features=[], tables={}, environment={})))
    assert "Not validated" in page.text
    assert len(page.all("h2")) > len(SECTIONS)


def test_what_the_lender_must_fill_in_is_marked_and_counted(page: Page) -> None:
    assert page.text.count("The lender fills this in") == 9
    assert "9 fields are left for the lender to fill in" in page.text
    filled = {**PORTFOLIO, "document": {**PORTFOLIO["document"], "use": "cash loans up to 5,000"}}
    other = Page(render_model_document(document_facts(portfolio=filled)))
    assert other.text.count("The lender fills this in") == 8
    assert "cash loans up to 5,000" in other.text


def test_a_comparison_on_other_rows_is_not_passed_off_as_this_models() -> None:
    reports = full_reports()
    reports["comparison.json"]["inputs"]["train"] = "00" * 32
    text = Page(render_model_document(document_facts(reports=reports))).text
    assert text.count("made on other rows than the model") == 2
    assert "made on other rows" not in Page(DOCUMENT).text


def test_invented_data_are_marked_and_real_ones_are_not() -> None:
    assert "Invented data" in DOCUMENT
    assert "nvented" not in Page(render_model_document(document_facts(invented=False))).text


def test_hostile_words_stay_words() -> None:
    reports: Any = {
        name: poisoned(report)
        for name, report in full_reports().items()
        if name in ("ingestion_summary.json", "leak_report.json", "fairness.json", "contract_findings.json")
    }
    document = {"document": {"owner": HOSTILE, "limits_known": [HOSTILE]}, "title": HOSTILE}
    target = {"target": poisoned(PORTFOLIO["target"])}
    html = render_model_document(document_facts(reports=reports, portfolio={**PORTFOLIO, **document, **target}))
    page = Page(html)
    assert {tag for tag, _ in page.elements} & {"script", "iframe", "object"} == set()
    assert not [attributes for _, attributes in page.elements if any(name.startswith("on") for name in attributes)]
    assert "<script>alert(1)</script>" in page.text
    assert "49" not in re.findall(r"owner.{0,80}", page.text)


def test_it_asks_for_nothing_outside_itself(page: Page) -> None:
    asked = [attributes.get("src") or attributes.get("href") or "" for _, attributes in page.elements]
    assert all(address.startswith(("data:", "#")) for address in asked if address)


def test_the_same_reports_give_the_same_bytes() -> None:
    assert render_model_document(document_facts(), dict.fromkeys(PLOTS, PNG)) == DOCUMENT
