"""Rows in, frozen decisions out. Needs NumPy, PyArrow and the estimator's own library, nothing else."""

from creditrisk.scoring.counterfactual import COUNTERFACTUAL, counterfactuals
from creditrisk.scoring.knock_out import knocked_out
from creditrisk.scoring.prove import LEAST_FALL, Falls, Find, falls
from creditrisk.scoring.reasons import REASON
from creditrisk.scoring.score import UNPROVED, VERDICTS, grades, score, score_matrix, score_schema, verdicts

__all__ = [
    "COUNTERFACTUAL", "LEAST_FALL", "REASON", "UNPROVED", "VERDICTS", "Falls", "Find", "counterfactuals", "falls",
    "grades", "knocked_out", "score", "score_matrix", "score_schema", "verdicts",
]  # fmt: skip
