from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.adapters.in_memory import InMemoryDecisionStore
from creditrisk.errors import BadData, BadUsage, BrokenFile, MissingInput
from creditrisk.governance.audit import Act, acts_about, verify_chain
from creditrisk.monitoring.deliveries import holding
from creditrisk.pipelines import outcome_store
from creditrisk.pipelines.add_outcomes import need_taken, run
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.outcome_store import OutcomeStore
from tests.support.crashing import Killed, Writes
from tests.support.outcomes import decision, id_of, outcome_context, stored, write_outcomes
from tests.support.passports import passport


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return outcome_context(tmp_path)


@pytest.fixture
def store() -> InMemoryDecisionStore:
    return stored(decision(number, "2025-01-10") for number in range(5))


def added(
    context: Context, store: InMemoryDecisionStore, *rows: Any, header: str = "decision_id,date,status", **how: Any
) -> dict[str, Any]:
    file = write_outcomes(context.workspace.root / "sent" / f"{len(rows)}.csv", rows, header)
    return run(context, store, file, **how)


def told(context: Context, *, as_of: dt.date | None = None) -> dict[tuple[str, str], str]:
    held = holding(OutcomeStore(context.folder).told(), as_of=as_of)
    return {(one, day.isoformat()): row.word for (one, day), row in held.items()}


def rules(report: dict[str, Any]) -> dict[int, str]:
    """{line: what is wrong with it}; what is told of the whole file is left out."""
    return {finding["line"]: finding["rule"] for finding in report["findings"] if finding["line"] is not None}


def test_rows_are_kept_and_the_audit_chain_names_file_and_rows(context: Context, store: InMemoryDecisionStore) -> None:
    report = added(context, store, (0, "2025-06-01", "Charged Off"), (1, "2026-01-31", "paid"))
    assert (report["taken"], report["refused"], report["delivery"]) == (2, 0, 1)
    assert told(context) == {(id_of(0), "2025-06-01"): "charged off", (id_of(1), "2026-01-31"): "paid"}
    (act,) = acts_about(context.workspace.audit, Act.OUTCOMES_ADDED, book="tiny")
    assert act["actor"] == "ann"
    assert act["hashes"]["file"] == report["file_sha256"]
    (delivery,) = OutcomeStore(context.folder).deliveries()
    assert (act["hashes"]["delivery"], act["hashes"]["rows"]) == (delivery.line, delivery.rows_sha256)


def test_a_dry_run_says_what_would_be_taken_and_writes_nothing(context: Context, store: InMemoryDecisionStore) -> None:
    report = added(context, store, (0, "2025-06-01", "bad"), (1, "2025-06-01", "paid"), dry_run=True)
    assert (report["taken"], report["delivery"]) == (2, None)
    assert not context.folder.outcome_deliveries.exists()
    assert not context.folder.outcomes.exists()
    assert not context.workspace.audit.exists()


def test_an_entity_stands_for_the_decision_that_first_approved_it(context: Context) -> None:
    store = stored(
        [
            decision(0, "2025-01-10", entity_id="A7", decision="decline"),
            decision(1, "2025-02-10", entity_id="A7"),
            decision(2, "2025-03-10", entity_id="A7", decision="refer"),
            decision(3, "2026-03-10", entity_id="A7"),
        ]
    )
    report = added(context, store, ("A7", "2026-01-01", "bad"), header="loan_id,date,status")
    assert report["taken"] == 1
    assert told(context) == {(id_of(1), "2026-01-01"): "bad"}


def test_a_person_who_overruled_the_model_has_the_last_word(context: Context) -> None:
    store = stored(
        [
            decision(0, "2025-01-10", entity_id="A7", decision="decline"),
            decision(1, "2025-02-10", entity_id="A7", decision="decline"),
            decision(9, "2025-02-11", entity_id=None, kind="override", about=id_of(0), decision="approve"),
        ]
    )
    added(context, store, ("A7", "2026-01-01", "paid"), header="entity_id,date,status")
    assert list(told(context)) == [(id_of(0), "2026-01-01")]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (("no such", "2025-06-01", "bad"), "unknown"),
        ((0, "2025-01-09", "bad"), "before"),
        ((0, "2026-10-16", "bad"), "future"),
        ((0, "yesterday", "bad"), "date"),
        ((0, "", "bad"), "date"),
        ((0, "2025-06-01", ""), "status"),
        ((0, "2025-06-01", "chrged off"), "status"),
        (("", "2025-06-01", "bad"), "who"),
        ((0, "2025-06-01"), "shape"),
    ],
)
def test_a_bad_row_is_named_with_line_and_remedy_and_nothing_is_taken(
    context: Context, store: InMemoryDecisionStore, row: tuple[Any, ...], rule: str
) -> None:
    report = added(context, store, (1, "2026-01-31", "paid"), row)
    assert rules(report) == {3: rule}
    assert all(finding["hint"] for finding in report["findings"])
    assert (report["taken"], report["refused"], report["refused_by_rule"]) == (0, 1, {rule: 1})
    assert not context.folder.outcome_deliveries.exists()
    with pytest.raises(BadData) as caught:
        need_taken(report, skip_bad=False)
    assert "line 3" in caught.value.where
    assert "--skip-bad" in caught.value.hint


def test_the_good_rows_are_taken_where_that_is_asked_for(context: Context, store: InMemoryDecisionStore) -> None:
    report = added(context, store, (1, "2026-01-31", "paid"), (0, "2026-10-16", "bad"), skip_bad=True)
    assert (report["taken"], report["refused"]) == (1, 1)
    need_taken(report, skip_bad=True)
    assert list(told(context)) == [(id_of(1), "2026-01-31")]
    (delivery,) = OutcomeStore(context.folder).deliveries()
    assert (delivery.taken, delivery.refused) == (1, 1)


def test_what_is_known_before_it_happened_or_later_than_today_is_refused(
    context: Context, store: InMemoryDecisionStore
) -> None:
    header = "decision_id,date,status,known"
    report = added(
        context, store, (0, "2025-06-01", "bad", "2025-05-31"), (1, "2025-06-01", "bad", "2027-01-01"), header=header
    )
    assert rules(report) == {2: "known", 3: "known"}


def test_a_row_that_comes_twice_in_a_file_counts_once(context: Context, store: InMemoryDecisionStore) -> None:
    report = added(context, store, (0, "2025-06-01", "bad"), (0, "2025-06-01", "BAD"), (1, "2026-02-01", "current"))
    assert (report["taken"], report["refused"]) == (2, 0)
    assert rules(report) == {3: "twice"}


def test_two_statuses_of_one_day_contradict(context: Context, store: InMemoryDecisionStore) -> None:
    report = added(context, store, (0, "2025-06-01", "bad"), (0, "2025-06-01", "current"))
    assert rules(report) == {2: "contradicting", 3: "contradicting"}


@pytest.mark.parametrize(
    ("first", "second"),
    [(("2025-06-01", "paid"), ("2025-08-01", "bad")), (("2025-06-01", "not taken up"), ("2025-08-01", "current"))],
)
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_a_loan_that_ended_well_or_never_began_has_no_later_status(
    context: Context,
    store: InMemoryDecisionStore,
    first: tuple[str, str],
    second: tuple[str, str],
    apart: bool,
    turned: bool,
) -> None:
    one, other = ((0, *second), (0, *first)) if turned else ((0, *first), (0, *second))
    if apart:
        assert added(context, store, one)["taken"] == 1
        report = added(context, store, other)
        assert rules(report).get(2) == "contradicting"
    else:
        report = added(context, store, one, other)
        assert set(rules(report).values()) == {"contradicting"}
    assert report["taken"] == 0


def test_a_correction_holds_and_what_was_said_before_stays(context: Context, store: InMemoryDecisionStore) -> None:
    header = "decision_id,date,status,known"
    added(context, store, (0, "2025-06-01", "bad", "2025-07-01"), header=header)
    report = added(context, store, (0, "2025-06-01", "current", "2025-09-01"), header=header)
    assert (report["taken"], report["corrected"]) == (1, 1)
    assert told(context) == {(id_of(0), "2025-06-01"): "current"}
    assert told(context, as_of=dt.date(2025, 8, 1)) == {(id_of(0), "2025-06-01"): "bad"}
    assert told(context, as_of=dt.date(2025, 6, 15)) == {}


def test_a_correction_that_was_known_earlier_than_what_holds_changes_nothing(
    context: Context, store: InMemoryDecisionStore
) -> None:
    header = "decision_id,date,status,known"
    added(context, store, (0, "2025-06-01", "current", "2025-09-01"), header=header)
    report = added(context, store, (0, "2025-06-01", "bad", "2025-07-01"), header=header)
    assert (report["taken"], report["corrected"]) == (1, 0)
    assert told(context) == {(id_of(0), "2025-06-01"): "current"}


def test_two_statuses_that_were_known_on_one_day_contradict_across_deliveries(
    context: Context, store: InMemoryDecisionStore
) -> None:
    header = "decision_id,date,status,known"
    added(context, store, (0, "2025-06-01", "current", "2025-09-01"), header=header)
    assert rules(added(context, store, (0, "2025-06-01", "bad", "2025-09-01"), header=header))[2] == "contradicting"


def test_a_retracted_status_was_never_there(context: Context, store: InMemoryDecisionStore) -> None:
    added(context, store, (0, "2025-06-01", "paid"))
    added(context, store, (0, "2025-06-01", "retracted"))
    assert added(context, store, (0, "2025-08-01", "bad"))["taken"] == 1


def test_the_same_file_again_adds_nothing(context: Context, store: InMemoryDecisionStore) -> None:
    rows = ((0, "2025-06-01", "bad"), (1, "2026-01-31", "paid"))
    added(context, store, *rows)
    again = added(context, store, *rows)
    assert (again["taken"], again["already"], again["delivery"]) == (0, 2, None)
    assert len(OutcomeStore(context.folder).deliveries()) == 1


def test_an_old_file_that_comes_again_corrects_nothing_back(context: Context, store: InMemoryDecisionStore) -> None:
    old = ((0, "2025-06-01", "bad"), (1, "2026-01-31", "paid"))
    added(context, store, *old)
    added(context, store, (0, "2025-06-01", "current"))
    assert added(context, store, *old)["already"] == 2
    assert told(context)[id_of(0), "2025-06-01"] == "current"


def test_a_file_in_which_all_loans_ended_alike_is_taken_with_a_warning(
    context: Context, store: InMemoryDecisionStore
) -> None:
    report = added(context, store, (0, "2025-06-01", "bad"), (1, "2025-07-01", "default"))
    assert report["taken"] == 2
    assert [(finding["rule"], finding["severity"]) for finding in report["findings"]] == [("one_class", "warn")]


def test_until_when_everything_was_told_is_kept_and_never_goes_back(
    context: Context, store: InMemoryDecisionStore
) -> None:
    row = (0, "2025-06-01", "bad")
    added(context, store, row, complete_until=dt.date(2026, 9, 30))
    assert added(context, store, row, complete_until=dt.date(2026, 8, 31))["delivery"] is None
    assert added(context, store, row, complete_until=dt.date(2026, 10, 14))["delivery"] == 2
    assert [each.taken for each in OutcomeStore(context.folder).deliveries()] == [1, 0]
    with pytest.raises(BadUsage, match="has not come"):
        added(context, store, row, complete_until=dt.date(2026, 10, 16))


@pytest.mark.parametrize("die_before", range(4))
def test_a_writer_that_is_killed_loses_nothing_and_doubles_nothing(
    context: Context, store: InMemoryDecisionStore, monkeypatch: pytest.MonkeyPatch, die_before: int
) -> None:
    rows = ((0, "2025-06-01", "bad"), (1, "2026-01-31", "paid"))
    writes = Writes()
    writes.die_before = die_before
    with monkeypatch.context() as patch:
        patch.setattr(outcome_store, "whole_file", writes.wrap(outcome_store.whole_file))
        patch.setattr(outcome_store, "append_line", writes.wrap(outcome_store.append_line))
        patch.setattr(outcome_store, "append_act", writes.wrap(outcome_store.append_act))
        if die_before < 3:
            with pytest.raises(Killed):
                added(context, store, *rows)
        else:
            added(context, store, *rows)
    assert writes.done == min(die_before, 3)
    added(context, store, *rows)
    assert len(told(context)) == 2
    assert [each.taken for each in OutcomeStore(context.folder).deliveries()] == [2]
    assert len(acts_about(context.workspace.audit, Act.OUTCOMES_ADDED, book="tiny")) == 1
    assert verify_chain(context.folder.outcome_deliveries).unbroken


def test_rows_that_were_altered_on_disk_are_refused(context: Context, store: InMemoryDecisionStore) -> None:
    added(context, store, (0, "2025-06-01", "bad"))
    (kept,) = context.folder.outcomes.glob("*.parquet")
    pq.write_table(pq.read_table(kept).slice(0, 0), kept)
    with pytest.raises(BrokenFile, match="delivery 1 was altered"):
        told(context)
    kept.unlink()
    with pytest.raises(BrokenFile, match="delivery 1 is gone"):
        told(context)


def test_an_altered_chain_of_deliveries_is_refused(context: Context, store: InMemoryDecisionStore) -> None:
    added(context, store, (0, "2025-06-01", "bad"))
    chain = context.folder.outcome_deliveries
    chain.write_text(chain.read_text().replace('"actor":"ann"', '"actor":"bob"'))
    with pytest.raises(BrokenFile):
        OutcomeStore(context.folder).deliveries()


def test_nothing_of_the_person_is_kept(context: Context) -> None:
    store = stored([decision(0, "2025-01-10", entity_id="PERSON-4711")])
    added(context, store, ("PERSON-4711", "2026-01-01", "paid"), header="loan_id,date,status")
    kept = b"".join(
        path.read_bytes() for path in context.workspace.root.rglob("*") if path.is_file() and "sent" not in path.parts
    )
    assert b"PERSON-4711" not in kept


def test_an_unknown_entity_is_told_by_its_line_and_not_by_its_key(
    context: Context, store: InMemoryDecisionStore
) -> None:
    report = added(context, store, ("PERSON-4711", "2026-01-01", "paid"), header="loan_id,date,status")
    assert rules(report) == {2: "unknown"}
    assert "4711" not in json.dumps(report)


def test_a_decision_and_an_entity_that_do_not_belong_together_are_refused(context: Context) -> None:
    store = stored([decision(0, "2025-01-10", entity_id="A"), decision(1, "2025-01-10", entity_id="B")])
    header = "decision_id,loan_id,date,status"
    report = added(context, store, (0, "B", "2026-01-01", "paid"), header=header)
    assert rules(report) == {2: "who"}
    assert added(context, store, (0, "A", "2026-01-01", "paid"), header=header)["taken"] == 1


def test_parquet_is_read_as_csv_is(context: Context, store: InMemoryDecisionStore, tmp_path: Path) -> None:
    path = tmp_path / "sent.parquet"
    days = [dt.datetime(2025, 6, 1, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-2))), None]
    pq.write_table(
        pa.table(
            {
                "loan_id": [100_000, 100_001],
                "date": pa.array(days, pa.timestamp("us", "UTC")),
                "status": ["bad", "paid"],
            }
        ),
        path,
    )
    report = run(context, store, path, skip_bad=True)
    assert rules(report) == {2: "date"}
    assert told(context) == {(id_of(0), "2025-06-02"): "bad"}


def test_a_csv_may_have_semicolons_a_byte_order_mark_and_more_columns(
    context: Context, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    path = tmp_path / "sent.csv"
    text = (
        f'Decision_ID;Date;"Status";remark\n{id_of(0)};2025-06-01T10:00:00+00:00;Charged Off;"two\nlines"\n'
        f"{id_of(1)};2025-06-01;what;x\n"
    )
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    report = run(context, store, path, skip_bad=True)
    assert report["taken"] == 1
    assert report["ignored_columns"] == ["remark"]
    assert rules(report)[4] == "status"


@pytest.mark.parametrize(
    ("content", "error", "what"),
    [
        (b"", BadData, "empty"),
        (b"decision_id,date,status\n", BadData, "no rows"),
        (b"\n\n", BadData, "no header"),
        (b"decision_id,status\nx,bad\n", BadData, "no column date"),
        (b"date,status\n2025-01-01,bad\n", BadData, "no column decision_id or loan_id"),
        (b"decision_id,date,date,status\nx,y,z,bad\n", BadData, "same name"),
        (b"decision_id,date,status\n\xff\xfe,2025-01-01,bad\n", BrokenFile, "UTF-8"),
        (b'decision_id,date,status\nx,2025-01-01,"bad\n', BrokenFile, "no CSV"),
    ],
)
def test_a_file_that_is_no_table_of_outcomes_is_refused(
    context: Context, store: InMemoryDecisionStore, tmp_path: Path, content: bytes, error: type[Exception], what: str
) -> None:
    path = tmp_path / "sent.csv"
    path.write_bytes(content)
    with pytest.raises(error, match=what):
        run(context, store, path)


def test_a_file_that_is_not_there_or_no_parquet_is_refused(
    context: Context, store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    with pytest.raises(MissingInput):
        run(context, store, tmp_path / "none.csv")
    (tmp_path / "sent.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(BrokenFile, match="no Parquet"):
        run(context, store, tmp_path / "sent.parquet")


def test_an_override_is_no_decision_that_has_outcomes(context: Context) -> None:
    store = stored([decision(0, "2025-01-10"), passport(9, kind="override", about=id_of(0), decision="decline")])
    assert rules(added(context, store, (9, "2026-06-01", "bad"))) == {2: "unknown"}
