"""The floor of a decision over HTTP: FastAPI checks that a row holds numbers and asks the trees; nothing else.

FLOOR_MODEL=model.ubj uvicorn benchmarks.http_floor:app
The model is XGBoost's own file, with the names of its features in a .names.json beside it. The caller sends ready-made
features; there are no raw records, no reasons, and nothing is kept.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from pydantic import create_model
from xgboost import Booster

MODEL = Path(os.environ["FLOOR_MODEL"])
NAMES = json.loads(MODEL.with_suffix(".names.json").read_text(encoding="utf-8"))
FIELDS: dict[str, Any] = {name: (float | None, ...) for name in NAMES}
Row: Any = create_model("Row", **FIELDS)
trees = Booster({"nthread": 1}, model_file=MODEL)
app = FastAPI()


@app.post("/predict")
async def predict(row: Row) -> dict[str, float]:
    """The margin's probability: that of the trees as they come."""
    values = np.array([[getattr(row, name) for name in NAMES]], np.float32)
    return {"pd": float(trees.inplace_predict(values)[0])}
