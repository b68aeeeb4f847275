"""HTTP basic authentication for the whole API, if a user is configured."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bifrost.server.answers import refuse
from bifrost.server.problems import UNAUTHORIZED, generic
from bifrost.web.login import AcceptedUsers

# As ksqlDB: health checks need no user.
_OPEN = ("/v1/metadata", "/v1/metadata/id", "/healthcheck", "/chc/live", "/chc/ready", "/info")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The user and password that requests must carry."""

    user: str
    password: str

    def match(self, header: str) -> bool:
        """Whether an Authorization header names this user and password."""
        kind, _, encoded = header.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return False
        # In constant time, so that response times do not reveal how much of a guess is right.
        return kind.lower() == "basic" and hmac.compare_digest(given, f"{self.user}:{self.password}".encode())


class RequireBasicAuth:
    """ASGI middleware: refuses requests without the right credentials (401)."""

    def __init__(self, app: ASGIApp, credentials: Credentials | AcceptedUsers) -> None:
        self._app = app
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection of the ASGI server."""
        if scope["type"] == "lifespan" or scope["path"] in _OPEN:
            await self._app(scope, receive, send)
        elif self._credentials.match(Headers(scope=scope).get("authorization", "")):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Before the handshake, an ASGI server responds to this with 403.
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refuse(generic(401, UNAUTHORIZED, "Unauthorized"), scope, receive, send)
