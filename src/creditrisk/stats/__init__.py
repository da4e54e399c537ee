"""Pure figures used by several rooms: discrimination, calibration, tests, intervals, histograms."""

from creditrisk.stats.calibration_tests import Tested, hosmer_lemeshow, line_test, mean_test, need_line, spiegelhalter
from creditrisk.stats.differences import Difference, paired_difference, paired_quantile_gaps, paired_share_difference
from creditrisk.stats.discrimination import (
    auc_difference,
    auc_interval,
    gini,
    gini_interval,
    ks,
    ks_interval,
    pr_auc,
    roc_auc,
    roc_points,
)
from creditrisk.stats.expected import auc_by_chance, expected_auc, expected_brier, expected_log_loss
from creditrisk.stats.histograms import bin_counts, bin_places, psi, psi_of_each, quantile_edges
from creditrisk.stats.intervals import bootstrap_interval, wilson_interval
from creditrisk.stats.logistic import fit_line, fit_plane, log_elementwise, logit, sigmoid, softplus_both_ways
from creditrisk.stats.many_tests import holm
from creditrisk.stats.probability import (
    CalibrationLine,
    CalibrationLineIntervals,
    Reliability,
    brier,
    calibration_line,
    calibration_line_intervals,
    ece,
    log_loss,
    losses,
    reliability,
)
from creditrisk.stats.proportions import binomial_test, clopper_pearson_interval, jeffreys_test, promise_test
from creditrisk.stats.shifts import (
    ChiSquare,
    chi_square,
    jensen_shannon_distance,
    ks_distance,
    wasserstein_distance,
)
from creditrisk.stats.two_shares import shares_test

__all__ = [
    "CalibrationLine", "CalibrationLineIntervals", "ChiSquare", "Difference", "Reliability", "Tested", "auc_by_chance",
    "auc_difference", "auc_interval", "bin_counts", "bin_places", "binomial_test", "bootstrap_interval", "brier",
    "calibration_line", "calibration_line_intervals", "chi_square", "clopper_pearson_interval", "ece", "expected_auc",
    "expected_brier", "expected_log_loss", "fit_line", "fit_plane", "gini", "gini_interval", "holm", "hosmer_lemeshow",
    "jeffreys_test", "jensen_shannon_distance", "ks", "ks_distance", "ks_interval", "line_test", "log_elementwise",
    "log_loss", "logit", "losses", "mean_test", "need_line", "paired_difference", "paired_quantile_gaps",
    "paired_share_difference", "pr_auc", "promise_test", "psi", "psi_of_each", "quantile_edges", "reliability",
    "roc_auc", "roc_points", "shares_test", "sigmoid", "softplus_both_ways", "spiegelhalter", "wasserstein_distance",
    "wilson_interval",
]  # fmt: skip
