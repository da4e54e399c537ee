"""`monitoring:` of portfolio.yaml: every default makes sense to a lender who says nothing."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from creditrisk.config import Alarm, Alarms, Monitoring, load_book


def test_a_book_that_says_nothing_is_watched_and_nothing_is_started() -> None:
    told = load_book("lending_club").portfolio.monitoring
    assert told.auto_retrain == "propose"
    assert told.alarms.false_alarm_max == 0.05
    assert all(getattr(told.alarms, name).watched for name in watches())


@pytest.mark.parametrize("name", ["score", "features", "missing", "calibration_slow"])
def test_one_changed_key_leaves_the_other_defaults_of_that_alarm(name: str) -> None:
    before = getattr(Alarms(), name)
    after = getattr(Alarms.model_validate({name: {"owner": "risk-office"}}), name)
    assert after == before.model_copy(update={"owner": "risk-office"})


def test_a_plain_off_in_yaml_switches_retraining_off() -> None:
    assert Monitoring.model_validate({"auto_retrain": False}).auto_retrain == "off"


def test_an_alarm_that_can_never_ring_is_refused() -> None:
    with pytest.raises(ValidationError, match="can never be"):
        Alarms.model_validate({"score": {"periods": 4, "of": 3}})


def test_a_changed_limit_is_no_other_model() -> None:
    assert load_book("home_credit").sha256 == load_book("home_credit", {"monitoring.cool_down_days": 1}).sha256


def watches() -> list[str]:
    return [name for name, value in Alarms() if isinstance(value, Alarm)]
