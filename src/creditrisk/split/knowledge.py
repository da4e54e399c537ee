"""Is the test out of time in knowledge too: how many bads that were learnt from could be known when it began?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from creditrisk.config import Book
from creditrisk.duck import DuckSettings, locked_room, named, parquet, translated
from creditrisk.split.parts import Parts


def knowledge(book: Book, main: Path, parts: Parts, settings: DuckSettings) -> dict[str, Any]:
    """Bads among the development rows, and those that were knowable before the first day of the test part.

    main: bronze of the main table. A bad loan is knowable `months_later` months after its date in `column` of
    `target.bad_known_from`; one without that date counts as not knowable and is told apart.
    bads, knowable, without_date are None, with a `reason`, where the split or the book gives nothing to count by.
    """
    rule = book.portfolio.target.bad_known_from
    if parts.test_from is None:
        return _unknown("the split is not by time: its test part is as old as the rows that were learnt from")
    if rule is None:
        return _unknown("the book does not say from when a bad loan can be known (target.bad_known_from)")
    development = parts.rows.filter(
        pc.and_(pc.not_equal(parts.rows["part"], "test"), pc.equal(parts.rows["target"], 1))
    )
    with locked_room(settings, reads=[main], writes=main.parent) as con, translated(str(main)):
        con.register("bads", development.select(["key"]))
        date = f"cast(m.{named(rule.column)} as date)"
        counted = con.execute(
            f"""select count(*), count(*) filter (where {date} + $months * interval '1 month' < cast($start as date)),
                       count(*) filter (where {date} is null)
                from bads as b join {parquet(main)} as m
                    on m.{named(book.key)} = b.key""",  # noqa: S608
            {"months": rule.months_later, "start": parts.test_from},
        ).fetchall()[0]
    bads, knowable, without_date = counted
    by = parts.test_from.isoformat()
    return {
        "test_from": by,
        "bads": bads,
        "knowable": knowable,
        "without_date": without_date,
        "column": rule.column,
        "months_later": rule.months_later,
        "says": (
            f"Out of time in vintage, but not in knowledge: of {bads:,} bads before {by}, {knowable:,} could be known "
            "by then. Whoever had trained on that day would have had those alone."
            if knowable < bads
            else f"Out of time in vintage and in knowledge: all {bads:,} bads before {by} could be known by then."
        ),
        "reason": None,
    }


def _unknown(reason: str) -> dict[str, Any]:
    return {
        "test_from": None, "bads": None, "knowable": None, "without_date": None, "column": None,
        "months_later": None, "says": "Not counted.", "reason": reason,
    }  # fmt: skip
