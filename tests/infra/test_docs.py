"""The documentation as its readers meet it: the site as built, and pages whose commands are typed one by one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

import pytest
from playwright.sync_api import ViewportSize

from tests.support import page_run
from tests.support.typed_commands import ROOT, blocks, pages

TUTORIAL = "docs/tutorial-lending-club.md"


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


WITH_COMMANDS = [name for page in pages() if (name := name_of(page)) and any(not one.not_run for one in blocks(page))]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo of few rows, or that of PREPARED_DEMO, which somebody made before."""
    if given := os.environ.get("PREPARED_DEMO"):
        return Path(given)
    folder = tmp_path_factory.mktemp("docs")
    page_run.prepare(folder)
    return folder


@pytest.fixture(scope="module")
def built(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` does."""
    subprocess.run([repository / "scripts" / "tool_environment.sh", "docs"], check=True)
    into = tmp_path_factory.mktemp("site")
    mkdocs = repository / ".cache" / "env" / "docs" / "bin" / "mkdocs"
    done = subprocess.run(
        [mkdocs, "build", "--strict", "--site-dir", into],
        cwd=repository,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return into


class Page(HTMLParser):
    """links: what it leads to.   loaded: what a browser fetches for it.   names: its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.names |= {given[key] for key in ("id", "name") if key in given}
        if tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(given.get("href", ""))
        else:
            self.loaded += [given[key] for key in ("src", "srcset", "data", "poster") if key in given]


@pytest.fixture(scope="module")
def site_pages(built: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in built.rglob("*.html") if path.name != "404.html"}


def test_the_site_has_a_page_for_each_document(site_pages: dict[Path, Page], built: Path) -> None:
    there = {path.relative_to(built).as_posix() for path in site_pages}
    assert {"index.html", "quickstart.html", "contributing.html", "changelog.html", "reference/cli.html"} <= there
    assert "decisions/0001-python-and-locks.html" in there


def test_links_and_anchors_of_the_site_resolve(site_pages: dict[Path, Page]) -> None:
    lost = []
    for path, page in site_pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            file = (path.parent / unquote(target)).resolve() if target else path
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file() or (anchor and file in site_pages and unquote(anchor) not in site_pages[file].names):
                lost.append(f"{path.name}: {link}")
    assert lost == []


def test_nothing_is_loaded_from_another_host(site_pages: dict[Path, Page], built: Path) -> None:
    outside = [f"{path.name}: {one}" for path, page in site_pages.items() for one in page.loaded if "//" in one]
    styles = [path for path in built.rglob("*.css") if re.search(r"url\(['\"]?(https?:)?//", path.read_text("utf-8"))]
    assert (outside, styles) == ([], [])


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(built))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


DESK: ViewportSize = {"width": 1300, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


def test_pages_are_whole_in_a_browser(
    component: Callable[[str], str], address: str, site_pages: dict[Path, Page], built: Path
) -> None:
    """Words beside the navigation, not swallowed by it; nothing wider than desk or phone; no other host asked."""
    from playwright.sync_api import sync_playwright

    wrong, asked = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=component("chromium"), args=["--no-sandbox"])
        view = browser.new_page(viewport=DESK)
        view.on("request", lambda request: asked.append(request.url))
        view.on("pageerror", lambda error: wrong.append(str(error)))
        for path in site_pages:
            view.goto(f"{address}/{path.relative_to(built).as_posix()}")
            box = view.locator("article h1").first.bounding_box()
            wide = view.evaluate("document.documentElement.scrollWidth")
            if box is None or box["y"] > 400 or box["x"] < 200 or wide > 1300:
                wrong.append(f"{path.name}: {box}, {wide} wide")
            view.set_viewport_size(PHONE)
            if (wide := view.evaluate("document.documentElement.scrollWidth")) > PHONE["width"]:
                wrong.append(f"{path.name} on a phone: {wide} wide")
            view.set_viewport_size(DESK)
        view.goto(f"{address}/index.html")
        view.locator("input.md-search__input").fill("waiver")
        view.locator(".md-search-result__item").first.wait_for(timeout=20_000)
        browser.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[object]]:
    """Where the commands of the tutorial were typed into a clone without any workspace, and what went wrong."""
    folder = tmp_path_factory.mktemp("lesson")
    page_run.as_a_clone(folder)
    return folder, typed(folder, TUTORIAL)


def typed(folder: Path, name: str) -> list[object]:
    """Runs a page in the folder; what did not do as the page says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.page_run", ROOT / name],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stderr)  # noqa: T201 - each command with its seconds, where a test fails
    assert done.returncode == 0
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_tutorial_leads_from_nothing_to_a_model_that_decides(taught: tuple[Path, list[object]]) -> None:
    assert taught[1] == []


def test_the_commands_of_the_readme_do_what_it_says(taught: tuple[Path, list[object]]) -> None:
    """On the tutorial's workspace, which has what the demo leaves for one book, in less time."""
    folder, _ = taught
    file = folder / "invented" / "lending_club" / "accepted.csv"
    (folder / "raw" / file.name).symlink_to(file)
    (folder / "workspace").symlink_to("tutorial")
    assert typed(folder, "README.md") == []


@pytest.mark.by_hand
@pytest.mark.parametrize("name", [name for name in WITH_COMMANDS if name not in (TUTORIAL, "README.md")])
def test_every_command_of_the_page_does_what_the_page_says(prepared: Path, name: str) -> None:
    assert typed(page_run.fresh_copy(prepared), name) == []
