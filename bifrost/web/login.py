"""Who may call the servers of a secured platform: users by HTTP basic authentication, and tokens."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bifrost.web.origin_check import discard_body

CHALLENGE = 'Basic realm="Bifrost", charset="UTF-8"'

Refusal = Callable[[str], ASGIApp]
"""Makes the response (status 401, with the header `WWW-Authenticate`) from a sentence that says what is missing."""


class AcceptedUsers:
    """The users that may call a server, each with the passwords that it accepts."""

    def __init__(self, passwords: Mapping[str, tuple[str, ...]]) -> None:
        self._logins = tuple(f"{user}:{each}".encode() for user, accepted in passwords.items() for each in accepted)

    def match(self, header: str) -> bool:
        """Whether an Authorization header names one of the users with the right password."""
        kind, _, encoded = header.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return False
        # All are compared, each in constant time: response times reveal neither a user nor a part of a password.
        found = [hmac.compare_digest(given, login) for login in self._logins]
        return kind.lower() == "basic" and any(found)


class AcceptedTokens:
    """The tokens that an API accepts."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = tuple(token.encode() for token in tokens if token)

    def match(self, token: str) -> bool:
        """Whether a token is one of them; all are compared, each in constant time."""
        given = token.encode("utf-8", "replace")
        return any([hmac.compare_digest(given, known) for known in self._tokens])


class RequireLogin:
    """ASGI middleware: refuses requests without a user and password, except for paths that need none.

    A refused WebSocket handshake is closed before it is accepted, which the client sees as status 403.

    Args:
        refusal: makes the response of a refused request, in the error format of the server.
        is_open: whether a path needs no login.
    """

    def __init__(
        self,
        app: ASGIApp,
        users: AcceptedUsers,
        refusal: Refusal,
        *,
        is_open: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        self._app = app
        self._users = users
        self._refusal = refusal
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope["type"] not in ("http", "websocket") or self._is_open(scope["path"]):
            await self._app(scope, receive, send)
        elif self._users.match(Headers(scope=scope).get("authorization", "")):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await discard_body(receive)
            await self._refusal("a user and password of the platform are required")(scope, receive, send)
