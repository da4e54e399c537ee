"""Keys are made once, for their owner's eyes; a signature holds for one key and one message."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from creditrisk.errors import BadConfig, BrokenFile
from creditrisk.signatures import is_signed_by, new_signer, public_keys_in, signer_from_text, signer_in


def test_a_signature_holds_for_its_key_and_message_only() -> None:
    ann, bob = new_signer(), new_signer()
    signature = ann.sign(b"approve")
    assert is_signed_by(ann.public, b"approve", signature)
    assert not is_signed_by(bob.public, b"approve", signature)
    assert not is_signed_by(ann.public, b"decline", signature)
    assert not is_signed_by(ann.public, b"approve", signature + " ")


@pytest.mark.parametrize(("public", "signature"), [("", ""), ("zz", "zz"), ("ab" * 32, "ab" * 64), ("ab", "ab")])
def test_what_is_no_key_or_signature_holds_nothing(public: str, signature: str) -> None:
    assert not is_signed_by(public, b"approve", signature)


def test_a_key_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        publics = {signer.public for signer in pool.map(lambda _: signer_in(tmp_path / "keys", "server"), range(16))}
    assert publics == {signer_in(tmp_path / "keys", "server").public}
    assert stat.S_IMODE((tmp_path / "keys" / "server.key").stat().st_mode) == 0o600
    assert public_keys_in(tmp_path / "keys") == publics


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    signer_in(tmp_path, "server")
    (tmp_path / "server.key").chmod(0o640)
    with pytest.raises(BrokenFile, match="others may read"):
        signer_in(tmp_path, "server")


@pytest.mark.parametrize("text", ["", "short", "ÄÖÜ", base64.b64encode(b"x" * 31).decode()])
def test_what_is_no_key_is_refused_without_being_quoted(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        signer_from_text(text, where="CREDITRISK_SIGNING_KEY")
    assert not text or text not in str(caught.value)
    (tmp_path / "server.key").write_text(text, encoding="utf-8")
    (tmp_path / "server.key").chmod(0o600)
    with pytest.raises(BrokenFile, match="no private key"):
        signer_in(tmp_path, "server")


def test_a_key_from_the_environment_may_be_url_safe_and_is_never_shown() -> None:
    seed = b"\xfb\xff" * 16
    plain, safe = base64.b64encode(seed).decode(), base64.urlsafe_b64encode(seed).decode()
    signer = signer_from_text(plain, where="x")
    assert signer.public == signer_from_text(safe + "\n", where="x").public
    assert repr(signer) == f"Signer(public={signer.public!r})"
