"""The model document: everything a validator asks, on one page that needs no network and prints well.

The same reports give the same bytes: when and by whom they were made stands in their `meta` and in the audit chain.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from creditrisk.pages import story
from creditrisk.pages.document_sections import (
    conduct,
    data,
    evidence,
    formula,
    performance,
    purpose,
    stability,
    training,
)
from creditrisk.pages.document_sections.blocks import VERDICTS, Blank, Section
from creditrisk.pages.document_sections.facts import DocumentFacts
from creditrisk.pages.environment import environment
from creditrisk.pages.lineage_picture import picture
from creditrisk.pages.run_summary import PLOTS

SECTIONS = (
    purpose.purpose,
    purpose.definition,
    purpose.population,
    data.data,
    data.features,
    data.lenders_terms,
    data.barred,
    training.training,
    formula.formula,
    performance.discrimination,
    performance.calibration,
    stability.stability,
    conduct.policy,
    conduct.reasons,
    conduct.fairness,
    stability.cut_offs,
    training.comparison,
    training.prices,
    purpose.limits,
    evidence.gates,
    purpose.in_use,
    evidence.recompute,
    data.every_feature,
)
"""In the order of reading; the table of guidance comes before them, the words after."""


def render_model_document(doc: DocumentFacts, plots: Mapping[str, bytes] | None = None) -> str:
    """The page as HTML text. plots: PNG bytes by name, drawn into the page; those that are missing are left out."""
    sections = [make(doc) for make in SECTIONS]
    names = {section.name: place for place, section in enumerate(sections, start=1)}
    tested = doc.report("test_metrics.json")
    validated = doc.report(evidence.VALIDATION)
    view = {
        "doc": doc,
        "title": doc.portfolio["title"],
        "invented": doc.invented,
        "checks_off": list(doc.checks_off),
        "leaks_released": list(doc.leaks_released),
        "identity": evidence.identity(doc),
        "verdict": validated.get("verdict", ""),
        "counts": validated.get("counts", {}),
        "verdict_words": VERDICTS,
        "failed": [gate for gate in doc.gates() if gate["verdict"] == "fail"],
        "blanks": [block for section in sections for block in section.blocks if isinstance(block, Blank)],
        "numbers": names,
        "titles": {section.name: section.title for section in sections},
        "sections": [*sections, evidence.words()],
        "guidance": evidence.guidance(set(names)),
        "pictures": _pictures(plots or {}, tested),
        "drawn": picture(doc.report("data_lineage.json").get("nodes", {})),
    }
    return environment().get_template("model_document.html.j2").render(view)


def _pictures(plots: Mapping[str, bytes], tested: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "title": title,
            "aid": story.reading_aid(name, tested),
            # base64 holds no character that HTML could read as markup
            "source": Markup("data:image/png;base64," + base64.b64encode(plots[name]).decode("ascii")),
        }
        for name, title in PLOTS.items()
        if name in plots
    }


def headings(doc: DocumentFacts) -> list[str]:
    """The title of every numbered section."""
    return [section.title for section in (make(doc) for make in SECTIONS)]


__all__ = ["DocumentFacts", "Section", "headings", "render_model_document"]
