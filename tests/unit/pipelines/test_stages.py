"""The stages in order, from one to another, with their progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from creditrisk.errors import BadConfig, BadUsage
from creditrisk.files import PARTIAL
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import STAGES, between, run_stages
from tests.support.tiny_run import tiny_context


@pytest.mark.parametrize(
    ("first", "last", "chosen"),
    [
        (None, None, list(STAGES)),
        ("train", None, ["train", "evaluate", "validate", "register"]),
        (None, "check", ["ingest", "check"]),
        ("split", "split", ["split"]),
    ],
)
def test_from_and_until_are_both_run(first: str | None, last: str | None, chosen: list[str]) -> None:
    assert list(between(first, last)) == chosen


def test_an_unknown_stage_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(BadUsage) as caught:
        between("trian", None)
    assert 'did you mean "train"?' in caught.value.hint


def test_an_end_before_the_beginning_is_told_with_the_order() -> None:
    with pytest.raises(BadUsage, match='"ingest" comes before "train"') as caught:
        between("train", "ingest")
    assert caught.value.hint == " -> ".join(STAGES)


def test_each_stage_begins_ends_and_has_its_seconds(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    run = run_stages(tiny_context(tmp_path, told=told), last="check")
    ends = [(stage, what) for stage, what in told if what in ("starting", "done")]
    assert ends == [("ingest", "starting"), ("ingest", "done"), ("check", "starting"), ("check", "done")]
    assert [stage["stage"] for stage in run["stages"]] == ["ingest", "check"]


def test_what_a_killed_run_left_is_cleared(own: Context) -> None:
    left = own.folder.bronze / f"{PARTIAL}left"
    left.mkdir()
    run_stages(own, first="register")
    assert not left.exists()


def test_an_unknown_estimator_is_refused_before_the_first_stage(fresh: Callable[..., Context]) -> None:
    context = fresh(training__estimator="forest")
    with pytest.raises(BadConfig, match="forest"):
        run_stages(context)
    assert not context.folder.root.exists()
