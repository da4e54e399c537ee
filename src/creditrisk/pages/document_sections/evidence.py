"""The verdict, how to make everything again, and where a reader under a given guidance finds what."""

from __future__ import annotations

from creditrisk.pages import formats
from creditrisk.pages.document_sections.blocks import (
    Block,
    Bullets,
    Care,
    Commands,
    Drawing,
    Facts,
    Heading,
    Links,
    Section,
    Table,
    Words,
    code,
    verdict,
)
from creditrisk.pages.document_sections.facts import DocumentFacts

VALIDATION = "post_training_validation.json"
LIBRARIES = (
    "python",
    "creditrisk",
    "xgboost-cpu",
    "lightgbm",
    "numpy",
    "pyarrow",
    "duckdb",
    "scipy",
    "scikit-learn",
    "optbinning",
    "pydantic",
)
GUIDANCE = (
    "US SR 26-2, revised guidance on model risk management (17 April 2026)",
    "ECB guide to internal models (28 July 2025)",
    "EBA/GL/2017/16, PD and LGD estimation (20 November 2017)",
    "EU AI Act, Regulation (EU) 2024/1689, Annex IV",
)
MAPPED: tuple[tuple[str, tuple[str, str, str, str]], ...] = (
    (
        "purpose",
        (
            "development and use: purpose, scope",
            "general principles: model inventory",
            "4.1 range of application",
            "1 general description, intended purpose",
        ),
    ),
    (
        "definition",
        (
            "development: data and outcome",
            "credit risk: definition of default",
            "5.3 one-year default rates",
            "2 design, what it optimises",
        ),
    ),
    (
        "population",
        (
            "development: relevance of data",
            "data: representativeness",
            "4.2 data, representativeness",
            "2 data requirements",
        ),
    ),
    (
        "data",
        (
            "development: data quality",
            "data maintenance, data quality",
            "4.2 data requirements",
            "2 data sheets, provenance, labelling",
        ),
    ),
    (
        "features",
        (
            "development: conceptual soundness",
            "PD: risk drivers",
            "5.2 risk drivers and rating criteria",
            "2 inputs and their relevance",
        ),
    ),
    ("lenders_terms", ("development: assumptions", "PD: risk drivers", "5.2 model development", "2 design choices")),
    ("barred", ("development: constraints", "machine learning: data, bias", "–", "2 design choices; 3 risks of bias")),
    (
        "training",
        (
            "development: method",
            "machine learning: design, complexity justified",
            "5.2 model development",
            "2 training methods",
        ),
    ),
    (
        "formula",
        (
            "development: method",
            "machine learning: explainability",
            "5.2 model development",
            "2 design; 3 interpreting the output",
        ),
    ),
    (
        "discrimination",
        ("validation: outcomes analysis", "internal validation", "5.2, 9 review of estimates", "4 performance metrics"),
    ),
    (
        "calibration",
        (
            "validation: outcomes analysis",
            "PD: calibration",
            "5.3 calibration; 4.4 margin of conservatism",
            "4 performance metrics",
        ),
    ),
    (
        "stability",
        ("validation: sensitivity, monitoring", "internal validation", "9 review of estimates", "3 robustness"),
    ),
    (
        "policy",
        (
            "validation: conceptual soundness",
            "machine learning: explainability",
            "4.3 human judgement",
            "2 design choices; 3 foreseeable risks",
        ),
    ),
    (
        "reasons",
        ("validation: conceptual soundness", "machine learning: explainability", "–", "3 interpreting the output"),
    ),
    ("fairness", ("validation: outcomes analysis", "–", "–", "2 metrics of bias; 4 appropriateness")),
    ("cut_offs", ("use", "use test", "8 application of risk parameters", "3 use of the output")),
    (
        "comparison",
        (
            "development: alternatives",
            "machine learning: complexity justified",
            "5.2 model development",
            "2 rationale of choices",
        ),
    ),
    ("prices", ("development: alternatives", "–", "–", "2 trade-offs")),
    ("limits", ("validation: limitations", "general principles: model risk", "4.4 deficiencies", "3 limitations")),
    (
        "gates",
        ("validation: effective challenge", "internal validation", "9 review of estimates", "2 validation and testing"),
    ),
    (
        "use",
        ("governance; ongoing monitoring", "governance; human oversight", "8, 9", "3 human oversight; 9 monitoring"),
    ),
    ("recompute", ("documentation", "data and documentation", "–", "2 computing, reproducibility; 6 changes")),
)
WORDS = (
    ("AUC", "how often, of one bad and one good application, the bad one is seen as riskier; 0.5 is a coin, 1 perfect"),
    ("Bad", "a loan that met the definition above; everything else observed is good"),
    ("Brier", "mean squared distance of PD and outcome; less is better"),
    ("Bundle", "the model as a folder of plain files; its sha256 is its name"),
    ("Calibration", "whether of those promised 10 %, 10 % turn bad; the slope is 1 when the PDs are spread rightly"),
    ("Fold", "a part of the development rows that is scored by a model which did not learn from it: out of fold"),
    ("Interval", "95 % confidence, unless said otherwise; in brackets behind a figure"),
    ("Log loss", "mean surprise at the outcomes, given the PDs; less is better"),
    ("Margin", "the model's raw sum in log-odds, before calibration"),
    ("Not enough evidence", "the rows at hand can neither show nor refute it; it is no pass"),
    ("PD", "probability that the loan turns bad, as defined above"),
    ("PSI", "population stability index: how far a distribution has moved; below 0.1 little, above 0.25 much"),
    ("Vintage", "loans granted in the same period"),
)


def gates(doc: DocumentFacts) -> Section:
    told = doc.report(VALIDATION)
    if not told:
        return Section("gates", "Gates: may it be used?", doc.missing(VALIDATION))
    rows = [
        (gate["asks"], verdict(gate["verdict"]), gate["reason"], gate["limit"], gate["because"], code(gate["place"]))
        for gate in told["gates"]
    ]
    blocks: list[Block] = [
        Words(
            "A gate fails where a report is missing, was altered or is about another model. Not enough evidence is no "
            "pass. The model is a candidate whatever stands here; promotion asks the gates again."
        ),
        Table(("Asked", "Verdict", "Found", "Limit", "Because", "Place"), rows),
    ]
    if told.get("problems"):
        blocks += [
            Care("Reports that could not be believed:"),
            Bullets([f"{name}: {why}" for name, why in sorted(told["problems"].items())]),
        ]
    if doc.waivers:
        answered = [(one["gate"], one["by"], one["because"], one["until"]) for one in doc.waivers]
        blocks += [
            Heading("Waived"),
            Words(
                "For these somebody answers by name, through the day that is told; afterwards the gate counts again."
            ),
            Table(("Gate", "By", "Because", "Until"), answered),
        ]
    return Section("gates", "Gates: may it be used?", blocks, str(told["verdict"]))


def recompute(doc: DocumentFacts) -> Section:
    name, bundle = doc.name, doc.bundle_sha256
    folder = f"workspace/{name}/models/{bundle[:16]}/bundle"
    raw = doc.report("ingestion_summary.json").get("tables", {})
    return Section(
        "recompute",
        "Make it again: commands, lineage, environment",
        [
            Words("The bundle holds the book as it was read, so it trains itself again from the raw files alone:"),
            Commands(
                [
                    (
                        f"creditrisk run {folder} --raw DIR --workspace again --until evaluate",
                        f"trains again from the files in DIR; the model must come out as {bundle}",
                    ),
                    (
                        f"creditrisk lineage {name} --verify",
                        "are the raw files, tables and reports still what they were",
                    ),
                    (f"creditrisk validate {name}", "judges again and writes this document again, to the same bytes"),
                    (f"creditrisk compare {name}", "other estimators, balances and calibrations, and the price list"),
                    (
                        f"creditrisk score {name} --input DIR --output decisions.parquet --bundle {folder}",
                        "scores raw tables with this model",
                    ),
                ]
            ),
            Table(
                ("Raw file in DIR", "sha256"), [(code(of.get("file")), code(of.get("sha256"))) for of in raw.values()]
            ),
            Heading("Lineage"),
            Drawing(),
            Heading("Environment"),
            Table(
                ("Library", "Version"),
                [(library, code(doc.environment[library])) for library in LIBRARIES if library in doc.environment],
                f"All {len(doc.environment)} stand in environment.lock in the bundle. The same bits are promised "
                "there.",
            ),
            Heading("Reports behind this document"),
            Table(
                ("Report", "sha256"),
                [
                    (code(report), code(sha256))
                    for report, sha256 in sorted(doc.report(VALIDATION).get("inputs", {}).items())
                ],
                "Of a report without its meta (times, actor), so that the same run has the same hashes.",
            ),
        ],
    )


def guidance(sections: set[str]) -> Section:
    rows = [(name, cells) for name, cells in MAPPED if name in sections]
    return Section(
        "guidance",
        "Where to find what",
        [
            Words(
                "Which section speaks to which topic of the guidance. Topics, not paragraphs, and no claim of "
                "compliance: "
                "docs/validation-guidance.md of the project says what was checked. The guidance decides, not this "
                "table."
            ),
            Links(("Section", *GUIDANCE), rows),
        ],
    )


def words() -> Section:
    return Section("words", "Annex: words", [Facts(list(WORDS))])


def identity(doc: DocumentFacts) -> list[tuple[str, str]]:
    """What stands on the first page."""
    trained = doc.report("metrics.json")
    return [
        ("Model", doc.bundle_sha256),
        ("Book and preset", f"{doc.name}, {doc.portfolio['features']['preset']}"),
        ("Estimator", str(trained.get("estimator", doc.manifest.get("estimator", formats.NONE)))),
        ("Made with", f"creditrisk {doc.environment.get('creditrisk', formats.NONE)}"),
    ]
