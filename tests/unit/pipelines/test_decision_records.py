"""Recorded decisions are shown, verified, held and deleted, from the command line too."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import InMemoryDecisionStore
from creditrisk.cli import main
from creditrisk.config import load_book
from creditrisk.config.retention import Retention, months_before
from creditrisk.errors import BadUsage, BrokenFile, Refused
from creditrisk.pages.decisions import decision_lines, verification_lines
from creditrisk.pipelines import decision_records
from creditrisk.wiring import decision_store_for
from tests.support.passports import START, passport
from tests.support.tiny_book import write_tiny_book

ONE = passport(0).decision_id
DECLINED = passport(2).decision_id
RETENTION = {"retention.decline": {"months": 25, "because": "Regulation B"}}


@pytest.fixture
def store() -> InMemoryDecisionStore:
    """Six decisions, the third and the sixth declined, all of 2 January 2026."""
    store = InMemoryDecisionStore()
    store.append([passport(number) for number in range(6)])
    return store


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The same in a workspace, closed."""
    with closing(decision_store_for(tmp_path / "ws")) as store:
        store.append([passport(number) for number in range(6)])
    return tmp_path / "ws"


def command(capsys: pytest.CaptureFixture[str], workspace: Path, *words: str, code: int = 0) -> dict[str, object]:
    assert main(["decisions", *words, "--workspace", str(workspace), "--json"]) == code
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


def test_a_decision_is_shown_with_what_is_about_it_and_what_was_done_with_it(store: InMemoryDecisionStore) -> None:
    store.append([passport(9, kind="override", about=ONE)])
    store.hold(ONE, by="counsel", note="case 7")
    told = decision_records.show(store, ONE)
    assert json.loads(json.dumps(told)) == told
    assert (told["entity_id"], told["held"], told["payload"]["raw"]["application"]["note"]) == (100_000, True, "Ünal")
    assert [each["kind"] for each in told["about_it"]] == ["override"]
    assert [(act["kind"], act["by"], act["note"]) for act in told["acts"]] == [("hold", "counsel", "case 7")]
    lines = "\n".join(decision_lines(told))
    assert "under legal hold" in lines
    assert "Ünal" in lines


def test_a_deleted_decision_is_shown_without_what_was_personal(store: InMemoryDecisionStore) -> None:
    store.delete([ONE], by="ann", note="asked", rule="named")
    told = decision_records.show(store, ONE)
    assert (told["payload"], told["entity_id"], told["deleted"], told["decision"]) == (None, None, True, "approve")
    assert "what is personal was deleted" in list(decision_lines(told))


def test_what_is_broken_is_told_with_its_place(store: InMemoryDecisionStore) -> None:
    told: list[tuple[str, float]] = []
    report = decision_records.verify(store, lambda what, share: told.append((what, share)))
    decision_records.need_unbroken(report)
    assert told[-1] == ("7 of 7 records", 1.0)
    assert list(verification_lines(report))[-1] == "every record is as it was written"
    del store.sealed[1], store.sealed[2]
    report = decision_records.verify(store, lambda _what, _share: None)
    with pytest.raises(BrokenFile, match=r"payload is gone and no record says.*1 more places") as caught:
        decision_records.need_unbroken(report)
    assert caught.value.where.endswith(f"record 1, decision {ONE}")
    assert sum(line.startswith("BROKEN") for line in verification_lines(report)) == 2


def test_an_empty_store_is_not_called_verified() -> None:
    report = decision_records.verify(InMemoryDecisionStore(), lambda _what, _share: None)
    assert list(verification_lines(report))[-1] == "there is nothing to verify yet"


def test_what_is_due_is_deleted_by_the_books_retention_and_what_is_held_is_left(
    store: InMemoryDecisionStore, tmp_path: Path
) -> None:
    book = load_book(str(write_tiny_book(tmp_path / "book")), RETENTION)
    store.hold(DECLINED, by="counsel", note="case 7")
    early, late = datetime(2028, 2, 2, tzinfo=UTC), datetime(2028, 2, 3, tzinfo=UTC)

    def delete(now: datetime, *, dry_run: bool = False) -> dict[str, object]:
        return decision_records.delete_due(store, book, by="ann", note="monthly", now=now, dry_run=dry_run)

    assert delete(early)["due"] == 0
    assert (delete(late, dry_run=True)["due"], delete(late, dry_run=True)["deleted"]) == (1, 0)
    told = delete(late)
    assert (told["deleted"], told["ids"]) == (1, [passport(5).decision_id])
    assert told["rule"] == "retention of tiny: decline 25 months"
    assert delete(late)["due"] == 0
    assert store.verify().unbroken


def test_a_hold_that_comes_between_finding_and_deleting_is_kept(
    store: InMemoryDecisionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = load_book(str(write_tiny_book(tmp_path / "book")), RETENTION)
    found = list(store.due("tiny", {"decline": datetime(2028, 3, 1, tzinfo=UTC)}))
    store.hold(DECLINED, by="counsel", note="case 7")
    monkeypatch.setattr(store, "due", lambda *_: iter(found))
    now = datetime(2028, 3, 1, tzinfo=UTC)
    told = decision_records.delete_due(store, book, by="ann", note="monthly", now=now, dry_run=False)
    assert (told["deleted"], told["left"]) == (1, [DECLINED])


def test_a_book_that_states_no_retention_deletes_nothing_by_age(store: InMemoryDecisionStore, tmp_path: Path) -> None:
    book = load_book(str(write_tiny_book(tmp_path / "book")))
    with pytest.raises(Refused, match="does not say how long"):
        decision_records.delete_due(store, book, by="ann", note="x", now=datetime.now(UTC), dry_run=False)


def test_named_decisions_are_deleted_all_or_none(store: InMemoryDecisionStore) -> None:
    def delete(*ids: str, dry_run: bool = False) -> dict[str, object]:
        return decision_records.delete_named(store, ids, by="ann", note="asked", dry_run=dry_run)

    with pytest.raises(BadUsage, match="no such decision"):
        delete(ONE, "nobody")
    assert delete(ONE, ONE, dry_run=True)["due"] == 1
    assert delete(ONE)["deleted"] == 1
    with pytest.raises(Refused, match="deleted before"):
        delete(DECLINED, ONE, dry_run=True)


def test_months_are_calendar_months() -> None:
    assert months_before(datetime(2028, 3, 31, tzinfo=UTC), 25) == datetime(2026, 2, 28, tzinfo=UTC)
    assert months_before(datetime(2028, 1, 15, tzinfo=UTC), 12) == datetime(2027, 1, 15, tzinfo=UTC)
    assert Retention().before(START) == {}


def test_the_command_without_a_verb_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decisions"]) == 0
    told = capsys.readouterr().out
    assert all(f"  {verb} " in told for verb in ("show", "replay", "verify", "hold", "release", "delete"))


def test_the_command_line_shows_and_verifies(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(capsys, workspace, "show", ONE)["entity_id"] == 100_000
    report = command(capsys, workspace, "verify")
    assert (report["unbroken"], report["records"]) == (True, 8)
    assert main(["decisions", "show", ONE, "--workspace", str(workspace)]) == 0
    assert "Ünal" in capsys.readouterr().out
    assert main(["decisions", "verify", "--workspace", str(workspace)]) == 0
    assert "every record is as it was written" in capsys.readouterr().out


def test_the_command_line_holds_releases_and_deletes(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = ("--note", "case 7", "--by", "counsel")
    assert command(capsys, workspace, "hold", ONE, *note) == {"decision_id": ONE, "held": True}
    command(capsys, workspace, "delete", "--id", ONE, *note, code=1)
    command(capsys, workspace, "release", ONE, *note)
    assert command(capsys, workspace, "delete", "--id", ONE, *note, "--dry-run")["deleted"] == 0
    assert command(capsys, workspace, "delete", "--id", ONE, *note)["deleted"] == 1
    report = command(capsys, workspace, "verify")
    assert (report["unbroken"], report["deleted"]) == (True, 1)
    chains = report["chains"]
    assert isinstance(chains, list)
    assert [chain["closed"] for chain in chains] == [True] * 4


def test_the_command_line_deletes_by_the_books_retention(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = write_tiny_book(tmp_path / "book")
    with (book / "portfolio.yaml").open("a", encoding="utf-8") as stream:
        stream.write("\nretention: {approve: {months: 1200, because: never in this test}}\n")
    words = ("delete", "--older-than-retention", "--book", str(book), "--note", "monthly")
    assert command(capsys, workspace, *words)["due"] == 0


@pytest.mark.parametrize(
    "words",
    [["delete", "--note", "x"], ["delete", "--note", "x", "--id", ONE, "--older-than-retention"],
     ["delete", "--note", "x", "--older-than-retention"], ["hold", ONE], ["show", "nobody"],
     ["hold", ONE, "--note", " "]],
)  # fmt: skip
def test_half_a_command_is_bad_usage(words: list[str], workspace: Path) -> None:
    assert main(["decisions", *words, "--workspace", str(workspace)]) == 2


def test_an_altered_store_gives_exit_code_1_and_the_place(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(workspace / "decisions.db")) as connection, connection:
        connection.execute("update decision_records set decision = 'approve' where decision_id = ?", [DECLINED])
    report = command(capsys, workspace, "verify", code=1)
    assert report["unbroken"] is False
    assert main(["decisions", "verify", "--workspace", str(workspace)]) == 1
    assert DECLINED in capsys.readouterr().err


def test_a_writer_that_nobody_here_knows_is_told(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trusted").mkdir()
    command(capsys, workspace, "verify", "--keys", str(tmp_path / "trusted"), code=1)
    command(capsys, workspace, "verify", "--keys", str(workspace / "keys"))


def test_looking_at_a_workspace_without_decisions_makes_nothing(tmp_path: Path) -> None:
    for words in (["show", ONE], ["verify"]):
        assert main(["decisions", *words, "--workspace", str(tmp_path / "ws")]) == 2
    assert list(tmp_path.iterdir()) == []


def test_keys_come_from_the_environment_and_a_payload_without_its_key_says_which_one_it_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I="
    monkeypatch.setenv("CREDITRISK_PAYLOAD_KEY", secret)
    (tmp_path / "signing").write_text("A" * 43 + "=\n", encoding="ascii")
    monkeypatch.setenv("CREDITRISK_SIGNING_KEY_FILE", str(tmp_path / "signing"))
    with closing(decision_store_for(tmp_path / "ws")) as store:
        store.append([passport(0)])
    monkeypatch.delenv("CREDITRISK_SIGNING_KEY_FILE")
    payload = command(capsys, tmp_path / "ws", "show", ONE)["payload"]
    assert isinstance(payload, dict)
    monkeypatch.delenv("CREDITRISK_PAYLOAD_KEY")
    told = command(capsys, tmp_path / "ws", "show", ONE)
    assert (told["payload"], told["entity_id"]) == (None, "100000")
    assert len(str(told["key_wanted"])) == 16
    assert command(capsys, tmp_path / "ws", "verify")["unbroken"] is True
    monkeypatch.setenv("CREDITRISK_PAYLOAD_KEY", "tooshort")
    assert main(["decisions", "show", ONE, "--workspace", str(tmp_path / "ws")]) == 2
    assert "tooshort" not in capsys.readouterr().err
