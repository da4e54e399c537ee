"""Whether policy is kept: directions, blanks, proxies, protected applicants; the reasons given; groups compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from creditrisk.pages import formats
from creditrisk.pages.document_sections.blocks import (
    Block,
    Bullets,
    Care,
    Facts,
    Heading,
    Section,
    Table,
    Words,
    code,
    number,
    share,
    verdict,
    worst_of,
)
from creditrisk.pages.document_sections.facts import DocumentFacts

CHECKS = {
    "directions": (
        "Directions, proved on the shipped model",
        "Of two applicants who differ in one directed feature alone, the riskier one never has the lower PD.",
    ),
    "raw_directions": (
        "Directions of raw inputs",
        "A directed raw input is raised step by step, features are made and applicants scored again.",
    ),
    "blanks": ("Blanks", "Leaving an input out must not beat stating it."),
    "proxies": ("Proxies", "No feature, and no sum or difference of two, may rebuild a prohibited attribute."),
    "together": ("All features together", "How far all allowed features together rebuild each prohibited attribute."),
    "never_worse": (
        "Protected applicants",
        "Older applicants, pensioners and those on public assistance are never scored worse than the "
        "best-treated comparison with all else equal.",
    ),
}
PROOFS = {
    "logistic": "The model is a sum, and each directed feature's coefficient has the sign of its direction or is 0.",
    "scorecard": "The model is a sum of points: those of a directed feature never go the wrong way from bin to bin.",
}
"""What is compared, of each estimator that is a sum; else its trees."""
_TREES = "Within each of its trees no leaf on the riskier side of a directed feature lies below a safer one."
_MOST = 12


def policy(doc: DocumentFacts) -> Section:
    title, told = "Policy: what is proved of the model", doc.report("policy_checks.json")
    if not told:
        return Section("policy", title, doc.missing("policy_checks.json"))
    sections = [(name, *words, told[name]) for name, words in CHECKS.items() if isinstance(told.get(name), Mapping)]
    rows = [
        (heading, verdict(of.get("verdict")), of.get("reason"), of.get("checked")) for _, heading, _, of in sections
    ]
    blocks: list[Block] = [Table(("Asked", "Verdict", "Found", "Checked#"), rows)]
    for name, heading, words, of in sections:
        exceptions = of.get("exceptions") or ()
        how = f" {PROOFS.get(str(doc.manifest.get('estimator')), _TREES)}" if name == "directions" else ""
        blocks += [Heading(heading), Words(words + how)]
        blocks += _listed(exceptions) if exceptions else [Words("No exception.")]
    return Section("policy", title, blocks, worst_of(of.get("verdict") for _, _, _, of in sections))


def _listed(exceptions: Any) -> list[Block]:
    """Exceptions by what they are about, how many applicants, how much, and who answers for them; bounded."""
    rows = [row for row in exceptions if isinstance(row, Mapping)]
    if not rows:
        return [Bullets([str(row) for row in exceptions][:_MOST])]
    keys = [key for key in (*SHOWN, *sorted({*rows[0]} - {*SHOWN})) if any(_is_plain(row.get(key)) for row in rows)]
    told = [[_spelt(key, row.get(key)) for key in keys[:7]] for row in rows[:_MOST]]
    left = f"{len(rows) - _MOST} more stand in policy_checks.json." if len(rows) > _MOST else ""
    return [Table([SHOWN.get(key, str(key).replace("_", " ")) for key in keys[:7]], told, left)]


SHOWN = {
    "column": "Column",
    "feature": "Feature",
    "share": "Applicants#",
    "worst": "Worst change of PD#",
    "broken": "How many#",
    "compared": "Of#",
    "accepted": "Accepted by",
}


def _is_plain(value: Any) -> bool:
    return value is not None and not isinstance(value, list)


def _spelt(key: str, value: Any) -> Any:
    if key == "share":
        return formats.percent(value)
    if key == "worst":
        return formats.percent(value, 2)
    if isinstance(value, Mapping) and formats.as_number(value) is None:
        return ", ".join(f"{name}: {inner}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(str(inner) for inner in value)
    return number(value, 4) if isinstance(value, float | Mapping) else value


def reasons(doc: DocumentFacts) -> Section:
    title, told = "Reasons for declines and referrals", doc.report("reasons_report.json")
    most = doc.portfolio["decision"].get("max_reasons", 4)
    blocks: list[Block] = [
        Words(
            f"Every decline and referral carries up to {most} reasons in an applicant's words. A reason is proved when "
            "replacing its facts by those of approved applicants, making the features again and scoring again lowers "
            "the risk; reasons that fail are dropped and counted."
        )
    ]
    if not told:
        return Section("reasons", title, [*blocks, *doc.missing("reasons_report.json")])
    figures = told.get("figures") or {}
    blocks.append(
        Facts(
            [
                ("Declines of the test part", told.get("declines")),
                ("Looked at", told.get("looked_at")),
                ("Approved applicants to compare with", told.get("peers")),
                ("Not proved, because", told.get("unproved_because")),
                ("Reasons given", figures.get("reasons")),
                ("Among the four whose removal lowers the risk most", _share(figures.get("among_four_largest"))),
                ("Declines without a proved reason", figures.get("declines_without_proved_reason")),
                ("Named by contribution alone", figures.get("named_by_contribution")),
                ("Dropped, because the proof failed", figures.get("dropped")),
            ]
        )
    )
    words = {str(row.get("code")): str(row.get("text", "")) for row in doc.features}
    given, dropped = figures.get("told_by_group") or {}, figures.get("dropped_by_group") or {}
    rows = [
        (code(group), given.get(group, 0), dropped.get(group, 0), words.get(group, ""))
        for group in sorted({*given, *dropped}, key=lambda group: (-given.get(group, 0), group))
    ]
    if rows:
        blocks += [Heading("By group of facts"), Table(("Group", "Given#", "Dropped#", "Told as"), rows)]
    if figures.get("groups_not_asked_for"):
        told_as = [words.get(str(group)) or str(group) for group in figures["groups_not_asked_for"]]
        blocks += [
            Words("Groups whose facts could not be replaced, so that no reason is drawn from them:"),
            Bullets(told_as),
        ]
    gates = doc.gates("reasons_proved", "reasons_principal")
    return Section("reasons", title, blocks, worst_of(gate["verdict"] for gate in gates))


def _share(value: Any) -> str | None:
    return share(value) if formats.as_number(value) is not None else None


def fairness(doc: DocumentFacts) -> Section:
    title, told = "Fairness: groups of applicants compared", doc.report("fairness.json")
    if not told:
        return Section("fairness", title, doc.missing("fairness.json"))
    blocks: list[Block] = [
        Words("Groups come from columns that no feature can see."),
        Facts([("Rows", told.get("rows_are")), ("Approved means", told.get("approved_means"))]),
        Table(
            ("Limit", "Value#", "Because"),
            [
                (name.replace("_", " "), formats.decimals(of.get("value"), 3), of.get("because"))
                for name, of in told.get("limits", {}).items()
                if isinstance(of, Mapping)
            ],
            told.get("correction", ""),
        ),
        Table(
            ("Groups by", "Verdict", "Found"),
            [(group["name"], verdict(group["verdict"]), group.get("reason")) for group in told.get("groups", ())],
        ),
    ]
    for group in told.get("groups", ()):
        blocks += _group(group)
    if not told.get("groups"):
        blocks.append(Care("The book names no groups (fairness.groups), so nothing was compared."))
    return Section("fairness", title, blocks, str(told.get("verdict", "")))


def _group(group: Mapping[str, Any]) -> list[Block]:
    rows = []
    for level in group.get("levels", ()):
        tests = level.get("tests", {})
        cells = [
            (number((tests.get(name) or {}).get("value"), 2), (tests.get(name) or {}).get("verdict"))
            for name in ("approval_ratio", "equal_opportunity", "calibration")
        ]
        rows.append(
            (
                level["level"],
                level.get("rows"),
                level.get("bads"),
                share(level.get("approval_rate")),
                *(figure for figure, _ in cells),
                verdict(level.get("verdict")),
            )
        )
    heading = f"By {group['name']}"
    columns = ("Group", "Rows#", "Bads#", "Approved#", "Approval ratio#", "Opportunity#", "Bads / promised#", "Verdict")
    note = "Approval ratio and opportunity (approvals of the good) against the best-treated group that is large enough."
    return [Heading(heading), Table(columns, rows, note)]
