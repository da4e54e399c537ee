"""Searching an estimator's parameters: an Optuna study in a SQLite file, each trial judged fold by fold.

A trial depends on the seed, its place and the finished trials before it: a study that was interrupted and goes on makes
the trials that it would have made.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BadData, BadUsage, BrokenFile, CreditRiskError
from creditrisk.modelling.calibration import Platt
from creditrisk.modelling.choose_calibration import cross_fitted
from creditrisk.modelling.estimators import Estimator, Learning
from creditrisk.modelling.out_of_fold import Development, FoldFit, Progress, out_of_fold_margins
from creditrisk.stats import log_loss, roc_auc

if TYPE_CHECKING:
    import optuna

    from creditrisk.config.tuning import Span

type Floats = NDArray[np.float64]
type Objective = Literal["log_loss", "roc_auc"]

DIRECTION = {"log_loss": "minimize", "roc_auc": "maximize"}
RANDOM_TRIALS = 10
"""Before the sampler learns from what it has seen."""
SURE_TRIALS = 4
"""Complete trials before one is given up for being worse than their median after as many folds."""

OWN = "own"
REASON = "reason"

CANNOT_BE_FITTED = (CreditRiskError, ArithmeticError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Search:
    """What is searched, and on which rows. learning: the book's own, with its parameters for this estimator."""

    kind: type[Estimator]
    rows: Development
    learning: Learning
    spans: Mapping[str, Span]
    objective: Objective
    seed: int

    @property
    def own(self) -> dict[str, Any]:
        """Every parameter as the book has it, the estimator's defaults among them."""
        return self.kind.settings(self.learning.parameters)


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of parameters. by_fold: the objective over the rows of the first fold, of the first two, and so on."""

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    parameters: dict[str, int | float]
    by_fold: tuple[float, ...]
    own: bool
    reason: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "state": self.state,
            "value": self.value,
            "parameters": self.parameters,
            "by_fold": list(self.by_fold),
            "own": self.own,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Scored:
    """Out-of-fold margins of one set of parameters, shape (n,), rows sorted by key."""

    margins: Floats
    folds: tuple[FoldFit, ...]


class Tuning:
    """One study. What is finished is in its file; margins of this run's first and best trial are at hand."""

    def __init__(self, search: Search, database: Path, name: str) -> None:
        """Raises BadConfig for a parameter that the estimator does not have, BrokenFile for a damaged database."""
        if not search.spans:
            raise BadUsage(
                f"no parameter of {search.kind.name} is searched", hint="give ranges: training.tuning.spans in the book"
            )
        _need_known(search)
        self.search = search
        self.database = database
        self.name = name
        self.kept: dict[int, Scored] = {}
        with quiet_optuna(), told_database(database):
            import optuna

            database.parent.mkdir(parents=True, exist_ok=True)
            self.study = optuna.create_study(
                study_name=name,
                storage=f"sqlite:///{database.resolve()}",
                direction=DIRECTION[search.objective],
                pruner=optuna.pruners.MedianPruner(n_startup_trials=SURE_TRIALS),
                load_if_exists=True,
            )
            # Nobody else is at work on this book: what still runs was killed. It is made again, from the start.
            for dead in self.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
                self.study.tell(dead.number, state=optuna.trial.TrialState.FAIL)

    def other_studies(self) -> list[str]:
        """Names of the studies of other rows or settings in the same file."""
        with quiet_optuna(), told_database(self.database):
            import optuna

            names = optuna.get_all_study_names(f"sqlite:///{self.database.resolve()}")
        return sorted(set(names) - {self.name})

    def run(self, trials: int, progress: Progress, *, seconds: float | None = None) -> None:
        """Until there are so many trials, or no further one may begin; the first one is the book's own parameters."""
        begun = time.monotonic()
        while (done := len(self._finished())) < trials:
            if seconds is not None and time.monotonic() - begun >= seconds:
                break
            with quiet_optuna(), told_database(self.database):
                self._next(done, lambda what, share, done=done: progress(  # type: ignore[misc]
                    f"trial {done + 1} of {trials}: {what}", (done + share) / trials))  # fmt: skip

    def trials(self) -> list[Trial]:
        """Numbered as they were finished; trials that were interrupted are not among them."""
        return [_told(number, trial) for number, trial in enumerate(self._finished())]

    def best(self) -> Trial | None:
        """The first of the best; None while no trial is complete."""
        sign = 1.0 if self.search.objective == "log_loss" else -1.0
        complete = [trial for trial in self.trials() if trial.state == "complete" and trial.value is not None]
        return min(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)

    def scored(self, trial: Trial, progress: Progress) -> Scored:
        """The trial's margins: from this run where they were made in it, else made again, to the same bits."""
        if trial.number not in self.kept:
            self.kept[trial.number] = _score(self.search, trial.parameters, progress)
        return self.kept[trial.number]

    def importance(self) -> tuple[dict[str, float] | None, str | None]:
        """Share of each parameter in what parted good trials from bad, largest first; or None and why."""
        with quiet_optuna(), told_database(self.database):
            import optuna

            complete = [trial for trial in self.trials() if trial.state == "complete"]
            varied = [name for name in self.search.spans if len({t.parameters.get(name) for t in complete}) > 1]
            if len(complete) < 2 or not varied:
                return None, f"{len(complete)} complete trials, {len(varied)} parameters that vary among them"
            try:
                evaluator = optuna.importance.PedAnovaImportanceEvaluator()
                found = optuna.importance.get_param_importances(self.study, evaluator=evaluator, params=varied)
            except (RuntimeError, ValueError, ZeroDivisionError) as error:
                return None, str(error)
        shares = {name: float(share) for name, share in found.items()}
        if not all(np.isfinite(list(shares.values()))):
            return None, "the trials do not differ enough"
        return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0]))), None

    def _finished(self) -> list[optuna.trial.FrozenTrial]:
        from optuna.trial import TrialState

        with quiet_optuna(), told_database(self.database):
            every = self.study.get_trials(deepcopy=False)
        done = (TrialState.COMPLETE, TrialState.PRUNED)
        return [trial for trial in every if trial.state in done or REASON in trial.user_attrs]

    def _next(self, done: int, progress: Progress) -> None:
        import optuna

        if done == 0:
            self._try_own(progress)
            return
        # A sampler of its own for each trial: its draws do not depend on how many were made before an interruption.
        self.study.sampler = optuna.samplers.TPESampler(seed=self.search.seed + done, n_startup_trials=RANDOM_TRIALS)
        trial = self.study.ask(fixed_distributions=_distributions(self.search))

        def after_fold(value: float, folds: int) -> None:
            trial.report(value, folds)
            if folds < len(self.search.rows.folds) and trial.should_prune():
                raise optuna.TrialPruned

        try:
            scored = _score(self.search, _rounded(trial.params), progress, after_fold)
            value = _value(self.search, scored.margins)
        except optuna.TrialPruned:
            self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        except CANNOT_BE_FITTED as error:
            trial.set_user_attr(REASON, error.what if isinstance(error, CreditRiskError) else str(error)[:300])
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(trial, value)
            self._keep(done, scored)

    def _try_own(self, progress: Progress) -> None:
        """The book's own parameters, as a trial that the sampler learns from. Raises what training raises."""
        import optuna

        by_fold: dict[int, float] = {}
        scored = _score(self.search, {}, progress, lambda value, folds: by_fold.update({folds: value}))
        distributions = _distributions(self.search)
        inside = {name: spread for name, spread in distributions.items() if _holds(spread, self.search.own.get(name))}
        self.study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.COMPLETE,
                value=_value(self.search, scored.margins),
                params={name: self.search.own[name] for name in inside},
                distributions=inside,
                user_attrs={OWN: True},
                intermediate_values=by_fold,
            )
        )
        self.kept[0] = scored

    def _keep(self, number: int, scored: Scored) -> None:
        best = self.best()
        if best is not None and best.number == number:
            self.kept = {kept: value for kept, value in self.kept.items() if kept == 0} | {number: scored}


def _score(
    search: Search,
    parameters: Mapping[str, Any],
    progress: Progress,
    after_fold: Callable[[float, int], None] | None = None,
) -> Scored:
    learning = replace(search.learning, parameters={**search.learning.parameters, **parameters})

    def told(folds: int, margins: Floats, done: NDArray[np.bool_]) -> None:
        if after_fold:
            after_fold(_value_so_far(search, margins[done], search.rows.target[done]), folds)

    margins, fits = out_of_fold_margins(search.rows, search.kind, learning, progress, told)
    return Scored(margins, tuple(fits))


def _value(search: Search, margins: Floats) -> float:
    """Over all rows, each calibrated by a Platt line that never saw its fold."""
    return _figure(search, cross_fitted(Platt.method, margins, search.rows), search.rows.target)


def _value_so_far(search: Search, margins: Floats, target: Floats) -> float:
    """Over the rows of the folds that are done. Two numbers fitted on the rows they are judged by flatter nobody."""
    return _figure(search, Platt.fit(margins, target)(margins), target)


def _figure(search: Search, pd: Floats, target: Floats) -> float:
    value = roc_auc(target, pd) if search.objective == "roc_auc" else log_loss(target, pd)
    if not np.isfinite(value):
        raise BadData("the margins are not finite numbers", where="tuning")
    return value


def _need_known(search: Search) -> None:
    for name, span in search.spans.items():
        for end in (span.low, span.high):
            search.kind.settings({**search.learning.parameters, name: int(end) if span.whole else end})


def _distributions(search: Search) -> dict[str, Any]:
    """Each parameter's range, widened to hold the book's own value where that is a number the range can take in."""
    from optuna.distributions import FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for name, span in search.spans.items():
        own = search.own.get(name)
        takes_in = isinstance(own, int | float) and not isinstance(own, bool) and (own > 0 or not span.log)
        low, high = (min(span.low, own), max(span.high, own)) if takes_in and own is not None else (span.low, span.high)
        if span.whole:
            found[name] = IntDistribution(int(low), int(high), log=span.log)
        else:
            found[name] = FloatDistribution(low, high, log=span.log)
    return found


def _holds(distribution: Any, value: Any) -> bool:
    return isinstance(value, int | float) and distribution.low <= value <= distribution.high


def _rounded(parameters: Mapping[str, Any]) -> dict[str, int | float]:
    """Four digits are enough for a parameter, and can be read and pasted."""
    return {name: value if isinstance(value, int) else float(f"{value:.4g}") for name, value in parameters.items()}


def _told(number: int, trial: optuna.trial.FrozenTrial) -> Trial:
    own = bool(trial.user_attrs.get(OWN))
    state: Literal["complete", "pruned", "failed"] = (
        "failed" if REASON in trial.user_attrs else "pruned" if trial.state.name == "PRUNED" else "complete"
    )
    return Trial(
        number=number,
        state=state,
        value=float(trial.values[0]) if state == "complete" and trial.values else None,
        parameters=dict(trial.params) if own else _rounded(trial.params),
        by_fold=tuple(trial.intermediate_values[step] for step in sorted(trial.intermediate_values)),
        own=own,
        reason=trial.user_attrs.get(REASON),
    )


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Optuna tells of every trial, and warns of its own classes: neither is for the reader of a progress bar."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import optuna

        optuna.logging.set_verbosity(optuna.logging.CRITICAL)
        yield


@contextmanager
def told_database(database: Path) -> Iterator[None]:
    """Raises BrokenFile where the file is not a database that Optuna can use."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DatabaseError

    try:
        yield
    except (DatabaseError, StorageInternalError) as error:
        first = next(iter(str(error).splitlines()), "")[:200]
        raise BrokenFile(
            f"the file of studies cannot be used: {first}",
            where=str(database),
            hint="move it away; a new one is begun without it",
        ) from error
