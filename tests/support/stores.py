"""Real object stores on loopback, and the environment by which their clients find them: no other place says more."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from tests.support.components import require
from tests.support.server_process import serving

SECRET = "cGxhbnRlZC1zZWNyZXQtb2YtdGhlLWxlbmRlcg=="
"""Planted as key of every store; it may be seen nowhere. (Azure wants base64.)"""

VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE",
    "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_ANON", "GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST",
)  # fmt: skip


@dataclass(frozen=True)
class RunningStore:
    """kind: as in `source:`.  root: an address inside a bucket that exists.  variables: what its client reads."""

    kind: str
    root: str
    url: str
    variables: dict[str, str]

    def at(self, url: str) -> RunningStore:
        """The same, asked at another address: through something that breaks."""
        moved = {name: value.replace(self.url, url) for name, value in self.variables.items()}
        return replace(self, url=url, variables=moved)

    @contextmanager
    def environment(self, **other: str) -> Iterator[None]:
        """Only this store's variables, and `other`."""
        with patch.dict(os.environ, {**self.variables, **other}):
            for name in set(VARIABLES) - set(self.variables) - set(other):
                os.environ.pop(name, None)
            yield


@contextmanager
def running_s3(folder: Path) -> Iterator[RunningStore]:
    def command(port: int) -> list[str]:
        return ["moto.server", "-H", "127.0.0.1", "-p", str(port)]

    with serving(command, folder, ready="/moto-api/", environment={}) as url:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/lender", method="PUT"), timeout=30):
            pass
        yield RunningStore("s3", "s3://lender", url, s3_variables(url))


def s3_variables(url: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "lender",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
    }


@contextmanager
def running_azure(folder: Path) -> Iterator[RunningStore]:
    from azure.storage.blob import BlobServiceClient

    azurite = require("azurite")

    def command(port: int) -> list[str]:
        return [
            "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder), "--silent",
            "--skipApiVersionCheck", "--disableTelemetry", "--disableProductStyleUrl",
        ]  # fmt: skip

    with serving(
        command, folder, ready="/", environment={"AZURITE_ACCOUNTS": f"lender:{SECRET}"}, program=[azurite]
    ) as url:
        variables = azure_variables(url)
        with BlobServiceClient.from_connection_string(variables["AZURE_STORAGE_CONNECTION_STRING"]) as client:
            client.create_container("lender")
        yield RunningStore("azure", "az://lender", url, variables)


def azure_variables(url: str, key: str = SECRET) -> dict[str, str]:
    account = f"AccountName=lender;AccountKey={key};BlobEndpoint={url}/lender;"
    return {"AZURE_STORAGE_CONNECTION_STRING": f"DefaultEndpointsProtocol=http;{account}"}


@contextmanager
def running_gcs(folder: Path) -> Iterator[RunningStore]:
    def command(port: int) -> list[str]:
        at = ["--host", "127.0.0.1", "--port", str(port)]
        return ["gcp_storage_emulator", "start", *at, "--in-memory", "--default-bucket", "lender"]

    with serving(command, folder, ready="/", environment={"PYTHONWARNINGS": "ignore"}) as url:
        yield RunningStore("gcs", "gs://lender", url, {"STORAGE_EMULATOR_HOST": url})


RUNNING: dict[str, Callable[[Path], AbstractContextManager[RunningStore]]] = {
    "s3": running_s3,
    "azure": running_azure,
    "gcs": running_gcs,
}
