"""The supervisor's control socket: JSON lines in, JSON lines out, on a unix socket that only its owner may open."""

from __future__ import annotations

import json
import os
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bifrost.clients.supervisor import socket_address

IDLE_S = 10.0

RequestHandler = Callable[[str, str], dict[str, Any]]
"""Carries out an action on a component (by name) and returns the response object."""


class ControlServer:
    """Serves the socket within a `with` block; replaces a socket that a killed supervisor left behind."""

    def __init__(self, path: Path, answer: RequestHandler) -> None:
        self._path = path
        self._answer = answer
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)  # a chmod after the fact would leave the socket open to others for a moment
        try:
            with socket_address(self._path) as address:
                self._server = _Server(address, _Connection)
        finally:
            os.umask(before)
        self._server.answer = self._answer
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="control", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
    answer: RequestHandler

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that closed its connection."""


class _Connection(socketserver.StreamRequestHandler):
    timeout = IDLE_S
    server: _Server

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(json.dumps(self._reply(line)).encode() + b"\n")

    def _reply(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            action, name = str(request["action"]), str(request.get("name", ""))
        except (ValueError, KeyError, AttributeError, TypeError):
            return {"error": 'expected {"action": ..., "name": ...}'}
        return {"pid": os.getpid(), **self.server.answer(action, name)}
