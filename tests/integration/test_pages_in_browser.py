"""The run summary in a real browser: opened as a file, without a network, wide and narrow, light and dark."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from creditrisk.evaluation import curves, plots
from creditrisk.pages.contract_findings import render_contract_findings
from creditrisk.pages.model_document import headings, render_model_document
from creditrisk.pages.run_summary import render_run_summary
from tests.support.documents import document_facts
from tests.support.runs import findings_report, full_run, scored_rows

LAUNCH = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser(component: Callable[[str], str]) -> Iterator[Any]:
    chromium = component("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, headless=True, args=LAUNCH)
        yield running
        running.close()


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = scored_rows(3_000)
    run = full_run(rows)
    run["book"]["population"] += " <script>document.title = 'broken in'</script>"
    run["metrics"] = {**run["metrics"], "notes": {"f1": "a caution, so that its colours are on the page"}}
    run["findings"] = [*run["findings"], {"severity": "refuse", "table": "bureau", "what": "a key stands twice"}]
    drawn = plots.plots(curves.curves(rows.y, rows.pd, rows.score), run["importance"], invented=True)
    path = tmp_path_factory.mktemp("reports") / "run_summary.html"
    path.write_text(render_run_summary(run, drawn), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    report = findings_report()
    report["checks_off"] = [{"table": "payments", "rule": "range", "column": "paid", "because": "to look around"}]
    path = tmp_path_factory.mktemp("reports") / "contract_findings.html"
    path.write_text(render_contract_findings(report, "Tiny book"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = scored_rows(600)
    facts = document_facts()
    drawn = plots.plots(curves.curves(rows.y, rows.pd, rows.score), full_run(rows)["importance"], invented=True)
    path = tmp_path_factory.mktemp("reports") / "model_document.html"
    path.write_text(render_model_document(facts, drawn), encoding="utf-8")
    return path


def opened(browser: Any, summary: Path, **settings: Any) -> tuple[Any, list[str]]:
    """The page, and everything the browser complained about or asked for beside the file itself."""
    page = browser.new_page(**settings)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else complaints.append(asked.url))
    page.goto(summary.as_uri())
    return page, complaints


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_from_a_file_without_a_complaint(
    browser: Any, summary: Path, tmp_path: Path, viewport: dict[str, int], scheme: str
) -> None:
    page, complaints = opened(browser, summary, viewport=viewport, color_scheme=scheme)
    picture = page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert complaints == []
    assert len(picture) > 50_000
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.close()


@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["desktop", "phone"])
def test_the_findings_open_without_a_complaint_and_stand_out(
    browser: Any, findings: Path, viewport: dict[str, int], scheme: str
) -> None:
    page, complaints = opened(browser, findings, viewport=viewport, color_scheme=scheme)
    page.get_by_text("All 3 promises").click()
    page.get_by_text("never empty").wait_for(state="visible")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.evaluate(_CONTRASTS_TOO_LOW) == []
    assert complaints == []
    page.close()


def test_every_plot_is_drawn(browser: Any, summary: Path) -> None:
    page, _ = opened(browser, summary, viewport=WIDE)
    assert page.evaluate("[...document.images].map(image => image.naturalWidth > 300)") == [True] * 7
    page.close()


def test_a_hostile_text_runs_nothing(browser: Any, summary: Path) -> None:
    page, _ = opened(browser, summary, viewport=WIDE)
    assert page.title() == "Invented data: Home loans of an imaginary bank, run summary"
    page.get_by_text("<script>document.title").wait_for()
    page.close()


def test_links_reach_their_sections_and_folded_tables_unfold(browser: Any, summary: Path) -> None:
    page, _ = opened(browser, summary, viewport=NARROW)
    page.get_by_role("link", name="Lineage").click()
    assert page.evaluate("location.hash") == "#lineage"
    page.get_by_text("By vintage", exact=True).last.click()
    page.get_by_role("region", name="Grades, By vintage").get_by_text("2011-Q3").first.wait_for(state="visible")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Any, summary: Path, scheme: str) -> None:
    """Contrast of at least 4.5, as WCAG 2.2 asks of text (AA)."""
    page, _ = opened(browser, summary, viewport=WIDE, color_scheme=scheme)
    assert page.evaluate(_CONTRASTS_TOO_LOW) == []
    page.close()


@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["desktop", "phone"])
def test_the_model_document_opens_without_a_complaint(
    browser: Any, document: Path, viewport: dict[str, int], scheme: str
) -> None:
    page, complaints = opened(browser, document, viewport=viewport, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.evaluate(_CONTRASTS_TOO_LOW) == []
    page.get_by_role("link", name="Price list").first.click()
    assert page.evaluate("location.hash") == "#prices"
    assert complaints == []
    page.close()


def test_the_model_document_prints_whole(browser: Any, document: Path) -> None:
    """Each heading is a mark in the PDF, and at the width of A4 less its margins nothing is cut."""
    page, _ = opened(browser, document, viewport={"width": 680, "height": 1000})
    page.emulate_media(media="print")
    assert page.evaluate(_CUT) == []
    pdf = page.pdf(prefer_css_page_size=True, outline=True, tagged=True)
    marks = {mark.decode("latin-1") for mark in re.findall(rb"/Title \(((?:[^()\\]|\\.)*)\)", pdf)}
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 5
    lost = [title for title in headings(document_facts()) if not any(title in mark for mark in marks)]
    assert lost == []
    page.close()


_CUT = """() => [...document.querySelectorAll('table, dl, pre, code, img, svg, figure')]
  .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(element => element.tagName + ' ' + (element.textContent || '').trim().slice(0, 60))"""

_CONTRASTS_TOO_LOW = """() => {
  const parse = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own) continue;
    const pair = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) low.push(`${element.tagName} ${element.className} ${contrast.toFixed(2)}`);
  }
  return [...new Set(low)];
}"""
