"""Should the model be learnt anew, and why: drift, calibration, performance, age of the data, a changed policy.

A pure function of what is known; what has not been looked at is told as such and is no reason either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

DRIFT_KINDS = ("score", "approval", "decisions", "features", "new_categories")
"""A dead feed is not among them: it is mended, not learnt; and while one is dead, what else moves may be its doing."""
CALIBRATION_KINDS = ("calibration", "calibration_slow")

type Cause = Literal["drift", "calibration", "performance", "age", "policy"]
type Action = Literal["none", "wait", "propose", "run"]


@dataclass(frozen=True, slots=True)
class Considered:
    """One cause. holds: None where it cannot be told; `why` says so or gives the figures."""

    cause: Cause
    holds: bool | None
    why: str
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """One that is open, or was. ended: when another model took over or somebody closed it."""

    id: str
    opened: datetime
    bundle_sha256: str
    ended: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.ended is None


@dataclass(frozen=True, slots=True)
class Decided:
    """action: `wait` = there are reasons, and an open trigger or the cool-down forbids another."""

    action: Action
    reasons: Sequence[Considered]
    considered: Sequence[Considered]
    waiting_for: str | None
    cool_down_until: datetime | None

    def as_json(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "reasons": [asdict(one) for one in self.reasons],
            "considered": [asdict(one) for one in self.considered],
            "waiting_for": self.waiting_for,
            "cool_down_until": None if self.cool_down_until is None else self.cool_down_until.isoformat(),
        }


def decide(
    considered: Sequence[Considered],
    triggers: Sequence[Trigger],
    *,
    mode: Literal["off", "propose", "run"],
    cool_down_days: float,
    now: datetime,
) -> Decided:
    """What to do today. triggers: of this book, oldest first."""
    reasons = [one for one in considered if one.holds]
    last = max((one.ended or one.opened for one in triggers), default=None)
    until = None if last is None else last + timedelta(days=cool_down_days)
    cooling = until is not None and now < until
    begun = next((one for one in reversed(triggers) if one.is_open), None)
    waiting = None
    if begun is not None:
        since = f"{begun.opened:%Y-%m-%d}"
        waiting = f"trigger {begun.id} is open since {since}: another model in production ends it, or --close"
    elif cooling:
        waiting = f"the cool-down of {cool_down_days:g} days ends on {until:%Y-%m-%d}"
    action: Action = "none"
    if reasons and mode != "off":
        action = "wait" if waiting else mode
    return Decided(action, reasons, considered, waiting if reasons else None, until if cooling else None)


def from_alarms(alarms: Iterable[Mapping[str, Any]] | None, cause: Cause, kinds: Sequence[str]) -> Considered:
    """alarms: the open ones of alarms.json; None where nobody looked."""
    if alarms is None:
        return Considered(cause, None, "nobody looked: creditrisk monitor alarms comes first")
    dead = [one["of"] for one in alarms if one["kind"] == "missing"]
    if dead and cause == "drift":
        return Considered(cause, None, f"the feed of {', '.join(dead)} is broken: mend it first, then see what is left")
    found = [one for one in alarms if one["kind"] in kinds and one["severity"] != "info"]
    if not found:
        return Considered(cause, False, "no alarm is open")
    words = "; ".join(one["what"] for one in found[:3]) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")
    return Considered(cause, True, words, min(one["since"] for one in found))


def from_performance(difference: Mapping[str, float] | None, *, fall_max: float, unknown: str) -> Considered:
    """difference: AUC on known outcomes less the development figure, {difference, low, high} as `against` tells it.

    None where there is none, and `unknown` says why.
    """
    if difference is None:
        return Considered("performance", None, unknown)
    words = (
        f"the AUC changed by {difference['difference']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f})"
    )
    surely = difference["high"] < -fall_max
    return Considered(
        "performance", surely, f"{words}, {'surely' if surely else 'not surely'} by -{fall_max:g} or more"
    )


def from_age(trained: datetime | None, *, days_max: float | None, what: str, now: datetime) -> Considered:
    """trained: when.  what: in words, which time that is."""
    if days_max is None:
        return Considered("age", False, "the book sets no limit")
    if trained is None:
        return Considered("age", None, "it is not known when the model was trained")
    until = trained + timedelta(days=days_max)
    words = f"{what} {trained:%Y-%m-%d}, good for {days_max:g} days: until {until:%Y-%m-%d}"
    return Considered("age", now > until, words, f"{until:%Y-%m-%d}" if now > until else None)


def from_policy(changed: Sequence[str], read_and_barred: Sequence[str]) -> Considered:
    """changed: parts of the book that differ from the model's.  read_and_barred: columns it reads and no longer may."""
    if read_and_barred:
        columns = ", ".join(read_and_barred[:5])
        return Considered("policy", True, f"the policy forbids columns that the model reads: {columns}")
    if changed:
        return Considered("policy", True, f"the book has changed since the model was made: {', '.join(changed)}")
    return Considered("policy", False, "the book says what it said when the model was made")
