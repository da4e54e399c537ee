"""Prometheus, node-exporter and a push gateway as processes of their own on loopback, and what Prometheus answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.support.components import require
from tests.support.server_process import serving


class Prometheus:
    def __init__(self, url: str) -> None:
        self._url = url

    def answer(self, expr: str) -> list[float]:
        """The finite values of an instant query; [] where there are none. Fails where it cannot be parsed."""
        told = self._get("query", query=expr)
        values = [float(sample["value"][1]) for sample in told["result"]]
        return [value for value in values if math.isfinite(value)]

    def books(self, selector: str) -> set[str]:
        return {series.get("book", "") for series in self._get("series", **{"match[]": selector})}

    def rules(self) -> dict[str, tuple[str, str]]:
        """{alert: (health, state)}"""
        groups = self._get("rules")["groups"]
        return {rule["name"]: (rule["health"], rule["state"]) for group in groups for rule in group["rules"]}

    def targets(self) -> dict[str, str]:
        """{job: health of its target}"""
        return {each["labels"]["job"]: each["health"] for each in self._get("targets")["activeTargets"]}

    def _get(self, what: str, **asked: str) -> Any:
        told = requests.get(f"{self._url}/api/v1/{what}", params=asked, timeout=30).json()
        assert told["status"] == "success", f"{asked}: {told.get('error')}"
        return told["data"]


@contextmanager
def prometheus(configuration: Mapping[str, Any], folder: Path) -> Iterator[Prometheus]:
    """folder: with the rule files that the configuration names."""
    program = require("prometheus")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(dict(configuration)), encoding="utf-8")

    def command(port: int) -> list[str]:
        files = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'series'}"]
        return [*files, f"--web.listen-address=127.0.0.1:{port}"]

    with serving(command, folder, ready="/-/ready", environment={}, program=[program]) as url:
        yield Prometheus(url)


@contextmanager
def node_exporter(textfiles: Path, folder: Path) -> Iterator[str]:
    """The address of one that reads text files of figures, and nothing else of this machine."""
    program = require("prometheus-node-exporter")

    def command(port: int) -> list[str]:
        collectors = ["--collector.disable-defaults", "--collector.textfile"]
        return [*collectors, f"--collector.textfile.directory={textfiles}", f"--web.listen-address=127.0.0.1:{port}"]

    with serving(command, folder, ready="/metrics", environment={}, program=[program]) as url:
        yield url


@contextmanager
def push_gateway(folder: Path) -> Iterator[str]:
    program = require("prometheus-pushgateway")

    def command(port: int) -> list[str]:
        return [f"--web.listen-address=127.0.0.1:{port}"]

    with serving(command, folder, ready="/-/ready", environment={}, program=[program]) as url:
        yield url
