"""Evidently's drift page, for whoever knows it: its own figures, on rows, beside ours."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pyarrow as pa

from creditrisk.errors import BadData, OutsideFailed
from creditrisk.files import whole_file


def write_evidently_page(reference: pa.Table, current: pa.Table, page: Path, psi_max: float) -> list[str]:
    """PSI of each column of `reference` that both tables have a value of; the columns left out are returned.

    Text columns are categories. Evidently refuses a column without any value, and would stop there.
    Raises OutsideFailed where the extra is not installed or Evidently fails, BadData where no column is left.
    """
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of litestar and NumPy, which it uses
        try:
            from evidently import DataDefinition, Dataset, Report
            from evidently.presets import DataDriftPreset
        except ImportError as error:
            raise OutsideFailed(
                "Evidently is not installed",
                where="--evidently",
                hint='pip install "creditrisk[reports]"; our own page needs nothing',
                retry_may_help=False,
            ) from error
        told = [name for name in reference.column_names if _has_values(reference, name) and _has_values(current, name)]
        if not told:
            raise BadData("no column has values on both sides", where="--evidently", hint="our own page says what is")
        words = [name for name in told if pa.types.is_string(reference[name].type)]
        definition = DataDefinition(
            numerical_columns=[name for name in told if name not in words], categorical_columns=words
        )
        made = Report(
            [DataDriftPreset(num_method="psi", cat_method="psi", num_threshold=psi_max, cat_threshold=psi_max)]
        )
        try:
            snapshot = made.run(
                current_data=Dataset.from_pandas(current.select(told).to_pandas(), definition),
                reference_data=Dataset.from_pandas(reference.select(told).to_pandas(), definition),
            )
            with whole_file(page) as partial:
                snapshot.save_html(str(partial))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            what = f"Evidently failed: {type(error).__name__}"
            raise OutsideFailed(
                what, where="--evidently", hint="our own page is written", retry_may_help=False
            ) from error
    return [name for name in reference.column_names if name not in told]


def _has_values(table: pa.Table, name: str) -> bool:
    return name in table.column_names and table[name].null_count < table.num_rows
