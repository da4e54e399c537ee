"""A pack is what it was to the byte, in each of its files and of the bundle's, or the file is named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.errors import BrokenFile
from creditrisk.governance.evidence import PACK, Pack, freeze, load_pack
from creditrisk.kinds import canonical_json
from tests.support.evidence import BUNDLE_FILES, frozen, small_pack_body

FILES = {"test_metrics.json": b'{"n": 3}\n', "evaluation/roc.svg": b"<svg/>", "model_document.html": b"<html>"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models") / "ab"


@pytest.fixture(scope="module")
def pack(model: Path) -> Pack:
    return frozen(model, files=FILES)


def test_the_hash_is_of_the_canonical_json_of_what_the_pack_says(pack: Pack) -> None:
    content = (pack.folder / PACK).read_bytes()
    assert content == canonical_json(pack.body) + b"\n"
    assert hashlib.sha256(content[:-1]).hexdigest() == pack.sha256
    assert pack.folder.name == pack.sha256[:16]
    assert pack.body["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


def test_frozen_twice_it_is_one_pack(pack: Pack, model: Path) -> None:
    assert freeze(model, small_pack_body(), FILES).folder == pack.folder
    assert len(list(pack.folder.parent.iterdir())) == 1


def test_other_evidence_is_another_pack_beside_it(tmp_path: Path) -> None:
    first = frozen(tmp_path, files=FILES)
    second = freeze(tmp_path, small_pack_body(number=2, before=first.sha256), FILES)
    assert load_pack(tmp_path, first.sha256) == first
    assert load_pack(tmp_path, second.sha256).body["before"] == first.sha256


@given(data=st.data())
def test_any_byte_of_any_file_that_is_another_is_found_and_named(pack: Pack, model: Path, data: st.DataObject) -> None:
    names = [*(pack.folder / name for name in (PACK, *FILES)), *(model / "bundle" / name for name in BUNDLE_FILES)]
    path = data.draw(st.sampled_from(names))
    before = path.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1))
    flipped = before[place] ^ data.draw(st.integers(1, 255))
    try:
        path.write_bytes(before[:place] + bytes([flipped]) + before[place + 1 :])
        with pytest.raises(BrokenFile, match="altered") as caught:
            load_pack(model, pack.sha256)
        assert caught.value.where == str(path)
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("name", [PACK, *FILES])
def test_a_file_that_is_gone_is_named(name: str, tmp_path: Path) -> None:
    pack = frozen(tmp_path, files=FILES)
    (pack.folder / name).unlink()
    with pytest.raises(BrokenFile, match="missing") as caught:
        load_pack(tmp_path, pack.sha256)
    assert caught.value.where == str(pack.folder / name)
    assert "creditrisk validate" in caught.value.hint


def test_a_file_that_was_laid_into_it_is_named(tmp_path: Path) -> None:
    pack = frozen(tmp_path, files=FILES)
    (pack.folder / "evaluation" / "more.svg").write_text("x")
    with pytest.raises(BrokenFile, match="does not belong") as caught:
        load_pack(tmp_path, pack.sha256)
    assert caught.value.where.endswith("more.svg")


def test_approvals_stand_in_its_folder_and_are_no_part_of_it(tmp_path: Path) -> None:
    pack = frozen(tmp_path, files=FILES)
    pack.approvals.mkdir()
    (pack.approvals / "1-ann.json").write_text("{}")
    assert load_pack(tmp_path, pack.sha256) == pack


def test_a_pack_that_was_exchanged_for_another_whole_one_is_found(tmp_path: Path) -> None:
    pack = frozen(tmp_path, files=FILES)
    body = {**json.loads((pack.folder / PACK).read_bytes()), "number": 9}
    (pack.folder / PACK).write_bytes(canonical_json(body) + b"\n")
    with pytest.raises(BrokenFile, match="altered"):
        load_pack(tmp_path, pack.sha256)
