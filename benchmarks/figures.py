"""The lines of the table: what each benchmark measured, beside what our users would pick instead, and what we promise.

A line's `make` takes the JSON that the benchmarks wrote and gives figures; a figure is judged at full size only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import batch, drift, model_quality, one_row, serving

type Told = Mapping[str, Any]

_HOLDS: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class Figure:
    """wanted: of the ratio where it begins with x, else of ours: "x <= 5", ">= 0.69", "0.9 to 1.1"; empty = not judged.

    ratio: ours to theirs; of speeds as of costs.
    """

    name: str
    unit: str
    ours: float
    reference: str = ""
    theirs: float | None = None
    wanted: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.theirs else None

    @property
    def reached(self) -> bool | None:
        if not self.wanted:
            return None
        of_ratio = self.wanted.startswith("x ")
        value, limit = (self.ratio if of_ratio else self.ours), self.wanted.removeprefix("x ")
        if value is None:
            return None
        if " to " in limit:
            low, high = map(float, limit.split(" to "))
            return low <= value <= high
        sign, number = limit.split()
        return _HOLDS[sign](value, float(number))


def feature_table(told: Told) -> Iterator[Figure]:
    """told: {"full": ..., "tenth": ...}, each what benchmarks/feature_table.py wrote."""
    full, tenth = told["full"], told["tenth"]
    scan, ours, bronze = full["scan"], full["csv to features"], full["features only"]
    yield Figure("seven CSVs to features, checks included", "CPU s", ours["cpu_s"],
                 "DuckDB's scan of the same CSVs", scan["cpu_s"], "x <= 5")  # fmt: skip
    yield Figure("the features alone, from typed Parquet", "CPU s", bronze["cpu_s"],
                 "DuckDB's scan of the same CSVs", scan["cpu_s"], "x <= 2.5")  # fmt: skip
    yield Figure("peak memory of it", "MB", ours["peak_mb"], wanted="<= 2048")
    if "pandas" in full:
        pandas = full["pandas"]
        reference = "pandas and pandera, five figures a column"
        yield Figure("seven CSVs to features, checks included", "CPU s", ours["cpu_s"], reference, pandas["cpu_s"])
        yield Figure("peak memory of it", "MB", ours["peak_mb"], reference, pandas["peak_mb"])
    for figure, what, most in (("cpu_s", "CPU time", "<= 11"), ("peak_mb", "peak memory", "<= 2")):
        grown = {way: full[way][figure] / tenth[way][figure] for way in ("csv to features", "pandas") if way in full}
        yield Figure(f"growth of its {what} from a tenth of the rows", "times", grown["csv to features"],
                     "pandas and pandera" if "pandas" in grown else "", grown.get("pandas"), most)  # fmt: skip


def quality(told: Told) -> Iterator[Figure]:
    """told: what benchmarks/model_quality.py wrote, and "smote" and "boosting" beside it."""
    if "invented" in told:
        ours, generic, true = (told["invented"][name] for name in ("ours", "reference", "true"))
        reference = f"XGBoost on {generic['columns']} generic aggregates"
        yield Figure("invented Home Credit: columns", "", ours["columns"], reference, generic["columns"], "<= 400")
        yield Figure("AUC", "", ours["roc_auc"], reference, generic["roc_auc"], "x >= 1")
        yield Figure("Brier", "", ours["brier"], reference, generic["brier"], "x <= 1")
        yield Figure("mean PD to the generator's own", "", true["mean_pd_to_true"],
                     "SMOTE and down-sampling, as it comes", told.get("smote"), "0.98 to 1.02")  # fmt: skip
    if "lending_club" in told:
        ours, plain = told["lending_club"]["application"], told["boosting"]
        reference = "XGBoost's wrapper on the plain columns"
        yield Figure("real LendingClub before 2011 to 2011, no price: AUC", "", ours["roc_auc"], reference,
                     plain["roc_auc"], f">= {model_quality.PRESETS['application']}")  # fmt: skip
        rate = ours["default_rate"]
        yield Figure("Brier", "", ours["brier"], "the mean for everybody", rate * (1 - rate), "x <= 1")
        yield Figure("mean PD to default rate", "", ours["mean_pd"] / rate, reference, plain["mean_pd_to_rate"],
                     "0.9 to 1.1")  # fmt: skip
        yield Figure("calibration slope", "", ours["calibration_slope"], reference, plain["slope"], "0.85 to 1.2")


def over_http(told: Told) -> Iterator[Figure]:
    for book, one in told.items():
        least, most = serving.PROMISED[book]
        reference, theirs = "mlflow models serve, ready features", one.get("mlflow_per_second")
        yield Figure(f"{book} over HTTP from raw records", "decisions/s", one["per_second"], wanted=f">= {least:.0f}")
        yield Figure(
            f"{book} over HTTP, beside",
            "decisions/s",
            one["per_second"],
            reference,
            theirs,
            f"x >= {serving.TIMES_MLFLOW}",
        )
        yield Figure(f"its p99 at {one['rate']:.0f}/s", "ms", one["p99_ms"], wanted=f"<= {most:.0f}")
        per_second, p50 = serving.FLOOR
        yield Figure(f"{book} over HTTP, beside its floor", "decisions/s", one["per_second"],
                     "FastAPI and the trees alone, one caller", one["floor_per_second"],
                     f"x >= {least / per_second:.3f}")  # fmt: skip
        yield Figure(f"its p99 at {one['rate']:.0f}/s, beside its floor", "ms", one["p99_ms"],
                     "p50 of FastAPI and the trees alone, one caller", one["floor_p50_ms"],
                     f"x <= {most / p50:.0f}")  # fmt: skip


def in_process(told: Told) -> Iterator[Figure]:
    reference = "XGBoost's wrapper and a pandas frame"
    yield Figure("one row of 162 in process: trees", "ms", told["trees_ms"], reference, told["wrapper_ms"],
                 f"<= {one_row.TREES_MS_MAX}")  # fmt: skip
    yield Figure("its contributions, for reasons", "ms", told["reasons_ms"], wanted=f"<= {one_row.REASONS_MS_MAX}")


def in_batch(told: Told) -> Iterator[Figure]:
    ours, pandas = (told["rows"] / told[way]["wall_s"] for way in ("ours", "pandas"))
    yield Figure("features to decisions, Parquet to Parquet", "decisions/s", ours, "pandas and XGBoost's wrapper",
                 pandas, f">= {batch.PER_SECOND_MIN}")  # fmt: skip
    yield Figure("the same beside its floor", "decisions/s", ours, "XGBoost alone, a ready matrix, every core",
                 told["trees_per_second"], f"x >= {batch.OF_TREES_MIN:.2f}")  # fmt: skip
    yield Figure("peak memory of it", "MB", told["ours"]["peak_mb"], "pandas and XGBoost's wrapper",
                 told["pandas"]["peak_mb"], f"<= {batch.PEAK_MB_MAX}")  # fmt: skip


def drifted(told: Told) -> Iterator[Figure]:
    ours, theirs = told["ours"], told["evidently"]
    yield Figure(f"drift of {ours['columns']} columns, {ours['rows']:,} rows", "CPU s", ours["cpu_s"], "Evidently",
                 theirs["cpu_s"], f"<= {drift.OURS_CPU_S_MAX:.0f}")  # fmt: skip
    yield Figure("peak memory of it", "MB", ours["peak_mb"], "Evidently", theirs["peak_mb"],
                 f"<= {drift.OURS_PEAK_MB_MAX}")  # fmt: skip
