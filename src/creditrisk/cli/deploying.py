"""`creditrisk deploy ...`: servers get another image, and what ran before comes back where anything fails."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creditrisk.cli.moving import DryRun
from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, WorkspaceDir
from creditrisk.cli.output import or_exit, tell
from creditrisk.errors import BadUsage

if TYPE_CHECKING:
    from creditrisk.pipelines.context import Context
    from creditrisk.ports import Platform, ServedApi

deploy = typer.Typer(
    name="deploy",
    help="Servers get another image, are tried, and go back where anything fails: ecs, vm.",
    rich_markup_mode=None,
)

Image = Annotated[
    str | None, typer.Option("--image", metavar="REF@sha256:…", help="By its digest; else the manifest's.")
]
Manifest = Annotated[
    Path | None,
    typer.Option("--manifest", metavar="FILE", help="deploy_manifest.json that says image and model; it must hold."),
]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for whoever asks later.")]


@deploy.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@deploy.command()
def ecs(
    book: BookName,
    image: Image = None,
    manifest: Manifest = None,
    cluster: Annotated[str, typer.Option("--cluster", help="Of Amazon ECS.")] = "creditrisk",
    service: Annotated[str, typer.Option("--service", help="In that cluster.")] = "creditrisk-api",
    container: Annotated[
        str, typer.Option("--container", help="Of the definition; the manifest's image has the same name.")
    ] = "api",
    family: Annotated[
        str | None, typer.Option("--family", help="The service's definition must be of it; else any is taken.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="Where the server answers; else the manifest's first endpoint.")
    ] = None,
    workspace: WorkspaceDir = WORKSPACE,
    note: Note = "",
    dry_run: DryRun = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """The image into the service's task definition, and nothing else; exit 1 or 3 if it was rolled back."""
    from creditrisk.pipelines.deploy import wanted
    from creditrisk.wiring import ecs_service, served_api

    platform = ecs_service(cluster, service, container, family)
    with _at_the_gate(book, workspace, by) as context:
        want = wanted(context, image, manifest, container)
        address = url or want.url
        if address is None:
            raise BadUsage("nobody says where the server answers", hint="--url https://pd.example.org")
        told = _told(context, platform, lambda: served_api(address), want, note, dry_run=dry_run)
    _show(told, dry_run=dry_run, as_json=as_json)


@deploy.command()
def vm(
    book: BookName,
    host: Annotated[str, typer.Option("--host", metavar="USER@HOST", help="As for ssh.")],
    image: Image = None,
    manifest: Manifest = None,
    folder: Annotated[
        str, typer.Option("--folder", help="Of compose.yaml and .env, on the host.")
    ] = "/opt/creditrisk/deploy/compose",
    service: Annotated[
        str, typer.Option("--service", help="Of the compose file; the manifest's image has the same name.")
    ] = "api",
    port: Annotated[int, typer.Option("--port", help="Where the server answers, on the host's loopback.")] = 8080,
    url: Annotated[
        str | None, typer.Option("--url", help="Where the server answers; else a tunnel to --port is opened.")
    ] = None,
    ssh_port: Annotated[int | None, typer.Option("--ssh-port", help="Else as ssh's own configuration says.")] = None,
    identity: Annotated[Path | None, typer.Option("--identity", metavar="FILE", help="Private key for ssh.")] = None,
    known_hosts: Annotated[
        Path | None, typer.Option("--known-hosts", metavar="FILE", help="The host's key; an unknown host is refused.")
    ] = None,
    workspace: WorkspaceDir = WORKSPACE,
    note: Note = "",
    dry_run: DryRun = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """The image into the compose project of a host, over ssh; exit 1 or 3 if it was rolled back."""
    from creditrisk.pipelines.deploy import wanted
    from creditrisk.wiring import compose_host, served_api

    platform = compose_host(host, folder, service, port=ssh_port, identity=identity, known_hosts=known_hosts)
    with _at_the_gate(book, workspace, by) as context:
        want = wanted(context, image, manifest, service)

        def api() -> ServedApi:
            return served_api(url) if url is not None else served_api(*platform.tunnel(port))

        told = _told(context, platform, api, want, note, dry_run=dry_run)
    _show(told, dry_run=dry_run, as_json=as_json)


@contextmanager
def _at_the_gate(book: str, workspace: Path, by: str | None) -> Iterator[Context]:
    from creditrisk.wiring import book_with, deploying_for

    known = book_with(book, {})

    def progress(_stage: str, what: str, _share: float) -> None:
        print(f"{known.name}: {what}", file=sys.stderr, flush=True)  # noqa: T201

    with deploying_for(known, workspace, actor=by, progress=progress) as context:
        yield context


def _told(
    context: Context, platform: Platform, api: Callable[[], ServedApi], want: Any, note: str, *, dry_run: bool
) -> dict[str, Any]:
    from creditrisk.config import read_deploy_settings
    from creditrisk.pipelines import deploy as pipeline

    if dry_run:
        return pipeline.dry_run(context, platform, want)
    settings = read_deploy_settings()
    patience = pipeline.Patience(smoke_s=settings.smoke_seconds, undo_s=settings.undo_seconds)
    with _stoppable() as guarded:
        return pipeline.run(context, platform, api, want, note, patience=patience, guarded=guarded)


def _show(told: dict[str, Any], *, dry_run: bool, as_json: bool) -> None:
    from creditrisk.pages.moves import deployment_lines, planned_lines
    from creditrisk.pipelines.deploy import need_deployed

    lines = planned_lines if dry_run else deployment_lines
    tell(told, as_json=as_json, words=lambda: typer.echo("\n".join(lines(told))))
    if not dry_run:
        or_exit(lambda: need_deployed(told))


@contextmanager
def _stoppable() -> Iterator[Callable[[], None]]:
    """SIGTERM and a lost terminal end the work as Ctrl-C does. Yields what makes them wait while a rollback lasts."""

    def stop(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    def wait(_number: int, _frame: object) -> None:
        print("what ran before is being put back; wait", file=sys.stderr, flush=True)  # noqa: T201

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in signals}

    def guard() -> None:
        for number in signals:
            signal.signal(number, wait)

    try:
        yield guard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
