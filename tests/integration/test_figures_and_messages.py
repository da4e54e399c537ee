"""The commands that send something, to what is there on loopback: mail, a webhook, CloudWatch, a push gateway."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from creditrisk.adapters.cloudwatch_sink import CloudWatch
from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.cli import main
from creditrisk.config import BookFolder
from creditrisk.errors import OutsideFailed
from creditrisk.files import read_json, write_json
from creditrisk.ports import Figure
from tests.support.listening import listening, mail_server
from tests.support.monitoring_reports import REPORTS, write_reports
from tests.support.prometheus import push_gateway
from tests.support.server_process import free_port
from tests.support.stores import RunningStore
from tests.support.tiny_book import write_tiny_book

SECRET = "planted4711secret"
NAMESPACE = "CreditRisk"
CHANNELS = """
notifications:
  channels:
    team: {}
    on_call: {severity_from: critical}
"""


class House:
    """A book on disk whose notifications have two channels, and its reports of monitoring."""

    def __init__(self, root: Path) -> None:
        self.book = write_tiny_book(root / "book")
        with (self.book / "portfolio.yaml").open("a", encoding="utf-8") as file:
            file.write(CHANNELS)
        self.workspace = root / "workspace"
        self.folder = BookFolder(self.workspace / "tiny")
        write_reports(self.folder)

    def run(self, *words: str) -> int:
        command, *rest = words
        return main([command, *rest, str(self.book), "--workspace", str(self.workspace)])


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_run_tells_a_webhook_and_a_mailbox_once_and_that_it_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with listening() as hook, mail_server(SECRET) as box:
        secret = tmp_path / "address"
        secret.write_text(
            f"mailto://lender:{SECRET}@127.0.0.1:{box.port}?from=creditrisk@lender.test&to=on-call@lender.test\n",
            encoding="utf-8",
        )
        monkeypatch.setenv("CREDITRISK_NOTIFY_TEAM", f"json://lender:{SECRET}@127.0.0.1:{hook.port}/hook")
        monkeypatch.setenv("CREDITRISK_NOTIFY_ON_CALL_FILE", str(secret))
        assert [house.run("notify"), house.run("notify")] == [0, 0]
        assert [posted.json()["title"] for posted in hook.posted] == ["creditrisk tiny: 2 new alarms (critical)"]
        assert "approvals fall by 4 points" in hook.posted[0].json()["message"]
        assert [letter["Subject"] for letter in box.letters] == ["creditrisk tiny: 1 new alarm (critical)"]
        write_json(house.folder.report("alarms.json"), {**REPORTS["alarms.json"], "alarms": []})
        assert house.run("notify") == 0
        assert hook.posted[-1].json()["type"] == "success"
    assert SECRET not in (house.folder.root / "notifications.json").read_text(encoding="utf-8")


def test_nobody_there_is_a_warning_without_the_secret_and_strictly_it_is_exit_code_3(
    house: House, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITRISK_NOTIFY_TEAM", f"json://lender:{SECRET}@127.0.0.1:{free_port()}/hook")
    assert house.run("notify") == 0
    assert house.run("notify", "--strict") == 3
    assert house.run("notify", "--strict", "--json") == 3
    told = capfd.readouterr()
    assert "warning: team: channel team: nobody took the message" in told.err
    assert "warning: on_call: channel on_call has no address; set CREDITRISK_NOTIFY_ON_CALL" in told.err
    assert SECRET not in told.out + told.err


def test_a_test_message_reaches_the_channel_that_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as hook:
        monkeypatch.setenv("CREDITRISK_NOTIFY_TEAM", f"json://127.0.0.1:{hook.port}/hook")
        assert house.run("notify", "--channel", "team", "--strict", "test") == 0
    assert [posted.json()["title"] for posted in hook.posted] == ["creditrisk tiny: test"]


def test_a_stage_is_the_command_in_other_words(house: House) -> None:
    module = [sys.executable, "-m", "creditrisk.pipelines.export_metrics"]
    answer = subprocess.run(
        [*module, str(house.book), "--workspace", str(house.workspace), "--json"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["sinks"] == {"textfile": {"written": True, "warning": None}}
    assert (house.workspace / "metrics" / "creditrisk_tiny.prom").is_file()


@pytest.mark.parametrize("words", [["--to", "graphite"], ["--to", "cloudwatch", "--strict"], []])
def test_a_sink_that_is_unknown_or_not_set_up_is_told(words: list[str], house: House) -> None:
    assert house.run("metrics", *words) == {2: 2, 3: 3, 0: 0}[len(words)]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with push_gateway(tmp_path_factory.mktemp("gateway")) as url:
        yield url


def test_a_push_gateway_holds_what_was_pushed_last(gateway: str, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITRISK_PUSHGATEWAY_URL", gateway)
    assert house.run("metrics", "--to", "pushgateway", "--strict") == 0
    assert _alarms_at(gateway) == {"score-1", "stale-1"}
    write_json(house.folder.report("alarms.json"), {**REPORTS["alarms.json"], "alarms": []})
    assert house.run("metrics", "--to", "pushgateway", "--strict") == 0
    assert _alarms_at(gateway) == set()


def _alarms_at(gateway: str) -> set[str]:
    text = requests.get(f"{gateway}/metrics", timeout=30).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    told = [sample for sample in samples if sample.name.startswith("creditrisk_")]
    assert {(sample.labels["job"], sample.labels["book"]) for sample in told} == {("creditrisk", "tiny")}
    return {sample.labels["alarm"] for sample in told if sample.name == "creditrisk_alarm_open"}


@pytest.fixture
def aws(running_store: Callable[[str], RunningStore]) -> Iterator[RunningStore]:
    store = running_store("s3")
    with store.environment():
        yield store


def test_cloudwatch_has_the_figures_by_book_and_model(
    aws: RunningStore, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDITRISK_CLOUDWATCH_NAMESPACE", NAMESPACE)
    assert house.run("metrics", "--strict") == 0
    (metric,) = _listed(NAMESPACE, "creditrisk_score_psi")
    assert {each["Name"]: each["Value"] for each in metric["Dimensions"]} == {"book": "tiny", "model": "ab12" * 4}
    assert _listed(NAMESPACE, "creditrisk_report_age_seconds")
    assert _listed(NAMESPACE, "creditrisk_psi") == []
    assert (house.workspace / "metrics" / "creditrisk_tiny.prom").is_file()


def test_cloudwatch_takes_more_than_a_thousand_figures(aws: RunningStore) -> None:
    many = [Figure(f"creditrisk_figure_{number}", 1.0, {"book": "tiny"}, "") for number in range(2_001)]
    CloudWatch("Many", SteppingClock()).write(many)
    assert len(_listed("Many")) == 2_001


def _listed(namespace: str, name: str | None = None) -> list[dict[str, Any]]:
    import boto3

    asked = {"Namespace": namespace} | ({"MetricName": name} if name else {})
    pages = boto3.session.Session().client("cloudwatch").get_paginator("list_metrics").paginate(**asked)
    return [metric for page in pages for metric in page["Metrics"]]


def test_a_cloudwatch_that_is_away_is_a_warning(
    aws: RunningStore, house: House, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITRISK_CLOUDWATCH_NAMESPACE", NAMESPACE)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    assert house.run("metrics") == 0
    assert house.run("metrics", "--strict") == 3
    told = capfd.readouterr()
    assert "warning: cloudwatch: CloudWatch was not reached: EndpointConnectionError" in told.err
    assert aws.variables["AWS_SECRET_ACCESS_KEY"] not in told.out + told.err


def test_credentials_that_are_none_are_told_without_them(aws: RunningStore) -> None:
    requests.post(f"{aws.url}/moto-api/reset-auth", data="0", timeout=30)  # from now on it asks who is there
    try:
        with pytest.raises(OutsideFailed) as told:
            CloudWatch(NAMESPACE, SteppingClock()).write([Figure("creditrisk_psi", 1.0, {"book": "tiny"}, "")])
    finally:
        requests.post(f"{aws.url}/moto-api/reset-auth", data="inf", timeout=30)
    assert "status 403" in told.value.what
    assert "cloudwatch:PutMetricData" in told.value.hint
    assert told.value.retry_may_help is False
    assert aws.variables["AWS_SECRET_ACCESS_KEY"] not in str(told.value)


def test_what_was_told_is_kept_beside_the_reports(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as hook:
        monkeypatch.setenv("CREDITRISK_NOTIFY_TEAM", f"json://127.0.0.1:{hook.port}/hook")
        house.run("notify", "--channel", "team")
    kept = read_json(house.folder.root / "notifications.json")
    assert list(kept["channels"]["team"]) == ["score-1", "stale-1"]
