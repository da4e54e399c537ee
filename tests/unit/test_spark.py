"""What engine spark needs is told before anything of it is imported, with the one command that brings it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from creditrisk import spark
from creditrisk.errors import BadConfig, BadUsage, ExitCode, MissingInput
from creditrisk.spark import APT, PIP, SparkSettings, java_version, need_spark, properties


def _java(folder: Path, said: str, *, code: int = 0) -> str:
    """A JAVA_HOME whose Java says that."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit {code}\n", encoding="utf-8")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_412"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("no such thing", None),
    ],
)
def test_the_version_of_java_is_read_from_what_it_says(
    said: str, version: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", _java(tmp_path, said))
    assert java_version() == version


def test_a_java_that_does_not_run_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", _java(tmp_path, 'openjdk version "17.0.15"', code=1))
    assert java_version() is None
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing-here"))
    assert java_version() is None


@pytest.mark.parametrize(
    ("pyspark", "java", "what", "command"),
    [
        (False, True, "PySpark is not installed", PIP),
        (True, False, "Java 17 is not installed", APT),
        (False, False, "PySpark and Java 17 are not installed", f"{PIP} && {APT}"),
    ],
)
def test_what_is_missing_is_told_with_the_one_command_that_installs_it(
    pyspark: bool, java: bool, what: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", _java(tmp_path, f'openjdk version "{17 if java else 11}.0.1"'))
    monkeypatch.setattr(spark.importlib.util, "find_spec", lambda _: object() if pyspark else None)
    with pytest.raises(BadUsage, match=f"engine spark: {what}") as told:
        need_spark()
    assert (told.value.hint, told.value.exit_code) == (command, ExitCode.BAD_USAGE)


def test_a_process_that_sparks_launcher_started_needs_no_java_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    monkeypatch.setattr(spark.importlib.util, "find_spec", lambda _: object())
    need_spark()


def test_neither_looking_nor_settings_import_pyspark() -> None:
    code = (
        "import sys, creditrisk.spark as s; s.SparkSettings(); s.launched_by_spark(); print('pyspark' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"


def test_a_file_of_properties_is_read_as_spark_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "spark-defaults.conf"
    path.write_text(
        "# ours\n\nspark.executor.memory  4g\nspark.master=yarn\n"
        "spark.driver.extraJavaOptions -Da=b -Dc=d \nspark.hadoop.fs.s3a.endpoint: http://127.0.0.1:9000\n",
        encoding="utf-8",
    )
    assert properties(path) == {
        "spark.executor.memory": "4g",
        "spark.master": "yarn",
        "spark.driver.extraJavaOptions": "-Da=b -Dc=d",
        "spark.hadoop.fs.s3a.endpoint": "http://127.0.0.1:9000",
    }


def test_a_line_that_is_no_property_is_refused_by_its_number_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "spark-defaults.conf"
    path.write_text("spark.executor.memory 4g\npassword hunter2\n", encoding="utf-8")
    with pytest.raises(BadConfig, match="line 2") as told:
        properties(path)
    assert "hunter2" not in str(told.value)


def test_a_file_of_properties_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="cannot be read"):
        properties(tmp_path / "none.conf")


@pytest.mark.parametrize(
    ("master", "local", "cores"),
    [("local", True, 1), ("local[3]", True, 3), ("local[2,4]", True, 2), ("yarn", False, 1)],
)
def test_the_cores_of_a_local_master(master: str, local: bool, cores: int) -> None:
    assert SparkSettings(master).is_local is local
    assert spark._cores(master) == cores


def test_local_cluster_mode_is_no_local_mode() -> None:
    assert not SparkSettings("local-cluster[2,1,1024]").is_local
