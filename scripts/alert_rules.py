"""The alert rules of deploy/prometheus, each with the series on which it must fire and those on which it must not.

`scripts.dashboards` writes them down as rules and as unit tests for promtool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

type Series = Mapping[str, str]
"""{series: values in promtool's notation, one a minute}"""

DAY = 86_400
"""Seconds. In a test the time begins at 0, so what is old has a moment before that."""


@dataclass(frozen=True)
class Rule:
    """One alert. severity: may be taken from the series, `{{ $labels.severity }}`.

    fires: the rule fires at `at` on these series; quiet: at the same time it does not on those.
    labels: that the alert carries in the test, beside its severity.
    """

    name: str
    expr: str
    lasts: str
    severity: str
    summary: str
    look_at: str
    at: str
    fires: Series
    quiet: Sequence[Series]
    labels: Mapping[str, str] = field(default_factory=lambda: {"book": "b"})
    value: str = ""
    """What its texts say of the value in the test."""
    tested_severity: str | None = None

    def tested(self, text: str) -> str:
        """The text as the test must find it."""
        for label, told in {**self.labels, "severity": self.tested_severity or self.severity}.items():
            text = text.replace(f"{{{{ $labels.{label} }}}}", told)
        return re.sub(r"{{ \$value[^}]*}}", self.value, text)


def _requests(status: str, values: str) -> dict[str, str]:
    return {f'creditrisk_requests_total{{book="b",route="/predict",status="{status}"}}': values}


SERVICE = (
    Rule(
        "CreditriskServerDown",
        'up{job="creditrisk-api"} == 0',
        "2m",
        "critical",
        "The server of {{ $labels.book }} does not answer its scrape.",
        "Is the process alive, may this Prometheus reach it, and does its key still have the role `read`?",
        "5m",
        {'up{job="creditrisk-api",book="b"}': "1 1 0 0 0 0"},
        ({'up{job="creditrisk-api",book="b"}': "1 1 1 1 0 1"}, {'up{job="other",book="b"}': "0x10"}),
        {"book": "b", "job": "creditrisk-api"},
    ),
    Rule(
        "CreditriskErrors",
        'sum by (book) (rate(creditrisk_requests_total{status=~"5.."}[5m]))'
        " / sum by (book) (rate(creditrisk_requests_total[5m])) > 0.01",
        "5m",
        "critical",
        "{{ $value | humanizePercentage }} of the requests of {{ $labels.book }} fail.",
        "The server's log (`level` error) says where; `creditrisk_store_failures_total` says whether it is the store.",
        "15m",
        _requests("200", "0+60x20") | _requests("503", "0+6x20"),
        (_requests("200", "0+6000x20") | _requests("503", "0+6x20"), _requests("200", "0+60x20")),
        value="9.091%",
    ),
    Rule(
        "CreditriskSlow",
        "histogram_quantile(0.99, sum by (book, le)"
        ' (rate(creditrisk_request_seconds_bucket{route="/predict"}[5m]))) > 1',
        "10m",
        "warning",
        "One decision in a hundred of {{ $labels.book }} takes longer than {{ $value | humanizeDuration }}.",
        "`creditrisk_stage_seconds` says whether it is reading, waiting, deciding or keeping.",
        "20m",
        {
            f'creditrisk_request_seconds_bucket{{book="b",route="/predict",le="{le}"}}': values
            for le, values in (("1.0", "0+50x30"), ("2.5", "0+60x30"), ("+Inf", "0+60x30"))
        },
        (
            {
                f'creditrisk_request_seconds_bucket{{book="b",route="/predict",le="{le}"}}': "0+60x30"
                for le in ("0.1", "1.0", "+Inf")
            },
        ),
        value="2.41s",
    ),
    Rule(
        "CreditriskTurnedAway",
        'sum by (book) (rate(creditrisk_requests_total{status="429"}[5m])) > 0.1',
        "10m",
        "warning",
        "{{ $labels.book }} tells callers to come back, {{ $value | printf `%.1f` }} times a second.",
        "Who calls so often? CREDITRISK_SERVE_RATE_PER_SECOND and _BURST, or more workers.",
        "20m",
        _requests("429", "0+30x30"),
        (_requests("429", "0+1x30"), _requests("200", "0+30x30")),
        value="0.5",
    ),
    Rule(
        "CreditriskQueue",
        "sum by (book) (creditrisk_waiting) > 200",
        "5m",
        "warning",
        "{{ $value }} applications to {{ $labels.book }} wait for their decision.",
        "More workers; CREDITRISK_SERVE_WAITING_MAX is where callers are told to come back.",
        "10m",
        {'creditrisk_waiting{book="b"}': "300x15"},
        ({'creditrisk_waiting{book="b"}': "300x6 20 300x10"},),
        value="300",
    ),
    Rule(
        "CreditriskStoreFails",
        "sum by (book) (increase(creditrisk_store_failures_total[5m])) > 0",
        "0m",
        "critical",
        "Decisions of {{ $labels.book }} could not be kept, so they were not answered.",
        "The decision store's disk or server: room, permissions, connection; `/ready` says whether it takes records.",
        "10m",
        {'creditrisk_store_failures_total{book="b"}': "0 0 0 0 0 0 0 1 2 3 3"},
        ({'creditrisk_store_failures_total{book="b"}': "7x20"},),
    ),
    Rule(
        "CreditriskReloadRefused",
        'sum by (book) (increase(creditrisk_reloads_total{result="refused"}[15m])) > 0',
        "0m",
        "warning",
        "{{ $labels.book }} refused the model that its alias means now; the one before goes on deciding.",
        "`/metadata` (`last_refusal`) says why; `creditrisk repair` puts an alias back.",
        "10m",
        {'creditrisk_reloads_total{book="b",result="refused"}': "0 0 0 0 0 0 1 1 1 1 1"},
        (
            {'creditrisk_reloads_total{book="b",result="taken"}': "0 0 0 0 0 0 1 1 1 1 1"},
            {'creditrisk_reloads_total{book="b",result="refused"}': "3x20"},
        ),
    ),
    Rule(
        "CreditriskTwoModels",
        "count by (book) (count by (book, bundle) (creditrisk_model_info > 0)) > 1",
        "15m",
        "warning",
        "{{ $value }} models of {{ $labels.book }} decide at the same time.",
        "A rollout that stopped half-way? `creditrisk asof BOOK now` says which one should decide.",
        "20m",
        {
            'creditrisk_model_info{book="b",bundle="x",version="1"}': "1x30",
            'creditrisk_model_info{book="b",bundle="y",version="2"}': "1x30",
        },
        (
            {
                'creditrisk_model_info{book="b",bundle="x",version="1",instance="p"}': "1x30",
                'creditrisk_model_info{book="b",bundle="x",version="1",instance="q"}': "1x30",
            },
            {
                'creditrisk_model_info{book="b",bundle="x",version="1"}': "2 2 2 2 2 2 1 0x30",
                'creditrisk_model_info{book="b",bundle="y",version="2"}': "_ _ _ _ _ _ 1 2x30",
            },
        ),
        value="2",
    ),
)

DECISIONS = (
    Rule(
        "CreditriskNoDecisions",
        "sum by (book) (increase(creditrisk_decisions_total[1h])) == 0"
        " and sum by (book) (increase(creditrisk_decisions_total[1d])) > 100",
        "30m",
        "warning",
        "{{ $labels.book }} decided nothing for an hour and a half, on a day on which it is asked.",
        "Do the callers still reach the server? On nights and holidays without business: silence it.",
        "200m",
        {'creditrisk_decisions_total{book="b",decision="approve"}': "0+10x60 600x200"},
        (
            {'creditrisk_decisions_total{book="b",decision="approve"}': "0+10x300"},
            {'creditrisk_decisions_total{book="b",decision="approve"}': "0x300"},
        ),
    ),
    Rule(
        "CreditriskRequestsBreakRules",
        'sum by (book) (rate(creditrisk_requests_total{status="422"}[15m]))'
        " / sum by (book) (rate(creditrisk_requests_total[15m])) > 0.1",
        "15m",
        "warning",
        "{{ $value | humanizePercentage }} of the requests of {{ $labels.book }} break a rule of the contracts.",
        "`creditrisk_problems_total` by code: has a caller's form or feed changed?",
        "40m",
        _requests("200", "0+60x60") | _requests("422", "0+20x60"),
        (_requests("200", "0+60x60") | _requests("422", "0+1x60"),),
        value="25%",
    ),
    Rule(
        "CreditriskWarnings",
        "sum by (book) (rate(creditrisk_warnings_total[1h]))"
        " / sum by (book) (rate(creditrisk_decisions_total[1h])) > 1",
        "1h",
        "warning",
        "The model of {{ $labels.book }} could not read {{ $value | humanize }} facts of each application.",
        "`creditrisk_warnings_total` by code: a new word, a feed that is missing?",
        "3h",
        {
            'creditrisk_warnings_total{book="b",code="c"}': "0+30x240",
            'creditrisk_decisions_total{book="b",decision="approve"}': "0+10x240",
        },
        (
            {
                'creditrisk_warnings_total{book="b",code="c"}': "0+3x240",
                'creditrisk_decisions_total{book="b",decision="approve"}': "0+10x240",
            },
        ),
        value="3",
    ),
    Rule(
        "CreditriskOverridesUntold",
        "sum by (book) (increase(creditrisk_overrides_untold_total[1h])) > 0",
        "0m",
        "warning",
        "An override of {{ $labels.book }} stands in no audit chain yet.",
        "`creditrisk audit checkpoint` writes it; is the workspace's disk full or read-only?",
        "20m",
        {'creditrisk_overrides_untold_total{book="b"}': "0x9 1x20"},
        ({'creditrisk_overrides_untold_total{book="b"}': "1x40"},),
    ),
)

_ALARM = 'creditrisk_alarm_open{book="b",alarm="a1",kind="features",of="income",severity="critical",owner="risk"}'

MONITORING = (
    Rule(
        "CreditriskAlarmOpen",
        "creditrisk_alarm_open == 1",
        "0m",
        "{{ $labels.severity }}",
        "Monitoring of {{ $labels.book }} has an open alarm: {{ $labels.kind }} of {{ $labels.of }}.",
        "`creditrisk monitor alarms BOOK` says what moved and what to look at; owner: {{ $labels.owner }}.",
        "5m",
        {_ALARM: "1x10"},
        ({_ALARM: "1 1 1 stale"},),
        {"book": "b", "alarm": "a1", "kind": "features", "of": "income", "owner": "risk"},
        tested_severity="critical",
    ),
    Rule(
        "CreditriskFiguresOld",
        "time() - creditrisk_figures_written_timestamp_seconds > 2 * 86400",
        "1h",
        "warning",
        "The figures of {{ $labels.book }} are {{ $value | humanizeDuration }} old.",
        "Does the schedule still run `creditrisk metrics`?",
        "90m",
        {'creditrisk_figures_written_timestamp_seconds{book="b"}': f"{-2 * DAY}x120"},
        (
            {'creditrisk_figures_written_timestamp_seconds{book="b"}': f"{-1.9 * DAY}x120"},
            {'creditrisk_figures_written_timestamp_seconds{book="b"}': f"{-2 * DAY}x30 {30 * 60}x90"},
        ),
        value="2d 1h 30m 0s",
    ),
    Rule(
        "CreditriskNobodyLooks",
        'time() - creditrisk_report_timestamp_seconds{report="alarms"} > 40 * 86400',
        "1h",
        "warning",
        "Nobody looked for alarms of {{ $labels.book }} for {{ $value | humanizeDuration }}.",
        "Does the schedule still run `creditrisk monitor alarms`? What is overdue besides is an alarm itself.",
        "90m",
        {'creditrisk_report_timestamp_seconds{book="b",report="alarms"}': f"{-40 * DAY}x120"},
        (
            {'creditrisk_report_timestamp_seconds{book="b",report="alarms"}': f"{-39 * DAY}x120"},
            {'creditrisk_report_timestamp_seconds{book="b",report="retrain_trigger"}': f"{-40 * DAY}x120"},
        ),
        {"book": "b", "report": "alarms"},
        value="40d 1h 30m 0s",
    ),
    Rule(
        "CreditriskLearnAnew",
        "creditrisk_retrain_trigger_open == 1",
        "0m",
        "info",
        "There are reasons to learn the model of {{ $labels.book }} anew.",
        "`creditrisk retrain BOOK` says which; the trigger ends with another model in production.",
        "5m",
        {'creditrisk_retrain_trigger_open{book="b"}': "1x10"},
        ({'creditrisk_retrain_trigger_open{book="b"}': "0x10"},),
    ),
    Rule(
        "CreditriskTextFileBroken",
        "node_textfile_scrape_error == 1",
        "10m",
        "warning",
        "node-exporter cannot read a text file of figures.",
        "Is there a foreign file in its folder, or one figure in two files?",
        "20m",
        {'node_textfile_scrape_error{instance="n"}': "1x30"},
        ({'node_textfile_scrape_error{instance="n"}': "0x30"},),
        {"instance": "n"},
    ),
)

GROUPS: Mapping[str, Sequence[Rule]] = {
    "creditrisk-service": SERVICE,
    "creditrisk-decisions": DECISIONS,
    "creditrisk-monitoring": MONITORING,
}


def rule_file() -> dict[str, Any]:
    """As Prometheus reads it."""
    return {
        "groups": [
            {
                "name": name,
                "rules": [
                    {
                        "alert": rule.name,
                        "expr": rule.expr,
                        "for": rule.lasts,
                        "labels": {"severity": rule.severity},
                        "annotations": {"summary": rule.summary, "look_at": rule.look_at},
                    }
                    for rule in rules
                ],
            }
            for name, rules in GROUPS.items()
        ]
    }


def test_file() -> dict[str, Any]:
    """As `promtool test rules` reads it: each rule fires where it must and is quiet where it must be."""
    tests = []
    for rule in (rule for rules in GROUPS.values() for rule in rules):
        fired = {
            "exp_labels": {"severity": rule.tested(rule.severity), **rule.labels},
            "exp_annotations": {"summary": rule.tested(rule.summary), "look_at": rule.tested(rule.look_at)},
        }
        tests.append(_test(rule, rule.fires, [fired], f"{rule.name} fires"))
        tests += [
            _test(rule, series, [], f"{rule.name} is quiet, {number}") for number, series in enumerate(rule.quiet, 1)
        ]
    return {"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": tests}


def _test(rule: Rule, series: Series, alerts: list[Any], name: str) -> dict[str, Any]:
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": of, "values": values} for of, values in series.items()],
        "alert_rule_test": [{"eval_time": rule.at, "alertname": rule.name, "exp_alerts": alerts}],
    }
