"""The project's wheel, made from the package as it is installed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

import creditrisk
from creditrisk.adapters import wheel
from creditrisk.adapters.wheel import build_wheel
from creditrisk.errors import MissingInput


def test_two_wheels_are_the_same_bytes(tmp_path: Path) -> None:
    first = build_wheel(tmp_path / "first")
    second = build_wheel(tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()


def test_the_wheel_is_named_as_installers_expect(tmp_path: Path) -> None:
    assert build_wheel(tmp_path).name == f"creditrisk-{creditrisk.__version__}-py3-none-any.whl"


def test_the_record_names_every_file_with_its_hash_and_size(tmp_path: Path) -> None:
    with zipfile.ZipFile(build_wheel(tmp_path)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    record = next(name for name in contents if name.endswith(".dist-info/RECORD"))
    rows = list(csv.reader(io.StringIO(contents[record].decode())))
    assert sorted(row[0] for row in rows) == sorted(contents)
    for name, digest, size in rows:
        if name == record:
            assert (digest, size) == ("", "")
            continue
        raw = hashlib.sha256(contents[name]).digest()
        assert digest == "sha256=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        assert int(size) == len(contents[name])


def test_the_package_data_come_along_and_leftovers_do_not(tmp_path: Path) -> None:
    with zipfile.ZipFile(build_wheel(tmp_path)) as archive:
        names = set(archive.namelist())
    package = Path(creditrisk.__file__).parent
    data = {f"creditrisk/{path.relative_to(package).as_posix()}" for path in package.glob("portfolios/*/sql/*.sql")}
    assert {"creditrisk/py.typed", "creditrisk/errors.py"} | data <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc") or "/." in name]


def test_nothing_in_the_wheel_tells_of_this_machine(tmp_path: Path) -> None:
    home = str(Path(creditrisk.__file__).resolve().parents[2]).encode()
    with zipfile.ZipFile(build_wheel(tmp_path)) as archive:
        info = [archive.read(name) for name in archive.namelist() if ".dist-info/" in name]
    assert info
    assert not [content for content in info if home in content or b"direct_url" in content]


def test_a_package_that_is_not_installed_is_told_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(wheel, "distribution", none)
    with pytest.raises(MissingInput, match="not installed"):
        build_wheel(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_installed_wheel_imports_and_makes_the_same_wheel_again(tmp_path: Path) -> None:
    made = build_wheel(tmp_path / "made")
    site = tmp_path / "site"
    install = [sys.executable, "-m", "zipfile", "-e", str(made), str(site)]
    subprocess.run(install, check=True)
    again = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; import creditrisk\n"
        "from creditrisk.adapters.wheel import build_wheel\n"
        "assert Path(creditrisk.__file__).is_relative_to(sys.argv[1]), creditrisk.__file__\n"
        "print(build_wheel(Path(sys.argv[2])))"
    )
    command = [sys.executable, "-I", "-W", "error", "-c", again, str(site), str(tmp_path / "again")]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    assert Path(answer.stdout.strip()).read_bytes() == made.read_bytes()


@pytest.mark.integration
def test_pip_installs_the_wheel_into_an_environment_of_its_own(tmp_path: Path) -> None:
    made = build_wheel(tmp_path)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", str(made)]
    subprocess.run([python, *install], check=True, cwd=tmp_path)
    command = [python, "-I", "-c", "import creditrisk.errors; print(creditrisk.__version__, creditrisk.__file__)"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout.split()
    assert told[0] == creditrisk.__version__
    assert Path(told[1]).is_relative_to(tmp_path / "venv")
    assert (tmp_path / "venv" / "bin" / "creditrisk").is_file()
