"""A search is seeded, goes on where it stopped, gives hopeless trials up, and tells what could not be fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.config.tuning import SPANS, Span
from creditrisk.config.tuning import Tuning as Settings
from creditrisk.errors import BadConfig, BadData, BadUsage, BrokenFile
from creditrisk.modelling import ESTIMATORS
from creditrisk.modelling.estimators import Estimator, Learning
from creditrisk.modelling.out_of_fold import Development
from creditrisk.modelling.tuning import Search, Trial, Tuning

ROWS = 300


class Blurred(Estimator):
    """A model that is right but for a blur: the best one has none."""

    name: ClassVar[str] = "blurred"
    stops_early: ClassVar[bool] = False
    fitted: ClassVar[list[float]] = []

    def __init__(self, blur: float) -> None:
        self.blur = blur

    @classmethod
    def settings(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        if set(given) - {"blur", "steps"}:
            raise BadConfig(f"unknown parameter among {sorted(given)}")
        return {"blur": 1.0, "steps": 2, **given}

    @classmethod
    def fit(cls, _rows: Any, learning: Learning, **_: Any) -> Self:
        blur = cls.settings(learning.parameters)["blur"]
        if blur > 8.0:
            raise BadData("too much of a blur")
        cls.fitted.append(blur)
        return cls(blur)

    def margin(self, values: Any) -> Any:
        x = values[:, 0].astype(np.float64)
        return x + self.blur * np.sin(1e4 * x)

    contributions = importance = to_files = from_files = None  # type: ignore[assignment]


@pytest.fixture(scope="module")
def rows() -> Development:
    random = np.random.default_rng(3)
    x = random.normal(-0.5, 1.5, ROWS)
    target = (random.random(ROWS) < 1 / (1 + np.exp(-x))).astype(np.float64)
    none = np.zeros(ROWS, dtype=np.bool_)
    return Development(pa.table({"x": x}), ("x",), target, np.arange(ROWS) % 3, none, none)


@pytest.fixture(scope="module")
def search(rows: Development) -> Search:
    spans = {"blur": Span(low=0.0, high=6.0), "steps": Span(low=1, high=4, whole=True)}
    return Search(Blurred, rows, Learning(()), spans, "log_loss", 11)


@pytest.fixture(scope="module")
def whole(search: Search, tmp_path_factory: pytest.TempPathFactory) -> Tuning:
    """A search of 13 trials in one go: the last three were made by a sampler that had learnt."""
    return searched(search, tmp_path_factory.mktemp("whole") / "tuning.db", 13)


def quiet(_what: str, share: float) -> None:
    assert 0.0 <= share <= 1.0


def searched(search: Search, database: Path, trials: int, name: str = "a") -> Tuning:
    tuning = Tuning(search, database, name)
    tuning.run(trials, quiet)
    return tuning


def told(tuning: Tuning) -> list[dict[str, Any]]:
    return [trial.as_json() for trial in tuning.trials()]


def test_the_first_trial_is_the_books_own_and_a_better_one_is_found(whole: Tuning) -> None:
    trials, best = whole.trials(), whole.best()
    assert [trial.number for trial in trials] == list(range(13))
    assert trials[0].own
    assert trials[0].parameters == {"blur": 1.0, "steps": 2}
    assert best is not None
    assert best.value is not None
    assert best.value < (trials[0].value or 0.0)
    assert best.parameters["blur"] < 1.0
    assert len(best.by_fold) == 3


def test_another_seed_makes_other_trials_after_the_first(search: Search, whole: Tuning, tmp_path: Path) -> None:
    other = told(searched(replace(search, seed=12), tmp_path / "tuning.db", 3))
    assert other[0] == told(whole)[0]
    assert other[1:] != told(whole)[1:3]


def test_a_search_that_was_killed_and_goes_on_makes_the_trials_it_would_have_made(
    search: Search, whole: Tuning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = searched(search, tmp_path / "tuning.db", 3)

    def dies(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Blurred, "margin", dies)
        with pytest.raises(KeyboardInterrupt):
            killed.run(5, quiet)
    assert len(killed.trials()) == 3
    assert told(searched(search, tmp_path / "tuning.db", 11)) == told(whole)[:11]
    assert told(searched(search, tmp_path / "tuning.db", 13)) == told(whole)


def test_as_many_trials_as_there_are_fit_nothing_again(search: Search, whole: Tuning) -> None:
    Blurred.fitted.clear()
    tuning = searched(search, whole.database, 5)
    assert Blurred.fitted == []
    best = tuning.best()
    assert best is not None
    scored = tuning.scored(best, quiet)
    assert len(Blurred.fitted) == 3
    assert tuning.scored(best, quiet) is scored


def test_hopeless_trials_are_given_up_before_the_last_fold(whole: Tuning) -> None:
    pruned = [trial for trial in whole.trials() if trial.state == "pruned"]
    assert pruned
    assert all(len(trial.by_fold) < 3 and trial.value is None for trial in pruned)


def test_what_cannot_be_fitted_counts_as_a_trial_and_says_why(search: Search, tmp_path: Path) -> None:
    spans = {"blur": Span(low=8.5, high=9000.0)}  # widened to the book's own 1.0
    tuning = searched(replace(search, spans=spans), tmp_path / "tuning.db", 3)
    assert [trial.state for trial in tuning.trials()] == ["complete", "failed", "failed"]
    assert tuning.trials()[1].reason == "too much of a blur"
    best = tuning.best()
    assert best is not None
    assert best.own


def test_no_more_begins_after_the_time_is_up(search: Search, tmp_path: Path) -> None:
    tuning = Tuning(search, tmp_path / "tuning.db", "a")
    tuning.run(5, quiet, seconds=0.0)
    assert tuning.trials() == []
    assert tuning.best() is None


def test_another_study_is_left_alone_and_named(search: Search, tmp_path: Path) -> None:
    first = searched(search, tmp_path / "tuning.db", 2, name="first")
    second = searched(search, tmp_path / "tuning.db", 1, name="second")
    assert (len(first.trials()), len(second.trials())) == (2, 1)
    assert second.other_studies() == ["first"]


def test_auc_is_looked_for_upwards(search: Search, tmp_path: Path) -> None:
    tuning = searched(replace(search, objective="roc_auc"), tmp_path / "tuning.db", 4)
    best = tuning.best()
    assert best is not None
    assert best.value == max(trial.value for trial in tuning.trials() if trial.value is not None)


def test_what_mattered_is_told_or_why_not(search: Search, whole: Tuning, tmp_path: Path) -> None:
    lone = searched(search, tmp_path / "tuning.db", 1)
    assert lone.importance() == (None, "1 complete trials, 0 parameters that vary among them")
    shares, why = whole.importance()
    assert why is None
    assert shares is not None
    assert next(iter(shares)) == "blur"


def test_a_range_for_an_unknown_parameter_is_told_before_any_trial(search: Search, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="unknown parameter"):
        Tuning(replace(search, spans={"haze": Span(low=0, high=1)}), tmp_path / "tuning.db", "a")
    with pytest.raises(BadUsage, match="no parameter of blurred is searched"):
        Tuning(replace(search, spans={}), tmp_path / "tuning.db", "a")


def test_a_damaged_file_of_studies_is_told(search: Search, tmp_path: Path) -> None:
    (tmp_path / "tuning.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(BrokenFile, match="studies cannot be used"):
        Tuning(search, tmp_path / "tuning.db", "a")


@pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
def test_every_range_that_comes_along_is_of_a_parameter_of_its_estimator(estimator: str) -> None:
    assert estimator in SPANS
    for name, span in Settings().spans_of(estimator).items():
        for end in (span.low, span.high):
            ESTIMATORS[estimator].settings({name: int(end) if span.whole else end})


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ({"low": 2, "high": 1}, "low must not lie above high"),
        ({"low": 0, "high": 1, "log": True}, "log needs a low above 0"),
        ({"low": 0.5, "high": 1, "whole": True}, "whole needs whole numbers"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(span: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Span(**span)


def test_a_trial_is_plain_json() -> None:
    trial = Trial(0, "complete", 0.5, {"blur": 1.0}, (0.6, 0.5), True, None)
    assert trial.as_json()["by_fold"] == [0.6, 0.5]
