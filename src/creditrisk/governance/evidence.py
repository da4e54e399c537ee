"""The evidence pack: what a model's approval is given on, by hash, with a frozen copy of every file it names.

models/<bundle16>/evidence/<first 16 of the pack's sha256>/ holds evidence_pack.json, the copies under their names, and
the folder `approvals`. A pack is never changed: other evidence is another pack beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditrisk.errors import BrokenFile
from creditrisk.files import PARTIAL, whole_folder
from creditrisk.kinds import canonical_json

EVIDENCE, PACK, APPROVALS, BUNDLE = "evidence", "evidence_pack.json", "approvals", "bundle"
RESTORE = "restore it from a copy; else freeze the evidence again (creditrisk validate), and have it approved again"


@dataclass(frozen=True, slots=True)
class Pack:
    """Frozen evidence. sha256: of the canonical JSON of `body`, which is what people approve.

    body: as docs/schemas/evidence_pack.schema.json says.  folder: of the copies.
    """

    sha256: str
    body: Mapping[str, Any]
    folder: Path

    @property
    def approvals(self) -> Path:
        return self.folder / APPROVALS


def freeze(model_folder: Path, body: Mapping[str, Any], files: Mapping[str, bytes]) -> Pack:
    """Write the pack whole or not at all, and return it.

    model_folder: models/<bundle16>, which holds the bundle.  body: without `files`, which are hashed here.
    files: {name relative to reports/: its bytes}.
    Raises BrokenFile where the same pack lies there already and was altered.
    """
    told = {**body, "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}}
    spelled = canonical_json(told)
    sha256 = hashlib.sha256(spelled).hexdigest()
    folder = folder_of(model_folder, sha256)
    if not (folder / PACK).exists():
        with whole_folder(folder) as partial:
            for name, content in files.items():
                (partial / name).parent.mkdir(parents=True, exist_ok=True)
                (partial / name).write_bytes(content)
            (partial / PACK).write_bytes(spelled + b"\n")
    return load_pack(model_folder, sha256)


def load_pack(model_folder: Path, sha256: str) -> Pack:
    """The pack of that hash, every byte of it and of the bundle checked.

    Raises BrokenFile naming the file that is missing, altered or surplus.
    """
    folder = folder_of(model_folder, sha256)
    body = _read_body(folder / PACK, sha256)
    _check(folder, {PACK: None, **body["files"]}, dict(_files_in(folder)))
    bundle = model_folder / BUNDLE
    _check(bundle, body["bundle"], dict(_files_in(bundle)))
    return Pack(sha256, body, folder)


def folder_of(model_folder: Path, sha256: str) -> Path:
    return model_folder / EVIDENCE / sha256[:16]


def _read_body(path: Path, sha256: str) -> dict[str, Any]:
    if not path.is_file():
        raise BrokenFile("the evidence pack is missing", where=str(path), hint=RESTORE)
    content = path.read_bytes()
    if not content.endswith(b"\n") or hashlib.sha256(content[:-1]).hexdigest() != sha256:
        raise BrokenFile("the evidence pack was altered", where=str(path), hint=RESTORE)
    return dict(json.loads(content))


def _check(folder: Path, told: Mapping[str, str | None], found: Mapping[str, Path]) -> None:
    """told: {name: sha256 of its bytes, None = checked already}."""
    for name in sorted(set(told) - set(found)):
        raise BrokenFile("the file is missing from the evidence", where=str(folder / name), hint=RESTORE)
    for name in sorted(set(found) - set(told)):
        raise BrokenFile("the file does not belong to the evidence", where=str(folder / name), hint="remove it")
    for name, sha256 in sorted(told.items()):
        if sha256 is not None and hashlib.sha256(found[name].read_bytes()).hexdigest() != sha256:
            raise BrokenFile("the file was altered since it became evidence", where=str(folder / name), hint=RESTORE)


def _files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Everything but the approvals, and what a killed writer left."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if not path.is_dir() and name.parts[0] != APPROVALS and not path.name.startswith(PARTIAL):
            yield name.as_posix(), path
