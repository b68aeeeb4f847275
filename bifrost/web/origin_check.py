"""Refuses requests that a web page of another site makes: one ASGI middleware for every HTTP server of the project.

The servers listen on the loopback and require no password, yet a browser on the same machine reaches them on
behalf of any page it shows. Two checks close that door:

- `Host` must be a loopback name or a configured one. A page whose own DNS name was rebound to
  127.0.0.1 sends that name.
- `Origin`, and `Sec-Fetch-Site` where a browser sends no Origin, must be those of a page of this server.

Programs send neither header and are let through.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

ANY_ORIGIN = "*"

Refusal = Callable[[str], ASGIApp]
"""Makes the response (status 403) from a sentence that says what was wrong and which setting allows it."""

_FOREIGN_SITES = ("cross-site", "same-site")  # of `Sec-Fetch-Site`; another port of this host is `same-site`


class OriginRules:
    """Which `Host` and `Origin` a server accepts.

    Args:
        allowed_hosts: host names beside those of the loopback, in lower case and without a port. Pages of these hosts
            count as pages of this server.
        allowed_origins: further origins (`https://shop.example`) whose pages may use the server; `*` for all.
    """

    def __init__(self, allowed_hosts: Collection[str] = (), allowed_origins: Collection[str] = ()) -> None:
        self._hosts = frozenset(allowed_hosts)
        self._origins = frozenset(allowed_origins)

    def problem(self, scope: Scope) -> str:
        """Why a request is refused, or an empty text. Of the scope, it reads `method` and `headers`."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) > 1:
            return "the request has more than one Host header"
        authority = hosts[0].strip() if hosts else ""
        # HTTP/1.0 programs send no Host; a browser always does.
        if authority and not self._is_allowed_host(authority):
            return f"Host {_shown(authority)} is not a name of this server; BIFROST_ALLOWED_HOSTS can allow it"
        return self._origin_problem(scope, headers, authority)

    def _origin_problem(self, scope: Scope, headers: Headers, authority: str) -> str:
        origins = headers.getlist("origin")
        for origin in origins:
            if not self._is_allowed_origin(origin.strip(), authority):
                return f"Origin {_shown(origin)} may not use this server; BIFROST_ALLOWED_HOSTS can allow its host"
        # Pages load images and scripts, and follow links, without an Origin header.
        is_foreign = not origins and headers.get("sec-fetch-site", "").strip() in _FOREIGN_SITES
        if is_foreign and ANY_ORIGIN not in self._origins and not _is_followed_link(scope, headers):
            return "a page of another site may not load this; open the address itself"
        return ""

    def _is_allowed_host(self, authority: str) -> bool:
        host = host_of(authority)
        return host is not None and (is_loopback(host) or host in self._hosts)

    def _is_allowed_origin(self, origin: str, authority: str) -> bool:
        if ANY_ORIGIN in self._origins or origin in self._origins:
            return True
        scheme, separator, origin_authority = origin.partition("://")
        if not separator or scheme.lower() not in ("http", "https"):
            return False  # also the opaque origin `null` of sandboxed frames and files
        # The same authority as Host, not merely some loopback name: another program's page has another port.
        return origin_authority.lower() == authority.lower() or host_of(origin_authority) in self._hosts


class OriginCheck:
    """Passes a request on if `OriginRules` accept it, else responds with what `refusal` makes.

    A refused WebSocket handshake is closed before it is accepted, which the client sees as status 403.

    Args:
        refusal: makes the response of a refused request, in the error format of the server.
        allowed_hosts: as those of `OriginRules`.
        allowed_origins: as those of `OriginRules`.
    """

    def __init__(
        self,
        app: ASGIApp,
        refusal: Refusal,
        *,
        allowed_hosts: Collection[str] = (),
        allowed_origins: Collection[str] = (),
    ) -> None:
        self._app = app
        self._refusal = refusal
        self._rules = OriginRules(allowed_hosts, allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        problem = self._rules.problem(scope) if scope["type"] in ("http", "websocket") else ""
        if not problem:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await discard_body(receive)
            await self._refusal(problem)(scope, receive, send)


def host_of(authority: str) -> str | None:
    """The host of `host[:port]` in lower case, an IPv6 address without its brackets; `None` if it is malformed."""
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port  # raises ValueError for a port that is no number
    except ValueError:
        return None
    is_plain = parts.netloc == authority and "@" not in authority and not any(map(str.isspace, authority))
    return parts.hostname.rstrip(".") if is_plain and parts.hostname else None


def is_loopback(host: str) -> bool:
    """Whether a host, as `host_of` returns it, is `localhost` or an address of the loopback."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_followed_link(scope: Scope, headers: Headers) -> bool:
    return scope.get("method") in ("GET", "HEAD") and headers.get("sec-fetch-mode", "").strip() == "navigate"


def _shown(value: str) -> str:
    return repr(value if len(value) <= 100 else value[:100] + "...")


async def discard_body(receive: Receive) -> None:
    """Read a request's body to its end, before the request is refused."""
    # A server that responds before the body has come resets the connection, and the client never sees why.
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
