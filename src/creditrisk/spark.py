"""Spark behind one thin module: a session that reads SQL as the books are translated to it, started or joined.

Nothing of Spark is imported before `session` is entered: a command that stays on one machine needs neither PySpark nor
Java.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from creditrisk.errors import BadConfig, BadUsage, MissingInput, OutsideFailed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

JAVA_WANTED = 17
"""Spark 4 runs on this one and later."""

PIP = 'pip install "creditrisk[spark]"'
APT = "apt-get install openjdk-17-jre-headless"

SQL_CONF = {
    "spark.sql.ansi.enabled": "true",  # what DuckDB calls an error is one here too
    "spark.sql.caseSensitive": "false",  # as in DuckDB
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",  # a product keeps its scale or is an error
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.binaryAsString": "false",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",  # days as DuckDB counts them, those before 1582 too
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
}
"""What the translated SQL is written for; set on every session, a joined one too."""

OWN_CONF = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
"""Of a session that we start, unless the caller says otherwise."""

LOCAL_CONF = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
"""On one machine nothing listens beyond it."""


@dataclass(frozen=True)
class SparkSettings:
    """Where Spark runs. conf beats conf_file, a file of Spark's own properties (`spark-defaults.conf`).

    master: as Spark spells it, e.g. local[2], yarn, k8s://https://host:6443, spark://host:7077.
    """

    master: str = "local[2]"
    conf: Mapping[str, str] = field(default_factory=dict)
    conf_file: Path | None = None
    app_name: str = "creditrisk"

    @property
    def is_local(self) -> bool:
        return self.master.split("[")[0] == "local"


@contextmanager
def session(settings: SparkSettings | None = None) -> Iterator[SparkSession]:
    """A session with our SQL settings: the running Spark joined, else one started, and stopped afterwards.

    Where Spark runs already (a notebook, a test) or its launcher started this process (`spark-submit`), master and
    configuration are the ones it was given. Raises BadUsage where PySpark or Java are missing, BadConfig for a
    configuration file that is none, OutsideFailed where Spark does not start.
    """
    need_spark()
    settings = settings or SparkSettings()
    with warnings.catch_warnings():
        # PySpark 4.3 says so of any pandas 3; what of it we use is tested with the pandas that we lock.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        from pyspark.sql import SparkSession

        running = SparkSession.getActiveSession() or SparkSession._instantiatedSession
        if running is not None and running.sparkContext._jsc is not None:
            yield with_sql_conf(running.newSession())
            return
        started = _started(settings)
        try:
            yield started
        finally:
            started.stop()


def need_spark() -> None:
    """Raises BadUsage with the one command that installs what is missing; imports nothing of Spark."""
    missing, commands = [], []
    if importlib.util.find_spec("pyspark") is None:
        missing.append("PySpark")
        commands.append(PIP)
    if not launched_by_spark() and (java_version() or 0) < JAVA_WANTED:
        missing.append(f"Java {JAVA_WANTED}")
        commands.append(APT)
    if missing:
        raise BadUsage(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            where="engine spark",
            hint=" && ".join(commands),
        )


def launched_by_spark() -> bool:
    """Did Spark's launcher start this process, with a JVM of its own?"""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def java_version() -> int | None:
    """Of the Java that Spark would take: JAVA_HOME's, else the one on PATH."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        return None
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    # "1.8.0_412" is Java 8, "17.0.15" Java 17.
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found.group(1)) if found else None


def properties(path: Path) -> dict[str, str]:
    """Of a file as Spark reads it: `key value` or `key=value` a line, `#` begins a comment."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MissingInput(
            f"cannot be read: {error}", where=str(path), hint="name a file of Spark properties, as spark-defaults.conf"
        ) from error
    found = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        said = re.fullmatch(r"\s*(spark\.[\w.\-]+)(?:\s*[=:]\s*|\s+)(.*?)\s*", line)
        if said is None:  # the line is not shown: it may hold a secret
            raise BadConfig(
                "not a Spark property", where=f"{path}, line {number}", hint="`spark.<name> <value>` a line; # comments"
            )
        found[said[1]] = said[2]
    return found


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Spark's errors as ours: the book's SQL is wrong, or the cluster failed."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.errors import exceptions as kinds

    wrong = (
        kinds.base.AnalysisException,
        kinds.base.ParseException,
        kinds.base.ArithmeticException,
        kinds.base.NumberFormatException,
        kinds.base.DateTimeException,
        kinds.base.IllegalArgumentException,
        kinds.base.SparkRuntimeException,
    )
    try:
        yield
    except wrong as error:
        raise BadConfig(
            _first_line(error), where=where, hint="the SQL as Spark runs it; docs/portable-sql.md"
        ) from error
    except (PySparkException, Py4JError) as error:
        raise OutsideFailed(_first_line(error), where=f"Spark, {where}", hint="see the log of the executors") from error


def read_parquet(spark: SparkSession, path: str | Path) -> DataFrame:
    """Raises MissingInput where there is none."""
    from pyspark.errors import AnalysisException

    try:
        return spark.read.parquet(uri(path))
    except AnalysisException as error:
        raise MissingInput(
            f"no Parquet to read: {str(error).splitlines()[0]}", where=str(path), hint="is the path right?"
        ) from error


def uri(path: str | Path) -> str:
    """As Spark reads it: a plain path means this machine's, whatever the cluster's own file system is."""
    said = str(path)
    return said if len(urlsplit(said).scheme) > 1 else Path(said).resolve().as_uri()


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _started(settings: SparkSettings) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    given = {**(properties(settings.conf_file) if settings.conf_file else {}), **settings.conf}
    if not launched_by_spark():
        own = {**OWN_CONF, **(LOCAL_CONF if settings.is_local else {})}
        builder = builder.master(settings.master).appName(settings.app_name)
        if settings.is_local:
            own["spark.sql.shuffle.partitions"] = str(_cores(settings.master))
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        given = {**own, **given}
    builder = builder.config(map={**given, **SQL_CONF})
    try:
        started = builder.getOrCreate()
    except Exception as error:  # a JVM that ends says RuntimeError, a cluster Py4JJavaError, ...
        raise OutsideFailed(
            f"Spark does not start: {_first_line(error)}", where=f"master {settings.master}", hint="see its log above"
        ) from error
    started.sparkContext.setLogLevel("ERROR")
    return with_sql_conf(started)


def with_sql_conf(spark: SparkSession) -> SparkSession:
    """The settings that the translated SQL is written for."""
    from pyspark.logger import PySparkLogger

    for name, value in SQL_CONF.items():
        spark.conf.set(name, value)
    PySparkLogger.getLogger("SQLQueryContextLogger").setLevel("CRITICAL")  # our message says it in one line
    return spark


def _cores(master: str) -> int:
    said = re.match(r"local\[(\d+|\*)", master)
    if said is None:
        return 1
    return (os.cpu_count() or 1) if said[1] == "*" else int(said[1])
