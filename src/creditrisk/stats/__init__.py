"""Pure figures used by several rooms: discrimination, calibration, intervals, histograms. NumPy only."""

from creditrisk.stats.differences import Difference, paired_difference
from creditrisk.stats.discrimination import (
    auc_difference,
    auc_interval,
    gini,
    gini_interval,
    ks,
    pr_auc,
    roc_auc,
    roc_points,
)
from creditrisk.stats.histograms import bin_counts, psi, quantile_edges
from creditrisk.stats.intervals import bootstrap_interval, wilson_interval
from creditrisk.stats.logistic import fit_line, log_elementwise, logit, sigmoid
from creditrisk.stats.probability import (
    CalibrationLine,
    Reliability,
    brier,
    calibration_line,
    ece,
    log_loss,
    reliability,
)

__all__ = [
    "CalibrationLine", "Difference", "Reliability", "auc_difference", "auc_interval", "bin_counts",
    "bootstrap_interval", "brier", "calibration_line", "ece", "fit_line", "gini", "gini_interval", "ks",
    "log_elementwise", "log_loss", "logit", "paired_difference", "pr_auc", "psi", "quantile_edges", "reliability",
    "roc_auc", "roc_points", "sigmoid", "wilson_interval",
]  # fmt: skip
