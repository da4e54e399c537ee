"""Rows of deliveries as arrays: of several about one day of a loan the one that was known last holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creditrisk.config import plain_word
from creditrisk.monitoring.deliveries import RETRACTED, Words
from creditrisk.monitoring.matured import Days, Heard

_TAKEN_BACK = -1
_NO_WORD = -2


@dataclass(frozen=True, slots=True)
class Delivered:
    """Rows as they were taken, each array of shape (m,)."""

    loan: NDArray[np.int64]
    """Place among the decisions; below 0 = of none that is looked at."""
    day: Days
    known: Days
    delivery: NDArray[np.int64]
    word: NDArray[np.int64]
    """Place in `words`."""
    words: Sequence[str]
    """Status words as they were sent."""


def heard_of(delivered: Delivered, words: Words, as_of: np.datetime64) -> tuple[Heard, list[str]]:
    """What holds of what was known by that day, and status words that the book no longer knows: they are left out."""
    meanings = [_meaning(word, words) for word in delivered.words]
    buckets = [words.buckets.get(plain_word(word), -1) for word in delivered.words]
    usable = (delivered.loan >= 0) & (delivered.known <= as_of) & (delivered.day <= as_of)
    loan, day, word = delivered.loan[usable], delivered.day[usable], delivered.word[usable]
    order = np.lexsort((delivered.delivery[usable], delivered.known[usable], day, loan))
    loan, day, word = loan[order], day[order], word[order]
    holds = np.append((loan[1:] != loan[:-1]) | (day[1:] != day[:-1]), True)[: len(loan)]
    meaning = np.array(meanings, dtype=np.int8)[word] if len(word) else np.zeros(0, dtype=np.int8)
    lost = sorted({delivered.words[place] for place in np.unique(word[meaning == _NO_WORD]).tolist()})
    kept = holds & (meaning >= 0)
    bucket = np.array(buckets, dtype=np.int8)[word] if len(word) else np.zeros(0, dtype=np.int8)
    return Heard(loan[kept], day[kept], meaning[kept], bucket[kept]), lost


def _meaning(word: str, words: Words) -> int:
    plain = plain_word(word)
    if plain not in words.meanings:
        return _NO_WORD
    meaning = words.meanings[plain]
    return _TAKEN_BACK if meaning is RETRACTED else int(meaning)
