"""What pages tell a reader to type: the blocks of commands, their marks, and what typer says of each command.

A block is ```bash, ```sh or ```console (there only lines that begin with "$ "). Right before it may stand, as an HTML
comment that no reader sees, one mark:

    <!-- not run: REASON -->        it is read by the parser, but not executed
    <!-- exit code 1: REASON -->    one of its commands ends so, and not with 0

and anywhere in a page `<!-- prepare` with lines up to `-->`: commands that are run there, which the page need not show.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import typer

from creditrisk import cli

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("bash", "sh", "console", "shell")

_PIECE = re.compile(
    r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```|^<!-- prepare\n(?P<prepared>.*?)^-->", re.MULTILINE | re.DOTALL
)
_MARK = re.compile(r"<!-- (?:(?P<not_run>not run)|exit code (?P<code>\d+)): (?P<reason>\S[^>]*?) -->\s*\Z")
_ANY_MARK = re.compile(r"^<!-- *(not run|exit code|prepare)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Commands that stand together. not_run: why nobody runs them.  code: which exit code besides 0 is right."""

    page: Path
    line: int
    commands: tuple[str, ...]
    not_run: str | None = None
    code: int = 0


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(page: Path) -> Iterator[Block]:
    """In the order of the page."""
    text = page.read_text(encoding="utf-8")
    for piece in _PIECE.finditer(text):
        line = text[: piece.start()].count("\n") + 1
        if piece["prepared"]:
            yield Block(page, line, _commands(piece["prepared"], prompt=False))
        elif piece["language"] in LANGUAGES:
            mark = _MARK.search(text[: piece.start()])
            yield Block(
                page,
                line,
                _commands(piece["text"], prompt=piece["language"] == "console"),
                not_run=mark["reason"] if mark and mark["not_run"] else None,
                code=int(mark["code"]) if mark and mark["code"] else 0,
            )


def marks_that_are_none(page: Path) -> list[int]:
    """Lines of marks that mark nothing: without a reason, misspelt, or not right before a block."""
    text = page.read_text(encoding="utf-8")
    known = set()
    for piece in _PIECE.finditer(text):
        mark = _MARK.search(text[: piece.start()])
        if piece["prepared"]:
            known.add(piece.start())
        elif mark and piece["language"] in LANGUAGES:
            known.add(mark.start())
    fences = [(fence.start(), fence.end()) for fence in re.finditer(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)]
    return [
        text[: found.start()].count("\n") + 1
        for found in _ANY_MARK.finditer(text)
        if found.start() not in known and not any(begin < found.start() < end for begin, end in fences)
    ]


def _commands(text: str, *, prompt: bool) -> tuple[str, ...]:
    """One for each line that is no comment; a line that ends in a backslash goes on, and so does <<'END' until END."""
    lines = text.replace("\\\n", " ").splitlines()
    if prompt:
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    found, left = [], iter(lines)
    for line in left:
        if begin := re.search(r"<<'(\w+)'", line):
            found.append("\n".join([line, *takewhile(begin[1].__ne__, left), begin[1]]))
        elif line.strip() and not line.lstrip().startswith("#"):
            found.append(line.strip())
    return tuple(found)


def words(command: str) -> list[str]:
    return shlex.split(command, comments=True)


def parts(command: str) -> Iterator[list[str]]:
    """The words of each program in a line: between &&, |, ; and before a redirection."""
    lexer = shlex.shlex(re.sub(r"\$\([^()]*\)", "VALUE", command), posix=True, punctuation_chars=True)
    lexer.commenters, lexer.whitespace_split = "#", True
    part: list[str] = []
    for word in lexer:
        if word in ("&&", "||", "|", ";", "&"):
            yield part
            part = []
        elif word in (">", ">>", "<", "<<<", "2>"):
            break
        else:
            part.append(word)
    yield part


@cache
def _tree() -> Any:
    return typer.main.get_command(cli.app)


def objection(arguments: list[str]) -> str | None:
    """What typer's own parser says against the words after `creditrisk`; None when it takes them."""
    command = _tree()
    context = None
    rest, name = list(arguments), "creditrisk"
    try:
        while True:
            context = command.make_context(name, rest, parent=context)
            if not hasattr(command, "resolve_command"):
                return None
            left = [*context._protected_args, *context.args]
            if not left:
                return None
            found, command, rest = command.resolve_command(context, left)
            name = str(found)
    except typer.Exit:  # --help, --version
        return None
    except Exception as error:  # noqa: BLE001 - the parser's errors have no public base class
        return f"{type(error).__name__}: {getattr(error, 'message', error)}"
