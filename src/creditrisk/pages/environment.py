"""The templates, strict: an unknown name fails, and every text is escaped."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from creditrisk.pages import formats


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("creditrisk.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        plain=formats.plain, count=formats.count, decimals=formats.decimals, percent=formats.percent,
        interval=formats.interval, confidence=formats.confidence, short_hash=formats.short_hash,
        breakable=formats.breakable, seconds=formats.seconds, size=formats.size, hours=formats.hours,
        minute=formats.minute, waived=formats.waived, sentence=formats.sentence,
    )  # fmt: skip
    return made
