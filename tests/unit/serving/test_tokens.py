"""A token opens when its issuer, audience, signature and times are right, and with a `jti` only once."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from creditrisk.errors import BadConfig, OutsideFailed
from creditrisk.serving.tokens import Tokens

KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def jwks(folder: Path, key: ec.EllipticCurvePrivateKey = KEY, kid: str = "one") -> Path:
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    file = folder / "jwks.json"
    file.write_text(json.dumps({"keys": [{**public, "kid": kid, "alg": "ES256", "use": "sig"}]}))
    return file


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(
        jwks(tmp_path), issuer="https://id.example", audience="creditrisk", algorithms=("ES256",), roles_claim="roles",
        used=tmp_path / "used",
    )  # fmt: skip


def token(key: Any = KEY, *, algorithm: str = "ES256", kid: str | None = "one", **claims: Any) -> str:
    now = int(time.time())
    told = {"iss": "https://id.example", "aud": "creditrisk", "sub": "ann", "exp": now + 600, "roles": ["score"]}
    told = {name: value for name, value in {**told, **claims}.items() if value is not None}
    return jwt.encode(told, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


def test_a_good_token_opens_with_the_roles_that_are_known_here(tokens: Tokens) -> None:
    caller = tokens.caller_of(token(roles=["score", "emperor"]))
    assert caller is not None
    assert (caller.name, caller.roles) == ("ann", {"score"})
    spaced = tokens.caller_of(token(roles="read review"))
    assert spaced is not None
    assert spaced.roles == {"read", "review"}


PAST = int(time.time()) - 3600


@pytest.mark.parametrize(
    "bad",
    [
        token(OTHER),
        token(exp=PAST),
        token(nbf=int(time.time()) + 3600),
        token(iss="https://elsewhere.example"),
        token(aud="others"),
        token(sub=None),
        token(exp=None),
        token(aud=None),
        token(sub="a\nb"),
        token(kid="unknown"),
        token(kid=None),
        token("a" * 40, algorithm="HS256"),
        token(None, algorithm="none"),
        "a.b.c",
        "..",
        token() + "x",
        token(much="x" * 9000),
    ],
    ids=["other key", "expired", "not yet", "issuer", "audience", "no subject", "no expiry", "no audience",
         "odd subject", "unknown kid", "no kid", "shared secret", "unsigned", "no token", "dots", "altered", "long"],
)  # fmt: skip
def test_a_wrong_token_opens_nothing(bad: str, tokens: Tokens) -> None:
    assert tokens.caller_of(bad) is None


def test_a_public_key_is_never_taken_for_a_shared_secret(tokens: Tokens) -> None:
    head, body = (
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (
            {"alg": "HS256", "kid": "one"},
            {"sub": "ann", "iss": "https://id.example", "aud": "creditrisk", "exp": 9_999_999_999, "roles": ["admin"]},
        )
    )
    secret = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = urlsafe_b64encode(hmac.digest(secret, head + b"." + body, "sha256")).rstrip(b"=")
    forged = b".".join((head, body, signature)).decode()
    assert tokens.caller_of(forged) is None


def test_a_token_with_an_id_counts_once_in_all_workers(tokens: Tokens, tmp_path: Path) -> None:
    once = token(jti="7")
    assert tokens.caller_of(once) is not None
    assert tokens.caller_of(once) is None
    other_worker = Tokens(
        tmp_path / "jwks.json", issuer="https://id.example", audience="creditrisk", algorithms=("ES256",),
        roles_claim="roles", used=tmp_path / "used",
    )  # fmt: skip
    assert other_worker.caller_of(once) is None
    assert other_worker.caller_of(token(jti="8")) is not None


def test_a_token_whose_use_cannot_be_noted_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tokens = Tokens(
        jwks(tmp_path), issuer="https://id.example", audience="creditrisk", algorithms=("ES256",), roles_claim="roles",
        used=tmp_path / "file" / "used",
    )  # fmt: skip
    with pytest.raises(OutsideFailed):
        tokens.caller_of(token(jti="7"))
    assert tokens.caller_of(token()) is not None


def test_used_ids_are_forgotten_when_their_token_has_expired(tokens: Tokens, tmp_path: Path) -> None:
    tokens.caller_of(token(jti="7"))
    (tmp_path / "used" / f"{PAST}-old").touch()
    tokens.forget_expired()
    assert len(list((tmp_path / "used").iterdir())) == 1


def test_keys_are_rotated_by_their_file(tokens: Tokens, tmp_path: Path) -> None:
    jwks(tmp_path, OTHER, kid="another")
    tokens.refresh()
    assert tokens.caller_of(token()) is None
    assert tokens.caller_of(token(OTHER, kid="another")) is not None
    (tmp_path / "jwks.json").write_text("{}")
    with pytest.raises(BadConfig):
        tokens.refresh()
    assert tokens.caller_of(token(OTHER, kid="another")) is not None
