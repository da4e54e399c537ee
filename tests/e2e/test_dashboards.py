"""A Prometheus scrapes a live server and the text file of figures: every question of every dashboard has an answer."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from creditrisk.cli import main
from creditrisk.config import BookFolder
from scripts import dashboards
from tests.support.monitoring_reports import write_reports
from tests.support.prometheus import Prometheus, node_exporter, prometheus
from tests.support.tiny_server import RECORDS, Running, Trained, running

WITHIN_S = 120
KEYS = {"ops": ("admin", "crk_invented_admin"), "scraper": ("read", "crk_invented_read")}


@dataclass(frozen=True)
class Watched:
    """A server with keys, what watches it, and the folder of text files."""

    server: Running
    prometheus: Prometheus
    textfiles: Path

    def be_busy(self) -> None:
        """Decisions, one that is overruled, requests that are refused, and a look for another model."""
        told = self.call("/predict", {"applications": RECORDS})
        first = told.json()["decisions"][0]
        other = "approve" if first["decision"] != "approve" else "decline"
        self.call(
            f"/decisions/{first['decision_id']}/override",
            {"decision": other, "role": "underwriter", "code": "COLLATERAL", "text": "seen", "by": "eve"},
        )
        self.call("/predict", {"applications": [{"application": {"loan_id": "none"}}]})
        self.call("/admin/reload", {})

    def call(self, path: str, body: dict[str, Any]) -> requests.Response:
        return requests.post(self.server.url + path, json=body, headers={"X-API-Key": KEYS["ops"][1]}, timeout=60)

    def until(self, unanswered: list[str]) -> list[str]:
        """Those that are still unanswered after a while."""
        last = time.monotonic() + WITHIN_S
        while unanswered and time.monotonic() < last:
            self.be_busy()
            unanswered = [expr for expr in unanswered if not self.prometheus.answer(asked(expr))]
        return unanswered


def asked(expr: str) -> str:
    """As Grafana asks it, with its variables filled in."""
    return expr.replace("$book", "tiny").replace("$__rate_interval", "30s")


@pytest.fixture(scope="module")
def watched(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder, textfiles, rules = (tmp_path_factory.mktemp(name) for name in ("server", "textfiles", "prometheus"))
    exporter = tmp_path_factory.mktemp("exporter")
    workspace = tmp_path_factory.mktemp("workspace")
    write_reports(BookFolder(workspace / "tiny"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CREDITRISK_METRICS_FOLDER", str(textfiles))
        assert main(["metrics", str(trained.book), "--workspace", str(workspace), "--strict"]) == 0
    (textfiles / "creditrisk_other.partial").write_text("creditrisk_psi{book=", encoding="utf-8")  # killed half-way
    shutil.copy(dashboards.DEPLOY / "prometheus" / "alerts.yml", rules)
    (rules / "creditrisk-key").write_text(KEYS["scraper"][1], encoding="utf-8")
    keys = ";".join(
        f"{name} {role} sha256:{hashlib.sha256(key.encode()).hexdigest()}" for name, (role, key) in KEYS.items()
    )
    with (
        running(trained, folder, CREDITRISK_API_KEYS=keys) as server,
        node_exporter(textfiles, exporter) as figures,
        prometheus(_scraping(server.url, figures), rules) as watching,
    ):
        yield Watched(server, watching, textfiles)


def _scraping(server: str, figures: str) -> dict[str, Any]:
    """The file of the repository with the addresses of this test, every second."""
    told = dashboards.scrape_file()
    told["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    told["scrape_configs"] = told["scrape_configs"][:2]
    for job, url in zip(told["scrape_configs"], (server, figures), strict=True):
        job["static_configs"][0]["targets"] = [url.removeprefix("http://")]
    told["scrape_configs"][0]["static_configs"][0]["labels"]["book"] = "tiny"
    return told


@pytest.mark.parametrize("name", sorted(dashboards.DASHBOARDS))
def test_every_question_of_the_dashboard_is_answered_with_a_number(name: str, watched: Watched) -> None:
    told = dashboards.dashboard(name)
    questions = [target["expr"] for panel in told["panels"] for target in panel["targets"]]
    assert watched.until(questions) == []


def test_the_book_can_be_chosen(watched: Watched) -> None:
    watched.until(["creditrisk_requests_total"])
    (variable,) = [each for each in dashboards.dashboard("service")["templating"]["list"] if each["name"] == "book"]
    selector = variable["definition"].removeprefix("label_values(").removesuffix(", book)")
    assert watched.prometheus.books(selector) == {"tiny"}


def test_both_are_scraped_and_a_file_that_was_killed_half_way_is_read_by_nobody(watched: Watched) -> None:
    watched.until(["node_textfile_scrape_error", "creditrisk_requests_total"])
    assert watched.prometheus.targets() == {"creditrisk-api": "up", "creditrisk-figures": "up"}
    assert watched.prometheus.answer("node_textfile_scrape_error") == [0.0]


def test_every_rule_is_healthy_and_an_open_alarm_fires_by_its_own_severity(watched: Watched) -> None:
    firing = 'ALERTS{alertname="CreditriskAlarmOpen",alertstate="firing",book="tiny",severity="critical"}'
    assert watched.until([firing]) == []
    rules = watched.prometheus.rules()
    assert len(rules) == sum(len(group["rules"]) for group in dashboards.rule_file()["groups"])
    assert {health for health, _ in rules.values()} == {"ok"}
    assert rules["CreditriskServerDown"][1] == "inactive"
