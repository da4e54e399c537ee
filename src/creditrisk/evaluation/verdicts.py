"""Three words for a test: passed, failed, or too little evidence for either; never two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

PASS, FAIL, NOT_ENOUGH = "pass", "fail", "not_enough_evidence"
VERDICTS = (PASS, FAIL, NOT_ENOUGH)


def worst(verdicts: Iterable[str]) -> str:
    """A failure counts before missing evidence, and that before a pass; nothing tested is no evidence."""
    found = set(verdicts)
    return next((verdict for verdict in (FAIL, NOT_ENOUGH, PASS) if verdict in found), NOT_ENOUGH)


def counted(verdicts: Iterable[str]) -> dict[str, int]:
    """{verdict: how many}, each of the three."""
    counts = Counter(verdicts)
    return {verdict: counts[verdict] for verdict in VERDICTS}
