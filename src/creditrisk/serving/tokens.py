"""OpenID Connect access tokens, checked against the issuer's public keys in a file. Nothing is fetched."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from creditrisk.errors import BadConfig, OutsideFailed
from creditrisk.serving.keys import ROLES, Caller

LEEWAY_S = 30
"""How far two clocks may be apart."""
LONGEST = 8192
"""Characters of a token."""


class Tokens:
    """Who may call with a token: right issuer, audience, signature and times; a token with `jti` counts once.

    used: a folder that the workers of one server share; a `jti` is an empty file there until its token has expired.
    """

    def __init__(
        self, jwks: Path, *, issuer: str, audience: str, algorithms: tuple[str, ...], roles_claim: str, used: Path
    ) -> None:
        try:
            import jwt
        except ImportError as error:
            raise BadConfig("tokens need PyJWT", hint='pip install "creditrisk[oidc]"') from error
        self._jwt = jwt
        self._file, self._stamp = jwks, (0, 0)
        self._issuer, self._audience = issuer, audience
        self._algorithms, self._roles_claim = list(algorithms), roles_claim
        self._used = used
        self._keys: dict[str, Any] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the keys again where the file changed. Raises BadConfig; the old keys stay valid then."""
        try:
            stat = self._file.stat()
            if (stat.st_mtime_ns, stat.st_size) == self._stamp:
                return
            listed = json.loads(self._file.read_text(encoding="utf-8"))
            keys = {str(key["kid"]): self._jwt.PyJWK(key) for key in listed["keys"] if key.get("use", "sig") == "sig"}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, self._jwt.PyJWTError) as error:
            raise BadConfig(
                "not a file of public keys (JWKS)",
                where=str(self._file),
                hint='as the issuer publishes it: {"keys": [{"kid": …}]}; CREDITRISK_OIDC_JWKS_FILE',
            ) from error
        self._keys, self._stamp = keys, (stat.st_mtime_ns, stat.st_size)

    def caller_of(self, token: str) -> Caller | None:
        """Who the token speaks for, or None: expired, of another issuer, used before, not signed by a known key.

        Raises OutsideFailed where its use cannot be noted: then it might be used again.
        """
        try:
            claims = self._checked(token)
        except (self._jwt.PyJWTError, ValueError, KeyError, TypeError):
            return None
        told = claims.get(self._roles_claim, [])
        roles = frozenset(told.split() if isinstance(told, str) else map(str, told)) & frozenset(ROLES)
        subject = str(claims["sub"])
        if not subject.isprintable() or len(subject) > 64 or not self._first_use(claims):
            return None
        return Caller(subject, roles)

    def _checked(self, token: str) -> dict[str, Any]:
        if len(token) > LONGEST:
            raise ValueError
        header = self._jwt.get_unverified_header(token)
        key = self._keys[header["kid"]]
        claims: dict[str, Any] = self._jwt.decode(
            token,
            key.key,
            algorithms=[name for name in self._algorithms if name == (key.algorithm_name or name)],
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        return claims

    def _first_use(self, claims: dict[str, Any]) -> bool:
        if "jti" not in claims:
            return True
        named = hashlib.sha256(f"{claims['iss']}\n{claims['jti']}".encode()).hexdigest()
        try:
            self._used.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._used / f"{int(claims['exp'])}-{named}", os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        except OSError as error:
            raise OutsideFailed(
                f"that a token was used cannot be noted: {error.strerror}",
                where=str(self._used),
                hint="see whether its folder may be written and has room",
                retry_after_s=1.0,
            ) from error
        return True

    def forget_expired(self) -> None:
        """Remove what can no longer be used anyhow."""
        if self._used.is_dir():
            now = time.time() - 2 * LEEWAY_S
            for file in self._used.iterdir():
                if int(file.name.partition("-")[0]) < now:
                    file.unlink(missing_ok=True)
