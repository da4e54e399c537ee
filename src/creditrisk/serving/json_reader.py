"""JSON as a lender must read it: numbers exact, every key once, nothing that Python alone would let through.

The standard reader takes NaN, the last of two equal keys and half a surrogate pair, and turns a number into the nearest
binary one, whatever gets lost. A record that is decided on and kept for years is read as it was written, or refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import orjson

from creditrisk.errors import BadData

MOST_DIGITS = 40
"""Of a whole number: DECIMAL(38) is the widest column there is."""

LARGEST_EXPONENT = 400
"""A number beyond 10^400 measures nothing; its digits written out would fill the memory."""

DEEPEST = 32
"""Objects and lists inside one another: application, table, row, field are four."""

TOO_DEEP = f"lists and objects lie more than {DEEPEST} deep inside one another"

MOST_BRACKETS = 50_000
"""Rows and lists of one body; each costs memory and time however short it is."""

MOST_FIELDS = 200_000
"""Of one body."""

EXACT_DIGITS = 15
"""Any decimal number of so many digits is the shortest spelling of the double that is nearest to it."""

_DIGITS = bytes(48 if 48 <= byte < 58 else 101 if byte in b"eE" else 32 for byte in range(256))
_LONG = b"0" * (MOST_DIGITS + 1)
_BEYOND_EXACT = b"0" * (EXACT_DIGITS + 1)
_LONG_NUMBER = re.compile(rb"[0-9][0-9.]{%d,}" % EXACT_DIGITS)
_END_OF_KEY = re.compile(rb'"[ \t\r\n]*:')


def read_json(body: bytes) -> Any:
    """The value. Whole numbers are int; a number with a point or an exponent is the float whose shortest digits are its
    own, and a Decimal where there is none: no digit is lost.

    Raises BadData with the rule that is broken, and never a piece of the body: it may hold an applicant's data.
    """
    brackets = body.count(b"[") + body.count(b"{")
    if brackets <= MOST_BRACKETS and body.count(b",") <= MOST_FIELDS and _is_plain(body):
        with suppress(orjson.JSONDecodeError):
            value = orjson.loads(body)
            if _has_every_key_once(value, body, brackets):
                return value
    return _read_with_care(body, brackets)


def _is_plain(body: bytes) -> bool:
    """Does the fast reader, which knows 64 bits only and takes any text, lose nothing of it?"""
    if b"\\u" in body:
        return False
    digits = body.translate(_DIGITS, b"+-.")
    if b"0e0" in digits:
        return False
    return _BEYOND_EXACT not in digits or all(map(_is_exact, _LONG_NUMBER.findall(body)))


def _is_exact(digits: bytes) -> bool:
    """Of a number without sign and exponent, wherever it stands."""
    if b"." not in digits:
        return len(digits) < 19
    try:
        number = float(digits)
    except ValueError:  # a text with several points
        return False
    return Decimal(repr(number)) == Decimal(digits.decode())


def _has_every_key_once(value: Any, body: bytes, brackets: int) -> bool:
    """As many keys as were sent, in objects that are not too deep? False also where only a closer look can tell.

    brackets: there are no more objects and lists than these.
    """
    keys, found = 0, 0
    level = [value]
    for _ in range(DEEPEST):
        keys += sum([len(one) for one in level if type(one) is dict])
        found += len(level)
        if found >= brackets:
            return keys == body.count(b":") or keys == len(_END_OF_KEY.findall(body))
        many = [one.values() if type(one) is dict else one for one in level]
        level = [one for inner in many for one in inner if type(one) is dict or type(one) is list]
    return False


def _read_with_care(body: bytes, brackets: int) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(f"not UTF-8 at byte {error.start}") from error
    if text.startswith("\ufeff"):
        raise _refused("a byte order mark stands before the JSON")
    if brackets > MOST_BRACKETS:
        raise _refused(f"more than {MOST_BRACKETS:,} rows and lists", hint="send fewer applications at once")
    if body.count(b",") > MOST_FIELDS:
        raise _refused(f"more than {MOST_FIELDS:,} fields", hint="send fewer applications at once")
    suspect = _is_suspect(body)
    try:
        value = (_CAREFUL if suspect else _PLAIN).decode(text)
    except json.JSONDecodeError as error:
        raise _refused(f"not JSON: {error.msg.lower()} (line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise _refused(TOO_DEEP) from error
    _need_shallow(value)
    if suspect:
        _need_whole_characters(value)
    return value


def _is_suspect(body: bytes) -> bool:
    """Can only the careful, slower reading judge it: long numbers, great exponents, odd characters?"""
    digits = body.translate(_DIGITS, b"+-")
    return _LONG in digits or b"e000" in digits or b"\\u" in body or b"\x00" in body


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _refused(
            "a key stands twice in one object", hint="send every key once: of two, nobody knows which counts"
        )
    return made


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise _refused(f"a whole number has more than {MOST_DIGITS} digits")
    return int(text)


def _near(text: str) -> float | Decimal:
    number = Decimal(text)
    near = float(number)
    return near if Decimal(repr(near)) == number else number


def _exact(text: str) -> float | Decimal:
    if len(text) > 2 * MOST_DIGITS:
        raise _refused(f"a number has more than {2 * MOST_DIGITS} characters")
    number = Decimal(text)
    if number and abs(number.adjusted()) > LARGEST_EXPONENT:
        raise _refused(f"a number lies beyond 10 to the power of {LARGEST_EXPONENT}")
    return _near(text)


def _constant(_name: str) -> Any:
    raise _refused("NaN and Infinity are not JSON", hint="send null where there is no number")


_PLAIN = json.JSONDecoder(object_pairs_hook=_object, parse_float=_near, parse_constant=_constant)
_CAREFUL = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole, parse_float=_exact, parse_constant=_constant)


def _need_shallow(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        inner = [one.values() if type(one) is dict else one for one in level if type(one) in (dict, list)]
        level = [one for many in inner for one in many if type(one) in (dict, list)]
        if not level:
            return
    raise _refused(TOO_DEEP)


def _need_whole_characters(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise _refused("a text holds the character U+0000")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise _refused("a text holds half of a character (a lone surrogate)") from error
    elif isinstance(value, dict):
        for key, inner in value.items():
            _need_whole_characters(key)
            _need_whole_characters(inner)
    elif isinstance(value, list):
        for inner in value:
            _need_whole_characters(inner)


def _refused(what: str, *, hint: str = "send one JSON object in UTF-8, as /schema describes it") -> BadData:
    return BadData(what, where="body", hint=hint)
