"""The short way to the routes that are asked all day answers as the long way would."""

from __future__ import annotations

import pytest

from tests.unit.serving.conftest import Served


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/predict", 405), ("POST", "/predict/", 404)])
def test_what_is_not_quite_such_a_route_is_answered_by_the_app(
    method: str, path: str, status: int, served: Served
) -> None:
    answer = served.calls.request(method, path)
    assert answer.status_code == status
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers.get("Allow") == ("POST" if status == 405 else None)


@pytest.mark.parametrize("path", ["/predict", "/explain", "/validate"])
def test_a_refusal_on_the_short_way_is_told_and_counted(path: str, served: Served) -> None:
    answer = served.calls.post(path, data=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["type"].endswith(":unreadable_body")
    told = served.calls.get("/metrics").text
    assert f'creditrisk_requests_total{{route="{path}",status="400"}}' in told
    assert 'creditrisk_problems_total{code="unreadable_body"}' in told
