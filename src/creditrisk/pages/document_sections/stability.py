"""Whether it holds still: shifts, vintages, segments, each input; and what its cut-offs do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from creditrisk.pages import formats, story
from creditrisk.pages.document_sections.blocks import (
    Block,
    Facts,
    Heading,
    Pictures,
    Section,
    Table,
    Words,
    code,
    number,
    share,
    verdict,
)
from creditrisk.pages.document_sections.facts import DocumentFacts

REPORT = "stability.json"
_MOST = 15


def stability(doc: DocumentFacts) -> Section:
    title, told = "Stability and sensitivity", doc.report(REPORT)
    if not told:
        return Section("stability", title, doc.missing(REPORT))
    parts = {"score": "Score", "features": "Features", "vintages": "AUC by vintage", "segments": "AUC by segment"}
    rows = [
        (words, verdict(of["verdict"]) if of.get("verdict") else "not asked", of.get("reason"))
        for key, words in parts.items()
        if isinstance(of := told.get(key), Mapping)
    ]
    limits = [
        (name.replace("_", " "), formats.decimals(of.get("value"), 3), of.get("because"))
        for name, of in told.get("limits", {}).items()
        if isinstance(of, Mapping)
    ]
    blocks: list[Block] = [
        Table(("Asked", "Verdict", "Found"), rows),
        Table(("Limit", "Value#", "Because"), limits),
        Heading("Features that moved most"),
        Pictures(["psi"]),
        _moved(told.get("features", {}).get("features", ())),
        *_vintages(told.get("vintages", {})),
        *_segments(told.get("segments", {})),
        Heading("Sensitivity to each input"),
        *_sensitivity(told.get("sensitivity", {})),
        Heading("Learning curve"),
        *_learning(told.get("learning_curve", {})),
    ]
    return Section("stability", title, blocks, str(told.get("verdict", "")))


def _moved(features: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        ("Feature", "PSI#", "By chance#", "Missing before#", "Missing now#", "Weight#", "Verdict"),
        [
            (
                code(row["feature"]),
                formats.decimals(row.get("psi")),
                formats.decimals(row.get("by_chance")),
                formats.percent(row.get("missing_before")),
                formats.percent(row.get("missing_now")),
                formats.percent(row.get("importance"), 2),
                verdict(row["verdict"]),
            )
            for row in features[:_MOST]
        ],
        "By chance: what the index of unchanged rows stays under at these numbers. stability.json has every feature.",
    )


def _vintages(told: Mapping[str, Any]) -> list[Block]:
    blocks: list[Block] = []
    for part, words in (("development", "Development, out of fold"), ("test", "Test")):
        if isinstance(of := told.get(part), Mapping):
            blocks += [Heading(f"By vintage: {words.lower()}"), _ranked("Vintage", of.get("groups", ()))]
    return blocks


def _segments(told: Mapping[str, Any]) -> list[Block]:
    blocks: list[Block] = []
    for segment in told.get("segments", ()):
        name = str(segment["segment"]).replace("_", " ")
        blocks += [Heading(f"Ranking within {name}"), _ranked(name, segment.get("groups", ()))]
    return blocks


def _ranked(first: str, groups: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        (first, "Rows#", "Bads#", "Default rate#", "Mean PD#", "AUC#", "Verdict"),
        [
            (
                row["group"],
                row["rows"],
                row["bads"],
                share(row["default_rate"], 2),
                share(row["mean_pd"], 2),
                number(row["roc_auc"]),
                verdict(row["verdict"]),
            )
            for row in groups
        ],
    )


def _sensitivity(told: Mapping[str, Any]) -> list[Block]:
    rows = [
        (
            code(row["feature"]),
            share(row.get("mean_change"), 2),
            share(row.get("p95_change"), 2),
            share(row.get("mean_when_raised"), 2),
            share(row.get("mean_when_lowered"), 2),
            share(row.get("decisions_flipped")),
        )
        for row in told.get("features", ())[:_MOST]
    ]
    columns = ("Input", "Mean change#", "95th percentile#", "When raised#", "When lowered#", "Decisions changed#")
    about = (
        f"Each input alone by one step ({told.get('steps', 'one step')}), on {formats.count(told.get('rows'))} rows; "
    )
    return [Words(f"{about}changes are in points of PD, largest first."), Table(columns, rows)]


def _learning(told: Mapping[str, Any]) -> list[Block]:
    points = told.get("points", ())
    if not points:
        return [Words(str(told.get("reason") or "It was not drawn."))]
    rows = [
        (
            formats.percent(row["share"], 0),
            row["rows"],
            row["bads"],
            number(row["roc_auc"]),
            formats.decimals(row["log_loss"], 4),
        )
        for row in points
    ]
    return [
        Table(("Learnt from#", "Rows#", "Bads#", "AUC#", "Log loss#"), rows, str(told.get("reason") or "")),
        Words("Where the figures still rise at the end, more rows would help; where they do not, other columns would."),
    ]


def cut_offs(doc: DocumentFacts) -> Section:
    decision, trained = doc.portfolio["decision"], doc.report("metrics.json")
    chosen = trained.get("cut_off", {})
    rows = [
        (words, formats.decimals(of.get("value"), 4), of.get("because"), of.get("owner"))
        for key, words in COSTS.items()
        if isinstance(of := decision.get(key), Mapping)
    ]
    limits = list(decision.get("grades", {}).items())
    blocks: list[Block] = [
        Facts(
            [
                ("Decline from a PD of", formats.percent(chosen.get("decline_from_pd"), 2) if chosen else None),
                ("Refer from a PD of", formats.percent(chosen.get("refer_from_pd"), 2) if chosen else None),
                ("Grades, by PD below", _grades_in_words(limits)),
            ]
        ),
        Table(("Number", "Value#", "Because", "Owner"), rows),
        *_decisions(doc),
        *what_cut_offs_do(doc),
    ]
    return Section("cut_offs", "Cut-offs: how a PD becomes a decision", blocks)


COSTS = {
    "decline_from_pd": "Decline from a PD of",
    "refer_from_share_of_cut_off": "Referral begins at this share of the decline cut-off",
    "cost_of_bad": "Loss on an approved loan that turns bad",
    "cost_of_refused_good": "Profit missed on a good loan that was declined",
    "margin_of_conservatism": "Margin of conservatism, kept apart from the PD",
}


def _grades_in_words(limits: list[tuple[str, float]]) -> str:
    named = [f"{grade} {formats.percent(limit)}" for grade, limit in limits[:-1]]
    return ", ".join([*named, f"{limits[-1][0]} the rest"] if limits else named)


def _decisions(doc: DocumentFacts) -> list[Block]:
    tested = doc.report("test_metrics.json")
    names = ("approval_rate", "refer_rate", "decline_rate", "bad_rate_of_approved", "precision", "recall")
    rows = [
        (words, share(tested.get(name)), says) for name, words, _, says in story.METRICS if name in names and tested
    ]
    return [Heading("On the test part"), Table(("Figure", "Value#", "Says"), rows)] if rows else []


def what_cut_offs_do(doc: DocumentFacts) -> list[Block]:
    told = doc.report(REPORT)
    if not told:
        return [Heading("Cut-off table and swap set"), *doc.missing(REPORT)]
    table, swap = told.get("cut_offs", {}), told.get("swap_set", {})
    rows = [
        (
            formats.percent(row["cut_off"], 2),
            share(row["approval_rate"]),
            share(row["bad_rate"], 2),
            _money(row["expected_loss"]),
            _money(row["loss"]),
            _money(row["profit"]),
            ", ".join(str(mark).replace("_", " ") for mark in row["marks"]),
        )
        for row in table.get("rows", ())
    ]
    return [
        Heading("Cut-off table"),
        Table(
            ("Declined from a PD of#", "Approved#", "Bads among them#", "Expected loss#", "Loss seen#", "Profit#", ""),
            rows,
            str(table.get("note") or "Losses and profit per application, in units of the book's costs."),
        ),
        Pictures(["cut_offs"]),
        Heading("Swap set against the previous model"),
        Words(str(swap.get("reason", ""))),
        *_swapped(swap.get("groups") or {}),
    ]


def _money(value: Any) -> str:
    return formats.decimals(value.get("per_application") if isinstance(value, Mapping) else None, 4)


def _swapped(groups: Mapping[str, Any]) -> list[Block]:
    rows = [
        (
            name.replace("_", " "),
            of["rows"],
            share(of["share"]),
            share(of["bad_rate"], 2),
            share(of["mean_pd"], 2),
            share(of["previous_mean_pd"], 2),
        )
        for name, of in groups.items()
    ]
    if not rows:
        return []
    return [Table(("Applicants", "Rows#", "Share#", "Bads#", "Mean PD#", "PD by the previous#"), rows)]
