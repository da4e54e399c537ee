"""How unlike the model in production a candidate may be: `canary:` in portfolio.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from creditrisk.config.strict import Limit, OpenShare, Strict


class Canary(Strict):
    """Limits of `creditrisk canary`, each on the same rows by both models; docs/canary.md tells each gate."""

    rows_min: Limit = Limit(value=500, because="fewer rows leave an approval rate open by four points either way")
    """Reference rows that the PDs, grades and decisions need before they can pass or fail."""
    bads_min: Limit = Limit(
        value=50, because="50 bads leave a default rate open by 30 %: fewer can neither pass nor fail"
    )
    """Bads, and goods, that a figure of the outcomes needs."""
    mean_pd_change_max: Limit = Limit(
        value=0.1, because="provisions and prices follow the mean PD; a tenth of it is a decision that people make"
    )
    """How far the mean PDs may lie apart, as a share of the mean of the two."""
    quantile_change_max: Limit = Limit(
        value=0.3, because="a third more or less risk for a whole part of the applicants is another policy"
    )
    """How far each quantile of the PDs may lie apart, as a share of the mean of the two."""
    approval_change_max: Limit = Limit(
        value=0.05, because="five applicants in a hundred more or less is another volume of business"
    )
    """How far the approval rates may lie apart, in [0, 1]."""
    grades_moved_max: Limit = Limit(
        value=0.05, because="who jumps two grades gets another price for the same facts; few may, and for a reason"
    )
    """Share of the rows whose grade may move by two or more."""
    decisions_flipped_max: Limit = Limit(
        value=0.15, because="each changed decision is a person who would have had another answer the day before"
    )
    """Share of the rows whose decision may be another one."""
    auc_fall_max: Limit = Limit(value=0.01, because="a new model that ranks worse by a point of AUC needs a reason")
    """How far the candidate's AUC may lie below production's."""
    brier_skill_fall_max: Limit = Limit(
        value=0.005, because="PDs that lose half a point of the average's Brier are worse PDs, however they rank"
    )
    """How far the candidate's Brier may lie above production's, as a share of the Brier of the average."""
    grade_default_rate_change_max: Limit = Limit(
        value=0.05, because="a grade is a promise to whoever prices by it; five points more or less break it"
    )
    """How far the default rate of each grade may lie apart between the two models, in [0, 1]."""
    level: OpenShare = 0.95
    """Of the intervals."""
    reasons_rows: Annotated[int, Field(ge=1)] = 200
    """Applicants with a new decision, evenly over the keys, whose reasons are looked at in each direction."""
