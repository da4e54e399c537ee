"""Figures of drift, outcomes, alarms and freshness to whoever keeps time series."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from creditrisk.config import BookFolder
from creditrisk.errors import BadConfig, BrokenFile, OutsideFailed
from creditrisk.files import read_json
from creditrisk.monitoring import figures_of
from creditrisk.ports import Clock, MetricsSink

REPORTS = {
    "data_freshness.json": "freshness",
    "drift_metrics.json": "monitor production",
    "production_drift_report.json": "monitor production",
    "outcomes_report.json": "monitor outcomes",
    "alarms.json": "monitor alarms",
    "retrain_trigger.json": "retrain",
}
"""Report -> the command that writes it."""


def run(
    book: str, folder: BookFolder, sinks: Mapping[str, Callable[[], MetricsSink]], *, clock: Clock
) -> dict[str, Any]:
    """Write the figures of the reports that there are to each sink. One that fails is a warning.

    sinks: by name; making one may raise what writing raises.   Raises BrokenFile for a report that is none.
    """
    found = {name: path for name in REPORTS if (path := folder.report(name)).exists()}
    reports = {name: read_json(path) for name, path in found.items()}
    try:
        figures = figures_of(book, reports, now=clock.now())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenFile(
            "a report of monitoring is not as it was written",
            where=str(folder.reports),
            hint=f"write them again: {', '.join(f'creditrisk {REPORTS[name]} {book}' for name in found)}",
        ) from error
    told: dict[str, dict[str, Any]] = {}
    for name, sink in sinks.items():
        try:
            sink().write(figures)
        except (OutsideFailed, BadConfig) as error:
            told[name] = {"written": False, "warning": f"{error.what}; {error.hint}" if error.hint else error.what}
        else:
            told[name] = {"written": True, "warning": None}
    return {
        "book": book,
        "figures": len(figures),
        "sinks": told,
        "missing": {name: f"creditrisk {command} {book}" for name, command in REPORTS.items() if name not in found},
        "warnings": [f"{name}: {of['warning']}" for name, of in told.items() if of["warning"] is not None],
    }


def need_written(result: Mapping[str, Any]) -> None:
    """Raises OutsideFailed when there was any warning: for `--strict`."""
    failed: Sequence[str] = [name for name, of in result["sinks"].items() if not of["written"]]
    if failed:
        raise OutsideFailed(
            f"the figures did not reach {', '.join(failed)}",
            where=str(result["book"]),
            hint="the warnings above say what to do; without --strict they do not fail the command",
        )


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("metrics"))
