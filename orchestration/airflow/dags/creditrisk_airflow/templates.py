"""What templates may call: which day a run is about, and where its files lie. Times are UTC."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any


def day(dag_run: Any) -> date:
    """The day whose applications are meant: that of a scheduled or backfilled run, else the last one that is over."""
    if dag_run.data_interval_start is not None:
        return date.fromisoformat(f"{dag_run.data_interval_start:%Y-%m-%d}")
    return until(dag_run).date() - timedelta(days=1)


def until(dag_run: Any) -> datetime:
    """Up to when the run looks: the end of its interval, else the moment that it was asked for."""
    end: datetime = dag_run.data_interval_end or dag_run.run_after
    return end


def as_time(moment: datetime) -> str:
    """As `--since` and `--until` take it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def under(folder: str, *parts: object) -> str:
    """A place below a folder or an address in a bucket; empty where no folder is named, and the option is left out."""
    return "/".join([folder.rstrip("/"), *(str(part) for part in parts)]) if folder else ""


MACROS = {"day": day, "until": until, "as_time": as_time, "under": under, "timedelta": timedelta}

WORKSPACE = "var.value.get('creditrisk_workspace', 'workspace')"


def raw_tables(book: str) -> str:
    """Template: `<creditrisk_raw>/<book>`; empty without that Variable, and the book's own sources hold."""
    return f"{{{{ under(var.value.get('creditrisk_raw', ''), '{book}') }}}}"


def of_the_day(variable: str, book: str, file: str = "") -> str:
    """Template: `<Variable>/<book>/<day>`, a folder or a file; the Variable's default is a folder in the workspace."""
    folder = f"var.value.get('creditrisk_{variable}', '') or under({WORKSPACE}, '{variable}')"
    return f"{{{{ under({folder}, '{book}', day(dag_run)) }}}}{file}"
