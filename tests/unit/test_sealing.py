"""What is personal comes back as it was, only with its key, and shows when it was touched."""

from __future__ import annotations

import zlib
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.errors import BadUsage, BrokenFile, CreditRiskError
from creditrisk.kinds import Severity, canonical_json
from creditrisk.sealing import PayloadKeys, Sealed, key_id

OLD, NEW = b"o" * 32, b"n" * 32
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@given(entity=st.none() | st.integers() | texts, payload=st.dictionaries(texts, values, max_size=4), key=st.booleans())
def test_what_was_sealed_comes_back_bit_for_bit(entity: int | str | None, payload: dict[str, Any], key: bool) -> None:
    keys = PayloadKeys([NEW] if key else [])
    sealed = keys.seal(entity, payload, about="d1")
    back, told = keys.unseal(sealed, keys.current, about="d1")
    assert (back, type(back)) == (entity, type(entity))
    assert canonical_json(told) == canonical_json(payload)


ODD = st.recursive(
    values | st.floats() | st.integers(2**63, 2**65) | st.just((1, 2)) | st.just(Severity.WARN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@given(ODD)
def test_what_reads_back_alike_is_stored_short_and_anything_else_as_canonical_json(payload: Any) -> None:
    told = {"entity_id": None, "payload": payload}
    try:
        expected = _short_or_canonical(told)
    except CreditRiskError:
        with pytest.raises(CreditRiskError):
            PayloadKeys().seal(None, payload, about="d1")
    else:
        assert zlib.decompress(PayloadKeys().seal(None, payload, about="d1").stored) == expected


def _short_or_canonical(told: Any) -> bytes:
    with suppress(TypeError):
        short = orjson.dumps(told)
        if orjson.loads(short) == told:
            return short
    return canonical_json(told)


def test_an_encrypted_payload_shows_nothing_and_opens_with_its_key_and_record_only() -> None:
    old, both = PayloadKeys([OLD]), PayloadKeys([NEW, OLD])
    sealed = old.seal(1, {"name": "Anna" * 50}, about="d1")
    assert b"Anna" not in sealed.stored
    assert both.unseal(sealed, key_id(OLD), about="d1") == (1, {"name": "Anna" * 50})
    assert both.current == key_id(NEW)
    assert both.opens(key_id(OLD))
    assert not PayloadKeys([NEW]).opens(key_id(OLD))
    with pytest.raises(BrokenFile, match="altered"):
        both.unseal(sealed, key_id(OLD), about="d2")
    with pytest.raises(BrokenFile, match="altered"):
        both.unseal(sealed, key_id(NEW), about="d1")


@pytest.mark.parametrize("stored", [b"", b"{}", b"x\x9c", bytes(40)])
def test_torn_bytes_are_a_broken_file(stored: bytes) -> None:
    with pytest.raises(BrokenFile, match="altered"):
        PayloadKeys().unseal(Sealed(b"s" * 32, stored, None), None, about="d1")


@pytest.mark.parametrize("change", [{"salt": b"t" * 32}, {"stored": b"other"}, {"entity": "2"}, {"entity": None}])
def test_the_commitment_covers_salt_entity_and_payload(change: dict[str, Any]) -> None:
    sealed = Sealed(b"s" * 32, b"stored", "1")
    assert replace(sealed, **change).commitment != sealed.commitment


def test_an_entity_without_name_differs_from_an_empty_one_and_salts_differ() -> None:
    assert Sealed(b"s" * 32, b"x", None).commitment != Sealed(b"s" * 32, b"x", "").commitment
    assert PayloadKeys().seal(1, {}, about="d").commitment != PayloadKeys().seal(1, {}, about="d").commitment


def test_what_is_no_json_or_no_name_is_refused() -> None:
    with pytest.raises(CreditRiskError, match="canonical JSON"):
        PayloadKeys().seal(1, {"pd": float("nan")}, about="d1")
    with pytest.raises(BadUsage, match="entity"):
        PayloadKeys().seal(True, {}, about="d1")
