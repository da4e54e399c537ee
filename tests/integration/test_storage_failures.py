"""What a store may refuse or fail to do, in one sentence with what to do next; the planted key is told nowhere."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from creditrisk.adapters.fsspec_storage import FsspecStorage
from creditrisk.errors import BadUsage, MissingInput, OutsideFailed
from tests.support.faulty import Answer, answering
from tests.support.stores import SECRET, RunningStore, azure_variables, s3_variables

NOBODY = "http://127.0.0.1:9"


def s3_error(status: int, code: str) -> Answer:
    return Answer(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{SECRET}</Message></Error>")


def azure_error(status: int, code: str) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{SECRET}</Message></Error>"
    return Answer(status, body, {"x-ms-error-code": code, "Content-Type": "application/xml"})


def gcs_error(status: int, message: str) -> Answer:
    told = {"error": {"code": status, "message": f"{message} {SECRET}"}}
    return Answer(status, json.dumps(told), {"Content-Type": "application/json"})


def store_at(kind: str, url: str) -> RunningStore:
    variables = {"s3": s3_variables(url), "azure": azure_variables(url), "gcs": {"STORAGE_EMULATOR_HOST": url}}
    return RunningStore(kind, {"s3": "s3://b", "azure": "az://b", "gcs": "gs://b"}[kind], url, variables[kind])


@pytest.fixture
def storage() -> Iterator[FsspecStorage]:
    opened = FsspecStorage()
    yield opened
    opened.close()
    gc.collect()


@pytest.fixture
def quick_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries wait between their tries; here for a moment only."""
    real = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda _seconds, *rest: real(0.001, *rest))


def acts(storage: FsspecStorage, root: str, local: Path) -> dict[str, Callable[[], object]]:
    def read() -> bytes:
        with storage.read(f"{root}/table.csv") as chunks:
            return b"".join(chunks)

    return {
        "stat": lambda: storage.stat(f"{root}/table.csv"),
        "read": read,
        "list": lambda: storage.list(f"{root}/folder"),
        "write": lambda: storage.write(local, f"{root}/table.csv"),
    }


def failures(storage: FsspecStorage, store: RunningStore, tmp_path: Path) -> list[OutsideFailed]:
    """What each act says."""
    local = tmp_path / "local.csv"
    local.write_bytes(b"loan_id\n1\n")
    said = []
    with store.environment():
        for act in acts(storage, store.root, local).values():
            with pytest.raises(OutsideFailed) as caught:
                act()
            assert caught.value.where.startswith(store.root)
            assert caught.value.hint
            assert SECRET not in str(caught.value)
            said.append(caught.value)
    return said


@pytest.mark.parametrize(
    ("kind", "answer", "told"),
    [
        ("s3", s3_error(403, "AccessDenied"), "may not do this"),
        ("s3", s3_error(403, "InvalidAccessKeyId"), "does not accept the credentials (InvalidAccessKeyId)"),
        ("s3", s3_error(403, "SignatureDoesNotMatch"), "does not accept the credentials (SignatureDoesNotMatch)"),
        ("s3", s3_error(400, "ExpiredToken"), "expired"),
        ("azure", azure_error(403, "AuthorizationPermissionMismatch"), "may not do this"),
        ("azure", azure_error(403, "AuthenticationFailed"), "does not accept the credentials (AuthenticationFailed)"),
        ("azure", azure_error(401, "NoAuthenticationInformation"), "no credentials"),
        ("gcs", gcs_error(403, "does not have storage.objects.get access"), "may not do this"),
        ("gcs", gcs_error(401, "Anonymous caller"), "does not accept the credentials (401)"),
    ],
)
def test_a_refusal_is_told_once_and_waiting_does_not_help(
    kind: str, answer: Answer, told: str, storage: FsspecStorage, tmp_path: Path,
    quick_waits: None, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with answering(answer) as url:
        said = failures(storage, store_at(kind, url), tmp_path)
    assert [failure.what for failure in said if told not in failure.what] == []
    assert not any(failure.retry_may_help for failure in said)
    assert "".join(capsys.readouterr()) == ""


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("s3", s3_error(503, "SlowDown")),
        ("s3", s3_error(500, "InternalError")),
        ("azure", azure_error(503, "ServerBusy")),
        ("gcs", gcs_error(503, "try again")),
        ("gcs", gcs_error(429, "too many")),
    ],
)
def test_a_store_that_is_busy_may_answer_later(
    kind: str, answer: Answer, storage: FsspecStorage, tmp_path: Path,
    quick_waits: None, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with answering(answer) as url:
        said = failures(storage, store_at(kind, url), tmp_path)
    assert all(failure.retry_may_help for failure in said)
    assert "".join(capsys.readouterr()) == ""


@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_a_store_that_is_away_may_come_back(
    kind: str, storage: FsspecStorage, tmp_path: Path, quick_waits: None, capsys: pytest.CaptureFixture[str]
) -> None:
    said = failures(storage, store_at(kind, NOBODY), tmp_path)
    assert all(failure.retry_may_help for failure in said)
    assert "".join(capsys.readouterr()) == ""


@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_without_credentials_the_message_says_where_they_are_looked_for(
    kind: str, storage: FsspecStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    store = store_at(kind, NOBODY)
    kept = {
        name: value
        for name, value in store.variables.items()
        if name in ("AWS_EC2_METADATA_DISABLED", "AWS_DEFAULT_REGION")
    }
    said = failures(
        storage,
        RunningStore(
            kind,
            store.root,
            NOBODY,
            {**kept, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"},
        ),
        tmp_path,
    )
    variable = {
        "s3": "AWS_ACCESS_KEY_ID",
        "azure": "AZURE_STORAGE_CONNECTION_STRING",
        "gcs": "GOOGLE_APPLICATION_CREDENTIALS",
    }[kind]
    assert [(failure.what, variable in failure.hint) for failure in said] == [("no credentials were found", True)] * 4
    assert not any(failure.retry_may_help for failure in said)
    assert "".join(capsys.readouterr()) == ""


@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_a_bucket_that_is_not_there_is_missing_input(
    kind: str, storage: FsspecStorage, tmp_path: Path, running_store: Callable[[str], RunningStore]
) -> None:
    store = running_store(kind)
    local = tmp_path / "local.csv"
    local.write_bytes(b"1")
    root = store.root.replace("lender", "nobody")
    with store.environment():
        for name, act in acts(storage, root, local).items():
            if name == "list" and kind == "azure":  # says that nothing is there
                continue
            with pytest.raises(MissingInput):
                act()


@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_a_library_that_is_not_installed_is_named_with_its_extra(
    kind: str, storage: FsspecStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = {"s3": "s3fs", "azure": "adlfs", "gcs": "gcsfs"}[kind]
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with store_at(kind, NOBODY).environment(), pytest.raises(BadUsage) as caught:
        storage.stat(store_at(kind, NOBODY).root + "/table.csv")
    assert caught.value.hint == f"pip install 'creditrisk[{kind}]'"


@pytest.mark.parametrize(
    "uri",
    [
        f"s3://key:{SECRET}@bucket/table.csv",
        f"s3://bucket/table.csv?X-Amz-Signature={SECRET}",
        f"az://container/blob?sig={SECRET}",
        f"ftp://ann:{SECRET}@bucket/table.csv",
        "s3://",
        "table.csv",
    ],
)
def test_an_address_with_a_credential_or_without_a_bucket_is_refused(uri: str, storage: FsspecStorage) -> None:
    with pytest.raises(BadUsage) as caught:
        storage.stat(uri)
    assert SECRET not in str(caught.value)
    assert caught.value.hint
