"""What MLflow runs to serve a bundle: engineered features in, decisions out, by the one scoring function.

MLflow copies this file into the model's folder and runs the copy (models from code), so it imports by full names and
holds nothing that is not needed there. It is the one place outside `adapters` that knows MLflow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.models
import mlflow.pyfunc
import pandas as pd
import pyarrow as pa

from creditrisk.modelling import load_bundle
from creditrisk.scoring import score

OUTPUTS = ["pd", "score", "grade", "decision"]


class BundleModel(mlflow.pyfunc.PythonModel):
    """Reasons are not among the outputs: MLflow's signature has no room for lists of them. The API gives them."""

    def load_context(self, context: Any) -> None:
        self._bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """One row of pd, score, grade, decision for each row of features; a feature that is left out is missing."""
        rows = len(model_input)
        columns: dict[str, Any] = {self._bundle.key: pa.array(range(rows))}
        for name in self._bundle.preprocess.names:
            given = name in model_input.columns
            columns[name] = pa.array(model_input[name], from_pandas=True) if given else pa.nulls(rows)
        return score(self._bundle, pa.table(columns), with_reasons=False).select(OUTPUTS).to_pandas()


mlflow.models.set_model(BundleModel())
