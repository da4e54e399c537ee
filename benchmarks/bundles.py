"""The bundle that a benchmark measures, and its trees for whoever measures them without our code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from creditrisk.config import Workspace
from creditrisk.modelling import Bundle, load_bundle


def newest_bundle(root: Path, book: str) -> Path:
    """The one that was made last in that workspace."""
    return max(Workspace(root).book(book).models.glob("*/bundle"), key=lambda path: path.stat().st_mtime)


def copy_trees(bundle: Path, model: Path) -> Bundle:
    """XGBoost's own file as `model`, with the names of its features in a .names.json beside it; returns the bundle."""
    loaded = load_bundle(bundle)
    shutil.copy(bundle / "model.ubj", model)
    model.with_suffix(".names.json").write_text(json.dumps(loaded.preprocess.names), encoding="utf-8")
    return loaded
