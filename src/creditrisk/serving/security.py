"""Who asks, and may they: an API key, a token, or nobody in particular where only this machine can ask."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request

from creditrisk.config import ServingSettings
from creditrisk.errors import BadUsage
from creditrisk.serving.keys import PREFIX, Caller, KeyRing
from creditrisk.serving.limits import Rates
from creditrisk.serving.problems import HttpProblem
from creditrisk.serving.tokens import Tokens

LOCAL = Caller("local", frozenset({"admin"}))
"""Everybody, on a server without keys that listens on loopback only."""


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Keys, tokens and rates of one server."""

    def __init__(self, settings: ServingSettings, *, used_tokens: Path, workers: int = 1) -> None:
        self._keys = KeyRing(settings.api_keys_file, settings.api_keys)
        self._tokens = _tokens(settings, used_tokens)
        self._rates = Rates(settings.rate_per_second / workers, settings.rate_burst)

    @property
    def open(self) -> bool:
        """Does everybody get in who reaches the server?"""
        return not self._keys and self._tokens is None

    def need_closed_unless_loopback(self, host: str) -> None:
        """Raises BadUsage when anybody on the network could ask."""
        if self.open and not is_loopback(host):
            raise BadUsage(
                "a server that others can reach needs keys",
                where=f"--host {host}",
                hint="creditrisk serve-key NAME --role score --file FILE, then CREDITRISK_API_KEYS_FILE=FILE; "
                "or --host 127.0.0.1",
            )

    def refresh(self) -> bool:
        """Take changed keys without a restart; True when API keys changed. Raises BadConfig; the old ones stay."""
        if self._tokens is not None:
            self._tokens.refresh()
            self._tokens.forget_expired()
        return self._keys.refresh()

    def caller(self, request: Request) -> Caller:
        """Raises HttpProblem: 401 for no valid credential, 403 for a foreign host, 429 for too many requests."""
        if self.open:
            if not is_loopback(_host_of(request)):  # a page in somebody's browser that calls itself this machine
                raise HttpProblem(403, "forbidden", "this server answers its own machine only")
            caller: Caller | None = LOCAL
        else:
            caller = self._known(request)
        if caller is None:
            raise HttpProblem(
                401,
                "unauthorized",
                "a valid API key or token is needed",
                hint="send X-API-Key: KEY, or Authorization: Bearer KEY_OR_TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )
        wait = self._rates.wait_s(caller.name)
        if wait:
            raise HttpProblem(429, "too_many_requests", "more requests than agreed", retry_after_s=wait)
        return caller

    def _known(self, request: Request) -> Caller | None:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        given = request.headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        if self._tokens is not None and given.count(".") == 2 and not given.startswith(PREFIX):
            return self._tokens.caller_of(given)
        return self._keys.caller_of(given) if given else None


def needs(*roles: str) -> Callable[[Request], Awaitable[Caller]]:
    """The dependency of a route: a caller with one of these roles, or with any credential where none is named."""

    async def caller(request: Request) -> Caller:
        guard: Guard = request.app.state.guard
        found = guard.caller(request)
        request.state.caller = found.name
        if roles and not found.may(*roles):
            raise HttpProblem(403, "forbidden", "this credential may not do that")
        return found

    return caller


def _tokens(settings: ServingSettings, used: Path) -> Tokens | None:
    given = (settings.oidc_issuer, settings.oidc_audience, settings.oidc_jwks_file)
    if not any(given):
        return None
    if settings.oidc_issuer is None or settings.oidc_audience is None or settings.oidc_jwks_file is None:
        raise BadUsage(
            "tokens need an issuer, an audience and a file of keys",
            hint="set CREDITRISK_OIDC_ISSUER, CREDITRISK_OIDC_AUDIENCE and CREDITRISK_OIDC_JWKS_FILE, or none of them",
        )
    return Tokens(
        settings.oidc_jwks_file,
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        algorithms=settings.oidc_algorithms,
        roles_claim=settings.oidc_roles_claim,
        used=used,
    )


def _host_of(request: Request) -> str:
    """Of the Host header, without its port."""
    host = request.headers.get("host", "")
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
