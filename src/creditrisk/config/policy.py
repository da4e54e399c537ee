"""What may not decide about people, and which way a fact may count: `policy:` in portfolio.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from creditrisk.config.strict import Strict


class Barred(Strict):
    """A column that may not decide about people, and the law that says so."""

    column: str
    """Name in the raw table."""
    ground: str
    """The rule, with its source."""


class Policy(Strict):
    prohibited: tuple[Barred, ...] = ()
    """Never reach the features' SQL; kept in audit.parquet for fairness."""
    rebuilders: tuple[Barred, ...] = ()
    """Columns from which a prohibited one can be rebuilt; treated alike."""
    restricted: tuple[Barred, ...] = ()
    """May be features, within the rule that `ground` states."""
    monotone: dict[str, Literal["pd_rises", "pd_falls"]] = Field(default={})
    """Direction of PD when the feature rises."""

    @property
    def kept_apart(self) -> tuple[str, ...]:
        return tuple(barred.column for barred in (*self.prohibited, *self.rebuilders))
