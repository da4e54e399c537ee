"""How far rows have moved away from those a model learnt from: figures by column, from counts in the bundle's bins.

A figure that cannot be known is None, and `untold` of its column says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creditrisk import stats
from creditrisk.errors import NewerSchema
from creditrisk.evaluation.stability import shift
from creditrisk.evaluation.verdicts import FAIL, NOT_ENOUGH, counted, worst
from creditrisk.kinds import Finding, Severity
from creditrisk.modelling.reference import REFERENCE_SCHEMA
from creditrisk.monitoring.counts import (
    DECISION,
    FEATURE,
    GRADE,
    PD,
    RAW,
    SCORE,
    Counted,
    Counts,
    frozen_columns,
    reference_counts,
)

ANSWERS = (SCORE, PD, GRADE, DECISION)
AS_NUMBER = {"pass": 0, "not_enough_evidence": 1, "fail": 2}
OF_MACHINES = ("psi", "ks", "jensen_shannon", "wasserstein_in_spreads", "missing_now", "new_words_now")
MOST_NAMED = 5
"""Columns that a reason names."""

OLDER = "the bundle's reference is older and does not say"
"""... which is why a figure is None."""

OF_OLDER_BUNDLES = {
    "ranges": "rows below and above the range of the development rows, and how far numbers were carried (Wasserstein)",
    "raw": "drift of raw columns",
    "grades": "drift of grades",
    "decisions": "drift of decisions",
    "calibration": "what the PDs promised and what came, by grade, at development",
}
"""What a reference may lack -> what cannot be told then."""


@dataclass(frozen=True, slots=True)
class Limits:
    """psi: above it rows have moved.  level: of what chance brings, all columns together."""

    psi: float
    level: float = 0.95


def drift(
    reference: Mapping[str, Any], current: Counted, limits: Limits, *, importance: Mapping[str, float], place: str
) -> dict[str, Any]:
    """All periods of `current` together against the reference, and each period by itself.

    importance: {feature: the model's share of it}.  place: what the rows are, for findings: "test part of loans".
    The verdict looks at score, PD, grades, decisions and the features that the model uses; raw columns are told only.
    Raises NewerSchema for a reference that this version does not know.
    """
    need_known(reference)
    whole = current.together()
    columns = [
        {**_figures(name, reference, whole, limits), "by_period": by_period}
        for name, by_period in _by_period(reference, current, limits).items()
    ]
    for row in columns:
        row["importance"] = float(importance.get(row["name"], 0.0)) if row["what"] == "feature" else None
    ranked = sorted(columns, key=_rank)
    judged = [row for row in ranked if is_judged(row)]
    return {
        "verdict": worst(row["verdict"] for row in judged),
        "reason": _reason(judged, int(whole.rows[0]), place),
        "counts": counted(row["verdict"] for row in judged),
        "rows": {"before": int(reference["rows"]), "now": int(whole.rows[0]), "outside": current.outside},
        "limits": {"psi_max": limits.psi, "level": limits.level, "comparisons": _comparisons(reference, current)},
        "periods": [_period(place, current, ranked) for place in range(len(current.periods))],
        "columns": ranked,
        "findings": [one.as_json() for one in findings(reference, current, place)],
    }


def is_judged(row: Mapping[str, Any]) -> bool:
    """Does this column decide on the verdict?"""
    return row["what"] == "answer" or bool(row["what"] == "feature" and row["importance"] > 0.0)


def need_known(reference: Mapping[str, Any]) -> None:
    """Raises NewerSchema."""
    version = reference.get("schema_version", 1)
    if version > REFERENCE_SCHEMA:
        raise NewerSchema(
            f"the bundle's reference has schema {version}, this version knows {REFERENCE_SCHEMA}",
            where="reference.json",
            hint="use the version of creditrisk that made the bundle, or a newer one",
        )


def findings(reference: Mapping[str, Any], current: Counted, place: str) -> list[Finding]:
    """What stands in the way of a figure, each with its place."""
    return [*_of_reference(reference), *_of_columns(current, place), *_of_periods(current, place)]


def _of_reference(reference: Mapping[str, Any]) -> Iterator[Finding]:
    lacking = [key for key in OF_OLDER_BUNDLES if key != "ranges" and key not in reference]
    if any("edges" in of and "low" not in of for of in frozen_columns(reference).values()):
        lacking.insert(0, "ranges")
    if lacking:
        yield Finding(
            table="reference.json",
            rule="older reference",
            severity=Severity.WARN,
            what="made by an older version; it cannot be told: " + "; ".join(OF_OLDER_BUNDLES[key] for key in lacking),
            hint="train again: a new bundle has all of it",
        )


def _of_columns(current: Counted, place: str) -> Iterator[Finding]:
    """One for all columns that lack the same thing: a file of decisions lacks every feature."""
    for why, names in _alike(current.faults):
        yield Finding(
            table=place,
            rule="not counted",
            severity=Severity.WARN,
            what=f"{why}, so its drift is not known" + _which(names),
            column=names[0] if len(names) == 1 else None,
            hint="bring the column back, or score with a model that does not read it",
        )
    rows = int(np.sum(current.rows))
    lost = {name: rows - int(np.sum(counts)) for name, counts in current.counts.items()}
    for number, names in _alike({name: rows for name, rows in lost.items() if rows}):
        yield Finding(
            table=place,
            rule="not readable",
            severity=Severity.WARN,
            what="the payloads of these rows are gone, locked or without it, and they are not counted" + _which(names),
            column=names[0] if len(names) == 1 else None,
            rows=number,
        )


def _alike[What: (str, int)](told: Mapping[str, What]) -> list[tuple[What, list[str]]]:
    groups: dict[What, list[str]] = {}
    for name, what in told.items():
        groups.setdefault(what, []).append(name)
    return list(groups.items())


def _which(names: Sequence[str]) -> str:
    return "" if len(names) == 1 else f": {len(names)} columns, {_named(names)}"


def _of_periods(current: Counted, place: str) -> Iterator[Finding]:
    empty = [period for period, rows in zip(current.periods, current.rows, strict=True) if not rows]
    if empty or not current.periods:
        yield Finding(
            table=place,
            rule="empty period",
            severity=Severity.WARN,
            what=f"{len(empty)} of {len(current.periods)} periods have no rows: {_named(empty)}"
            if empty
            else "there are no rows at all",
            hint="was nothing decided, or is something not recorded?",
        )
    if current.outside:
        yield Finding(
            table=place,
            rule="outside",
            severity=Severity.WARN,
            what="the time of these rows is missing, or outside the time that was asked for",
            rows=current.outside,
        )


def _by_period(reference: Mapping[str, Any], current: Counted, limits: Limits) -> dict[str, dict[str, list[Any]]]:
    """{column: {"psi": one for each period, "missing", "verdict"}}, None where a period has no rows of it."""
    before, comparisons = reference_counts(reference), _comparisons(reference, current)
    told: dict[str, dict[str, list[Any]]] = {}
    for name, counts in before.items():
        told[name] = {"psi": [], "missing": [], "verdict": []}
        for row in current.counts.get(name, np.zeros((len(current.periods), len(counts)), dtype=np.int64)):
            judged = shift(counts, row, limit=limits.psi, comparisons=comparisons, level=limits.level)
            told[name]["psi"].append(judged["psi"])
            told[name]["missing"].append(_share(row[-1], row))
            told[name]["verdict"].append(judged["verdict"])
    return told


def _comparisons(reference: Mapping[str, Any], current: Counted) -> int:
    """Columns times periods: so many chances to be wrong."""
    return len(frozen_columns(reference)) * max(len(current.periods), 1)


def _period(place: int, current: Counted, ranked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One period in a line: its verdict and what moved, by the columns that decide."""
    judged = [(row["column"], row["by_period"]["verdict"][place]) for row in ranked if is_judged(row)]
    rows = int(current.rows[place])
    return {
        "period": current.periods[place],
        "rows": rows,
        "verdict": worst(verdict for _, verdict in judged) if rows else None,
        "reason": None if rows else "no rows",
        "moved": [name for name, verdict in judged if verdict == FAIL],
    }


def _figures(name: str, reference: Mapping[str, Any], whole: Counted, limits: Limits) -> dict[str, Any]:
    frozen, before = frozen_columns(reference)[name], reference_counts(reference)[name]
    now = whole.counts[name][0] if name in whole.counts else np.zeros(len(before), dtype=np.int64)
    judged = shift(before, now, limit=limits.psi, comparisons=len(frozen_columns(reference)), level=limits.level)
    untold: dict[str, str] = {}
    told: dict[str, Any] = {
        "column": name,
        "name": name.removeprefix(FEATURE).removeprefix(RAW),
        "what": "feature" if name.startswith(FEATURE) else "raw" if name.startswith(RAW) else "answer",
        "kind": "category" if "categories" in frozen else "number",
        **judged,
        "ks": None,
        "jensen_shannon": None,
        "wasserstein": None,
        "wasserstein_in_spreads": None,
        "chi_square": None,
        "missing_before": _share(before[-1], before),
        "missing_now": _share(now[-1], now),
        "new_words_before": None,
        "new_words_now": None,
        "rows_below": None,
        "rows_above": None,
        "low": frozen.get("low"),
        "high": frozen.get("high"),
        "bins": {**_bins(frozen), "before": before.tolist(), "now": now.tolist()},
        "untold": untold,
    }
    if name in whole.faults:
        told["reason"] = whole.faults[name]
    if judged["psi"] is None:
        untold["all"] = str(told["reason"])
        return told
    told["jensen_shannon"] = stats.jensen_shannon_distance(before, now)
    told["chi_square"] = _chi_square(before, now, untold)
    if told["kind"] == "category":
        untold |= dict.fromkeys(("ks", "wasserstein", "wasserstein_in_spreads"), "words have no order")
        untold |= dict.fromkeys(("rows_below", "rows_above"), "words have no range")
        told |= {"new_words_before": _share(before[-2], before), "new_words_now": _share(now[-2], now)}
        return told
    untold |= dict.fromkeys(("new_words_before", "new_words_now"), "it is a number")
    told |= _of_numbers(frozen, before[:-1], now[:-1], untold)
    if name in whole.beyond:
        below, above = whole.beyond[name][0].tolist()
        told |= {"rows_below": below, "rows_above": above}
    else:
        why = "no development row states a number" if "low" in frozen else OLDER
        untold |= dict.fromkeys(("rows_below", "rows_above"), why)
    return told


def _of_numbers(frozen: Mapping[str, Any], before: Counts, now: Counts, untold: dict[str, str]) -> dict[str, Any]:
    """KS and Wasserstein: of the rows that state a number."""
    figures = ("ks", "wasserstein", "wasserstein_in_spreads")
    if not np.sum(before) or not np.sum(now):
        which = "development row" if not np.sum(before) else "row"
        untold |= dict.fromkeys(figures, f"no {which} states a number")
        return {}
    told: dict[str, Any] = {"ks": stats.ks_distance(before, now)}
    if "centres" not in frozen:
        untold |= dict.fromkeys(figures[1:], OLDER)
        return told
    told["wasserstein"] = stats.wasserstein_distance(frozen["centres"], before, now)
    if frozen["spread"]:
        told["wasserstein_in_spreads"] = told["wasserstein"] / frozen["spread"]
    else:
        untold["wasserstein_in_spreads"] = "all development rows state the same number"
    return told


def _chi_square(before: Counts, now: Counts, untold: dict[str, str]) -> dict[str, Any] | None:
    tested = stats.chi_square(before, now)
    if tested is None:
        untold["chi_square"] = "all rows stand in one bin"
        return None
    return {"statistic": tested.statistic, "degrees": tested.degrees, "p": tested.p}


def _bins(frozen: Mapping[str, Any]) -> dict[str, Any]:
    return {"words": list(frozen["categories"])} if "categories" in frozen else {"edges": list(frozen["edges"])}


def _share(part: Any, of: NDArray[Any]) -> float | None:
    rows = int(np.sum(of))
    return int(part) / rows if rows else None


def _rank(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Answers first, then features as the model leans on them, then raw columns; farthest moved first among equals."""
    if row["what"] == "answer":
        return (0, ANSWERS.index(row["column"]), 0.0, row["name"])
    return (1 if row["what"] == "feature" else 2, -(row["importance"] or 0.0), -(row["psi"] or 0.0), row["name"])


def _reason(judged: Sequence[Mapping[str, Any]], rows: int, place: str) -> str:
    if not rows:
        return f"{place}: there are no rows"
    for verdict, words in ((FAIL, "moved"), (NOT_ENOUGH, "cannot be told")):
        names = [row["name"] for row in judged if row["verdict"] == verdict]
        if names:
            return f"{len(names)} of {len(judged)} columns that count {words}: {_named(names)}"
    return f"none of the {len(judged)} columns that count moved"


def _named(names: Iterable[str]) -> str:
    told = list(names)
    more = f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
    return ", ".join(told[:MOST_NAMED]) + more


def metrics(report: Mapping[str, Any]) -> dict[str, float | int | None]:
    """The report as flat numbers for machines; what is not known stays None.

    verdict: 0 pass, 1 not enough evidence, 2 fail.  latest: of the last period that has rows.
    """
    flat: dict[str, float | int | None] = {
        "verdict": AS_NUMBER[report["verdict"]],
        "rows": report["rows"]["now"],
        **{f"columns_{verdict}": count for verdict, count in report["counts"].items()},
    }
    held = [place for place, period in enumerate(report["periods"]) if period["rows"]]
    latest = report["periods"][held[-1]] if held else None
    flat["latest.rows"] = latest["rows"] if latest else None
    flat["latest.verdict"] = AS_NUMBER[latest["verdict"]] if latest else None
    for row in report["columns"]:
        name = row["column"]
        flat |= {f"{name}.{figure}": row[figure] for figure in OF_MACHINES}
        flat[f"{name}.chi_square_p"] = row["chi_square"]["p"] if row["chi_square"] else None
        flat[f"{name}.psi_latest"] = row["by_period"]["psi"][held[-1]] if held else None
    return flat
