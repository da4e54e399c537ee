"""Whatever is sent, the server answers as its description says: no 5xx, no undocumented status or shape."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from tests.unit.serving.conftest import Served

EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "12"))
"""Of each operation and each kind, as described and not as described."""
CASES = 16 * EXAMPLES
"""That there are at least: 2,000 in `make bench-full`."""

pytestmark = pytest.mark.integration
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


def operations(served: Served) -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(served.calls.get("/openapi.json").json())
    schema.config.checks.update(included_check_names=list(CHECKS))
    for result in schema.get_all_operations():
        yield result.ok()


def test_every_operation_answers_as_it_is_described(served: Served) -> None:
    asked = 0

    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        case.call_and_validate(base_url=served.calls.url)

    quick = settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    for operation in operations(served):
        for mode in schemathesis.GenerationMode:
            with contextlib.suppress(Unsatisfiable):  # an operation without parameters has nothing that could be wrong
                quick(given(case=operation.as_strategy(generation_mode=mode))(ask))()
    assert asked >= CASES
