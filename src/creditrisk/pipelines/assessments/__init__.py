"""What a validator asks of a model that has been tested: one file a question, run by the evaluate stage in this order.

Each takes the run's context and the tested rows, writes its report by `context.report` and returns it.
"""

from collections.abc import Callable
from typing import Any

from creditrisk.pipelines.assessments import calibration, fairness, policy, reasons, stability
from creditrisk.pipelines.assessments.tested import Tested
from creditrisk.pipelines.context import Context

ASSESSMENTS: dict[str, Callable[[Context, Tested], dict[str, Any]]] = {
    "calibration_report.json": calibration.assess,
    "fairness.json": fairness.assess,
    "policy_checks.json": policy.assess,
    "reasons_report.json": reasons.assess,
    "stability.json": stability.assess,
}
"""Report's file name -> what writes it."""

__all__ = ["ASSESSMENTS", "Tested"]
