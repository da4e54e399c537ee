"""Rows in, frozen decisions out. Needs NumPy, PyArrow and the estimator's own library, nothing else."""

from creditrisk.scoring.prove import LEAST_FALL, Falls, Find, falls
from creditrisk.scoring.reasons import REASON
from creditrisk.scoring.score import UNPROVED, VERDICTS, grades, score, score_schema, verdicts

__all__ = [
    "LEAST_FALL", "REASON", "UNPROVED", "VERDICTS", "Falls", "Find", "falls", "grades", "score", "score_schema",
    "verdicts",
]  # fmt: skip
