"""SQL that means the same on DuckDB and on Spark: the translation of what does, and the refusal of what does not."""

from creditrisk.portable.casts import Unportable, spark_type
from creditrisk.portable.expressions import backticked, text
from creditrisk.portable.select import Bound, Finding, SparkQuery, line_of, translated_select

__all__ = [
    "Bound",
    "Finding",
    "SparkQuery",
    "Unportable",
    "backticked",
    "line_of",
    "spark_type",
    "text",
    "translated_select",
]
