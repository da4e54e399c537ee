"""How figures are spelt, the same in HTML and in the terminal. What is not a number is shown as it is, or as a dash."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup, escape

NONE = "–"
"""Where there is no figure to tell."""


def as_number(value: Any) -> float | None:
    """The figure behind a JSON value: a number, or the `value` of one with an interval. None where there is none."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def interval_of(value: Any) -> tuple[float, float] | None:
    """(low, high) of a figure that has an interval."""
    if not isinstance(value, Mapping):
        return None
    low, high = as_number(value.get("low")), as_number(value.get("high"))
    return None if low is None or high is None else (low, high)


def plain(value: Any) -> str:
    """Text as it is; a dash for what is empty."""
    return NONE if value is None or value == "" else str(value)


def count(value: Any) -> str:
    """
    >>> count(42535), count(None)
    ('42,535', '–')
    """
    number = as_number(value)
    return plain(None if isinstance(value, Mapping) else value) if number is None else f"{number:,.0f}"


def decimals(value: Any, places: int = 3) -> str:
    """
    >>> decimals({"value": 0.69345, "low": 0.67, "high": 0.71}), decimals(0.5, 4)
    ('0.693', '0.5000')
    """
    number = as_number(value)
    return NONE if number is None else f"{number:,.{places}f}"


def percent(value: Any, places: int = 1) -> str:
    """
    >>> percent(0.0805), percent(1), percent("n/a")
    ('8.1%', '100.0%', '–')
    """
    number = as_number(value)
    return NONE if number is None else f"{100 * number:.{places}f}%"


def interval(value: Any, places: int = 3, *, as_percent: bool = False) -> str:
    """
    >>> interval({"value": 0.7, "low": 0.68, "high": 0.72, "level": 0.95}), interval(0.7)
    ('0.680 to 0.720', '')
    >>> interval({"value": 0.7, "low": 0.68, "high": 0.72, "level": 0.95}, 1, as_percent=True)
    '68.0 to 72.0%'
    """
    limits = interval_of(value)
    if limits is None:
        return ""
    factor, unit = (100, "%") if as_percent else (1, "")
    return f"{factor * limits[0]:.{places}f} to {factor * limits[1]:.{places}f}{unit}"


def confidence(value: Any) -> str:
    """
    >>> confidence({"value": 0.7, "low": 0.6, "high": 0.8, "level": 0.9}), confidence(0.7)
    ('90%', '95%')
    """
    level = as_number(value.get("level")) if isinstance(value, Mapping) else None
    return f"{100 * (0.95 if level is None else level):.4g}%"


def short_hash(value: Any) -> str:
    """The first 16 characters: enough to find a file again by eye, and the name of a model's folder."""
    return plain(value)[:16]


def breakable(value: Any) -> Markup:
    """A long name that a narrow column may break after _ . / and nowhere else; the text itself is escaped.

    >>> breakable("a_b<c")
    Markup('a_<wbr>b&lt;c')
    """
    text = str(escape(plain(value)))
    for sign in "_./":
        text = text.replace(sign, f"{sign}<wbr>")
    return Markup(text)


def seconds(value: Any) -> str:
    """
    >>> seconds(0.04), seconds(12.345), seconds(75)
    ('0.0 s', '12.3 s', '1 min 15 s')
    """
    number = as_number(value)
    if number is None:
        return NONE
    if number < 60:
        return f"{number:.1f} s"
    whole = round(number)
    return f"{whole // 60} min {whole % 60} s"


def hours(value: Any) -> str:
    """An age: hours, from two days on days.

    >>> hours(0.25), hours(47), hours(1000), hours(None)
    ('0.2 h', '47.0 h', '42 days', '–')
    """
    number = as_number(value)
    if number is None:
        return NONE
    return f"{number:.1f} h" if number < 48 else f"{number / 24:,.0f} days"


def minute(value: Any) -> str:
    """A time to the minute; every time in a report is in UTC.

    >>> minute("2026-01-01T08:30:12.5+00:00"), minute(None)
    ('2026-01-01 08:30', '–')
    """
    return plain(value).replace("T", " ")[:16]


def size(value: Any) -> str:
    """
    >>> size(980), size(2_660_000_000)
    ('980 bytes', '2.7 GB')
    """
    number = as_number(value)
    if number is None:
        return NONE
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= limit:
            return f"{number / limit:.1f} {unit}"
    return f"{number:.0f} bytes"


def share_of(part: Any, whole: Any) -> float | None:
    """A bounded share, for bars and tables; None where it makes no sense."""
    above, below = as_number(part), as_number(whole)
    if above is None or below is None or below <= 0:
        return None
    return min(max(above / below, 0.0), 1.0)


def sentence(words: Any) -> str:
    """With a capital at its beginning, and as it is after that.

    >>> sentence("an AUC of PDs")
    'An AUC of PDs'
    """
    text = plain(words)
    return text[:1].upper() + text[1:]


def waived(waivers: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each answer: who answers until when for which gates, and why.

    waivers: each `gate`, `by`, `until` and, where it is to be told, `because`.
    """
    answers: dict[tuple[str, str, str], list[str]] = {}
    for one in waivers:
        answers.setdefault((one["by"], one["until"], one.get("because", "")), []).append(one["gate"])
    return [
        f"{', '.join(gates)} by {by} until {until}" + (f": {because}" if because else "")
        for (by, until, because), gates in answers.items()
    ]
