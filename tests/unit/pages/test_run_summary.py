import base64
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from creditrisk.pages.context import RunContext
from creditrisk.pages.run_summary import PLOTS, read_plots, render_run_summary
from tests.support.runs import full_run

PNG = b"\x89PNG\r\n\x1a\nnot really"
VOID = {"meta", "link", "img", "br", "hr", "input", "wbr"}
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}</style>'"


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, text by element, and tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def run() -> RunContext:
    return full_run()


@pytest.fixture(scope="module")
def page(run: RunContext) -> Page:
    return Page(render_run_summary(run, dict.fromkeys(PLOTS, PNG)))


def poisoned(value: Any) -> Any:
    """The same shape with a hostile text in place of every text, number and name of a grade or state."""
    if isinstance(value, Mapping):
        named = {"grades", "label_states", "notes", "grades_by_vintage"}
        return {
            key: {HOSTILE + str(name): poisoned(inner) for name, inner in mapped.items()}
            if key in named and isinstance(mapped := value[key], Mapping)
            else poisoned(value[key])
            for key in value
        }
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [poisoned(inner) for inner in value]
    return HOSTILE


def test_the_page_tells_what_a_reader_asks_first(page: Page, run: RunContext) -> None:
    metrics = run["metrics"]
    auc = metrics["roc_auc"]
    for words in (
        run["book"]["title"],
        run["book"]["bad"],
        run["book"]["is_not"],
        run["model"]["bundle_sha256"],
        f"{auc['low']:.3f} to {auc['high']:.3f}",
        f"the mean alone: {metrics['brier_of_mean']:.4f}",
        "indeterminate 61 neither good nor bad yet: left out",
        "2011-01-01 to 2011-12-31",
        "CODE_ GENDER Prohibited Sex: ECOA, 15 U.S.C. 1691(a)(1)",
        "loss given default 0.45, margin 9 %",
        "train 21.9 s",
        "bureau 2026-09-01 06:00 81 days 0.1 h stale : older than 48 h",
        "creditrisk score home_loans --input DIR",
        "a.modeller",
    ):
        assert words in page.text, words


def test_what_the_test_is_worth_stands_beside_the_split_where_it_is_known(run: RunContext) -> None:
    reads = {"models": 2, "says": "Model number 2 to be tested on these rows."}
    told = {"bads": 9, "knowable": 4, "says": "Of 9 bads 4 could be known."}
    shown = Page(
        render_run_summary({**run, "metrics": {**run["metrics"], "knowledge": told, "test_reads": reads}})
    ).text
    assert "Of 9 bads 4 could be known. Model number 2 to be tested on these rows." in shown
    unknown = {**told, "bads": None}
    shown = Page(render_run_summary({**run, "metrics": {**run["metrics"], "knowledge": unknown}})).text
    assert "could be known" not in shown


def test_invented_data_are_said_loudly_and_only_then(run: RunContext, page: Page) -> None:
    assert page.text.count("Invented data") >= 3  # title, banner, footer
    real = Page(render_run_summary({**run, "invented": False}))
    assert "nvented" not in real.text


def test_findings_stand_worst_first_and_bounded(run: RunContext) -> None:
    many = [{"severity": "warn", "table": f"t{place}", "what": "w"} for place in range(60)]
    worst = {"severity": "refuse", "table": "application", "what": "the key stands twice", "rows": 2}
    shown = Page(render_run_summary({**run, "findings": [*many, worst]})).text
    assert "Of 61 findings 1 refused the run, 0 dropped rows, 60 are told only." in shown
    assert shown.index("the key stands twice") < shown.index("t0")
    assert "t38 w" in shown
    assert "t39 w" not in shown
    assert "21 more stand in" in shown


def test_no_findings_is_good_news_and_unknown_is_no_news(run: RunContext) -> None:
    assert "every file kept its contract" in Page(render_run_summary({**run, "findings": []})).text
    unknown: Any = {name: part for name, part in run.items() if name != "findings"}
    assert "What is wrong with the data" not in Page(render_run_summary(unknown)).text


def test_every_plot_is_inside_the_page_and_described(page: Page) -> None:
    images = page.all("img")
    assert len(images) == len(PLOTS)
    expected = "data:image/png;base64," + base64.b64encode(PNG).decode()
    for image in images:
        assert image["src"] == expected
        assert len(image["alt"] or "") > 20


def test_the_page_asks_for_nothing_outside_itself(page: Page) -> None:
    asked = [attributes.get("src") or attributes.get("href") or "" for _, attributes in page.elements]
    assert all(address.startswith(("data:", "#")) or address == "model_document.html" for address in asked if address)
    assert page.all("script") == []
    policy = next(meta for meta in page.all("meta") if "http-equiv" in meta)["content"] or ""
    assert policy.startswith("default-src 'none'")


def test_links_on_the_page_lead_to_its_sections(page: Page) -> None:
    names = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    beside = {"model_document.html"}
    assert {f"#{name}" for name in names} | beside >= {link["href"] for link in page.all("a")}
    assert len(names) == sum("id" in attributes for _, attributes in page.elements)


def test_headings_do_not_skip_a_level(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_same_reports_give_the_same_bytes(run: RunContext) -> None:
    assert render_run_summary(run, {"roc": PNG}) == render_run_summary(run, {"roc": PNG})


@pytest.mark.parametrize("missing", sorted(RunContext.__annotations__))
def test_the_page_stands_without_any_one_part(run: RunContext, missing: str) -> None:
    left: Any = {name: part for name, part in run.items() if name != missing}
    assert Page(render_run_summary(left)).all("h1")


def test_the_page_stands_with_the_books_name_alone() -> None:
    page = Page(render_run_summary({"book": {"name": "home_credit"}}))
    assert "home_credit" in page.text
    assert page.all("table") == []


def test_figures_that_are_none_show_as_a_dash(run: RunContext) -> None:
    metrics = {"n": 12, "roc_auc": None, "brier": None, "mean_pd": 0.1, "default_rate": None,
               "notes": {"roc_auc": "0 bads and 12 goods: ranking needs both"}}  # fmt: skip
    text = Page(render_run_summary({**run, "metrics": metrics})).text
    assert "Area under the ROC curve –" in text
    assert "ranking needs both" in text


def test_hostile_text_in_any_report_stays_text(run: RunContext) -> None:
    html = render_run_summary(poisoned(run), {"roc": PNG})
    page = Page(html)
    assert page.all("script") == []
    assert len(page.all("img")) == 1
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    widths = [attributes["style"] or "" for _, attributes in page.elements if "style" in attributes]
    assert all(re.fullmatch(r"width:\d+\.\d%", width) for width in widths)
    assert html.count("</style>") == 1
    assert "alert(1)" in page.text  # shown, not dropped
    assert "{{ 7*7 }}" in page.text


def test_plots_are_read_by_name_and_others_are_left_alone(tmp_path: Path) -> None:
    for name in ("roc", "calibration", "somebody_elses"):
        (tmp_path / f"{name}.png").write_bytes(PNG)
    assert read_plots(tmp_path) == {"roc": PNG, "calibration": PNG}
