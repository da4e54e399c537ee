"""What the pages read: plain JSON values, gathered by the pipelines from the reports of one run.

Every part may be missing; the page then leaves its section out. Nothing here is computed again: a page shows what the
reports say. All hashes are sha256 in lower-case hex, all shares lie in [0, 1], all times are ISO 8601 text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict


class BookFacts(TypedDict, total=False):
    """From portfolio.yaml: `title`, `target.*`, and the preset that was run."""

    name: str
    title: str
    currency: str
    preset: str
    bad: str
    horizon: str
    population: str
    is_not: str
    observed_until: str


class ModelFacts(TypedDict, total=False):
    """From the bundle and the registry."""

    name: str
    version: str
    alias: str
    bundle_sha256: str
    estimator: str
    trained_by: str
    calibration: str
    """Name of the calibrator that is served."""
    features: int
    """Number of features the model uses."""


class Part(TypedDict, total=False):
    """One row of the split table."""

    part: str
    """train, calibration, test."""
    rows: int
    bads: int
    first: str
    """As-of dates, where the book has them."""
    last: str


class SplitFacts(TypedDict, total=False):
    rule: str
    """One sentence: how the parts were told apart."""
    parts: Sequence[Part]
    label_states: Mapping[str, int]
    """Rows of the main table by label state: observed, indeterminate, immature."""


class FileLineage(TypedDict, total=False):
    """One raw file and what became of it."""

    table: str
    file: str
    sha256: str
    bytes: int
    rows: int
    """Rows in bronze."""
    rejected: int
    """Unreadable rows, left out."""
    bronze_sha256: str


class Step(TypedDict, total=False):
    """One thing that was read or made, in the order of making; typed tables stand with their raw files."""

    name: str
    sha256: str
    rows: int
    what: str
    """Its kind in a word."""


class Lineage(TypedDict, total=False):
    files: Sequence[FileLineage]
    steps: Sequence[Step]
    nodes: Mapping[str, Any]
    """Of data_lineage.json, for the drawing."""


class StageSeconds(TypedDict):
    stage: str
    seconds: float


class Important(TypedDict, total=False):
    """One feature: share of the model's total importance, and the words an applicant would read."""

    feature: str
    share: float
    reason: str


class Command(TypedDict, total=False):
    command: str
    does: str


class RunContext(TypedDict, total=False):
    """Everything one run has to say. Only `book` is needed; `invented` is false unless said."""

    invented: bool
    checks_off: Sequence[Mapping[str, Any]]
    """Checks that were not made: `table`, `rule`, `column` or none, `because`."""
    leaks_released: Sequence[Mapping[str, Any]]
    """Suspects of the leak radar that may be features: `table`, `column`, `by`, `because`."""
    suspects: Sequence[Mapping[str, Any]]
    """Columns that no feature may read, of leak_report.json, worst first: `table`, `column`, `auc`, `signals`."""
    book: BookFacts
    model: ModelFacts
    metrics: Mapping[str, Any]
    """test_metrics.json as it stands (evaluation.metrics.test_metrics, with `grades` and `vintages` where known)."""
    split: SplitFacts
    findings: Sequence[Mapping[str, Any]]
    """Finding.as_json() of ingestion and contracts together."""
    findings_page: str
    """File beside the page that tells every promise and finding; absent where there is none."""
    lineage: Lineage
    validation: Mapping[str, Any]
    """post_training_validation.json as it stands; absent before the stage validate has run on this model."""
    waivers: Sequence[Mapping[str, Any]]
    """Those of the model's evidence that count today: `gate`, `by`, `because`, `until`."""
    approvals: Sequence[Mapping[str, Any]]
    """Those on which the last move of the model rests: `by`, `at`, `expires`."""
    document_page: str
    """File beside the page that tells everything a validator asks; absent where there is none."""
    freshness: Mapping[str, Any]
    """data_freshness.json as it stands."""
    stages: Sequence[StageSeconds]
    """In the order in which they ran."""
    importance: Sequence[Important]
    """Largest first."""
    decision: Mapping[str, Any]
    """`decline_from_pd`, `refer_from_pd`, `cost_of_bad`, `cost_of_refused_good`, `refer_from_share_of_cut_off`: each
    {"value", "because", "owner"} or absent; `grades` {grade: PD below which it is given}; `scaling` {"base_points",
    "base_odds", "points_to_double_odds"}."""
    policy: Mapping[str, Any]
    """`prohibited`, `rebuilders`, `restricted`: [{"column", "ground"}]; `monotone`: {feature: "pd_rises" or
    "pd_falls"}."""
    next_commands: Sequence[Command]
    meta: Mapping[str, Any]
    """`created_at`, `actor`, `code_version`, `run_id`."""
