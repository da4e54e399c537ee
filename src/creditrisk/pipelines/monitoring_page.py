"""monitoring.html: what the reports on the model in use say, on one page for people."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from creditrisk.errors import MissingInput
from creditrisk.files import read_json, write_text
from creditrisk.monitoring.counts import By
from creditrisk.pages.monitoring import render_monitoring
from creditrisk.pipelines import monitor_alarms, monitor_outcomes, monitor_production
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.watched_model import watched_model
from creditrisk.ports import PRODUCTION, DecisionStore

PAGE = "monitoring.html"
REPORTS = {
    "drift": "production_drift_report.json",
    "outcomes": "outcomes_report.json",
    "alarms": "alarms.json",
}


def run(context: Context, store: DecisionStore | None, *, alias: str = PRODUCTION, by: By = By.WEEK) -> dict[str, Any]:
    """Drift by period, outcomes and alarms counted anew, and the page.

    Returns {drift, outcomes, alarms, page, left_out}: the reports, each None where there is nothing to report on yet,
    which `left_out` explains.   store: None where nothing was ever decided.   Raises as `watched_model` does.
    """
    bundle = watched_model(context, alias).bundle.sha256
    left_out: list[str] = []

    def part(name: str, report: Callable[[DecisionStore], dict[str, Any]]) -> dict[str, Any] | None:
        try:
            if store is None:
                raise MissingInput("nothing was ever decided here")
            return report(store)
        except MissingInput as error:
            left_out.append(f"{name}: {error.what}")
            return None

    drift = part("drift", lambda store: monitor_production.run(context, store, alias=alias, by=by))
    outcomes = part("outcomes", lambda store: monitor_outcomes.run(context, store, model=bundle))
    alarms = monitor_alarms.run(context, store, alias=alias)
    page = write_page(context, alias, left_out)
    return {"drift": drift, "outcomes": outcomes, "alarms": alarms, "page": str(page), "left_out": left_out}


def write_page(context: Context, alias: str = PRODUCTION, why_not: Sequence[str] = ()) -> Path:
    """The page from the reports that are there. One on another model is named and left out.

    why_not: what else the page should say of what it lacks.  Raises as `watched_model` does.
    """
    model = watched_model(context, alias)
    told: dict[str, dict[str, Any] | None] = dict.fromkeys(REPORTS)
    left_out = list(why_not)
    for part, name in REPORTS.items():
        path = context.folder.report(name)
        report = read_json(path) if path.is_file() else None
        if report is not None and report["bundle_sha256"] != model.bundle.sha256:
            left_out.append(f"{name} is about another model ({report['bundle_sha256'][:16]}): it is left out here")
        elif report is not None:
            told[part] = report
    page = context.folder.report(PAGE)
    named = {
        "name": context.book.name,
        "version": model.version,
        "alias": alias,
        "bundle_sha256": model.bundle.sha256,
    }
    title = context.book.portfolio.title
    text = render_monitoring(
        title, named, drift=told["drift"], outcomes=told["outcomes"], alarms=told["alarms"], left_out=left_out
    )
    write_text(page, text)
    return page


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("monitor all"))
