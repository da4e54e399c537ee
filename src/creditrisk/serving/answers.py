"""JSON out: no NaN, no detour."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

_WRITER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def json_response(value: Mapping[str, Any], status: int = 200) -> Response:
    return Response(_WRITER.encode(value).encode(), status, media_type="application/json")
