"""The documents say what is: links lead somewhere, commands and targets exist, reference pages match the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import pictures, reference, site
from tests.support.typed_commands import blocks, marks_that_are_none, objection, parts

LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
DECISION_PARTS = ("## Context", "## Choice", "## Consequences", "## What would change our mind")


def documents() -> list[Path]:
    return sorted([*reference.ROOT.glob("*.md"), *(reference.ROOT / "docs").rglob("*.md")])


def shell_lines() -> Iterator[tuple[Path, str]]:
    """Every command that a reader is told to type."""
    for path in documents():
        for block in blocks(path):
            for command in block.commands:
                yield path, command


def anchors(path: Path) -> set[str]:
    """The names that headings get, as code hosts make them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(reference.ROOT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    lost = []
    for link in LINK.finditer(FENCE.sub("", path.read_text(encoding="utf-8"))):
        target, _, anchor = link["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            lost.append(link["target"])
    assert lost == []


def test_the_reference_is_what_the_code_says() -> None:
    stale = [path.name for path, text in reference.pages().items() if not path.exists() or path.read_text() != text]
    assert stale == [], "make docs writes them again"


def test_the_pictures_show_the_rooms_that_are_there() -> None:
    stale = [path.name for path, drawn in pictures.pictures().items() if not path.exists() or path.read_text() != drawn]
    assert stale == [], "make docs draws them again"


def test_a_step_in_no_room_is_not_drawn() -> None:
    with pytest.raises(SystemExit, match="cellar"):
        pictures.way("The way of a model", [("raw files arrive", "cellar", "")], per_line=1)


def test_every_key_of_a_book_has_a_meaning() -> None:
    empty = [
        f"{path.stem}: {line}"
        for path, text in reference.pages().items()
        if path.stem in ("portfolio", "contract", "reasons", "settings")
        for line in text.splitlines()
        if line.startswith("| `") and line.endswith("|  |")
    ]
    assert empty == [], "a string under the field says it"


def test_every_make_target_that_a_document_names_exists() -> None:
    makefile = (reference.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {match[1] for path in documents() for match in re.finditer(r"`make ([a-z-]+)", path.read_text("utf-8"))}
    named |= {line.split()[1] for _, line in shell_lines() if line.startswith("make ")}
    assert named - targets == set()
    assert {"env", "demo", "test", "check", "bench", "bench-full", "serve", "docs", "clean", "help"} <= targets


def test_every_command_that_a_document_tells_to_type_is_one() -> None:
    """Known commands, known options, enough arguments: as typer's own parser reads them, run or not."""
    wrong = [
        f"{path.name}: {line}: {says}"
        for path, line in shell_lines()
        for words in parts(line)
        if words and re.fullmatch(r"(\S*/)?creditrisk", words[0]) and (says := objection(words[1:]))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "words", ["scor home_credit", "score", "score home_credit --inptu raw", "monitor nothing", "models a --version b"]
)
def test_a_command_that_is_none_is_found(words: str) -> None:
    assert objection(words.split()) is not None


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(reference.ROOT).as_posix())
def test_every_mark_stands_before_a_block_and_has_a_reason(path: Path) -> None:
    assert marks_that_are_none(path) == [], "lines; tests/support/typed_commands.py tells the marks"


def test_a_mark_without_a_reason_or_a_block_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- not run: -->\n```bash\na\n```\n\n<!-- not run: a lamp burns -->\n\nwords\n", encoding="utf-8")
    assert marks_that_are_none(page) == [1, 6]
    page.write_text(
        "<!-- not run: why -->\n```bash\na\n```\n<!-- exit code 1: no -->\n```sh\nb\n```\n", encoding="utf-8"
    )
    assert marks_that_are_none(page) == []
    assert [(block.not_run, block.code) for block in blocks(page)] == [("why", 0), (None, 1)]


def test_every_page_has_its_place_on_the_site() -> None:
    text = (reference.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    placed = set(re.findall(r"[\w./-]+\.md", text[text.index("\nnav:") :]))
    folder = reference.ROOT / "docs"
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    assert {name for name in there if not name.startswith("decisions/")} - placed == set(), "nav: of mkdocs.yml"
    assert placed - there == set(site.FROM_ROOT.values())


def test_the_list_of_decisions_names_each_by_its_own_words() -> None:
    folder = reference.ROOT / "docs" / "decisions"
    listed = re.findall(r"^\| (\d+) \| \[(.*)\]\((.*)\) \|$", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    records = [(path.name, path.read_text("utf-8").splitlines()[0]) for path in sorted(folder.glob("[0-9]*.md"))]
    assert [(file, f"# {number}. {words}") for number, words, file in listed] == records


def test_no_page_has_words_that_a_browser_takes_for_elements() -> None:
    """`<table>` outside of code is no word but a table without rows, and swallows the rest of the page."""
    found = []
    for path in documents():
        text = re.sub(r"<!--.*?-->", "", FENCE.sub("", path.read_text(encoding="utf-8")), flags=re.DOTALL)
        found += [f"{path.name}: {tag}" for tag in re.findall(r"<[a-zA-Z/][^>\s]*>", re.sub(r"`[^`]*`", "", text))]
    assert found == []


def test_links_on_the_site_lead_to_its_own_pages() -> None:
    assert site.relinked("[a](docs/x.md#y), [b](SECURITY.md)", "README.md") == "[a](x.md#y), [b](security.md)"
    assert site.relinked("[a](docs/decisions/)", "README.md") == "[a](decisions/README.md)"
    assert site.relinked("[a](../../CONTRIBUTING.md)", "docs/decisions/0001.md") == "[a](../contributing.md)"
    assert (
        site.relinked("[the code](../src/creditrisk/ports.py)", "docs/x.md") == "the code (`src/creditrisk/ports.py`)"
    )
    assert site.relinked("```\n[a](docs/x.md)\n```", "README.md") == "```\n[a](docs/x.md)\n```"


def test_the_map_names_every_room_and_no_other() -> None:
    text = (reference.ROOT / "docs" / "map.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
    package = reference.ROOT / "src" / "creditrisk"
    rooms = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert named == rooms - {"__init__"} | {"portfolios"}


def test_decision_records_are_numbered_and_whole() -> None:
    records = sorted((reference.ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    torn = [path.name for path in records if any(part not in path.read_text("utf-8") for part in DECISION_PARTS)]
    assert torn == []
