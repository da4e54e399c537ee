"""Kaggle as its official client sees it: competitions and data sets, and a store elsewhere that the bytes come from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.faulty_server import FaultyServer, Served, faulty_server

TOKEN = "pl4nted-kaggle-t0ken"


@dataclass
class FakeKaggle:
    """files: {"competitions/<slug>/<file>" or "datasets/<owner>/<slug>/<file>": how it is served}."""

    api: FaultyServer
    store: FaultyServer
    files: dict[str, Served] = field(default_factory=dict)
    status: int = 200
    """Of every download; 403 = rules not accepted."""

    def answer(self, handler: Any) -> bool:
        told = json.loads(handler.rfile.read(int(handler.headers.get("Content-Length") or 0)) or b"{}")
        if handler.path.endswith("/IntrospectToken"):
            known = told.get("token") == TOKEN
            _json(handler, 200, {"active": known, "username": "ann"} if known else {"active": False})
        elif handler.headers.get("Authorization") != f"Bearer {TOKEN}":
            _json(handler, 401, {"code": 401, "message": "Unauthenticated"})
        elif self.status != 200:
            _json(handler, self.status, {"code": self.status, "message": f"no, and your token is {TOKEN}"})
        else:
            self._redirect(handler, _name(handler.path, told))
        return True

    def _redirect(self, handler: Any, name: str) -> None:
        if name not in self.files:
            _json(handler, 404, {"code": 404, "message": "Not found"})
            return
        self.store.files[f"/{name}"] = self.files[name]
        handler.plain(302, {"Location": f"{self.store.url}/{name}?X-Goog-Signature={TOKEN}"})


def _name(path: str, told: dict[str, Any]) -> str:
    if path.endswith("/competitions.CompetitionApiService/DownloadDataFile"):
        return f"competitions/{told['competitionName']}/{told['fileName']}"
    assert path.endswith("/datasets.DatasetApiService/DownloadDataset"), path
    return f"datasets/{told['ownerSlug']}/{told['datasetSlug']}/{told['fileName']}"


def _json(handler: Any, status: int, body: dict[str, Any]) -> None:
    handler.plain(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


@contextmanager
def fake_kaggle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKaggle]:
    """The real client, in this process, asks this one; its token comes from the environment."""
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(folder))
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("KAGGLE_API_TOKEN", raising=False)
    with faulty_server() as api, faulty_server() as store:
        import kaggle  # noqa: F401  # without a token it asks nobody
        from kagglesdk import kaggle_env

        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, api.url)
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        fake = FakeKaggle(api, store)
        api.answer = fake.answer
        yield fake
