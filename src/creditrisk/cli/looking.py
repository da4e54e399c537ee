"""What there is: ages and origins of data, published files, and the installation itself."""

from __future__ import annotations

from typing import Annotated

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, Overrides, WorkspaceDir, settings_of
from creditrisk.cli.output import or_exit, show, tell
from creditrisk.cli.work import at_hand, at_work
from creditrisk.errors import BadUsage, ExitCode


def freshness(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    max_age_hours: Annotated[
        float | None, typer.Option("--max-age-hours", metavar="H", help="Else the book's monitoring.max_age_hours.")
    ] = None,
    fail_on_stale: Annotated[
        bool, typer.Option("--fail-on-stale", help="Exit 1 unless every table is fresh; unknown is not fresh.")
    ] = False,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """How old the tables of the last ingestion are, and whether that is too old."""
    from creditrisk.pages.terminal import freshness_table
    from creditrisk.pipelines.data_freshness import need_fresh
    from creditrisk.pipelines.data_freshness import run as data_freshness

    with at_hand(book, workspace, settings_of(overrides), by=by) as context:
        report = data_freshness(context, max_age_hours=max_age_hours)
    tell(report, as_json=as_json, words=lambda: show(freshness_table(report)))
    if fail_on_stale:
        or_exit(lambda: need_fresh(report))


def publish(
    book: BookName,
    to: Annotated[str, typer.Option("--to", metavar="URI", help="Folder in a bucket: s3://, az:// or gs://.")],
    workspace: WorkspaceDir = WORKSPACE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be uploaded, and upload nothing.")] = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Predictions, reports, bundle and manifest into a bucket, under a prefix that never changes."""
    from creditrisk.pipelines.publish import run as publish_run

    with at_work(book, workspace, as_json=as_json, by=by) as context:
        told = publish_run(context, to, dry_run=dry_run)

    def words() -> None:
        size = f"{len(told['files'])} files, {told['bytes'] / 2**20:,.1f} MB"
        if dry_run:
            typer.echo(f"would publish {size} to {told['uri']}; {told['there']} are there")
        elif told["uploaded"] == 0:
            typer.echo(f"published before, nothing to upload: {told['uri']}")
        else:
            typer.echo(f"published {size} to {told['uri']}")

    tell(told, as_json=as_json, words=words)


def lineage(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    model: Annotated[
        str | None, typer.Option("--model", metavar="HASH_OR_VERSION", help="An earlier model; else the latest run.")
    ] = None,
    raw: Annotated[
        str | None, typer.Option("--raw", metavar="SHA_OR_FILE", help="Which models were made from these bytes?")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Are the files still what they were? Exit 1 if one is not.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Which raw bytes stand behind a model, and which models came from given bytes."""
    from creditrisk.pages.terminal import lineage_table, models_table
    from creditrisk.pipelines.trace import need_all_here, of_model, of_raw

    if raw is not None and (model is not None or verify):
        raise BadUsage("--raw asks for models, --model and --verify for files", hint="ask one after the other")
    with at_hand(book, workspace) as context:
        answer = of_model(context, model, verify=verify) if raw is None else of_raw(context, raw)
    table = lineage_table if raw is None else models_table
    tell(answer, as_json=as_json, words=lambda: show(table(answer)))
    if verify:
        or_exit(lambda: need_all_here(answer))


def doctor(workspace: WorkspaceDir = WORKSPACE, as_json: AsJson = False, debug: Debug = False) -> None:  # noqa: ARG001
    """What is installed, reachable, configured, and what is missing."""
    from creditrisk.doctor import examine
    from creditrisk.wiring import registry_for

    found = examine(workspace, registry_for(workspace))

    def words() -> None:
        for item in found:
            typer.echo(f"{'ok     ' if item['ok'] else 'MISSING'}  {item['what']}: {item['found']}")
            if item["hint"]:
                typer.echo(f"           {item['hint']}")

    tell({"checks": found}, as_json=as_json, words=words)
    if any(item["needed"] and not item["ok"] for item in found):
        raise typer.Exit(ExitCode.OUTSIDE_FAILED)
