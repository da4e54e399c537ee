"""A bundle under its own hash, the same one each time; a damaged one is made anew."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from creditrisk.errors import BrokenFile, MissingInput, Refused
from creditrisk.governance.lineage import behind
from creditrisk.pipelines import train_model
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import current


def bundles(context: Context) -> list[str]:
    return sorted(path.name for path in context.folder.models.iterdir())


def test_the_newest_bundle_is_the_one_that_the_report_names(finished: Context) -> None:
    told = json.loads(finished.folder.report("metrics.json").read_text(encoding="utf-8"))
    assert train_model.newest_bundle(finished).sha256 == told["bundle_sha256"]
    assert bundles(finished) == [told["bundle_sha256"][:16]]


def test_a_damaged_bundle_is_made_anew_and_is_the_same(own: Context) -> None:
    before = bundles(own)
    model = own.folder.models / before[0] / "bundle" / "model.ubj"
    content = model.read_bytes()
    model.write_bytes(content[:-1])
    with pytest.raises(BrokenFile, match="damaged"):
        train_model.newest_bundle(own)
    train_model.run(own)
    assert bundles(own) == before
    assert model.read_bytes() == content


def test_reports_and_the_newest_bundle_from_elsewhere_are_a_model_here(own: Context) -> None:
    before = bundles(own)
    shutil.rmtree(own.folder.models)
    assert train_model.newest_bundle(own).sha256[:16] == before[0]
    assert bundles(own) == before


def test_a_damaged_newest_bundle_from_elsewhere_is_refused_and_not_kept(own: Context) -> None:
    shutil.rmtree(own.folder.models)
    (own.folder.newest_bundle / "model.ubj").write_bytes(b"no model")
    with pytest.raises(BrokenFile, match="damaged"):
        train_model.newest_bundle(own)
    assert not own.folder.models.exists()


def test_a_book_that_changed_since_the_features_were_made_is_named_beside_the_one_they_were_made_from(
    own: Context,
) -> None:
    before = current(own)["book"]
    changed = replace(own, book=replace(own.book, portfolio=own.book.portfolio.model_copy(update={"title": "Another"})))
    train_model.run(changed)
    nodes = current(changed)
    assert nodes["book"] == before
    assert nodes["book/train"].sha256 == changed.book.sha256
    assert "book/train" in nodes["bundle"].made_from
    assert {"book", "book/train"} <= set(behind(nodes, ["bundle"]))


def test_parts_that_somebody_edited_are_not_learnt_from(own: Context) -> None:
    own.folder.part("train").write_bytes(own.folder.part("calibration").read_bytes())
    with pytest.raises(Refused, match=r"train\.parquet"):
        train_model.run(own)


def test_before_any_training_there_is_no_bundle(own: Context) -> None:
    own.folder.report("metrics.json").unlink()
    with pytest.raises(MissingInput, match="no model has been trained here") as missing:
        train_model.newest_bundle(own)
    assert missing.value.hint == "creditrisk train tiny"


def test_parts_that_are_not_there_are_said_to_be_missing_not_altered(own: Context) -> None:
    own.folder.part("train").unlink()
    with pytest.raises(Refused, match=r"there is no train\.parquet: the stage split makes it") as refused:
        train_model.run(own)
    assert refused.value.hint == "run the stage: creditrisk split tiny"
