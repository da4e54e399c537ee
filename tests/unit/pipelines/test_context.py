"""Every report says what it is made of; invented data say so of themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from creditrisk.files import write_json
from creditrisk.governance import Act, verify_chain
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines.context import Context, is_invented


def test_a_report_tells_its_inputs_its_book_and_who_wrote_it(fresh: Callable[..., Context], tmp_path: Path) -> None:
    context = fresh()
    (tmp_path / "input").write_text("some bytes", encoding="utf-8")
    told = context.report(
        "a.json", {"n": 3, "meta": {"run_id": "7"}}, inputs={"file": tmp_path / "input", "known": "ab"}
    )
    assert told["book"] == "tiny"
    assert told["inputs"] == {"file": sha256_of_file(tmp_path / "input"), "known": "ab"}
    assert told["meta"] == {"run_id": "7", "actor": "ann", "created_at": "2026-01-01T00:00:00+00:00"}
    assert json.loads(context.folder.report("a.json").read_text(encoding="utf-8")) == told


def test_an_act_is_chained_with_its_book(fresh: Callable[..., Context]) -> None:
    context = fresh()
    context.act(Act.TRAINED, {"bundle": "ab" * 32})
    assert verify_chain(context.workspace.audit).acts == 1
    assert '"tiny"' in context.workspace.audit.read_text(encoding="utf-8")


def test_a_note_that_begins_with_invented_data_marks_the_folder_and_its_files(tmp_path: Path) -> None:
    (tmp_path / "loans.csv").write_text("a\n", encoding="utf-8")
    assert not is_invented(tmp_path)
    (tmp_path / "README.txt").write_text("Real loans, not invented data", encoding="utf-8")
    assert not is_invented(tmp_path)
    (tmp_path / "README.txt").write_text("Invented data\n====", encoding="utf-8")
    assert is_invented(tmp_path)
    assert is_invented(tmp_path / "loans.csv")


def test_where_no_raw_folder_is_named_the_last_ingestion_tells(fresh: Callable[..., Context], tmp_path: Path) -> None:
    named, real = fresh(), tmp_path / "real"
    real.mkdir()
    later = replace(named, from_sources=True)
    assert not later.invented
    write_json(named.folder.report("ingestion_summary.json"), {"invented_data": True})
    assert later.invented
    assert not replace(named, raw=real).invented


def test_progress_of_a_stage_carries_its_name(tmp_path: Path) -> None:
    from tests.support.tiny_run import tiny_context

    told: list[tuple[str, str]] = []
    tiny_context(tmp_path, told=told).stage_progress("train")("fold 1", 0.5)
    assert told == [("train", "fold 1")]
