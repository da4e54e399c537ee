"""What the server answers, over real HTTP: decisions that are kept first, refusals that tell no value."""

from __future__ import annotations

import contextlib
import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.errors import BadUsage, Refused
from creditrisk.governance import Act, acts_about
from creditrisk.governance.overrides import append_override
from creditrisk.pipelines.audit_chain import tell_overrides
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.override_rates import rates
from creditrisk.serving import new_key, reading
from tests.unit.serving.conftest import Serve, Served, serving

JSON = {"Content-Type": "application/json"}
UUID = "01a20064-f675-7815-9c4f-8910c55d7861"


def decide(served: Served, record: Any, **headers: str) -> dict[str, Any]:
    answer = served.calls.post("/predict", json={"applications": [record]}, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["request_id"] == answer.headers["X-Request-ID"]
    return told


def test_a_decision_is_kept_as_it_is_told(served: Served, record: Any) -> None:
    told = decide(served, record, **{"X-Request-ID": "mine-7"})
    (one,) = told["decisions"]
    kept = served.store.find(one["decision_id"])
    assert kept is not None
    passport = kept.passport
    assert (told["request_id"], passport.request_id) == ("mine-7", "mine-7")
    assert (one["entity_id"], one["pd"], one["score"], one["grade"], one["decision"]) == (
        passport.entity_id, passport.pd, passport.score, passport.grade, passport.decision
    )  # fmt: skip
    assert told["model"] == {"name": "tiny", "version": "1", "bundle": passport.bundle_sha256}
    assert one["reasons"] == passport.payload["reasons"]


def test_many_applications_are_answered_in_their_order(served: Served, record: Any) -> None:
    many = [{"application": {**record["application"], "loan_id": key}, "payments": []} for key in (5, 3, 9, 3)]
    answer = served.calls.post("/predict", json={"applications": many}).json()
    assert [one["entity_id"] for one in answer["decisions"]] == [5, 3, 9, 3]
    assert len({one["decision_id"] for one in answer["decisions"]}) == 4


def test_one_broken_record_decides_nothing_and_tells_place_and_rule(served: Served, record: Any) -> None:
    before = len(served.store.records)
    wrong = {"application": {"loan_id": "SECRET-4711", "income": 1}}
    answer = served.calls.post("/predict", json={"applications": [record, wrong]})
    told = problem(answer, 422)
    assert told["problems"][0]["where"].startswith("applications[1].application.loan_id")
    assert "SECRET" not in answer.text
    assert len(served.store.records) == before


@pytest.mark.parametrize(
    "body", [{"applications": []}, {}, [], {"applications": [], "cut_off": 0.9}, {"records": [{}]}, {"applications": 3}]
)
def test_a_body_of_another_shape_is_refused(body: Any, served: Served) -> None:
    problem(served.calls.post("/predict", json=body), 400 if isinstance(body, list) else 422)


def test_a_caller_cannot_send_its_own_cut_off(served: Served, record: Any) -> None:
    told = problem(served.calls.post("/predict", json={"applications": [record], "decline_from_pd": 1.0}), 422)
    assert "policy belong to the model" in told["hint"]


def test_a_checked_record_is_neither_scored_nor_kept(served: Served, record: Any) -> None:
    before = len(served.store.records)
    answer = served.calls.post("/validate", json={"applications": [record]})
    assert answer.json()["applications"][0]["entity_id"] == 7
    assert len(served.store.records) == before


def test_a_request_sent_twice_is_decided_once(served: Served, record: Any) -> None:
    first = decide(served, record, **{"Idempotency-Key": '"k-1"'})
    again = served.calls.post(
        "/predict", json={"applications": [record]}, headers={"Idempotency-Key": "k-1", "X-Request-ID": "other"}
    )
    assert again.json() == first
    assert again.headers["X-Request-ID"] == "other"
    other = {**record, "payments": []}
    told = problem(
        served.calls.post("/predict", json={"applications": [other]}, headers={"Idempotency-Key": "k-1"}), 422
    )
    assert told["type"] == "urn:creditrisk:problem:idempotency_key_reused"
    problem(served.calls.post("/predict", json={"applications": [record]}, headers={"Idempotency-Key": "a b"}), 400)


def test_nothing_is_answered_that_was_not_kept(served: Served, record: Any) -> None:
    served.store.away = "gone fishing in SECRET"
    answer = served.calls.post("/predict", json={"applications": [record]})
    told = problem(answer, 503)
    assert int(answer.headers["Retry-After"]) >= 1
    assert "SECRET" not in answer.text
    assert told["type"] == "urn:creditrisk:problem:store_away"
    assert served.calls.get("/ready").status_code == 503
    assert served.calls.get("/health").status_code == 200
    served.store.away = None
    assert served.calls.get("/ready").status_code == 200
    decide(served, record)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "text/plain"}, b"{}", 415),
        ({}, b"{}", 415),
        ({**JSON, "Content-Encoding": "gzip"}, b"{}", 415),
        (JSON, b"", 400),
        (JSON, b"[" * 5000, 400),
        (JSON, b'{"applications": [NaN]}', 400),
        (JSON, b'{"applications": [1], "applications": [2]}', 400),
        (JSON, b"," * 3_000_000, 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    headers: dict[str, str], body: bytes, status: int, served: Served
) -> None:
    problem(served.calls.post("/predict", data=body, headers=headers), status)


def test_sixty_megabytes_of_commas_are_thrown_away_unread(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(reading, "read_json", lambda body: read.append(len(body)))
    commas = b"," * 65536
    for body in (commas * 960, (commas for _ in range(960))):  # with its length told, and without
        problem(served.calls.post("/predict", data=body, headers=JSON), 413)
    assert read == []


def test_a_body_without_an_end_is_cut_off(served: Served) -> None:
    sent = 0

    def endless() -> Any:
        nonlocal sent
        while sent < 1024 * 2**20:
            sent += 2**20
            yield b"," * 2**20

    with contextlib.suppress(OSError):  # told or not, the server hangs up while we are still sending
        served.calls.post("/predict", data=endless(), headers=JSON)
    assert sent < 512 * 2**20


def test_a_person_overrules_and_the_original_stays(served: Served, record: Any) -> None:
    (one,) = decide(served, record)["decisions"]
    path = f"/decisions/{one['decision_id']}"
    other = "refer" if one["decision"] != "refer" else "decline"
    body = {"decision": other, "role": "underwriter", "code": "COLLATERAL", "text": "a guarantor", "by": "eve"}
    answer = served.calls.post(f"{path}/override", json=body)
    assert answer.status_code == 201
    told = served.calls.get(path).json()
    assert told["decision"] == one["decision"]
    assert [(about["kind"], about["decision"]) for about in told["about_it"]] == [("override", other)]
    problem(served.calls.post(f"{path}/override", json=body), 409)
    metrics = served.calls.get("/metrics").text
    assert (
        f'creditrisk_overrides_total{{code="COLLATERAL",from_decision="{one["decision"]}",to_decision="{other}",'
        'user="eve"} 1.0'
    ) in metrics
    assert served.calls.get(f"{path}/disclosure").json()["decided_by"].startswith("a person")
    cells = [{**cell, "share": None} for cell in rates(served.store, "tiny")["by_all"]]
    cell = {"by": "eve", "code": "COLLATERAL", "from": one["decision"], "to": other, "overrides": 1, "share": None}
    assert cell in cells


def overruled(served: Served, record: Any) -> dict[str, Any]:
    """The answer to an override of a new decision."""
    (one,) = decide(served, record)["decisions"]
    other = "refer" if one["decision"] != "refer" else "decline"
    body = {"decision": other, "role": "underwriter", "code": "COLLATERAL", "text": "a guarantor", "by": "eve"}
    answer = served.calls.post(f"/decisions/{one['decision_id']}/override", json=body)
    assert answer.status_code == 201
    return dict(answer.json())


def test_an_override_is_an_act_of_the_person_in_the_audit_chain(serve: Serve, record: Any, tmp_path: Path) -> None:
    chain = tmp_path / "audit.jsonl"
    served = serve(tell_override=lambda told: append_override(chain, told, clock=SteppingClock()))
    told = overruled(served, record)
    (act,) = acts_about(chain, Act.OVERRIDDEN, book="tiny", override=told["override_id"])
    assert (act["actor"], act["hashes"]["decision"], act["hashes"]["to"]) == (
        "eve",
        told["decision_id"],
        told["decision"],
    )
    assert "guarantor" not in chain.read_text(encoding="utf-8")


def test_an_override_stands_where_the_audit_chain_cannot_be_written_and_is_made_up_for(
    serve: Serve, record: Any, tmp_path: Path
) -> None:
    chain = tmp_path / "audit.jsonl"
    chain.write_text("not a chain\n", encoding="utf-8")
    served = serve(tell_override=lambda told: append_override(chain, told, clock=SteppingClock()))
    told = overruled(served, record)
    assert "creditrisk_overrides_untold_total 1.0" in served.calls.get("/metrics").text
    chain.unlink()
    later = SteppingClock(datetime(2026, 1, 2, tzinfo=UTC))
    assert [tell_overrides(served.store, chain, ["tiny"], clock=later) for _ in range(2)] == [1, 0]
    (act,) = acts_about(chain, Act.OVERRIDDEN)
    assert (act["actor"], act["hashes"]["override"]) == ("eve", told["override_id"])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"code": "BECAUSE"}, "code"),
        ({"decision": "maybe"}, "decision"),
        ({"text": " "}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"role": 7}, "role"),
        ({"pd": 0.1}, "body"),
    ],
)
def test_an_override_says_who_why_and_what(change: dict[str, Any], where: str, served: Served) -> None:
    body = {"decision": "refer", "role": "underwriter", "code": "COLLATERAL", "text": "seen", **change}
    told = problem(served.calls.post(f"/decisions/{UUID}/override", json=body), 422)
    assert [one["where"] for one in told["problems"]] == [where]


def test_a_corrected_input_is_decided_by_both_models_and_kept(served: Served, record: Any) -> None:
    (one,) = decide(served, record)["decisions"]
    corrected = {**record, "application": {**record["application"], "debt": 10}}
    told = served.calls.post(f"/decisions/{one['decision_id']}/correct", json=corrected).json()
    assert told["of_that_day"]["pd"] == told["of_today"]["pd"] != one["pd"]
    about = served.store.about(one["decision_id"])
    assert [(kept.passport.kind, kept.passport.payload["correction"]["model"]) for kept in about] == [
        ("correction", "of_that_day"), ("correction", "of_today"),
    ]  # fmt: skip
    other = {**record, "application": {**record["application"], "loan_id": 8}, "payments": []}
    problem(served.calls.post(f"/decisions/{one['decision_id']}/correct", json=other), 422)


def test_a_disclosure_tells_data_sources_reasons_and_rights(served: Served, record: Any) -> None:
    (one,) = decide(served, record)["decisions"]
    told = served.calls.get(f"/decisions/{one['decision_id']}/disclosure").json()
    assert {each["category"] for each in told["data"]} == {"application", "payments"}
    assert "sex" in told["not_used"]
    assert set(told["your_rights"]) >= {"correct_data", "ask_for_a_person"}
    assert "ninety days late" in told["role_of_the_model"]


@pytest.mark.parametrize("path", [f"/decisions/{UUID}", f"/decisions/{UUID}/disclosure"])
def test_a_decision_that_is_not_kept_here_is_not_found(path: str, served: Served) -> None:
    problem(served.calls.get(path), 404)


def test_what_is_not_served_is_a_problem_too(served: Served) -> None:
    problem(served.calls.get("/nowhere"), 404)
    assert served.calls.delete("/predict").headers["Allow"] == "POST"
    problem(served.calls.delete("/predict"), 405)
    problem(served.calls.get("/decisions/not-an-id"), 422)


def test_every_answer_is_marked_as_nobodys_elses_business(served: Served) -> None:
    for path in ("/health", "/nowhere", "/metadata"):
        headers = served.calls.get(path).headers
        assert "Server" not in headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers


def test_a_request_id_that_is_none_is_replaced(served: Served) -> None:
    told = served.calls.get("/health", headers={"X-Request-ID": "x" * 500}).headers["X-Request-ID"]
    assert len(told) == 36


def test_the_examples_of_the_description_run_as_they_stand(served: Served, record: Any) -> None:
    described = served.calls.get("/openapi.json").json()
    (one,) = decide(served, record)["decisions"]
    ran = 0
    for path, methods in described["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {})
        for name in content.get("application/json", {}).get("examples", {}):
            body = described["components"]["examples"][name]["value"]
            if "correct" in path:
                body = {**body, "application": {**body["application"], "loan_id": 7}}
            if "override" in path:
                body = {**body, "decision": "refer" if one["decision"] != "refer" else "decline"}
            answer = served.calls.post(path.replace("{decision_id}", one["decision_id"]), json=body)
            assert answer.ok, (path, answer.text)
            ran += 1
    assert ran >= 5


def test_every_route_is_described_with_its_refusals(served: Served) -> None:
    for path, methods in served.calls.get("/openapi.json").json()["paths"].items():
        for told in methods.values():
            assert told["description"], path
            assert path in ("/ready", "/ping", "/version") or {"500", "503"} <= set(told["responses"]), path


def test_a_reload_that_cannot_be_told_to_the_other_workers_is_asked_for_again(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "serving").touch()  # where a folder should be
    answer = serve().calls.post("/admin/reload")
    problem(answer, 503)
    assert int(answer.headers["Retry-After"]) >= 1


def test_reload_says_that_nothing_changed(served: Served) -> None:
    assert served.calls.post("/admin/reload").json()["taken"] is False


def test_who_answers_for_the_model_is_told_as_the_registry_says_it_now(trained: Context, tmp_path: Path) -> None:
    registry = deepcopy(trained.registry)
    with serving(replace(trained, registry=registry), tmp_path) as served:
        before = served.calls.get("/metadata").json()["standing"]
        assert len(before["evidence_sha256"]) == 64
        assert before["waivers"] == ""
        registry.tag("tiny", 1, {"waivers": "slope by carl until 2026-06-30", "approvals": "bob, 2026-01-01"})
        assert served.calls.post("/admin/reload").json()["taken"] is False
        after = served.calls.get("/metadata").json()["standing"]
        assert after == {**before, "waivers": "slope by carl until 2026-06-30", "approvals": "bob, 2026-01-01"}


def test_an_alias_that_was_moved_by_hand_is_not_served(trained: Context, tmp_path: Path) -> None:
    registry = deepcopy(trained.registry)
    registry.set_alias("tiny", "production", 1)
    moved = replace(trained, registry=registry)
    with pytest.raises(Refused, match="no recorded move put there"), serving(moved, tmp_path, alias="production"):
        pass


def test_a_foreign_host_name_is_not_this_machine(served: Served) -> None:
    problem(served.calls.get("/metadata", headers={"Host": "evil.example"}), 403)
    assert served.calls.get("/metadata", headers={"Host": "localhost:8080"}).ok


def test_keys_open_what_their_roles_allow_and_nothing_else(serve: Serve, record: Any) -> None:
    made = {role: new_key(role, [role]) for role in ("score", "read", "review", "admin")}
    served = serve(CREDITRISK_API_KEYS=";".join(line for _, line in made.values()), host="0.0.0.0")
    body = {"json": {"applications": [record]}}

    def status(role: str, method: str, path: str, **more: Any) -> int:
        return served.calls.request(method, path, headers={"X-API-Key": made[role][0]}, **more).status_code

    assert [status(role, "POST", "/predict", **body) for role in made] == [200, 403, 403, 200]
    assert [status(role, "GET", "/metrics") for role in made] == [403, 200, 403, 200]
    assert [status(role, "POST", "/admin/reload") for role in made] == [403, 403, 403, 200]
    assert [status(role, "GET", f"/decisions/{UUID}") for role in made] == [403, 404, 404, 404]
    bearer = {"Authorization": f"Bearer {made['score'][0]}"}
    assert served.calls.post("/predict", headers=bearer, **body).ok
    assert served.store.records[-1].caller == "score"
    for headers in ({}, {"X-API-Key": "crk_wrong"}, {"Authorization": "Basic x"}, {"Authorization": "Bearer a.b.c"}):
        told = problem(served.calls.post("/predict", headers=headers, **body), 401)
        assert told["detail"] == "a valid API key or token is needed"
    assert served.calls.get("/health").ok
    assert served.calls.get("/ready").ok


def test_a_server_that_others_can_reach_does_not_start_without_keys(serve: Serve) -> None:
    with pytest.raises(BadUsage, match="needs keys"):
        serve(host="0.0.0.0")


def test_a_caller_above_its_rate_is_told_when_to_come_back(serve: Serve) -> None:
    served = serve(rate_per_second=0.01, rate_burst=2)
    answers = [served.calls.get("/metadata") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_the_chain_is_closed_when_the_server_stops(trained: Context, tmp_path: Path, record: Any) -> None:
    with serving(trained, tmp_path) as served:
        decide(served, record)
        assert not served.store.verify().chains[0].closed
    assert served.store.verify().chains[0].closed
    assert served.store.verify().unbroken


def test_log_lines_hold_no_value(served: Served, record: Any, capsys: pytest.CaptureFixture[str]) -> None:
    decide(served, {**record, "application": {**record["application"], "income": 31337.25}})
    told = capsys.readouterr()
    assert "31337" not in told.out + told.err
    assert json.dumps(record["application"]) not in told.out


def test_a_decision_replays_to_the_same_bits(served: Served, record: Any) -> None:
    (one,) = decide(served, {**record, "application": {**record["application"], "debt": 1234.005}})["decisions"]
    told = served.calls.post(f"/decisions/{one['decision_id']}/replay").json()
    assert (told["same"], told["differences"], told["environment_differences"]) == (True, [], [])


def test_an_explanation_adds_up_and_is_kept(served: Served, record: Any) -> None:
    answer = served.calls.post(
        "/explain", json={"applications": [record, record]}, headers={"Idempotency-Key": "why"}
    ).json()
    one = answer["decisions"][1]
    explanation = one["explanation"]
    added = sum(each["contribution"] for each in explanation["contributions"])
    assert explanation["base"] + added == pytest.approx(explanation["margin"])
    kept = served.store.find(one["decision_id"])
    assert kept is not None
    assert kept.passport.payload["explanation"] == explanation
    again = served.calls.post("/explain", json={"applications": [record, record]}, headers={"Idempotency-Key": "why"})
    assert again.json() == answer


def test_the_challenger_scores_what_was_answered_and_changes_nothing(serve: Serve, record: Any) -> None:
    served = serve(shadow_alias="candidate")
    (one,) = decide(served, record)["decisions"]
    served.calls.close()
    for _ in range(500):
        if about := served.store.about(one["decision_id"]):
            break
        served.calls.get("/health")
    (shadow,) = about
    assert shadow.passport.kind == "shadow"
    assert shadow.passport.payload["shadow"]["pd"] == 0.0
    assert shadow.passport.pd == one["pd"]


def test_the_framework_tells_nobody_about_requests(serve: Serve, record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to what the process has set up for OpenTelemetry, nor to what the environment names."""
    from opentelemetry import _logs, metrics, trace

    told = Mock()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: told)
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: told)
    monkeypatch.setattr(_logs, "get_logger_provider", lambda: told)
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    served = serve()
    decide(served, record)
    assert served.calls.get("/health").status_code == 200
    assert served.calls.get("/decisions/1/disclosure?format=none").status_code >= 400
    assert told.mock_calls == []
