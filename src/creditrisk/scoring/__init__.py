"""Rows in, frozen decisions out. Needs NumPy, PyArrow and the estimator's own library, nothing else."""

from creditrisk.scoring.score import REASON, VERDICTS, grades, score, score_schema, verdicts

__all__ = ["REASON", "VERDICTS", "grades", "score", "score_schema", "verdicts"]
