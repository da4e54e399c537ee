"""The wheel of this project, made from the installed package itself: no network, no build backend, the same bytes."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import creditrisk
from creditrisk.errors import MissingInput
from creditrisk.files import PARTIAL, whole_file

PROJECT = "creditrisk"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file knows
_WHEEL = "Wheel-Version: 1.0\nGenerator: creditrisk\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build_wheel(folder: Path) -> Path:
    """Write `creditrisk-<version>-py3-none-any.whl` into the folder and return its path.

    Works from an editable install and from an installed wheel; package data (books, templates) comes along. Nothing
    is compressed, so that the bytes do not depend on the machine's zlib.
    Raises MissingInput when the package runs without being installed: its metadata are needed.
    """
    members = _package_files() | _metadata_files()
    info = _dist_info()
    members[f"{info}/RECORD"] = _record(members, info)
    path = folder / f"{PROJECT}-{creditrisk.__version__}-py3-none-any.whl"
    with whole_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, members[name])
    return path


def _dist_info() -> str:
    return f"{PROJECT}-{creditrisk.__version__}.dist-info"


def _package_files() -> dict[str, bytes]:
    """{name in the wheel: bytes} of everything in the package's folder that is not a leftover of running it."""
    package = Path(creditrisk.__file__).resolve().parent
    return {
        f"{PROJECT}/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not _is_leftover(path.relative_to(package))
    }


def _is_leftover(path: Path) -> bool:
    return any(part == "__pycache__" or part.startswith((PARTIAL, ".")) for part in path.parts)


def _metadata_files() -> dict[str, bytes]:
    """METADATA, entry points and licences as they were installed; WHEEL as this module makes it."""
    installed = _installed()
    texts = {name: installed.read_text(name) for name in ("METADATA", "entry_points.txt")}
    for path in installed.files or ():
        if ".dist-info/licenses/" in path.as_posix():
            name = "licenses/" + path.as_posix().partition("/licenses/")[2]
            texts[name] = installed.read_text(name)
    texts["WHEEL"] = _WHEEL
    return {f"{_dist_info()}/{name}": text.encode("utf-8") for name, text in texts.items() if text}


def _installed() -> Distribution:
    try:
        return distribution(PROJECT)
    except PackageNotFoundError as error:
        raise MissingInput(
            "creditrisk is not installed, so its wheel cannot be made", hint="install it: uv pip install -e ."
        ) from error


def _record(members: dict[str, bytes], info: str) -> bytes:
    """The list of files with hash and size that installers check (PEP 376, PEP 427)."""
    lines = [f"{name},sha256={_urlsafe_sha256(content)},{len(content)}" for name, content in sorted(members.items())]
    return "\n".join([*lines, f"{info}/RECORD,,", ""]).encode("utf-8")


def _urlsafe_sha256(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
