"""The shortest way to the routes that are asked all day.

FastAPI describes them, and answers what is not quite like them; to find a route among many, resolve what it depends on
and leave all layers around it would cost more than to read a record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from creditrisk.errors import CreditRiskError
from creditrisk.serving.keys import Caller
from creditrisk.serving.problems import problem_of, refusal


class Direct:
    """Calls the endpoints of `router` with their request and caller, and leaves everything else to the app.

    known: who asks, and may they? The one dependency of each of these endpoints.
    """

    def __init__(self, app: FastAPI, router: APIRouter, known: Callable[[Request], Awaitable[Caller]]) -> None:
        self._app, self._known = app, known
        self._routes = {
            (method, route.path): route
            for route in router.routes
            if isinstance(route, APIRoute)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["app"], scope["route"] = self._app, route
        request = Request(scope, receive)
        try:
            response = await route.endpoint(request, await self._known(request))
        except CreditRiskError as error:
            response = refusal(request, problem_of(error))
        await response(scope, receive, send)
