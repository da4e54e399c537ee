"""Files that DVC tracks, from a real repository whose remote is a real object store: brought, explained, left alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from creditrisk.config.source import DvcOptions, DvcSource
from creditrisk.errors import BadConfig, BadUsage, CreditRiskError, MissingInput, OutsideFailed
from creditrisk.sources.dvc import DvcFile
from creditrisk.sources.raw_folder import RawFolder, Wanted
from tests.support.stores import SECRET, RunningStore

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:_NoneStep.value will soon:DeprecationWarning"),  # between DVC and pygtrie
]

OLD = b"loan_id,amount\n" + b"1,250.50\n" * 200_000
NEW = OLD + b"2,99.00\n"
MD5 = hashlib.md5(NEW, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Tracked:
    """A git repository with DVC in it, and the store that its remote is in."""

    root: Path
    store: RunningStore

    def file(self, **options: str) -> DvcFile:
        return DvcFile(DvcOptions(**{"path": "data/loans.csv", "repo": str(self.root), **options}))


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=ann", "-c", "user.email=ann@lender.example", *words],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def contents(root: Path) -> dict[str, str]:
    """{file: sha256} of everything in the repository, with DVC's own folder and git's."""
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def tracked(
    running_store: Callable[[str], RunningStore], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tracked]:
    """Two versions of one file, tagged v1 and v2, pushed; then the local copies are gone."""
    from dvc.config import Config
    from dvc.repo import Repo

    store, root = running_store("s3"), tmp_path_factory.mktemp("repository")
    site = tmp_path_factory.mktemp("site")
    (site / "aws-config").touch()  # DVC's S3 refuses the null device for it
    with store.environment(DVC_SITE_CACHE_DIR=str(site), AWS_CONFIG_FILE=str(site / "aws-config")):
        git(root, "init", "-q")
        Repo.init(str(root)).close()
        with Config(str(root / ".dvc"), validate=False).edit("repo") as settings:
            settings["core"] = {"remote": "lake"}
            settings["remote"] = {"lake": {"url": f"{store.root}/dvc", "endpointurl": store.url}}
        loans = root / "data" / "loans.csv"
        loans.parent.mkdir()
        for tag, content in (("v1", OLD), ("v2", NEW)):
            loans.write_bytes(content)
            with Repo(str(root)) as repo:
                repo.add([str(loans)])
                repo.push()
            git(root, "add", "-A")
            git(root, "commit", "-qm", tag)
            git(root, "tag", tag)
        shutil.rmtree(root / ".dvc" / "cache")
        loans.unlink()
        yield Tracked(root, store)


def landed(file: DvcFile) -> bytes:
    with file.read(0) as chunks:
        return b"".join(chunks)


def test_the_file_lands_whole_with_the_md5_that_dvc_states_as_its_version(tracked: Tracked, tmp_path: Path) -> None:
    before = contents(tracked.root)
    source = DvcSource(kind="dvc", options=DvcOptions(path="data/loans.csv", repo=str(tracked.root)))
    folder, wanted = RawFolder(tmp_path / "raw"), Wanted("application", "accepted", source)
    assert folder.bring(wanted, lambda *_: None)
    assert (folder.path / "accepted.csv").read_bytes() == NEW
    note = folder.fetched()["accepted.csv"]
    assert (note["version"], note["md5"]) == (MD5, MD5)
    assert note["modified"] is not None
    assert note["uri"] == f"dvc:{tracked.root}:data/loans.csv"
    assert not folder.bring(wanted, lambda *_: None)  # nothing to do a second time
    assert contents(tracked.root) == before


def test_an_earlier_revision_and_a_cloned_repository_give_the_same_bytes_as_pushed(tracked: Tracked) -> None:
    assert landed(tracked.file(rev="v1")) == OLD
    assert landed(tracked.file(repo=tracked.root.as_uri(), rev="v2")) == NEW


def test_reading_goes_on_from_any_byte(tracked: Tracked) -> None:
    with tracked.file().read(1_000_003) as chunks:
        assert b"".join(chunks) == NEW[1_000_003:]


def test_a_checked_out_file_that_somebody_edited_is_not_what_is_tracked(tracked: Tracked) -> None:
    edited = tracked.root / "data" / "loans.csv"
    edited.write_bytes(b"edited")
    try:
        assert landed(tracked.file()) == NEW
    finally:
        edited.unlink()


@pytest.mark.parametrize(
    ("options", "kind", "told", "hint"),
    [
        ({"path": "data/other.csv"}, MissingInput, 'DVC does not track "data/other.csv"', "dvc list"),
        ({"path": "data/loans.csv.dvc"}, MissingInput, "DVC does not track", "dvc list"),
        ({"path": "data"}, BadConfig, "is a folder", "name one file"),
        ({"rev": "v9"}, BadConfig, 'no revision "v9"', "rev:"),
        ({"remote": "pond"}, BadConfig, 'no remote "pond"', "dvc remote list"),
        ({"repo": "{empty}"}, BadConfig, "no DVC repository", ".dvc"),
        ({"repo": "{empty}/nowhere"}, OutsideFailed, "cannot be cloned", "git ls-remote"),
    ],
)
def test_what_is_wrong_with_the_source_is_said_with_the_remedy(
    options: dict[str, str], kind: type[CreditRiskError], told: str, hint: str, tracked: Tracked, tmp_path: Path
) -> None:
    asked = {name: value.replace("{empty}", str(tmp_path)) for name, value in options.items()}
    with pytest.raises(kind, match=told) as caught:
        tracked.file(**asked).stat()
    assert hint in caught.value.hint
    assert caught.value.where.startswith("dvc:")


def test_a_version_that_nobody_pushed_is_said_to_be_missing(tracked: Tracked, tmp_path: Path) -> None:
    from dvc.repo import Repo

    copy = tmp_path / "copy"
    shutil.copytree(tracked.root, copy)
    (copy / "data" / "loans.csv").write_bytes(b"loan_id,amount\n3,1.00\n")
    with Repo(str(copy)) as repo:
        repo.add([str(copy / "data" / "loans.csv")])
    shutil.rmtree(copy / ".dvc" / "cache")
    with pytest.raises(MissingInput, match='the remote "lake" does not hold this version') as caught:
        landed(tracked.file(repo=str(copy)))
    assert "dvc push" in caught.value.hint
    config = copy / ".dvc" / "config"
    config.write_text(config.read_text(encoding="utf-8").replace("[core]\n    remote = lake\n", ""), encoding="utf-8")
    with pytest.raises(BadConfig, match="no default remote") as without:
        landed(tracked.file(repo=str(copy)))
    assert "dvc remote add" in without.value.hint


class NoAccess(BaseHTTPRequestHandler):
    """A store that knows nobody."""

    def do_HEAD(self) -> None:
        self.send_response(403)
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def no_access() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), NoAccess) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def elsewhere(tracked: Tracked, url: str, folder: Path) -> DvcFile:
    """The same repository, its store looked for at another address."""
    copy = folder / "elsewhere"
    shutil.copytree(tracked.root, copy)
    config = copy / ".dvc" / "config"
    config.write_text(config.read_text(encoding="utf-8").replace(tracked.store.url, url), encoding="utf-8")
    return tracked.file(repo=str(copy))


def test_no_permission_and_no_credential_are_told_apart_and_not_tried_again(
    tracked: Tracked, no_access: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = elsewhere(tracked, no_access, tmp_path)
    with pytest.raises(OutsideFailed, match="does not let these credentials") as refused:
        landed(file)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(OutsideFailed, match="no valid credentials") as unknown:
        landed(tracked.file(repo=str(tracked.root), rev="v1"))
    for caught in (refused, unknown):
        assert not caught.value.retry_may_help
        assert SECRET not in str(caught.value)


def test_no_message_and_no_address_holds_a_password(tracked: Tracked) -> None:
    # The book's reader refuses such an address; whoever builds the options in code is not betrayed either.
    address = f"http://ann:{SECRET}@127.0.0.1:1/loans.git"
    file = DvcFile(DvcOptions.model_construct(path="data/loans.csv", repo=address, rev=None, remote=None))
    with pytest.raises(OutsideFailed) as caught:
        file.stat()
    assert SECRET not in str(caught.value)
    assert file.uri == "dvc:http://127.0.0.1:1/loans.git:data/loans.csv"


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "dvc.repo", None)
    with pytest.raises(BadUsage) as caught:
        DvcFile(DvcOptions(path="x.csv", repo=str(tmp_path))).stat()
    assert "creditrisk[dvc]" in caught.value.hint
    assert os.environ.get("DVC_NO_ANALYTICS") is None
