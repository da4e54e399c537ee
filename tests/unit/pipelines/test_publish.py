"""A run in a bucket: whole or not to be seen, and never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from creditrisk.adapters.fsspec_storage import FsspecStorage
from creditrisk.errors import BrokenFile, OutsideFailed, Refused
from creditrisk.pipelines import publish
from creditrisk.pipelines.context import Context
from creditrisk.ports import StoredObject
from tests.support.schemas import faults


@pytest.fixture
def storage() -> Iterator[FsspecStorage]:
    opened = FsspecStorage()
    yield opened
    opened.close()


@pytest.fixture
def publishing(own: Context, storage: FsspecStorage) -> Context:
    return replace(own, storage=storage)


@pytest.fixture
def local(tmp_path: Path) -> str:
    return f"file://{tmp_path / 'bucket'}"


def names_at(storage: FsspecStorage, place: str) -> set[str]:
    return {found.uri.removeprefix(f"{place}/") for found in storage.list(place)}


def acts(context: Context) -> list[str]:
    return [json.loads(line)["act"] for line in context.workspace.audit.read_text(encoding="utf-8").splitlines()]


def test_everything_of_a_run_lies_under_one_prefix_and_the_same_run_again_uploads_nothing(
    publishing: Context, storage: FsspecStorage, local: str
) -> None:
    told = publish.run(publishing, local)
    place = told["uri"]
    assert place.startswith(f"{local}/tiny/")
    assert names_at(storage, place) == {*told["files"], "manifest.json"}
    assert {"bundle/manifest.json", "reports/metrics.json", "predictions/test_predictions.parquet"} <= set(
        told["files"]
    )
    again = publish.run(publishing, f"{local}/")
    assert (told["uploaded"], told["there"]) == (len(told["files"]) + 1, 0)
    assert (again["uri"], again["uploaded"], again["there"]) == (place, 0, told["uploaded"])
    assert faults(publishing.folder.report("publication.json")) == []
    assert acts(publishing).count("published") == 1


def test_a_dry_run_says_the_same_and_writes_nothing(publishing: Context, storage: FsspecStorage, local: str) -> None:
    told = publish.run(publishing, local, dry_run=True)
    assert (told["uploaded"], told["there"], told["published"]) == (0, 0, False)
    assert storage.list(local) == []
    assert not publishing.folder.report("publication.json").exists()
    assert publish.run(publishing, local)["uri"] == told["uri"]
    assert publish.run(publishing, local, dry_run=True)["published"]


class Cut(FsspecStorage):
    """Fails after some uploads."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left, self.sent = after, []  # type: ignore[var-annotated]

    def write(self, local: Path, uri: str) -> StoredObject:
        self.left -= 1
        if self.left < 0:
            raise OutsideFailed("the line was cut", where=uri)
        self.sent.append(uri)
        return super().write(local, uri)


def test_a_run_that_was_cut_has_no_manifest_and_goes_on(
    publishing: Context, storage: FsspecStorage, local: str
) -> None:
    with pytest.raises(OutsideFailed):
        publish.run(replace(publishing, storage=Cut(after=5)), local)
    place = publish.run(publishing, local, dry_run=True)["uri"]
    assert len(names_at(storage, place)) == 5
    assert "manifest.json" not in names_at(storage, place)
    assert not publishing.folder.report("publication.json").exists()
    rest = Cut(after=1000)
    told = publish.run(replace(publishing, storage=rest), local)
    assert told["there"] == 5
    assert rest.sent[-1] == f"{place}/manifest.json"
    assert len(rest.sent) == told["uploaded"] == len(told["files"]) + 1 - 5


@pytest.mark.parametrize("name", ["reports/metrics.json", "manifest.json"])
def test_a_file_that_somebody_changed_in_the_bucket_is_refused(
    name: str, publishing: Context, storage: FsspecStorage, local: str, tmp_path: Path
) -> None:
    place = publish.run(publishing, local)["uri"]
    changed = Path(place.removeprefix("file://")) / name
    changed.write_bytes(changed.read_bytes().replace(b'sha256": "', b'sha256": "0', 1))
    with pytest.raises(BrokenFile) as caught:
        publish.run(publishing, local)
    assert caught.value.where == f"{place}/{name}"


def test_other_bytes_in_a_report_are_another_run_beside_the_first(publishing: Context, local: str) -> None:
    first = publish.run(publishing, local)["uri"]
    publishing.folder.report("run_summary.html").write_text("<p>another page</p>", encoding="utf-8")
    second = publish.run(publishing, local)["uri"]
    assert first.rpartition("/")[0] == second.rpartition("/")[0]
    assert first != second


def test_reports_about_another_bundle_are_not_published(publishing: Context, local: str) -> None:
    path = publishing.folder.report("test_metrics.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**told, "bundle_sha256": "0" * 64}), encoding="utf-8")
    with pytest.raises(Refused, match="another bundle"):
        publish.run(publishing, local)
