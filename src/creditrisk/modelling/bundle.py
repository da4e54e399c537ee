"""A trained model as a folder of plain files: written whole, named by its hash, loaded without running code."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BrokenFile, MissingInput, NewerSchema, did_you_mean
from creditrisk.files import whole_folder, write_json, write_text
from creditrisk.kinds import sha256_of, sha256_of_file, sha256_of_folder
from creditrisk.modelling.calibration import Calibrator, calibrator_from_json
from creditrisk.modelling.environment import environment_lock
from creditrisk.modelling.estimators import ESTIMATORS, Estimator
from creditrisk.modelling.levels import LevelLines
from creditrisk.modelling.peers import Proofs
from creditrisk.modelling.policy import DecisionPolicy
from creditrisk.modelling.preprocess import Preprocess
from creditrisk.modelling.scorer import Scorer

if TYPE_CHECKING:
    import pyarrow as pa

    from creditrisk.config import Book
    from creditrisk.modelling.train import TrainedModel

BUNDLE_SCHEMA = 2
"""2: with a calibration by level, which a version that knows 1 would leave out. Any other bundle is written as 1."""
MANIFEST = "manifest.json"
LINEAGE = "lineage.json"
LEVELS = "levels.json"
PEERS = "peers"
RESTORE = "restore the bundle from its registry"


@dataclass(frozen=True)
class Bundle(Scorer):
    """A model ready to score, exactly as the files of its folder say.

    sha256: the bundle's name everywhere.  manifest: what manifest.json says.  files: every file's bytes, by its path
    inside the folder, as they were when their hashes were checked.
    """

    sha256: str
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    estimator: Estimator
    preprocess: Preprocess
    calibrator: Calibrator
    policy: DecisionPolicy
    levels: LevelLines | None = None

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @property
    def key(self) -> str:
        """Column that names the entity."""
        return str(self.manifest["entity"]["key"])

    @property
    def reference(self) -> dict[str, Any]:
        """Histograms of the development rows, for drift."""
        return _json(self.files, "reference.json")

    @cached_property
    def peers(self) -> dict[str, pa.Table]:
        """Raw rows of the people that prove reasons, by table; {} when the bundle keeps nobody."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = [name for name in self.files if name.startswith(f"{PEERS}/")]
        return {Path(name).stem: pq.read_table(pa.BufferReader(self.files[name])) for name in names}

    @cached_property
    def lineage(self) -> dict[str, dict[str, list[str]]]:
        """{feature: {table: raw columns that can change it}}."""
        return _json(self.files, LINEAGE) if LINEAGE in self.files else {}

    @cached_property
    def members(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Places of each reason's features, and which part of each is the reason's; both shape (reasons, most of one).

        At least one wide; where a reason has fewer, some place with a part of 0.
        """
        listed = self.policy.members(self.preprocess.names)
        places = np.zeros((len(listed), max(map(len, listed), default=1)), np.int64)
        parts = np.zeros(places.shape)
        for group, own in enumerate(listed):
            for number, (place, part) in enumerate(own):
                places[group, number], parts[group, number] = place, part
        return places, parts

    @property
    def invented(self) -> bool:
        """Were the training rows made up?"""
        return bool(self.manifest["invented_data"])


def save_bundle(
    folder: Path, model: TrainedModel, book: Book, *, invented: bool = False, proofs: Proofs | None = None
) -> str:
    """Write the bundle, whole or not at all; returns its sha256. The same inputs give the same bytes.

    The folder is also a book (`config.load_book` reads it): the portfolio as this run read it, command line included,
    with its SQL, contracts and reasons, so that raw records can be scored years later without anything else.
    invented: the training rows were made up, and everything made with this bundle says so.
    proofs: what its reasons are proved with; without it they stay unproved.
    """
    policy = model.policy.with_proofs(proofs) if proofs else model.policy
    with whole_folder(folder) as partial:
        for name, content in model.estimator.to_files().items():
            (partial / name).write_bytes(content)
        write_json(partial / "preprocess.json", model.preprocess.to_json())
        write_json(partial / "calibration.json", model.calibrator.to_json())
        if model.levels:
            write_json(partial / LEVELS, model.levels.to_json())
        write_json(partial / "policy.json", policy.to_json())
        if proofs:
            write_json(partial / LINEAGE, proofs.lineage_json())
            _write_peers(partial, proofs)
        write_json(partial / "reference.json", model.reference)
        write_text(partial / "environment.lock", environment_lock())
        _copy_book(book, partial)
        manifest = _manifest(model, book, invented=invented)
        files = {name: sha256_of_file(partial / name) for name in _names(partial)}
        manifest["files"] = {**files, MANIFEST: sha256_of(manifest)}
        manifest["bundle"] = sha256_of_folder(manifest["files"])
        write_json(partial / MANIFEST, manifest)
    return str(manifest["bundle"])


def load_bundle(folder: Path, *, expected: str | None = None, threads: int = 1) -> Bundle:
    """The bundle in that folder, every hash checked. threads: for predictions; they do not change a bit of them.

    expected: the sha256 (or its beginning) that the bundle must have.
    Raises MissingInput without a bundle, BrokenFile naming the damaged, missing or surplus file, NewerSchema.
    """
    if not (folder / MANIFEST).is_file():
        raise MissingInput("no bundle here", where=str(folder / MANIFEST), hint="train a model first")
    files = {name: (folder / name).read_bytes() for name in _names(folder)}
    manifest = _checked_manifest(files, folder)
    _check_files(files, manifest, folder)
    if expected is not None and not manifest["bundle"].startswith(expected):
        raise BrokenFile(
            f"this is bundle {manifest['bundle'][:16]}, not {expected[:16]}",
            where=str(folder),
            hint="somebody replaced the folder: restore it, or register the new bundle",
        )
    preprocess = Preprocess.from_json(_json(files, "preprocess.json"))
    estimator = str(manifest.get("estimator"))
    if estimator not in ESTIMATORS:
        raise BrokenFile(
            f'unknown estimator "{estimator}"', where=str(folder / MANIFEST), hint=did_you_mean(estimator, ESTIMATORS)
        )
    return Bundle(
        sha256=manifest["bundle"],
        manifest=manifest,
        files=files,
        estimator=ESTIMATORS[estimator].from_files(files, preprocess.features, threads=threads),
        preprocess=preprocess,
        calibrator=calibrator_from_json(_json(files, "calibration.json")),
        policy=DecisionPolicy.from_json(_json(files, "policy.json")),
        levels=LevelLines.from_json(_json(files, LEVELS), preprocess.names) if LEVELS in files else None,
    )


def _write_peers(partial: Path, proofs: Proofs) -> None:
    import pyarrow.parquet as pq

    for table, rows in proofs.peers.items():
        (partial / PEERS).mkdir(exist_ok=True)
        pq.write_table(rows, partial / PEERS / f"{table}.parquet", compression="zstd")


def _copy_book(book: Book, partial: Path) -> None:
    import yaml

    from creditrisk.config import BESIDE_THE_MODEL

    portfolio = book.portfolio.model_dump(mode="json", exclude_none=True, exclude=set(BESIDE_THE_MODEL))
    write_text(partial / "portfolio.yaml", yaml.safe_dump(portfolio, sort_keys=False, allow_unicode=True, width=120))
    _copy(book.folder / "reasons.yaml", partial / "reasons.yaml")
    for table in book.portfolio.tables:
        _copy(book.folder / "contracts" / f"{table}.yaml", partial / "contracts" / f"{table}.yaml")
    target = [book.sql_file(book.portfolio.target.sql)] if book.portfolio.target.sql else []
    for file in (*book.sql, *target):
        write_text(partial / "sql" / f"{file.name}.sql", file.text)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _manifest(model: TrainedModel, book: Book, *, invented: bool) -> dict[str, Any]:
    return {
        "schema_version": BUNDLE_SCHEMA if model.levels else 1,
        "name": book.name,
        "estimator": model.estimator.name,
        "rounds": model.rounds,
        "parameters": model.parameters,
        "seed": model.seed,
        "entity": book.portfolio.entity.model_dump(mode="json"),
        "features": list(model.preprocess.names),
        "preset": book.portfolio.features.preset,
        "invented_data": invented,
        "checks_off": [off.model_dump(mode="json") for off in book.portfolio.checks_off],
        "leaks_released": [release.model_dump(mode="json") for release in book.portfolio.leak_radar.released],
    }


def _checked_manifest(files: Mapping[str, bytes], folder: Path) -> dict[str, Any]:
    """The manifest, once its own bytes, its own hash and the bundle's hash agree."""
    where = str(folder / MANIFEST)
    manifest = _json(files, MANIFEST, where)
    version = manifest.get("schema_version")
    if isinstance(version, int) and version > BUNDLE_SCHEMA:
        raise NewerSchema(
            f"the bundle has schema {version}, this version knows {BUNDLE_SCHEMA}",
            where=where,
            hint="use the version of creditrisk that made it, or a newer one",
        )
    told = manifest.get("files")
    own = {name: value for name, value in manifest.items() if name not in ("files", "bundle")}
    as_written = json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    if (
        not isinstance(told, dict)
        or told.get(MANIFEST) != sha256_of(own)
        or manifest.get("bundle") != sha256_of_folder(told)
        or as_written.encode() != files[MANIFEST]
    ):
        raise BrokenFile("the manifest has been altered", where=where, hint=RESTORE)
    return manifest


def _check_files(files: Mapping[str, bytes], manifest: Mapping[str, Any], folder: Path) -> None:
    told = {name: sha256 for name, sha256 in manifest["files"].items() if name != MANIFEST}
    found = set(files) - {MANIFEST}
    for name in sorted(set(told) - found):
        raise BrokenFile("the bundle's file is missing", where=str(folder / name), hint=RESTORE)
    for name in sorted(found - set(told)):
        raise BrokenFile("the file does not belong to the bundle", where=str(folder / name), hint="remove it")
    for name, sha256 in sorted(told.items()):
        if hashlib.sha256(files[name]).hexdigest() != sha256:
            raise BrokenFile("the file is damaged or has been altered", where=str(folder / name), hint=RESTORE)


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _json(files: Mapping[str, bytes], name: str, where: str | None = None) -> dict[str, Any]:
    try:
        value = json.loads(files[name])
    except (KeyError, ValueError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenFile(f"not JSON: {error}", where=where or name, hint=RESTORE) from error
    if not isinstance(value, dict):
        raise BrokenFile("expected a JSON object", where=where or name, hint=RESTORE)
    return value
