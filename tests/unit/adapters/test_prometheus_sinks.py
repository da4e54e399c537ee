"""Figures for Prometheus: a file that is whole or the one before, and a push that is told when it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from creditrisk.adapters import prometheus_sinks
from creditrisk.adapters.prometheus_sinks import PushGateway, TextFile, prometheus_text
from creditrisk.errors import BadConfig, CreditRiskError, OutsideFailed
from creditrisk.ports import Figure
from tests.support.listening import Webhook, listening
from tests.support.server_process import free_port

SECRET = "planted4711"
FIGURES = [
    Figure("creditrisk_psi", 0.25, {"book": "tiny", "column": 'odd "word"\n\\'}, "How far it moved"),
    Figure("creditrisk_alarms_open", 2, {"book": "tiny", "severity": "critical"}, "Open alarms"),
    Figure("creditrisk_psi", 0.125, {"book": "tiny", "column": "income"}, "How far it moved"),
]


def read(text: bytes) -> dict[tuple[str, str], float]:
    """{(name, column or severity): value}, by Prometheus' own reader."""
    return {
        (sample.name, sample.labels.get("column", sample.labels.get("severity", ""))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_every_figure_is_read_back_with_its_words_and_value() -> None:
    told = prometheus_text(FIGURES)
    assert read(told) == {
        ("creditrisk_psi", 'odd "word"\n\\'): 0.25,
        ("creditrisk_psi", "income"): 0.125,
        ("creditrisk_alarms_open", "critical"): 2.0,
    }
    assert told.count(b"# TYPE creditrisk_psi gauge") == 1
    assert prometheus_text(list(reversed(FIGURES))) == told


def test_the_file_is_replaced_as_a_whole_and_may_be_read_by_another_user(tmp_path: Path) -> None:
    sink = TextFile(tmp_path / "metrics", "tiny")
    sink.write(FIGURES)
    sink.write(FIGURES[1:2])
    assert list(read(sink.path.read_bytes())) == [("creditrisk_alarms_open", "critical")]
    assert sink.path.stat().st_mode & 0o444 == 0o444
    assert [path.name for path in sink.path.parent.glob("*.prom")] == ["creditrisk_tiny.prom"]


def test_killed_half_way_the_file_before_stands_and_nothing_else_ends_in_prom(tmp_path: Path) -> None:
    sink = TextFile(tmp_path, "tiny")
    sink.write(FIGURES[:1])
    before = sink.path.read_bytes()
    dying = (
        "import os, sys; from pathlib import Path\n"
        "from creditrisk.adapters import prometheus_sinks\n"
        "from tests.unit.adapters.test_prometheus_sinks import FIGURES\n"
        "prometheus_sinks.sync = lambda path: os._exit(9)\n"
        "prometheus_sinks.TextFile(Path(sys.argv[1]), 'tiny').write(FIGURES)\n"
    )
    answer = subprocess.run([sys.executable, "-c", dying, str(tmp_path)], check=False, cwd=Path.cwd())
    assert answer.returncode == 9
    assert sink.path.read_bytes() == before
    assert (tmp_path / "creditrisk_tiny.partial").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".prom")] == ["creditrisk_tiny.prom"]
    sink.write(FIGURES)
    assert len(read(sink.path.read_bytes())) == 3
    assert not (tmp_path / "creditrisk_tiny.partial").exists()


def test_a_folder_that_cannot_be_made_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file", encoding="utf-8")
    with pytest.raises(OutsideFailed, match="metrics"):
        TextFile(tmp_path / "metrics", "tiny").write(FIGURES)


def test_a_full_disk_is_told_and_leaves_the_file_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = TextFile(tmp_path, "tiny")
    sink.write(FIGURES[:1])

    def full(path: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(prometheus_sinks, "sync", full)
    with pytest.raises(OutsideFailed, match="No space left"):
        sink.write(FIGURES)
    assert len(read(sink.path.read_bytes())) == 1


@pytest.fixture
def gateway() -> Iterator[Webhook]:
    with listening() as hook:
        yield hook


def push(address: str) -> None:
    PushGateway(SecretStr(address), "tiny").write(FIGURES)


def fails(address: str) -> CreditRiskError:
    with pytest.raises(CreditRiskError) as told:
        push(address)
    assert SECRET not in f"{told.value}{told.value!r}"
    return told.value


def test_a_push_takes_the_place_of_what_the_book_pushed_before(gateway: Webhook) -> None:
    push(f"http://lender:{SECRET}@127.0.0.1:{gateway.port}/")
    (posted,) = gateway.posted
    assert posted.path == "/metrics/job/creditrisk/book/tiny"
    assert posted.headers["Authorization"].startswith("Basic ")
    assert len(read(posted.body)) == 3


@pytest.mark.parametrize(("status", "helps"), [(400, False), (401, False), (302, False), (500, True)])
def test_a_gateway_that_says_no_is_told_by_status(status: int, helps: bool, gateway: Webhook) -> None:
    gateway.status = status
    told = fails(f"http://lender:{SECRET}@127.0.0.1:{gateway.port}")
    assert f"status {status}" in str(told)
    assert told.retry_may_help is helps


def test_a_gateway_that_is_away_is_told_without_its_password() -> None:
    assert isinstance(fails(f"http://lender:{SECRET}@127.0.0.1:{free_port()}"), OutsideFailed)


@pytest.mark.parametrize("address", [f"gateway/{SECRET}", f"ftp://lender:{SECRET}@gateway", f"http://{SECRET}:x@"])
def test_what_is_no_address_is_told_without_it(address: str) -> None:
    assert isinstance(fails(address), BadConfig)
