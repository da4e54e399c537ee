"""The one place that chooses adapters."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from creditrisk.adapters.fsspec_storage import FsspecStorage
from creditrisk.adapters.key_files import KeyFiles
from creditrisk.adapters.mlflow_inference import MlflowInferenceLog
from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.mlflow_tracking import MlflowTracker
from creditrisk.adapters.system_clock import SystemClock
from creditrisk.adapters.system_keyring import SystemKeyring
from creditrisk.config import (
    Book,
    BookFolder,
    DecisionStoreSettings,
    Settings,
    Workspace,
    channel_address,
    load_book,
    read_decision_store_settings,
    read_deploy_settings,
    read_serving_settings,
    read_settings,
    read_sink_settings,
)
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadConfig, BadUsage, Busy, MissingInput, Refused, did_you_mean
from creditrisk.governance.agreement import Records
from creditrisk.pipelines.addresses import folder_for, is_address
from creditrisk.pipelines.context import Context, Progress
from creditrisk.ports import PRODUCTION, DecisionStore, KeyStore, MetricsSink, Platform, ServedApi
from creditrisk.sealing import PayloadKeys
from creditrisk.signatures import Signer, key_bytes, new_signer, public_keys_in, remember, signer_from_text, signer_in
from creditrisk.sources import Limits
from creditrisk.spark import SparkSettings, need_spark

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from creditrisk.adapters.compose_host import ComposeHost
    from creditrisk.pipelines.evidently_rows import ExtraPage

MASTER = re.compile(
    r"local(\[(\d+|\*)(, *\d+)?\])?|local-cluster\[ *\d+ *, *\d+ *, *\d+ *\]|yarn|spark://[^\s/:]+:\d+(,[^\s/:]+:\d+)*"
    r"|k8s://(https?://)?\S+"
)
MODEL_CODE = Path(__file__).resolve().parent / "scoring" / "pyfunc.py"


def book_with(name_or_path: str, settings: Mapping[str, Any]) -> Book:
    """The book, with the settings of the command line over its portfolio.yaml."""
    return load_book(name_or_path, settings)


@contextmanager
def context_for(
    book: Book,
    workspace: Path,
    *,
    actor: str | None = None,
    raw: Path | str | None = None,
    progress: Progress,
    master: str | None = None,
    spark_conf: Path | None = None,
) -> Iterator[Context]:
    """Everything a stage needs, with the book's part of the workspace held against other runs.

    raw: a folder, or the address of one in a bucket.  master, spark_conf: where Spark runs, if the engine is spark.
    Raises BadUsage when it is and cannot be: nothing has been done then.
    Raises Busy when another process is at work on the same book in the same workspace.
    """
    spark = SparkSettings()
    if book.portfolio.engine == "spark":
        spark = spark_settings(master, spark_conf)
        need_spark()
    elif master or spark_conf:
        option = "--master" if master else "--spark-conf"
        raise BadUsage("the engine is duckdb, which has no cluster", where=option, hint="add --engine spark")
    root = Workspace(workspace).open()
    with (
        _alone(root.book(book.name).root / ".lock", "another run is at work on this book"),
        closing(FsspecStorage()) as storage,
    ):
        yield _context(book, root, actor, raw, progress, storage, spark)


@contextmanager
def governance_for(book: Book, workspace: Path, *, actor: str | None = None, progress: Progress) -> Iterator[Context]:
    """The same for whoever approves and moves versions: a training that runs meanwhile is not waited for.

    Raises Busy when another such command is at work on the book.
    """
    root = Workspace(workspace).open()
    lock = root.book(book.name).governance_lock
    with _alone(lock, "another command is approving or moving versions of this book"):
        yield _context(book, root, actor, None, progress, None)


@contextmanager
def deploying_for(book: Book, workspace: Path, *, actor: str | None = None, progress: Progress) -> Iterator[Context]:
    """The same for whoever deploys servers, which takes minutes: versions may be moved meanwhile.

    Raises Refused when another such command is at work on the book.
    """
    root = Workspace(workspace).open()
    lock = root.book(book.name).rollout_lock
    with _alone(lock, "another deployment of this book is under way", hint="wait until it has ended"):
        yield _context(book, root, actor, None, progress, None)


def ecs_service(cluster: str, service: str, container: str, family: str | None) -> Platform:
    """A service on ECS, with the patience that the environment gives it."""
    from creditrisk.adapters.ecs import EcsService

    settings = read_deploy_settings()
    wait_s, poll_s = settings.wait_minutes * 60, settings.poll_seconds
    return EcsService(cluster, service, container, family=family, wait_s=wait_s, poll_s=poll_s)


def compose_host(
    host: str, folder: str, service: str, *, port: int | None, identity: Path | None, known_hosts: Path | None
) -> ComposeHost:
    """A compose project on a host that ssh reaches."""
    from creditrisk.adapters.compose_host import ComposeHost, SshOptions

    wait_s = read_deploy_settings().wait_minutes * 60
    return ComposeHost(host, folder, service, SshOptions(port, identity, known_hosts), wait_s=wait_s)


def served_api(url: str, end: Callable[[], object] = lambda: None) -> ServedApi:
    """A server at an address, asked with the API key of the environment."""
    from creditrisk.adapters.served_api import HttpApi

    return HttpApi(url, key=read_deploy_settings().key(), end=end)


def watching_for(book: Book, workspace: Path, *, actor: str | None = None, progress: Progress) -> Context:
    """The same for whoever watches what was decided: nobody is waited for, and nobody waits."""
    return _context(book, Workspace(workspace).open(), actor, None, progress, None)


def extra_page(wanted: bool) -> ExtraPage | None:
    """Evidently's page, where somebody wants it."""
    if not wanted:
        return None
    from creditrisk.adapters.evidently_page import write_evidently_page

    return write_evidently_page


def model_inventory(workspace: Path, names_or_paths: Sequence[str]) -> dict[str, Any]:
    """Of these books, else of every book that has models here. To read only: nobody is waited for."""
    from creditrisk.pipelines.model_inventory import known_book, run
    from creditrisk.pipelines.replay_decisions import books_in

    root = Workspace(workspace)
    books = [load_book(name) for name in names_or_paths]
    if not names_or_paths:
        books = [book for name in books_in(root) if (book := known_book(root, name)) is not None]
    contexts = [_context(book, root, None, None, lambda *_: None, None) for book in books]
    return run(contexts, now=SystemClock().now())


def notify_book(name_or_path: str, workspace: Path, *, only: Sequence[str], test: bool) -> dict[str, Any]:
    """Messages to the book's channels; nobody is waited for but another `notify` of the same book."""
    from creditrisk.adapters.apprise_notifier import AppriseNotifier
    from creditrisk.pipelines.notify import run, run_test

    book = load_book(name_or_path)
    rules = book.portfolio.notifications

    def notifier(channel: str) -> AppriseNotifier:
        return AppriseNotifier(channel, channel_address(channel))

    if test:
        return run_test(book.name, rules, notifier, only=only)
    return run(book.name, Workspace(workspace).open().book(book.name), rules, notifier, clock=SystemClock(), only=only)


def export_figures(name_or_path: str, workspace: Path, *, only: Sequence[str]) -> dict[str, Any]:
    """Figures of the book to the sinks that the environment names, and into the text file; or to those of `only`."""
    from creditrisk.pipelines.export_metrics import run

    book, root = load_book(name_or_path), Workspace(workspace).open()
    return run(book.name, root.book(book.name), _sinks(book.name, root, only), clock=SystemClock())


def _sinks(book: str, root: Workspace, only: Sequence[str]) -> dict[str, Callable[[], MetricsSink]]:
    from creditrisk.adapters.cloudwatch_sink import CloudWatch
    from creditrisk.adapters.prometheus_sinks import PushGateway, TextFile

    settings = read_sink_settings()

    def pushed() -> MetricsSink:
        if settings.pushgateway_url is None:
            raise BadConfig("no push gateway is set up", hint="set CREDITRISK_PUSHGATEWAY_URL")
        return PushGateway(settings.pushgateway_url, book)

    def watched() -> MetricsSink:
        if settings.cloudwatch_namespace is None:
            raise BadConfig("no namespace in CloudWatch is set up", hint="set CREDITRISK_CLOUDWATCH_NAMESPACE")
        return CloudWatch(settings.cloudwatch_namespace, SystemClock())

    known: dict[str, Callable[[], MetricsSink]] = {
        "textfile": lambda: TextFile(settings.metrics_folder or root.root / "metrics", book),
        "pushgateway": pushed,
        "cloudwatch": watched,
    }
    for name in only:
        if name not in known:
            raise BadUsage(f'no sink "{name}"', hint=did_you_mean(name, known))
    set_up = {"textfile"} | {
        name
        for name, setting in (("pushgateway", settings.pushgateway_url), ("cloudwatch", settings.cloudwatch_namespace))
        if setting is not None
    }
    return {name: sink for name, sink in known.items() if name in (only or set_up)}


def _context(
    book: Book,
    root: Workspace,
    actor: str | None,
    raw: Path | str | None,
    progress: Progress,
    storage: FsspecStorage | None,
    spark: SparkSettings | None = None,
) -> Context:
    settings, folder = read_settings(), root.book(book.name)
    tracking = settings.tracking_uri or root.tracking_uri
    return Context(
        book=book,
        workspace=root,
        duck=_duck(settings),
        actor=actor or settings.actor,
        clock=SystemClock(),
        tracker=MlflowTracker(
            tracking, artifacts=None if tracking.startswith("http") else root.artifacts, model_code=MODEL_CODE
        ),
        registry=MlflowRegistry(tracking, cache=root.root / ".cache" / "bundles"),
        progress=progress,
        raw=folder_for(str(raw), folder.raw) if is_address(raw or "") else Path(raw or folder.raw),
        raw_uri=str(raw) if is_address(raw or "") else None,
        limits=Limits(int(settings.unpack_max_gb * 2**30), settings.unpack_max_ratio, settings.unpack_max_entries),
        storage=storage,
        from_sources=raw is None,
        spark=spark or SparkSettings(),
    )


def spark_settings(master: str | None = None, conf_file: Path | None = None) -> SparkSettings:
    """Where Spark runs: as the command line says, else the environment, else this machine."""
    settings = read_settings()
    where = master or settings.spark_master or f"local[{settings.threads}]"
    if not MASTER.fullmatch(where):
        raise BadUsage(
            f'"{where}" is no master of Spark',
            where="--master" if master else "CREDITRISK_SPARK_MASTER",
            hint="local[2], local[*], spark://HOST:PORT, yarn or k8s://https://HOST:PORT",
        )
    return SparkSettings(where, conf_file=conf_file or settings.spark_conf)


def registry_for(workspace: Path) -> MlflowRegistry:
    """The workspace's registry, or the one of MLFLOW_TRACKING_URI; nothing is made or reached before it is asked."""
    root = Workspace(workspace)
    return MlflowRegistry(read_settings().tracking_uri or root.tracking_uri, cache=root.root / ".cache" / "bundles")


def records_in(folder: BookFolder) -> Records:
    """Where a workspace keeps the moves of a book's versions."""
    return Records(folder.ledger, folder.unfinished_move)


def duck_settings() -> DuckSettings:
    """What a DuckDB connection may use, by the environment."""
    return _duck(read_settings())


def _duck(settings: Settings) -> DuckSettings:
    return DuckSettings(settings.memory_limit, settings.threads, settings.spill_folder, settings.spill_limit)


def decision_store_for(
    workspace: Path, *, create: bool = True, writes: bool | None = None, public_keys: Path | None = None
) -> DecisionStore:
    """The decision store of the workspace, or the one of CREDITRISK_DECISIONS_URL, open until somebody closes it.

    create: make it if there is none; else that raises MissingInput.   writes: will it be written to (else as `create`)?
    public_keys: folder with the `.pub` files of the writers to believe; else the workspace's own.
    """
    from creditrisk.adapters.decision_store import SqlDecisionStore

    settings, root = read_decision_store_settings(), Workspace(workspace)
    if create:
        root.open()
    url = root.decisions_url if settings.decisions_url is None else settings.decisions_url.get_secret_value()
    payload_keys, where = settings.key_texts("payload_key")
    return SqlDecisionStore.open(
        url,
        signer=_signer(settings, root.keys, writes=create if writes is None else writes),
        keys=PayloadKeys([key_bytes(text, where=where) for text in payload_keys]),
        trusted=public_keys_in(public_keys or root.keys),
        clock=SystemClock(),
        create=create,
        connections=settings.decisions_connections,
    )


def checkpoint_now(workspace: Path, *, actor: str | None = None) -> dict[str, Any]:
    """Overrides that the audit chain was not told, told; then the checkpoint that vouches for the whole chain."""
    from creditrisk.governance import checkpoint
    from creditrisk.governance.checkpoints import checkpoints_of
    from creditrisk.pipelines.audit_chain import tell_overrides
    from creditrisk.pipelines.replay_decisions import books_in

    root, clock = Workspace(workspace), SystemClock()
    told = 0
    try:
        with closing(decision_store_for(workspace, create=False)) as store:
            told = tell_overrides(store, root.audit, books_in(root), clock=clock)
    except MissingInput:
        pass  # nothing was ever decided here
    written = checkpoint(root.audit, actor or read_settings().actor, clock=clock)
    return {**written, "file": str(checkpoints_of(root.audit)), "overrides_told": told}


def key_store(kind: str, workspace: Path) -> KeyStore:
    """Where a person's private key is kept: `file` in the workspace, or the system's `keyring`."""
    stores: dict[str, KeyStore] = {"file": KeyFiles(Workspace(workspace).people), "keyring": SystemKeyring()}
    if kind not in stores:
        raise BadUsage(f'no store "{kind}" for keys', hint=did_you_mean(kind, stores))
    return stores[kind]


def new_key_for(workspace: Path, name: str, *, store: str, by: str | None) -> dict[str, str]:
    """As `pipelines.people.new_key`, in the workspace."""
    from creditrisk.pipelines.people import new_key

    root, kept = Workspace(workspace).open(), key_store(store, workspace)
    return new_key(root, name, store=kept, by=by or read_settings().actor, clock=SystemClock())


def signer_of(workspace: Path, name: str) -> Signer:
    """The person's private key: of the workspace, else of the system's keyring. Raises Refused where it is in neither.

    Raises BrokenFile for a file that is no key, or that others may read.
    """
    signer = key_store("file", workspace).find(name)
    if signer is None and find_spec("keyring") is not None:
        signer = key_store("keyring", workspace).find(name)
    if signer is None:
        raise Refused(
            f"the private key of {name} is not here",
            where=str(Workspace(workspace).people / f"{name}.key"),
            hint=f"make one: creditrisk keys new {name}; or approve where it is kept",
        )
    return signer


def _signer(settings: DecisionStoreSettings, folder: Path, *, writes: bool) -> Signer:
    """Of the environment, else the workspace's own; who only reads needs none and makes none there."""
    texts, where = settings.key_texts("signing_key")
    if len(texts) > 1:
        raise BadConfig("there is more than one key to sign with", where=where, hint="give one")
    if texts:
        signer = signer_from_text(texts[0], where=where)
        if writes:
            remember(folder, signer)
        return signer
    return signer_in(folder, "decisions") if writes else new_signer()


@contextmanager
def _alone(path: Path, taken: str, hint: str = "wait for it, or use another --workspace") -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(taken, where=str(path.parent), hint=hint) from error
        yield


@dataclass(frozen=True)
class ServerOptions:
    """What `creditrisk serve` was told. alias: None = MODEL_ALIAS, else production."""

    book: str
    workspace: str
    alias: str | None
    host: str
    port: int
    workers: int


SERVER_OPTIONS = "CREDITRISK_SERVER_OPTIONS"
"""How a worker process learns what its server was told."""

KEEP_ALIVE_S = 75
"""How long an idle connection stays open: longer than the 60 s for which AWS's balancer holds it for a next request."""


def server_app(options: ServerOptions) -> ASGIApp:
    """What uvicorn serves. Raises what is wrong with the book, the model, the store or the settings."""
    from creditrisk.governance.overrides import append_override
    from creditrisk.serving import Ports, create_app, span_maker

    settings, serving = read_settings(), read_serving_settings()
    book, root = load_book(options.book), Workspace(Path(options.workspace)).open()
    folder, tracking = root.book(book.name), settings.tracking_uri or root.tracking_uri
    ports = Ports(
        registry=MlflowRegistry(tracking, cache=root.root / ".cache" / "bundles"),
        open_store=lambda: decision_store_for(root.root),
        clock=SystemClock(),
        own_copy=folder.bundle,
        duck=_duck(settings),
        folder=folder.root / ".serving",
        inference=MlflowInferenceLog(tracking, artifacts=None if tracking.startswith("http") else root.artifacts),
        records=records_in(root.book(serving.model_name or book.name)),
        tell_override=lambda record: append_override(root.audit, record, clock=SystemClock()),
    )
    alias = options.alias or serving.model_alias or PRODUCTION
    with left_out("sklearn"):  # XGBoost takes it along where it is installed, with all of scipy.stats
        return create_app(
            book, ports, serving, alias=alias, host=options.host, workers=options.workers, span=span_maker()
        )


@contextmanager
def left_out(package: str) -> Iterator[None]:
    """To whoever asks for the package meanwhile it is not installed; without effect where it was imported before."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.pop(package, None)


def worker() -> ASGIApp:
    """The factory that uvicorn calls in each worker process."""
    from creditrisk.serving import write_json_logs

    write_json_logs()
    return server_app(ServerOptions(**json.loads(os.environ[SERVER_OPTIONS])))


def serve(options: ServerOptions) -> None:
    """Answer until told to stop. One worker runs in this process; more have one each, and one waits for them."""
    import uvicorn

    from creditrisk.serving import write_json_logs

    # uvicorn sends itself the signal again once everything is answered; by then it has done what it asked for
    signal.signal(signal.SIGTERM, lambda *_: None)
    settings = read_serving_settings()
    common: dict[str, Any] = {
        "host": options.host, "port": options.port, "loop": "uvloop", "http": "httptools", "log_config": None,
        "access_log": False, "server_header": False, "proxy_headers": False, "lifespan": "on",
        "timeout_graceful_shutdown": settings.shutdown_seconds, "timeout_keep_alive": KEEP_ALIVE_S,
    }  # fmt: skip
    app = server_app(options)  # what is wrong is told here and now, however many workers there are
    decision_store_for(Path(options.workspace)).close()  # each worker opens its own
    if options.workers == 1:
        write_json_logs()
        uvicorn.run(app, **common)
        return
    del app  # each worker makes its own
    with TemporaryDirectory(prefix="creditrisk-metrics-") as counted:
        os.environ |= {SERVER_OPTIONS: json.dumps(asdict(options)), "PROMETHEUS_MULTIPROC_DIR": counted}
        uvicorn.run("creditrisk.wiring:worker", factory=True, workers=options.workers, **common)
