"""Which bytes the model learnt from, what it may look at, and what may not decide."""

from __future__ import annotations

from typing import Any

from creditrisk.pages import formats
from creditrisk.pages.document_sections.blocks import (
    Block,
    Bullets,
    Care,
    Facts,
    Heading,
    Pictures,
    Section,
    Table,
    Words,
    code,
)
from creditrisk.pages.document_sections.facts import DocumentFacts

MOMENTS = {
    "application": "stated on the application",
    "bureau": "in the credit file of that day",
    "lender_decision": "set by the lender when deciding",
    "post_origination": "after the loan was granted",
    "identifier": "names a row",
    "outcome": "the outcome itself",
}
DIRECTIONS = {"pd_rises": "rises", "pd_falls": "falls"}
_MOST_SUSPECTS = 20
_FIRST_FEATURES = 25


def data(doc: DocumentFacts) -> Section:
    blocks: list[Block] = [
        Words(
            "Each raw file by its sha256: with the same files, the commands of the last sections give the same model."
        ),
        *_files(doc),
        Heading("Parts and periods"),
        *_parts(doc),
        Heading("Quality"),
        *_quality(doc),
        Heading("Columns that know the outcome"),
        *_leaks(doc),
    ]
    return Section("data", "Data: sources, periods, counts and quality", blocks)


def _files(doc: DocumentFacts) -> list[Block]:
    ingested = doc.report("ingestion_summary.json").get("tables", {})
    if not ingested:
        return doc.missing("ingestion_summary.json")
    rows = [
        (
            code(name),
            code(of.get("file")),
            formats.size(of.get("bytes")),
            of.get("rows"),
            of.get("rejected"),
            code(of.get("sha256")),
        )
        for name, of in ingested.items()
    ]
    kinds = [
        (
            code(name),
            of.get("grain", ""),
            ", ".join(f"{count} {MOMENTS.get(moment, moment)}" for moment, count in of.get("columns", {}).items()),
        )
        for name, of in doc.tables.items()
    ]
    return [
        Table(("Table", "File", "Size#", "Rows#", "Unreadable#", "sha256"), rows),
        Table(
            ("Table", "One row is", "Columns by when they come to exist"),
            kinds,
            "The features' SQL can see the first two kinds only, unless the preset says otherwise.",
        ),
    ]


def _parts(doc: DocumentFacts) -> list[Block]:
    split = doc.report("split.json")
    if not split:
        return doc.missing("split.json")
    told = [(part, of) for part in ("train", "calibration", "test") if (of := split.get("parts", {}).get(part))]
    dated = any(of.get("first_date") for _, of in told)
    rows = [
        (part, of.get("n"), of.get("bads"), formats.percent(of.get("default_rate"), 2))
        + ((of.get("first_date"), of.get("last_date")) if dated else ())
        for part, of in told
    ]
    how = (
        "out of time: tested on the latest loans that have matured"
        if split.get("method") == "out_of_time"
        else "by a stable hash of the key: the data carry no date to split by"
    )
    return [
        Table(("Part", "Rows#", "Bads#", "Default rate#", *(("From", "To") if dated else ())), rows),
        Facts(
            [
                ("Split", how),
                ("Folds of the development rows", split.get("folds")),
                ("Seed", str(split.get("seed"))),
                ("Younger loans left out", split.get("after_test_window")),
                *([("A sample by the key's hash, of", split["sampled_from"])] if split.get("sampled_from") else []),
            ]
        ),
    ]


def _quality(doc: DocumentFacts) -> list[Block]:
    findings = doc.report("contract_findings.json")
    if not findings:
        return doc.missing("contract_findings.json")
    counts = findings.get("counts", {})
    blocks: list[Block] = [
        Words(
            f"Of the contracts' promises {formats.count(counts.get('refuse', 0))} findings would refuse the data, "
            f"{formats.count(counts.get('quarantine', 0))} took rows out, {formats.count(counts.get('warn', 0))} are "
            "told only. contract_findings.html tells every promise."
        )
    ]
    rows = [
        (finding.get("severity"), finding.get("table"), finding.get("column"), finding.get("rows"), finding.get("what"))
        for finding in findings.get("findings", ())[:_MOST_SUSPECTS]
    ]
    if rows:
        blocks.append(Table(("Severity", "Table", "Column", "Rows#", "Finding"), rows))
    if doc.checks_off:
        told = [f"{off.get('table')}: {off.get('rule')}, because {off.get('because')}" for off in doc.checks_off]
        blocks += [Care("Checks of the contracts that were switched off:"), Bullets(told)]
    return blocks


def _leaks(doc: DocumentFacts) -> list[Block]:
    leaks = doc.report("leak_report.json")
    if not leaks:
        return doc.missing("leak_report.json")
    columns = leaks.get("columns", ())
    suspects = [column for column in columns if column["verdict"] in ("suspect", "released")]
    blocks: list[Block] = [
        Words(
            f"The leak radar looked at each of {len(columns)} columns alone, within vintages and on rows it did not "
            f"learn from: {sum(column['verdict'] == 'suspect' for column in columns)} are under suspicion and "
            f"{sum(column['verdict'] == 'released' for column in columns)} were released by name."
        )
    ]
    if suspects:
        rows = [
            (
                code(f"{column['table']}.{column['column']}"),
                column["verdict"],
                formats.decimals(column.get("auc")),
                "; ".join(signal["says"] for signal in column.get("signals", ())),
            )
            for column in suspects[:_MOST_SUSPECTS]
        ]
        blocks.append(Table(("Column", "Verdict", "AUC alone#", "Why"), rows))
    blocks += [
        Care(f"{of.get('table')}.{of.get('column')} was released by {of.get('by')}: {of.get('because')}")
        for of in doc.leaks_released
    ]
    return blocks


def features(doc: DocumentFacts) -> Section:
    preset = doc.portfolio["features"]["preset"]
    sql = doc.portfolio["features"]["presets"][preset]["sql"]
    ranked = _ranked(doc)
    used = sum(1 for row in ranked if formats.as_number(row["share"]))
    blocks: list[Block] = [
        Words(
            f"{len(doc.features)} features, made by the book's SQL (preset {preset}: {', '.join(sql)}; the files "
            f"lie in the bundle). {used} of them weigh in the model. The strongest stand here with the words in "
            "which a "
            "declined applicant would read of them; all of them stand in the annex."
        ),
        _feature_table(ranked[:_FIRST_FEATURES]),
        Pictures(["importance"]),
    ]
    if not doc.report("metrics.json"):
        blocks += doc.missing("metrics.json")
    return Section("features", "Features, and the words for them", blocks)


def every_feature(doc: DocumentFacts) -> Section:
    return Section("every_feature", "Annex: every feature", [_feature_table(_ranked(doc))])


def _ranked(doc: DocumentFacts) -> list[dict[str, Any]]:
    """Each feature with its share of the importance, strongest first."""
    shares = {row["feature"]: row["share"] for row in doc.report("metrics.json").get("importance", ())}
    rows = [{**feature, "share": shares.get(feature["name"])} for feature in doc.features]
    return sorted(rows, key=lambda row: (-(formats.as_number(row["share"]) or 0.0), str(row["name"])))


def _feature_table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        ("Feature", "Weight#", "PD when it rises", "Told as"),
        [
            (
                code(row["name"]),
                formats.percent(row["share"], 2),
                DIRECTIONS.get(str(row.get("direction")), "free"),
                row.get("text", ""),
            )
            for row in rows
        ],
        "Weight: share of the model's importance. Where policy prescribes no direction, the PD is free.",
    )


def lenders_terms(doc: DocumentFacts) -> Section:
    """What the lender itself sets, and what it would be worth to know it."""
    chosen = doc.portfolio["features"]["preset"]
    presets = doc.portfolio["features"]["presets"]
    sees = "lender_decision" in presets[chosen].get("available", ())
    words = (
        "This preset reads columns that the lender itself set (grade, rate, terms). The model then repeats part of an "
        "earlier decision, and a change of pricing changes its inputs."
        if sees
        else "No feature reads a column that the lender set: rate, grade, instalment and the like. A PD that needs the "
        "price cannot set the price."
    )
    rows = [
        (
            code(name),
            "this model" if name == chosen else "",
            ", ".join(MOMENTS.get(at, at) for at in preset.get("available", ())),
        )
        for name, preset in presets.items()
    ]
    priced = [row for row in doc.report("comparison.json").get("prices", ()) if "price" in str(row.get("name"))]
    blocks: list[Block] = [Words(words), Table(("Preset", "", "May look at"), rows)]
    if len(presets) > 1 and not doc.report("comparison.json"):
        blocks += doc.missing("comparison.json")
    if priced:
        blocks.append(Words("What the lender's price would add stands in the price list."))
    return Section("lenders_terms", "Terms that the lender itself sets", blocks)


def barred(doc: DocumentFacts) -> Section:
    policy = doc.portfolio["policy"]
    names = {"prohibited": "prohibited", "rebuilders": "rebuilds a prohibited one", "restricted": "restricted"}
    rows = [
        (code(row["column"]), words, row["ground"]) for key, words in names.items() for row in policy.get(key) or ()
    ]
    blocks: list[Block] = [
        Words(
            "Prohibited columns and those that rebuild them never reach the features' SQL; they are kept apart to "
            "compare groups afterwards. Restricted ones may be features within the rule stated beside them."
        ),
        Table(("Column", "Standing", "Legal ground"), rows) if rows else Care("The book names no barred column."),
    ]
    released = policy.get("released") or ()
    if released:
        blocks.append(Heading("Released by name"))
        blocks.append(
            Table(
                ("Features", "By", "Because"),
                [(code(", ".join(row.get("features", ()))), row.get("by"), row.get("because")) for row in released],
            )
        )
    directed = len(policy.get("monotone") or {})
    blocks.append(Words(f"{directed} features have a direction that policy prescribes; the proof stands below."))
    return Section("barred", "What may not decide", blocks)
