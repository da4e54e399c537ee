"""What the model is for, what its PD means, and whom it is about."""

from __future__ import annotations

from creditrisk.pages.document_sections.blocks import Block, Bullets, Care, Facts, Heading, Section, Table, Words
from creditrisk.pages.document_sections.facts import DocumentFacts


def purpose(doc: DocumentFacts) -> Section:
    book = doc.portfolio
    return Section(
        "purpose",
        "Purpose and scope",
        [
            Words(
                f"The model gives each application of the book \u201c{book['title']}\u201d a probability of default "
                "(PD), "
                "from which follow a score, a grade, a decision and its reasons. It is fixed at training and does "
                "not learn "
                "in use."
            ),
            doc.lender("use", "Use", "which decisions it may serve, which it may not, in which countries and channels"),
            doc.lender("owner", "Owner", "who answers for the model"),
            doc.lender("developer", "Developer", "who developed it, and in which role"),
            doc.lender("validator", "Validator", "who validates it, independent of the developer"),
            doc.lender("materiality", "Materiality", "how much depends on it, and its tier in the model inventory"),
            doc.lender("data_protection", "Personal data", "legal basis, retention, and the impact assessment"),
            Heading("What the PD is not"),
            Care(book["target"]["is_not"]),
            Words(
                "It is no price, no limit and no forecast of loss: those need exposure, loss given default and time."
            ),
        ],
    )


def definition(doc: DocumentFacts) -> Section:
    target, split = doc.portfolio["target"], doc.report("split.json")
    states = split.get("label_states", {})
    meaning = {
        "observed": "the outcome is known: learnt from and tested on",
        "indeterminate": "neither good nor bad yet: left out",
        "immature": "too young for the horizon: left out",
    }
    labels = Table(
        ("State", "Rows#", "Meaning"),
        [(state, states[state], meaning.get(state, "")) for state in meaning if state in states],
    )
    return Section(
        "definition",
        "Bad definition, horizon and target",
        [
            Facts(
                [
                    ("A bad loan is", target["bad"]),
                    ("Horizon", target["horizon"]),
                    (
                        "Target",
                        f"column {target['column']} of the main table"
                        if target.get("column")
                        else f"made by {target.get('sql')}, which lies in the model's bundle under sql/",
                    ),
                    ("Outcomes seen until", split.get("observed_until")),
                ]
            ),
            *([labels] if states else doc.missing("split.json")),
        ],
    )


def population(doc: DocumentFacts) -> Section:
    knowledge = doc.report("split.json").get("knowledge") or {}
    told = [str(knowledge["says"])] if knowledge.get("says") else []
    return Section(
        "population",
        "Population and how far it represents applicants",
        [
            Words(doc.portfolio["target"]["population"]),
            Care(
                "Only loans that were granted have an outcome. Nothing is known of applicants who were refused, so "
                "every "
                "figure here is about people like those the lender accepted; cut-offs that accept others leave the "
                "data."
            ),
            doc.lender(
                "off_policy",
                "Loans outside today's policy",
                "which loans in the data would not be granted today, and whether they were kept",
            ),
            *[Words(sentence) for sentence in told],
        ],
    )


def limits(doc: DocumentFacts) -> Section:
    known = list(doc.portfolio.get("document", {}).get("limits_known") or ())
    open_gates = [gate for gate in doc.gates() if gate["verdict"] != "pass"]
    found = [
        f"{gate['asks']} {'No' if gate['verdict'] == 'fail' else 'These rows cannot tell'}: {gate['reason']}."
        for gate in open_gates
    ]
    left_open: list[Block] = [Heading("What the tests leave open"), Bullets(found)] if found else []
    weaknesses: list[Block] = (
        [] if known else [doc.lender("limits_known", "Known weaknesses", "weaknesses known to whoever made the book")]
    )
    return Section(
        "limits",
        "Limits and assumptions",
        [
            Bullets(
                [
                    "Outcomes of refused applicants are unknown; no reject inference was made.",
                    "The future is assumed to resemble the development window; nothing here forecasts the economy.",
                    "Importance is not cause: changing a fact about an applicant need not change the risk.",
                    "Out-of-fold figures of settings that were chosen by them are a little too good; the test part "
                    "is not.",
                    *known,
                ]
            ),
            *left_open,
            *weaknesses,
        ],
    )


def in_use(doc: DocumentFacts) -> Section:
    return Section(
        "use",
        "Use, oversight and monitoring",
        [
            Words(
                "Every decline and referral carries its reasons; a person decides on referrals. Each act on the model "
                "(ingestion, training, registration) is a line of the audit chain, audit.jsonl in the workspace."
            ),
            doc.lender("overrides", "Overrides", "who may override, within which limits, and how it is recorded"),
            doc.lender("monitoring", "Monitoring", "what is watched, how often, from which limit on, and who is told"),
            doc.lender("next_review", "Next review", "the date by which it is validated again"),
        ],
    )
