"""Each stage adds what it read and made; run again it forgets what later ones made; edited files are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from creditrisk.errors import BrokenFile, Refused
from creditrisk.files import read_json
from creditrisk.governance.evidence import PACK
from creditrisk.governance.lineage import Node, NodeKind, behind, raw_behind
from creditrisk.kinds import sha256_of, sha256_of_file
from creditrisk.pipelines.accepted import PROFILE
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import LINEAGE, add_step, current, kept_with, need_unchanged
from creditrisk.pipelines.stages import run_stages
from tests.support.schemas import faults
from tests.support.tiny_run import write_tiny_raw


def made(folder: Path, name: str, text: str = "bytes") -> tuple[Path, Node]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path, Node(NodeKind.TABLE, sha256_of_file(path), file=name)


def test_a_stage_run_again_forgets_what_later_ones_made(fresh: Callable[..., Context], tmp_path: Path) -> None:
    context, (_, node) = fresh(), made(tmp_path, "file")
    for step in ("ingest", "features", "split"):
        add_step(context, step, {f"{step}d": node})
    told = add_step(context, "features", {"features": replace(node, rows=3)})
    assert sorted(told["nodes"]) == ["features", "ingestd"]
    assert told["nodes"]["features"]["rows"] == 3


def test_a_check_run_again_forgets_nothing(own: Context) -> None:
    before = current(own)
    run_stages(own, first="check", last="check")
    assert current(own) == before


def test_unchanged_files_give_their_hashes(fresh: Callable[..., Context], tmp_path: Path) -> None:
    context, (file, node) = fresh(), made(tmp_path, "file")
    add_step(context, "split", {"test": node})
    assert need_unchanged(context, "split", {"test": file}) == {"test": node.sha256}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.write_text("other"), "not what the stage split made last"),
        (lambda path: path.unlink(), "there is no file: the stage split makes it"),
    ],
)
def test_an_edited_or_missing_file_is_refused_with_the_stage_to_run(
    spoil: Callable[[Path], object], told: str, fresh: Callable[..., Context], tmp_path: Path
) -> None:
    context, (file, node) = fresh(), made(tmp_path, "file")
    add_step(context, "split", {"test": node})
    spoil(file)
    with pytest.raises(Refused, match=told) as caught:
        need_unchanged(context, "split", {"test": file})
    assert "creditrisk split tiny" in caught.value.hint


def test_a_file_that_no_stage_made_is_refused(fresh: Callable[..., Context], tmp_path: Path) -> None:
    with pytest.raises(Refused):
        need_unchanged(fresh(), "split", {"test": made(tmp_path, "file")[0]})


def test_every_file_that_a_run_wrote_is_a_node_and_leads_back_to_the_raw_files(finished: Context) -> None:
    nodes, root = current(finished), finished.folder.root
    places = {node.file for node in nodes.values() if node.step}
    files = [path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock" and path.name != ".lock"]
    written = {
        path.relative_to(root).as_posix() for path in files if path != finished.folder.ledger
    }  # aliases' history
    untold = {
        name
        for name in written
        if not any(name == place or name.startswith(f"{place}/") for place in places if place)
        and Path(name).name not in (LINEAGE, PROFILE, PACK)
        and not name.startswith("newest_bundle/")  # a copy of the bundle
        and "evidence" not in Path(name).parts  # copies, named in the pack by their own hashes
        and Path(name).suffix != ".html"  # pages show reports
    }
    assert untold == set()
    raw = {"raw/applications.csv", "raw/payments.csv"}
    assert set(raw_behind(nodes, "bundle")) == raw
    made_here = {name for name, node in nodes.items() if node.kind in (NodeKind.TABLE, NodeKind.PLOTS, NodeKind.REPORT)}
    assert {name for name in made_here if not set(behind(nodes, [name])) & raw} == set()
    assert {"sql/payment_features", "sql/feature_table", "contract/application"} <= set(behind(nodes, ["bundle"]))
    assert faults(finished.folder.report(LINEAGE)) == []


def test_reports_are_named_by_what_they_say_and_not_by_when(finished: Context) -> None:
    for name, node in current(finished).items():
        if node.kind is NodeKind.REPORT:
            assert node.sha256 == sha256_of(read_json(finished.folder.report(name.removeprefix("reports/"))))


def test_each_bundle_keeps_its_lineage_and_another_one_from_other_bytes(own: Context, tmp_path: Path) -> None:
    model = next(own.folder.models.iterdir())
    (first,) = kept_with(model)
    before = first.read_bytes()
    assert set(raw_behind(current(own), "bundle")) == {"raw/applications.csv", "raw/payments.csv"}
    run_stages(own, first="train", last="train")  # the same bytes: nothing to add
    assert [path.read_bytes() for path in kept_with(model)] == [before]
    other = replace(own, raw=write_tiny_raw(tmp_path / "raw"))
    text = (other.raw / "applications.csv").read_text(encoding="utf-8")
    (other.raw / "applications.csv").write_text(text.replace("\n", "\r\n"), encoding="utf-8", newline="")
    run_stages(other, last="train")  # other bytes, the same rows, the same model
    assert len(kept_with(model)) == 2
    assert first.read_bytes() == before
    assert [faults(path) for path in kept_with(model)[:1]] == [[]]


@pytest.mark.parametrize("content", ['{"nodes": 3}', '{"schema_version": 1, "nodes": {"a": {"kind": "soup"}}}'])
def test_a_damaged_lineage_is_said_to_be_one(content: str, own: Context) -> None:
    own.folder.report(LINEAGE).write_text(content, encoding="utf-8")
    with pytest.raises(BrokenFile, match="no lineage"):
        current(own)


def test_a_newer_lineage_is_refused(own: Context) -> None:
    path = own.folder.report(LINEAGE)
    path.write_text(json.dumps({**read_json(path), "schema_version": 99}), encoding="utf-8")
    with pytest.raises(BrokenFile, match="newer version"):
        current(own)
