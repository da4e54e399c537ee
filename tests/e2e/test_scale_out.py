"""Two servers behind HAProxy on one Postgres that fails in the middle: no decision is lost, made twice or out of chain.

benchmarks/scale_out.py does it with the shipped books and 100,000 requests: TEST_REQUESTS gives so many here too.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchmarks.scale_out import Size, measure
from tests.support.tiny_server import RECORDS, Trained

REQUESTS = int(os.environ.get("TEST_REQUESTS", "1500"))


@pytest.mark.timeout(3600)  # at full size
@pytest.mark.usefixtures("balancer_and_store")
def test_no_decision_is_lost_or_made_twice_when_postgres_fails_under_two_servers(
    trained: Trained, tmp_path: Path
) -> None:
    bodies = [json.dumps({"applications": [record]}).encode() for record in RECORDS]
    told = measure(str(trained.book), trained.workspace, bodies, Size(requests=REQUESTS), tmp_path)
    assert told["restarted_after"] is not None
    assert REQUESTS // 2 <= told["restarted_after"] < REQUESTS
    assert told["asked_again"] > 0
    assert (told["answered"], told["decisions_kept"], told["lost"], told["twice"]) == (REQUESTS, REQUESTS, 0, 0)
    assert told["chains_unbroken"]
    assert told["chains"] >= 2
