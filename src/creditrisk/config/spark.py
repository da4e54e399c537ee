"""What `spark:` of `portfolio.yaml` may say: where whole tables lie when the engine is spark, and what comes here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from creditrisk.config.strict import Strict


class Spark(Strict):
    """For `engine: spark`. Master and cluster are no business of a book: CREDITRISK_SPARK_MASTER, docs/spark.md."""

    bronze: str | None = None
    """Folder or address of typed Parquet, <table>.parquet each, read in place; empty = `ingest` makes it here."""
    folder: str | None = None
    """Folder or address that the driver and every executor see, for whole tables; empty = the book's workspace."""
    sample_rows: Annotated[int, Field(ge=100)] = 500_000
    """Applicants whose rows come to the driver, to describe the model and to test it; all, where they are fewer."""
    partitions: Annotated[int, Field(ge=1)] | None = None
    """Of the whole tables; empty = as many as Spark has for a shuffle (spark.sql.shuffle.partitions)."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """That train together, each with a part of the rows; empty = as many tasks as the cluster runs at once."""
