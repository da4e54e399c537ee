"""The demo as a newcomer runs it, then again, then killed: the same bytes, and nothing half-written."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.reasons import disagreements
from creditrisk.config import Workspace, load_book
from creditrisk.duck import DuckSettings
from creditrisk.files import PARTIAL
from creditrisk.governance import verify_chain
from creditrisk.kinds import sha256_of, sha256_of_file
from creditrisk.modelling import load_bundle
from creditrisk.pipelines.reason_proofs import finder
from creditrisk.scoring import falls, score
from creditrisk.scoring.reasons import proved
from tests.support.schemas import faults_in

BOOKS = ("home_credit", "lending_club")
ROWS = 5_000
KILLS = 6
BY_APPROVAL = (
    "deployments.jsonl", "evidence_pack.json", "model_document.html",
    "registry_transition.json", "canary_report.json", "deploy_manifest.json",
)  # fmt: skip


def creditrisk(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "creditrisk.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    workspace = tmp_path_factory.mktemp("demo") / "workspace"
    done = creditrisk("demo", "--workspace", workspace, "--rows", ROWS)
    assert done.returncode == 0, done.stderr
    assert "invented data" in done.stdout.lower()
    assert "Traceback" not in done.stderr
    yield workspace
    shutil.rmtree(workspace)


def fingerprint(folder: Path) -> dict[str, str]:
    """{file: hash} of everything that a run promises to repeat; `meta` of the reports does not count.

    Without the evidence, which holds the reports as they are, times and all, and without what an approval writes.
    """
    marks = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (
            not path.is_file()
            or "/evidence/" in name
            or name.endswith((*BY_APPROVAL, "run_summary.html", ".lock", "decisions.parquet"))
        ):
            continue
        is_report = path.suffix == ".json" and "/bundle/" not in name
        marks[name] = sha256_of(json.loads(path.read_text())) if is_report else sha256_of_file(path)
    return marks


def report(workspace: Path, book: str, name: str) -> dict[str, Any]:
    return json.loads((workspace / book / "reports" / name).read_text())


@pytest.mark.parametrize("book", BOOKS)
def test_every_artefact_of_the_map_is_there(demo: Path, book: str) -> None:
    folder = demo / book
    for name in (
        "data/bronze/application.parquet", "data/processed/feature_store.parquet", "data/processed/train.parquet",
        "data/processed/calibration.parquet", "data/processed/test.parquet", "data/processed/audit.parquet",
        "reports/ingestion_summary.json", "reports/contract_findings.json", "reports/data_lineage.json",
        "reports/metrics.json", "reports/test_metrics.json", "reports/test_predictions.parquet",
        "reports/post_training_validation.json", "reports/model_document.html",
        "reports/registry_promotion.json", "reports/evidence_pack.json", "reports/canary_report.json",
        "reports/registry_transition.json", "reports/deploy_manifest.json", "deployments.jsonl",
        "reports/run_summary.html", "reports/evaluation", "reports/test_evaluation",
    ):  # fmt: skip
        assert (folder / name).exists(), name
    assert (demo / "mlflow.db").is_file()
    assert not list(demo.rglob(f"{PARTIAL}*"))


@pytest.mark.parametrize("book", BOOKS)
def test_every_report_says_what_it_is_made_of(demo: Path, book: str) -> None:
    for path in (demo / book / "reports").glob("*.json"):
        told = json.loads(path.read_text())
        assert {
            "schema_version",
            "book",
            "code_version",
            "inputs",
            "meta",
            "invented_data",
            "checks_off",
            "leaks_released",
        } <= told.keys(), path.name
        assert told["invented_data"] is True
        assert "created_at" in told["meta"]


@pytest.mark.parametrize("book", BOOKS)
def test_every_report_keeps_to_its_schema_and_none_is_without_one(demo: Path, book: str, tmp_path: Path) -> None:
    assert list(faults_in(demo / book / "reports")) == []
    (tmp_path / "surprise.json").write_text("{}", encoding="utf-8")
    assert list(faults_in(tmp_path)) == ["surprise.json: no schema in docs/schemas"]


@pytest.mark.parametrize("book", BOOKS)
def test_the_page_says_that_the_data_are_invented(demo: Path, book: str) -> None:
    page = (demo / book / "reports" / "run_summary.html").read_text(encoding="utf-8")
    assert "nvented data" in page
    assert "production" in page
    assert "invented.approver" in page


@pytest.mark.parametrize("book", BOOKS)
def test_the_model_ranks_and_its_mean_pd_is_near_the_default_rate(demo: Path, book: str) -> None:
    figures = report(demo, book, "test_metrics.json")
    assert figures["roc_auc"]["value"] > 0.6
    low, high = figures["default_rate"]["low"], figures["default_rate"]["high"]
    mean = figures["mean_pd"]
    assert 0.8 * low < (mean["value"] if isinstance(mean, dict) else mean) < 1.25 * high
    assert figures["brier"]["value"] < figures["brier_of_mean"]


@pytest.mark.parametrize("book", BOOKS)
def test_no_prohibited_column_reached_a_part(demo: Path, book: str) -> None:
    from creditrisk.config import load_book

    names = {name.lower() for name in pq.read_schema(demo / book / "data" / "processed" / "train.parquet").names}
    kept_apart = load_book(book).portfolio.policy.kept_apart
    assert not names & {column.lower() for column in kept_apart}
    audit = set(pq.read_schema(demo / book / "data" / "processed" / "audit.parquet").names)
    assert set(kept_apart) <= audit


def test_acts_are_chained(demo: Path) -> None:
    verdict = verify_chain(demo / "audit.jsonl")
    assert verdict.unbroken
    assert verdict.acts >= 6


@pytest.mark.parametrize("book", BOOKS)
def test_two_invented_people_brought_it_to_production_by_the_rules(demo: Path, book: str) -> None:
    told = json.loads(creditrisk("asof", book, "2100-01-01", "--workspace", demo, "--json").stdout)
    assert (told["version"], told["aliases"]) == (1, {"candidate": 1, "production": 1})
    assert [one["by"] for one in told["approvals"]] == ["invented.validator", "invented.approver"]
    assert {one["by"] for one in told["waivers"]} == {"invented.validator"}
    assert all(one["because"].startswith("invented") for one in told["waivers"])
    manifest = demo / book / "reports" / "deploy_manifest.json"
    checked = creditrisk("manifest", book, "--workspace", demo, "--check", manifest)
    assert (checked.returncode, checked.stderr.count("Traceback")) == (0, 0), checked.stderr


def test_the_models_are_listed_asked_for_the_law_and_their_acts_verified(demo: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(demo, workspace)
    listed = creditrisk("models", "--workspace", workspace, "--json")
    assert [(model["book"], model["version"]) for model in json.loads(listed.stdout)["models"]] == [
        ("home_credit", 1), ("lending_club", 1),
    ]  # fmt: skip
    for book in BOOKS:
        asked = creditrisk("comply", book, "--all", "--on", "2026-12-01", "--workspace", workspace)
        assert asked.returncode == 1, asked.stderr
        assert "This is no legal advice." in asked.stdout
        assert "model_risk_tier" in asked.stderr
        assert list(faults_in(workspace / book / "reports")) == []
        bases = next(duty for duty in _duties(workspace, book, "us-fed") if duty["check"] == "prohibited_bases")
        assert bases["result"] != "fail", bases
    verified = creditrisk("audit", "verify", "--workspace", workspace, "--json")
    assert json.loads(verified.stdout)["checkpoints"] >= 1


def _duties(workspace: Path, book: str, profile: str) -> list[dict[str, Any]]:
    told = report(workspace, book, "compliance_report.json")["profiles"]
    return list(next(one for one in told if one["name"] == profile)["duties"])


@pytest.mark.parametrize("book", BOOKS)
def test_batch_gives_the_evaluations_predictions_to_the_bit(demo: Path, book: str, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(demo / "demo" / book, raw)
    if (raw / "application_test.csv").exists():
        shutil.copyfile(raw / "application_train.csv", raw / "application_test.csv")
    out = tmp_path / "decisions.parquet"
    done = creditrisk("score", book, "--input", raw, "--output", out, "--alias", "candidate", "--workspace", demo)
    assert done.returncode == 0, done.stderr
    assert "invented data" in done.stdout
    tested = pq.read_table(demo / book / "reports" / "test_predictions.parquet")
    tested = tested.drop_columns(["target", "reasons", "warnings"])
    key = tested.column_names[0]
    wanted = set(tested[key].to_pylist())
    ours = [row for row in pq.read_table(out, columns=tested.column_names).to_pylist() if row[key] in wanted]
    assert ours == tested.to_pylist()


@pytest.mark.parametrize(("book", "declines"), [("home_credit", 20), ("lending_club", 100)])
def test_reasons_are_proved_the_long_way_round_too(demo: Path, book: str, declines: int) -> None:
    folder = Workspace(demo).book(book)
    (bundle_folder,) = folder.models.glob("*/bundle")
    bundle, at = load_bundle(bundle_folder), load_book(bundle_folder)
    tables = {name: folder.table(name) for name in at.portfolio.tables}
    rows = pq.read_table(folder.part("test"))
    decisions = score(bundle, rows, with_reasons=False)["decision"]
    declined = rows.filter(pc.equal(decisions, "decline")).slice(0, declines)
    values, keys = bundle.preprocess.matrix(declined).values, declined[bundle.key].combine_chunks()
    find = finder(bundle, at, tables, DuckSettings())
    assert find is not None
    tried = falls(bundle, values, keys, find)
    told = proved(bundle, values, tried)
    assert told.told.any(axis=1).all()
    assert disagreements(bundle, at, folder.bronze, keys.to_pylist(), tried, told) == 0


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_batch_writes_csv_and_json_too(demo: Path, suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"decisions{suffix}"
    done = creditrisk(
        "score", "lending_club", "--input", demo / "demo" / "lending_club", "--output", out,
        "--alias", "candidate", "--workspace", demo, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    rows = out.read_text(encoding="utf-8").splitlines()
    assert told["rows"] == ROWS
    assert len(rows) == ROWS + (1 if suffix == ".csv" else 0)
    if suffix == ".json":
        assert {"loan_key", "pd", "score", "grade", "decision", "reasons"} <= json.loads(rows[0]).keys()


def test_the_books_of_a_killed_demo_do_not_go_on_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "creditrisk.cli", "demo", "--rows", "2000", "--workspace", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        begun = {process.stderr.readline().partition(":")[0] for _ in BOOKS}
        process.send_signal(signal.SIGKILL)
        told = process.stderr.read()  # ends when nobody is left who could write
    assert begun <= set(BOOKS)
    assert not any(f"{book}: train" in told for book in BOOKS)


@pytest.mark.parametrize("book", BOOKS)
def test_the_same_run_gives_the_same_bytes(demo: Path, book: str, tmp_path: Path) -> None:
    done = creditrisk("run", book, "--raw", demo / "demo" / book, "--workspace", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    first, second = fingerprint(demo / book), fingerprint(tmp_path / "again" / book)
    assert len(second) > 40
    assert {name for name in second if first.get(name) != second[name]} == set()
    refused = creditrisk(
        "score", book, "--input", demo / "demo" / book, "--output", tmp_path / "d.csv",
        "--workspace", tmp_path / "again",
    )  # fmt: skip
    assert refused.returncode == 1
    assert "--alias candidate" in refused.stderr
    assert not list(tmp_path.glob("d*"))


def test_killed_anywhere_and_run_again_it_ends_the_same(demo: Path, tmp_path: Path) -> None:
    whole, workspace = fingerprint(demo / "lending_club"), tmp_path / "killed"
    command = [sys.executable, "-m", "creditrisk.cli", "run", "lending_club", "--raw",
               str(demo / "demo" / "lending_club"), "--workspace", str(workspace)]  # fmt: skip
    moments = random.Random(5)
    for _ in range(KILLS):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(1.0, 14.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in (workspace / "lending_club").rglob("*.json"):
            if not any(part.startswith(PARTIAL) for part in path.parts):
                json.loads(path.read_text())
    done = creditrisk(*command[3:])
    assert done.returncode == 0, done.stderr
    ended = fingerprint(workspace / "lending_club")
    assert len(ended) > 40
    assert {name: mark for name, mark in ended.items() if whole.get(name) != mark} == {}
    assert not list((workspace / "lending_club").rglob(f"{PARTIAL}*"))
    assert verify_chain(workspace / "audit.jsonl").unbroken
