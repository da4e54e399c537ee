"""Figures for Prometheus: a text file that node-exporter reads, and a push gateway.

Sources: https://github.com/prometheus/node_exporter#textfile-collector, https://github.com/prometheus/pushgateway
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from creditrisk.errors import BadConfig, OutsideFailed
from creditrisk.files import held, sync
from creditrisk.ports import Figure

if TYPE_CHECKING:
    from prometheus_client.metrics_core import GaugeMetricFamily
    from pydantic import SecretStr

SECONDS = (5, 10)
"""Until a gateway has taken the connection, and until it has answered."""


class TextFile:
    """`creditrisk_<book>.prom` in a folder that node-exporter reads; anything else there is left alone."""

    name = "textfile"

    def __init__(self, folder: Path, book: str) -> None:
        self.path = folder / f"creditrisk_{book}.prom"

    def write(self, figures: Sequence[Figure]) -> None:
        # The collector reads whatever ends in .prom, so the unfinished file must not: what a killed run leaves behind
        # is read by nobody, and the next run writes over it.
        partial = self.path.with_suffix(".partial")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with held(self.path.with_suffix(".lock")):
                partial.write_bytes(prometheus_text(figures))
                partial.chmod(0o644)  # node-exporter is another user
                sync(partial)
                partial.replace(self.path)
                sync(self.path.parent)
        except OSError as error:
            raise OutsideFailed(
                f"the text file cannot be written: {error.strerror or error}",
                where=str(self.path.parent),
                hint="see whether the folder may be written by this user and has room",
            ) from error


class PushGateway:
    """Pushes under the job `creditrisk` and the book's name. url: may hold a user and a password, told nowhere."""

    name = "pushgateway"

    def __init__(self, url: SecretStr, book: str) -> None:
        self._url = url
        self._book = book

    def write(self, figures: Sequence[Figure]) -> None:
        import requests

        parts = urlsplit(self._url.get_secret_value())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadConfig(
                "the push gateway's address is none", where="CREDITRISK_PUSHGATEWAY_URL", hint="https://host:9091"
            )
        address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
        where = f"push gateway {parts.hostname}"
        session = requests.Session()
        session.trust_env = False  # a .netrc of this user is nobody's business there
        if parts.username is not None:
            session.auth = (unquote(parts.username), unquote(parts.password or ""))
        try:
            with session:
                answer = session.put(  # PUT: what is not among them any more is forgotten
                    f"{address.rstrip('/')}/metrics/job/creditrisk/book/{self._book}",
                    data=prometheus_text(figures),
                    headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
                    timeout=SECONDS,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            raise OutsideFailed(
                f"the push gateway does not answer: {type(error).__name__}",
                where=where,
                hint="see whether it is up and reachable from here",
            ) from error
        if answer.status_code not in {200, 202}:
            raise OutsideFailed(
                f"the push gateway answered with status {answer.status_code}",
                where=where,
                hint="see user and password in CREDITRISK_PUSHGATEWAY_URL, and the gateway's own log",
                retry_may_help=answer.status_code >= 500,
            )


def prometheus_text(figures: Sequence[Figure]) -> bytes:
    """In Prometheus' own format, one family after the other by name."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.metrics_core import GaugeMetricFamily

    families: dict[str, GaugeMetricFamily] = {}
    for figure in sorted(figures, key=lambda each: (each.name, sorted(each.labels.items()))):
        labels = sorted(figure.labels)
        family = families.setdefault(figure.name, GaugeMetricFamily(figure.name, figure.meaning, labels=labels))
        family.add_metric([figure.labels[label] for label in labels], figure.value)

    class Collected:
        def collect(self) -> Iterator[GaugeMetricFamily]:
            yield from families.values()

    registry = CollectorRegistry()
    registry.register(Collected())
    return generate_latest(registry)
