"""The lineage answers both ways, for the latest model and for earlier ones, and tells when a byte has changed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from creditrisk.cli import main
from creditrisk.errors import BadUsage, MissingInput, Refused
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stages
from creditrisk.pipelines.trace import need_all_here, of_model, of_raw
from tests.support.tiny_run import copied, write_tiny_raw


@pytest.fixture(scope="module")
def twice(finished: Context, tmp_path_factory: pytest.TempPathFactory) -> tuple[Context, str, str]:
    """A workspace after two runs on different raw files: (context, first bundle, second bundle). To read only."""
    folder = tmp_path_factory.mktemp("twice")
    first = copied(finished, folder / "workspace")
    second = replace(first, raw=write_tiny_raw(folder / "raw", seed=4))
    before = of_model(first, None)["bundle_sha256"]
    run_stages(second)
    return second, before, of_model(second, None)["bundle_sha256"]


def states(answer: dict[str, Any]) -> dict[str, str]:
    return {file["name"]: file["state"] for file in answer["lineages"][0]["files"]}


def test_the_latest_model_names_its_raw_bytes(finished: Context) -> None:
    answer = of_model(finished, None)
    assert {raw["file"]: raw["sha256"] for raw in answer["lineages"][0]["raw"]} == {
        path.name: sha256_of_file(path) for path in finished.raw.glob("*.csv")
    }


def test_an_earlier_model_still_answers_after_a_newer_run(twice: tuple[Context, str, str], finished: Context) -> None:
    context, first, second = twice
    assert first != second
    for asked in (first, first[:8], "1"):
        answer = of_model(context, asked)
        assert answer["bundle_sha256"] == first
        told = {raw["file"]: raw["sha256"] for raw in answer["lineages"][0]["raw"]}
        assert told == {path.name: sha256_of_file(path) for path in finished.raw.glob("*.csv")}
    assert of_model(context, "2")["bundle_sha256"] == second


def test_a_file_names_the_models_that_were_made_from_it(twice: tuple[Context, str, str], finished: Context) -> None:
    context, first, second = twice
    withdrawn = finished.raw / "payments.csv"
    for asked in (str(withdrawn), sha256_of_file(withdrawn), sha256_of_file(withdrawn)[:12].upper()):
        answer = of_raw(context, asked)
        assert [(model["bundle_sha256"], model["version"]) for model in answer["models"]] == [(first, 1)]
        assert [raw["file"] for raw in answer["models"][0]["raw"]] == ["payments.csv"]
    newer = of_raw(context, str(context.raw / "payments.csv"))["models"]
    assert [(model["bundle_sha256"], model["aliases"]) for model in newer] == [(second, ["candidate"])]
    assert of_raw(context, "0" * 64)["models"] == []


def test_a_model_without_lineage_is_not_passed_over_in_silence(own: Context) -> None:
    model = next(own.folder.models.iterdir())
    (model / "data_lineage.json").unlink()
    assert of_raw(own, str(own.raw / "payments.csv"))["without_lineage"] == [model.name]
    with pytest.raises(MissingInput, match="no lineage was kept"):
        of_model(own, model.name)


def test_after_a_run_every_file_is_what_it_was(finished: Context) -> None:
    answer = of_model(finished, None, verify=True)
    assert set(states(answer).values()) == {"as it was"}
    assert len(states(answer)) > 20
    need_all_here(answer)


def test_what_a_later_run_replaced_is_told_apart_from_what_was_altered(twice: tuple[Context, str, str]) -> None:
    context, first, _ = twice
    answer = of_model(context, first, verify=True)
    found = states(answer)
    assert (found["bundle"], found["raw/payments.csv"], found["sql/feature_table"]) == ("as it was",) * 3
    assert (found["feature_store"], found["train"]) == ("replaced", "replaced")
    need_all_here(answer)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("data/bronze/payments.parquet", "bronze/payments"),
        ("data/processed/train.parquet", "train"),
        ("reports/split.json", "reports/split.json"),
        ("reports/test_evaluation/roc.png", "test_evaluation"),
        ("models/*/bundle/sql/feature_table.sql", "bundle"),
    ],
)
def test_one_changed_byte_is_told(place: str, name: str, own: Context) -> None:
    (path,) = own.folder.root.glob(place)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"hash", b"hasH", 1) if path.suffix == ".json" else content[:-1] + b"\x00")
    answer = of_model(own, None, verify=True)
    assert states(answer)[name] == "differs"
    with pytest.raises(Refused, match=f"{name} differs"):
        need_all_here(answer)


def test_a_lost_raw_file_is_told_and_times_do_not_count(own: Context, tmp_path: Path) -> None:
    lineage = own.folder.report("data_lineage.json")
    told = json.loads(lineage.read_text(encoding="utf-8"))
    elsewhere = shutil.copytree(own.raw, tmp_path / "elsewhere")
    lineage.write_text(json.dumps({**told, "meta": {**told["meta"], "raw": str(elsewhere)}}), encoding="utf-8")
    (elsewhere / "payments.csv").unlink()
    report = own.folder.report("split.json")
    told = json.loads(report.read_text(encoding="utf-8"))
    report.write_text(json.dumps({**told, "meta": {}}), encoding="utf-8")
    found = states(of_model(own, None, verify=True))
    assert {name for name, state in found.items() if state != "as it was"} == {"raw/payments.csv"}
    assert found["raw/payments.csv"] == "gone"


@pytest.mark.parametrize(("model", "hint"), [("9", "known: 1"), ("ffffffff", "8 or more letters"), ("x", "8 or more")])
def test_a_model_that_nobody_knows_is_refused_with_those_that_are_known(
    model: str, hint: str, finished: Context
) -> None:
    with pytest.raises(BadUsage) as caught:
        of_model(finished, model)
    assert hint in caught.value.hint


def test_words_that_are_neither_file_nor_hash_are_refused(finished: Context) -> None:
    with pytest.raises(BadUsage, match="neither a file nor a sha256"):
        of_raw(finished, "payments")


def test_the_command_shows_files_models_and_what_has_changed(own: Context, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["lineage", str(own.book.folder), "--workspace", str(own.workspace.root)]
    assert main([*words, "--verify"]) == 0
    assert "as it was" in capsys.readouterr().out
    own.folder.part("test").unlink()
    assert main([*words, "--verify"]) == 1
    told = capsys.readouterr()
    assert "gone: test" in told.out
    assert "refused: 1 of the files" in told.err
    assert main([*words, "--raw", str(own.raw / "payments.csv"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["models"]) == 1
    assert main([*words, "--raw", "x", "--verify"]) == 2
