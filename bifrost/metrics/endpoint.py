"""Serves `GET /metrics` on the loopback for programs that have no HTTP server."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Collection
from pathlib import Path

from bifrost.default_settings import LOOPBACK
from bifrost.settings import Settings

REQUEST_S = 5.0
"""How long one read or write of a client may take."""
RETRY_S = 1.0
"""The pause after a connection that could not be accepted."""

_log = logging.getLogger("metrics")


class MetricsEndpoint:
    """A listening port and its thread. What a request needs is imported at the first one, so a start costs nothing."""

    def __init__(self, port: int, allowed_hosts: Collection[str] = (), secure_folder: Path | None = None) -> None:
        """Listen on a port of the loopback; 0 takes a free one.

        Args:
            allowed_hosts: host names beside those of the loopback by which it may be called.
            secure_folder: certificates and passwords of a secured platform, whose callers need TLS and a login.

        Raises:
            OSError: the port is not available.
        """
        self._hosts = frozenset(allowed_hosts)
        self._secure_folder = secure_folder
        self._closed = threading.Event()
        self._listener = socket.create_server((LOOPBACK, port))
        self.port = int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Serve on a thread, which does not keep the program running."""
        threading.Thread(target=self._serve, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._closed.set()
        # A close alone does not wake a thread that waits for a connection.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, address = self._listener.accept()
            except OSError as error:
                if self._closed.is_set():
                    return
                # Too many open files, for example: they may be closed again.
                _log.warning("a request for the metrics failed: %s", error.strerror or error)
                self._closed.wait(RETRY_S)
                continue
            with connection:
                try:
                    self._respond(connection, address)
                except Exception:  # noqa: BLE001 - the top of a thread: the next request may work
                    _log.exception("a request for the metrics failed")

    def _respond(self, connection: socket.socket, address: tuple[str, int]) -> None:
        from bifrost.metrics.metrics_request import respond  # here, so that a start does not wait for the import

        connection.settimeout(REQUEST_S)
        respond(connection, address, self._hosts, self._secure_folder)


def serve_metrics(settings: Settings, port: int | None = None) -> None:
    """Serve the figures of this process on `port`, by default on BIFROST_METRICS_PORT; without either, do nothing.

    A port that is not available is logged: figures must not stop a program.

    Raises:
        SettingError: BIFROST_METRICS_PORT is not a port.
    """
    port = settings.metrics_port if port is None else port
    if port is None:
        return
    try:
        secured = settings.secure_folder if settings.is_secured and settings.target == "embedded" else None
        endpoint = MetricsEndpoint(port, settings.allowed_hosts, secured)
    except OSError as error:
        _log.warning("metrics are not served: port %d: %s", port, error.strerror or error)
        return
    endpoint.start()
