"""What the small client makes of answers that are none, and that no password goes astray."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from creditrisk.adapters import mlflow_rest
from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.mlflow_rest import RestClient, speaks_plainly
from creditrisk.errors import ExitCode, OutsideFailed
from tests.support.faulty_server import FaultyServer, Served, faulty_server
from tests.support.server_process import free_port

MODEL = "/api/2.0/mlflow/registered-models/get"
VERSIONS = "/api/2.0/mlflow/model-versions/search"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FaultyServer]:
    """Version 1 and 2 of the model `loans`; asked by somebody without any settings of MLflow's."""
    for name in (
        *mlflow_rest.ONLY_MLFLOW_KNOWS,
        *(f"MLFLOW_TRACKING_{what}" for what in ("USERNAME", "PASSWORD", "TOKEN")),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(mlflow_rest, "PAUSES_S", (0.0, 0.0))
    with faulty_server() as running:
        running.files[MODEL] = told(
            {"registered_model": {"name": "loans", "aliases": [{"alias": "a", "version": "2"}]}}
        )
        running.files[VERSIONS] = told({"model_versions": [version("2", run_id="r2"), version("1")]})
        yield running


def told(answer: object) -> Served:
    return Served(json.dumps(answer).encode(), ranges=False)


def version(number: str, **more: str) -> dict[str, object]:
    return {"name": "loans", "version": number, "tags": [{"key": "bundle_sha256", "value": number * 64}], **more}


def registry(server: FaultyServer | str, folder: Path) -> MlflowRegistry:
    return MlflowRegistry(server if isinstance(server, str) else server.url, cache=folder)


def basic(user_and_password: str) -> str:
    return f"Basic {base64.b64encode(user_and_password.encode()).decode()}"


def failure_of(registry: MlflowRegistry) -> OutsideFailed:
    with pytest.raises(OutsideFailed) as failure:
        registry.versions("loans")
    assert failure.value.exit_code == ExitCode.OUTSIDE_FAILED
    assert failure.value.hint
    return failure.value


def test_versions_and_aliases_are_read(server: FaultyServer, tmp_path: Path) -> None:
    first, second = registry(server, tmp_path).versions("loans")
    assert (first.version, first.aliases, first.run_id, first.bundle_sha256) == (1, (), "", "1" * 64)
    assert (second.version, second.aliases, second.run_id) == (2, ("a",), "r2")


def test_mlflow_is_not_imported_to_ask_a_server(server: FaultyServer, tmp_path: Path) -> None:
    asking = (
        "import sys; from pathlib import Path; from creditrisk.adapters.mlflow_registry import MlflowRegistry; "
        "print(len(MlflowRegistry(sys.argv[1], cache=Path()).versions('loans')), 'mlflow' in sys.modules)"
    )
    command = [sys.executable, "-c", asking, server.url]
    assert subprocess.check_output(command, cwd=tmp_path, text=True).split() == ["2", "False"]


def test_a_bundle_is_fetched_file_by_file_without_mlflow(server: FaultyServer, tmp_path: Path) -> None:
    hand_on(server, {"manifest.json": b"{}", "sql/a b.sql": b"select 1"})
    fetching = (
        "import sys; from pathlib import Path; from creditrisk.adapters.mlflow_registry import MlflowRegistry; "
        "registry = MlflowRegistry(sys.argv[1], cache=Path('cache')); version = registry.versions('loans')[1]; "
        "print(registry.fetch(version), registry.fetch(version), 'mlflow' in sys.modules)"
    )
    command = [sys.executable, "-c", fetching, server.url]
    folder = f"cache/{'2' * 16}/bundle"
    assert subprocess.check_output(command, cwd=tmp_path, text=True).split() == [folder, folder, "False"]
    assert (tmp_path / folder / "manifest.json").read_bytes() == b"{}"
    assert (tmp_path / folder / "sql" / "a b.sql").read_bytes() == b"select 1"


@pytest.mark.parametrize("name", ["..", "a/..", ""])
def test_a_file_that_would_lie_elsewhere_is_refused_and_nothing_is_kept(
    server: FaultyServer, name: str, tmp_path: Path
) -> None:
    hand_on(server, {name: b"x"})
    asked = registry(server, tmp_path / "cache")
    version = asked.versions("loans")[1]
    with pytest.raises(OutsideFailed, match="a file that is none"):
        asked.fetch(version)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file() or path.name == "bundle"] == []


def hand_on(server: FaultyServer, files: dict[str, bytes]) -> None:
    """The server hands these on as the bundle of every version; names with a slash lie in one folder."""
    root, api = "1/models/m/artifacts/artifacts/bundle", "/api/2.0/mlflow-artifacts/artifacts"
    server.files["/api/2.0/mlflow/model-versions/get-download-uri"] = told(
        {"artifact_uri": "mlflow-artifacts:/1/models/m/artifacts"}
    )
    folders = {name.partition("/")[0] for name in files if "/" in name and not name.endswith("..")}
    here = [{"path": name, "is_dir": False} for name in files if name.partition("/")[0] not in folders]

    def answer(handler: object) -> bool:
        address = urlsplit(handler.path)  # type: ignore[attr-defined]
        if address.path != api:
            return False
        path = parse_qs(address.query)["path"][0]
        inside = [
            {"path": name.partition("/")[2], "is_dir": False}
            for name in files
            if path == f"{root}/{name.partition('/')[0]}"
        ]
        found = [*here, *({"path": name, "is_dir": True} for name in folders)] if path == root else inside
        handler.file(told({"files": found}))  # type: ignore[attr-defined]
        return True

    server.answer = answer
    for name, content in files.items():
        server.files[f"{api}/{root}/{quote(name)}"] = Served(content, ranges=False)


def test_versions_of_several_pages_are_all_read(server: FaultyServer, tmp_path: Path) -> None:
    pages = {"": ([version("1")], "next"), "next": ([version("2")], "last/=&"), "last/=&": ([version("3")], "")}
    asked: list[str] = []

    def answer(handler: object) -> bool:
        address = urlsplit(handler.path)  # type: ignore[attr-defined]
        if address.path != VERSIONS:
            return False
        asked.append(parse_qs(address.query).get("page_token", [""])[0])
        found, following = pages[asked[-1]]
        handler.file(told({"model_versions": found, "next_page_token": following}))  # type: ignore[attr-defined]
        return True

    server.answer = answer
    assert [each.version for each in registry(server, tmp_path).versions("loans")] == [1, 2, 3]
    assert asked == ["", "next", "last/=&"]


@pytest.mark.parametrize("fault", [("reset", 0), ("reset", 20), ("truncate", 20), ("status", 502), ("status", 429)])
def test_what_may_pass_is_asked_again(server: FaultyServer, fault: tuple[str, int], tmp_path: Path) -> None:
    server.files[MODEL].faults = [fault, fault]
    assert len(registry(server, tmp_path).versions("loans")) == 2
    assert len(server.asked) == 4


@pytest.mark.parametrize("fault", [("reset", 5), ("truncate", 5), ("status", 503)])
def test_what_does_not_pass_is_told_and_may_be_tried_later(
    server: FaultyServer, fault: tuple[str, int], tmp_path: Path
) -> None:
    server.files[MODEL].faults = [fault] * 9
    assert failure_of(registry(server, tmp_path)).retry_may_help
    assert len(server.asked) == 3


def test_a_server_that_is_away_is_told(server: FaultyServer, tmp_path: Path) -> None:
    failure = failure_of(registry(f"http://ann:secret@127.0.0.1:{free_port()}", tmp_path))
    assert "did not answer" in failure.what
    assert "is the server up" in failure.hint
    assert "secret" not in str(failure)


@pytest.mark.parametrize("status", [401, 403])
def test_what_is_not_allowed_is_told_at_once_without_the_password(
    server: FaultyServer, status: int, tmp_path: Path
) -> None:
    server.files[MODEL].status = status
    failure = failure_of(registry(server.url.replace("//", "//ann:secret@"), tmp_path))
    assert not failure.retry_may_help
    assert len(server.asked) == 1
    assert ("MLFLOW_TRACKING_USERNAME" in failure.hint) == (status == 401)
    assert "secret" not in str(failure)
    assert "ann" not in failure.where


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"[1, 2]", b'{"registered_model": ', b"\xff\xfe"])
def test_something_else_that_answers_is_no_server_of_mlflow(server: FaultyServer, body: bytes, tmp_path: Path) -> None:
    server.files[MODEL] = Served(body, ranges=False)
    assert "no MLflow server" in failure_of(registry(server, tmp_path)).what


@pytest.mark.parametrize("answer", [{}, {"registered_model": []}, {"registered_model": {"aliases": [{}]}}])
def test_an_answer_without_what_was_asked_for_is_told(server: FaultyServer, answer: object, tmp_path: Path) -> None:
    server.files[MODEL] = told(answer)
    assert "no MLflow server" in failure_of(registry(server, tmp_path)).what


def test_an_answer_without_end_is_not_read_to_its_end(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_rest, "MOST_BYTES", 100)
    assert "no MLflow server" in failure_of(registry(server, tmp_path)).what


def test_a_password_does_not_follow_a_redirect(server: FaultyServer, tmp_path: Path) -> None:
    with faulty_server() as elsewhere:
        server.files[MODEL] = Served(b"", status=302, headers={"Location": elsewhere.url + MODEL})
        failure = failure_of(registry(server.url.replace("//", "//ann:secret@"), tmp_path))
        assert elsewhere.asked == []
    assert "redirect" in failure.what


@pytest.mark.parametrize(
    ("address", "environment", "sent"),
    [
        ("http://", {}, None),
        ("http://", {"USERNAME": "ann", "PASSWORD": "s:ä%20"}, basic("ann:s:ä%20")),
        ("http://ben:p%40ss@", {"USERNAME": "ann", "PASSWORD": "x"}, basic("ben:p@ss")),
        ("http://", {"TOKEN": "t0k"}, "Bearer t0k"),
        ("http://", {"USERNAME": "ann", "PASSWORD": "x", "TOKEN": "t0k"}, basic("ann:x")),
        ("http://", {"USERNAME": "ann"}, None),
    ],
)
def test_who_asks_is_said_as_mlflows_own_client_says_it(
    server: FaultyServer,
    address: str,
    environment: dict[str, str],
    sent: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    registry(server.url.replace("http://", address), tmp_path).versions("loans")
    assert {each.headers.get("Authorization") for each in server.asked} == {sent}


def test_a_server_below_a_path_is_reached(server: FaultyServer, tmp_path: Path) -> None:
    server.files = {f"/team/mlflow{path}": served for path, served in server.files.items()}
    assert len(registry(f"{server.url}/team/mlflow/", tmp_path).versions("loans")) == 2


def test_ways_that_only_mlflows_own_client_knows_are_left_to_it(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert speaks_plainly(server.url)
    assert not speaks_plainly("databricks")
    assert not speaks_plainly("sqlite:///mlflow.db")
    with monkeypatch.context() as only:
        only.setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", "/etc/client.pem")
        assert not speaks_plainly(server.url)
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow" / "credentials").write_text("[mlflow]\n")
    assert not speaks_plainly(server.url)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_told(
    server: FaultyServer, content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(file))
    assert "certificates to trust" in failure_of(registry("https://127.0.0.1:9", tmp_path)).what
    assert len(registry(server, tmp_path).versions("loans")) == 2  # without https there is nothing to trust


def test_the_name_of_an_unknown_host_is_told(tmp_path: Path, server: FaultyServer) -> None:
    assert "did not answer" in failure_of(registry("http://no-such-host.invalid:5000", tmp_path)).what


def test_a_client_shows_no_password(server: FaultyServer) -> None:
    assert "secret" not in repr(RestClient(server.url.replace("//", "//ann:secret@")))
