"""Executors that are processes of their own, by Spark's launcher, and a run that is killed.

TEST_SPARK_CLUSTER=1 adds a standalone master with a worker on loopback.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from creditrisk.pipelines.batch_predict import run as score
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stages
from tests.support.tiny_run import tiny_context, write_tiny_raw

BIN = Path(sys.executable).parent
STANDALONE = "standalone"
CLUSTERS = ["local-cluster[2,1,1024]", *([STANDALONE] if "TEST_SPARK_CLUSTER" in os.environ else [])]
MAIN = "from creditrisk.cli import entry_point\n\nentry_point()\n"
MEMORY = (
    "--conf",
    "spark.driver.memory=512m",
    "--conf",
    "spark.executor.memory=512m",
    "--conf",
    "spark.ui.enabled=false",
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Context:
    context = tiny_context(tmp_path_factory.mktemp("here"))
    run_stages(context, last="train")
    return context


@pytest.fixture
def environment(component: object) -> dict[str, str]:
    component("java")  # type: ignore[operator]
    kept = {name: value for name, value in os.environ.items() if name != "SPARK_HOME"}
    return {**kept, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}


def words(here: Context, folder: Path, output: str = "there.parquet") -> list[str]:
    raw = write_tiny_raw(folder / "new", 300, seed=21)
    return [
        "score", str(here.book.folder), "--engine", "spark", "--workspace", str(folder / "w"), "--bundle",
        str(here.folder.newest_bundle), "--input", str(raw), "--output", str(folder / output), "--json",
    ]  # fmt: skip


def submitted(
    master: str, told: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    main = folder / "on_spark.py"
    main.write_text(MAIN, encoding="utf-8")
    command = [str(BIN / "spark-submit"), "--master", master, *MEMORY, str(main), *told]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=560)


def alone(here: Context, folder: Path) -> Path:
    score(here, folder / "new", folder / "here.parquet", reference=str(here.folder.newest_bundle))
    return folder / "here.parquet"


@pytest.mark.parametrize("kind", CLUSTERS)
def test_a_submitted_batch_decides_as_one_machine(
    here: Context, tmp_path: Path, environment: dict[str, str], kind: str
) -> None:
    with nullcontext(kind) if kind != STANDALONE else standalone(tmp_path, environment) as master:
        done = submitted(master, words(here, tmp_path), tmp_path, environment)
    assert done.returncode == 0, done.stderr[-3000:]
    assert pq.read_table(tmp_path / "there.parquet").equals(pq.read_table(alone(here, tmp_path)))


def test_a_killed_batch_leaves_no_output_and_the_next_one_is_whole(
    here: Context, tmp_path: Path, environment: dict[str, str]
) -> None:
    told = words(here, tmp_path, "there")
    with (tmp_path / "log").open("w") as log:
        command = [str(BIN / "creditrisk"), *told, "--master", "local[1]"]
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + 500
        while not list(tmp_path.glob("w/tiny/data/whole/.partial-score-*/features")):
            assert running.poll() is None, (tmp_path / "log").read_text()[-3000:]
            assert time.monotonic() < until
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert not (tmp_path / "there").exists()
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=560)
    assert again.returncode == 0, again.stderr[-3000:]
    assert (tmp_path / "there" / "_SUCCESS").is_file()
    assert pq.read_table(tmp_path / "there").sort_by("loan_id").equals(pq.read_table(alone(here, tmp_path)))


@contextmanager
def standalone(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """A master and a worker on loopback, from the classes in PySpark's wheel."""
    port, pages = _free(), [_free(), _free()]
    master = f"spark://127.0.0.1:{port}"
    kind = "org.apache.spark.deploy"
    commands = [
        [f"{kind}.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(pages[0])],
        [f"{kind}.worker.Worker", "--host", "127.0.0.1", "--cores", "2", "--memory", "1g", "--webui-port",
         str(pages[1]), "--work-dir", str(folder / "work"), master],
    ]  # fmt: skip
    started: list[subprocess.Popen[bytes]] = []
    with (folder / "cluster.log").open("w") as log:
        try:
            for command in commands:
                spark_class = [str(BIN / "spark-class"), *command]
                started.append(subprocess.Popen(spark_class, env=environment, stdout=log, stderr=log))
                _wait_for(port)
            yield master
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(60)


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"nothing listens on {port}")
