"""The documents say what is: links lead somewhere, commands and targets exist, reference pages match the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from creditrisk import cli
from scripts import reference

LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
DECISION_PARTS = ("## Context", "## Choice", "## Consequences", "## What would change our mind")


def documents() -> list[Path]:
    return sorted([*reference.ROOT.glob("*.md"), *(reference.ROOT / "docs").rglob("*.md")])


def shell_lines() -> Iterator[tuple[Path, str]]:
    """Every line that a reader is told to type."""
    for path in documents():
        for fence in FENCE.finditer(path.read_text(encoding="utf-8")):
            if fence["language"] in ("bash", "sh", "console"):
                for line in fence["text"].splitlines():
                    yield path, line.removeprefix("$ ").strip()


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


def test_every_command_that_a_document_tells_to_type_exists() -> None:
    commands = set(getattr(typer.main.get_command(cli.app), "commands", {}))
    typed = [(path.name, line.split()) for path, line in shell_lines() if re.match(r"(\S*/)?creditrisk ", line)]
    unknown = [(page, words[1]) for page, words in typed if not words[1].startswith("-") and words[1] not in commands]
    assert unknown == []


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
