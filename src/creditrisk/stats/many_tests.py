"""p values of several questions asked at once."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values, in their order, as they stand when the chance of any false alarm among them is to be bounded.

    Needs no independence, and never rejects less than Bonferroni's.   Source: Holm (1979).
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for asked_before, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min((len(p_values) - asked_before) * p_values[place], 1.0))
        corrected[place] = largest
    return corrected
