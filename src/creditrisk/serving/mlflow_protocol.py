"""MLflow's own protocol on the same server: engineered features in, figures out, as `mlflow models serve` gives them.

For callers that have features already. What comes this way names no application and no raw record, so it is no
decision of this lender: nothing is kept, and no reasons are given.
"""

from __future__ import annotations

import asyncio
import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from creditrisk.errors import did_you_mean
from creditrisk.modelling import Bundle
from creditrisk.scoring import score
from creditrisk.serving import openapi
from creditrisk.serving.answers import json_response
from creditrisk.serving.keys import Caller
from creditrisk.serving.problems import HttpProblem
from creditrisk.serving.reading import body_of, object_of
from creditrisk.serving.security import needs
from creditrisk.serving.server import server_of

router = APIRouter(tags=["mlflow"])
Scorer = Annotated[Caller, Depends(needs("score"))]

MLFLOW = "3.17"
"""Whose protocol this is."""
OUTPUTS = ("pd", "score", "grade", "decision")
KINDS = ("application/json", "text/csv")
NO_VALUE = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "n/a"})
"""Cells of a CSV that hold no number, as pandas reads them for MLflow."""
MOST_ROWS = 10_000

type Columns = dict[str, list[Any]]


class _Cell(str):
    """Of a CSV: it may be read as a number, which text in JSON may not."""

    __slots__ = ()


@router.get("/ping", **openapi.PING)
async def ping() -> Response:
    """Alive, as MLflow's clients ask."""
    return Response("\n", media_type="application/json")


@router.get("/version", **openapi.VERSION)
async def version() -> Response:
    """Whose protocol /invocations speaks."""
    return Response(MLFLOW, media_type="text/plain")


@router.post("/invocations", **openapi.INVOCATIONS)
async def invocations(request: Request, caller: Scorer) -> Response:  # noqa: ARG001
    """Figures for rows of engineered features, in the order of the rows. Nothing is kept."""
    server = server_of(request)
    bundle = server.holder.model.bundle
    body = await body_of(request, server, kinds=KINDS)
    is_csv = request.headers["content-type"].lower().startswith("text/csv")
    if is_csv:
        columns = await asyncio.to_thread(_of_csv, body)
    else:
        columns = _of_json(await object_of(body), bundle.preprocess.names)
    async with request.app.state.one_at_a_time:
        figures = await asyncio.to_thread(_figures, bundle, columns)
    request.state.entities = len(figures)
    server.metrics.engineered_rows.inc(len(figures))
    return json_response({"predictions": figures})


def _figures(bundle: Bundle, columns: Columns) -> list[dict[str, Any]]:
    rows = len(next(iter(columns.values())))
    if rows > MOST_ROWS:
        raise _too_many_rows()
    typed: dict[str, pa.Array] = {bundle.key: pa.array(range(rows), pa.int64())}
    for name, kind in bundle.preprocess.kinds.items():
        as_kind, type_ = (_number, pa.float64()) if kind == "number" else (_word, pa.string())
        values = columns.get(name)
        if values is None:
            typed[name] = pa.nulls(rows, type_)
        else:
            typed[name] = pa.array([as_kind(value, name, place) for place, value in enumerate(values)], type_)
    figures: list[dict[str, Any]] = score(bundle, pa.table(typed), with_reasons=False).select(list(OUTPUTS)).to_pylist()
    return figures


def _of_json(given: Mapping[str, Any], names: Sequence[str]) -> Columns:
    named = [name for name in SHAPES if name in given]
    unknown = [name for name in given if name not in SHAPES and name != "params"]
    if len(named) != 1 or unknown:
        hint = did_you_mean(unknown[0][:64], SHAPES) if unknown else f"send exactly one of {', '.join(SHAPES)}"
        raise HttpProblem(422, "no_rows", "not one of MLflow's shapes", where="body", hint=hint)
    columns = SHAPES[named[0]](given[named[0]], names)
    if not columns or not all(columns.values()):
        raise _wrong(named[0], "at least one row and one column are needed")
    return columns


def _split(given: Any, _names: Sequence[str]) -> Columns:
    where = "dataframe_split"
    if not isinstance(given, Mapping) or set(given) - {"columns", "data", "index"}:
        raise _wrong(where, 'an object with "columns" and "data"')
    columns: Any = given.get("columns")
    data: Any = given.get("data")
    if not _is_list_of(columns, str) or not _is_list_of(data, list):
        raise _wrong(where, '"columns" lists names, "data" lists rows')
    return _by_place(columns, data, where)


def _records(given: Any, _names: Sequence[str]) -> Columns:
    if not _is_list_of(given, dict):
        raise _wrong("dataframe_records", "a list of objects")
    return _by_name(given)


def _instances(given: Any, names: Sequence[str]) -> Columns:
    if _is_list_of(given, dict):
        return _by_name(given)
    if _is_list_of(given, list):
        return _by_place(names, given, "instances")
    raise _wrong("instances", "a list of objects, or of rows in the order of the model's features")


def _inputs(given: Any, names: Sequence[str]) -> Columns:
    if isinstance(given, Mapping):
        columns = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
        if len({len(values) for values in columns.values()}) > 1:
            raise _wrong("inputs", "every column has the same number of values")
        return columns
    if _is_list_of(given, list):
        return _by_place(names, given, "inputs")
    raise _wrong("inputs", "an object of columns, or a list of rows in the order of the model's features")


SHAPES: Mapping[str, Callable[[Any, Sequence[str]], Columns]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}


def _too_many_rows() -> HttpProblem:
    return HttpProblem(413, "too_many_rows", f"more than {MOST_ROWS:,} rows", hint="send fewer at once")


def _of_csv(body: bytes) -> Columns:
    if max(body.count(b"\n"), body.count(b"\r")) > 2 * MOST_ROWS:  # before each costs time: one row, one empty line
        raise _too_many_rows()
    try:
        rows = list(csv.reader(io.StringIO(body.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise HttpProblem(400, "unreadable_body", "not a CSV in UTF-8", where="body") from error
    rows = [row for row in rows if row]
    if len(rows) < 2:
        raise _wrong("body", "a line of names and at least one row")
    cells = [[None if cell in NO_VALUE else _Cell(cell) for cell in row] for row in rows[1:]]
    return _by_place(rows[0], cells, "body")


def _by_place(names: Sequence[str], rows: Sequence[Sequence[Any]], where: str) -> Columns:
    if len(set(names)) != len(names):
        raise _wrong(where, "every column has its own name")
    if any(len(row) != len(names) for row in rows):
        raise _wrong(where, f"every row has {len(names)} values, one for each column")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _by_name(rows: Sequence[Mapping[str, Any]]) -> Columns:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _number(value: Any, name: str, place: int) -> float | None:
    if value is None:
        return None
    if type(value) in (int, float, Decimal, _Cell):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.inf
        if math.isfinite(number):
            return number
    raise HttpProblem(
        422, "not_a_number", "a value is not a number", where=f"rows[{place}].{name}", hint="a number, or null"
    )


def _word(value: Any, name: str, place: int) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise HttpProblem(422, "not_a_word", "a value is not text", where=f"rows[{place}].{name}", hint="text, or null")


def _is_list_of(given: Any, kind: type) -> bool:
    return isinstance(given, list) and all(isinstance(one, kind) for one in given)


def _wrong(where: str, hint: str) -> HttpProblem:
    return HttpProblem(422, "shape", "not the shape that this key has", where=where, hint=hint)
