"""An alarm in words: what moved, how it changes the portfolio, and what to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from creditrisk.monitoring.alarms import Rung
from creditrisk.monitoring.counts import FEATURE
from creditrisk.monitoring.portfolio_change import PortfolioChange


def what_moved(alarm: Rung) -> str:
    """In one sentence, with the figures that made it ring."""
    told = alarm.figures
    if alarm.kind in ("score", "features", "decisions"):
        of = {"score": "the scores", "decisions": "the mix of answers"}.get(alarm.kind, _plain(alarm.what))
        return f"{of} moved: PSI {told['size']:.3g} beyond chance against the development rows"
    if alarm.kind == "approval":
        return f"the approval rate {_rose(told)} from {_percent(told['before'])} to {_percent(told['now'])}"
    if alarm.kind == "missing":
        first = _plain(told["columns"][0]) if told["columns"] else alarm.what
        others = f", and {more} more of its columns" if (more := told["columns_moved"] - 1) > 0 else ""
        went = "missing" if told["now"] > told["before"] else "filled"
        return (
            f"{alarm.what}: values are {went} more often than they were: {first} is empty in "
            f"{_percent(told['now'])} of the rows, before in {_percent(told['before'])}{others}"
        )
    if alarm.kind == "new_categories":
        return (
            f"{_plain(alarm.what)} has words that the model never saw in {_percent(told['now'])} of the rows, "
            f"before in {_percent(told['before'])}"
        )
    too = "low" if told["ratio"] > 1.0 else "high"
    return (
        f"the PDs are too {too}: {_percent(told['now'])} of {told['rows']:,} loans went bad where "
        f"{_percent(told['before'])} were promised, {told['ratio']:.2f} times as many"
    )


def in_the_portfolio(change: PortfolioChange) -> tuple[str, ...]:
    """How approvals and losses change; what cannot be known is said to be so."""
    words: list[str] = []
    if change.approved_before is not None and change.approved_now is not None:
        way = _went(change.approved_before, change.approved_now)
        words.append(f"approvals {way}: {_then_and_now(change.approved_before, change.approved_now)}")
    if change.bads_before is not None and change.bads_now is not None:
        words.append(f"expected defaults among the approved: {_then_and_now(change.bads_before, change.bads_now)}")
    if change.loss_before is not None and change.loss_now is not None:
        words.append(f"expected loss on the credit granted: {_then_and_now(change.loss_before, change.loss_now)}")
    return (*words, f"not known: {change.unknown}") if change.unknown else tuple(words)


def look_at(
    alarm: Rung, book: str, *, moved: Sequence[str], lineage: Mapping[str, Mapping[str, Sequence[str]]]
) -> tuple[str, ...]:
    """Where to begin.

    moved: what else moved in these periods, most first.  lineage: {feature: {table: raw columns}}.
    """
    drift = f"every column by month: creditrisk monitor production {book}"
    with_it = (f"what moved with it: {', '.join(moved)}",) if moved else ()
    if alarm.kind in ("score", "approval", "decisions"):
        nothing = ("no main feature moved with it: a changed mix of small shifts, or another cut-off or model",)
        return (*(with_it or nothing), "who applies now: a new channel, product or campaign", drift)
    if alarm.kind == "features":
        return (*_made_from(_plain(alarm.what), lineage), *with_it, drift)
    if alarm.kind == "missing":
        return (
            f"the feed of {alarm.what}: when its source last changed (creditrisk freshness {book})",
            f"what the contracts say of it (creditrisk check {book})",
            "whether requests to the server still hold this table",
        )
    if alarm.kind == "new_categories":
        return (
            *_made_from(_plain(alarm.what), lineage),
            "which words came: a new release of the source, or another spelling of those in the contract",
        )
    shifted = with_it or (
        "the applicants look as before: look at the economy, collections and how a default is counted",
    )
    return (f"by grade and vintage: creditrisk monitor outcomes {book}", *shifted)


def _made_from(feature: str, lineage: Mapping[str, Mapping[str, Sequence[str]]]) -> tuple[str, ...]:
    columns = [f"{table}.{column}" for table, of in lineage.get(feature, {}).items() for column in of]
    if not columns:
        return ()
    more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
    return (f"what it is made from: {', '.join(columns[:5])}{more}",)


def _plain(what: str) -> str:
    return what.removeprefix(FEATURE).removeprefix("raw:")


def _rose(told: Mapping[str, float]) -> str:
    return "rose" if told["now"] > told["before"] else "fell"


def _went(before: float, now: float) -> str:
    if round(before, 3) == round(now, 3):
        return "stay as they are"
    return "rise" if now > before else "fall"


def _then_and_now(before: float, now: float) -> str:
    return f"{_percent(before)} before, {_percent(now)} now"


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"
