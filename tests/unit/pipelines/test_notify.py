"""Open alarms are told once to each channel; what fails is told next time; what was told survives the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from creditrisk.adapters.in_memory import InMemoryNotifier, SteppingClock
from creditrisk.config import BookFolder, Notifications
from creditrisk.errors import BadConfig, BadUsage, BrokenFile, MissingInput, OutsideFailed
from creditrisk.files import write_json
from creditrisk.pipelines.notify import TOLD, need_delivered, run, run_test

RULES = Notifications.model_validate({"channels": {"team": {}, "on_call": {"severity_from": "critical"}}})
SCORE = {
    "id": "score-1", "what": "the scores moved", "severity": "critical", "owner": "risk", "since": "2026-08",
    "now": 0.13, "limit": 0.04, "portfolio": ["fewer approvals"], "look_at": ["EXT_SOURCE_2"],
    "entity_id": 4711, "applicant": "Jane Roe",
}  # fmt: skip
FEED = {"id": "feed-1", "what": "bureau is missing more often", "severity": "warning", "now": None}


@dataclass
class House:
    """A book's folder with alarms, and two channels."""

    folder: BookFolder
    hour: datetime = datetime(2026, 5, 5, 12, tzinfo=UTC)
    places: Mapping[str, InMemoryNotifier] = field(
        default_factory=lambda: {"team": InMemoryNotifier(), "on_call": InMemoryNotifier()}
    )

    def run(self, *alarms: Mapping[str, Any], rules: Notifications = RULES) -> dict[str, Any]:
        write_json(self.folder.report("alarms.json"), {"alarms": list(alarms)})
        self.hour += timedelta(hours=1)
        return run("tiny", self.folder, rules, self.places.__getitem__, clock=SteppingClock(self.hour))

    def titles(self, channel: str) -> list[str]:
        return [message.title for message in self.places[channel].sent]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(BookFolder(tmp_path / "tiny"))


def test_each_channel_gets_one_message_for_all_alarms_that_concern_it(house: House) -> None:
    result = house.run(SCORE, FEED)
    assert house.titles("team") == ["creditrisk tiny: 2 new alarms (critical)"]
    assert house.titles("on_call") == ["creditrisk tiny: 1 new alarm (critical)"]
    assert result["channels"]["team"] == {
        "sent": True, "told": ["score-1", "feed-1"], "over": [], "held": [], "warning": None
    }  # fmt: skip


def test_a_second_run_says_nothing_and_a_third_that_it_is_over(house: House) -> None:
    house.run(SCORE)
    assert house.run(SCORE)["channels"]["team"]["sent"] is False
    house.run()
    assert house.titles("team")[1:] == ["creditrisk tiny: 1 alarm is over"]
    assert house.run()["channels"]["team"]["sent"] is False


def test_only_the_agreed_facts_of_an_alarm_go_out(house: House) -> None:
    house.run(SCORE)
    (message,) = house.places["team"].sent
    assert "4711" not in message.title + message.body
    assert "Jane" not in message.title + message.body
    assert "EXT_SOURCE_2" in message.body


def test_a_channel_that_fails_is_a_warning_and_hears_it_next_time_and_no_other_waits(house: House) -> None:
    house.places["team"].away = "nobody took it"
    result = house.run(SCORE)
    assert result["warnings"] == ["team: nobody took it"]
    assert len(house.titles("on_call")) == 1
    house.places["team"].away = None
    assert house.run(SCORE)["warnings"] == []
    assert len(house.titles("team")) == len(house.titles("on_call")) == 1


def test_strictly_a_warning_fails_the_command(house: House) -> None:
    house.places["team"].away = "nobody took it"
    result = house.run(SCORE)
    with pytest.raises(OutsideFailed, match="1 of 2"):
        need_delivered(result)
    house.places["team"].away = None
    need_delivered(house.run(SCORE))


def test_a_channel_without_address_is_a_warning(house: House) -> None:
    def notifier(channel: str) -> InMemoryNotifier:
        raise BadConfig("channel team has no address", hint="set CREDITRISK_NOTIFY_TEAM")

    write_json(house.folder.report("alarms.json"), {"alarms": [SCORE]})
    result = run("tiny", house.folder, Notifications(), notifier, clock=SteppingClock())
    assert result["warnings"] == ["team: channel team has no address; set CREDITRISK_NOTIFY_TEAM"]


def test_a_channel_of_no_concern_is_not_even_asked_for(house: House) -> None:
    write_json(house.folder.report("alarms.json"), {"alarms": []})
    run("tiny", house.folder, RULES, {}.__getitem__, clock=SteppingClock())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"channels": 1}', '{"channels": {"team": {"score-1": {"at": "soon"}}}}',
             '{"channels": {"team": {"score-1": {"at": "2026-05-05", "severity": "loud", "what": ""}}}}'],
)  # fmt: skip
def test_a_damaged_memory_tells_everything_again_and_says_so(text: str, house: House) -> None:
    house.run(SCORE)
    (house.folder.root / TOLD).write_text(text, encoding="utf-8")
    result = house.run(SCORE)
    assert result["warnings"] == ["notifications.json cannot be read: every open alarm is told again"]
    assert len(house.titles("team")) == 2
    assert house.run(SCORE)["warnings"] == []


def test_what_was_told_is_kept_after_each_delivery(house: House) -> None:
    class Killed(Exception):
        pass

    class Dying(InMemoryNotifier):
        def send(self, message: Any) -> None:  # noqa: ARG002
            raise Killed

    places = {**house.places, "on_call": Dying()}
    write_json(house.folder.report("alarms.json"), {"alarms": [SCORE]})
    with pytest.raises(Killed):
        run("tiny", house.folder, RULES, places.__getitem__, clock=SteppingClock())
    kept = json.loads((house.folder.root / TOLD).read_text(encoding="utf-8"))
    assert list(kept["channels"]) == ["team"]


def test_two_runs_at_the_same_time_tell_it_once(house: House) -> None:
    write_json(house.folder.report("alarms.json"), {"alarms": [SCORE]})
    runs = [
        Thread(
            target=run, args=("tiny", house.folder, RULES, house.places.__getitem__), kwargs={"clock": SteppingClock()}
        )
        for _ in range(8)
    ]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert len(house.titles("team")) == len(house.titles("on_call")) == 1


def test_without_a_report_of_alarms_the_command_says_what_writes_it(house: House) -> None:
    with pytest.raises(MissingInput, match="creditrisk monitor alarms tiny"):
        run("tiny", house.folder, RULES, house.places.__getitem__, clock=SteppingClock())


@pytest.mark.parametrize("wrong", [{}, {"id": "a"}, {**SCORE, "severity": "loud"}, {**SCORE, "now": "high"}, 1, None])
def test_a_report_that_is_none_is_refused_with_its_place(wrong: Any, house: House) -> None:
    with pytest.raises(BrokenFile, match=r"alarms\.json"):
        house.run(wrong)


def test_an_unknown_channel_is_refused_with_the_known_ones(house: House) -> None:
    with pytest.raises(BadUsage, match="on_call, team"):
        run_test("tiny", RULES, house.places.__getitem__, only=["teem"])


def test_a_test_message_goes_to_the_channel_that_was_named_and_changes_nothing(house: House) -> None:
    told = run_test("tiny", RULES, house.places.__getitem__, only=["on_call"])
    assert told["channels"] == {"on_call": {"sent": True, "warning": None}}
    assert house.titles("on_call") == ["creditrisk tiny: test"]
    assert house.titles("team") == []
    assert not (house.folder.root / TOLD).exists()
