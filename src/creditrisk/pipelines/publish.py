"""A run goes to a bucket: predictions, reports and bundle under a prefix of its own, and last the manifest.

The prefix holds the hash of all its files, so nothing under it is ever replaced: the same run again uploads nothing,
and a run that was cut goes on. Whoever reads looks for the manifest first: without it the run is not there yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditrisk.errors import BrokenFile, Refused
from creditrisk.files import PARTIAL, Hashes, checksums, read_json, whole_file, write_json
from creditrisk.governance import Act
from creditrisk.kinds import sha256_of_file, sha256_of_folder
from creditrisk.modelling import Bundle
from creditrisk.pipelines.addresses import copy_here, need_storage
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.fetch_sources import AT_ONCE
from creditrisk.pipelines.train_model import newest_bundle
from creditrisk.ports import BUNDLE_TAG, Storage, StoredObject

MANIFEST = "manifest.json"
PUBLICATION = "publication.json"
"""The local copy of the manifest, among the reports."""

PREDICTIONS = "test_predictions.parquet"


@dataclass(frozen=True)
class OwnFile:
    """One file to publish. md5: what stores compare; the manifest says sha256."""

    path: Path
    size: int
    sha256: str
    md5: str


def run(context: Context, to: str, *, dry_run: bool = False) -> dict[str, Any]:
    """Publish the newest bundle and the reports about it under `to`, an address of a folder.

    dry_run: look at both ends and upload nothing.
    Returns {uri, bundle_uri, files, bytes, uploaded, there, published}; the manifest is kept as publication.json.
    Raises Refused when the reports are about another bundle, BrokenFile when something else lies under the prefix,
    OutsideFailed when the store does not do its part.
    """
    storage = need_storage(context, to)
    bundle = _tested_bundle(context)
    context.progress("publish", "starting", 0.0)
    files = {name: _read(path) for name, path in sorted(_files(context, bundle))}
    hashes = {name: file.sha256 for name, file in files.items()}
    set_sha256 = sha256_of_folder(hashes)
    place = f"{to.rstrip('/')}/{context.book.name}/{bundle.sha256[:16]}/{set_sha256[:16]}"
    found = {each.uri: each for each in storage.list(place)}
    there = {name for name in files if _is_there(storage, files[name], found.get(f"{place}/{name}"))}
    missing = [name for name in files if name not in there]
    done = f"{place}/{MANIFEST}" in found
    if not dry_run:
        _upload(context, storage, {f"{place}/{name}": files[name] for name in missing})
        told = {
            "uri": place,
            BUNDLE_TAG: bundle.sha256,
            "set_sha256": set_sha256,
            "files": {name: {"size": file.size, "sha256": file.sha256} for name, file in files.items()},
            "invented_data": bundle.invented,
        }
        (_fetch_manifest if done else _write_manifest)(context, storage, told)
    context.progress("publish", "done", 1.0)
    return {
        "uri": place,
        "bundle_uri": f"{place}/bundle",
        "files": {name: file.size for name, file in files.items()},
        "bytes": sum(file.size for file in files.values()),
        "uploaded": 0 if dry_run else len(missing) + (not done),
        "there": len(there) + done,
        "published": done or not dry_run,
    }


def _tested_bundle(context: Context) -> Bundle:
    bundle = newest_bundle(context)
    tested = context.folder.report("test_metrics.json")
    if read_json(tested)["bundle_sha256"] != bundle.sha256:
        raise Refused(
            "the test figures are those of another bundle",
            where=str(tested),
            hint=f"creditrisk evaluate {context.book.name}",
        )
    return bundle


def _files(context: Context, bundle: Bundle) -> Iterator[tuple[str, Path]]:
    """(name under the prefix, file)."""
    folder = context.folder.bundle(bundle.sha256)
    for name in bundle.files:
        yield f"bundle/{name}", folder / name
    reports = context.folder.reports
    for path in reports.rglob("*"):
        name = path.relative_to(reports).as_posix()
        if path.is_file() and PARTIAL not in name and name != PUBLICATION:
            yield (f"predictions/{name}" if name == PREDICTIONS else f"reports/{name}"), path


def _read(path: Path) -> OwnFile:
    found = checksums(path)
    return OwnFile(path, path.stat().st_size, found.sha256, found.md5)


def _is_there(storage: Storage, file: OwnFile, stored: StoredObject | None) -> bool:
    """Whole and the same? A checksum of the store proves it where it agrees; else the object is read.

    Raises BrokenFile when another object has its name.
    """
    if stored is None:
        return False
    if stored.size == file.size and file.md5 in (stored.md5, stored.version):
        return True
    if stored.size != file.size or _sha256_at(storage, stored.uri) != file.sha256:
        raise BrokenFile(
            "another object lies where nothing is ever replaced",
            where=stored.uri,
            hint="find out who put it there; remove it, or publish --to another place",
        )
    return True


def _sha256_at(storage: Storage, uri: str) -> str:
    hashes = Hashes()
    with storage.read(uri) as chunks:
        for chunk in chunks:
            hashes.update(chunk)
    return hashes.checksums().sha256


def _upload(context: Context, storage: Storage, files: Mapping[str, OwnFile]) -> None:
    """Side by side; the first failure ends it, and what has arrived stays."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        sent = {pool.submit(storage.write, file.path, uri): uri for uri, file in files.items()}
        for number, future in enumerate(as_completed(sent), start=1):
            future.result()
            context.progress("publish", sent[future].rpartition("/")[2], 0.95 * number / len(files))
    finally:
        pool.shutdown(cancel_futures=True)


def _write_manifest(context: Context, storage: Storage, told: Mapping[str, Any]) -> None:
    """To the store, then among the reports: whoever finds it there knows that the run is out."""
    bundle, place = told[BUNDLE_TAG], told["uri"]
    with whole_file(context.folder.report(PUBLICATION)) as partial:
        write_json(partial, context.stamped(told, inputs={"bundle": bundle}))
        storage.write(partial, f"{place}/{MANIFEST}")
        manifest = sha256_of_file(partial)
    context.act(Act.PUBLISHED, {"bundle": bundle, "set": told["set_sha256"], "manifest": manifest, "uri": place})


def _fetch_manifest(context: Context, storage: Storage, told: Mapping[str, Any]) -> None:
    """The run was published before: its manifest must say the same, and is kept among the reports."""
    uri = f"{told['uri']}/{MANIFEST}"
    with whole_file(context.folder.report(PUBLICATION)) as partial:
        copy_here(storage, uri, partial)
        try:
            found = json.loads(partial.read_bytes())
            same = {key: found[key] for key in told} == told
        except (ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise BrokenFile(
                "the manifest of this run was altered", where=uri, hint="find out who did; publish --to another place"
            )
