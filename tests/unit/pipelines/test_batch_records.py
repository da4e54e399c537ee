"""A recorded batch: every decision is kept once, replays, and an interrupted run ends as an unbroken one does."""

from __future__ import annotations

import contextlib
import csv
import errno
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from creditrisk.adapters.in_memory import InMemoryDecisionStore
from creditrisk.config import load_book
from creditrisk.decisions.decide import Decider
from creditrisk.decisions.intake import Intake
from creditrisk.decisions.replay import replay
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadData, BadUsage, DuplicateKey, OutsideFailed, Refused
from creditrisk.files import PARTIAL
from creditrisk.modelling import load_bundle
from creditrisk.pipelines import batch_parts, batch_predict
from creditrisk.pipelines.batch_parts import unfinished
from creditrisk.pipelines.context import Context
from creditrisk.ports import Passport
from tests.support.tiny_run import write_tiny_raw

CANDIDATE = "models:/tiny@candidate"
ROWS = 20


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_predict, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(batch_predict, "ROWS_PLAIN_AT_ONCE", 7)
    monkeypatch.setattr(batch_predict, "ROWS_RECORDED_AT_ONCE", 7)
    monkeypatch.setattr(batch_predict, "CHUNKS_LOOKED_UP", 2)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_raw(tmp_path_factory.mktemp("batch"), rows=ROWS)


@pytest.fixture
def store() -> InMemoryDecisionStore:
    return InMemoryDecisionStore()


@pytest.fixture
def decider(finished: Context) -> Iterator[Decider]:
    folder = _bundle_folder(finished)
    decider = Decider(load_bundle(folder), load_book(folder), DuckSettings("300MB", 1))
    yield decider
    decider.close()


def _bundle_folder(context: Context) -> Path:
    (folder,) = context.folder.models.glob("*/bundle")
    return folder


def _kept(store: InMemoryDecisionStore) -> list[Passport]:
    return [kept.passport for kept in store.kept("tiny")]


def decide(
    context: Context, raw: Path, out: Path, store: InMemoryDecisionStore | None = None, *, reasons: bool = False
) -> dict[str, Any]:
    """Mostly without reasons: proving them costs more than all the rest."""
    return batch_predict.run(context, raw, out, reference=CANDIDATE, with_reasons=reasons, store=store)


class StopsAfter(InMemoryDecisionStore):
    """Goes away at the append after so many; `kept_first` says whether what was sent then is kept nevertheless."""

    def __init__(self, appends: int, *, kept_first: bool = False) -> None:
        super().__init__()
        self.left, self.kept_first = appends, kept_first

    def append(self, passports: Any) -> None:
        self.left -= 1
        if self.left == -1:
            if self.kept_first:
                super().append(passports)
            self.away = "the store is away"
        super().append(passports)


def test_every_decision_of_the_output_is_kept_under_its_id(
    finished: Context, raw: Path, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    out = tmp_path / "d.parquet"
    told = decide(finished, raw, out, store)
    rows, kept = pq.read_table(out).to_pylist(), _kept(store)
    assert (told["recorded"], told["recorded_before"], told["rows"]) == (ROWS, 0, ROWS)
    assert {(one.decision_id, one.entity_id, one.pd, one.score, one.grade, one.decision) for one in kept} == {
        (row["decision_id"], row["loan_id"], row["pd"], row["score"], row["grade"], row["decision"]) for row in rows
    }
    assert {(one.kind, one.caller, one.book, one.bundle_sha256, one.model_version) for one in kept} == {
        ("batch", "ann", "tiny", told["bundle_sha256"], "1")
    }
    assert store.verify().unbroken
    assert list(tmp_path.iterdir()) == [out]


def test_nothing_of_an_applicant_stands_outside_what_retention_deletes(
    finished: Context, raw: Path, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    told = decide(finished, raw, tmp_path / "d.parquet", store)
    used = [one.idempotency for one in _kept(store)]
    assert {one.key for one in used if one} == {f"{told['run_id']}/{row}" for row in range(ROWS)}
    assert {one.body_sha256 for one in used if one} == {told["run_id"]}


@pytest.mark.parametrize("with_reasons", [True, False])
def test_every_passport_of_a_batch_replays_to_the_same_bits(
    with_reasons: bool, finished: Context, decider: Decider, raw: Path, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    decide(finished, raw, tmp_path / "d.csv", store, reasons=with_reasons)
    folder = _bundle_folder(finished)
    payloads = [one.payload for one in _kept(store)]
    found = replay(payloads, load_bundle(folder), Intake(load_book(folder)), decider)
    assert [one.differences for one in found] == [()] * ROWS
    assert {len(one["reasons"]) > 0 for one in payloads} == ({True, False} if with_reasons else {False})


def test_a_passport_holds_the_raw_rows_without_what_came_later_or_may_not_decide(
    finished: Context, raw: Path, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    decide(finished, raw, tmp_path / "d.csv", store)
    loans = {row["loan_id"]: row for row in pyarrow.csv.read_csv(raw / "applications.csv").to_pylist()}
    payments = {row["loan_id"]: row for row in pyarrow.csv.read_csv(raw / "payments.csv").to_pylist()}
    for one in _kept(store):
        loan = loans[one.entity_id]
        assert one.payload["raw"] == {
            "application": {name: loan[name] for name in ("loan_id", "income", "debt", "town")},
            "payments": [payments[one.entity_id]],
        }
        assert one.payload["warnings"] == []


def test_a_table_that_is_absent_was_not_asked_for(
    finished: Context, decider: Decider, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    raw = write_tiny_raw(tmp_path / "raw", rows=9) / "applications.csv"
    decide(finished, raw, tmp_path / "d.csv", store)
    payloads = [one.payload for one in _kept(store)]
    assert {tuple(one["raw"]) for one in payloads} == {("application",)}
    assert all("not_asked:payments" in one["warnings"] for one in payloads)
    folder = _bundle_folder(finished)
    assert all(one.same for one in replay(payloads, load_bundle(folder), Intake(load_book(folder)), decider))


@pytest.mark.parametrize(("appends", "kept_first"), [(0, False), (1, True), (2, False)])
def test_a_store_that_goes_away_stops_the_run_which_then_goes_on(
    appends: int, kept_first: bool, finished: Context, raw: Path, tmp_path: Path
) -> None:
    whole, out = tmp_path / "whole.csv", tmp_path / "d.csv"
    decide(finished, raw, whole, InMemoryDecisionStore())
    store = StopsAfter(appends, kept_first=kept_first)
    with pytest.raises(OutsideFailed, match="away"):
        decide(finished, raw, out, store)
    assert not out.exists()
    store.away = None
    told = decide(finished, raw, out, store)
    kept_before = min(ROWS, (appends + kept_first) * 7)
    assert told["rows_done_before"] == kept_before
    assert (told["recorded"], told["recorded_before"]) == (ROWS - kept_before, kept_before)
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(one.entity_id for one in _kept(store)) == list(range(1, ROWS + 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "whole.csv"]


def test_a_store_that_is_away_is_told_before_any_work(
    finished: Context, raw: Path, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    told: list[str] = []
    store.away = "the store is away"
    context = replace(finished, progress=lambda _stage, what, _share: told.append(what))
    with pytest.raises(OutsideFailed, match="away"):
        decide(context, raw, tmp_path / "d.csv", store)
    assert told == []


def test_a_finished_run_started_once_more_keeps_nothing_twice(
    finished: Context, raw: Path, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    first, second = tmp_path / "d.csv", tmp_path / "again.csv"
    decide(finished, raw, first, store)
    records = len(store.records)
    told = decide(finished, raw, second, store)
    assert (told["recorded"], told["recorded_before"]) == (0, ROWS)
    assert len(store.records) == records
    assert second.read_bytes() == first.read_bytes()


def test_other_rows_or_settings_are_another_run(
    finished: Context, raw: Path, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    other = write_tiny_raw(tmp_path / "other", rows=ROWS, seed=4)
    runs = [
        decide(finished, source, tmp_path / "d.csv", store, reasons=reasons)
        for source, reasons in ((raw, True), (raw, False), (other, True))
    ]
    assert len({told["run_id"] for told in runs}) == 3
    assert len({one.decision_id for one in _kept(store)}) == 3 * ROWS


@pytest.mark.parametrize("who", ["ann", "bob"])
def test_what_another_run_keeps_meanwhile_is_not_kept_twice(
    who: str, finished: Context, raw: Path, tmp_path: Path
) -> None:
    """Two workspaces with one store: the other run is always one append ahead, and sees this one's id never."""

    class Overtaken(InMemoryDecisionStore):
        def append(self, passports: Any) -> None:
            with contextlib.suppress(BadUsage, DuplicateKey):
                super().append([replace(one, caller=who) for one in passports[: len(passports) // 2]])
            super().append(passports)

    store, out, whole = Overtaken(), tmp_path / "d.csv", tmp_path / "whole.csv"
    decide(finished, raw, out, store)
    decide(finished, raw, whole, InMemoryDecisionStore())
    assert sorted(one.entity_id for one in _kept(store)) == list(range(1, ROWS + 1))
    assert {one.caller for one in _kept(store)} == {"ann", who}
    assert out.read_bytes() == whole.read_bytes()


def test_a_run_that_another_person_goes_on_with_is_kept_once_and_names_both(
    finished: Context, raw: Path, tmp_path: Path
) -> None:
    store, out = StopsAfter(1), tmp_path / "d.csv"
    with pytest.raises(OutsideFailed, match="away"):
        decide(finished, raw, out, store)
    store.away = None
    decide(replace(finished, actor="bob"), raw, out, store)
    assert sorted(one.entity_id for one in _kept(store)) == list(range(1, ROWS + 1))
    assert {one.caller for one in _kept(store)} == {"ann", "bob"}


def test_csv_json_and_parquet_tell_the_same_decisions_with_their_ids(
    finished: Context, raw: Path, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    for ending in ("parquet", "csv", "json"):
        decide(finished, raw, tmp_path / f"d.{ending}", store)
    rows = pq.read_table(tmp_path / "d.parquet").to_pylist()
    lines = (tmp_path / "d.json").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows
    with (tmp_path / "d.csv").open(encoding="utf-8", newline="") as stream:
        cells = [(row["decision_id"], float(row["pd"]), row["decision"]) for row in csv.DictReader(stream)]
    assert cells == [(row["decision_id"], row["pd"], row["decision"]) for row in rows]


@pytest.mark.parametrize("reasons", [False, True], ids=["side by side", "one by one"])
def test_without_a_store_a_full_disk_costs_only_the_chunk_that_did_not_fit(
    finished: Context, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, reasons: bool
) -> None:
    whole, out, parts = tmp_path / "whole.json", tmp_path / "d.json", 0
    decide(finished, raw, whole, reasons=reasons)
    write = pq.write_table

    def full_after_two(*words: Any, **named: Any) -> None:
        nonlocal parts
        parts += 1
        if parts == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*words, **named)

    monkeypatch.setattr(batch_parts.pq, "write_table", full_after_two)
    with pytest.raises(OSError, match="No space"):
        decide(finished, raw, out, reasons=reasons)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{PARTIAL}score-d.json", "whole.json"]
    told = decide(finished, raw, out, reasons=reasons)
    assert told["rows_done_before"] in ((14,) if reasons else (13, 14)), "side by side any of the three may be last"
    assert (told["recorded"], told["recorded_before"]) == (None, None)
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.json", "whole.json"]


def test_parts_of_other_rows_are_never_taken_for_ones_own(finished: Context, raw: Path, tmp_path: Path) -> None:
    out, store = tmp_path / "d.csv", StopsAfter(1)
    with pytest.raises(OutsideFailed):
        decide(finished, raw, out, store)
    told = decide(finished, raw, out)
    assert told["rows_done_before"] == 0
    assert "decision_id" not in out.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [out]


def test_a_second_run_into_the_same_output_is_refused(finished: Context, raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "d.csv"
    with unfinished(out), pytest.raises(Refused, match="another run"):
        decide(finished, raw, out)
    decide(finished, raw, out)
    assert list(tmp_path.iterdir()) == [out]


def test_a_row_that_no_record_could_have_is_not_kept(
    finished: Context, raw: Path, store: InMemoryDecisionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that a contract lets through should come to this; if it does, nothing is kept that cannot be replayed."""
    as_text = lambda value: str(value) if isinstance(value, Decimal) else value  # noqa: E731
    monkeypatch.setattr("creditrisk.pipelines.batch_records._sent", as_text)
    with pytest.raises(BadData, match="does not read back") as caught:
        decide(finished, raw, tmp_path / "d.csv", store)
    assert "rows 0 to 6" in caught.value.where
    assert store.records == []
