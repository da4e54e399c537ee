"""Is what decides still what was built: how old the data are. Drift and outcomes join here."""

from creditrisk.monitoring.figures import MEANINGS, figures_of
from creditrisk.monitoring.freshness import Age, Freshness, TableTimes, ages, overall
from creditrisk.monitoring.notices import Notice, OpenAlarm, Told, notice, told_after, worst

__all__ = [
    "MEANINGS",
    "Age",
    "Freshness",
    "Notice",
    "OpenAlarm",
    "TableTimes",
    "Told",
    "ages",
    "figures_of",
    "notice",
    "overall",
    "told_after",
    "worst",
]
