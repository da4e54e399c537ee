"""What the documentation site needs beside docs/: mkdocs calls these (`hooks:` in mkdocs.yml).

Pages are written for a plain repository host, with links relative to their file. On the site README.md is the first
page, CONTRIBUTING, SECURITY and CHANGELOG are pages too, and a link to anything else outside docs/ (a source file, a
folder) becomes its path in plain letters: the site has no copy of it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FROM_ROOT = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""File at the root -> page of the site."""

_LINK = re.compile(r"(?P<picture>!?)\[(?P<words>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def on_config(config: Any) -> Any:
    """Every decision has its place below the list of them."""
    project = next(section["Project"] for section in config["nav"] if "Project" in section)
    project.append({"Decisions": ["decisions/README.md", *_decisions()]})
    return config


def _decisions() -> list[str]:
    return [f"decisions/{path.name}" for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))]


def on_files(files: Any, config: Any) -> Any:
    """The pages from the root, as if they stood in docs/."""
    from mkdocs.structure.files import File

    for name, page in FROM_ROOT.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=relinked(text, name)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links of a page of docs/ that lead out of it."""
    inside = page.file.src_uri
    return markdown if inside in FROM_ROOT.values() else relinked(markdown, f"docs/{inside}")


def relinked(text: str, path: str) -> str:
    """The page with links as the site has them. path: of its file, from the repository's root."""
    page = FROM_ROOT.get(path) or path.removeprefix("docs/")

    def mended(link: re.Match[str]) -> str:
        target, hash_sign, anchor = link["target"].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return link[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if (ROOT / file).is_dir() and (ROOT / file / "README.md").is_file() and file.startswith("docs/"):
            file += "/README.md"
        inside = FROM_ROOT.get(file) or (file.removeprefix("docs/") if file.startswith("docs/") else None)
        if inside is None:
            return link["words"] if file in link["words"] else f"{link['words']} (`{file}`)"
        new = posixpath.relpath(inside, posixpath.dirname(page) or ".")
        return f"{link['picture']}[{link['words']}]({new}{hash_sign}{anchor})"

    parts = []
    end = 0
    for fence in _FENCE.finditer(text):
        parts += [_LINK.sub(mended, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(mended, text[end:])])
