"""MLflow's own server with our logged model gives the numbers of our own scoring."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
import requests

import creditrisk.scoring
from creditrisk.adapters.in_memory import InMemoryDecisionStore, InMemoryRegistry, SteppingClock
from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.mlflow_tracking import MlflowTracker
from creditrisk.config import ServingSettings, load_book
from creditrisk.duck import DuckSettings
from creditrisk.modelling import Bundle, load_bundle, save_bundle
from creditrisk.modelling.train import train
from creditrisk.ports import LoggedRun, TrainingRun
from creditrisk.scoring import score
from creditrisk.serving import Ports, create_app
from tests.support.app_server import Calls, answered
from tests.support.server_process import serving
from tests.support.tiny_book import write_tiny_book

MODEL_CODE = Path(creditrisk.scoring.__file__).with_name("pyfunc.py")


@dataclass(frozen=True)
class Served:
    url: str
    folder: Path
    bundle: Bundle
    rows: pa.Table
    """Feature rows with their key, among them missing values and a word that training did not see."""


def _rows(n: int, *, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    income = np.round(random.lognormal(10, 0.5, n), 2)
    debt = random.gamma(2.0, 0.3, n)
    late = random.integers(0, 90, n)
    log_odds = -2.5 + 1.2 * debt + late / 40 - (np.log(income) - 10)
    return pa.table(
        {
            "loan_id": pa.array(range(n)),
            "target": pa.array((random.random(n) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)),
            "part": pa.array(np.where(random.random(n) < 0.25, "calibration", "train")),
            "fold": pa.array(random.integers(0, 3, n).astype(np.int8)),
            "income": pa.array(income),
            "debt_to_income": pa.array(debt, mask=random.random(n) < 0.1),
            "town": pa.array(random.choice(["big", "small"], n), mask=random.random(n) < 0.1),
            "payment_days_late_max": pa.array(late, mask=random.random(n) < 0.2),
        }
    )


def _trained_bundle(folder: Path) -> Path:
    book = load_book(write_tiny_book(folder / "book"))
    model = train(_rows(900, seed=1), book.portfolio, book.reasons)
    save_bundle(folder / "bundle", model, book)
    return folder / "bundle"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`mlflow models serve` on loopback with the candidate of a small, really trained model."""
    root = tmp_path_factory.mktemp("served")
    folder = _trained_bundle(root)
    bundle = load_bundle(folder)
    uri = f"sqlite:///{root / 'mlflow.db'}"
    tracker = MlflowTracker(uri, artifacts=root / "mlartifacts", model_code=MODEL_CODE)
    logged = tracker.log_run(TrainingRun("tiny", folder, bundle.sha256, bundle.preprocess.kinds))
    MlflowRegistry(uri, cache=root / "cache").register("tiny", logged, alias="candidate", tags={})
    rows = _rows(60, seed=2)
    unseen = pa.array(["nowhere", *rows["town"].to_pylist()[1:]])
    rows = rows.set_column(rows.column_names.index("town"), "town", unseen)
    with serving(_serve_command, root, ready="/ping", environment={"MLFLOW_TRACKING_URI": uri}) as url:
        yield Served(url, folder, bundle, rows)


def _serve_command(port: int) -> list[str]:
    model = ["mlflow", "models", "serve", "-m", "models:/tiny@candidate", "--env-manager", "local"]
    return [*model, "-h", "127.0.0.1", "-p", str(port), "-w", "1"]


def _post(served: Served, body: dict[str, Any]) -> list[dict[str, Any]]:
    request = urllib.request.Request(
        f"{served.url}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return list(json.load(answer)["predictions"])


def _expected(served: Served, rows: pa.Table) -> list[dict[str, Any]]:
    return score(served.bundle, rows).select(["pd", "score", "grade", "decision"]).to_pylist()


def _features(served: Served) -> list[str]:
    return list(served.bundle.preprocess.names)


def test_invocations_give_the_same_numbers_as_scoring(served: Served) -> None:
    records = served.rows.select(_features(served)).to_pylist()
    expected = _expected(served, served.rows)
    assert len({row["pd"] for row in expected}) > 20
    assert _post(served, {"dataframe_records": records}) == expected


def test_rows_split_into_columns_and_data_give_the_same_numbers(served: Served) -> None:
    features = served.rows.select(_features(served))
    data = [list(row.values()) for row in features.to_pylist()]
    body = {"dataframe_split": {"columns": features.column_names, "data": data}}
    assert _post(served, body) == _expected(served, served.rows)


def test_a_row_alone_gives_what_it_gives_among_others(served: Served) -> None:
    among = _expected(served, served.rows)
    for place in (0, 7):
        alone = served.rows.select(_features(served)).slice(place, 1).to_pylist()
        assert _post(served, {"dataframe_records": alone}) == [among[place]]


def test_a_feature_that_is_left_out_counts_as_missing(served: Served) -> None:
    rows = served.rows.slice(0, 5)
    place = rows.column_names.index("income")
    without = rows.set_column(place, "income", pa.nulls(5))
    records = rows.select([name for name in _features(served) if name != "income"]).to_pylist()
    assert _post(served, {"dataframe_records": records}) == _expected(served, without)


def test_whole_numbers_are_numbers(served: Served) -> None:
    record = dict.fromkeys(_features(served)) | {"income": 30000, "payment_days_late_max": 3}
    rows = pa.Table.from_pylist([{"loan_id": 1, **record}])
    assert _post(served, {"dataframe_records": [record]}) == _expected(served, rows)


def test_a_word_where_a_number_belongs_is_refused(served: Served) -> None:
    record = dict.fromkeys(_features(served)) | {"income": "plenty"}
    with pytest.raises(urllib.error.HTTPError) as refusal:
        _post(served, {"dataframe_records": [record]})
    assert refusal.value.code == 400
    refusal.value.close()


@pytest.fixture(scope="module")
def ours(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calls]:
    """The decision server with the same model."""
    registry = InMemoryRegistry()
    logged = LoggedRun("run", str(served.folder), served.bundle.sha256)
    registry.register("tiny", logged, alias="candidate", tags={})
    ports = Ports(
        registry=registry,
        open_store=InMemoryDecisionStore,
        clock=SteppingClock(),
        own_copy=lambda _sha256: served.folder,
        duck=DuckSettings("200MB", 1),
        folder=tmp_path_factory.mktemp("ours"),
    )
    app = create_app(load_book(served.folder), ports, ServingSettings(), alias="candidate")
    with answered(app) as calls:
        yield calls


def _csv(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(rows, sink)
    return bytes(sink.getvalue())


def _shapes(rows: pa.Table) -> dict[str, tuple[str, bytes]]:
    """The same rows in every shape of the protocol: (media type, body)."""
    records, columns = rows.to_pylist(), rows.to_pydict()
    data = [list(row.values()) for row in records]
    bodies = {
        "dataframe_split": {"dataframe_split": {"columns": rows.column_names, "data": data}},
        "dataframe_records": {"dataframe_records": records},
        "instances": {"instances": records},
        "inputs": {"inputs": columns},
    }
    as_json = {name: ("application/json", json.dumps(body).encode()) for name, body in bodies.items()}
    return {**as_json, "csv": ("text/csv", _csv(rows))}


@pytest.mark.parametrize("shape", ["dataframe_split", "dataframe_records", "instances", "inputs", "csv"])
def test_our_server_gives_the_numbers_of_mlflows_in_every_shape(shape: str, served: Served, ours: Calls) -> None:
    kind, body = _shapes(served.rows.select(_features(served)))[shape]
    headers = {"Content-Type": kind}
    theirs = requests.post(f"{served.url}/invocations", data=body, headers=headers, timeout=60)
    answer = ours.post("/invocations", data=body, headers=headers)
    assert theirs.status_code == 200, theirs.text
    assert answer.json()["predictions"] == theirs.json()["predictions"] == _expected(served, served.rows)


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": [{"income": "plenty"}]},
        {"dataframe_records": [{"income": True}]},
        {"dataframe_records": [{"town": 3}]},
        {"dataframe_records": []},
        {"dataframe_split": {"columns": ["income", "income"], "data": [[1, 2]]}},
        {"dataframe_split": {"columns": ["income"], "data": [[1, 2]]}},
        {"inputs": {"income": [1], "town": ["big", "small"]}},
        {"instances": [[1]]},
        {"dataframe": []},
        {"inputs": {"income": [1]}, "instances": [[1]]},
    ],
)
def test_our_server_refuses_what_is_no_row_of_the_model_and_echoes_nothing(body: dict[str, Any], ours: Calls) -> None:
    answer = ours.post("/invocations", json=body)
    assert answer.status_code == 422
    assert "plenty" not in answer.text
