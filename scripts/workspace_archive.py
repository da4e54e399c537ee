"""Brings a workspace to a machine that keeps nothing, and back: a runner of continuous delivery, somebody who approves.

    python -m scripts.workspace_archive fetch|keep WORKSPACE s3://bucket/workspace/home_credit.tar.gz

The archive holds what must not be lost: audit chain, ledger, evidence, approvals, bundles, reports, public keys, and
MLflow's data where there is no server. It holds no tables, which the pipeline makes again, and no private key.
Neither way may lose an act: the audit chain that is overwritten must be the beginning of the one that comes.
MLflow notes whole paths, and the folder is another one on each machine: fetched, they are those of here.
"""

from __future__ import annotations

import re
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from creditrisk.adapters.fsspec_storage import FsspecStorage
from creditrisk.errors import BadUsage, CreditRiskError, MissingObject, Refused

CHAIN = "audit.jsonl"
PACKAGES = "environment.lock"
"""Of a bundle: which packages it was made with. Every other .lock is held by a process."""
MLFLOW = "mlflow.db"
PATHS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""Where MLflow's database holds addresses of files: {table: columns}."""


def fetch(workspace: Path, uri: str, storage: FsspecStorage) -> str:
    """What is kept comes over what is here. Raises Refused where acts of here are not among those of the archive."""
    with tempfile.TemporaryDirectory() as folder:
        archive = _downloaded(uri, storage, Path(folder))
        if archive is None:
            return f"{uri} does not exist yet: this is the first run"
        with tarfile.open(archive) as kept:
            if not _chain_of(kept).startswith(_chain_in(workspace)):
                raise Refused(
                    "the workspace here has acts that the archive does not have",
                    where=str(workspace),
                    hint="keep it first, or fetch into another folder",
                )
            workspace.mkdir(parents=True, exist_ok=True)
            kept.extractall(workspace, filter="data")
    if (workspace / MLFLOW).exists():
        _rehome(workspace / MLFLOW, (workspace.resolve() / "mlartifacts").as_uri())
    return f"fetched {uri}"


def keep(workspace: Path, uri: str, storage: FsspecStorage) -> str:
    """What is here takes the place of what is kept. Raises Refused where somebody kept other acts meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        archive = _downloaded(uri, storage, Path(folder))
        if archive is not None:
            with tarfile.open(archive) as kept:
                if not _chain_in(workspace).startswith(_chain_of(kept)):
                    raise Refused(
                        "somebody else kept acts that this workspace does not have; nothing was written",
                        where=uri,
                        hint="fetch into an empty folder and do there what was done here",
                    )
        packed = Path(folder) / "packed.tar.gz"
        with tarfile.open(packed, "w:gz", compresslevel=1) as made:
            for path in sorted(workspace.rglob("*")):
                if path.is_file() and _is_kept(path.relative_to(workspace)):
                    made.add(path, path.relative_to(workspace).as_posix())
        storage.write(packed, uri)
    return f"kept {uri}"


def _rehome(database: Path, files: str) -> None:
    """Every address under the folder mlartifacts of another machine becomes one under `files`."""
    with closing(sqlite3.connect(database)) as connection, connection:
        told = connection.execute("select artifact_location from experiments").fetchall()
        homes = {found[1] for (one,) in told if (found := re.match(r"(file://.*/mlartifacts)(/|$)", one or ""))}
        for home in homes - {files}:
            for table, column in ((table, column) for table, columns in PATHS.items() for column in columns):
                connection.execute(
                    f"update {table} set {column} = :files || substr({column}, length(:home) + 1) "  # noqa: S608 - PATHS
                    f"where {column} = :home or substr({column}, 1, length(:home) + 1) = :home || '/'",
                    {"files": files, "home": home},
                )


def _is_kept(path: Path) -> bool:
    is_table = len(path.parts) > 2 and path.parts[1] == "data"
    is_held = path.suffix == ".lock" and path.name != PACKAGES
    return not (is_table or is_held or path.name.endswith((".key", ".partial", ".tmp")))


def _chain_in(workspace: Path) -> bytes:
    chain = workspace / CHAIN
    return chain.read_bytes() if chain.exists() else b""


def _chain_of(archive: tarfile.TarFile) -> bytes:
    if CHAIN not in archive.getnames():
        return b""
    chain = archive.extractfile(CHAIN)
    return chain.read() if chain else b""


def _downloaded(uri: str, storage: FsspecStorage, folder: Path) -> Path | None:
    into = folder / "kept.tar.gz"
    try:
        storage.stat(uri)
    except MissingObject:
        return None
    with storage.read(uri) as chunks, into.open("wb") as file:
        file.writelines(chunks)
    return into


def main(arguments: list[str]) -> int:
    """Exit code as of `creditrisk`."""
    try:
        match arguments:
            case ["fetch", workspace, uri]:
                told = fetch(Path(workspace), uri, FsspecStorage())
            case ["keep", workspace, uri]:
                told = keep(Path(workspace), uri, FsspecStorage())
            case _:
                raise BadUsage(
                    "fetch or keep, a workspace, and an address", hint=(__doc__ or "").splitlines()[2].strip()
                )
    except CreditRiskError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    print(told, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
