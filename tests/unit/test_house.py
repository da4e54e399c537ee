"""The house: what is in the repository, what the wheel ships, what the locks say, what a start costs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import creditrisk
from tests.support import components

HEAVY = (
    "duckdb",
    "matplotlib",
    "mlflow",
    "numpy",
    "pandas",
    "pandera",
    "polars",
    "pyarrow",
    "scipy",
    "sklearn",
    "xgboost",
)
# In pieces, so that this file does not name what it forbids.
REGISTRY_HOSTS = [f"{name}.{end}" for name, end in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:root|work|home/\w+|Users/\w+|opt/(?:pypi|wheels))/")
PINNED = re.compile(r"^(?P<name>[\w.\-]+)==(?P<version>\S+)")


@pytest.fixture(scope="module")
def house_files(repository: Path) -> list[Path]:
    """Every file that is or would be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository, capture_output=True, check=True,
    )  # fmt: skip
    paths = [repository / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def texts(files: list[Path]) -> dict[Path, str]:
    binary = {".png", ".parquet", ".gz", ".zip", ".whl"}
    return {path: path.read_text(encoding="utf-8") for path in files if path.suffix not in binary}


def pins(lock: Path) -> dict[str, str]:
    found = (PINNED.match(line) for line in lock.read_text(encoding="utf-8").splitlines())
    return {str(canonicalize_name(pin["name"])): pin["version"] for pin in found if pin}


def project(repository: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    return loaded


def third_party(source: Path) -> set[str]:
    """Top-level names of the libraries that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"creditrisk"}


def modules_after(statement: str) -> set[str]:
    """Names of all modules that a fresh interpreter holds after the statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return set(json.loads(answer.stdout.splitlines()[-1]))


def test_no_file_names_a_package_registry(house_files: list[Path]) -> None:
    told = [(path, host) for path, text in texts(house_files).items() for host in REGISTRY_HOSTS if host in text]
    assert told == []


def test_no_file_holds_a_path_of_one_machine(house_files: list[Path]) -> None:
    told = [(path, hit[0]) for path, text in texts(house_files).items() if (hit := MACHINE_PATH.search(text))]
    assert told == []


def test_no_link_is_kept(repository: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "--stage"], cwd=repository, capture_output=True, text=True, check=True)
    assert [line for line in listed.stdout.splitlines() if line.startswith("120000")] == []


def test_no_pickle_is_kept_or_imported(house_files: list[Path]) -> None:
    kept = [path for path in house_files if path.suffix in {".pkl", ".pickle", ".joblib"}]
    importing = re.compile(r"^\s*(?:import|from) (?:pickle|joblib|cloudpickle|dill)\b", re.MULTILINE)
    imported = [path for path, text in texts(house_files).items() if "src" in path.parts and importing.search(text)]
    assert kept + imported == []


def test_the_ignore_list_leaves_no_file_of_the_package_out(repository: Path) -> None:
    files = [
        str(path) for path in (repository / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    answer = subprocess.run(
        ["git", "check-ignore", "--stdin"],
        cwd=repository,
        input="\n".join(files),
        capture_output=True,
        check=False,
        text=True,
    )
    assert answer.stdout == ""


def test_the_wheel_ships_yaml_sql_and_templates(repository: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=repository, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    source = repository / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and not {"__pycache__", ".partial-"} & set(path.parts)
    }
    assert wanted - shipped == set()
    assert any(name.endswith("LICENSE") for name in shipped)


LOCKS = Path(__file__).resolve().parents[2] / "requirements"


@pytest.mark.parametrize("lock", sorted(LOCKS.glob("*.txt")), ids=lambda lock: lock.name)
def test_every_locked_package_has_its_hashes(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[\w])", text)
    assert [block.split()[0] for block in blocks if PINNED.match(block) and "--hash=sha256:" not in block] == []
    assert not re.search(r"https?:|file:|--(?:extra-)?index|--find-links| @ ", text)


def test_development_holds_the_product_at_the_same_versions(repository: Path) -> None:
    product, development = (pins(repository / "requirements" / f"{name}.txt") for name in ("product", "development"))
    assert {name: version for name, version in product.items() if development.get(name) != version} == {}


def test_every_library_that_the_package_imports_is_a_dependency(repository: Path) -> None:
    declared = project(repository)["project"]
    lines = [
        *declared["dependencies"],
        *(line for extra in declared["optional-dependencies"].values() for line in extra),
    ]
    named = {canonicalize_name(Requirement(line).name) for line in lines}
    ours = packages_distributions()
    imported = set().union(*(third_party(path) for path in (repository / "src").rglob("*.py")))
    undeclared = {name for name in imported if named.isdisjoint(canonicalize_name(each) for each in ours.get(name, []))}
    assert undeclared == set()


@pytest.mark.parametrize("lock", ["product", "development"])
def test_the_lock_fits_the_dependencies_that_the_project_names(repository: Path, lock: str) -> None:
    named = list(project(repository)["project"]["dependencies"])
    if lock == "development":
        named += project(repository)["dependency-groups"]["dev"]
    locked = pins(repository / "requirements" / f"{lock}.txt")
    wanted = [Requirement(line) for line in named]
    unmet = [str(each) for each in wanted if not each.specifier.contains(locked.get(canonicalize_name(each.name), "0"))]
    assert unmet == [], "make lock"


def test_the_version_is_the_same_everywhere(repository: Path) -> None:
    changelog = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert project(repository)["project"]["version"] == creditrisk.__version__
    assert f"## [{creditrisk.__version__}]" in changelog or "## [Unreleased]" in changelog


def test_starting_the_command_line_loads_nothing_heavy() -> None:
    assert modules_after("import creditrisk.cli") & set(HEAVY) == set()


def test_scoring_loads_neither_a_database_nor_the_configuration() -> None:
    loaded = modules_after("import creditrisk.scoring")
    assert loaded & {"duckdb", "sqlalchemy", "mlflow", "creditrisk.config", "creditrisk.sources"} == set()


def test_what_serves_is_locked_at_the_versions_of_the_product(repository: Path) -> None:
    product = pins(repository / "requirements" / "product.txt") | {
        name: version
        for name, version in pins(repository / "requirements" / "development.txt").items()
        if name in {"psycopg", "psycopg-binary", "pyjwt"}  # extras, which product.txt leaves out
    }
    served = pins(repository / "requirements" / "serving.txt")
    assert len(served) > 30
    assert {name: version for name, version in served.items() if product.get(name) != version} == {}


def test_what_serves_has_no_library_that_only_trains(repository: Path) -> None:
    """A server imports none of them either: `lint-imports`, and tests/infra/test_images.py in the image itself."""
    served = pins(repository / "requirements" / "serving.txt").keys()
    assert served & {"scikit-learn", "pandas", "mlflow", "mlflow-skinny", "optbinning", "optuna", "polars"} == set()


def test_what_the_serving_image_leaves_out_is_there_to_be_left_out(repository: Path) -> None:
    listed = (repository / "deploy" / "containers" / "api-leaves-out.txt").read_text(encoding="utf-8")
    patterns = [word for line in listed.splitlines() for word in line.partition("#")[0].split()]
    ours = [pattern for pattern in patterns if pattern.startswith("creditrisk/")]
    assert len(ours) > 20
    assert [pattern for pattern in ours if not any((repository / "src").glob(pattern))] == []


def test_the_command_that_serves_loads_none_of_what_its_image_leaves_out(repository: Path) -> None:
    listed = (repository / "deploy" / "containers" / "api-leaves-out.txt").read_text(encoding="utf-8")
    left_out = {
        path.relative_to(repository / "src").with_suffix("").as_posix().replace("/", ".")
        for line in listed.splitlines()
        for pattern in line.partition("#")[0].split()
        if pattern.startswith("creditrisk/")
        for path in (repository / "src").glob(pattern)
    }
    loaded = modules_after("import creditrisk.cli, creditrisk.wiring, creditrisk.serving")
    assert loaded & left_out == set()


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_missing_component_skips_here_fails_in_ci_and_says_what_brings_it(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setitem(components.COMPONENTS, "java", components.Component(lambda: None, "apt-get install a-jre"))
    with pytest.raises(outcome, match="missing component java: apt-get install a-jre"):
        components.require("java")


def test_missing_components_are_counted_apart() -> None:
    messages = ["Skipped: missing component java: x", "missing component java: x", "something else"]
    line = components.missing_line(messages)
    assert line is not None
    assert line.startswith("missing components: java (2 tests; apt-get install ")
    assert components.missing_line(["something else"]) is None
