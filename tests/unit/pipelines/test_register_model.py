"""A version and the alias candidate; the same bundle keeps its number; figures of another bundle are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from creditrisk.adapters.in_memory import InMemoryRegistry, InMemoryTracker
from creditrisk.errors import Refused
from creditrisk.files import read_json, write_json
from creditrisk.governance import verify_chain
from creditrisk.pipelines import register_model
from creditrisk.pipelines.context import Context


def test_the_bundle_has_a_version_and_the_alias_candidate(finished: Context) -> None:
    (version,) = finished.registry.versions("tiny")
    assert version.aliases == ("candidate",)
    assert version.bundle_sha256 == read_json(finished.folder.report("metrics.json"))["bundle_sha256"]
    assert version.tags["estimator"] == "xgboost"
    assert "invented_data" not in version.tags


def test_the_same_bundle_again_keeps_its_number_and_is_one_act_more(own: Context) -> None:
    acts = verify_chain(own.workspace.audit).acts
    context = replace(own, tracker=InMemoryTracker(), registry=InMemoryRegistry())
    assert [register_model.run(context)["version"] for _ in range(2)] == [1, 1]
    assert verify_chain(own.workspace.audit).acts == acts + 2


def test_invented_data_are_tagged(own: Context, tmp_path_factory: pytest.TempPathFactory) -> None:
    raw = tmp_path_factory.mktemp("raw")
    (raw / "README.txt").write_text("Invented data", encoding="utf-8")
    context = replace(own, raw=raw, tracker=InMemoryTracker(), registry=InMemoryRegistry())
    register_model.run(context)
    assert context.registry.versions("tiny")[0].tags["invented_data"] == "true"


def test_figures_of_another_bundle_are_refused(own: Context) -> None:
    path = own.folder.report("test_metrics.json")
    write_json(path, {**read_json(path), "bundle_sha256": "ab" * 32})
    with pytest.raises(Refused) as caught:
        register_model.run(own)
    assert "creditrisk evaluate tiny" in caught.value.hint
