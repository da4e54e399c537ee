"""What the features tell of the attributes that may not decide: looked at before training and again in its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import Policy
from creditrisk.errors import Refused
from creditrisk.modelling import Preprocess
from creditrisk.modelling.proxies import LIMIT, Group, Rebuilt, Screen, Values, groups_of, screen
from creditrisk.pipelines.context import Context


@dataclass(frozen=True)
class Screened:
    """values: shape (n, features), the development rows sorted by key.  left_out: groups too small to be among them."""

    values: Values
    groups: list[Group]
    left_out: int
    screen: Screen


def screened(context: Context, development: pa.Table, features: Sequence[str]) -> Screened | None:
    """The features against each prohibited column of audit.parquet; None when the book prohibits none that is there."""
    key, prohibited = context.book.key, [barred.column for barred in context.book.portfolio.policy.prohibited]
    if not prohibited or not context.folder.audit_table.is_file():
        return None
    audit = pq.read_table(context.folder.audit_table)
    development = development.sort_by(key)
    places = pc.index_in(development[key], value_set=audit[key].combine_chunks())
    groups, left_out = groups_of(audit.take(places), prohibited)
    preprocess = Preprocess.fit(development, features)
    values = preprocess.matrix(development).values
    return Screened(values, groups, left_out, screen(values, preprocess.features, groups))


def is_released(found: Rebuilt, policy: Policy) -> bool:
    return any(set(release.features) == set(found.features) for release in policy.released)


def refuse_rebuilders(context: Context, development: pa.Table, features: Sequence[str]) -> None:
    """Raises Refused when a feature, or two, rebuild a prohibited attribute and nobody answers for it by name."""
    told = screened(context, development, features)
    policy = context.book.portfolio.policy
    found = [one for one in told.screen.found if not is_released(one, policy)] if told else []
    if not found:
        return
    names = [" and ".join(one.features) for one in found]
    first = max(found, key=lambda one: one.auc)
    how = {"alone": "", "sum": "the sum of ", "difference": "the difference of "}[first.how]
    others = sorted(set(names) - {" and ".join(first.features)})
    more = f"; so do {', '.join(others[:5])}" + (" and others" if len(others) > 5 else "") if others else ""
    raise Refused(
        f"{how}{' and '.join(first.features)} tells {first.column} = {first.label} with an AUC of {first.auc:.2f}, "
        f"above {LIMIT}{more}",
        where="portfolio.yaml, policy",
        hint="take it out of the book's last SQL file, or name it under policy.released with who answers and why",
    )
