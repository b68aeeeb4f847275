"""Lets only those use the console who are logged in: browsers with a session, programs with basic authentication."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from starlette.authentication import SimpleUser
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bifrost.console.login.accounts import Accounts, LoginOutcome
from bifrost.console.login.sessions import Sessions
from bifrost.web.login import CHALLENGE
from bifrost.web.origin_check import discard_body

COOKIE = "__Host-bifrost-session"
"""The prefix lets browsers accept it only over TLS, for this host alone, and for all paths."""
LOGIN_PATH = "/login"
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\s\\]*")


@dataclass(frozen=True, slots=True)
class ConsoleLogin:
    """The login of a secured console."""

    accounts: Accounts
    sessions: Sessions


class RequireSession:
    """ASGI middleware: `scope["user"]` is who is logged in; other requests are refused, or sent to the login page.

    A refused WebSocket handshake is closed before it is accepted, which the client sees as status 403.

    Args:
        is_open: whether a path needs no login.
    """

    def __init__(self, app: ASGIApp, login: ConsoleLogin, is_open: Callable[[str], bool]) -> None:
        self._app = app
        self._login = login
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope["type"] not in ("http", "websocket") or self._is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        user, outcome = session_user(scope, self._login), LoginOutcome(accepted=False)
        if user is None and (given := basic_login(headers.get("authorization", ""))):
            outcome = await run_in_threadpool(self._login.accounts.check, *given)
            user = given[0] if outcome.accepted else None
        if user is not None:
            scope["user"] = SimpleUser(user)
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await discard_body(receive)
            await _refusal(scope, headers, outcome)(scope, receive, send)


def session_user(scope: Scope, login: ConsoleLogin) -> str | None:
    """The user of the session that a request names."""
    return login.sessions.user_of(Request(scope).cookies.get(COOKIE, "")) if scope["type"] == "http" else None


def basic_login(header: str) -> tuple[str, str] | None:
    """The user and password of an Authorization header; none in any other header."""
    kind, _, encoded = header.partition(" ")
    try:
        user, separator, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if kind.lower() == "basic" and separator else None


def local_path(wanted: str) -> str:
    """Where to go after a login: a page of this server, else its first one."""
    return wanted if _LOCAL_PATH.fullmatch(wanted) and not wanted.startswith(LOGIN_PATH) else "/"


def too_early(outcome: LoginOutcome) -> str:
    """What a person reads who has guessed too often."""
    seconds = math.ceil(outcome.wait_s)
    return f"Too many wrong passwords. Try again in {seconds} second{'' if seconds == 1 else 's'}."


def _refusal(scope: Scope, headers: Headers, outcome: LoginOutcome) -> Response:
    if outcome.wait_s:
        wait = {"Retry-After": str(math.ceil(outcome.wait_s))}
        return JSONResponse({"ok": False, "error": too_early(outcome)}, 429, wait)
    mode = headers.get("sec-fetch-mode", "")
    if scope["method"] in ("GET", "HEAD") and (mode == "navigate" or (not mode and _wants_html(headers))):
        query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        wanted = quote(scope["path"] + query, safe="/")
        return RedirectResponse(f"{LOGIN_PATH}?next={wanted}", 303, {"Cache-Control": "no-store"})
    # A script of an open page gets no challenge: the browser would show its own dialog in place of the page's words.
    challenge = {} if mode else {"WWW-Authenticate": CHALLENGE}
    problem = "a user and password of the platform are required; on an open page, load it again to log in"
    return JSONResponse({"ok": False, "error": problem}, 401, challenge)


def _wants_html(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")
