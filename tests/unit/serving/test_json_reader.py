"""What a body may be: exact numbers, every key once, nothing deep, nothing huge; and no value is echoed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.errors import BadData
from creditrisk.serving.json_reader import DEEPEST, MOST_BRACKETS, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_json_can_say_is_read_as_it_stands(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12).map(
        "{:f}".format
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][-+]?[0-9]{1,2})?", fullmatch=True),
)


@given(NUMBERS)
def test_a_number_keeps_every_digit(text: str) -> None:
    read = read_json(f"[{text}]".encode())[0]
    assert (repr(read) if isinstance(read, float) else str(read)).startswith("-") == (text[0] == "-" and text != "-0")
    assert Decimal(repr(read) if isinstance(read, float) else read) == Decimal(text)
    assert isinstance(read, int) == text.lstrip("-").isdigit()


FRAGMENTS = st.sampled_from(
    ['"', ":", '":', "a", "1.5", "16", "e", "-", ".", "12345678901234567", "\\", " ", "\n", "ä"]
)
TEXTS = st.lists(FRAGMENTS, max_size=6).map("".join)
BODIES = st.recursive(
    NUMBERS | TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False)) | st.sampled_from(["null", "true"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda many: f"[{', '.join(many)}]")
        | st.lists(st.tuples(TEXTS, st.sampled_from([":", ": ", " : "]), inner), max_size=3).map(
            lambda many: (
                "{" + ",".join(json.dumps(key, ensure_ascii=False) + sign + one for key, sign, one in many) + "}"
            )
        )
    ),
    max_leaves=12,
)


@given(BODIES)
def test_a_body_is_read_as_the_standard_reader_does_but_for_keys_that_stand_twice(body: str) -> None:
    twice = False

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal twice
        twice = twice or len(dict(pairs)) < len(pairs)
        return dict(pairs)

    expected = json.loads(body, parse_float=Decimal, object_pairs_hook=once)
    if twice:
        with pytest.raises(BadData, match="twice"):
            read_json(body.encode())
    else:
        assert _exactly(read_json(body.encode())) == expected


def _exactly(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _exactly(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_exactly(inner) for inner in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


SECRET = "4711471147"
NASTY = {
    "nothing": b"",
    "commas": b"," * 1000,
    "a number beyond all measure": b"[1e401]",
    "a number smaller than all measure": b"[1e-500]",
    "a number of very many digits": b"[" + b"9" * 5000 + b"]",
    "a fraction of very many digits": b"[0." + b"1" * 5000 + b"]",
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "half a character": b'["\\ud800"]',
    "half a character as a key": b'{"\\udfff": 1}',
    "NUL": b'["a\\u0000b"]',
    "raw NUL": b'["a\x00b"]',
    "a key twice": b'{"a": 1, "a": 2}',
    "a key twice, spelt otherwise": b'{"a": 1, "\\u0061": 2}',
    "not UTF-8": b'["\xff"]',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "two values": b"{} {}",
    "a comment": b"{} // no",
    "single quotes": b"{'a': 1}",
    "a trailing comma": b"[1,]",
    "a bare minus": b"[-]",
    "leading zeros": b"[007]",
    "hexadecimal": b"[0x10]",
    "deep": b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
    "very deep": b'{"a":' * 20_000,
    "many lists": b"[" + b"[]," * MOST_BRACKETS + b"[]]",
    "many fields": b"[" + b"1," * 200_001 + b"1]",
    "unfinished": b'{"a": "' + SECRET.encode(),
}


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_body_is_refused_and_nothing_of_it_is_told(name: str) -> None:
    with pytest.raises(BadData) as caught:
        read_json(NASTY[name])
    assert caught.value.where == "body"
    assert SECRET not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_as_deep_as_allowed_is_allowed() -> None:
    assert read_json(b"[" * DEEPEST + b"]" * DEEPEST)


def test_escapes_that_are_whole_characters_are_characters() -> None:
    assert read_json(b'["\\ud83d\\ude00", "\\u0041"]') == ["😀", "A"]


def test_a_great_exponent_inside_a_text_is_a_text() -> None:
    assert read_json(b'["1e999999", "' + b"8" * 60 + b'"]') == ["1e999999", "8" * 60]
