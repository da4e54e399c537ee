"""Files in a bucket as connectors see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from creditrisk.config.source import BucketOptions
from creditrisk.errors import BadConfig
from creditrisk.ports import StoredObject
from creditrisk.sources import CONNECTORS

BEGINS = {"s3": "s3://", "azure": "az://", "gcs": "gs://"}


class OneObject:
    """A store with one object."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stat(self, uri: str) -> StoredObject:
        return StoredObject(uri, len(self.content), "1")

    @contextmanager
    def read(self, uri: str, *, offset: int = 0) -> Iterator[Iterator[bytes]]:
        assert uri
        yield iter([self.content[offset:]])

    def list(self, uri: str) -> Sequence[StoredObject]:
        return [self.stat(uri)]

    def write(self, local: Path, uri: str) -> StoredObject:
        raise NotImplementedError


@pytest.mark.parametrize("kind", BEGINS)
def test_an_object_is_read_from_any_byte_on(kind: str) -> None:
    options = BucketOptions(uri=f"{BEGINS[kind]}bucket/table.csv")
    remote = CONNECTORS[kind](options, OneObject(b"loan_id,bad\n"))
    assert remote.uri == options.uri
    assert remote.stat() == StoredObject(options.uri, 12, "1")
    with remote.read(8) as chunks:
        assert b"".join(chunks) == b"bad\n"


@pytest.mark.parametrize("kind", BEGINS)
def test_an_address_of_another_kind_is_a_wrong_book(kind: str) -> None:
    other = {"s3": "gs://", "azure": "s3://", "gcs": "az://"}[kind]
    with pytest.raises(BadConfig) as caught:
        CONNECTORS[kind](BucketOptions(uri=f"{other}bucket/table.csv"), OneObject(b""))
    assert BEGINS[kind] in caught.value.what


def test_without_stores_the_connector_says_so() -> None:
    with pytest.raises(BadConfig, match="object store"):
        CONNECTORS["s3"](BucketOptions(uri="s3://bucket/table.csv"), None)
