"""What every tracker, registry and clock must do, whichever system is behind it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import InMemoryRegistry, InMemoryTracker, SteppingClock
from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.mlflow_tracking import MlflowTracker
from creditrisk.adapters.system_clock import SystemClock
from creditrisk.errors import BadUsage
from creditrisk.ports import Clock, ModelVersion, Registry, Tracker, TrainingRun
from tests.support.stub_model import STUB_MODEL, stub_run

type Store = tuple[Tracker, Registry]


@pytest.fixture(scope="module")
def mlflow_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One database for the module: making it takes a second. Each test has a model name of its own."""
    root = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{root / 'mlflow.db'}"
    tracker = MlflowTracker(uri, artifacts=root / "mlartifacts", model_code=STUB_MODEL)
    return tracker, MlflowRegistry(uri, cache=root / "cache")


@pytest.fixture(params=["memory", pytest.param("mlflow", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return InMemoryTracker(), InMemoryRegistry()
    kept: Store = request.getfixturevalue("mlflow_store")
    return kept


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> TrainingRun:
    """A run of a book that no other test uses."""
    book = "book_" + "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
    return stub_run(tmp_path, book=book)


def test_a_registered_bundle_has_a_version_with_alias_tags_and_hash(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    logged = tracker.log_run(run)
    version = registry.register(run.book, logged, alias="candidate", tags={"actor": "ann"})
    assert (version.name, version.version) == (run.book, 1)
    assert version.aliases == ("candidate",)
    assert version.bundle_sha256 == run.bundle_sha256
    assert version.run_id == logged.run_id
    assert version.tags["actor"] == "ann"
    assert version.uri == f"models:/{run.book}/1"
    assert registry.versions(run.book) == [version]


def test_the_fetched_folder_is_the_bundle_byte_for_byte(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    version = registry.register(run.book, tracker.log_run(run), alias="candidate", tags={})
    fetched = registry.fetch(version)
    files = sorted(path.relative_to(run.bundle) for path in run.bundle.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(fetched) for path in fetched.rglob("*") if path.is_file())
    assert all((fetched / name).read_bytes() == (run.bundle / name).read_bytes() for name in files)


def test_the_same_bundle_is_kept_once_and_gets_no_second_version(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    first, second = tracker.log_run(run), tracker.log_run(replace(run, metrics={**run.metrics, "test_brier": 0.25}))
    assert first.run_id != second.run_id
    assert first.model_uri == second.model_uri
    one = registry.register(run.book, first, alias="candidate", tags={"actor": "ann"})
    two = registry.register(run.book, second, alias="candidate", tags={"actor": "bob"})
    assert one == two
    assert len(registry.versions(run.book)) == 1


def test_the_same_training_is_one_run_and_what_is_attached_later_changes_no_figure(
    store: Store, run: TrainingRun, tmp_path: Path
) -> None:
    tracker, _ = store
    first = tracker.log_run(run)
    assert tracker.log_run(replace(run, tags={**run.tags, "actor": "bob"})) == first
    page = tmp_path / "page.json"
    page.write_text("{}", encoding="utf-8")
    for verdict in ("fail", "pass"):
        tracker.attach(first.run_id, {"reports": page}, {"validation": verdict})
    assert tracker.figures(first.run_id) == run.metrics
    assert tracker.log_run(run) == first


def test_the_alias_moves_to_a_newer_bundle_and_back_to_an_older_one(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    other = replace(run, bundle_sha256="cd" * 32)

    def aliases() -> list[tuple[str, ...]]:
        return [version.aliases for version in registry.versions(run.book)]

    registry.register(run.book, tracker.log_run(run), alias="candidate", tags={})
    registry.register(run.book, tracker.log_run(other), alias="candidate", tags={})
    assert aliases() == [(), ("candidate",)]
    registry.register(run.book, tracker.log_run(run), alias="candidate", tags={})
    assert aliases() == [("candidate",), ()]


def test_one_version_may_have_several_aliases(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    registry.register(run.book, tracker.log_run(run), alias="candidate", tags={})
    registry.set_alias(run.book, "production", 1)
    assert registry.versions(run.book)[0].aliases == ("candidate", "production")


def test_an_alias_for_a_version_that_is_not_there_is_refused(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    registry.register(run.book, tracker.log_run(run), alias="candidate", tags={})
    with pytest.raises(BadUsage, match="no version 7"):
        registry.set_alias(run.book, "production", 7)
    with pytest.raises(BadUsage, match="no version 1"):
        registry.set_alias("never_trained", "production", 1)


def test_a_version_is_tagged_anew_and_keeps_its_other_tags(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    registry.register(run.book, tracker.log_run(run), alias="candidate", tags={"actor": "ann", "validation": "fail"})
    registry.tag(run.book, 1, {"validation": "pass"})
    tags = registry.versions(run.book)[0].tags
    assert (tags["actor"], tags["validation"]) == ("ann", "pass")
    with pytest.raises(BadUsage, match="no version 7"):
        registry.tag(run.book, 7, {"validation": "pass"})


def test_an_alias_that_is_removed_means_nothing_and_leaves_the_others(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    registry.register(run.book, tracker.log_run(run), alias="candidate", tags={})
    registry.set_alias(run.book, "staging", 1)
    registry.remove_alias(run.book, "staging")
    assert registry.versions(run.book)[0].aliases == ("candidate",)


def test_removing_an_alias_that_means_nothing_is_no_error(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    registry.remove_alias("never_trained", "staging")
    registry.register(run.book, tracker.log_run(run), alias="candidate", tags={})
    registry.remove_alias(run.book, "staging")
    assert registry.versions(run.book)[0].aliases == ("candidate",)
    assert list(registry.versions("never_trained")) == []


def test_a_tag_may_be_emptied_and_hold_any_letter(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    registry.register(run.book, tracker.log_run(run), alias="candidate", tags={"deployed": "ab" * 32})
    told = {"deployed": "", "waivers": 'brier until 2027-01-01: "few rows", größer als 0,1 € / ≥ 2 %'}
    registry.tag(run.book, 1, told)
    assert told.items() <= registry.versions(run.book)[0].tags.items()


def test_the_figures_of_a_run_come_back_to_the_last_bit(store: Store, run: TrainingRun) -> None:
    tracker, _ = store
    told = {"test_roc_auc": 0.1 + 0.2, "test_brier": 1 / 3, "test_n": 1e15 + 1, "tiny": 5e-324, "not_there": math.nan}
    figures = dict(tracker.figures(tracker.log_run(replace(run, metrics=told)).run_id))
    assert math.isnan(figures.pop("not_there"))
    assert figures == {name: value for name, value in told.items() if name != "not_there"}


def test_the_figures_of_an_unknown_run_are_refused(store: Store, run: TrainingRun) -> None:
    tracker, _ = store
    tracker.log_run(run)
    with pytest.raises(BadUsage, match="no run"):
        tracker.figures("f" * 32)


def test_an_unknown_name_has_no_versions(store: Store) -> None:
    _, registry = store
    assert list(registry.versions("never_trained")) == []


def test_versions_come_oldest_first(store: Store, run: TrainingRun) -> None:
    tracker, registry = store
    for number in range(11):  # "10" sorts before "9"
        logged = tracker.log_run(replace(run, bundle_sha256=f"{number:064x}", files={}))
        registry.register(run.book, logged, alias="candidate", tags={})
    assert [version.version for version in registry.versions(run.book)] == list(range(1, 12))


@pytest.mark.parametrize("clock", [SystemClock(), SteppingClock()])
def test_a_clock_tells_utc_and_never_goes_back(clock: Clock) -> None:
    first, second = clock.now(), clock.now()
    assert first.utcoffset() == timedelta(0)
    assert second >= first


def test_a_version_is_addressed_as_mlflows_own_tools_do() -> None:
    assert ModelVersion("loans", 3, "ab" * 32, "run").uri == "models:/loans/3"
