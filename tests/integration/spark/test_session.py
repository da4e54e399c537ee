"""A session has our SQL settings whether it was started or joined, and leaves the caller's as they were."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from creditrisk.errors import BadConfig
from creditrisk.spark import SQL_CONF, SparkSettings, session, translated

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_a_started_session_listens_on_loopback_and_has_no_page(spark: SparkSession) -> None:
    conf = dict(spark.sparkContext.getConf().getAll())
    assert conf["spark.driver.host"] == "127.0.0.1"
    assert conf["spark.driver.bindAddress"] == "127.0.0.1"
    assert spark.sparkContext.uiWebUrl is None
    assert {name: spark.conf.get(name) for name in SQL_CONF} == SQL_CONF


def test_a_running_spark_is_joined_with_our_settings_and_its_own_are_left(spark: SparkSession) -> None:
    theirs = spark.newSession()
    theirs.conf.set("spark.sql.ansi.enabled", "false")
    theirs.createDataFrame([(1,)], "a int").createOrReplaceTempView("loans")
    with session(SparkSettings("local[7]")) as joined:
        assert joined.sparkContext is spark.sparkContext
        assert joined.conf.get("spark.sql.ansi.enabled") == "true"
        assert not joined.catalog.tableExists("loans")
    assert theirs.conf.get("spark.sql.ansi.enabled") == "false"
    assert theirs.sql("select a from loans").collect() == [(1,)]  # joining stopped nothing


@pytest.mark.parametrize(
    "sql", ["select 1/0", "select no_such_column", "selec 1", "select cast('a' as int)", "select cast(3e9D as int)"]
)
def test_an_error_of_the_sql_is_the_books_and_is_told_in_one_line(
    spark: SparkSession, sql: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(BadConfig, match=r"^loans\.sql: ") as told,
        translated("loans.sql"),
    ):
        spark.sql(sql).collect()
    assert "\n" not in told.value.what
    assert capfd.readouterr().err == ""
