"""What MLflow runs in tests that need a model and not a good one: everybody has the bundle's one PD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.models
import mlflow.pyfunc
import pandas as pd


class StubModel(mlflow.pyfunc.PythonModel):
    def load_context(self, context: Any) -> None:
        self._pd = float((Path(context.artifacts["bundle"]) / "pd.txt").read_text())

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        rows = len(model_input)
        answer = {"pd": [self._pd] * rows, "score": [600] * rows, "grade": ["A"] * rows, "decision": ["approve"] * rows}
        return pd.DataFrame(answer).astype({"score": "int32"})


mlflow.models.set_model(StubModel())
