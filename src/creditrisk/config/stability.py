"""When a model's rows have moved, and how much is looked at to tell: `stability:` in portfolio.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from creditrisk.config.strict import Limit, OpenShare, Strict


class Stability(Strict):
    psi_max: Limit = Limit(
        value=0.25, because="scorecard practice calls a population stability index above it a large shift"
    )
    """PSI of the score or a feature above which the rows have moved, unless chance brings it with so few."""
    auc_drop_max: Limit = Limit(
        value=0.05, because="a model that ranks a vintage or segment this much worse is another model there"
    )
    """How far the AUC of a vintage or segment may lie below that of all rows."""
    bads_min: Limit = Limit(value=30, because="fewer bads, or goods, put an AUC within a tenth at best")
    """Bads, and goods, that the AUC of a vintage or segment needs."""
    level: OpenShare = 0.95
    """Of the intervals."""
    sensitivity_rows: Annotated[int, Field(ge=50)] = 200
    """Tested rows, evenly spread over the PDs, on which each input is raised and lowered."""
    learning_curve_cells: Annotated[int, Field(ge=0)] = 4_000_000
    """Rows times features above which no learning curve is drawn, since it costs five trainings; 0 = never."""
    learning_curve_rounds: Annotated[int, Field(ge=1)] = 60
    """The most trees of each of them."""
