"""What continuous delivery calls: the candidate goes to production when gates, canary and approvals all allow it."""

from __future__ import annotations

import sys
from typing import Any

from creditrisk.pipelines import promote_model
from creditrisk.pipelines.context import Context
from creditrisk.ports import PRODUCTION


def run(context: Context, note: str = "", *, dry_run: bool = False) -> dict[str, Any]:
    """As `promote_model.run` of the candidate to production: nothing is left out because nobody watches."""
    return promote_model.run(context, None, PRODUCTION, note or "auto-promote", dry_run=dry_run)


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("auto-promote"))
