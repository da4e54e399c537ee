"""The feature table on Spark: the book's own SQL, translated, over bronze Parquet of any size and place."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk.config import SqlFile
from creditrisk.errors import BadConfig, BadData
from creditrisk.features.engine import Progress, Schema, parsed, tables_read
from creditrisk.features.lint import read_by, told
from creditrisk.portable import Bound, SparkQuery, spark_type, translated_select
from creditrisk.spark import read_parquet, translated, uri, with_sql_conf

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FINISHED = "_SUCCESS"
"""Written last into a folder of Parquet; a folder without it is not there."""


def compute_on_spark(
    spark: SparkSession,
    tables: Mapping[str, str | Path],
    sql: Sequence[SqlFile],
    schema: Schema,
    *,
    key: str,
    out: str | Path,
    partitions: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Bronze Parquet to the feature table, a folder of Parquet with the columns and types that `compute` gives.

    spark: from `creditrisk.spark.session`; tables: {logical name: path or URI of a file or folder of Parquet}; a table
    of `schema` that is not among them is absent. out: hash-partitioned by key into so many files (as many as Spark
    makes), each sorted by key. It is whole or not there: a file system that renames folders shows it when it is whole,
    an object store's readers wait for `_SUCCESS`. Returns the number of rows.
    Raises BadConfig when the SQL is wrong or not portable, MissingInput for a table that cannot be read, BadData for
    one whose columns are not the contract's, OutsideFailed when the cluster fails.
    """
    spark = spark.newSession()  # our views and settings, and the caller's stay as they are
    features = features_on_spark(spark, tables, sql, schema, progress=progress)
    with translated(sql[-1].path):
        parted = features.repartition(partitions, key) if partitions else features.repartition(key)
        rows = write_whole(spark, parted.sortWithinPartitions(key), out)
    if progress:
        progress(sql[-1].name, 1.0)
    return rows


def features_on_spark(
    spark: SparkSession,
    tables: Mapping[str, str | Path],
    sql: Sequence[SqlFile],
    schema: Schema,
    *,
    bound: Bound | None = None,
    progress: Progress | None = None,
) -> DataFrame:
    """The last file's result, not computed yet. Makes views in this session, named as tables and files are."""
    from creditrisk.features.check import bound_columns

    with_sql_conf(spark)
    known: dict[str, Mapping[str, str]] = dict(schema)
    features: DataFrame | None = None
    for index, file in enumerate(sql):
        if progress:
            progress(file.name, index / len(sql))
        read = tables_read(file)
        for name in sorted(read & set(schema)):
            show_table(spark, name, tables.get(name), schema[name])
        bound_columns(_unbound(file.text, bound), file.path, known, read)  # says which table is not known
        query = spark_query(file, known, bound)
        text = query.sql
        if (read & set(schema)) - set(tables):  # somebody was not asked: no rows, so NULL features
            text = f"select * from (\n{text}\n) where false"  # noqa: S608
        with translated(file.path):
            features = spark.sql(text)
            _same_types(features, query.columns, file.path)
            features.createOrReplaceTempView(file.name)
        known[file.name] = query.columns
    assert features is not None
    return features


def spark_query(file: SqlFile, schema: Schema, bound: Bound | None = None) -> SparkQuery:
    """One file of the book's SQL for Spark. Raises BadConfig, naming file and line, for what has no equal there."""
    query, found = translated_select(parsed(file), read_by(file, schema), bound)
    if found or query is None:
        lines = told(file, found)
        raise BadConfig(lines[0], hint="\n".join(["all of them:", *lines[:20]]) if lines[1:] else "")
    return query


def _unbound(text: str, bound: Bound | None) -> str:
    for name, day in (bound or {}).items():
        text = text.replace(f"${name}", f"date '{day.isoformat()}'" if day else "cast(null as date)")
    return text


def show_table(spark: SparkSession, name: str, path: str | Path | None, columns: Mapping[str, str]) -> None:
    """A view of that name with these columns of these DuckDB types; without rows where there is no path."""
    if path is None:
        listed = ", ".join(f"cast(null as {spark_type(kind)}) as `{column}`" for column, kind in columns.items())
        spark.sql(f"select {listed} where false").createOrReplaceTempView(name)
        return
    table = read_parquet(spark, path)
    held = {field.name.lower(): field.dataType.simpleString() for field in table.schema.fields}
    for column, kind in columns.items():
        have = held.get(column.lower())
        if have != spark_type(kind):
            what = f"is {have}, not {spark_type(kind)}" if have else "is missing"
            raise BadData(f'column "{column}" {what}', where=str(path), hint="was it written by another contract?")
    table.select([f"`{column}`" for column in columns]).createOrReplaceTempView(name)


def write_whole(spark: SparkSession, rows: DataFrame, out: str | Path) -> int:
    """A folder of Parquet, whole or not there; one of that name is replaced. Returns the number of rows."""
    target = uri(out)
    path, files = _hadoop(spark, target)
    renames = files.getScheme() in ("file", "hdfs", "viewfs")
    partial = f"{target.rstrip('/').rpartition('/')[0]}/.partial-{secrets.token_hex(6)}" if renames else target
    try:
        # `overwrite` empties the place first, `_SUCCESS` among it.
        rows.write.mode("overwrite").option("compression", "zstd").parquet(partial)
        if renames:
            files.delete(path, True)
            if not files.rename(_hadoop(spark, partial)[0], path):
                raise BadConfig("the finished folder could not be given its name", where=str(out))
    finally:
        if renames:
            files.delete(_hadoop(spark, partial)[0], True)
    return int(spark.read.parquet(target).count())


def is_finished(spark: SparkSession, out: str | Path) -> bool:
    """Was the folder written to its end?"""
    path, files = _hadoop(spark, f"{uri(out).rstrip('/')}/{FINISHED}")
    return bool(files.exists(path))


def _hadoop(spark: SparkSession, target: str) -> tuple[Any, Any]:  # py4j's, untyped
    path = spark._jvm.org.apache.hadoop.fs.Path(target)
    return path, path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())


def _same_types(rows: DataFrame, columns: Mapping[str, str], where: str) -> None:
    """What was translated is what DuckDB says it is; else the translator is wrong, and nothing is written."""
    have = {field.name: field.dataType.simpleString() for field in rows.schema.fields}
    wanted = {name: spark_type(kind) for name, kind in columns.items()}
    for name, kind in wanted.items():
        if have.get(name) != kind:
            raise BadConfig(f"{name} is {have.get(name)} on Spark, not {kind}", where=where, hint="report it as a bug")
