"""What a bundle knows about deciding: cut-offs, grades, points, and the words for reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BadConfig, BrokenFile

if TYPE_CHECKING:
    from creditrisk.config import Decision, Policy, Reasons
    from creditrisk.modelling.peers import Proofs

type Floats = NDArray[np.float64]

NOTHING_KEPT = "the bundle keeps nothing to prove reasons with"
DIRECTIONS = {"pd_rises": 1, "pd_falls": -1}


@dataclass(frozen=True, slots=True)
class CutOff:
    """Decline at or above one PD, refer at or above a lower one."""

    decline_from_pd: float
    refer_from_pd: float
    cost_per_application: float | None = None
    """On the rows it was chosen on, in the book's cost units; None when the book gives the cut-off outright."""


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """Features that tell an applicant one thing, and what it tells.

    usual: mean contribution of the group to the margin among approved development rows.
    shared: features that it tells together with other groups; each gets an equal part of their contribution.
    inquiries: about how often lenders asked for the credit report.
    factors: the raw columns that stand for it, by table; what a proof replaces. Empty when proofs are not possible.
    """

    code: str
    text: str
    features: tuple[str, ...]
    usual: float = 0.0
    shared: tuple[str, ...] = ()
    inquiries: bool = False
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnockOut:
    """A rule that declines whatever the PD: a feature at or above, at or below, equal to a word, or missing."""

    code: str
    text: str
    feature: str
    at_least: float | None = None
    at_most: float | None = None
    equals: str | float | bool | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class ChangeableColumn:
    """A raw column of the main table that an applicant can change. direction: up, down or either.

    steps: its development values at even shares, rising; what a counterfactual tries.
    """

    column: str
    direction: str
    steps: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """Everything between a PD and an answer. grades: (name, PD below which it is given), best first."""

    cut_off: CutOff
    grades: tuple[tuple[str, float], ...]
    base_points: float
    base_odds: float
    points_to_double_odds: float
    max_reasons: int
    reasons: tuple[ReasonWords, ...] = ()
    directions: Mapping[str, int] = field(default_factory=dict)
    knock_out: tuple[KnockOut, ...] = ()
    unproved: str | None = NOTHING_KEPT
    """Why no reason of this model can be proved; None when they can."""
    changeable: tuple[ChangeableColumn, ...] = ()

    def with_proofs(self, proofs: Proofs) -> Self:
        """The same policy, with the raw columns behind each reason and the steps of what can be changed."""
        factors = {code: {t: tuple(of) for t, of in sorted(one.items())} for code, one in proofs.factors.items()}
        return replace(
            self,
            reasons=tuple(replace(words, factors=factors.get(words.code, {})) for words in self.reasons),
            changeable=tuple(
                replace(one, steps=tuple(proofs.quantiles.get(one.column, ()))) for one in self.changeable
            ),
            unproved=proofs.unproved,
        )

    def members(self, names: Sequence[str]) -> list[list[tuple[int, float]]]:
        """For each reason group, its features' places among `names` and which part of each is the group's."""
        place = {name: column for column, name in enumerate(names)}
        tellers = Counter(name for words in self.reasons for name in words.shared)
        return [
            [(place[name], 1.0) for name in words.features]
            + [(place[name], 1.0 / tellers[name]) for name in words.shared]
            for words in self.reasons
        ]

    @property
    def grade_names(self) -> list[str]:
        """Best first."""
        return [name for name, _ in self.grades]

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        return {
            **value,
            "grades": [[name, limit] for name, limit in self.grades],
            "reasons": [
                {
                    **reason,
                    "features": list(reason["features"]),
                    "shared": list(reason["shared"]),
                    "factors": {table: list(columns) for table, columns in reason["factors"].items()},
                }
                for reason in value["reasons"]
            ],
            "directions": dict(self.directions),
            "knock_out": list(value["knock_out"]),
            "changeable": [{**one, "steps": list(one["steps"])} for one in value["changeable"]],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises BrokenFile for anything `to_json` does not write."""
        try:
            return cls(
                cut_off=CutOff(**value["cut_off"]),
                grades=tuple((str(name), float(limit)) for name, limit in value["grades"]),
                base_points=float(value["base_points"]),
                base_odds=float(value["base_odds"]),
                points_to_double_odds=float(value["points_to_double_odds"]),
                max_reasons=int(value["max_reasons"]),
                reasons=tuple(_reason_words(one) for one in value["reasons"]),
                directions={str(name): int(sign) for name, sign in value["directions"].items()},
                knock_out=tuple(KnockOut(**one) for one in value.get("knock_out", ())),
                changeable=tuple(
                    ChangeableColumn(one["column"], one["direction"], tuple(map(float, one["steps"])))
                    for one in value.get("changeable", ())
                ),
                unproved=value.get("unproved", NOTHING_KEPT),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BrokenFile(f"not a decision policy: {error!r}", where="policy.json") from error


def _reason_words(one: Mapping[str, Any]) -> ReasonWords:
    return ReasonWords(
        one["code"],
        one["text"],
        tuple(one["features"]),
        float(one["usual"]),
        tuple(one.get("shared", ())),
        bool(one.get("inquiries", False)),
        {str(table): tuple(columns) for table, columns in one.get("factors", {}).items()},
    )


def choose_cut_off(pd: Floats, target: Floats, decision: Decision) -> CutOff:
    """The book's own cut-off, or the one that would have cost least on these rows.

    pd: cross-fitted, shape (n,).  target: shape (n,), 1 = bad.
    Cost: `cost_of_bad` for each bad below the cut-off, `cost_of_refused_good` for each good at or above it. Among equal
    costs the highest cut-off, which refuses the fewest.
    """
    share = decision.refer_from_share_of_cut_off.value
    if decision.decline_from_pd is not None:
        return CutOff(decision.decline_from_pd.value, share * decision.decline_from_pd.value)
    if decision.cost_of_bad is None or decision.cost_of_refused_good is None:
        raise BadConfig("neither a cut-off nor both costs are given", where="portfolio.yaml, decision")
    order = np.argsort(pd, kind="stable")
    ordered, bad = pd[order], target[order]
    first_of_tie = np.flatnonzero(np.diff(ordered, prepend=-np.inf))
    bads_below = np.append((np.cumsum(bad) - bad)[first_of_tie], np.sum(bad))
    goods_below = np.append((np.cumsum(1.0 - bad) - (1.0 - bad))[first_of_tie], np.sum(1.0 - bad))
    candidates = np.append(ordered[first_of_tie], 1.0)
    goods_refused = goods_below[-1] - goods_below
    costs = decision.cost_of_bad.value * bads_below + decision.cost_of_refused_good.value * goods_refused
    best = int(np.flatnonzero(costs == np.min(costs))[-1])
    return CutOff(float(candidates[best]), share * float(candidates[best]), float(costs[best]) / len(pd))


def decision_policy(
    cut_off: CutOff, decision: Decision, directions: Mapping[str, int], reasons: Sequence[ReasonWords]
) -> DecisionPolicy:
    return DecisionPolicy(
        cut_off=cut_off,
        grades=tuple(decision.grades.items()),
        base_points=decision.scaling.base_points,
        base_odds=decision.scaling.base_odds,
        points_to_double_odds=decision.scaling.points_to_double_odds,
        max_reasons=decision.max_reasons,
        reasons=tuple(reasons),
        directions=dict(directions),
        knock_out=tuple(
            KnockOut(one.code, one.text, one.feature, one.at_least, one.at_most, one.equals, bool(one.missing))
            for one in decision.knock_out
        ),
        changeable=tuple(ChangeableColumn(name, one.direction) for name, one in decision.changeable.items()),
    )


def directions_of(policy: Policy, features: Sequence[str]) -> dict[str, int]:
    """{feature: 1 or -1} for the directed features among these; a preset need not make all that the policy directs."""
    return {name: DIRECTIONS[way] for name, way in policy.monotone.items() if name in set(features)}


def words_for(features: Sequence[str], reasons: Reasons) -> tuple[ReasonWords, ...]:
    """The reason groups of these features, by code; groups without a feature here are left out.

    Raises BadConfig, naming the features, when one has no words, or the words of two groups.
    """
    unclear = [feature for feature in features if not reasons.is_clear(feature)]
    if unclear:
        shown = ", ".join(unclear[:5]) + (f" … ({len(unclear)} in all)" if len(unclear) > 5 else "")
        raise BadConfig(
            f"no words, or the words of two groups, for {shown}",
            where="reasons.yaml",
            hint="list each in exactly one group, by name or by a pattern such as bureau_*, or once under shared",
        )
    alone: dict[str, list[str]] = {}
    together: dict[str, list[str]] = {}
    for feature in features:
        codes = reasons.codes_of(feature)
        for code in codes:
            (alone if len(codes) == 1 else together).setdefault(code, []).append(feature)
    return tuple(
        ReasonWords(
            code,
            reasons.groups[code].text,
            tuple(alone.get(code, ())),
            shared=tuple(together.get(code, ())),
            inquiries=reasons.groups[code].inquiries,
        )
        for code in sorted({*alone, *together})
    )
