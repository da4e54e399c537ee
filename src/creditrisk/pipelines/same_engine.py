"""What a cluster left here may be a sample: one machine does not take it for everything."""

from __future__ import annotations

from pathlib import Path

from creditrisk.errors import Refused
from creditrisk.files import read_json
from creditrisk.pipelines.context import Context


def refuse_sample(context: Context, state: Path, stage: str) -> None:
    """Raises Refused when the tables beside `state` are some of those on a cluster, and the engine is another."""
    if context.on_spark or not state.is_file():
        return
    sample = read_json(state)["sample"]
    if sample["rows"] < sample["of"]:
        raise Refused(
            f"the tables here hold {sample['rows']:,} of {sample['of']:,} applicants; the others are on the cluster",
            where=str(state.parent),
            hint=f"go on with --engine spark; or bring in all: creditrisk {stage} {context.book.name} --engine duckdb",
        )
