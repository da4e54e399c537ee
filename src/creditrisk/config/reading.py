"""What `reading:` in contracts/<table>.yaml may say of a table's text files."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

from pydantic import AfterValidator

from creditrisk.config.strict import Strict

type Sign = Literal["point", "comma"]


def _known_encoding(name: str) -> str:
    try:
        info = codecs.lookup(name)
    except LookupError as error:
        raise ValueError(f'no encoding "{name}"; e.g. utf-8, utf-16-le, windows-1252, iso-8859-15, cp850') from error
    if not info._is_text_encoding:  # rot13, base64 and the like
        raise ValueError(f'"{name}" is no encoding of text')
    return name


def _whole_date(form: str) -> str:
    if not all(form.count(part) == 1 for part in ("%d", "%m", "%Y")) or form.count("%") != 3:
        raise ValueError("a form of dates has %d, %m and %Y, each once, e.g. %d/%m/%Y")
    return form


class FileReading(Strict):
    """What the table's CSV files are like. Only needed where a file leaves a doubt, which is then refused."""

    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = None
    """e.g. windows-1252; empty = by the byte order mark, else UTF-8."""
    separator: Literal["comma", "semicolon", "tab", "bar"] | None = None
    """Between columns; empty = the one that takes the header apart."""
    decimal: Sign | None = None
    """Sign before the decimals; empty = as the file's own numbers prove."""
    thousands: Literal["none", "point", "comma", "blank", "apostrophe"] | None = None
    """Sign between groups of three digits; empty = the other one of point and comma, where the file proves it."""
    header: bool = True
    """false: the file names no columns; they stand in the contract's order."""
    dates: Annotated[str, AfterValidator(_whole_date)] | None = None
    """Form of plain dates, e.g. %d/%m/%Y; empty = 2011-12-31."""
