"""The command line over the tiny book with MLflow: evidence is frozen, waived, approved by another, and not edited."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from creditrisk.cli import main
from creditrisk.errors import BrokenFile
from creditrisk.governance.evidence import load_pack
from creditrisk.governance.standing import objections
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw

UNTIL = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


class Desk:
    """One workspace, and the commands that people type."""

    def __init__(self, root: Path) -> None:
        self.root, self.workspace = root, root / "workspace"

    def words(self, command: str, *words: str) -> list[str]:
        return [*command.split(), *words, "--workspace", str(self.workspace), "--json"]

    def types(self, capsys: pytest.CaptureFixture[str], command: str, *words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main(self.words(command, *words))
        return code, json.loads(capsys.readouterr().out)

    @property
    def book(self) -> str:
        return str(self.root / "book")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """After `creditrisk run`, by tom. To read only."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    write_tiny_book(desk.root / "book")
    raw = write_tiny_raw(desk.root / "raw")
    small = "training.parameters.xgboost.min_child_weight=1"
    assert main(desk.words("run", desk.book, "--raw", str(raw), "--set", small, "--by", "tom")) == 0
    return desk


@pytest.fixture
def desk(trained: Desk) -> Desk:
    """MLflow's files lie at absolute addresses: one workspace, used where it was made, by one test after the other."""
    return trained


def not_passed(told: dict[str, Any]) -> list[str]:
    return [gate["name"] for gate in told["gates"] if gate["verdict"] != "pass"]


def test_the_whole_way_from_evidence_to_an_approval(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = desk.types(capsys, "approve", desk.book, "--version", "1", "--by", "tom", "--note", "x", "--dry-run")
    assert code == 1
    assert any("tom trained this model" in reason for reason in told["in_the_way"])
    assert {"lineage", "artefacts", "tracked"}.isdisjoint(not_passed(told))

    code, told = desk.types(capsys, "waive", desk.book, "--gate", "lineage", "--because", "x", "--until", UNTIL)
    assert (code, told["error"]["kind"]) == (1, "Refused")
    _, shown = desk.types(capsys, "approve", desk.book, "--version", "1", "--by", "bob", "--note", "x", "--dry-run")
    for gate in not_passed(shown):
        words = ("--gate", gate, "--because", "a pilot", "--until", UNTIL, "--by", "carl", "--version", "1")
        assert desk.types(capsys, "waive", desk.book, *words)[0] == 0

    assert desk.types(capsys, "keys new bob")[0] == 0
    code, told = desk.types(capsys, "keys new Bob")
    assert (code, told["error"]["kind"]) == (1, "Refused")
    _, told = desk.types(capsys, "keys list")
    assert [(one["name"], one["counts"]) for one in told["keys"]] == [("bob", True)]

    code, told = desk.types(capsys, "approve", desk.book, "--version", "7", "--by", "bob", "--note", "x")
    assert (code, told["error"]["kind"]) == (2, "BadUsage")
    assert "known: 1" in told["error"]["hint"]
    code, told = desk.types(capsys, "approve", desk.book, "--version", "1", "--by", "eve", "--note", "x")
    assert code == 1
    assert "the key of eve is not known here; known: bob" in told["error"]["what"]

    command = [sys.executable, "-m", "creditrisk.pipelines.approve_model",
               *desk.words(desk.book, "--version", "1", "--by", "bob", "--note", "twice at once")]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: subprocess.run(command, capture_output=True, check=False), range(2)))
    assert sorted(done.returncode for done in both) == [0, 1]
    (second,) = [json.loads(done.stdout)["error"] for done in both if done.returncode]
    assert "approved this evidence" in second["what"] or "another command is approving" in second["what"]

    for name in ("validate", "register"):  # judged and registered again, nothing is void
        assert desk.types(capsys, name, desk.book, "--by", "tom")[0] == 0
    code, told = desk.types(capsys, "approve", desk.book, "--version", "1", "--by", "bob", "--note", "x")
    assert code == 1
    assert "bob approved this evidence on" in told["error"]["what"]


def test_one_flipped_byte_of_any_file_of_the_pack_is_found_and_named(desk: Desk, tmp_path: Path) -> None:
    (model,) = (desk.workspace / "tiny" / "models").iterdir()
    content = (desk.workspace / "tiny" / "reports" / "evidence_pack.json").read_bytes()
    copy = tmp_path / model.name
    shutil.copytree(model, copy)
    packs = [folder for folder in (copy / "evidence").iterdir() if folder.is_dir()]
    folder = next(folder for folder in packs if (folder / "evidence_pack.json").read_bytes() == content)
    sha256 = sha256_of_pack(content)
    pack = load_pack(copy, sha256)
    assert objections(pack, datetime.now(UTC).date(), "staging") == [] or pack.body["verdict"] != "pass"
    files = [path for place in (folder, copy / "bundle") for path in sorted(place.rglob("*")) if path.is_file()]
    frozen = [path for path in files if path.parent.name != "approvals"]
    assert len(frozen) > 40
    for path in frozen:
        before = path.read_bytes()
        middle = len(before) // 2
        path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
        with pytest.raises(BrokenFile) as caught:
            load_pack(copy, sha256)
        assert caught.value.where == str(path)
        path.write_bytes(before)
    assert load_pack(copy, sha256) == pack


def sha256_of_pack(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content[:-1]).hexdigest()


def test_a_figure_that_was_edited_in_mlflow_fails_the_gate(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    from creditrisk.adapters.mlflow_client import mlflow_at

    report = json.loads((desk.workspace / "tiny" / "reports" / "post_training_validation.json").read_bytes())
    with mlflow_at(f"sqlite:///{desk.workspace / 'mlflow.db'}") as client:
        client.log_metric(report["meta"]["run_id"], "test_roc_auc", 0.99)
    code, told = desk.types(capsys, "validate", desk.book, "--by", "tom")
    assert code == 1
    (gate,) = [gate for gate in told["gates"] if gate["name"] == "tracked"]
    assert (gate["verdict"], gate["can_be_waived"]) == ("fail", False)
    assert "0.99 in the tracker" in gate["reason"]
