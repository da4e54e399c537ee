"""The few calls of MLflow's REST API that a registry needs, without importing MLflow, which takes seconds.

Names and arguments are those of `MlflowClient`, so that whoever asks need not know which of the two answers.
Source: https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

MOST_BYTES = 64 * 2**20
"""Of one answer: ten thousand versions with their tags are a fifth of it."""

PAUSES_S = (0.2, 0.8)
"""Before the second and the third try. Every call here may be made twice to the same effect."""

ARTIFACTS = "mlflow-artifacts/artifacts"
"""Where a server hands files on."""

ONLY_MLFLOW_KNOWS = (
    "MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_TRACKING_CLIENT_CERT_PATH",
    "MLFLOW_TRACKING_INSECURE_TLS",
)  # fmt: skip
"""Ways to reach a server that MLflow's own client has to take."""

OWN_AUTHORITIES = ("MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Files of certificates to trust in place of the system's, the first that is set; as MLflow's own client has it."""


class RestError(Exception):
    """The server did not do what it was asked.

    status: of HTTP; None where nobody answered, or not to the end.   error_code: MLflow's word for it, if it said one.
    """

    def __init__(self, what: str, *, status: int | None = None, error_code: str = "") -> None:
        super().__init__(what)
        self.status = status
        self.error_code = error_code

    @property
    def may_pass(self) -> bool:
        return self.status is None or self.status == 429 or self.status >= 500


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    name: str
    aliases: Mapping[str, str]
    """{alias: number of the version}"""


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    name: str
    version: str
    run_id: str
    tags: Mapping[str, str]


def speaks_plainly(tracking_uri: str) -> bool:
    """Is it a server that is reached by an address and a password or token, and in no way of MLflow's own?"""
    if urlsplit(tracking_uri).scheme not in {"http", "https"}:
        return False
    return not any(os.environ.get(name) for name in ONLY_MLFLOW_KNOWS) and not _password_file().exists()


def hands_on(location: str) -> bool:
    """Does the server itself hand the files at that address on? Others lie where only MLflow's own client can go.

    >>> hands_on("mlflow-artifacts:/1/models/m-1/artifacts"), hands_on("s3://bucket/1/models/m-1/artifacts")
    (True, False)
    """
    parts = urlsplit(location)
    return parts.scheme == "mlflow-artifacts" and not parts.netloc


def _password_file() -> Path:
    return Path("~/.mlflow/credentials").expanduser()


class RestClient:
    """A server at an http or https address.

    User and password are those of the address, else MLFLOW_TRACKING_USERNAME and _PASSWORD, else the token of
    MLFLOW_TRACKING_TOKEN, as MLflow's own client has it.
    """

    def __init__(self, tracking_uri: str) -> None:
        parts = urlsplit(tracking_uri)
        self._base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        self._headers = {"Accept": "application/json", **_authorization(parts.username, parts.password)}
        self._timeout_s = float(os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"))
        self._open = urllib.request.build_opener(_NoRedirect, *_trusting(parts.scheme)).open

    def get_registered_model(self, name: str) -> RegisteredModel:
        told = self._ask("GET", "registered-models/get", {"name": name})
        with _in_mlflows_words():
            aliases = told["registered_model"].get("aliases", [])
            return RegisteredModel(name, {each["alias"]: each["version"] for each in aliases})

    def search_model_versions(self, filter_string: str, *, max_results: int) -> list[RegisteredVersion]:
        question = {"filter": filter_string, "max_results": str(max_results)}
        pages = list(self._pages("model-versions/search", question))
        with _in_mlflows_words():
            return [_version(each) for page in pages for each in page.get("model_versions", [])]

    def get_model_version_download_uri(self, name: str, version: str) -> str:
        told = self._ask("GET", "model-versions/get-download-uri", {"name": name, "version": version})
        with _in_mlflows_words():
            return str(told["artifact_uri"])

    def download(self, location: str, into: Path) -> None:
        """The files below an address that `hands_on`, into a folder that is there."""
        self._download(urlsplit(location).path.strip("/"), into)

    def _download(self, path: str, into: Path) -> None:
        listed = self._ask("GET", "", {"path": path}, api=ARTIFACTS)
        with _in_mlflows_words():
            found = [(str(each["path"]).rpartition("/")[2], bool(each.get("is_dir"))) for each in listed["files"]]
        for name, is_folder in found:
            if name in {"", ".", ".."} or "\\" in name:
                raise RestError("the server names a file that is none", status=200)
            if is_folder:
                (into / name).mkdir()
                self._download(f"{path}/{name}", into / name)
            else:
                (into / name).write_bytes(self._again("GET", quote(f"{path}/{name}"), {}, ARTIFACTS))

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self._ask("POST", "registered-models/alias", {"name": name, "alias": alias, "version": version})

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        self._ask("DELETE", "registered-models/alias", {"name": name, "alias": alias})

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        self._ask("POST", "model-versions/set-tag", {"name": name, "version": version, "key": key, "value": value})

    def _pages(self, path: str, question: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        token: str | None = None
        while token != "":
            page = self._ask("GET", path, question if token is None else {**question, "page_token": token})
            yield page
            token = page.get("next_page_token", "")

    def _ask(self, method: str, path: str, question: Mapping[str, str], *, api: str = "mlflow") -> dict[str, Any]:
        return _object(self._again(method, path, question, api), path or api)

    def _again(self, method: str, path: str, question: Mapping[str, str], api: str) -> bytes:
        for pause_s in PAUSES_S:
            try:
                return self._once(method, path, question, api)
            except RestError as error:
                if not error.may_pass:
                    raise
            time.sleep(pause_s)
        return self._once(method, path, question, api)

    def _once(self, method: str, path: str, question: Mapping[str, str], api: str) -> bytes:
        address = f"{self._base}/api/2.0/{api}/{path}".rstrip("/")
        sent, headers = None, dict(self._headers)
        if method == "GET":
            address += f"?{urlencode(question)}" if question else ""
        else:
            sent = json.dumps(question).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(address, data=sent, headers=headers, method=method)
        try:
            with self._open(request, timeout=self._timeout_s) as answer:
                body: bytes = answer.read(MOST_BYTES + 1)
                if answer.length and len(body) <= MOST_BYTES:
                    raise http.client.IncompleteRead(body, answer.length)
                if len(body) > MOST_BYTES:
                    raise RestError(
                        f"what answers {path} is no MLflow server: {len(body):,} bytes and more", status=200
                    )
                return body
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise _told(refusal, path) from None
        except (OSError, http.client.HTTPException) as error:  # refused, reset, timed out, cut off, no such host
            reason = getattr(error, "reason", error)
            raise RestError(f"the server did not answer: {reason or type(error).__name__}") from error


@contextmanager
def _in_mlflows_words() -> Iterator[None]:
    """Something else may answer with an object too."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise RestError("what answers is no MLflow server: an object without what was asked for", status=200) from error


def _version(told: Mapping[str, Any]) -> RegisteredVersion:
    tags = {tag["key"]: tag.get("value", "") for tag in told.get("tags", [])}
    return RegisteredVersion(told["name"], told["version"], told.get("run_id", ""), tags)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A password is sent to the address that was given, and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _trusting(scheme: str) -> list[urllib.request.HTTPSHandler]:
    given = next((path for name in OWN_AUTHORITIES if (path := os.environ.get(name))), None)
    if scheme != "https" or given is None:
        return []
    try:
        is_folder = Path(given).is_dir()
        context = ssl.create_default_context(cafile=None if is_folder else given, capath=given if is_folder else None)
    except OSError as error:
        raise RestError(f"the certificates to trust cannot be read from {given}: {error}", status=200) from error
    return [urllib.request.HTTPSHandler(context=context)]


def _authorization(user: str | None, password: str | None) -> dict[str, str]:
    """What is in the address comes first; a user without a password counts as none, as with MLflow's own client."""
    if user and password:
        user, password = unquote(user), unquote(password)
    else:
        user, password = (os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("USERNAME", "PASSWORD"))
    if user and password:
        return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _object(body: bytes, path: str) -> dict[str, Any]:
    try:
        told = json.loads(body) if body.strip() else {}
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise RestError(f"what answers {path} is no MLflow server: {len(body):,} bytes that are no object", status=200)
    return told


def _told(refusal: urllib.error.HTTPError, path: str) -> RestError:
    """What the server said of it; a proxy's page is not told, only that it is none of MLflow's answers."""
    try:
        told = json.loads(refusal.read(MOST_BYTES))
        message, code = str(told["message"]), str(told.get("error_code", ""))
    except (ValueError, TypeError, KeyError, OSError, http.client.HTTPException):
        place = refusal.headers.get("Location")
        message, code = f"{path} was answered with a redirect to {place}" if place else f"{path} was refused", ""
    return RestError(f"{message} (HTTP {refusal.code})", status=refusal.code, error_code=code)
