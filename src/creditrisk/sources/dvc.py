"""A file that DVC tracks: found by its repository, read from the repository's remote.

DVC's library reads the object as a stream, from any byte on. Neither its cache nor the checked-out file is written: the
user's repository stays as it is. What DVC keeps for itself lies in its own site cache, outside the repository. The
library sends no analytics; only DVC's command line does.
"""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from creditrisk.config.source import DvcOptions
from creditrisk.errors import BadConfig, BadUsage, CreditRiskError, MissingObject, OutsideFailed
from creditrisk.ports import StoredObject

_CHUNK = 2**20
_NO_REMOTE = "auto-generated-upstream"
"""What DVC calls the local cache when a repository has no default remote."""

_CREDENTIALS = {
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError",
    "UnauthorizedSSOTokenError", "DefaultCredentialsError", "ClientAuthenticationError", "ConfigAuthError",
}  # fmt: skip
"""By name, because the providers' libraries are DVC's affair and need not be installed."""


class DvcFile:
    """The version of the file that the repository names: by its md5 in the .dvc file or dvc.lock."""

    def __init__(self, options: DvcOptions) -> None:
        self._options = options

    @property
    def uri(self) -> str:
        repo = re.sub(r"//[^/@]*@", "//", self._options.repo)
        return f"dvc:{repo}:{self._options.path}" + (f"@{self._options.rev}" if self._options.rev else "")

    def stat(self) -> StoredObject:
        """Size and md5 as the repository states them; the time at which the remote got the object."""
        with self._opened() as repo, self._told():
            info = self._info(repo)
            entry = info["entry"]
            hash_info = entry.hash_info
            return StoredObject(
                self.uri,
                info["size"],
                version=hash_info.value if hash_info else None,
                modified=_pushed(repo, entry),
                md5=hash_info.value if hash_info and hash_info.name == "md5" else None,
            )

    @contextmanager
    def read(self, offset: int) -> Iterator[Iterator[bytes]]:
        """From DVC's cache where it holds the object, else straight from the remote."""
        with self._opened() as repo, self._stream(repo) as stream:
            yield self._chunks(stream, offset)

    def _stream(self, repo: Any) -> Any:
        with self._told():
            self._info(repo)
            try:
                return repo.datafs.open(self._path, mode="rb")
            except FileNotFoundError as error:
                raise self._never_pushed(repo) from error

    def _chunks(self, stream: Any, offset: int) -> Iterator[bytes]:
        with self._told():
            stream.seek(offset)
        while True:
            with self._told():
                chunk = stream.read(_CHUNK)
            if not chunk:
                return
            yield chunk

    @property
    def _path(self) -> str:
        return "/" + self._options.path.lstrip("/")

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """DVC's view of the repository at the revision."""
        try:
            from dvc.repo import Repo
            from dvc.repo.open_repo import clean_repos
        except ImportError as error:
            raise BadUsage(
                "files that DVC tracks need its library", where=self.uri, hint="pip install 'creditrisk[dvc]'"
            ) from error
        os.environ.setdefault("GIT_TERMINAL_PROMPT", "0")  # a run that nobody watches would wait for a password
        atexit.unregister(clean_repos)
        atexit.register(clean_repos)  # clones of repositories elsewhere
        with self._told():
            repo = Repo.open(self._options.repo, rev=self._options.rev, remote=self._options.remote)
        with repo:
            yield repo

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong in DVC becomes an error of ours. Never around a `yield` to whoever writes the bytes."""
        try:
            yield
        except CreditRiskError:
            raise
        except Exception as error:
            raise self._ours(error) from error

    def _info(self, repo: Any) -> Any:
        try:
            info = repo.datafs.info(self._path)
        except FileNotFoundError as error:
            raise MissingObject(
                f'DVC does not track "{self._options.path}"',
                where=self.uri,
                hint="`dvc list -R --dvc-only` in the repository names what it tracks",
            ) from error
        if info["type"] == "directory":
            raise BadConfig(f'"{self._options.path}" is a folder', where=self.uri, hint="name one file in it")
        return info

    def _never_pushed(self, repo: Any) -> CreditRiskError:
        remote = self._options.remote or repo.config["core"].get("remote") or _NO_REMOTE
        if remote == _NO_REMOTE:
            return BadConfig(
                "the file is not in DVC's cache, and the repository has no default remote",
                where=self.uri,
                hint="name one with `remote:` in portfolio.yaml, or `dvc remote add -d NAME URL`",
            )
        return MissingObject(
            f'the remote "{remote}" does not hold this version of the file',
            where=self.uri,
            hint="whoever tracked it must `dvc push` it",
        )

    def _ours(self, error: Exception) -> CreditRiskError:
        """By DVC's class names; its texts may hold addresses with credentials, and are not repeated."""
        names = {kind.__name__ for kind in type(error).__mro__}
        where, options = self.uri, self._options
        if names & {"NotDvcRepoError", "CloneError"} and Path(options.repo).exists():
            return BadConfig("this is no DVC repository", where=where, hint="`repo:` is the folder that holds .dvc")
        if "NotDvcRepoError" in names:
            return BadConfig("the repository does not use DVC", where=where, hint="correct `repo:` in portfolio.yaml")
        if "RevError" in names:
            return BadConfig(f'the repository has no revision "{options.rev}"', where=where, hint="correct `rev:`")
        if names & {"RemoteNotFoundError", "NoRemoteError"}:
            return BadConfig(
                f'the repository has no remote "{options.remote}"',
                where=where,
                hint="`dvc remote list` in the repository names them",
            )
        if "RemoteMissingDepsError" in names:
            scheme = str(getattr(error, "protocol", "") or "s3").removesuffix("s://").rstrip(":/")
            return BadUsage(
                f"DVC lacks what it needs for a remote of this kind ({scheme})",
                where=where,
                hint=f"pip install 'dvc[{scheme}]'",
            )
        if names & _CREDENTIALS:
            return OutsideFailed(
                "there are no valid credentials for the remote",
                where=where,
                hint="set them in the environment, as the provider's own tools read them",
                retry_may_help=False,
            )
        if "PermissionError" in names:
            return OutsideFailed(
                "the remote does not let these credentials read the file",
                where=where,
                hint="ask for permission to read it, or use other credentials",
                retry_may_help=False,
            )
        if "CloneError" in names:
            return OutsideFailed(
                "the repository cannot be cloned",
                where=where,
                hint="is the address right, the server reachable, and may you read it? try `git ls-remote`",
            )
        return OutsideFailed(
            f"DVC could not bring the file ({type(error).__name__})",
            where=where,
            hint="is the remote reachable? `dvc status -c` in the repository tells more",
        )


def _pushed(repo: Any, entry: Any) -> datetime | None:
    """When the remote got the object; None where it does not say, or is not needed and does not answer."""
    try:
        fs, path = repo.index.data["repo"].storage_map[entry.key].remote.get(entry)
        pushed = fs.modified(path)
    except Exception:  # noqa: BLE001  the time is worth having, but no reason to fail: reading tells what is wrong
        return None
    return pushed.astimezone(UTC) if isinstance(pushed, datetime) else None
