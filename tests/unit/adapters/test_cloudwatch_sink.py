"""What is sent to CloudWatch: at most a thousand figures at once, by book and model, ages in place of moments."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from creditrisk.adapters.cloudwatch_sink import MOST_FIGURES, CloudWatch
from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.errors import OutsideFailed
from creditrisk.ports import Figure

NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)


class Client:
    """Keeps what it is sent. code: answer with that error."""

    def __init__(self, code: str | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self._code = code

    def put_metric_data(self, **sent: Any) -> None:
        from botocore.exceptions import ClientError

        if self._code is not None:
            answer = {"Error": {"Code": self._code, "Message": "key AKIAPLANTED"}, "ResponseMetadata": {}}
            raise ClientError(answer, "PutMetricData")  # type: ignore[arg-type]
        self.sent.append(sent)


def written(monkeypatch: pytest.MonkeyPatch, figures: list[Figure], client: Client) -> list[dict[str, Any]]:
    monkeypatch.setattr("boto3.session.Session.client", lambda *_, **__: client)
    CloudWatch("CreditRisk", SteppingClock(NOW)).write(figures)
    return client.sent


def figures(number: int) -> list[Figure]:
    return [Figure("creditrisk_psi", 0.1, {"book": "tiny", "model": str(each)}, "") for each in range(number)]


@pytest.mark.parametrize("number", [0, 1, MOST_FIGURES, MOST_FIGURES + 1, 2_500])
def test_no_request_has_more_figures_than_the_service_takes(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = written(monkeypatch, figures(number), Client())
    assert all(1 <= len(each["MetricData"]) <= MOST_FIGURES for each in sent)
    assert sum(len(each["MetricData"]) for each in sent) == number
    assert {each["Namespace"] for each in sent} <= {"CreditRisk"}


def test_labels_are_dimensions_and_an_empty_one_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Figure("creditrisk_drift_rows", 1, {"model": "ab12", "book": "tiny", "owner": ""}, "")
    (sent,) = written(monkeypatch, [one], Client())
    (datum,) = sent["MetricData"]
    assert datum["Dimensions"] == [{"Name": "book", "Value": "tiny"}, {"Name": "model", "Value": "ab12"}]
    assert (datum["MetricName"], datum["Value"], datum["Unit"]) == ("creditrisk_drift_rows", 1, "None")


@pytest.mark.parametrize("label", ["column", "alarm"])
def test_figures_by_column_or_alarm_are_not_sent(label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Figure("creditrisk_psi", 0.2, {"book": "tiny", label: "income"}, "")
    assert written(monkeypatch, [one], Client()) == []


def test_a_moment_becomes_an_age(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Figure("creditrisk_report_timestamp_seconds", NOW.timestamp() - 90, {"book": "tiny"}, "")
    (sent,) = written(monkeypatch, [one], Client())
    (datum,) = sent["MetricData"]
    assert (datum["MetricName"], datum["Value"], datum["Unit"]) == ("creditrisk_report_age_seconds", 90, "Seconds")


@pytest.mark.parametrize(("code", "hint"), [("AccessDeniedException", "PutMetricData"), ("Throttling", "later")])
def test_an_answer_is_told_by_its_code_and_nothing_else_of_it(
    code: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OutsideFailed, match=code) as told:
        written(monkeypatch, figures(1), Client(code))
    assert hint in told.value.hint
    assert "AKIA" not in str(told.value)


def test_without_a_region_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(OutsideFailed, match="NoRegionError") as told:
        CloudWatch("CreditRisk", SteppingClock(NOW)).write(figures(1))
    assert "AWS_DEFAULT_REGION" in told.value.hint


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(OutsideFailed) as told:
        CloudWatch("CreditRisk", SteppingClock(NOW)).write(figures(1))
    assert told.value.hint == 'pip install "creditrisk[cloudwatch]"'
