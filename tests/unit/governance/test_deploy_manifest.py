"""Images by digest, endpoints without passwords, steps in order, and the schema that is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from creditrisk.errors import BadUsage, Refused
from creditrisk.governance.deploy_manifest import endpoints_of, images_of, rollback, rollout, schema, schema_faults

DIGEST = "sha256:" + "ab" * 32
BUNDLE = "cd" * 32


def test_an_image_by_its_digest_is_taken_apart() -> None:
    assert images_of([f"api=registry.example.org:5000/pd/api:1.2@{DIGEST}"]) == [
        {"name": "api", "reference": f"registry.example.org:5000/pd/api:1.2@{DIGEST}", "digest": DIGEST}
    ]


def test_a_tag_without_digest_is_refused_with_the_command_that_tells_it() -> None:
    with pytest.raises(Refused, match="no digest") as told:
        images_of(["api=pd/api:1.2"])
    assert "docker buildx imagetools inspect pd/api:1.2" in told.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "api", "pd/api:1.2", "=x", "Api=x", "api=", f"api=x; rm y@{DIGEST}", f"api=$(x)@{DIGEST}", "api=x@sha256:12",
     f"api=x@{DIGEST.upper()}", f"api=x@{DIGEST}@{DIGEST}", "api=x@md5:" + "ab" * 16],
)  # fmt: skip
def test_what_is_no_image_is_bad_usage(text: str) -> None:
    with pytest.raises(BadUsage):
        images_of([text])


def test_two_images_of_one_name_are_bad_usage() -> None:
    with pytest.raises(BadUsage, match="two images"):
        images_of([f"api=x@{DIGEST}", f"api=y@{DIGEST}"])


@given(st.text(max_size=80))
def test_whatever_is_given_is_an_image_by_digest_or_a_no(text: str) -> None:
    try:
        (image,) = images_of([text])
    except (BadUsage, Refused):
        return
    assert image["reference"].endswith(image["digest"])


def test_an_endpoint_has_its_health_paths_once() -> None:
    assert endpoints_of(["https://pd.example.org/", "https://pd.example.org"]) == [
        {"url": "https://pd.example.org", "health": "https://pd.example.org/health",
         "ready": "https://pd.example.org/ready"}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "pd.example.org", "ftp://x", "http://", "https://x?y=1", "https://x#y", "http://x:99999", "http://[x"]
)
def test_what_is_no_address_of_a_server_is_bad_usage(text: str) -> None:
    with pytest.raises(BadUsage, match="no address"):
        endpoints_of([text])


def test_a_password_in_an_endpoint_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadUsage) as told:
        endpoints_of(["https://ann:sesame@x"])
    assert "sesame" not in str(told.value)


def commands(steps: list[dict[str, Any]]) -> list[str]:
    assert [step["step"] for step in steps] == list(range(1, len(steps) + 1))
    assert all(step["does"] and step["command"] for step in steps)
    return [step["command"] for step in steps]


def test_a_rollout_checks_fetches_starts_and_then_looks_whether_the_bundle_decides() -> None:
    images, endpoints = images_of([f"api=x@{DIGEST}"]), endpoints_of(["https://pd.example.org"])
    told = commands(rollout("tiny", "production", BUNDLE, images, endpoints))
    assert told[0] == "creditrisk manifest tiny --check deploy_manifest.json"
    assert told[1] == f"docker pull x@{DIGEST}"
    assert told[2].startswith("docker run ")
    assert told[-1].endswith(f"https://pd.example.org/metadata | grep -qF {BUNDLE}")


def test_without_images_and_endpoints_a_rollout_starts_a_server() -> None:
    assert commands(rollout("tiny", "staging", BUNDLE, [], []))[-1] == "creditrisk serve tiny --alias staging"


def test_a_rollback_goes_to_the_version_before_and_looks_whether_that_decides() -> None:
    endpoints, before = endpoints_of(["https://pd.example.org"]), {"version": 1, "bundle_sha256": BUNDLE}
    told = commands(rollback("tiny", before, [], endpoints))
    assert told[0].startswith("creditrisk rollback tiny --by ")
    assert f"grep -qF {BUNDLE}" in told[-2]
    assert told[-1] == "creditrisk manifest tiny"


def test_without_a_version_before_a_rollback_ends_deciding() -> None:
    assert commands(rollback("tiny", None, images_of([f"api=x@{DIGEST}"]), [])) == ["docker stop creditrisk-api"]
    (told,) = commands(rollback("tiny", None, [], []))
    assert told.startswith("kill -TERM")


def test_the_shipped_schema_is_the_documented_one(repository: Path) -> None:
    name = "deploy_manifest.schema.json"
    shipped = repository / "src" / "creditrisk" / "governance" / "schemas" / name
    assert shipped.read_bytes() == (repository / "docs" / "schemas" / name).read_bytes()
    Draft202012Validator.check_schema(schema())


def test_what_breaks_the_schema_is_told_with_its_place() -> None:
    faults = schema_faults({"model": {"version": "three"}, "images": [{"reference": "x:1"}]})
    assert any(fault.startswith("$.model.version: ") for fault in faults)
    assert any(fault.startswith("$.images[0].reference: ") for fault in faults)
    assert any("required" in fault for fault in faults)
