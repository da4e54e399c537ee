"""Writes deploy/prometheus and deploy/grafana from the definitions here and in `scripts.alert_rules`: `make docs`.

Five dashboards for one data source of Grafana, each panel one or more questions to Prometheus. Figures are those of the
server (`creditrisk.serving.metrics`) and of `creditrisk metrics` (`creditrisk.monitoring.MEANINGS`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.alert_rules import rule_file, test_file

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
MADE = "Written by `make docs` from scripts/dashboards.py and scripts/alert_rules.py; change those, not this file.\n"

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
BOOK = '{book=~"$book"}'
WIDE, HALF, THIRD, QUARTER = 24, 12, 8, 6


@dataclass(frozen=True)
class Panel:
    """asks: {expression: legend}.   kind: timeseries, stat or table.   unit: Grafana's word."""

    title: str
    asks: Mapping[str, str]
    says: str
    kind: str = "timeseries"
    unit: str = "short"
    width: int = HALF


def _per_second(counter: str, by: str, *, where: str = "") -> str:
    return f'sum by ({by}) (rate(creditrisk_{counter}{{book=~"$book"{where}}}[$__rate_interval]))'


def _within(counter: str, by: str, span: str = "1h") -> str:
    return f"sum by ({by}) (increase(creditrisk_{counter}{BOOK}[{span}]))"


def _quantile(share: float, histogram: str, by: str, *, where: str = "") -> str:
    seconds = _per_second(f"{histogram}_bucket", f"{by}, le" if by else "le", where=where)
    return f"histogram_quantile({share}, {seconds})"


PREDICT = ',route="/predict"'

SERVICE = (
    Panel(
        "Servers",
        {'up{job="creditrisk-api",book=~"$book"}': "{{book}} {{instance}}"},
        "1 while a server answers its scrape.",
        "stat",
        width=QUARTER,
    ),
    Panel(
        "Requests under way",
        {f"sum by (book) (creditrisk_requests_under_way{BOOK})": "{{book}}"},
        "Taken in and not answered.",
        "stat",
        width=QUARTER,
    ),
    Panel(
        "Applications that wait",
        {f"sum by (book) (creditrisk_waiting{BOOK})": "{{book}}"},
        "For the group in which they are decided.",
        "stat",
        width=QUARTER,
    ),
    Panel(
        "Failures to keep decisions",
        {_within("store_failures_total", "book", "1d"): "{{book}}"},
        "Groups that the decision store did not take within a day; they were not answered.",
        "stat",
        width=QUARTER,
    ),
    Panel(
        "Requests",
        {_per_second("requests_total", "book, status"): "{{book}} {{status}}"},
        "A second, by status.",
        unit="reqps",
    ),
    Panel(
        "Share that fails",
        {
            _per_second("requests_total", "book", where=',status=~"5.."')
            + " / "
            + _per_second("requests_total", "book")
            + " or "
            + _per_second("requests_total", "book")
            + " * 0": "{{book}}"
        },
        "Of the requests, with a status of 500 or more.",
        unit="percentunit",
    ),
    Panel(
        "Seconds of a decision",
        {
            _quantile(share, "request_seconds", "book", where=PREDICT): f"{{{{book}}}} {words}"
            for share, words in ((0.5, "half"), (0.95, "95 of 100"), (0.99, "99 of 100"))
        },
        "From the first byte to the answer of `/predict`: so many were quicker.",
        unit="s",
    ),
    Panel(
        "Seconds of each step",
        {_quantile(0.95, "stage_seconds", "book, stage"): "{{book}} {{stage}}"},
        "95 of 100 were quicker: reading, waiting for a group, deciding, keeping.",
        unit="s",
    ),
    Panel(
        "Decided together",
        {_per_second("group_size_sum", "book") + " / " + _per_second("group_size_count", "book"): "{{book}}"},
        "Applications in a group, on average.",
    ),
    Panel(
        "Models that decide",
        {f"sum by (book, version, bundle) (creditrisk_model_info{BOOK})": "{{book}} {{version}}"},
        "Workers by version; two at a time are a rollout under way.",
    ),
    Panel(
        "Attempts to take another model",
        {_within("reloads_total", "book, result"): "{{book}} {{result}}"},
        "Within an hour, by result.",
    ),
    Panel(
        "Windows told to MLflow",
        {_within("inference_windows_total", "book, result") + " or vector(0)": "{{book}} {{result}}"},
        "Within an hour, by result; 0 where none are made.",
    ),
)

DECISIONS = (
    Panel(
        "Decisions", {_per_second("decisions_total", "book, decision"): "{{book}} {{decision}}"}, "A second, by answer."
    ),
    Panel(
        "Share of each answer",
        {
            _within("decisions_total", "book, decision")
            + " / ignoring (decision) group_left "
            + _within("decisions_total", "book"): "{{book}} {{decision}}"
        },
        "Of what was decided within an hour.",
        unit="percentunit",
    ),
    Panel("Grades", {_per_second("grades_total", "book, grade"): "{{book}} {{grade}}"}, "A second, by grade."),
    Panel(
        "PD",
        {
            _within("pd_sum", "book") + " / " + _within("pd_count", "book"): "{{book}} mean",
            f"histogram_quantile(0.9, {_within('pd_bucket', 'book, le')})": "{{book}} nine in ten are below",
        },
        "Of what was decided within an hour.",
        unit="percentunit",
    ),
    Panel(
        "Warnings for each decision",
        {
            _within("warnings_total", "book, code")
            + " / ignoring (code) group_left "
            + _within("decisions_total", "book")
            + " or vector(0)": "{{book}} {{code}}"
        },
        "What of an application the model could not read as it should.",
    ),
    Panel(
        "Requests that break a rule",
        {_per_second("problems_total", "book, code") + " or vector(0)": "{{book}} {{code}}"},
        "A second, by rule.",
        unit="reqps",
    ),
    Panel(
        "Overruled by people",
        {
            _within("overrides_total", "book, from_decision, to_decision", "1d")
            + " or vector(0)": "{{book}} {{from_decision}} to {{to_decision}}"
        },
        "Within a day.",
    ),
    Panel(
        "Overrides without an act in the audit chain",
        {_within("overrides_untold_total", "book", "1d"): "{{book}}"},
        "Within a day.",
        "stat",
    ),
    Panel(
        "The challenger",
        {_per_second("shadow_total", "book, result") + " or vector(0)": "{{book}} {{result}}"},
        "Applications a second that it scored after they were answered, by result; 0 where there is none.",
    ),
    Panel(
        "Rows of engineered features",
        {f"sum by (book) (rate(creditrisk_engineered_rows_total{BOOK}[$__rate_interval]))": "{{book}}"},
        "A second, at `/invocations`; no decisions, kept nowhere.",
    ),
)

DRIFT = (
    Panel(
        "Open alarms",
        {f"sum by (book, severity) (creditrisk_alarms_open{BOOK})": "{{book}} {{severity}}"},
        "By severity; `creditrisk monitor alarms BOOK` says what moved and what to look at.",
        "stat",
    ),
    Panel(
        "Verdict",
        {f"creditrisk_drift_verdict{BOOK}": "{{book}} {{model}}"},
        "Of production against the development rows: 0 pass, 1 not enough evidence, 2 fail.",
        "stat",
        width=QUARTER,
    ),
    Panel(
        "Rows",
        {f"creditrisk_drift_rows{BOOK}": "{{book}} {{model}}"},
        "That drift was told from.",
        "stat",
        width=QUARTER,
    ),
    Panel(
        "The alarms",
        {f"creditrisk_alarm_open{BOOK}": "{{book}} {{kind}} {{of}}"},
        "Each open one, with severity and owner.",
        "table",
        width=WIDE,
    ),
    Panel(
        "Scores",
        {
            f"creditrisk_score_psi{BOOK}": "{{book}} all periods",
            f"creditrisk_score_psi_latest{BOOK}": "{{book}} last period",
        },
        "Population stability index of the scores.",
    ),
    Panel(
        "Columns by verdict",
        {f"sum by (book, verdict) (creditrisk_drift_columns{BOOK})": "{{book}} {{verdict}}"},
        "Counted.",
    ),
    Panel(
        "Columns that moved most",
        {f"topk(15, creditrisk_psi_latest{BOOK})": "{{column}}"},
        "Population stability index of the last period.",
    ),
    Panel(
        "Columns that moved most, all periods",
        {f"topk(15, creditrisk_psi{BOOK})": "{{column}}"},
        "Population stability index.",
    ),
    Panel(
        "Columns that are missing most",
        {f"topk(15, creditrisk_missing_share{BOOK})": "{{column}}"},
        "Share of the rows.",
        unit="percentunit",
    ),
    Panel(
        "Words that the model has not seen",
        {f"topk(15, creditrisk_new_words_share{BOOK})": "{{column}}"},
        "Share of the rows.",
        unit="percentunit",
    ),
)


def _performance(figure: str) -> dict[str, str]:
    """A figure with its interval and what it was at development."""
    where = f'{{book=~"$book",figure="{figure}"}}'
    return {
        f"creditrisk_performance{where}": "{{book}} now",
        f"creditrisk_performance_low{where}": "{{book}} low",
        f"creditrisk_performance_high{where}": "{{book}} high",
        f"creditrisk_development{where}": "{{book}} development",
    }


OUTCOMES = (
    Panel(
        "Decisions by what is known of them",
        {f"sum by (book, state) (creditrisk_outcomes{BOOK})": "{{book}} {{state}}"},
        "Performance is told of the judged ones only; not_yet is not good.",
    ),
    Panel(
        "Bads", {f"creditrisk_outcome_bads{BOOK}": "{{book}} {{model}}"}, "Among those judged.", "stat", width=QUARTER
    ),
    Panel(
        "Learn anew",
        {f"creditrisk_retrain_trigger_open{BOOK}": "{{book}}"},
        "1 while a trigger is open.",
        "stat",
        width=QUARTER,
    ),
    Panel(
        "AUC", _performance("roc_auc"), "Does it still rank? With its interval, and as it was when the model was built."
    ),
    Panel(
        "Observed over expected bads",
        _performance("observed_over_expected"),
        "1 = the PDs come true; with its interval.",
    ),
    Panel("Brier", _performance("brier"), "Less is better; with its interval."),
    Panel("Default rate", _performance("default_rate"), "Of loans with a known outcome.", unit="percentunit"),
)

DATA = (
    Panel(
        "Tables that are too old",
        {f"sum by (book) (creditrisk_table_stale{BOOK}) or vector(0)": "{{book}}"},
        "By the book's `monitoring.max_age_hours`; 0 also where no limit is set.",
        "stat",
        width=THIRD,
    ),
    Panel(
        "Age of these figures",
        {f"time() - creditrisk_figures_written_timestamp_seconds{BOOK}": "{{book}}"},
        "Since `creditrisk metrics` ran.",
        "stat",
        "s",
        THIRD,
    ),
    Panel(
        "Text files that cannot be read",
        {"max by (instance) (node_textfile_scrape_error) or vector(0)": "{{instance}}"},
        "1 = node-exporter says so.",
        "stat",
        width=THIRD,
    ),
    Panel(
        "Since the source changed a table",
        {f"time() - creditrisk_table_modified_timestamp_seconds{BOOK}": "{{book}} {{table}}"},
        "By table.",
        unit="s",
    ),
    Panel(
        "Since a table was accepted",
        {f"time() - creditrisk_table_ingested_timestamp_seconds{BOOK}": "{{book}} {{table}}"},
        "By table.",
        unit="s",
    ),
    Panel(
        "Stages that are overdue",
        {f"sum by (book, stage) (creditrisk_stage_overdue{BOOK})": "{{book}} {{stage}}"},
        "1 = it should have run again; stages for which the book sets a limit.",
    ),
    Panel(
        "Since a stage ran",
        {f"time() - creditrisk_stage_last_run_timestamp_seconds{BOOK}": "{{book}} {{stage}}"},
        "By stage.",
        unit="s",
    ),
    Panel(
        "Since a report was written",
        {f"time() - creditrisk_report_timestamp_seconds{BOOK}": "{{book}} {{report}}"},
        "By report.",
        unit="s",
        width=WIDE,
    ),
)

DASHBOARDS: Mapping[str, tuple[str, Sequence[Panel]]] = {
    "service": ("Credit risk: the service", SERVICE),
    "decisions": ("Credit risk: decisions", DECISIONS),
    "drift": ("Credit risk: drift and alarms", DRIFT),
    "outcomes": ("Credit risk: outcomes", OUTCOMES),
    "data_health": ("Credit risk: health of the data", DATA),
}


def files() -> dict[Path, str]:
    """Every file as it should be now."""
    head = "".join(f"# {line}\n" for line in MADE.splitlines())
    return {
        DEPLOY / "prometheus" / "prometheus.yml": head + _yaml(scrape_file()),
        DEPLOY / "prometheus" / "alerts.yml": head + _yaml(rule_file()),
        DEPLOY / "prometheus" / "alerts_test.yml": head + _yaml(test_file()),
        **{DEPLOY / "grafana" / f"{name}.json": json.dumps(dashboard(name), indent=2) + "\n" for name in DASHBOARDS},
    }


def scrape_file() -> dict[str, Any]:
    """An example to be filled in: addresses and books are the lender's."""
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "30s"},
        "rule_files": ["alerts.yml"],
        "scrape_configs": [
            {
                "job_name": "creditrisk-api",
                "authorization": {"credentials_file": "creditrisk-key"},
                "static_configs": [{"targets": ["127.0.0.1:8080"], "labels": {"book": "lending_club"}}],
            },
            {
                "job_name": "creditrisk-figures",
                "static_configs": [{"targets": ["127.0.0.1:9100"]}],
                "metric_relabel_configs": [
                    {"source_labels": ["__name__"], "regex": "(creditrisk|node_textfile)_.*", "action": "keep"}
                ],
            },
            {
                "job_name": "creditrisk-push",
                "honor_labels": True,
                "static_configs": [{"targets": ["127.0.0.1:9091"]}],
            },
        ],
    }


def dashboard(name: str) -> dict[str, Any]:
    """As Grafana 10 and newer import it."""
    title, panels = DASHBOARDS[name]
    return {
        "uid": f"creditrisk-{name.replace('_', '-')}",
        "title": title,
        "description": MADE.strip(),
        "tags": ["creditrisk"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-24h" if name in {"service", "decisions"} else "now-90d", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "links": [
            {
                "type": "dashboards",
                "tags": ["creditrisk"],
                "title": "Credit risk",
                "asDropdown": True,
                "includeVars": True,
            }
        ],
        "panels": _placed(panels),
    }


def _variables() -> list[dict[str, Any]]:
    asked = 'label_values({__name__=~"creditrisk_requests_total|creditrisk_figures_written_timestamp_seconds"}, book)'
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1},
        {
            "name": "book",
            "label": "Book",
            "type": "query",
            "datasource": SOURCE,
            "definition": asked,
            "query": {"query": asked, "refId": "book"},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        },
    ]


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """From left to right, a new row where one is full."""
    placed: list[dict[str, Any]] = []
    left = top = tallest = 0
    for number, panel in enumerate(panels, 1):
        height = 4 if panel.kind == "stat" else 8
        if left + panel.width > WIDE:
            left, top, tallest = 0, top + tallest, 0
        placed.append(_panel(panel, number, {"x": left, "y": top, "w": panel.width, "h": height}))
        left, tallest = left + panel.width, max(tallest, height)
    return placed


def _panel(panel: Panel, number: int, place: Mapping[str, int]) -> dict[str, Any]:
    at_once = panel.kind != "timeseries"
    targets = [
        {
            "refId": chr(ord("A") + place),
            "datasource": SOURCE,
            "expr": expr,
            "legendFormat": legend,
            "instant": at_once,
            "range": not at_once,
            **({"format": "table"} if panel.kind == "table" else {}),
        }
        for place, (expr, legend) in enumerate(panel.asks.items())
    ]
    return {
        "id": number,
        "title": panel.title,
        "description": panel.says,
        "type": panel.kind,
        "datasource": SOURCE,
        "gridPos": dict(place),
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0} if panel.kind == "timeseries" else {"unit": panel.unit},
            "overrides": [],
        },
        "options": {},
        "targets": targets,
    }


def _yaml(value: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(value), sort_keys=False, width=1_000, allow_unicode=True)


def main() -> None:
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
