"""Responds to one HTTP request of `MetricsEndpoint`."""

from __future__ import annotations

import socket
from collections.abc import Collection
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer
from typing import Any, cast

from bifrost.metrics.exposition import exposition
from bifrost.web.origin_check import OriginRules

_TEXT = "text/plain; charset=utf-8"


def respond(connection: socket.socket, address: tuple[str, int], allowed_hosts: Collection[str]) -> None:
    """Read a request and respond: 200 for `GET /metrics`, 403 for a foreign `Host` or `Origin`, else 404."""
    rules = OriginRules(allowed_hosts)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
            problem = rules.problem({"type": "http", "method": "GET", "headers": headers})
            if problem:
                self._send(HTTPStatus.FORBIDDEN, f"{problem}\n".encode(), _TEXT)
            elif self.path.partition("?")[0] == "/metrics":
                self._send(HTTPStatus.OK, *exposition(self.headers.get("Accept", "")))
            else:
                self._send(HTTPStatus.NOT_FOUND, b"see /metrics\n", _TEXT)

        def _send(self, status: HTTPStatus, body: bytes, media_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing: a scrape every few seconds is no news."""

    # The client may close the connection early.
    with suppress(OSError):
        Handler(connection, address, cast(BaseServer, None))
