"""Before stage 1: each table comes from where the book's `source:` says into the raw folder, several at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from typing import Any

from creditrisk.config import MAIN, Book
from creditrisk.errors import BadUsage, CreditRiskError, MissingInput, OutsideFailed, Refused
from creditrisk.kinds import Finding, Severity
from creditrisk.pipelines.context import Context
from creditrisk.sources import Patience, RawFolder, Wanted, connect

AT_ONCE = 4
"""Files that are on their way side by side: more help little, and some sources dislike it."""

_MB = 1e6


def fetch_sources(context: Context) -> list[Finding]:
    """Have every table of the book in the raw folder; a finding for each that may be absent and is.

    Nothing is fetched again that is there as promised, or as the source has it now. After the first failure the others
    stop too; what they brought is kept, and the next run goes on from there.
    Raises Refused when the source of a table that must be there does not have it; else what the source raises.
    """
    files = [wanted for wanted in _wanted(context.book) if wanted.source.kind != "file"]
    if not files:
        return []
    context.raw.mkdir(parents=True, exist_ok=True)
    stop = Event()
    folder = _folder(context, Patience(sleep=stop.wait))  # who waits for another try wakes up when all stop

    def bring(wanted: Wanted) -> Finding | None:
        shown = _Shown(context, f"fetch {wanted.stem}", stop)
        try:
            shown.done(shown.amount if folder.bring(wanted, shown) else "it was there already")
        except MissingInput as absent:
            shown.done("not at its source")
            return _absent(context.book, wanted, absent, folder)
        except BaseException:
            stop.set()
            raise
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(bring, wanted) for wanted in files]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # also when somebody presses Ctrl-C
            if any(future.done() and future.exception() for future in futures) or not all(f.done() for f in futures):
                stop.set()
                for future in futures:
                    future.cancel()
    failed = [error for future in futures if not future.cancelled() and (error := future.exception())]
    if failed:
        raise next((error for error in failed if not isinstance(error, _StoppedError)), failed[0])
    return [found for future in futures if (found := future.result())]


def plan(context: Context) -> dict[str, Any]:
    """Where every table would come from, how big it is, whether it is there, and what is in the way; fetches nothing.

    {"raw": folder, "fetches": does anything come from elsewhere, "tables": [{table, file, kind, uri, bytes, there,
    needed, problem: None or {what, hint, exit_code}}]}.
    """
    if context.raw_uri is not None:
        raise BadUsage(
            "a dry run tells of the book's own sources, or of a folder of this machine",
            where=context.raw_uri,
            hint="leave --raw out, or run it: what lies under an address is listed before anything is fetched",
        )
    folder = _folder(context, Patience())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(pool.map(lambda wanted: _planned(context, folder, wanted), _wanted(context.book)))
    return {"raw": str(context.raw), "fetches": context.from_sources, "tables": rows}


def exit_code_of(planned: Mapping[str, Any]) -> int:
    """0, or the exit code that an ingestion would end with now."""
    return next((row["problem"]["exit_code"] for row in planned["tables"] if row["problem"] and row["needed"]), 0)


def _wanted(book: Book) -> Iterator[Wanted]:
    """The file of each table, and the one to score where it has a source of its own."""
    for name, table in book.portfolio.tables.items():
        yield Wanted(name, table.file, table.source)
        if table.score_file is not None and table.score_source is not None:
            yield Wanted(name, table.score_file, table.score_source)


def _is_needed(book: Book, wanted: Wanted) -> bool:
    table = book.portfolio.tables[wanted.table]
    return wanted.stem == table.file and (table.required or wanted.table == MAIN)


def _folder(context: Context, patience: Patience) -> RawFolder:
    return RawFolder(context.raw, context.storage, patience, context.clock.now)


class _StoppedError(OutsideFailed):
    """Another file failed, so this one is not waited for."""


class _Shown:
    """Progress of one file, in bytes and MB/s, until somebody says stop."""

    def __init__(self, context: Context, stage: str, stop: Event) -> None:
        self._tell, self._stage, self._stop = context.progress, stage, stop
        self._begun, self._had = time.monotonic(), -1
        self.amount = ""
        self._tell(stage, "starting", 0.0)

    def __call__(self, here: int, size: int | None) -> None:
        if self._stop.is_set():
            raise _StoppedError("stopped, since another table failed", retry_may_help=False)
        self._had = here if self._had < 0 else self._had  # what an earlier run brought is not this one's speed
        speed = (here - self._had) / _MB / max(time.monotonic() - self._begun, 1e-3)
        self.amount = f"{here / _MB:,.1f} MB at {speed:,.1f} MB/s"
        of = f"{size / _MB:,.1f} MB: " if size else ""
        self._tell(self._stage, of + self.amount, min(here / size, 1.0) if size else 0.0)

    def done(self, what: str) -> None:
        self._tell(self._stage, f"done, {what}", 1.0)


def _absent(book: Book, wanted: Wanted, absent: MissingInput, folder: RawFolder) -> Finding:
    if _is_needed(book, wanted):
        raise Refused(f'the table "{wanted.stem}" is missing: {absent.what}', where=absent.where, hint=absent.hint)
    copies = [name for name in folder.fetched() if Path(name).name.split(".", 1)[0] == wanted.stem]
    used = f"the copy fetched earlier is used: {copies[0]}" if copies else "what is made from it is empty"
    return Finding(
        table=wanted.table,
        rule="missing",
        severity=Severity.WARN,
        what=f'"{wanted.stem}" is not at its source; {used}',
        file=absent.where,
        hint=absent.hint,
    )


def _planned(context: Context, folder: RawFolder, wanted: Wanted) -> dict[str, Any]:
    row: dict[str, Any] = {
        "table": wanted.table,
        "file": wanted.stem,
        "kind": wanted.source.kind if context.from_sources else "file",
        "uri": None,
        "bytes": None,
        "there": False,
        "needed": _is_needed(context.book, wanted),
        "problem": None,
    }
    remote = None
    try:
        if context.from_sources:
            remote = connect(wanted.source, context.storage)
        row["uri"] = remote.uri if remote else str(context.raw)
        path = folder.is_here(wanted, remote) if remote else folder.find(wanted.stem)
        row["there"] = path is not None
        if path is not None:
            row["bytes"] = path.stat().st_size
        elif remote is not None:
            row["bytes"] = remote.stat().size
        else:
            raise MissingInput("no such file in the raw folder", hint="put it there, or name its folder with --raw DIR")
    except CreditRiskError as error:
        row["problem"] = {"what": error.what, "hint": error.hint, "exit_code": int(error.exit_code)}
        row["needed"] = row["needed"] or not isinstance(error, MissingInput)
    return row
