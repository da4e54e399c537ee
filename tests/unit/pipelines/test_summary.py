"""What a run has to say is gathered from the reports that are there, and from no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from creditrisk.files import read_json
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.summary import gather, write_summary


def test_before_the_first_stage_there_is_the_book_and_little_else(fresh: Callable[..., Context]) -> None:
    told = gather(fresh(), {})
    assert told["book"]["title"] == "Tiny book"
    assert not {"model", "metrics", "split", "next_commands"} & told.keys()


def test_after_the_last_stage_every_part_is_told(finished: Context) -> None:
    told = gather(finished, {"train": 1.5})
    trained = read_json(finished.folder.report("metrics.json"))
    assert told["model"]["bundle_sha256"] == trained["bundle_sha256"]
    assert (told["model"]["version"], told["model"]["alias"]) == ("1", "candidate")
    assert told["stages"] == [{"stage": "train", "seconds": 1.5}]
    assert sum(part["rows"] for part in told["split"]["parts"]) == 600
    assert {file["table"] for file in told["lineage"]["files"]} == {"application", "payments"}
    assert [part["part"] for part in told["split"]["parts"]] == ["train", "calibration", "test"]
    steps = [step["name"] for step in told["lineage"]["steps"] if step["what"] in ("table", "bundle")]
    made = ["feature_store", "train", "calibration", "test", "audit", "out_of_fold", "bundle", "test_predictions"]
    assert steps == made
    decision = told["decision"]
    assert decision["decline_from_pd"] == {"value": 0.3, "because": "a test", "owner": "tests"}
    assert decision["refer_from_pd"]["value"] == pytest.approx(0.24)


def test_the_page_names_the_model_and_the_book(finished: Context) -> None:
    write_summary(finished, {})
    page = finished.folder.report("run_summary.html").read_text(encoding="utf-8")
    assert "Tiny book" in page
    assert "candidate" in page
    assert "nvented data" not in page


def test_the_next_commands_work_as_they_stand_wherever_the_workspace_is(finished: Context) -> None:
    there = f" --workspace {finished.workspace.root}"
    assert all(step["command"].endswith(there) for step in gather(finished, {})["next_commands"])
