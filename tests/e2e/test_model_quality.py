"""The promises about quality: at a twentieth of the size on invented loans, and the bars on the real files.

`benchmarks/model_quality.py` judges the full size. Quicker trees than the books' own keep the invented part short; the
real files are learnt as the books say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import model_quality
from creditrisk.config import load_book
from creditrisk.evaluation import calibration_tests
from creditrisk.governance.gates import GATES
from creditrisk.modelling import load_bundle
from creditrisk.modelling.train import train
from creditrisk.scoring import score
from creditrisk.stats import sigmoid

ROWS = 15_000
BALANCED_ROWS = 8_000
"""To learn from, where the rows to fit are balanced: enough to tell, and short."""
CALIBRATION_GATES = ("mean_pd", "slope")
KNOWN_MISSES: dict[str, set[str]] = {
    "application": set(),
    "with_price": {"mean PD to default rate, 36 months"},
}
"""Of the bars on 2011. One that is met one day is to be taken from here."""
ON_THE_EDGE: dict[str, set[str]] = {"application": set(), "with_price": {"calibration slope, 36 months"}}
"""Met by less than another processor's rounding may move it: 0.8506 where 0.85 is asked."""
QUICKER = {"learning_rate": 0.12, "max_depth": 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented loans under raw, and a workspace in which they were learnt from."""
    folder = tmp_path_factory.mktemp("quality")
    raw = model_quality.invent(folder / "raw", ROWS)
    settings = [f"training.parameters.xgboost.{name}={value}" for name, value in QUICKER.items()]
    changes = [word for setting in settings for word in ("--set", setting)]
    model_quality.run("home_credit", raw, folder / "workspace", *changes, until="train")
    return folder


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Any]:
    """Ours and the reference on the same invented loans."""
    book = folder / "workspace" / "home_credit"
    (bundle_folder,) = (book / "models").glob("*/bundle")
    bundle, rows = load_bundle(bundle_folder), pq.read_table(book / "data" / "processed" / "test.parquet")
    tested = score(bundle, rows, with_reasons=False).append_column("target", rows["target"])
    return model_quality.compared(folder / "raw", book, tested, **QUICKER)


def test_ours_is_not_below_the_generic_aggregates_with_fewer_columns(told: dict[str, Any]) -> None:
    assert told["ours"]["columns"] <= model_quality.FEATURES_MAX < told["reference"]["columns"]
    assert told["difference"]["roc_auc"]["high"] >= 0
    assert told["difference"]["brier"]["low"] <= 0
    assert told["difference"]["log_loss"]["low"] <= 0
    assert told["ours"]["roc_auc"] < told["true"]["roc_auc"]


def test_the_mean_pd_is_the_generators_and_the_slope_is_one(told: dict[str, Any]) -> None:
    """Of 12,000 rows to learn from: chance alone moves their default rate by 3 % of it, and the slope by 0.07."""
    assert 0.94 <= told["true"]["mean_pd_to_true"] <= 1.06
    assert abs(told["true"]["errors_from_default_rate"]) <= 3
    assert 0.86 <= told["ours"]["calibration_slope"] <= 1.14


def test_after_smote_and_down_sampling_the_gate_on_the_mean_pd_needs_our_calibration(folder: Path) -> None:
    """The trees alone believe in the bads that were invented and miss the goods that were left out."""
    parts = folder / "workspace" / "home_credit" / "data" / "processed"
    settings = {f"training.parameters.xgboost.{name}": value for name, value in {**QUICKER, "rounds": 60}.items()}
    book = load_book("home_credit", {**settings, "training.balance.method": "smote_and_down_sample"})
    rows = pa.concat_tables(
        table.append_column("part", pa.array([part] * table.num_rows))
        for part in ("train", "calibration")
        for table in [pq.read_table(parts / f"{part}.parquet")]
    )
    model = train(rows.sort_by(book.key).slice(0, BALANCED_ROWS), book.portfolio, book.reasons)
    test = pq.read_table(parts / "test.parquet")
    margin, target = model.estimator.margin(model.preprocess.matrix(test).values), test["target"].to_numpy()
    found = {}
    for name, pds in {"alone": sigmoid(margin), "served": model.calibrator(margin)}.items():
        report = {"overall": calibration_tests.overall(target, pds)}
        told = {gate.name: gate.judge(report, book.portfolio.gates) for gate in GATES if gate.name in CALIBRATION_GATES}
        found[name] = {gate: (one.verdict.value, one.reason) for gate, one in told.items()}
    assert found["alone"]["mean_pd"][0] == "fail", found
    assert {verdict for verdict, _ in found["served"].values()} == {"pass"}, found


@pytest.mark.parametrize(
    ("part", "changes", "missed"),
    [
        ("ours", {"columns": 401}, "invented: columns of ours"),
        ("ours", {"calibration_slope": 0.94}, "invented: calibration slope"),
        ("true", {"mean_pd_to_true": 1.021}, "invented: mean PD to the generator's"),
        ("true", {"errors_from_default_rate": -3.1}, "invented: standard errors from the default rate"),
        ("difference", {"roc_auc": {"difference": -0.0001}}, "invented: AUC, ours less the reference"),
    ],
)
def test_each_bar_is_missed_by_what_lies_outside_it(
    part: str, changes: dict[str, Any], missed: str, told: dict[str, Any]
) -> None:
    spoilt = {**told, part: {**told[part], **changes}}
    assert missed in [bar.what for bar in model_quality.invented_bars(spoilt) if bar.met is False]


def test_real_applications_are_ranked_as_well_as_promised(real_data: Path, tmp_path: Path) -> None:
    bars = model_quality.home_credit_bars(model_quality.real_home_credit(real_data, tmp_path))
    assert [bar for bar in bars if bar.met is not True] == []


@pytest.mark.parametrize("preset", model_quality.PRESETS)
def test_the_real_loans_of_2011_are_ranked_and_priced_as_well_as_promised(
    preset: str, real_data: Path, tmp_path: Path
) -> None:
    """But for one bar with the lender's price, which nothing before 2011 announces: docs/what-paid.md."""
    bars = model_quality.lending_club_bars(preset, model_quality.real_lending_club(real_data, tmp_path, preset))
    missed = {bar.what.partition(": ")[2] for bar in bars if bar.met is not True}
    assert missed - ON_THE_EDGE[preset] == KNOWN_MISSES[preset]
