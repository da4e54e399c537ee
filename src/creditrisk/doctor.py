"""What is installed, reachable, configured, and what is missing: each with the command that mends it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypedDict

from creditrisk import __version__
from creditrisk.config import Workspace, load_book, read_settings, shipped_books
from creditrisk.errors import CreditRiskError
from creditrisk.features import check_sql
from creditrisk.governance import verify_audit
from creditrisk.governance.agreement import Records, aliases_of
from creditrisk.governance.ledger import announced
from creditrisk.ports import Registry

LIBRARIES = ("duckdb", "polars", "pyarrow", "numpy", "xgboost-cpu", "mlflow", "pandera", "sqlglot")
EXTRAS = {
    "s3": "s3fs",
    "azure": "adlfs",
    "gcs": "gcsfs",
    "kaggle": "kaggle",
    "dvc": "dvc",
    "postgres": "psycopg",
    "keyring": "keyring",
    "notify": "apprise",
    "aws": "boto3",
    "cloudwatch": "boto3",
    "spark": "pyspark",
}
"""Extra -> the library that it brings."""

GIB = 1024**3


class Check(TypedDict):
    """One line of the doctor. `needed`: without it the command answers 3."""

    what: str
    ok: bool
    needed: bool
    found: str
    hint: str


def examine(workspace: Path, registry: Registry) -> list[Check]:
    """Everything a run needs, in the order in which it needs it. Nothing is written."""
    return [
        _check("creditrisk", lambda: __version__),
        _check("Python", platform.python_version),
        *(_check(f"library {name}", partial(importlib.metadata.version, name)) for name in LIBRARIES),
        _check("xgboost-cpu alone", _one_xgboost),
        *(_check(f"extra {extra}", partial(_extra, extra), needed=False) for extra in EXTRAS),
        *(_check(f"book {name}", partial(_book, name)) for name in shipped_books()),
        _check("memory", _memory, needed=False),
        _check("disk", lambda: _disk(workspace), needed=False),
        _check("workspace", lambda: _workspace(workspace)),
        _check("audit chain", lambda: _chain(workspace)),
        _check("audit checkpoints", lambda: _checkpoints(workspace), needed=False),
        *(_check(f"aliases of {name}", partial(_aliases, workspace, registry, name)) for name in _deployed(workspace)),
        _check("tracking", lambda: read_settings().tracking_uri or f"SQLite in {workspace}"),
        _check("actor", lambda: read_settings().actor),
        _check("browser for page tests", lambda: _program("chromium", "apt-get install chromium"), needed=False),
        _check("Java for Spark", lambda: _program("java", "apt-get install openjdk-17-jre-headless"), needed=False),
    ]


def _check(what: str, look: Callable[[], str], *, needed: bool = True) -> Check:
    try:
        return {"what": what, "ok": True, "needed": needed, "found": look(), "hint": ""}
    except CreditRiskError as error:
        return {"what": what, "ok": False, "needed": needed, "found": error.what, "hint": error.hint}
    except importlib.metadata.PackageNotFoundError:
        return {"what": what, "ok": False, "needed": needed, "found": "not installed", "hint": "make env"}


def _one_xgboost() -> str:
    """The two packages overwrite each other's files."""
    if any(dist.metadata["Name"] == "xgboost" for dist in importlib.metadata.distributions()):
        raise CreditRiskError("xgboost is installed beside xgboost-cpu", hint="uninstall both, then make env")
    return "yes"


def _extra(extra: str) -> str:
    """A library that not everybody needs."""
    try:
        return f"{EXTRAS[extra]} {importlib.metadata.version(EXTRAS[extra])}"
    except importlib.metadata.PackageNotFoundError as error:
        raise CreditRiskError("not installed", hint=f"pip install 'creditrisk[{extra}]'") from error


def _book(name: str) -> str:
    return f"{len(check_sql(load_book(name)))} features"


def _memory() -> str:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    gib = pages * size / GIB
    if gib < 3:
        raise CreditRiskError(f"{gib:.1f} GiB", hint="lower CREDITRISK_MEMORY_LIMIT, e.g. 500MB")
    return f"{gib:.1f} GiB, of which DuckDB may use {read_settings().memory_limit} at a time"


def _disk(workspace: Path) -> str:
    place = workspace.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / GIB
    if free < 5:
        raise CreditRiskError(f"{free:.1f} GiB free", hint="the full Home Credit data need about 5 GiB")
    return f"{free:.0f} GiB free"


def _workspace(workspace: Path) -> str:
    if not workspace.exists():
        return f"{workspace} (made by the first run)"
    Workspace(workspace).open()
    if not os.access(workspace, os.W_OK):
        raise CreditRiskError(f"{workspace} cannot be written", hint="chown it, or give another --workspace")
    return str(workspace)


def _chain(workspace: Path) -> str:
    path = Workspace(workspace).audit
    if not path.is_file():
        return "empty"
    found = verify_audit(path)
    if not found.unbroken:
        raise CreditRiskError(f"{found.file}, line {found.line}: {found.problem}", hint="creditrisk audit verify")
    return f"{found.acts} acts, unbroken"


def _checkpoints(workspace: Path) -> str:
    path = Workspace(workspace).audit
    if not path.is_file():
        return "none yet"
    found = verify_audit(path)
    if found.covered_acts == 0:
        raise CreditRiskError("none: acts may be missing at the end", hint="creditrisk audit checkpoint")
    return f"{found.covered_acts} of {found.acts} acts covered, up to {found.covered_until}"


def _deployed(workspace: Path) -> list[str]:
    """Names of the books of this workspace that have models."""
    return sorted(models.parent.name for models in workspace.glob("*/models") if any(models.glob("*/bundle")))


def _aliases(workspace: Path, registry: Registry, name: str) -> str:
    """Does the registry say what the ledger says, and was every move finished?"""
    folder = Workspace(workspace).book(name)
    hint = f"creditrisk repair {name} --by NAME --note TEXT"
    move = announced(folder.unfinished_move)
    if move is not None:
        raise CreditRiskError(f"a move that {move.by} began is unfinished ({move.act.value}, {move.id})", hint=hint)
    versions = registry.versions(name)
    if told := Records(folder.ledger, folder.unfinished_move).disagreements(versions):
        raise CreditRiskError("; ".join(told), hint=hint)
    return ", ".join(f"{alias} = {number}" for alias, number in sorted(aliases_of(versions).items())) or "none"


def _program(name: str, install: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CreditRiskError("not found", hint=install)
    return found
