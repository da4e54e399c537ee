"""Is what decides still what was built: how old the data are. Drift and outcomes join here."""

from creditrisk.monitoring.freshness import Age, Freshness, TableTimes, ages, overall

__all__ = ["Age", "Freshness", "TableTimes", "ages", "overall"]
