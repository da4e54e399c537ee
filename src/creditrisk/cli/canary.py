"""Before and after a model moves: compared with the one in production, and written down for whoever deploys it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, WorkspaceDir
from creditrisk.cli.output import or_exit, show, tell
from creditrisk.cli.work import at_the_desk, at_work


def canary(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", help="The candidate; else the one behind `candidate`.")
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(
            "--input", metavar="DIR_OR_FILE", help="Raw tables to decide; else the test part of the last run."
        ),
    ] = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """The candidate against the model in production on the same rows. Exit 1 if it fails."""
    from creditrisk.pages.canary import canary_tables
    from creditrisk.pipelines.canary_validation import need_passed, run

    with at_work(book, workspace, as_json=as_json, by=by) as context:
        context.progress("canary", "starting", 0.0)
        report = run(context, version, source=rows)
        context.progress("canary", "done", 1.0)
    tell(report, as_json=as_json, words=lambda: show(canary_tables(report)))
    or_exit(lambda: need_passed(report))


def manifest(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    alias: Annotated[str, typer.Option("--alias", help="production or staging.")] = "production",
    image: Annotated[
        list[str] | None,
        typer.Option("--image", metavar="NAME=REF@sha256:…", help="An image by its digest; repeatable."),
    ] = None,
    endpoint: Annotated[
        list[str] | None, typer.Option("--endpoint", metavar="URL", help="A server that decides by it; repeatable.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="FILE", help="Write nothing: is this file what is deployed today?"),
    ] = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """What is deployed, in one file for whoever rolls it out; or whether such a file still holds."""
    from creditrisk.pages.deploy_manifest import manifest_lines
    from creditrisk.pipelines import deploy_manifest

    with at_the_desk(book, workspace, as_json=as_json, by=by) as context:
        if check is not None:
            told = deploy_manifest.check(context, check)
        else:
            told = deploy_manifest.run(context, alias, image or (), endpoint or ())
        written = context.folder.report(deploy_manifest.MANIFEST)
    if check is None:
        tell(told, as_json=as_json, words=lambda: typer.echo("\n".join(manifest_lines(told, str(written)))))
        return
    holds = lambda: None if told["faults"] else typer.echo(f"{check}: holds")  # noqa: E731
    tell(told, as_json=as_json, words=holds)
    or_exit(lambda: deploy_manifest.need_no_faults(told))
