"""Pandera for polars, imported without what its import does to everybody else; the one place that imports it."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

CHANGED_BY_PANDERA = ("PYARROW_IGNORE_TIMEZONE", "SPARK_LOCAL_IP")
FOR_SPARK = "pyspark.pandas"
"""Imported with it where it is installed, for nothing: a second, and a warning that pandas is too new for it."""


def clean_pandera() -> Any:
    """The module pandera.polars.

    Its import sets environment variables for Spark; the first makes Arrow drop the time zones of times in this process
    and in those that it starts: half past eleven in the evening two hours west would no longer be the next day.
    """
    before = {name: os.environ.get(name) for name in CHANGED_BY_PANDERA}
    hidden = FOR_SPARK not in sys.modules
    if hidden:
        sys.modules[FOR_SPARK] = None  # type: ignore[assignment]  # what Python takes for "not there"
    try:
        module = importlib.import_module("pandera.polars")
    finally:
        if hidden:
            del sys.modules[FOR_SPARK]
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
    return module
