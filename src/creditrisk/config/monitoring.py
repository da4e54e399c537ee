"""What is watched once a model decides, when it alarms, and when it is learnt anew: `monitoring:` in portfolio.yaml."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from creditrisk.config.outcomes import Outcomes
from creditrisk.config.strict import Limit, OpenShare, Strict
from creditrisk.ports import Urgency

Days = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Alarm(Strict):
    """A shift is told when it is larger than `limit` in `periods` of the last `of` periods and not there by chance."""

    watched: bool = True
    """False: nobody is told of it."""
    limit: Limit
    """From which size on a shift matters."""
    periods: Annotated[int, Field(ge=1)] = 2
    """In how many of the last `of` periods the shift must be larger than the limit."""
    of: Annotated[int, Field(ge=1, le=60)] = 3
    """The last periods that are looked at together."""
    severity: Urgency = "warning"
    """How urgent it is to whoever is told."""
    owner: str | None = None
    """Who must act; empty = the owner of all alarms."""
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Its part of `false_alarm_max`, against those of the other alarms: more finds smaller shifts sooner."""

    @model_validator(mode="after")
    def _can_happen(self) -> Self:
        if self.periods > self.of:
            raise ValueError(f"{self.periods} of the last {self.of} periods can never be; periods is at most of")
        return self


class ScoreAlarm(Alarm):
    limit: Limit = Limit(value=0.04, because="a PSI of 0.04 is a shift of all scores by a fifth of their deviation")
    """PSI of the scores against the development rows, beyond what chance brings on average."""
    severity: Urgency = "critical"
    """How urgent it is to whoever is told."""


class ApprovalAlarm(Alarm):
    limit: Limit = Limit(value=0.05, because="five applicants in a hundred more or less is another volume of business")
    """How far the share of approvals may lie from the development rows', in [0, 1]."""
    severity: Urgency = "critical"
    """How urgent it is to whoever is told."""


class DecisionsAlarm(Alarm):
    limit: Limit = Limit(value=0.05, because="a PSI of 0.05 moves one decision in ten to another answer")
    """PSI of the mix of approve, refer and decline, beyond what chance brings on average."""
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.5
    """Its part of `false_alarm_max`, against those of the other alarms."""


class FeaturesAlarm(Alarm):
    limit: Limit = Limit(value=0.05, because="a PSI of 0.05 is a shift by a quarter of the feature's deviation")
    """PSI of a main feature against the development rows, beyond what chance brings on average."""
    most: Annotated[int, Field(ge=1)] = 20
    """How many features are watched: those that weigh most in the model, and share the weight by it."""
    also: tuple[str, ...] = ()
    """Features that are watched whatever they weigh."""
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    """Its part of `false_alarm_max`, against those of the other alarms; all features together."""


class MissingAlarm(Alarm):
    limit: Limit = Limit(value=0.1, because="where ten more rows in a hundred know nothing, a feed is broken")
    """How far the share of missing values of a table's columns may move either way, in [0, 1]."""
    severity: Urgency = "critical"
    """How urgent it is to whoever is told."""


class NewCategoriesAlarm(Alarm):
    limit: Limit = Limit(
        value=0.005, because="the model reads a word it never saw as missing; one row in 200 is a cause"
    )
    """Share of rows whose word the model never saw, beyond the development rows', in [0, 1]."""


class CalibrationAlarm(Alarm):
    limit: Limit = Limit(
        value=0.1, because="provisions and prices follow the PD; a tenth of it is a decision of people"
    )
    """How far observed bads over the sum of the PDs may lie from 1, on outcomes that are known."""
    severity: Urgency = "critical"
    """How urgent it is to whoever is told."""
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30.0
    """Its part of `false_alarm_max`: the most, for defaults are few and everything else moves thousands of rows."""


class SlowCalibrationAlarm(CalibrationAlarm):
    """The same over a year, for small books and slow changes."""

    periods: Annotated[int, Field(ge=1)] = 6
    """In how many of the last `of` periods the shift must be larger than the limit."""
    of: Annotated[int, Field(ge=1, le=60)] = 12
    """The last periods that are looked at together."""
    severity: Urgency = "warning"
    """How urgent it is to whoever is told."""
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    """Its part of `false_alarm_max`, against those of the other alarms."""


class Alarms(Strict):
    """What is watched and from when somebody is told; docs/alarms.md says why these are few and true."""

    false_alarm_max: OpenShare = 0.05
    """How likely any alarm at all is, at most, while a stable model lives its life: all alarms of the book together."""
    life_months: Annotated[int, Field(ge=1, le=600)] = 60
    """How long a model lives; the false alarms are shared evenly over it."""
    rows_min: Annotated[int, Field(ge=1)] = 30
    """Rows, or known outcomes, that a period needs to count among those with a shift."""
    owner: str | None = None
    """Who must act on an alarm that names nobody; empty = the owner in `document:`."""
    score: ScoreAlarm = ScoreAlarm()
    """The scores as a whole."""
    approval: ApprovalAlarm = ApprovalAlarm()
    """The share of applications that is approved."""
    decisions: DecisionsAlarm = DecisionsAlarm()
    """The mix of the three answers."""
    features: FeaturesAlarm = FeaturesAlarm()
    """The main features, each by itself."""
    missing: MissingAlarm = MissingAlarm()
    """Missing values by source table: a feed that died."""
    new_categories: NewCategoriesAlarm = NewCategoriesAlarm()
    """Words that the model has not seen."""
    calibration: CalibrationAlarm = CalibrationAlarm()
    """PDs against outcomes, over a quarter."""
    calibration_slow: SlowCalibrationAlarm = SlowCalibrationAlarm()
    """PDs against outcomes, over a year."""


class Overdue(Strict):
    """After how many days without a run a stage is overdue; empty = never."""

    ingest: Days | None = None
    """A new ingestion that was accepted."""
    train: Days | None = None
    """A training."""
    production: Days | None = 40
    """`creditrisk monitor production`: a month and some days."""
    outcomes: Days | None = 40
    """`creditrisk monitor outcomes`."""


AutoRetrain = Annotated[
    Literal["off", "propose", "run"],
    BeforeValidator(lambda value: "off" if value is False else value),  # YAML reads a plain `off` as false
]


class Monitoring(Strict):
    """What is watched once the model decides."""

    max_age_hours: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How long ago the source may last have changed a table; empty = no table is called fresh or stale."""
    outcomes: Outcomes = Outcomes()
    """What later happened to loans, and when it is known."""
    alarms: Alarms = Alarms()
    """What is watched, from which limits on, and who is told."""
    overdue_days: Overdue = Overdue()
    """When a stage should have run again."""
    auto_retrain: AutoRetrain = "propose"
    """`off`, `propose` that the model be learnt anew, or `run` the stages to a candidate; never to production."""
    cool_down_days: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 90
    """After a retrain trigger began or ended there is no other for so many days."""
    data_age_max_days: Days | None = 730
    """How long ago the model may have been trained: since then newer loans have become known; empty = any age."""
    auc_fall_max: Limit = Limit(
        value=0.03, because="three points of AUC less is what a new model is worth its work for"
    )
    """How far the AUC on known outcomes may fall below the development figure, surely."""
