"""Engine spark: whole tables where the cluster sees them, and here a sample, with which the other stages work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.chunks import of_size
from creditrisk.config import MAIN, Book
from creditrisk.errors import BadConfig, BadUsage, CreditRiskError, MissingInput, OutsideFailed, Refused
from creditrisk.features import parents_first
from creditrisk.features.spark_engine import is_finished, write_whole
from creditrisk.files import read_json, whole_file, write_json
from creditrisk.kinds import SCHEMA_VERSION, sha256_of
from creditrisk.pipelines.context import INVENTED_NOTE, Context
from creditrisk.spark import read_parquet, session, translated, uri

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

CHOSEN = "the applicants with the smallest md5 of <split.seed>:sample:<key>"
FEATURES, DEVELOPMENT = "feature_store", "development"
ROWS_AT_ONCE = 100_000
"""Of a table that is brought here: so many are held in memory together."""


@dataclass(frozen=True)
class Whole:
    """A whole table. mark: of its files' names, sizes and times; after a change it is another one."""

    address: str
    rows: int
    mark: str


@dataclass(frozen=True)
class Sample:
    """rows: people whose rows came here.  of: people there are."""

    rows: int
    of: int

    @property
    def is_all(self) -> bool:
        return self.rows == self.of


class Cluster:
    """A Spark session at work for one run of one book."""

    def __init__(self, context: Context, spark: SparkSession) -> None:
        self.context, self.spark = context, spark
        self.settings = context.book.portfolio.spark

    def read(self, address: str | Path) -> DataFrame:
        """Raises MissingInput where nothing is."""
        with reached(str(address)):
            return read_parquet(self.spark, address)

    def write(self, rows: DataFrame, address: str) -> Whole:
        """A folder of Parquet, whole or not there."""
        with reached(address):
            count = write_whole(self.spark, rows, address)
        return Whole(address, count, self.mark(address))

    def address(self, name: str) -> str:
        """Where a whole table of this book is made."""
        folder = self.settings.folder
        if folder is None:
            return uri(self.context.folder.root / "data" / "whole" / name)
        return f"{uri(folder).rstrip('/')}/{self.context.book.name}/{name}"

    def files(self, address: str | Path) -> list[tuple[str, int, int]]:
        """(address, bytes, time of change in ms) of each file of a table, by address; [] where there is none."""
        found = []
        with reached(str(address)):
            path, system = self._hadoop(address)
            if not system.exists(path):
                return []
            there = system.listFiles(path, True)
            while there.hasNext():
                one = there.next()
                if one.getPath().getName()[0] not in "._":
                    found.append((str(one.getPath().toString()), int(one.getLen()), int(one.getModificationTime())))
        return sorted(found)

    def mark(self, address: str | Path) -> str:
        return sha256_of({"files": [list(each) for each in self.files(address)]})

    def is_taken(self, address: str) -> bool:
        """Does something lie there that is not the remains of a write that was killed?"""
        with reached(address):
            path, system = self._hadoop(address)
            if not system.exists(path):
                return False
            if system.getFileStatus(path).isFile() or not len(system.listStatus(path)):
                return bool(system.getFileStatus(path).isFile())
            return str(system.getScheme()) in ("file", "hdfs", "viewfs") or is_finished(self.spark, address)

    def whole(self, address: str) -> Whole:
        """A table that somebody else made."""
        with reached(address):
            rows = int(self.read(address).count())
        return Whole(address, rows, self.mark(address))

    def remove(self, address: str) -> None:
        with reached(address):
            path, system = self._hadoop(address)
            system.delete(path, True)

    def _hadoop(self, address: str | Path) -> tuple[Any, Any]:  # py4j's, untyped
        path = self.spark._jvm.org.apache.hadoop.fs.Path(uri(address))
        return path, path.getFileSystem(self.spark._jsparkSession.sessionState().newHadoopConf())

    def pieces(self, address: str) -> Iterator[pa.Table]:
        """A table as this machine can hold it, file by file, in the order of their names."""
        for name, _, _ in self.files(address):
            with reached(address):
                piece = self.spark.read.parquet(name).toArrow()
            yield piece

    def bring(self, rows: DataFrame, to: Path) -> int:
        """Rows as one file here, whole or not there, in an order of their own. Returns how many.

        The same rows give the same bytes: they are sorted by all their columns.
        """
        passing = self.address(f".passing-{to.stem}")
        try:
            with reached(str(to)):
                ordered = rows.orderBy(*(ticked(name) for name in rows.columns))
                ordered.write.mode("overwrite").option("maxRecordsPerFile", ROWS_AT_ONCE).parquet(passing)
            schema = rows.limit(0).toArrow().schema
            schema = pa.schema([pa.field(field.name, field.type) for field in schema])
            with whole_file(to) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
                return _written(self.pieces(passing), schema, writer)
        finally:
            self.remove(passing)

    def bronze_in(self, folder: str | Path, book: Book) -> dict[str, str]:
        """{table: address} of the typed tables in a folder. Raises MissingInput without the main one."""
        at = {name: f"{uri(folder).rstrip('/')}/{name}.parquet" for name in book.portfolio.tables}
        found = {name: address for name, address in at.items() if self.files(address)}
        if MAIN not in found:
            raise MissingInput(
                f"there is no {MAIN}.parquet, or no file in it",
                where=str(folder),
                hint="name a folder of typed tables, or give the raw ones with --raw DIR",
            )
        return found

    def bronze(self) -> dict[str, str]:
        """The whole typed tables of the last ingestion. Raises Refused when they have changed since."""
        told = state_of(self.context.folder.bronze_state)
        if told is None:
            paths = {name: self.context.folder.table(name) for name in self.context.book.portfolio.tables}
            return {name: uri(path) for name, path in paths.items() if path.is_file()}
        return {name: self.unchanged(whole, "ingest") for name, whole in told["tables"].items()}

    def unchanged(self, whole: Mapping[str, Any], stage: str) -> str:
        """The address of a whole table. Raises Refused when it is not what the stage saw or made."""
        if self.mark(whole["address"]) != whole["mark"]:
            raise Refused(
                f"the whole table is not what the stage {stage} left",
                where=whole["address"],
                hint=f"creditrisk {stage} {self.context.book.name} --engine spark",
            )
        return str(whole["address"])

    def chosen(self, main: DataFrame) -> tuple[DataFrame | None, Sample]:
        """The keys of the people whose rows come here, None = everybody's; the same ones each time."""
        from pyspark.sql import functions

        key, seed, most = self.context.book.key, self.context.book.portfolio.split.seed, self.settings.sample_rows
        with reached("the sample"):
            of = int(main.count())
            if of <= most:
                return None, Sample(of, of)
            text = functions.concat(functions.lit(f"{seed}:sample:"), functions.col(ticked(key)).cast("string"))
            keys = main.select(ticked(key)).orderBy(functions.md5(text), ticked(key)).limit(most)
            return keys.persist(), Sample(most, of)

    def rows_of(self, tables: Mapping[str, str], keys: DataFrame, book: Book) -> dict[str, DataFrame]:
        """{table: the rows of these people}, parents first."""
        found: dict[str, DataFrame] = {}
        for name in parents_first(book):
            if name not in tables:
                continue
            table, wanted, column = book.portfolio.tables[name], keys, book.key
            if table.parent not in (None, MAIN):
                if table.parent not in found:
                    continue
                column = book.portfolio.tables[str(table.parent)].key[0]
                wanted = found[str(table.parent)]
            link = book.key if name == MAIN else str(table.foreign_key)
            found[name] = with_keys(self.read(tables[name]), link, wanted, column)
        return found

    def is_invented(self, folder: str) -> bool:
        """Does a note beside these tables say so?"""
        note = f"{uri(folder).rstrip('/')}/{INVENTED_NOTE}"
        if not self.files(note):
            return False
        with reached(note):
            return any(row.value.startswith("Invented data") for row in self.spark.read.text(note).limit(1).collect())


def with_keys(rows: DataFrame, link: str, wanted: DataFrame, column: str) -> DataFrame:
    """The rows whose `link` is among the `column` of `wanted`."""
    from pyspark.sql import functions

    keys = wanted.select(functions.col(ticked(column)).alias("wanted__"))
    return rows.join(keys, rows[ticked(link)] == keys["wanted__"], "leftsemi")


def ticked(name: str) -> str:
    """A column's name as Spark takes it."""
    return "`" + name.replace("`", "``") + "`"


def _written(pieces: Iterator[pa.Table], schema: pa.Schema, writer: pq.ParquetWriter) -> int:
    """In row groups of one size, however the pieces were cut."""
    count = 0
    for rows in of_size((piece.cast(schema) for piece in pieces), ROWS_AT_ONCE):
        writer.write_table(rows)
        count += rows.num_rows
    return count


@contextmanager
def at_cluster(context: Context) -> Iterator[Cluster]:
    """Spark for as long as it is needed; where it runs already it is joined, and goes on."""
    with session(replace(context.spark, app_name=f"creditrisk {context.book.name}")) as spark:
        yield Cluster(context, spark)


NO_CONNECTOR = r"UnsupportedFileSystemException|No FileSystem for scheme|Class org\.apache\.hadoop\.fs\.\S+ not found"
NO_CREDENTIALS = (
    r"NoAuthWithAWS|NoAwsCredentials|CredentialInitialization|(?i:unable to load \S* ?credentials|anonymous caller)"
)
NO_PERMISSION = r"AccessDenied|AccessControlException|(?i:permission denied)|Forbidden|status code:? 403"


@contextmanager
def reached(where: str) -> Iterator[None]:
    """What Spark says of a place that cannot be read or written, as our errors."""
    try:
        with translated(where):
            yield
    except (BadConfig, OutsideFailed) as error:
        raise of_storage(error, where) from error


def of_storage(error: CreditRiskError, where: str) -> CreditRiskError:
    """The same error, or a clearer one where a place is what is wrong."""
    said = f"{error.what} {error.__cause__ or ''}"
    if re.search(NO_CONNECTOR, said):
        return BadUsage(
            "Spark has no connector for this kind of address",
            where=where,
            hint="give it one in the file of --spark-conf, as `spark.jars.packages org.apache.hadoop:hadoop-aws:…`; "
            "docs/spark.md",
        )
    if re.search(NO_CREDENTIALS, said):
        return OutsideFailed(
            "no credentials for this address",
            where=where,
            hint="as the store's own tools take them, on the driver and on every executor; docs/spark.md",
            retry_may_help=False,
        )
    if re.search(NO_PERMISSION, said):
        return OutsideFailed(
            "no permission to read or write here", where=where, hint="ask for it, or name another", retry_may_help=False
        )
    return error


def note_state(path: Path, tables: Mapping[str, Whole], sample: Sample, here: Mapping[str, str]) -> None:
    """here: {name: sha256} of the files on this machine that were made with them."""
    write_json(
        path,
        {
            "schema_version": SCHEMA_VERSION,
            "tables": {name: asdict(whole) for name, whole in tables.items()},
            "sample": {**asdict(sample), "chosen": CHOSEN},
            "here": dict(here),
        },
    )


def state_of(path: Path) -> dict[str, Any] | None:
    return read_json(path) if path.is_file() else None
