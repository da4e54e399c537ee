"""What differs between the stores behind fsspec: how each is opened and closed, what it tells of an object.

Every library finds its own credentials, in the environment or by its provider's chain; none is passed here.
"""

from __future__ import annotations

import base64
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

type Info = Mapping[str, Any]
"""What fsspec's `info` tells of an object, in the store's own words."""

CONNECT_WITHIN_S = 10
ANSWER_WITHIN_S = 60
TRIES = 3


@dataclass(frozen=True)
class Store:
    """extra: what brings its library; "" when nothing is needed.  credentials: where it looks for them, for people."""

    open: Callable[[], Any]
    close: Callable[[Any], None]
    version: Callable[[Info], str | None]
    modified: Callable[[Info], datetime | None]
    md5: Callable[[Info], str | None]
    extra: str = ""
    credentials: str = ""
    address: str = ""
    """The variable that sends its requests elsewhere."""


def _open_local() -> Any:
    from fsspec.implementations.local import LocalFileSystem

    return LocalFileSystem(skip_instance_cache=True)


def _open_s3() -> Any:
    from s3fs import S3FileSystem

    _quiet("s3fs", "aiobotocore", "botocore")
    timeouts = {"connect_timeout": CONNECT_WITHIN_S, "read_timeout": ANSWER_WITHIN_S, "retries": {"max_attempts": 0}}
    store = S3FileSystem(skip_instance_cache=True, use_listings_cache=False, config_kwargs=timeouts)
    store.retries = TRIES  # its own tries; botocore's would multiply them
    return store


def _close_s3(store: Any) -> None:
    if store._s3 is not None:
        store.close_session(store.loop, store._s3creator)


def _open_azure() -> Any:
    from adlfs import AzureBlobFileSystem

    _quiet("adlfs", "azure")
    store = AzureBlobFileSystem(
        skip_instance_cache=True,
        use_listings_cache=False,
        connection_timeout=CONNECT_WITHIN_S,
        read_timeout=ANSWER_WITHIN_S,
    )
    # Azure waits 15 s and more before each retry, and adlfs has no option for it.
    retries = store.service_client._config.retry_policy
    retries.total_retries, retries.initial_backoff, retries.increment_base = TRIES - 1, 1, 2
    return store


def _close_azure(store: Any) -> None:
    from adlfs.utils import close_credential, close_service_client
    from fsspec.asyn import sync

    sync(store.loop, close_service_client, store)
    sync(store.loop, close_credential, store)


def _open_gcs() -> Any:
    # Its newer room for zonal buckets starts gRPC, which nothing here needs.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    from gcsfs import GCSFileSystem

    _quiet("gcsfs", "google")
    # Without this it would go on to a pickled token in the home folder, and then to reading as nobody.
    token = "anon" if os.environ.get("STORAGE_EMULATOR_HOST") else "google_default"
    return GCSFileSystem(
        skip_instance_cache=True, use_listings_cache=False, token=token, requests_timeout=ANSWER_WITHIN_S
    )


def _close_gcs(store: Any) -> None:
    from fsspec.asyn import sync

    if store._session is not None and not store._session.closed:
        sync(store.loop, store._session.close)


def _quiet(*loggers: str) -> None:
    """Their logs repeat as tracebacks what an error of ours says in one sentence."""
    for name in loggers:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _unquoted(etag: str | None) -> str | None:
    return etag.strip('"') if etag else None


def _since_1970(info: Info) -> datetime:
    return datetime.fromtimestamp(info["mtime"], UTC)


def _hex(digest: bytes | None) -> str | None:
    return digest.hex() if digest else None


STORES: Mapping[str, Store] = {
    "file": Store(
        open=_open_local,
        close=lambda _: None,
        version=lambda info: f"{info['ino']}-{info['mtime']}-{info['size']}",
        modified=_since_1970,
        md5=lambda _: None,
    ),
    "s3": Store(
        open=_open_s3,
        close=_close_s3,
        version=lambda info: _unquoted(info.get("ETag")),
        modified=lambda info: info.get("LastModified") or None,
        md5=lambda _: None,  # an ETag is one only without encryption by a key of one's own, and no answer says so
        extra="s3",
        credentials="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the machine's role",
        address="AWS_ENDPOINT_URL",
    ),
    "az": Store(
        open=_open_azure,
        close=_close_azure,
        version=lambda info: _unquoted(info.get("etag")),
        modified=lambda info: info.get("last_modified"),
        md5=lambda info: _hex((info.get("content_settings") or {}).get("content_md5")),
        extra="azure",
        credentials="AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and what Azure's own chain finds "
        "(az login, a managed identity)",
        address="BlobEndpoint in AZURE_STORAGE_CONNECTION_STRING",
    ),
    "gs": Store(
        open=_open_gcs,
        close=_close_gcs,
        version=lambda info: str(info["generation"]) if "generation" in info else None,
        modified=lambda info: info.get("mtime"),
        md5=lambda info: _hex(base64.b64decode(info.get("md5Hash") or "")),
        extra="gcs",
        credentials="GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, or the machine's account",
        address="STORAGE_EMULATOR_HOST",
    ),
}
"""Beginning of an address -> the store."""

SECRET = re.compile(r"(?<=://)[^/?#]*@|\?.*", re.DOTALL)


def shown(uri: str) -> str:
    """The address as it may be shown.

    >>> shown("s3://key:secret@bucket/table.csv?X-Amz-Signature=abc")
    's3://bucket/table.csv'
    """
    return SECRET.sub("", uri)
