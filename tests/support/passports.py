"""Invented passports, as a server would keep them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from creditrisk.ports import Passport

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def passport(number: int = 0, **changes: Any) -> Passport:
    """The `number`th: each a minute after the one before, the third of every three declined."""
    declined = number % 3 == 2
    told = Passport(
        decision_id=f"00000000-0000-7000-8000-{number:012}",
        request_id=f"request-{number}",
        caller="underwriting",
        time=START + timedelta(minutes=number),
        book="tiny",
        bundle_sha256="ab" * 32,
        model_version="1",
        entity_id=100_000 + number,
        pd=0.1 + number / 1_000,
        score=600 - number,
        grade="B",
        decision="decline" if declined else "approve",
        payload={
            "raw": {"application": {"id": 100_000 + number, "income": 1234.5, "note": "Ünal"}},
            "features": {"income": 1234.5, "months": None},
            "reasons": [{"code": "income"}] if declined else [],
            "warnings": [],
        },
    )
    return replace(told, **changes)
