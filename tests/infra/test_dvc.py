"""dvc.yaml in a clone of the repository: what runs again and what does not, and the way to another machine over S3."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from creditrisk.config import Portfolio, shipped_books
from creditrisk.config.gates import BESIDE_THE_MODEL
from creditrisk.pipelines.stages import STAGES
from tests.support.stores import RunningStore, running_s3
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw

BOOK = "tiny"
pytestmark = pytest.mark.timeout(1800)  # ten stages, each a command
OF_A_BOOK = [*STAGES, "drift"]
REMOTE = "s3://lender/creditrisk"


@dataclass(frozen=True)
class Clone:
    """A clone of the repository in which DVC runs, with the repository's own .venv."""

    folder: Path
    variables: Mapping[str, str]

    def run(self, *command: str, **other: str) -> str:
        """What it said on both streams. The test fails where it fails."""
        done = self.tried(*command, **other)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def tried(self, *command: str, **other: str) -> subprocess.CompletedProcess[str]:
        env = {**self.variables, **other}
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)

    def dvc(self, *words: str, **other: str) -> str:
        return self.run(".venv/bin/dvc", *words, **other)

    def repro(self, *words: str) -> list[str]:
        """The stages that ran, sorted."""
        return sorted(re.findall(r"^Running stage '(\S+)':", self.dvc("repro", *words), re.MULTILINE))

    def set(self, file: str, **values: object) -> None:
        """Values of a YAML file, by their dotted keys with __ for the dots."""
        path = self.folder / file
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        for dotted, value in values.items():
            *way, last = dotted.split("__")
            place = told
            for name in way:
                place = place[name]
            place[last] = value
        path.write_text(yaml.safe_dump(told, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def portfolio(self, folder: str = f"books/{BOOK}", **values: object) -> None:
        self.set(f"{folder}/portfolio.yaml", **values)

    def commit(self) -> None:
        git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")
        self.run(*git, "commit", "-qam", "as it ran")

    def path(self, name: str) -> Path:
        return self.folder / "workspace" / BOOK / name


def cloned(source: Path, folder: Path, repository: Path) -> Clone:
    subprocess.run(["git", "clone", "-q", str(source), str(folder)], check=True)
    (folder / ".venv").symlink_to(repository / ".venv")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "AWS_", "MLFLOW_"))}
    return Clone(folder, {**variables, "HOME": str(folder.parent), "DVC_SITE_CACHE_DIR": str(folder.parent / "site")})


@pytest.fixture(scope="module")
def checkout(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Nothing has run in it."""
    return cloned(repository, tmp_path_factory.mktemp("checkout") / "clone", repository)


@pytest.fixture(scope="module")
def clone(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Reproduced once: a book of the lender's own with tables of its own, as docs/dvc.md says it."""
    made = cloned(repository, tmp_path_factory.mktemp("dvc") / "clone", repository)
    write_tiny_book(made.folder / "books" / BOOK)
    write_tiny_raw(made.folder / "raw" / BOOK)
    made.dvc("add", f"raw/{BOOK}")
    made.set("params.yaml", books=[BOOK], portfolios="books", invented__books=[])
    made.portfolio(checks_off=[], leak_radar={"released": []}, stability={}, inventory={})
    made.portfolio(policy__restricted=[], policy__rebuilders=[])
    (made.folder / "dvc.lock").unlink(missing_ok=True)
    assert made.repro() == of_book(*OF_A_BOOK)
    made.run("git", "add", "books", "raw")
    made.commit()
    return made


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running_s3(tmp_path_factory.mktemp("moto")) as running:
        yield running


@pytest.fixture(scope="module")
def pulled(clone: Clone, store: RunningStore, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Another machine: what the first one pushed, in a clone of its own."""
    other = cloned(clone.folder, tmp_path_factory.mktemp("other") / "clone", repository)
    for machine, does in ((clone, "push"), (other, "pull")):
        machine.run("scripts/dvc_remote.sh", DVC_REMOTE_URL=REMOTE)
        # DVC opens the configuration that is named and wants a file, which os.devnull is not; HOME has none here.
        machine.dvc(does, **{name: of for name, of in store.variables.items() if not name.endswith("_FILE")})
    return other


def of_book(*stages: str, book: str = BOOK) -> list[str]:
    return sorted(f"{stage}@{book}" for stage in stages)


def test_a_second_repro_does_nothing(clone: Clone) -> None:
    assert clone.repro() == []
    assert json.loads(clone.dvc("status", "--json")) == {}


def test_another_machine_has_what_was_pushed_to_the_store(clone: Clone, pulled: Clone) -> None:
    assert json.loads(pulled.dvc("status", "--json")) == {}
    for name in ("reports/test_metrics.json", "data/processed/feature_store.parquet", "newest_bundle/manifest.json"):
        assert pulled.path(name).read_bytes() == clone.path(name).read_bytes()


def test_no_credential_and_no_address_is_in_a_file_that_git_keeps(pulled: Clone, store: RunningStore) -> None:
    written = [path.read_text(encoding="utf-8") for path in (pulled.folder / ".dvc").glob("config*")]
    assert any(REMOTE in text for text in written)
    assert not any(store.variables["AWS_SECRET_ACCESS_KEY"] in text for text in written)
    assert pulled.run("git", "status", "--short") == ""


@pytest.mark.parametrize("url", ["", "https://me:secret@store.example/creditrisk"])
def test_no_address_and_one_with_a_password_are_refused(url: str, checkout: Clone) -> None:
    before = (checkout.folder / ".dvc" / "config").read_bytes()
    done = checkout.tried("scripts/dvc_remote.sh", DVC_REMOTE_URL=url)
    assert (done.returncode, "secret" in done.stderr) == (2, False)
    assert (checkout.folder / ".dvc" / "config").read_bytes() == before


@pytest.mark.by_hand
def test_where_a_model_was_pulled_a_changed_gate_is_judged_and_nothing_is_learnt_again(pulled: Clone) -> None:
    """The bundle takes its place among this machine's models first."""
    pulled.portfolio(gates={"auc_max": {"value": 0.99, "because": "a test"}})
    assert pulled.repro() == of_book("validate", "register")
    report = json.loads(pulled.path("reports/post_training_validation.json").read_text(encoding="utf-8"))
    assert pulled.path(f"models/{report['bundle_sha256'][:16]}/bundle").is_dir()
    lineage = next(gate for gate in report["gates"] if gate["name"] == "lineage")
    assert "tells of no training of this model" in lineage["reason"]  # by this machine's audit chain


def test_a_changed_cut_off_runs_only_what_depends_on_it(clone: Clone) -> None:
    clone.portfolio(decision__decline_from_pd__value=0.25)
    assert clone.repro() == of_book("train", "evaluate", "validate", "register", "drift")
    lineage = json.loads(clone.path("reports/data_lineage.json").read_text(encoding="utf-8"))["nodes"]
    assert "book/train" in lineage["bundle"]["made_from"]  # not the book that the features were made from
    assert clone.repro() == []


def test_nothing_is_told_to_anybody(checkout: Clone) -> None:
    asks = "from dvc.analytics import is_enabled; print(is_enabled())"
    assert checkout.run(".venv/bin/python", "-c", asks).strip() == "False"
    assert checkout.dvc("config", "core.check_update").strip() == "false"


def test_the_model_depends_on_every_key_of_the_book_that_its_bundle_carries(repository: Path) -> None:
    stages = yaml.safe_load((repository / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    [named] = [list(*one.values()) for one in stages["train"]["params"]]
    assert set(named) == set(Portfolio.model_fields) - set(BESIDE_THE_MODEL)


def test_every_path_of_the_pipeline_exists_or_is_made_by_it(repository: Path) -> None:
    stages = yaml.safe_load((repository / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert list(stages) == ["invent", *OF_A_BOOK]
    params = yaml.safe_load((repository / "params.yaml").read_text(encoding="utf-8"))
    assert params["books"] == shipped_books()
    for book in params["books"]:
        text = json.dumps(stages).replace("${item.book}", book).replace("${portfolios}", params["portfolios"])
        named = json.loads(text)
        made = {
            path for stage in named.values() for kind in ("outs", "metrics", "plots") for path in paths(stage, kind)
        }
        lost = [path for stage in named.values() for path in stage["deps"] if path not in made]
        assert [path for path in lost if not (repository / path).exists()] == []


def test_the_page_tells_for_each_room_of_code_the_first_stage_that_runs_again(repository: Path) -> None:
    page = (repository / "docs" / "dvc.md").read_text(encoding="utf-8")
    _, _, table = page.partition("| changed below `src/creditrisk` | runs again |")
    rows = [line.split("|")[1:3] for line in table.partition("\n\n")[0].splitlines()[2:]]
    told = {room: re.findall(r"`(\S+)`", stages)[0] for rooms, stages in rows for room in re.findall(r"`(\S+)`", rooms)}
    first: dict[str, str] = {}
    for name, stage in yaml.safe_load((repository / "dvc.yaml").read_text(encoding="utf-8"))["stages"].items():
        for path in stage["deps"]:
            if path.startswith("src/creditrisk/") and not path.endswith(".py"):
                first.setdefault(path.removeprefix("src/creditrisk/"), name)
    assert told == first


def paths(stage: Mapping[str, list[str | dict[str, object]]], kind: str) -> list[str]:
    return [name for one in stage.get(kind, []) for name in ([one] if isinstance(one, str) else one)]


@pytest.mark.by_hand
def test_both_books_as_a_newcomer_runs_them(repository: Path, tmp_path: Path) -> None:
    """As they are committed: a book's change leaves the other book alone, new rows run everything."""
    made = cloned(repository, tmp_path / "clone", repository)
    both = [f"{stage}@{book}" for stage in ("invent", *OF_A_BOOK) for book in shipped_books()]
    made.set("params.yaml", invented__rows=2000)
    assert made.repro() == sorted(both)
    assert made.repro() == []
    one = "lending_club"
    made.portfolio(f"src/creditrisk/portfolios/{one}", split__seed=4)
    assert made.repro() == of_book(*[stage for stage in OF_A_BOOK if stage != "ingest"], book=one)
    assert made.repro() == []
    made.portfolio(f"src/creditrisk/portfolios/{one}", stability__level=0.9)
    would_run = json.loads(made.dvc("status", "--json"))  # and whatever reads what these make
    assert sorted(would_run) == of_book("train", "evaluate", "validate", "drift", book=one)
