"""The way from raw files to reports as a drawing: where each box stands, and which lines join them.

Only figures are computed here; the page's template turns them into SVG, so that every text is escaped there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from creditrisk.pages import formats

COLUMNS = (
    ("Raw files", 196), ("Typed tables", 188), ("Features", 150), ("Parts", 136), ("Model", 168), ("Test", 196),
)  # fmt: skip
"""Heading and width of each column, in the units of the drawing."""

_GAP, _TOP, _BOX, _PITCH, _LINE = 26, 32, 58, 66, 17
_STEP_COLUMN = {
    "ingest": 1,
    "check": 1,
    "features": 2,
    "split": 3,
    "train": 4,
    "evaluate": 5,
    "validate": 5,
    "register": 5,
}
_UNIT_PER_LETTER = 8.2
"""Of a heading in a box; a wider one is cut in the middle."""


def picture(nodes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The drawing of a data_lineage.json's nodes; None where there is nothing to draw.

    Gives width, height, headings, boxes, lines (as SVG paths) and the reports under each column.
    """
    placed = {name: node for name, node in nodes.items() if isinstance(node, Mapping) and _column(node) is not None}
    columns = [
        _in_order((name for name in placed if _column(placed[name]) == at), placed) for at in range(len(COLUMNS))
    ]
    tallest = max(map(len, columns))
    if tallest == 0:
        return None
    boxes = {
        name: _box(name, placed[name], column, _TOP + (tallest - len(names)) * _PITCH // 2 + row * _PITCH, nodes)
        for column, names in enumerate(columns)
        for row, name in enumerate(names)
    }
    bottom = _TOP + tallest * _PITCH + 12
    lists = [told for column in range(len(COLUMNS)) if (told := _reports(nodes, column, bottom))]
    return {
        "width": sum(width for _, width in COLUMNS) + _GAP * (len(COLUMNS) - 1),
        "height": bottom + max((told["h"] for told in lists), default=0) + 2,
        "headings": [{"x": _left(at), "text": heading} for at, (heading, _) in enumerate(COLUMNS) if columns[at]],
        "boxes": list(boxes.values()),
        "lines": [
            _line(boxes[start], boxes[end], _TOP + tallest * _PITCH / 2) for start, end in _joined(placed, boxes)
        ],
        "reports": lists,
    }


def _column(node: Mapping[str, Any]) -> int | None:
    if node.get("kind") == "raw":
        return 0
    if node.get("kind") in ("table", "bundle"):
        return _STEP_COLUMN.get(str(node.get("step")))
    return None


def _in_order(names: Iterable[str], nodes: Mapping[str, Any]) -> list[str]:
    """As a reader expects them, a raw file beside its table; what is kept apart from the features stands on top."""
    known = ("audit", "bronze/application", "train", "calibration", "test")
    table = {str(of): name for name, node in nodes.items() for of in node.get("made_from") or () if _column(node) == 1}

    def place(name: str) -> tuple[int, str]:
        shown = table.get(name, name)
        return known.index(shown) if shown in known else len(known), shown

    return sorted(names, key=place)


def _left(column: int) -> int:
    return sum(width for _, width in COLUMNS[:column]) + _GAP * column


def _box(name: str, node: Mapping[str, Any], column: int, y: int, nodes: Mapping[str, Any]) -> dict[str, Any]:
    width, title = COLUMNS[column][1], name.removeprefix("raw/").removeprefix("bronze/")
    return {
        "x": _left(column), "y": y, "w": width, "h": _BOX,
        "kind": "model" if node.get("kind") == "bundle" else "data",
        "full": title,
        "title": _cut(title, int((width - 18) / _UNIT_PER_LETTER)),
        "extent": _extent(node, nodes),
        "hash": formats.short_hash(node.get("sha256"))[:8],
    }  # fmt: skip


def _extent(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> str:
    if node.get("kind") == "raw":
        return formats.size(node.get("bytes"))
    if node.get("kind") == "bundle":
        return "with its SQL and rules"
    sql = sum(str(name).startswith("sql/") and name in nodes for name in node.get("made_from") or ())
    rows = f"{formats.count(node.get('rows'))} rows" if node.get("rows") is not None else ""
    return f"{rows}, {sql} SQL" if sql and node.get("step") == "features" else rows


def _joined(nodes: Mapping[str, Any], boxes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each box with what it was made from, but for what stands behind another of its makings already."""
    return [
        (parent, name)
        for name, node in nodes.items()
        for parent in _parents(node, boxes)
        if not any(parent in _behind(other, nodes, boxes) for other in _parents(node, boxes))
    ]


def _parents(node: Mapping[str, Any], boxes: Mapping[str, Any]) -> list[str]:
    return sorted(str(parent) for parent in node.get("made_from") or () if str(parent) in boxes)


def _behind(name: str, nodes: Mapping[str, Any], boxes: Mapping[str, Any]) -> set[str]:
    """Boxes before this one; a box never stands behind one of an earlier column, so this comes to an end."""
    found: set[str] = set()
    for parent in _parents(nodes[name], boxes):
        if boxes[parent]["x"] < boxes[name]["x"]:
            found |= {parent} | _behind(parent, nodes, boxes)
    return found


def _line(start: Mapping[str, Any], end: Mapping[str, Any], centre: float) -> str:
    """One that passes a column runs level there, at the end farther from the centre, where boxes are few."""
    x1, y1, x2, y2 = start["x"] + start["w"], start["y"] + _BOX // 2, end["x"] - 5, end["y"] + _BOX // 2
    if x2 - x1 <= _GAP:
        return _bend(x1, y1, x2, y2)
    if abs(y1 - centre) > abs(y2 - centre):
        return f"M{x1} {y1}H{x2 - _GAP + 5}" + _bend(x2 - _GAP + 5, y1, x2, y2)
    return _bend(x1, y1, x1 + _GAP, y2) + f"H{x2}"


def _bend(x1: int, y1: int, x2: int, y2: int) -> str:
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"


def _reports(nodes: Mapping[str, Any], column: int, top: int) -> dict[str, Any] | None:
    """What the stages of a column reported, below its boxes."""
    width = COLUMNS[column][1]
    told = [
        {"full": str(node["file"]).rpartition("/")[2], "hash": formats.short_hash(node.get("sha256"))[:8]}
        for _, node in sorted(nodes.items())
        if isinstance(node, Mapping)
        and node.get("kind") in ("report", "plots")
        and node.get("file")
        and _STEP_COLUMN.get(str(node.get("step"))) == column
    ]
    if not told:
        return None
    return {
        "x": _left(column), "y": top, "w": width, "h": 30 + 2 * _LINE * len(told),
        "rows": [
            {**row, "title": _cut(row["full"].removesuffix(".json"), int((width - 18) / 7.0)),
             "y": top + 41 + 2 * _LINE * place}
            for place, row in enumerate(told)
        ],
    }  # fmt: skip


def _cut(text: str, letters: int) -> str:
    """
    >>> _cut("installments_payments.csv.gz", 20)
    'installmen…ts.csv.gz'
    """
    if len(text) <= letters:
        return text
    return f"{text[: letters // 2]}…{text[len(text) - (letters - letters // 2 - 1) :]}"
