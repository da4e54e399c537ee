"""Decisions as monitoring reads them: one Arrow row each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from creditrisk.kinds import canonical_json
from creditrisk.ports import OUTLINE, Kept

if TYPE_CHECKING:
    import pyarrow as pa

TEXTS = ("decision_id", "kind", "about", "request_id", "caller", "book", "bundle_sha256", "model_version")


def batch_of(rows: Sequence[Kept]) -> pa.RecordBatch:
    """Columns as docs/decision-store.md lists them; what stood in a deleted or locked payload is NULL."""
    import pyarrow as pa

    columns = {name: pa.array([getattr(each.passport, name) for each in rows], pa.string()) for name in TEXTS}
    columns |= {
        "time": pa.array([each.passport.time for each in rows], pa.timestamp("us", "UTC")),
        "pd": pa.array([each.passport.pd for each in rows], pa.float64()),
        "score": pa.array([each.passport.score for each in rows], pa.int64()),
        "grade": pa.array([each.passport.grade for each in rows], pa.string()),
        "decision": pa.array([each.passport.decision for each in rows], pa.string()),
        "entity_id": pa.array([_text(each.passport.entity_id) for each in rows], pa.string()),
        "features": pa.array([_json(each, "features") for each in rows], pa.string()),
        "reasons": pa.array([_json(each, "reasons") for each in rows], pa.string()),
        "warnings": pa.array([_json(each, "warnings") for each in rows], pa.string()),
        "deleted": pa.array([each.deleted for each in rows], pa.bool_()),
        "chain_id": pa.array([each.chain_id for each in rows], pa.string()),
        "sequence": pa.array([each.sequence for each in rows], pa.int64()),
    }
    return pa.RecordBatch.from_pydict(columns)


def outlines_of(rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """From rows of `OUTLINE`, the time as text in UTC."""
    import pyarrow as pa

    columns = dict(zip(OUTLINE, zip(*rows, strict=True), strict=True))
    times = pa.array([datetime.fromisoformat(text) for text in columns.pop("time")], pa.timestamp("us", "UTC"))
    typed = {name: pa.array(of, pa.float64() if name == "pd" else pa.string()) for name, of in columns.items()}
    return pa.RecordBatch.from_pydict({name: typed.get(name, times) for name in OUTLINE})


def _text(entity: int | str | None) -> str | None:
    return None if entity is None else str(entity)


def _json(kept: Kept, key: str) -> str | None:
    value: Any = kept.passport.payload.get(key)
    return None if value is None else canonical_json(value).decode("utf-8")
