"""What a release needs in one file: which bytes, the steps forward and back, and what breaks its schema."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from creditrisk.errors import BadUsage, Refused

HEALTH, READY = "/health", "/ready"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*(?:@(?P<digest>\S*))?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

type Image = dict[str, str]
type Endpoint = dict[str, str]
type Step = dict[str, Any]


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of deploy_manifest.json, shipped with the package so that whoever deploys has it."""
    text = files("creditrisk.governance").joinpath("schemas", "deploy_manifest.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def schema_faults(manifest: Mapping[str, Any], most: int = 50) -> list[str]:
    """Where the manifest breaks its schema, each place with what is wrong there."""
    from jsonschema import Draft202012Validator

    found = sorted(Draft202012Validator(schema()).iter_errors(manifest), key=lambda error: error.json_path)
    return [f"{error.json_path}: {error.message[:200]}" for error in found[:most]]


def images_of(given: Sequence[str]) -> list[Image]:
    """Each `name=REFERENCE@sha256:...` taken apart.

    Raises Refused for a tag without digest, which can be moved to other bytes; BadUsage for anything else.
    """
    images: dict[str, Image] = {}
    for text in given:
        name, _, image = text.partition("=")
        if not _NAME.fullmatch(name):
            raise BadUsage(
                f"--image {text!r} is not NAME=REFERENCE@sha256:DIGEST", hint="for example api=reg/api@sha256:…"
            )
        reference, digest = pinned(image)
        if name in images:
            raise BadUsage(f'two images are called "{name}"', hint="give each a name of its own")
        images[name] = {"name": name, "reference": reference, "digest": digest}
    return list(images.values())


def pinned(image: str) -> tuple[str, str]:
    """(REFERENCE@sha256:..., sha256:...) of an image that is named so. Raises as `images_of` does."""
    asked = _REFERENCE.fullmatch(image)
    if asked is None:
        raise BadUsage(
            f"{image!r} is not REFERENCE@sha256:DIGEST", where="--image", hint="for example reg/api@sha256:…"
        )
    digest = asked["digest"] or ""
    if not digest:
        raise Refused(
            f"the image {image} has no digest, and a tag may mean other bytes tomorrow",
            where="--image",
            hint=f"docker buildx imagetools inspect {image} tells it; then {image}@sha256:<digest>",
        )
    if not _DIGEST.fullmatch(digest):
        raise BadUsage(f"{digest!r} is no digest", where="--image", hint="sha256: and 64 hex digits, in lower case")
    return image, digest


def endpoints_of(given: Sequence[str]) -> list[Endpoint]:
    """Each address of a server with the paths that tell its health. Raises BadUsage for what is no such address."""
    endpoints = []
    for text in dict.fromkeys(text.rstrip("/") for text in given):
        try:
            parts = urlsplit(text)
            there = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            there = False
        if not there or parts.query or parts.fragment:
            raise BadUsage("--endpoint is no address of a server", hint="for example https://pd.example.org")
        if "@" in parts.netloc:
            raise BadUsage("--endpoint holds a name or password", hint="give the address alone; callers send their key")
        endpoints.append({"url": text, "health": text + HEALTH, "ready": text + READY})
    return endpoints


def rollout(book: str, alias: str, bundle: str, images: Sequence[Image], endpoints: Sequence[Endpoint]) -> list[Step]:
    """From a checked file to servers that decide by this bundle, in order, each with the command that does it."""
    name = shlex.quote(book)
    steps = [
        (
            "Check this file against its schema and the registry",
            f"creditrisk manifest {name} --check deploy_manifest.json",
        )
    ]
    steps += [(f"Fetch the image {one['name']} by its digest", f"docker pull {one['reference']}") for one in images]
    steps += [
        (
            f"Start {one['name']}; creditrisk.env gives the secrets and settings that this file names",
            f"docker run --detach --name creditrisk-{one['name']} --env-file creditrisk.env {one['reference']}",
        )
        for one in images
    ]
    if not images and not endpoints:
        steps.append(("Start a server", f"creditrisk serve {name} --alias {alias}"))
    return _numbered([*steps, *_taken_over(bundle, endpoints)])


def rollback(
    book: str, previous: Mapping[str, Any] | None, images: Sequence[Image], endpoints: Sequence[Endpoint]
) -> list[Step]:
    """Back to the version before, without training; without one, to no decisions by a model at all."""
    name = shlex.quote(book)
    if previous is None:
        why = "no version before this one can decide"
        stops = [(f"Stop {one['name']}: {why}", f"docker stop creditrisk-{one['name']}") for one in images]
        lone = [(f"Stop the server: {why}", "kill -TERM $CREDITRISK_SERVER_PID")]
        return _numbered(stops or lone)
    back = ("Make production mean the version before", f"creditrisk rollback {name} --by NAME --note TEXT")
    again = ("Write down what is deployed now", f"creditrisk manifest {name}")
    return _numbered([back, *_taken_over(str(previous["bundle_sha256"]), endpoints), again])


def _taken_over(bundle: str, endpoints: Sequence[Endpoint]) -> list[tuple[str, str]]:
    key = '-H "X-API-Key: $CREDITRISK_ADMIN_KEY"'
    steps = []
    for endpoint in endpoints:
        url = shlex.quote(endpoint["url"])
        steps += [
            ("Take the model that the alias means now, at once", f"curl -fsS -X POST {key} {url}/admin/reload"),
            ("Wait until it is ready", f"curl -fsS --retry 30 --retry-all-errors --retry-delay 2 {url}{READY}"),
            ("See that it decides by this bundle", f"curl -fsS {key} {url}/metadata | grep -qF {bundle}"),
        ]
    return steps


def _numbered(steps: Sequence[tuple[str, str]]) -> list[Step]:
    return [{"step": number, "does": does, "command": command} for number, (does, command) in enumerate(steps, start=1)]


__all__ = [
    "HEALTH", "READY", "endpoints_of", "images_of", "pinned", "rollback", "rollout", "schema", "schema_faults",
]  # fmt: skip
