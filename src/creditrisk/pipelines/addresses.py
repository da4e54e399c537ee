"""Addresses in buckets where a command takes a folder or a file: what lies there comes here first."""

from __future__ import annotations

import hashlib
from collections.abc import Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from creditrisk.config import AzureSource, Book, GcsSource, S3Source, Source
from creditrisk.errors import BadUsage, BrokenFile, MissingObject
from creditrisk.files import whole_file
from creditrisk.governance.model_reference import MANIFEST
from creditrisk.pipelines.context import INVENTED_NOTE, Context
from creditrisk.pipelines.fetch_sources import AT_ONCE
from creditrisk.ports import Storage
from creditrisk.sources import ENDINGS, RawFolder, Wanted


def is_address(text: str | Path) -> bool:
    return "://" in str(text)


def folder_for(uri: str, raw: Path) -> Path:
    """Where the tables of an address land: a folder of its own, so that no file of another place is taken for one."""
    return raw / f"at-{hashlib.sha256(uri.rstrip('/').encode()).hexdigest()[:16]}"


def fetch_raw(context: Context, uri: str) -> None:
    """The raw tables under `uri` into context.raw. What is there and has not changed is not fetched again."""
    fetch_tables(context, context.book, uri, context.raw, stage="ingest")


def fetch_tables(context: Context, book: Book, uri: str, folder: Path, *, stage: str, scoring: bool = False) -> Path:
    """The tables of the book that lie in `uri`, into `folder`; or the one file that `uri` is.

    Returns the folder, or the file in it. Raises MissingObject when there is nothing under the address, BadUsage when
    it is not clear which file is meant.
    """
    storage, uri = need_storage(context, uri), uri.rstrip("/")
    found = {each.uri for each in storage.list(uri)}
    if not found:
        raise MissingObject("there is nothing under this address", where=uri, hint="correct it: a folder, or a file")
    wanted = {_stem(uri): uri} if uri in found else _tables(book, uri, found, scoring=scoring)
    folder.mkdir(parents=True, exist_ok=True)
    if f"{uri}/{INVENTED_NOTE}" in found:
        copy_here(storage, f"{uri}/{INVENTED_NOTE}", folder / INVENTED_NOTE)
    raw, done = RawFolder(folder, storage), 0

    def bring(stem: str) -> None:
        nonlocal done
        raw.bring(Wanted(stem, stem, source_at(wanted[stem])), lambda *_: None)
        done += 1
        context.progress(stage, f"fetched {stem}", 0.1 * done / len(wanted))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(bring, wanted))
    for name in raw.fetched():
        if _stem(name) not in wanted:  # it lay there once
            (folder / name).unlink(missing_ok=True)
    return next(folder.glob(f"{_stem(uri)}.*")) if uri in found else folder


def _tables(book: Book, uri: str, found: Set[str], *, scoring: bool) -> dict[str, str]:
    """{stem: address} of the files in the folder that the book knows."""
    wanted: dict[str, str] = {}
    for table in book.portfolio.tables.values():
        for stem in {table.file, table.score_file} if scoring else {table.file}:
            there = [f"{uri}/{stem}{ending}" for ending in ENDINGS if f"{uri}/{stem}{ending}" in found]
            if len(there) > 1:
                names = ", ".join(each.rpartition("/")[2] for each in there)
                raise BadUsage(
                    f'several files could be the table "{stem}": {names}', where=uri, hint="keep one of them"
                )
            wanted.update({str(stem): each for each in there})
    return wanted


def _stem(name: str) -> str:
    return name.rpartition("/")[2].split(".", 1)[0]


def fetch_bundle(context: Context, uri: str, folder: Path) -> Path:
    """The bundle at an address, or the one that was published there, as a local folder. Loading checks its hashes."""
    storage, uri = need_storage(context, uri), uri.rstrip("/")
    found = [each.uri for each in storage.list(uri)]
    root = f"{uri}/bundle" if f"{uri}/bundle/{MANIFEST}" in found else uri
    if f"{root}/{MANIFEST}" not in found:
        raise MissingObject(f"no bundle here: there is no {MANIFEST}", where=uri, hint="give what `publish` told")
    names = [each.removeprefix(f"{root}/") for each in found if each.startswith(f"{root}/")]
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise BrokenFile("the name points outside the bundle", where=f"{root}/{name}"[:200], hint="do not use it")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: copy_here(storage, f"{root}/{name}", folder / name), names))
    return folder


def copy_here(storage: Storage, uri: str, path: Path) -> None:
    """A small object as a local file, whole or not there."""
    with whole_file(path) as partial, storage.read(uri) as chunks, partial.open("wb") as out:
        out.writelines(chunks)


def need_storage(context: Context, uri: str) -> Storage:
    if context.storage is None:
        raise BadUsage("no object store can be reached from here", where=uri, hint="run it by `creditrisk`")
    return context.storage


def source_at(uri: str) -> Source:
    """The `source:` that a book would have for this object."""
    options, name = {"uri": uri}, uri.partition("://")[0]
    if name == "s3":
        return S3Source.model_validate({"kind": "s3", "options": options})
    if name == "az":
        return AzureSource.model_validate({"kind": "azure", "options": options})
    if name == "gs":
        return GcsSource.model_validate({"kind": "gcs", "options": options})
    raise BadUsage(
        f"no tables are fetched from {name}://", where=uri, hint="give s3://, az://, gs:// or a folder's path"
    )
