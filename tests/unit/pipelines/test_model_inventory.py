"""The model inventory: owner, tier, last validation and when the next is due, waivers, approvals, and what is away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from creditrisk.adapters.in_memory import InMemoryRegistry
from creditrisk.cli import main
from creditrisk.config import Workspace, load_book
from creditrisk.errors import OutsideFailed
from creditrisk.pages.inventory import inventory_table
from creditrisk.pipelines import model_inventory
from creditrisk.pipelines.context import Context
from creditrisk.ports import ModelVersion
from tests.support.approving import all_waived, approved, as_person, with_key

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATED = {
    "document.owner": "the head of risk", "document.use": "small loans",
    "inventory.exposure": "high", "inventory.use": "decides",
}  # fmt: skip


def told(context: Context, now: datetime = NOW, **settings: Any) -> dict[str, Any]:
    book = load_book(context.book.folder, {name.replace("__", "."): value for name, value in settings.items()})
    (one,) = model_inventory.run([replace(context, book=book)], now=now)["models"]
    return dict(one)


def shown(report: dict[str, Any]) -> str:
    console = Console(width=160, no_color=True)
    with console.capture() as capture:
        console.print(inventory_table(report))
    return capture.get()


def test_a_version_is_told_with_what_the_book_says_of_it(own: Context) -> None:
    one = told(own, **STATED)
    assert (one["book"], one["version"], one["aliases"]) == ("tiny", 1, ["candidate"])
    assert (one["owner"], one["purpose"], one["tier"]) == ("the head of risk", "small loans", 1)
    assert (one["trained_by"], one["estimator"]) == ("ann", "xgboost")
    assert one["verdict"] in ("pass", "fail", "not_enough_evidence")
    assert one["validated_at"][:10] == "2026-01-01"
    assert (one["next_due"][:10], one["overdue"]) == ("2027-01-01", False)
    assert (one["waivers"], one["approvals"], one["evidence_problem"]) == ([], [], None)


def test_without_a_tier_nothing_says_when_it_is_due(own: Context) -> None:
    one = told(own)
    assert (one["tier"], one["review_months"], one["next_due"], one["overdue"]) == (None, None, None, None)
    assert "next: not stated" in shown(model_inventory.run([own], now=NOW))


def test_who_is_overdue_is_told_in_so_many_words(own: Context) -> None:
    book = load_book(own.book.folder, {**STATED, "inventory.review_months": 1})
    report = model_inventory.run([replace(own, book=book)], now=NOW)
    assert (report["models"][0]["overdue"], report["overdue"]) == (True, 1)
    assert "OVERDUE since 2026-02-01" in shown(report)
    assert "versions: 1, of these overdue for validation: 1" in shown(report)


def test_open_waivers_and_approvals_that_count_are_told(own: Context) -> None:
    all_waived(as_person(own, "carl"))
    approved(with_key(own, "bob"))
    one = told(own, own.clock.now(), **STATED)
    assert one["waivers"]
    assert {waiver["by"] for waiver in one["waivers"]} == {"carl"}
    assert [approval["by"] for approval in one["approvals"]] == ["bob"]
    late = told(own, datetime(2031, 1, 1, tzinfo=UTC), **STATED)
    assert late["waivers"] == []


def test_evidence_that_was_altered_is_told_in_its_place(own: Context) -> None:
    (page,) = own.folder.models.glob("*/evidence/*/model_document.html")
    page.write_text("another", encoding="utf-8")
    one = told(own)
    assert "altered since it became evidence" in one["evidence_problem"]
    assert one["approvals"] == []
    assert "altered" in shown(model_inventory.run([own], now=NOW))


def test_a_registry_that_is_away_tells_nothing_by_halves(own: Context) -> None:
    class Away(InMemoryRegistry):
        def versions(self, name: str) -> list[ModelVersion]:
            raise OutsideFailed(f"no answer about {name}", where="MLflow")

    with pytest.raises(OutsideFailed, match="no answer"):
        model_inventory.run([own, replace(own, registry=Away())], now=NOW)


def test_without_a_name_a_book_is_known_as_its_newest_bundle_has_it(own: Context, tmp_path: Path) -> None:
    book = model_inventory.known_book(own.workspace, "tiny")
    assert book is not None
    assert book.name == "tiny"
    assert book.portfolio.document.owner is None
    assert model_inventory.known_book(Workspace(tmp_path / "none"), "tiny") is None


def test_an_empty_workspace_has_an_empty_inventory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--workspace", str(tmp_path / "ws")]) == 0
    assert "no model is registered" in capsys.readouterr().out
    assert not (tmp_path / "ws").exists()


def test_an_mlflow_that_is_away_is_exit_three_and_nothing_on_stdout(
    own: Context, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert main(["models", str(own.book.folder), "--workspace", str(own.workspace.root)]) == 3
    assert capsys.readouterr().out == ""
