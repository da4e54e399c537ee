"""Dashboards and alert rules: what the generator makes, whole and consistent, and asking for figures that exist."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from creditrisk.monitoring import MEANINGS
from creditrisk.serving.metrics import Metrics
from scripts import alert_rules, dashboards
from tests.support.components import require

NAMES = sorted(dashboards.DASHBOARDS)
OF_OTHERS = {"node_textfile_scrape_error", "up"}
SUFFIXES = re.compile(r"_(bucket|sum|count|total)$")


def known_figures() -> set[str]:
    """Of the server, and of `creditrisk metrics`."""
    return {family.name for family in Metrics().registry.collect()} | {f"creditrisk_{name}" for name in MEANINGS}


def asked_figures(expr: str) -> set[str]:
    named = set(re.findall(r"\b(creditrisk_\w+|node_\w+|up(?=[{ ]))", expr))
    return {name if name in known_figures() else SUFFIXES.sub("", name) for name in named}


def expressions(told: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in told["panels"] for target in panel["targets"]]


def test_the_files_are_what_the_generator_makes_and_there_are_no_others() -> None:
    made = dashboards.files()
    stale = [path.name for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]
    assert stale == [], "make docs writes them again"
    there = {path for folder in ("prometheus", "grafana") for path in (dashboards.DEPLOY / folder).rglob("*.*")}
    assert there == set(made)


@pytest.mark.parametrize("name", NAMES)
def test_every_question_of_a_dashboard_is_about_figures_that_exist(name: str) -> None:
    asked = set().union(*(asked_figures(expr) for expr in expressions(dashboards.dashboard(name))))
    assert asked
    assert asked - known_figures() - OF_OTHERS == set()


def test_every_alert_is_about_figures_that_exist() -> None:
    asked = set().union(*(asked_figures(rule["expr"]) for group in _groups() for rule in group["rules"]))
    assert asked - known_figures() - OF_OTHERS == set()


def test_every_figure_of_monitoring_is_on_a_dashboard() -> None:
    shown = set().union(*(asked_figures(expr) for name in NAMES for expr in expressions(dashboards.dashboard(name))))
    assert {f"creditrisk_{name}" for name in MEANINGS} - shown == set()


def test_every_figure_of_the_server_is_on_a_dashboard() -> None:
    shown = set().union(*(asked_figures(expr) for name in NAMES for expr in expressions(dashboards.dashboard(name))))
    assert {family.name for family in Metrics().registry.collect()} - shown == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_has_one_data_source_unique_panels_and_no_overlap(name: str) -> None:
    told = dashboards.dashboard(name)
    variables = {variable["name"] for variable in told["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps([expressions(told), told["panels"]])))
    assert used - {"__rate_interval"} <= variables
    assert {"datasource", "book"} == variables
    sources = [panel["datasource"] for panel in told["panels"]]
    sources += [target["datasource"] for panel in told["panels"] for target in panel["targets"]]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    ids = [panel["id"] for panel in told["panels"]]
    titles = [panel["title"] for panel in told["panels"]]
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)
    cells = [
        (place["x"] + across, place["y"] + down)
        for place in (panel["gridPos"] for panel in told["panels"])
        for across in range(place["w"])
        for down in range(place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(across for across, _ in cells) < 24
    assert all(panel["description"] for panel in told["panels"])


def test_the_addresses_of_dashboards_are_their_own() -> None:
    uids = [dashboards.dashboard(name)["uid"] for name in NAMES]
    assert len(set(uids)) == len(uids) == 5


def test_every_rule_has_a_name_of_its_own_a_summary_and_a_next_step() -> None:
    rules = [rule for group in _groups() for rule in group["rules"]]
    names = [rule["alert"] for rule in rules]
    assert len(set(names)) == len(names)
    assert all(rule["annotations"]["summary"] and rule["annotations"]["look_at"] for rule in rules)


def test_every_rule_is_tried_where_it_must_fire_and_where_it_must_not() -> None:
    tried = yaml.safe_load((dashboards.DEPLOY / "prometheus" / "alerts_test.yml").read_text("utf-8"))["tests"]
    outcomes = {(one["alertname"], bool(one["exp_alerts"])) for test in tried for one in test["alert_rule_test"]}
    names = {rule["alert"] for group in _groups() for rule in group["rules"]}
    assert outcomes == {(name, fires) for name in names for fires in (True, False)}


@pytest.mark.integration
def test_promtool_finds_every_rule_firing_and_quiet_as_it_must(tmp_path: Path) -> None:
    promtool = require("promtool")
    folder = dashboards.DEPLOY / "prometheus"
    for words in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        answer = subprocess.run(
            [promtool, *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.integration
def test_promtool_reads_the_scrape_file_once_there_is_a_key(tmp_path: Path) -> None:
    promtool = require("promtool")
    for name in ("prometheus.yml", "alerts.yml"):
        (tmp_path / name).write_bytes((dashboards.DEPLOY / "prometheus" / name).read_bytes())
    (tmp_path / "creditrisk-key").write_text("crk_invented\n", encoding="utf-8")
    answer = subprocess.run(
        [promtool, "check", "config", str(tmp_path / "prometheus.yml")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr


def _groups() -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = alert_rules.rule_file()["groups"]
    return groups
