"""From a name and an alias to the bundle on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import InMemoryRegistry
from creditrisk.errors import BadUsage, CreditRiskError, ExitCode, Refused
from creditrisk.governance import alias_meant, find_bundle, find_version
from creditrisk.ports import LoggedRun

HASH = "ab" * 32


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    return folder


@pytest.fixture
def registry(bundle: Path) -> InMemoryRegistry:
    """One version of the model `loans`, the candidate."""
    registry = InMemoryRegistry()
    registry.register("loans", LoggedRun("run-1", str(bundle), HASH), alias="candidate", tags={})
    return registry


def test_an_alias_leads_to_the_bundle_and_its_hash(registry: InMemoryRegistry, bundle: Path) -> None:
    found = find_bundle("models:/loans@candidate", registry)
    assert found.folder == bundle
    assert found.version is not None
    assert found.version.bundle_sha256 == HASH


def test_a_version_number_leads_to_the_bundle(registry: InMemoryRegistry, bundle: Path) -> None:
    assert find_bundle("models:/loans/1", registry).folder == bundle


def test_a_folder_is_taken_as_it_is(bundle: Path) -> None:
    found = find_bundle(str(bundle), InMemoryRegistry())
    assert found.folder == bundle
    assert found.version is None


def test_the_workspaces_own_copy_comes_before_the_registrys(registry: InMemoryRegistry, tmp_path: Path) -> None:
    own = tmp_path / "models" / HASH[:16] / "bundle"
    own.mkdir(parents=True)
    (own / "manifest.json").write_text("{}")
    assert find_bundle("models:/loans@candidate", registry, own_copy=lambda _: own).folder == own


def test_a_missing_own_copy_is_passed_over(registry: InMemoryRegistry, bundle: Path, tmp_path: Path) -> None:
    assert find_bundle("models:/loans@candidate", registry, own_copy=lambda _: tmp_path / "none").folder == bundle


def test_production_before_a_first_promotion_is_refused_with_the_way_on(registry: InMemoryRegistry) -> None:
    with pytest.raises(Refused, match="promoted") as refusal:
        find_version(registry, "loans", "production")
    assert refusal.value.exit_code == ExitCode.REFUSED
    assert "--alias candidate" in refusal.value.hint


def test_production_before_a_first_training_says_to_train() -> None:
    with pytest.raises(Refused) as refusal:
        find_version(InMemoryRegistry(), "loans", "production")
    assert "creditrisk run loans" in refusal.value.hint
    assert "--alias candidate" in refusal.value.hint


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("models:/loans@candidat", 'did you mean "candidate"?'),
        ("models:/loans/7", "known: 1"),
        ("models:/lones@candidate", "creditrisk run lones"),
        ("models:/lones/1", "creditrisk run lones"),
        ("models:/loans", "models:/<book>@<alias>"),
        ("no/such/folder", "models:/<book>@<alias>"),
        ("", "models:/<book>@<alias>"),
    ],
)
def test_a_name_that_means_nothing_is_told_with_what_is_known(
    registry: InMemoryRegistry, reference: str, told: str
) -> None:
    with pytest.raises(BadUsage) as error:
        find_bundle(reference, registry)
    assert isinstance(error.value, CreditRiskError)
    assert told in str(error.value)


@pytest.mark.parametrize("word", ["Staging", "Production", "STAGING", "production"])
def test_the_stages_of_older_setups_are_the_aliases_in_lower_case(registry: InMemoryRegistry, word: str) -> None:
    registry.set_alias("loans", word.lower(), 1)
    assert alias_meant(word) == word.lower()
    assert find_version(registry, "loans", word).version == 1
    assert find_bundle(f"models:/loans@{word}", registry).version == find_version(registry, "loans", word)
    assert find_bundle(f"models:/loans/{word}", registry).version == find_version(registry, "loans", word)


@pytest.mark.parametrize("reference", ["models:/loans@Archived", "models:/loans/Archived"])
def test_archived_is_refused_with_what_to_give_instead(registry: InMemoryRegistry, reference: str) -> None:
    with pytest.raises(BadUsage, match="every version is kept") as refusal:
        find_bundle(reference, registry)
    assert "previous" in refusal.value.hint


def test_an_alias_of_the_lenders_own_keeps_its_spelling() -> None:
    assert alias_meant("Challenger_2") == "Challenger_2"
