"""A graph tells everything that stands behind a bundle, or each gap in it is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from creditrisk.governance.lineage import Node, NodeKind, gaps

SHA = "ab" * 32
WHOLE = {
    "raw/loans.csv": Node(NodeKind.RAW, SHA),
    "contract/application": Node(NodeKind.CONTRACT, SHA),
    "book": Node(NodeKind.BOOK, SHA),
    "sql/features": Node(NodeKind.SQL, SHA),
    "train": Node(NodeKind.TABLE, SHA, made_from=("raw/loans.csv", "contract/application", "sql/features", "book")),
    "bundle": Node(NodeKind.BUNDLE, SHA, made_from=("train", "book")),
}


def test_a_whole_one_has_no_gap() -> None:
    assert gaps(WHOLE, SHA) == []


@pytest.mark.parametrize("name", [name for name in WHOLE if name not in ("train", "bundle")])
def test_what_no_model_may_be_without_is_named(name: str) -> None:
    nodes = {
        other: replace(node, made_from=tuple(one for one in node.made_from if one != name))
        for other, node in WHOLE.items()
        if other != name
    }
    assert gaps(nodes, SHA) == [f"no {WHOLE[name].kind.value} stands behind the bundle"]


def test_each_other_gap_is_told() -> None:
    nodes = {
        **WHOLE,
        "train": replace(WHOLE["train"], made_from=(*WHOLE["train"].made_from, "gone"), sha256="short"),
        "stray": Node(NodeKind.REPORT, SHA),
    }
    told = gaps(nodes, "cd" * 32)
    assert "train has no sha256" in told
    assert "train was made from gone, which is not there" in told
    assert "what stray was made from is not told" in told
    assert "it is about the model abababababababab, not cdcdcdcdcdcdcdcd" in told
    assert "no bundle is named" in gaps({name: node for name, node in WHOLE.items() if name != "bundle"}, SHA)
