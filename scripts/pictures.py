"""Draws docs/pictures/{rooms,model,decision}.svg, so that no picture shows a room that is not there: `make docs`.

rooms: the layers of the import contract in pyproject.toml.  model, decision: the way of a model and of one decision
through rooms; a step in a room that the contract does not name is refused.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"

STEP = tuple[str, str, str]
"""What happens, in which room ("" = outside), and what stands on disk or in the registry afterwards."""

MODEL: Sequence[STEP] = (
    ("raw files arrive whole", "sources", "data/raw"),
    ("tables keep their promises", "contracts", "data/bronze"),
    ("the book's SQL, no future", "features", "feature_store.parquet"),
    ("parts by hash and time", "split", "train, calibration, test"),
    ("learn, calibrate, cut-off", "modelling", "bundle"),
    ("figures on the test part", "evaluation", "reports"),
    ("gates; evidence is frozen", "governance", "evidence pack"),
    ("a number in the registry", "adapters", "candidate"),
    ("waivers, canary, approvals", "governance", "signatures, audit chain"),
    ("the alias is moved", "governance", "production"),
)
DECISION: Sequence[STEP] = (
    ("records over HTTP, or tables", "serving", ""),
    ("typed by the contracts", "decisions", ""),
    ("features by the same SQL", "features", ""),
    ("PD, score, grade, cut-off", "scoring", ""),
    ("reasons proved on raw facts", "scoring", ""),
    ("kept in the writer's chain", "decision_chain", "decision store"),
    ("answered", "serving", ""),
    ("watched", "monitoring", "alarms, page"),
)

INK, PAPER, LINE, TINT = "#1f2a44", "#ffffff", "#8a94ad", "#e8ebf7"


def layers() -> list[list[str]]:
    """The rooms, highest first; those of one line do not know each other."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    order = next(contract["layers"] for contract in contracts if contract["id"] == "rooms")
    return [[room.strip("() ") for room in line.split("|")] for line in order]


def pictures() -> dict[Path, str]:
    """Every picture as it should be now."""
    return {
        FOLDER / "rooms.svg": rooms(layers()),
        FOLDER / "model.svg": way("The way of a model", MODEL, per_line=5),
        FOLDER / "decision.svg": way("The way of a decision", DECISION, per_line=4),
    }


def rooms(order: Sequence[Sequence[str]]) -> str:
    high, gap, left, width = 30, 10, 20, 640
    parts = []
    for number, line in enumerate(order):
        top = 20 + number * (high + gap)
        wide = (width - gap * (len(line) - 1)) / len(line)
        for place, room in enumerate(line):
            parts.append(box(left + place * (wide + gap), top, wide, high, [room]))
    bottom = 20 + len(order) * (high + gap)
    arrow = f'<path d="M{left + width + 30} 24V{bottom - 20}" stroke="{INK}" stroke-width="2" marker-end="url(#tip)"/>'
    words = text(left + width + 44, bottom / 2, "imports point down", anchor="start")
    return svg(
        "Rooms of the package: each imports only what lies below it", width + 230, bottom, [*parts, arrow, words]
    )


def way(title: str, steps: Sequence[STEP], *, per_line: int) -> str:
    known = {room for line in layers() for room in line}
    unknown = [room for _, room, _ in steps if room and room not in known]
    if unknown:
        raise SystemExit(f"{title}: no such room: {', '.join(unknown)}")
    wide, high, gap, below = 200, 74, 34, 52
    parts = []
    for number, (what, room, leaves) in enumerate(steps):
        row, column = divmod(number, per_line)
        left, top = 20 + column * (wide + gap), 20 + row * (high + below)
        parts.append(box(left, top, wide, high, [what, f"[{room}]", f"→ {leaves}" if leaves else ""]))
        if number + 1 < len(steps):
            middle = top + high / 2
            if column + 1 < per_line:
                line = f"M{left + wide + 3} {middle}H{left + wide + gap - 4}"
            else:
                turn, back = top + high + below / 2, 20 + wide / 2
                line = f"M{left + wide / 2} {top + high + 3}V{turn}H{back}V{top + high + below - 4}"
            parts.append(f'<path d="{line}" fill="none" stroke="{INK}" stroke-width="2" marker-end="url(#tip)"/>')
    lines = -(-len(steps) // per_line)
    return svg(title, 40 + per_line * wide + (per_line - 1) * gap, 40 + lines * high + (lines - 1) * below, parts)


def box(left: float, top: float, wide: float, high: float, lines: Sequence[str]) -> str:
    said = [line for line in lines if line]
    first = top + high / 2 - (len(said) - 1) * 10 + 4
    words = [text(left + wide / 2, first + 20 * number, line, bold=number == 0) for number, line in enumerate(said)]
    shape = f'<rect x="{left:g}" y="{top:g}" width="{wide:g}" height="{high:g}" rx="6" fill="{TINT}" stroke="{LINE}"/>'
    return shape + "".join(words)


def text(x: float, y: float, words: str, *, anchor: str = "middle", bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'


def svg(title: str, wide: float, high: float, parts: Sequence[str]) -> str:
    marker = 'id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto"'
    tip = f'<marker {marker}><path d="M0 0L8 4L0 8z" fill="{INK}"/></marker>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" width="{wide:g}" role="img"'
    style = f'font-family="system-ui, sans-serif" font-size="11.5" fill="{INK}"'
    paper = f'<rect width="100%" height="100%" fill="{PAPER}"/>'
    return "\n".join([f"{head} {style}><title>{escape(title)}</title><defs>{tip}</defs>", paper, *parts, "</svg>", ""])


def main() -> None:
    for path, drawn in pictures().items():
        if not path.exists() or path.read_text(encoding="utf-8") != drawn:
            path.write_text(drawn, encoding="utf-8")
            sys.stdout.write(f"drawn: {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
