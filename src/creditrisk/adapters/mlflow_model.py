"""A bundle as the folder of an MLflow model: pyfunc from code, signature, pins, the project's wheel. No pickle."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.adapters.wheel import build_wheel
from creditrisk.ports import BUNDLE_TAG, FeatureKind, TrainingRun

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.models import ModelSignature

BUNDLE = "bundle"
"""Name of the bundle among the model's artifacts, and of its folder there."""

SCORING_NEEDS = ("lightgbm", "mlflow", "numpy", "pandas", "pyarrow", "xgboost-cpu")
"""What scoring a bundle of any estimator imports, pinned as installed here; the wheel beside them asks for the rest."""

_MLFLOW_TYPES = {"number": "double", "category": "string"}
_OUTPUTS = {"pd": "double", "score": "integer", "grade": "string", "decision": "string"}


def write_model(folder: Path, run: TrainingRun, model: LoggedModel, model_code: Path) -> None:
    """Write the model's folder; `folder` must not exist yet.

    model_code: the Python file that MLflow runs to make the model (models from code).
    """
    import mlflow.pyfunc
    from mlflow.models import Model

    described = Model(
        artifact_path=model.artifact_location,
        run_id=model.source_run_id,
        model_uuid=model.model_id,
        model_id=model.model_id,
        metadata={BUNDLE_TAG: run.bundle_sha256},
    )
    wheel = build_wheel(folder.parent / "wheels")
    mlflow.pyfunc.save_model(
        folder,
        mlflow_model=described,
        python_model=str(model_code),
        artifacts={BUNDLE: str(run.bundle)},
        signature=_signature(run.features),
        pip_requirements=[f"wheels/{wheel.name}", *(f"{name}=={version(name)}" for name in SCORING_NEEDS)],
    )
    wheel.parent.rename(folder / "wheels")
    flavor = described.flavors["python_function"]
    flavor["model_code_path"] = model_code.name  # MLflow notes where files lay on this machine: nobody needs that
    flavor["artifacts"][BUNDLE]["uri"] = flavor["artifacts"][BUNDLE]["path"]
    described.save(folder / "MLmodel")


def _signature(features: Mapping[str, FeatureKind]) -> ModelSignature:
    """Inputs: engineered features, each may be missing. Outputs: what `scoring.score` decides."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = [ColSpec(_MLFLOW_TYPES[kind], name, required=False) for name, kind in features.items()]
    outputs = [ColSpec(kind, name) for name, kind in _OUTPUTS.items()]
    return ModelSignature(Schema(inputs), Schema(outputs))
