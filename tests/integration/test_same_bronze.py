"""The same book through every connector: the same bytes in bronze, to the last one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from creditrisk.adapters.fsspec_storage import FsspecStorage
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines import ingest_data
from creditrisk.sources import CONNECTORS
from tests.support.fake_kaggle import fake_kaggle
from tests.support.faulty_server import Served, faulty_server
from tests.support.stores import RunningStore
from tests.support.tiny_run import tiny_context, write_tiny_raw

# Between DVC and pygtrie.
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value will soon:DeprecationWarning")

FILES = {"application": "applications.csv", "payments": "payments.csv"}

type Sources = dict[str, dict[str, Any]]
"""Table -> its `source:`."""


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_raw(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="module")
def expected(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """{bronze file: sha256} of the files as they lie in a folder."""
    return ingested(tmp_path_factory.mktemp("expected"), raw)


def ingested(folder: Path, raw: Path, sources: Sources | None = None) -> dict[str, str]:
    """raw: where the files are, or where they land."""
    stated = {f"tables__{table}__source": source for table, source in (sources or {}).items()}
    storage = FsspecStorage()
    context = replace(tiny_context(folder, raw, **stated), storage=storage, from_sources=bool(sources))
    try:
        ingest_data.run(context)
    finally:
        storage.close()
    return {path.name: sha256_of_file(path) for path in sorted(context.folder.bronze.glob("*.parquet"))}


@contextmanager
def at_file(raw: Path, folder: Path, stores: Callable[[str], RunningStore]) -> Iterator[Sources]:
    (folder / "landed").mkdir()
    for name in FILES.values():
        (folder / "landed" / name).write_bytes((raw / name).read_bytes())
    yield {table: {"kind": "file"} for table in FILES}


@contextmanager
def at_http(raw: Path, folder: Path, stores: Callable[[str], RunningStore]) -> Iterator[Sources]:
    with faulty_server() as server:
        server.files = {f"/{name}": Served((raw / name).read_bytes()) for name in FILES.values()}
        yield {table: {"kind": "http", "options": {"url": f"{server.url}/{name}"}} for table, name in FILES.items()}


@contextmanager
def at_kaggle(raw: Path, folder: Path, stores: Callable[[str], RunningStore]) -> Iterator[Sources]:
    with pytest.MonkeyPatch.context() as patches, fake_kaggle(folder / "home", patches) as kaggle:
        kaggle.files = {f"datasets/lender/tiny/{name}": Served((raw / name).read_bytes()) for name in FILES.values()}
        yield {
            table: {"kind": "kaggle", "options": {"dataset": "lender/tiny", "file": name}}
            for table, name in FILES.items()
        }


@contextmanager
def at_store(kind: str, raw: Path, folder: Path, stores: Callable[[str], RunningStore]) -> Iterator[Sources]:
    store, storage = stores(kind), FsspecStorage()
    with store.environment():
        for name in FILES.values():
            storage.write(raw / name, f"{store.root}/{folder.name}/{name}")
        storage.close()
        yield {
            table: {"kind": kind, "options": {"uri": f"{store.root}/{folder.name}/{name}"}}
            for table, name in FILES.items()
        }


@contextmanager
def at_dvc(raw: Path, folder: Path, stores: Callable[[str], RunningStore]) -> Iterator[Sources]:
    """A repository whose files were pushed to its remote, and are nowhere else any more."""
    repo = folder / "repo"
    repo.mkdir()
    with patch.dict(os.environ, DVC_SITE_CACHE_DIR=str(folder / "site"), DVC_NO_ANALYTICS="1"):
        from dvc.config import Config
        from dvc.repo import Repo

        Repo.init(str(repo), no_scm=True).close()
        with Config(str(repo / ".dvc"), validate=False).edit("repo") as settings:
            settings["core"] = {**settings.get("core", {}), "remote": "lake"}
            settings["remote"] = {"lake": {"url": str(folder / "lake")}}
        for name in FILES.values():
            (repo / name).write_bytes((raw / name).read_bytes())
        with Repo(str(repo)) as tracked:
            tracked.add([str(repo / name) for name in FILES.values()])
            tracked.push()
        for path in [*(repo / ".dvc" / "cache").rglob("*"), *(repo / name for name in FILES.values())]:
            if path.is_file():
                path.unlink()
        yield {table: {"kind": "dvc", "options": {"repo": str(repo), "path": name}} for table, name in FILES.items()}


AT: dict[str, Callable[[Path, Path, Callable[[str], RunningStore]], Any]] = {
    "file": at_file,
    "http": at_http,
    "kaggle": at_kaggle,
    "s3": lambda *at: at_store("s3", *at),
    "azure": lambda *at: at_store("azure", *at),
    "gcs": lambda *at: at_store("gcs", *at),
    "dvc": at_dvc,
}


def test_every_connector_stands_in_this_comparison() -> None:
    assert set(CONNECTORS) - {"https"} <= set(AT)


@pytest.mark.parametrize("kind", [kind for kind in AT if kind in CONNECTORS])
def test_bronze_is_the_same_to_the_byte(
    kind: str,
    raw: Path,
    expected: dict[str, str],
    running_store: Callable[[str], RunningStore],
    tmp_path: Path,
) -> None:
    with AT[kind](raw, tmp_path, running_store) as sources:
        assert ingested(tmp_path, tmp_path / "landed", sources) == expected
    assert set(expected) == {"application.parquet", "payments.parquet"}
