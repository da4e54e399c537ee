"""What `assessment:` of `portfolio.yaml` may say: how a tested model is taken apart."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from creditrisk.config.strict import Strict


class Assessment(Strict):
    segments: dict[str, Annotated[str, Field(min_length=1)]] = Field(default={})
    """Name -> SQL expression over the feature table's columns that gives a word for each row; NULL is `unknown`."""
