"""Names that speak of what happens after a loan was granted: a plain table, with the reason for each row."""

from __future__ import annotations

import re
from typing import NamedTuple


class Word(NamedTuple):
    """pattern: over the name in lower case with single blanks between its parts (`lastPymntAmt` -> `last pymnt amt`).

    alone: the name is enough for a suspicion; otherwise it needs a column that ranks outcomes.
    anywhere: also in child tables, which hold the history of other loans, where payments and balances are at home.
    """

    pattern: str
    because: str
    alone: bool = False
    anywhere: bool = False


WORDS = (
    Word(r"\bhardship", "a hardship plan is made with somebody who cannot pay any more", alone=True, anywhere=True),
    Word(r"\bsettlements?\b|\bsettled\b", "debts are settled after they were not paid", alone=True, anywhere=True),
    Word(r"\bforbear", "forbearance is granted to somebody who cannot pay any more", alone=True, anywhere=True),
    Word(r"\b(payment|pymnt|repayment) plan\b", "payment plans follow trouble paying", alone=True, anywhere=True),
    Word(r"\bdefer(ral|red|ment)", "instalments are put off when somebody cannot pay", anywhere=True),
    Word(r"\brecover(y|ies|ed)\b", "money is recovered after a loan has failed", anywhere=True),
    Word(r"\bcollections?\b|\bcollected\b|\bcollector", "collection begins when payments stop", anywhere=True),
    Word(r"\bcharged? ?offs?\b", "a loan is charged off when it has failed", anywhere=True),
    Word(r"\bwrit(e|ten) ?(off|down)s?\b", "a loan is written off when it has failed", anywhere=True),
    Word(r"\bdefault(ed|s)?\b", "a default is what is to be foretold", anywhere=True),
    Word(r"\brepossess|\bforeclos", "security is taken when a loan has failed", anywhere=True),
    Word(r"\blate (fee|charge)s?\b", "fees for being late follow missed instalments", anywhere=True),
    Word(r"\b(pa?y?mn?ts?|payments?|repayments?|repaid|paid)\b", "instalments are paid after the loan was granted"),
    Word(r"\bdpd\b|\barrears?\b", "arrears arise after the loan was granted"),
    Word(r"\bpay ?offs?\b|\bprepa(id|y)", "a loan is paid off when it ends"),
    Word(
        r"(?<!since )\blast\b(?! (\d|name|phone|address|job|employer))",
        "the last of something moves on until the day of the extract",
    ),
    Word(r"\bnext\b", "what comes next is known only while a loan runs"),
    Word(r"\boutstanding\b|\bout (prncp|principal)\b|\bremaining\b", "what is still owed tells whether a loan ended"),
    Word(r"\b(total|tot|amount|amt) (rec|received)\b|\breceived\b", "money is received after the loan was granted"),
    Word(r"\bclos(ed|ure|ing)\b|\bfinal\b|\bmatured\b|\bterminat", "how and when a loan ended is known at its end"),
    Word(r"\bcurrent (balance|status)\b|\bloan status\b", "the state of a loan is that of the day of the extract"),
    Word(r"\boutcome\b|\bresult\b|\bloss\b|\blgd\b", "results come last"),
)
"""The first row whose pattern is found in a name speaks for it. `last_6mths` and `since_last` are spans before the
application, and a last name is a name: they do not count."""


def spoken(name: str, *, main: bool) -> Word | None:
    """The row of WORDS that a column's name speaks, if any; main: the column is one of the main table."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    plain = re.sub(r"[^a-z0-9]+", " ", plain.lower()).strip()
    return next((word for word in WORDS if (main or word.anywhere) and re.search(word.pattern, plain)), None)
