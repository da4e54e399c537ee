"""A model that MLflow can run without the modelling code, and a training run that logs it."""

from __future__ import annotations

from pathlib import Path

from creditrisk.ports import TrainingRun

STUB_MODEL = Path(__file__).with_name("stub_pyfunc.py")


def stub_run(folder: Path, *, book: str = "loans", bundle_sha256: str = "ab" * 32) -> TrainingRun:
    """A run whose bundle holds one number, the PD that the stub gives to everybody."""
    bundle = folder / "bundle"
    (bundle / "sql").mkdir(parents=True)
    (bundle / "manifest.json").write_text('{"files": {}}\n')
    (bundle / "pd.txt").write_text("0.25\n")
    (bundle / "sql" / "features.sql").write_text("select 1 as one\n")
    plots = folder / "plots"
    plots.mkdir()
    (plots / "roc.png").write_bytes(b"\x89PNG")
    report = folder / "metrics.json"
    report.write_text("{}\n")
    return TrainingRun(
        book=book,
        bundle=bundle,
        bundle_sha256=bundle_sha256,
        features={"income": "number", "purpose": "category"},
        parameters={"max_depth": 4, "eta": 0.05, "monotone": True, "estimator": "xgboost"},
        metrics={"roc_auc": 0.71, "brier": 0.066},
        tags={"actor": "ann", "estimator": "xgboost", "code_version": "0.1.0"},
        files={"plots": plots, "reports": report},
    )
