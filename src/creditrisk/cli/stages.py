"""A book's way from raw tables to a registered model: the whole of it, and each stage alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creditrisk.cli.options import (
    WORKSPACE,
    Actor,
    AsJson,
    BookName,
    Debug,
    EngineName,
    EstimatorName,
    Master,
    Overrides,
    RawDir,
    SparkConf,
    WorkspaceDir,
    settings_of,
)
from creditrisk.cli.output import or_exit, show, show_released, tell
from creditrisk.cli.work import at_hand, at_work

if TYPE_CHECKING:
    from creditrisk.pages.context import RunContext


def run(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    first: Annotated[str | None, typer.Option("--from", metavar="STAGE", help="Begin here.")] = None,
    last: Annotated[str | None, typer.Option("--until", metavar="STAGE", help="End here.")] = None,
    estimator: EstimatorName = None,
    engine: EngineName = None,
    master: Master = None,
    spark_conf: SparkConf = None,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """All stages: raw tables to a registered model and a page worth reading."""
    told = run_book(
        book, workspace, raw=raw, by=by, as_json=as_json, first=first, last=last,
        settings=settings_of(overrides, estimator, engine), master=master, spark_conf=spark_conf,
    )  # fmt: skip
    tell_runs([told], workspace, as_json=as_json)


def ingest(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell where each table would come from, and what is in the way.")
    ] = False,
    estimator: EstimatorName = None,
    engine: EngineName = None,
    master: Master = None,
    spark_conf: SparkConf = None,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Stage 1: raw files, fetched where the book says unless --raw is given, become typed bronze tables."""
    if not dry_run:
        _run_one_stage(
            "ingest", book, workspace, raw, settings_of(overrides, estimator, engine), by=by, as_json=as_json,
            master=master, spark_conf=spark_conf,
        )  # fmt: skip
        return
    from creditrisk.pages.terminal import plan_lines
    from creditrisk.pipelines.fetch_sources import exit_code_of, plan

    with at_hand(book, workspace, settings_of(overrides, estimator), by=by, raw=raw) as context:
        planned = plan(context)
    tell(planned, as_json=as_json, words=lambda: typer.echo("\n".join(plan_lines(planned))))
    if code := exit_code_of(planned):
        raise typer.Exit(code)


def alone(stage: str) -> Callable[..., None]:
    """The command of a stage that has no options of its own."""

    def command(
        book: BookName,
        workspace: WorkspaceDir = WORKSPACE,
        raw: RawDir = None,
        estimator: EstimatorName = None,
        overrides: Overrides = None,
        by: Actor = None,
        as_json: AsJson = False,
        debug: Debug = False,  # noqa: ARG001
    ) -> None:
        _run_one_stage(stage, book, workspace, raw, settings_of(overrides, estimator), by=by, as_json=as_json)

    return command


def on_an_engine(stage: str) -> Callable[..., None]:
    """The same of a stage that a cluster can do."""

    def command(
        book: BookName,
        workspace: WorkspaceDir = WORKSPACE,
        raw: RawDir = None,
        estimator: EstimatorName = None,
        engine: EngineName = None,
        master: Master = None,
        spark_conf: SparkConf = None,
        overrides: Overrides = None,
        by: Actor = None,
        as_json: AsJson = False,
        debug: Debug = False,  # noqa: ARG001
    ) -> None:
        _run_one_stage(
            stage, book, workspace, raw, settings_of(overrides, estimator, engine), by=by, as_json=as_json,
            master=master, spark_conf=spark_conf,
        )  # fmt: skip

    return command


def validate(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    estimator: EstimatorName = None,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Stage 7: the gates, and the model document. Exit 1 if one fails that nobody waived."""
    from creditrisk.governance.standing import open_waivers
    from creditrisk.pages.governance import validation_table
    from creditrisk.pipelines.evidence import current_pack
    from creditrisk.pipelines.stages import run_stage
    from creditrisk.pipelines.validate_model import DOCUMENT, need_passed

    with at_work(book, workspace, settings_of(overrides, estimator), as_json=as_json, by=by, raw=raw) as context:
        report = run_stage(context, "validate")
        page = context.folder.report(DOCUMENT)
        pack = current_pack(context, report["bundle_sha256"])
        waivers = open_waivers(pack, context.clock.now().date())

    def words() -> None:
        show(validation_table(report, waivers))
        typer.echo(f"evidence {pack.sha256}")
        if page.is_file():
            typer.echo(f"worth reading: {page}")

    tell(report, as_json=as_json, words=words)
    or_exit(lambda: need_passed(report, waivers))


def _run_one_stage(
    stage: str,
    book: str,
    workspace: Path,
    raw: str | None,
    settings: Mapping[str, Any],
    *,
    by: str | None,
    as_json: bool,
    master: str | None = None,
    spark_conf: Path | None = None,
) -> None:
    from creditrisk.pipelines.stages import run_stage

    with at_work(
        book, workspace, settings, as_json=as_json, by=by, raw=raw, master=master, spark_conf=spark_conf
    ) as context:
        report = run_stage(context, stage)

    def words() -> None:
        show_released(context.leaks_released)
        if report.get("suspects"):
            told = ", ".join(report["suspects"])
            typer.echo(f"leak radar: {len(report['suspects'])} columns may know the outcome, no feature may read "
                       f"them: {told}; leak_report.json says why")  # fmt: skip
        typer.echo(f"{stage}: done; reports in {context.folder.reports}")

    tell(report, as_json=as_json, words=words)


def run_book(
    book: str,
    workspace: Path,
    *,
    raw: Path | str | None,
    by: str | None,
    as_json: bool,
    first: str | None = None,
    last: str | None = None,
    settings: Mapping[str, Any] | None = None,
    master: str | None = None,
    spark_conf: Path | None = None,
) -> RunContext:
    """All stages from `first` to `last`, those named included."""
    from creditrisk.pipelines.stages import between, run_stages

    between(first, last)
    with at_work(
        book, workspace, settings, as_json=as_json, by=by, raw=raw, master=master, spark_conf=spark_conf
    ) as context:
        return run_stages(context, first=first, last=last)


def tell_runs(runs: Sequence[RunContext], workspace: Path, *, as_json: bool) -> None:
    """What came out of runs, and the pages worth reading."""
    from creditrisk.pages.terminal import run_table

    pages = [workspace / run["book"]["name"] / "reports" / "run_summary.html" for run in runs]

    def words() -> None:
        show(run_table(runs))
        for page in pages:
            typer.echo(f"worth reading: {page}")

    tell({"runs": list(runs), "pages": [str(page) for page in pages]}, as_json=as_json, words=words)
