"""Responds to one HTTP request of `MetricsEndpoint`."""

from __future__ import annotations

import socket
from collections.abc import Collection
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import BaseServer
from typing import Any, cast

from bifrost.metrics.exposition import exposition
from bifrost.metrics.secured_access import secured_access
from bifrost.web.login import CHALLENGE, AcceptedUsers
from bifrost.web.origin_check import OriginRules

_TEXT = "text/plain; charset=utf-8"


def respond(
    connection: socket.socket,
    address: tuple[str, int],
    allowed_hosts: Collection[str],
    secure_folder: Path | None = None,
) -> None:
    """Read a request and respond: 200 for `GET /metrics`, 403 for a foreign `Host` or `Origin`, else 404.

    Args:
        secure_folder: that of a secured platform; a client without TLS gets no answer, one without a login 401.

    Raises:
        OSError, ValueError: a file of that folder is missing or damaged.
    """
    rules = OriginRules(allowed_hosts)
    access = None if secure_folder is None else secured_access(secure_folder)
    # The client may close the connection early, use no TLS, or not trust the certificate.
    with suppress(OSError):
        if access is None:
            _respond(connection, address, rules, None)
            return
        with access.tls.wrap_socket(connection, server_side=True) as secured:
            _respond(secured, address, rules, access.users)


def _respond(
    connection: socket.socket, address: tuple[str, int], rules: OriginRules, users: AcceptedUsers | None
) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
            problem = rules.problem({"type": "http", "method": "GET", "headers": headers})
            if problem:
                self._send(HTTPStatus.FORBIDDEN, f"{problem}\n".encode(), _TEXT)
            elif users is not None and not users.match(self.headers.get("Authorization", "")):
                self._send(HTTPStatus.UNAUTHORIZED, b"a user and password of the platform are required\n", _TEXT)
            elif self.path.partition("?")[0] == "/metrics":
                self._send(HTTPStatus.OK, *exposition(self.headers.get("Accept", "")))
            else:
                self._send(HTTPStatus.NOT_FOUND, b"see /metrics\n", _TEXT)

        def _send(self, status: HTTPStatus, body: bytes, media_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            if status == HTTPStatus.UNAUTHORIZED:
                self.send_header("WWW-Authenticate", CHALLENGE)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing: a scrape every few seconds is no news."""

    Handler(connection, address, cast(BaseServer, None))
